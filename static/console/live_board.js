// A live board: figures that the socket brings, a clock that runs here. Without a socket it looks again now and then.
(() => {
  "use strict";
  const board = document.querySelector("[data-live-board]");
  if (!board) return;
  const POLL = 5000;
  const MOST = 60000;
  const whole = new Intl.NumberFormat("en");
  const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2 });

  const clock = board.querySelector("[data-clock]");
  const tick = () => {
    const begins = new Date(board.dataset.began || board.dataset.starts) - Date.now();
    const seconds = Math.floor(Math.abs(begins) / 1000);
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    clock.textContent = parts.map((part) => String(part).padStart(2, "0")).join(":");
  };
  if (clock) {
    tick();
    setInterval(tick, 1000);
  }

  const show = (figures) => {
    for (const place of board.querySelectorAll("[data-fig]")) {
      const value = figures[place.dataset.fig];
      const text = place.dataset.fig === "net_cents" ? `¥${money.format(value / 100)}` : whole.format(value);
      if (place.textContent !== text) place.textContent = text;
    }
    const most = Math.max(1, ...figures.minutes);
    board.querySelectorAll("[data-bars] rect").forEach((bar, place) => {
      const height = (40 * figures.minutes[place]) / most;
      bar.setAttribute("height", height);
      bar.setAttribute("y", 40 - height);
    });
    if (figures.state !== board.dataset.state) location.reload();
  };

  let pause = 1000;
  let socket = null;
  const listen = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${scheme}//${location.host}${board.dataset.liveBoard}`);
    socket.onopen = () => (pause = 1000);
    socket.onmessage = (event) => show(JSON.parse(event.data).figures);
    socket.onclose = (event) => {
      if (event.code >= 4400) return; // not ours to see
      setTimeout(listen, pause);
      pause = Math.min(pause * 2, MOST);
    };
  };
  if ("WebSocket" in window) listen();
  const ask = async () => {
    if (socket?.readyState !== 1) {
      const answer = await fetch(board.dataset.figures, { credentials: "same-origin" }).catch(() => null);
      if (answer?.ok && !answer.redirected) show(await answer.json());
    }
    setTimeout(ask, POLL);
  };
  setTimeout(ask, POLL);
})();
