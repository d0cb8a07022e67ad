// What every console page does: search focus, menus, theme, copying, dialogs, toasts, CSV of a table twin.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, selector, act) =>
    document.addEventListener(type, (event) => {
      const hit = event.target.closest?.(selector);
      if (hit) act(hit, event);
    });

  // ⌘K or Ctrl-K goes to the search; "/" does too outside of fields
  const isApple = /Mac|iP(hone|ad)/.test(navigator.platform);
  document.addEventListener("keydown", (event) => {
    const field = event.target.matches?.("input, textarea, select, [contenteditable]");
    const wanted = (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey)) || (event.key === "/" && !field);
    const find = wanted && $("[data-find]");
    if (find) {
      event.preventDefault();
      find.focus();
      find.select();
    }
    if (event.key === "Escape") {
      const open = $("details.c-menu[open]");
      if (open) {
        open.open = false;
        $("summary", open).focus();
      }
    }
  });

  // what was found is chosen with the arrow keys while the cursor stays in the field
  const found = (field) => all("[role=option]", field.form);
  const choose = (field, chosen) => {
    for (const one of found(field)) one.setAttribute("aria-selected", String(one === chosen));
    if (chosen) {
      field.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  };
  const shut = (field) => {
    $("#found").replaceChildren();
    field.setAttribute("aria-expanded", "false");
    choose(field, null);
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!field.matches?.("[data-find]") || event.isComposing) return;
    const options = found(field);
    const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) {
      event.preventDefault();
      choose(field, options[at < 0 && step < 0 ? options.length - 1 : (at + step + options.length) % options.length]);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      options[at].click();
    } else if (event.key === "Escape") shut(field);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const field = event.target.id === "found" && $("[data-find]");
    if (!field) return;
    field.setAttribute("aria-expanded", String(found(field).length > 0));
    choose(field, null);
  });
  document.addEventListener("focusout", (event) => {
    const form = event.target.closest?.(".c-find");
    if (form && event.relatedTarget && !form.contains(event.relatedTarget)) shut($("[data-find]", form));
  });
  // Enter opens a page where nothing but pages was found; else it searches members further
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".c-find")) return;
    const options = found($("[data-find]", event.target));
    const opens = options.length && options.every((one) => one.id.startsWith("found-p"));
    if (opens || !event.target.hasAttribute("action")) event.preventDefault();
    if (opens) options[0].click();
  });

  document.addEventListener("click", (event) => {
    for (const menu of all("details.c-menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // theme: a cookie, so that the server draws the first frame right
  const root = document.documentElement;
  const showTheme = () => {
    const theme = /(?:^|; )theme=(light|dark)/.exec(document.cookie)?.[1] || "";
    for (const button of all("[data-theme-pin]")) button.setAttribute("aria-pressed", String(button.dataset.themePin === theme));
  };
  on("click", "[data-theme-pin]", (button) => {
    const theme = button.dataset.themePin;
    document.cookie = `theme=${theme};path=/;max-age=${theme ? 31536000 : 0};samesite=lax`;
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    if (root.hasAttribute("x-data")) return location.reload(); // record tables: the server sets their class
    showTheme();
  });

  on("click", "[data-copy]", async (button) => {
    const text = $("[data-copy-text]", button.parentElement)?.textContent.trim();
    if (!text) return;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = before), 2000);
    } catch {
      getSelection().selectAllChildren($("[data-copy-text]", button.parentElement));
    }
  });

  on("click", "[data-open]", (button) => document.getElementById(button.dataset.open)?.showModal());
  on("click", "[data-shut]", (button) => button.closest("dialog")?.close());
  on("click", "dialog", (dialog, event) => event.target === dialog && dialog.close());

  // one more row of a set, from its template
  on("click", "[data-more]", (button) => {
    const name = button.dataset.more;
    const total = $(`[name="${name}-TOTAL_FORMS"]`, button.form);
    const most = $(`[name="${name}-MAX_NUM_FORMS"]`, button.form);
    if (Number(total.value) >= Number(most.value)) return;
    const rows = $(`[data-rows="${name}"]`, button.form);
    rows.insertAdjacentHTML("beforeend", $(`template[data-row="${name}"]`, button.form).innerHTML.replaceAll("__prefix__", total.value));
    total.value = Number(total.value) + 1;
    $("input, select", rows.lastElementChild)?.focus();
  });

  on("change", "[data-submit]", (field) => field.form?.requestSubmit());
  on("click", "[data-fill-name]", (button) => {
    $("#id_username").value = button.dataset.fillName;
    $("#id_password").value = button.dataset.fillWord;
    $("#id_password").focus();
  });

  // a toast leaves after its seconds; they stand still while it is pointed at, focused, or the page is hidden
  const watchToast = (toast) => {
    let left = Number(toast.dataset.toast);
    if (!left || toast.dataset.on) return;
    toast.dataset.on = "1";
    const shown = $("[data-left]", toast);
    const tick = () => {
      if (shown) shown.textContent = ` ${left} s`;
      if (!toast.isConnected) return clearInterval(timer);
      if (document.hidden || toast.matches(":hover, :focus-within")) return;
      if (left-- <= 0) toast.remove();
    };
    const timer = setInterval(tick, 1000);
    tick();
  };
  on("click", "[data-close]", (button) => button.closest("[data-toast]")?.remove());

  // CSV of the table twin, for charts without a file of their own; a leading = + - @ cannot become a formula
  const csvOf = (table) =>
    all("tr", table)
      .map((row) =>
        [...row.cells]
          .map((cell) => {
            const text = cell.textContent.trim();
            const safe = /^[=@\t\r]|^[+-](?![\d.,]+%?$)/.test(text) ? `'${text}` : text;
            return `"${safe.replace(/"/g, '""')}"`;
          })
          .join(","),
      )
      .join("\r\n");
  on("click", "[data-csv]", (button) => {
    const table = $("[data-csv-table]", button.closest("figure"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", csvOf(table)], { type: "text/csv" }));
    link.download = button.dataset.csv;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  const dress = (node) => {
    all("[data-csv], [data-more]", node).forEach((button) => (button.hidden = false));
    all("[data-newest]", node).forEach((picture) => (picture.scrollLeft = picture.scrollWidth));
    all("[data-toast]", node).forEach(watchToast);
    if (node.matches?.("[data-toast]")) watchToast(node);
  };
  const ready = () => {
    showTheme();
    dress(document);
    if (!isApple) all(".c-find kbd").forEach((key) => (key.textContent = "Ctrl K"));
    const here = $(".c-nav [aria-current]");
    if (here && here.parentElement.scrollWidth > here.parentElement.clientWidth) here.parentElement.scrollLeft = here.offsetLeft - 80;
    new MutationObserver((changes) =>
      changes.forEach((change) => change.addedNodes.forEach((node) => node.nodeType === 1 && dress(node))),
    ).observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
