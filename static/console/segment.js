// The editor of a rule: what was open and where the cursor stood outlives the answer of the server.
(() => {
  "use strict";
  let open = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    // Counts of a rule that was changed meanwhile: who asked for them is gone from the page.
    if (event.detail.target.id === "seg-found" && !event.detail.requestConfig.elt.isConnected) event.detail.shouldSwap = false;
    if (event.detail.target.id !== "editor") return;
    open = [...document.querySelectorAll("#editor details[open]")].map((one) => one.id);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "editor") return;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  });
  // Enter in a field means "take this in", not "save the segment".
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("#editor input")) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
