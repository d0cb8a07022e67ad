// A scanner types wherever the focus is: bring its letters into the field. Typed in another field they stay there.
(() => {
  "use strict";
  const field = document.querySelector("[data-scan]");
  if (!field) return;
  document.addEventListener("keydown", (event) => {
    const typed = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (typed && event.key !== " " && !event.target.matches?.("input, select, textarea")) field.focus();
  });
  window.addEventListener("pageshow", () => field.focus());
})();
