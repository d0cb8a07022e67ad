// Contrast of token pairs as this browser computes them, for the style page.
(() => {
  "use strict";
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const measure = () => {
    for (const pair of document.querySelectorAll(".st-pair")) {
      const swatch = pair.querySelector(".st-sw");
      swatch.style.color = `var(--${pair.dataset.ink})`;
      swatch.style.background = `var(--${pair.dataset.ground})`;
      const seen = getComputedStyle(swatch);
      const [high, low] = [luminance(seen.color), luminance(seen.backgroundColor)].sort((a, b) => b - a);
      const ratio = (high + 0.05) / (low + 0.05);
      pair.querySelector("output").textContent = ratio.toFixed(2);
      pair.classList.toggle("low", ratio < Number(pair.dataset.need));
    }
  };
  measure();
  new MutationObserver(measure).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
})();
