// Coupons: seconds of the last hour, counted from the answer on whatever the phone's clock says; a link into the clipboard.
(() => {
  "use strict";
  const from = performance.now();
  const two = (number) => String(number).padStart(2, "0");
  const ticking = [...document.querySelectorAll("[data-ticks]")];
  const tick = () => {
    for (const chip of ticking) {
      const left = Math.max(0, Number(chip.dataset.ticks) - Math.floor((performance.now() - from) / 1000));
      const time = `${two(Math.floor(left / 60))}:${two(left % 60)}`;
      chip.querySelector("span").textContent = left ? chip.dataset.words.replace("00:00", time) : chip.dataset.over || time;
      if (!left && chip.dataset.then === "reload" && !chip.dataset.done) {
        chip.dataset.done = "1";
        setTimeout(() => location.reload(), 500 + Math.random() * 2_000); // not all phones in the same moment
      }
    }
  };
  if (ticking.length) {
    setInterval(tick, 500);
    tick();
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      navigator.clipboard.writeText(text).then(() => (button.querySelector("span").textContent = button.dataset.copied), () => {});
    });
  }
})();
