// The camera: read by the browser where it can, else a frame at a time by the server. Photos always by the server. It is let go when the
// dialog closes, the till locks, or nobody sees the page.
(() => {
  "use strict";
  const EVERY = 400; // ms between frames
  const SIDE = 1000; // pixels of a frame that is sent
  const till = (window.siyuTill = window.siyuTill || {});
  const dialog = document.getElementById("camera");
  if (!dialog) return;
  const video = dialog.querySelector("video"), torch = dialog.querySelector("[data-torch]"), photo = dialog.querySelector("[data-photo]");
  const says = dialog.querySelector("[data-state]");
  let stream = null, timer = 0, isLit = false, opening = 0;

  const release = () => {
    opening += 1; // a camera that is granted later is let go at once
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    isLit = false;
    torch.hidden = true;
    torch.setAttribute("aria-pressed", "false");
  };
  const stop = () => { release(); if (dialog.open) dialog.close(); };
  const frame = () => new Promise((done) => {
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    if (!canvas.width) return done(null);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas.toBlob(done, "image/jpeg", 0.85);
  });
  const look = async (detector, now) => {
    if (!stream || now !== opening) return;
    try {
      if (detector) {
        const found = await detector.detect(video);
        if (found.length && now === opening) { stop(); till.scanned(found[0].rawValue); return; }
      } else {
        const picture = await frame();
        if (picture && now === opening && await till.pictured(picture, true)) { stop(); return; }
      }
    } catch { /* the next frame */ }
    if (now === opening) timer = setTimeout(() => look(detector, now), EVERY);
  };
  const reader = async () => {
    const kinds = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
    return kinds.includes("qr_code") ? new BarcodeDetector({ formats: kinds }) : null;
  };
  const open = async () => {
    release();
    const now = opening;
    says.textContent = says.dataset.ready;
    if (!dialog.open) dialog.showModal();
    let found = null;
    try {
      found = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } } });
    } catch { if (now === opening) { video.hidden = true; says.textContent = says.dataset.none; } return; }
    if (now !== opening || !dialog.open) { found.getTracks().forEach((track) => track.stop()); return; }
    stream = found;
    video.hidden = false;
    video.srcObject = stream;
    try { await video.play(); } catch { /* it was closed meanwhile */ }
    const detector = await reader();
    if (now !== opening) return;
    torch.hidden = !stream.getVideoTracks()[0].getCapabilities?.().torch;
    look(detector, now);
  };
  torch.addEventListener("click", async () => {
    isLit = !isLit;
    try { await stream?.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: isLit }] }); } catch { isLit = false; }
    torch.setAttribute("aria-pressed", String(isLit));
  });
  photo.addEventListener("change", async () => {
    const picture = photo.files[0];
    photo.value = "";
    stop();
    if (picture) await till.photographed(picture);
  });
  dialog.addEventListener("close", release);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") stop(); });
  addEventListener("pagehide", stop);
  till.camera = { open: async () => { if (!await till.wechat?.scan()) await open(); }, stop };
})();
