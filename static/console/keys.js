// Security keys: the button asks the browser for one, and its answer goes out with the form.
(() => {
  "use strict";
  const act = async (form, ask) => {
    const trouble = form.querySelector("[data-key-trouble]");
    trouble.hidden = true;
    try {
      const answer = await ask(JSON.parse(form.dataset.options));
      form.elements.credential.value = JSON.stringify(answer);
      form.submit();
    } catch {
      trouble.hidden = false;
    }
  };
  const dress = (selector, ask) => {
    for (const form of document.querySelectorAll(selector))
      form.querySelector("button").addEventListener("click", () => act(form, ask));
  };
  dress("[data-key-make]", (options) => window.webauthnJSON.create(options));
  dress("[data-key-ask]", (options) => window.webauthnJSON.get(options));
})();
