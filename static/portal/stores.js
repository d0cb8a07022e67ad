// "Nearest first": the browser is asked where it is only when the button is pressed; the answer goes into the body of one request.
(() => {
  "use strict";
  const form = document.querySelector("[data-near]");
  if (!form || !navigator.geolocation) return;
  form.hidden = false;
  const button = form.querySelector("button"), no = form.querySelector("[data-near-no]");
  button.addEventListener("click", () => {
    button.disabled = true;
    no.hidden = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.latitude.value = coords.latitude.toFixed(4);
        form.longitude.value = coords.longitude.toFixed(4);
        form.submit();
      },
      () => {
        button.disabled = false;
        no.hidden = false;
      },
      { maximumAge: 60_000, timeout: 10_000 },
    );
  });
})();
