// A draft dragged to another day sends the form that stands in the list below; without a mouse that form is the way.
(() => {
  "use strict";
  let form = null;
  document.addEventListener("dragstart", (event) => {
    const dragged = event.target.closest("[data-move]");
    form = dragged && document.getElementById(dragged.dataset.move);
  });
  document.addEventListener("dragover", (event) => {
    if (form && event.target.closest("[data-day]")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const cell = event.target.closest("[data-day]");
    if (!form || !cell) return;
    event.preventDefault();
    form.elements.day.value = cell.dataset.day;
    form.requestSubmit();
  });
})();
