// The desk while one looks: what others write, who else is there, clocks that run. A socket where there is one, asking now and then where not.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const POLL = 10000; // without a socket
  const REST = 60000; // with one: look anyway now and then
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";

  // clocks: hours and minutes left, or since when it is late
  const clocks = () => {
    for (const clock of document.querySelectorAll("[data-due]")) {
      const minutes = Math.floor((new Date(clock.dataset.due) - Date.now()) / 60000);
      const all = Math.abs(minutes);
      clock.textContent = `${minutes < 0 ? "−" : ""}${Math.floor(all / 60)}:${String(all % 60).padStart(2, "0")}`;
    }
  };
  clocks();
  setInterval(clocks, 15000);

  const open = (path, hear) => {
    let socket = null;
    let pause = 1000;
    const begin = () => {
      socket = new WebSocket(`${scheme}//${location.host}${path}`);
      socket.onopen = () => (pause = 1000);
      socket.onmessage = (event) => hear(JSON.parse(event.data));
      socket.onclose = (event) => {
        if (event.code >= 4400) return; // not ours to see
        setTimeout(begin, pause);
        pause = Math.min(pause * 2, 60000);
      };
    };
    if ("WebSocket" in window) begin();
    const isOpen = () => socket?.readyState === 1; // a browser without sockets asks now and then instead
    return { isOpen, say: (said) => isOpen() && socket.send(JSON.stringify(said)) };
  };

  const news = $("[data-desk-news]");
  if (news) {
    const link = $("a", news);
    const show = () => (link.hidden = false);
    const rows = (page) =>
      [...page.querySelectorAll("[data-desk-row]")].map((row) => {
        const words = row.cloneNode(true);
        for (const clock of words.querySelectorAll("[data-due]")) clock.remove();
        return words.textContent;
      }).join();
    const shown = rows(document);
    const socket = open("/ws/desk/", (said) => said.news && show());
    const look = async () => {
      const answer = socket.isOpen() ? null : await fetch(link.href, { credentials: "same-origin" }).catch(() => null);
      if (answer?.ok && !answer.redirected && rows(new DOMParser().parseFromString(await answer.text(), "text/html")) !== shown) show();
      else setTimeout(look, POLL);
    };
    setTimeout(look, POLL);
  }

  const live = $("[data-desk-live]");
  if (!live) return;
  const here = new Map();
  const typing = new Map();
  const tell = () => {
    const words = [];
    if (typing.size) words.push(live.dataset.typing.replace("{0}", [...typing.keys()].join(", ")));
    if (here.size) words.push(live.dataset.here.replace("{0}", [...here.keys()].join(", ")));
    live.textContent = words.join(" · ");
  };
  const refresh = async () => {
    const answer = await fetch(live.dataset.page, { credentials: "same-origin", headers: { "X-Requested-With": "fetch" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["[data-desk-thread]", "[data-desk-lede]", "[data-desk-life]"]) {
      const now = $(part);
      const next = $(part, page);
      if (now && next && now.innerHTML !== next.innerHTML) now.innerHTML = next.innerHTML;
    }
    const seen = $("[data-desk-say] [name=seen]");
    if (seen) seen.value = $("[data-desk-say] [name=seen]", page)?.value ?? seen.value;
    const box = $("[data-desk-state]");
    box.dataset.deskState = $("[data-desk-state]", page)?.dataset.deskState ?? "";
    clocks();
  };
  const socket = open(live.dataset.deskLive, (said) => {
    if (said.changed) refresh();
    if (said.here) here.set(said.here, 1);
    if (said.left) {
      here.delete(said.left);
      typing.delete(said.left);
    }
    if (said.typing) {
      clearTimeout(typing.get(said.typing));
      typing.delete(said.typing);
      if (said.on)
        typing.set(said.typing, setTimeout(() => (typing.delete(said.typing), tell()), 8000));
    }
    tell();
  });
  const ask = async () => {
    const box = $("[data-desk-state]");
    const answer = await fetch(live.dataset.state, { credentials: "same-origin" }).catch(() => null);
    if (answer?.ok && !answer.redirected && (await answer.text()) !== box.dataset.deskState) await refresh();
    setTimeout(ask, socket.isOpen() ? REST : POLL);
  };
  setTimeout(ask, POLL);

  let told = 0;
  $("[data-words]")?.addEventListener("input", (event) => {
    const now = Date.now();
    if (now - told > 3000 || !event.target.value) {
      told = event.target.value ? now : 0;
      socket.say({ typing: Boolean(event.target.value) });
    }
  });
})();
