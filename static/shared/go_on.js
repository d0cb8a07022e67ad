// After a proof: what was sent before it goes on by itself, once. Where no script runs the button does it.
const form = document.querySelector("form[data-go-on]");
if (form) form.requestSubmit();
