// Photos of a ticket as a gallery: arrows go on, + and - or the wheel zoom, dragging moves, Esc closes. Without it the links open the photo.
(() => {
  "use strict";
  const box = document.querySelector("[data-photo-box]");
  if (!box) return;
  const $ = (name) => box.querySelector(`[data-photo-${name}]`);
  const image = $("img"), stage = $("stage"), count = $("count");
  const MOST = 6;
  let all = [], at = 0, zoom = 1, x = 0, y = 0, held = null;

  const place = () => {
    image.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
    stage.classList.toggle("big", zoom > 1);
    $("less").disabled = zoom <= 1;
    $("more").disabled = zoom >= MOST;
  };
  const scale = (by) => {
    zoom = Math.min(MOST, Math.max(1, zoom * by));
    if (zoom === 1) x = y = 0;
    place();
  };
  const show = (number) => {
    at = (number + all.length) % all.length;
    image.src = all[at].href;
    image.alt = all[at].querySelector("img").alt;
    count.textContent = `${at + 1} / ${all.length}`;
    for (const name of ["before", "next"]) $(name).hidden = all.length < 2;
    zoom = 1;
    x = y = 0;
    place();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-photo]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    all = [...document.querySelectorAll("[data-photo]")];
    show(all.indexOf(link));
    box.showModal();
    stage.focus();
  });
  $("before").addEventListener("click", () => show(at - 1));
  $("next").addEventListener("click", () => show(at + 1));
  $("less").addEventListener("click", () => scale(1 / 1.5));
  $("more").addEventListener("click", () => scale(1.5));
  box.addEventListener("keydown", (event) => {
    const act = { ArrowLeft: () => show(at - 1), ArrowRight: () => show(at + 1), "+": () => scale(1.5), "=": () => scale(1.5), "-": () => scale(1 / 1.5) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  stage.addEventListener("wheel", (event) => (event.preventDefault(), scale(event.deltaY < 0 ? 1.2 : 1 / 1.2)), { passive: false });
  stage.addEventListener("dblclick", () => scale(zoom > 1 ? 1 / zoom : 2.5));
  stage.addEventListener("pointerdown", (event) => {
    if (zoom === 1) return;
    event.preventDefault();
    held = { x: event.clientX - x, y: event.clientY - y };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!held) return;
    x = event.clientX - held.x;
    y = event.clientY - held.y;
    place();
  });
  stage.addEventListener("pointerup", () => (held = null));
})();
