// The member code on an open page: counted down from the server's answer, renewed before its end, gone when it is over, and what came
// of it. The phone's own clock says nothing: only how much time has passed counts.
(() => {
  "use strict";
  const card = document.querySelector(".p-mycode");
  if (!card) return;
  const find = (selector) => card.querySelector(selector);
  const first = find("#code-now").dataset.code;
  const EVERY = 2_000, PATIENCE = 8_000, AT_MOST = 600_000;
  let now, asking = false, again = 0, isRead = false, lost = false;

  // Counted from when the question left, so that time on the way ends a code sooner, never later.
  const begin = (mono, wall) => {
    const box = find("#code-now");
    now = { mono, wall, life: Number(box.dataset.life), refresh: Number(box.dataset.refresh) };
    card.dataset.codes = String(Number(card.dataset.codes || 0) + 1);
  };
  // A phone that slept, or whose clock was set: one of the two may have stood still, so the one that is further on counts.
  const age = () => Math.max(performance.now() - now.mono, Date.now() - now.wall);

  const get = async (address) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const answer = await fetch(address, { signal: stop.signal });
      if (answer.redirected || answer.status === 403) location.reload(); // nobody is logged in any more
      return { status: answer.status, text: await answer.text() };
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  };

  const put = (there, text) => {
    const box = document.createElement("template");
    box.innerHTML = text;
    there.replaceWith(box.content.firstElementChild);
  };

  const ask = async () => {
    if (asking || isRead || performance.now() < again) return;
    asking = true;
    const mono = performance.now(), wall = Date.now();
    const answer = await get(card.dataset.next);
    asking = false;
    if (isRead) return;
    lost = answer === null;
    again = answer?.status === 200 ? 0 : performance.now() + EVERY;
    if (answer?.status === 200) {
      put(find("#code-now"), answer.text);
      begin(mono, wall);
    }
    tick();
  };

  const tick = () => {
    if (isRead) return;
    const passed = age(), left = Math.max(0, now.refresh - passed);
    const isOffline = lost || navigator.onLine === false, isOver = passed >= now.life;
    card.classList.toggle("is-over", isOver || document.visibilityState !== "visible");
    find(".p-over").hidden = !isOver;
    for (const part of card.querySelectorAll("[data-over]")) part.hidden = (part.dataset.over === "offline") !== isOffline;
    find(".p-offline span").hidden = !isOffline || isOver;
    find(".p-left").hidden = isOffline;
    find("[data-left]").textContent = String(Math.ceil(left / 1000));
    find(".ring .left").setAttribute("stroke-dashoffset", String(60 - (60 * left) / now.refresh));
    if (!left && document.visibilityState === "visible") ask();
  };

  const look = async () => {
    if (document.visibilityState === "visible") {
      const answer = await get(`${card.dataset.result}?code=${first}`);
      if (answer?.status === 200) tell(answer.text);
      if (answer && !isRead && lost && !asking) again = 0;
    }
    if (performance.now() < AT_MOST || !isRead) setTimeout(look, EVERY);
  };
  let told = "";
  const tell = (text) => {
    if (text === told) return;
    told = text;
    if (!isRead) {
      isRead = true;
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(80);
      for (const part of document.querySelectorAll("[data-unread]")) part.hidden = true;
    }
    put(document.getElementById("code-read") || card, text);
    document.querySelector("[data-code-said]").textContent = document.getElementById("code-read").dataset.said;
  };

  const opened = performance.getEntriesByType("navigation")[0]?.requestStart || 0;
  begin(opened, Date.now() - (performance.now() - opened));
  document.addEventListener("visibilitychange", tick); // a code of before is not even seen for a moment
  addEventListener("pageshow", tick);
  for (const name of ["online", "offline"])
    addEventListener(name, () => {
      again = 0;
      if (name === "online") lost = false;
      tick();
    });
  setInterval(tick, 250);
  setTimeout(look, EVERY);
  tick();
  navigator.wakeLock?.request("screen").catch(() => {});
})();
