// What the member's pages do beyond HTML: the code's timer, drafts, theme, what was seen, the service worker.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = document.body;

  // six digits: what is pasted or filled in may carry blanks or words around it
  for (const field of all("[data-code]")) {
    field.addEventListener("paste", (event) => {
      const digits = event.clipboardData.getData("text").replace(/\D/g, "").slice(0, 6);
      if (!digits) return;
      event.preventDefault();
      field.value = digits;
    });
    field.addEventListener("input", () => {
      const digits = field.value.replace(/\D/g, "").slice(0, 6);
      if (digits !== field.value) field.value = digits;
    });
  }

  // the wait before another code, in words; without a script the server says how long
  for (const button of all("[data-wait]")) {
    const words = button.textContent;
    let left = Number(button.dataset.wait);
    const tick = () => {
      button.disabled = left > 0;
      button.textContent = left > 0 ? button.dataset.waiting.replace("00", String(left)) : words;
      if (left-- <= 0) clearInterval(timer);
    };
    const timer = setInterval(tick, 1000);
    tick();
  }

  // a form that was left half-filled is there again, in this tab only, until it is sent
  for (const form of all("form[data-draft]")) {
    const key = `draft:${form.dataset.draft}`;
    const fields = () => [...form.elements].filter((field) => field.name && field.type !== "hidden" && field.type !== "submit");
    const kept = JSON.parse(sessionStorage.getItem(key) || "null");
    if (kept && !form.querySelector("[aria-invalid=true]"))
      for (const field of fields()) {
        if (!(field.name in kept)) continue;
        if (field.type === "radio" || field.type === "checkbox") field.checked = kept[field.name] === field.value;
        else field.value = kept[field.name];
      }
    form.addEventListener("input", () => {
      const now = {};
      for (const field of fields()) {
        if (field.type === "radio" || field.type === "checkbox") now[field.name] = field.checked ? field.value : now[field.name] ?? "";
        else now[field.name] = field.value;
      }
      sessionStorage.setItem(key, JSON.stringify(now));
    });
    form.addEventListener("submit", () => sessionStorage.removeItem(key));
  }
  for (const form of all("form[data-forget]")) form.addEventListener("submit", () => sessionStorage.clear());

  // a picture is sent as soon as it is chosen
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-send]") && event.target.files.length) event.target.form.requestSubmit();
  });

  // one tap, one act: a second tap on the same button does nothing until the answer is there
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) return event.preventDefault();
    if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) event.target.dataset.sent = "1";
  });
  addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

  // a file that comes once: a little later the page says that it was fetched
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-download]")) setTimeout(() => location.reload(), 4000);
  });

  // light, dark, or as the phone has it: a cookie, so that the first frame is right
  const root = document.documentElement;
  const showTheme = () => {
    const theme = /(?:^|; )theme=(light|dark)/.exec(document.cookie)?.[1] || "";
    for (const button of all("[data-theme-pin]")) button.setAttribute("aria-pressed", String(button.dataset.themePin === theme));
  };
  document.addEventListener("click", (event) => {
    const pin = event.target.closest("[data-theme-pin]");
    if (pin) {
      const theme = pin.dataset.themePin;
      document.cookie = `theme=${theme};path=/;max-age=${theme ? 31536000 : 0};samesite=lax`;
      if (theme) root.dataset.theme = theme;
      else delete root.dataset.theme;
      showTheme();
    }
    event.target.closest("[data-toast-close]")?.closest(".p-toast").remove();
  });
  for (const part of all("[data-scripted]")) part.hidden = false;
  showTheme();

  // what was seen, told once the page is left or hidden; never more than a name
  const told = [];
  const see = (name, properties) =>
    told.push({ event_id: crypto.randomUUID(), name, occurred_at: new Date().toISOString(), properties });
  const tell = () => {
    if (!told.length || !body.dataset.events) return;
    const form = new FormData();
    form.set("csrfmiddlewaretoken", body.dataset.token);
    form.set("events", JSON.stringify(told.splice(0)));
    form.set("sent_at", new Date().toISOString());
    navigator.sendBeacon(body.dataset.events, form);
  };
  if (body.dataset.path && self.crypto?.randomUUID) see("page_viewed", { path: body.dataset.path });
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && tell());
  addEventListener("pagehide", tell);

  // the language is part of the worker's address: changing it fetches the offline page in the other one
  if ("serviceWorker" in navigator && body.dataset.worker)
    addEventListener("load", () => navigator.serviceWorker.register(body.dataset.worker).catch(() => {}));
})();
