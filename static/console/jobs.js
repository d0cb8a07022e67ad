// Progress of long work. <section data-job="job_…" data-poll="/console/jobs/job_…/progress"> is refilled from data-poll
// whenever the socket says that the job moved, and every few seconds where there is no socket.
(() => {
  "use strict";
  const SOCKET_REST = 15000; // with a socket: look anyway now and then
  const POLL = 2000;

  const watch = (box) => {
    let timer = 0;
    let loading = false;
    let again = false;
    let socket = null;
    const isLive = () => box.isConnected && box.dataset.live !== "no";
    const plan = () => {
      clearTimeout(timer);
      if (isLive()) timer = setTimeout(load, socket?.readyState === WebSocket.OPEN ? SOCKET_REST : POLL);
      else socket?.close();
    };
    const load = async () => {
      if (loading) return void (again = true);
      loading = true;
      try {
        const answer = await fetch(box.dataset.poll, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
        if (answer.ok && answer.headers.get("Content-Type")?.startsWith("text/html") && !answer.redirected) {
          const held = box.contains(document.activeElement) && document.activeElement.closest("form")?.getAttribute("action");
          box.dataset.live = answer.headers.get("X-Job-Live") || "yes";
          if (!isLive()) box.setAttribute("aria-live", "polite"); // only the end is read out
          box.innerHTML = await answer.text();
          if (held) box.querySelector(`form[action="${CSS.escape(held)}"] button`)?.focus();
        }
      } catch {
        // the network is away: the next turn tries again
      }
      loading = false;
      if (again) {
        again = false;
        return load();
      }
      plan();
    };
    if (box.dataset.job && "WebSocket" in window) {
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      socket = new WebSocket(`${scheme}//${location.host}/ws/jobs/${encodeURIComponent(box.dataset.job)}/`);
      socket.onmessage = load;
      socket.onclose = socket.onopen = plan;
    }
    plan();
  };

  const start = () => document.querySelectorAll("[data-poll]").forEach(watch);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
