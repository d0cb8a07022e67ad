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

  // a form that was left half-filled is there again, in this tab only, until an answer to it has come
  if (body.dataset.path && sessionStorage.getItem("sent")) {
    sessionStorage.removeItem(sessionStorage.getItem("sent"));
    sessionStorage.removeItem("sent");
  }
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
    form.addEventListener("submit", () => sessionStorage.setItem("sent", key));
  }
  for (const form of all("form[data-forget]")) form.addEventListener("submit", () => setTimeout(() => sessionStorage.clear()));

  // without a connection nothing is sent, and the page with what was typed stays
  const sayOffline = () => {
    const note = document.getElementById("offline-note");
    if (!note || document.querySelector("[data-offline-note]")) return;
    body.append(note.content.cloneNode(true));
  };
  addEventListener("online", () => {
    document.querySelector("[data-offline-note]")?.remove();
    look();
  });
  // the offline page goes on by itself as soon as the server answers; asking is no navigation, so the worker stays out of it
  const look = () => {
    if (body.hasAttribute("data-offline") && document.visibilityState === "visible" && location.pathname !== body.dataset.offline)
      fetch(location.href, { method: "HEAD", cache: "no-store" }).then(() => location.reload(), () => {});
  };
  if (body.hasAttribute("data-offline")) setInterval(look, 4000);

  // a picture is sent as soon as it is chosen
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-send]") && event.target.files.length) event.target.form.requestSubmit();
  });

  // one tap, one act: a second tap on the same button does nothing until the answer is there
  document.addEventListener("submit", (event) => {
    if (event.target.method === "post" && navigator.onLine === false) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return sayOffline();
    }
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

  // what was seen, told once the page is left or hidden; never more than a name and for how long it was looked at
  const told = [];
  let looked = 0, since = document.visibilityState === "visible" ? performance.now() : null;
  const random = () => {
    if (crypto.randomUUID) return crypto.randomUUID(); // older WebViews, and pages without TLS, have none
    const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte, place) =>
      (place === 6 ? (byte & 15) | 64 : place === 8 ? (byte & 63) | 128 : byte).toString(16).padStart(2, "0"),
    );
    return hex.join("").replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };
  const see = (name, properties) => {
    const event = { event_id: random(), name, occurred_at: new Date().toISOString(), properties };
    told.push(event);
    return event;
  };
  let page = body.dataset.path && body.dataset.events && see("page_viewed", { path: body.dataset.path });
  if (page && body.dataset.seen) see(body.dataset.seen, JSON.parse(body.dataset.seenAs || "{}"));
  // Kept in this tab until the server has said that it came: what is sent while a page goes away may be lost on the way. A repeat
  // is known by its id and counts once.
  const kept = () => JSON.parse(sessionStorage.getItem("told") || "[]");
  const keep = (events) => sessionStorage.setItem("told", JSON.stringify(events.slice(-50)));
  const send = () => {
    const events = kept();
    if (!events.length || !body.dataset.events) return;
    const form = new FormData();
    form.set("csrfmiddlewaretoken", body.dataset.token);
    form.set("events", JSON.stringify(events));
    form.set("sent_at", new Date().toISOString());
    const sent = new Set(events.map((event) => event.event_id));
    const came = ({ status }) => status !== 403 && keep(kept().filter((event) => !sent.has(event.event_id)));
    fetch(body.dataset.events, { method: "POST", body: form, keepalive: true }).then(came, () => {});
  };
  const tell = () => {
    if (since !== null) looked += performance.now() - since;
    since = null;
    if (!told.length) return;
    if (told.includes(page)) page.properties.seconds = Math.min(86400, Math.round(looked / 1000));
    keep([...kept(), ...told.splice(0)]);
    send();
  };
  addEventListener("load", send);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") tell();
    else since = performance.now();
  });
  addEventListener("pagehide", tell);
  addEventListener("pageshow", (event) => {
    if (event.persisted && page) page = see("page_viewed", { path: body.dataset.path });
  });
  // before a log-in or log-out changes who speaks
  document.addEventListener("submit", (event) => event.target.method === "post" && !event.target.hasAttribute("hx-post") && tell());

  // rows that came for a tap: whoever pressed goes on at the first new one, and hears that they are there
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target?.id === "more") detail.target.parentElement.dataset.grown = detail.target.parentElement.children.length - 1;
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const list of all("[data-grown]")) {
      list.children[Number(list.dataset.grown)]?.focus();
      delete list.dataset.grown;
    }
  });
  document.addEventListener("htmx:sendError", sayOffline);

  // What changes by itself while the page is open: asked for every four seconds, seldom after ten minutes, never while hidden. Parts
  // are exchanged by their id, and what changed is said; where nothing did, the answer is an empty 304.
  const live = document.querySelector("[data-live]");
  if (live) {
    let next;
    const put = (text) => {
      const box = document.createElement("template");
      box.innerHTML = text;
      for (const part of [...box.content.children]) {
        const there = document.getElementById(part.id);
        if (!there || there.isEqualNode(part) || there.contains(document.activeElement)) continue;
        there.replaceWith(part);
        part.classList.add("p-fresh");
        if (part.dataset.said) document.querySelector("[data-live-said]").textContent = part.dataset.said;
      }
    };
    const ask = async () => {
      clearTimeout(next);
      if (document.visibilityState !== "visible") return;
      const answer = await fetch(live.dataset.live).catch(() => null);
      if (answer?.redirected || answer?.status === 403) return; // nobody is logged in any more
      if (answer?.ok) put(await answer.text());
      clearTimeout(next);
      next = setTimeout(ask, performance.now() < 600_000 ? 4_000 : 30_000);
    };
    next = setTimeout(ask, 4_000);
    document.addEventListener("visibilitychange", ask);
  }

  // the language is part of the worker's address: changing it fetches the offline page in the other one
  if ("serviceWorker" in navigator && body.dataset.worker)
    addEventListener("load", () => navigator.serviceWorker.register(body.dataset.worker).catch(() => {}));
})();
