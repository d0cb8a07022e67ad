// The camera: read by the browser where it can, else a frame at a time by the server. Photos always by the server.
(() => {
  "use strict";
  const EVERY = 400; // ms between frames
  const SIDE = 1000; // pixels of a frame that is sent
  const till = (window.siyuTill = window.siyuTill || {});
  const dialog = document.getElementById("camera");
  if (!dialog) return;
  const video = dialog.querySelector("video"), torch = dialog.querySelector("[data-torch]"), photo = dialog.querySelector("[data-photo]");
  let stream = null, timer = 0, isLit = false;

  const stop = () => {
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    isLit = false;
    if (dialog.open) dialog.close();
  };
  const frame = () => new Promise((done) => {
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    if (!canvas.width) return done(null);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas.toBlob(done, "image/jpeg", 0.8);
  });
  const look = async (detector) => {
    if (!stream) return;
    try {
      if (detector) {
        const found = await detector.detect(video);
        if (found.length) { stop(); till.scanned(found[0].rawValue); return; }
      } else {
        const picture = await frame();
        if (picture && await till.pictured(picture, true)) { stop(); return; }
      }
    } catch { /* the next frame */ }
    timer = setTimeout(() => look(detector), EVERY);
  };
  const open = async () => {
    dialog.showModal();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch { video.hidden = true; return; }
    video.hidden = false;
    video.srcObject = stream;
    await video.play();
    torch.hidden = !stream.getVideoTracks()[0].getCapabilities?.().torch;
    const kinds = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
    look(kinds.includes("qr_code") ? new BarcodeDetector({ formats: kinds }) : null);
  };
  torch.addEventListener("click", () => {
    isLit = !isLit;
    stream?.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: isLit }] });
  });
  photo.addEventListener("change", async () => {
    const picture = photo.files[0];
    photo.value = "";
    stop();
    if (picture) await till.pictured(picture, false);
  });
  dialog.addEventListener("close", stop);
  till.camera = { open, stop };
})();
