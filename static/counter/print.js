// A slip goes to the printer: 58 mm wide, and as long as what stands on it, so that no paper is wasted.
(() => {
  "use strict";
  const MARGIN = 2, LEAST = 40, PER_MM = 96 / 25.4;
  const page = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, page];
  const fit = () => {
    const slip = document.querySelector(".t-slip");
    if (!slip) return;
    const copy = slip.cloneNode(true);
    copy.classList.add("t-measure");
    slip.after(copy);
    const long = Math.ceil(copy.getBoundingClientRect().height / PER_MM) + 2 * MARGIN + 1;
    copy.remove();
    page.replaceSync(`@page { size: 58mm ${Math.max(long, LEAST)}mm; margin: ${MARGIN}mm; }`);
  };
  addEventListener("beforeprint", fit);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) { fit(); window.print(); } });
})();
