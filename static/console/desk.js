// Keys of the service desk: the whole shift without a mouse. `?` shows them.
(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const rows = () => [...document.querySelectorAll("[data-desk-row]")];
  let at = -1;

  const go = (selector) => {
    const hit = $(selector);
    if (hit) hit.click();
    return Boolean(hit);
  };
  const step = (by) => {
    const all = rows();
    if (!all.length) return go(by > 0 ? "[data-desk-after]" : "[data-desk-before]");
    all[at]?.classList.remove("at");
    at = Math.min(Math.max(at + by, 0), all.length - 1);
    all[at].classList.add("at");
    all[at].querySelector("a").focus();
    return true;
  };
  const write = (internal) => {
    const form = $("[data-desk-say]");
    if (!form) return false;
    const box = form.elements.is_internal;
    if (box.checked !== internal) box.click();
    form.elements.text.focus();
    return true;
  };
  const into = (selector, open) => {
    const box = $(selector);
    if (!box) return false;
    if (open) box.open = true;
    box.querySelector("input:not([type=hidden]), select, textarea, button")?.focus();
    return true;
  };
  const choose = () => {
    const box = rows()[at]?.querySelector("input[type=checkbox]");
    if (box) box.checked = !box.checked;
    return Boolean(box);
  };
  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    o: () => {
      const link = rows()[at]?.querySelector("a");
      if (link) link.click();
      return Boolean(link);
    },
    x: choose,
    g: () => go("[data-desk-next]"),
    t: () => go("[data-desk-take]"),
    r: () => write(false),
    n: () => write(true),
    s: () => into("[data-desk-moves]"),
    e: () => into("[data-desk-change]"),
    a: () => into("[data-desk-macros]"),
    c: () => into("[data-desk-amends]", true),
    m: () => into("[data-desk-refund]", true),
    u: () => go("[data-desk-up]"),
    "?": () => go("[data-open='desk-keys']"),
  };

  // answers ready to be sent: "/" in an empty answer opens them, typing narrows, Enter takes the first
  const replies = () => $("[data-desk-replies]");
  const insert = (button) => {
    const text = $("[data-desk-say]").elements.text;
    text.value = [text.value.trim(), button.dataset.deskInsert].filter(Boolean).join("\n");
    replies().open = false;
    text.focus();
  };
  const narrow = (find) => {
    const wanted = find.value.trim().toLowerCase();
    for (const item of replies().querySelectorAll("li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-desk-insert]");
    if (button) insert(button);
  });
  document.addEventListener("input", (event) => event.target.matches("[data-desk-find]") && narrow(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.("[data-words]") && event.key === "/" && !event.target.value && replies()) {
      event.preventDefault();
      replies().open = true;
      const find = $("[data-desk-find]");
      find.value = "";
      narrow(find);
      find.focus();
    } else if (event.target.matches?.("[data-desk-find]") && event.key === "Enter") {
      event.preventDefault();
      const first = replies().querySelector("li:not([hidden]) button");
      if (first) insert(first);
    }
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target.matches?.("input, textarea, select, [contenteditable]");
    if (field && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.target.form?.requestSubmit();
      return;
    }
    if (field && event.key === "Escape") event.target.blur();
    const tick = event.target.matches?.("input[type=checkbox]");
    if ((field && !tick) || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (KEYS[event.key]?.()) event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-desk-all]"))
      for (const box of document.querySelectorAll("[data-desk-list] [name=ticket]")) box.checked = event.target.checked;
  });
})();
