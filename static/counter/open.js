// Who was at this till a moment ago, for a page that is loaded anew while the network is away: the number of the shift, no name, for as
// long as the till would have stayed open. Locked, by hand or by the clock, it is gone: only the server can open a till. That it was locked
// is kept too, until a PIN opens it: without a network the server did not hear of it.
(() => {
  "use strict";
  const NAME = "siyu-till-open", LOCKED = "siyu-till-locked";
  const till = (window.siyuTill = window.siyuTill || {});
  const keep = (shift) => { try { sessionStorage.setItem(NAME, JSON.stringify({ shift, at: Date.now() })); } catch { /* no room: it opens with the network */ } };
  const drop = () => { try { sessionStorage.removeItem(NAME); } catch { /* as above */ } };
  const recall = (seconds) => {
    try {
      const { shift, at } = JSON.parse(sessionStorage.getItem(NAME));
      return Math.abs(Date.now() - at) < seconds * 1000 ? String(shift) : "";
    } catch { return ""; }
  };
  const lock = () => { drop(); try { localStorage.setItem(LOCKED, "1"); } catch { /* as above */ } };
  const unlock = () => { try { localStorage.removeItem(LOCKED); } catch { /* as above */ } };
  const isLocked = () => { try { return localStorage.getItem(LOCKED) === "1"; } catch { return false; } };
  addEventListener("load", () => {
    const worker = document.getElementById("till")?.dataset.worker;
    if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker).catch(() => {});
  });
  till.open = { keep, lock, unlock, isLocked, recall };
})();
