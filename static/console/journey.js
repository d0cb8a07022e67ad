// The editor of a journey. The server keeps the draft and draws it; here are the keys, the cursor, undo and the guard.
const form = document.getElementById("journey-form");
const editor = document.getElementById("journey-editor");
const MOST = 50;
const store = `journey:${form.dataset.journey}`;
let undo = [];
let redo = [];
let typed = null; // what stood in a field when the answer came
let open = [];
let dirty = false;
let goal = "";

const base = () => form.elements.base?.value || "";
const read = () => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(store) || "{}");
    if (kept.now === base()) [undo, redo] = [kept.undo || [], kept.redo || []];
  } catch {
    undo = redo = [];
  }
};
const keep = () => {
  try {
    sessionStorage.setItem(store, JSON.stringify({ now: base(), undo, redo }));
  } catch {
    undo = undo.slice(-5); // no room: fewer steps back
  }
};
const show = () => {
  for (const [name, list] of [["undo", undo], ["redo", redo]]) {
    const button = document.getElementById(name);
    if (!button) continue;
    button.hidden = false;
    button.disabled = list.length === 0;
  }
};

const back = (from, to) => {
  const draft = from.pop();
  if (!draft) return;
  to.push(base());
  moving = true;
  const field = form.elements.draft_back;
  field.value = draft;
  field.disabled = false;
  press("restore:back");
};
let moving = false;
const press = (act) => {
  const button = document.createElement("button");
  button.name = "act";
  button.value = act;
  button.hidden = true;
  button.className = "pressed";
  form.append(button);
  button.click(); // so that htmx knows which one it was
};

let before = base();
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== editor) return;
  before = base();
  open = [...editor.querySelectorAll("details.c-more[open]")].map((one) => one.id);
  const at = document.activeElement;
  typed = null;
  if (at?.id && editor.contains(at)) {
    const isText = at.matches("textarea, input:not([type=checkbox]):not([type=radio])");
    typed = { id: at.id, value: isText && at.value !== at.dataset.sent ? at.value : null, start: at.selectionStart, end: at.selectionEnd };
  }
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt !== form) return;
  dirty = true;
  for (const field of editor.querySelectorAll("textarea, input")) field.dataset.sent = field.value;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== editor) return;
  form.elements.draft_back.disabled = true;
  for (const button of form.querySelectorAll(".pressed")) button.remove();
  dirty = false;
  if (base() !== before) {
    if (!moving) [undo, redo] = [[...undo, before].slice(-MOST), []];
  } else if (moving) [undo, redo] = [undo.filter((one) => one !== base()), redo.filter((one) => one !== base())];
  moving = false;
  keep();
  show();
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  const wanted = editor.querySelector("[data-focus]")?.dataset.focus;
  let target = document.getElementById(wanted || typed?.id || "");
  if (target?.disabled) target = target.closest("[data-step]")?.querySelector("[data-edit]");
  if (wanted?.startsWith("form-")) target = target?.querySelector("input:not([type=hidden]), select, textarea") || target;
  target?.focus();
  if (target && target.id === typed?.id && typed.value !== null && target.matches("textarea, input")) {
    target.value = typed.value;
    try {
      target.setSelectionRange(typed.start, typed.end);
    } catch {
      /* a number has no selection */
    }
    dirty = true;
  }
  if (goal && !dirty) location.href = goal;
});

form.addEventListener("input", () => (dirty = true));
addEventListener("beforeunload", (event) => {
  if (dirty && !goal) event.preventDefault();
});
// a link out of the form waits until what was typed is kept
form.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (link && dirty && !link.getAttribute("href").startsWith("#")) {
    event.preventDefault();
    goal = link.href;
    press("");
  }
  const chip = event.target.closest("[data-put]");
  if (chip) {
    const field = document.getElementById(chip.dataset.into);
    field.setRangeText(chip.dataset.put, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    dirty = true;
  }
  if (event.target.closest("[data-undo]")) back(undo, redo);
  if (event.target.closest("[data-redo]")) back(redo, undo);
});
document.addEventListener("keydown", (event) => {
  const isText = event.target.matches?.("textarea, input, select");
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const step = event.target.closest?.("[data-step]");
    const button = step?.querySelector(event.key === "ArrowUp" ? ":scope > .fig [data-up]" : ":scope > .fig [data-down]");
    if (!button) return;
    event.preventDefault();
    if (!button.disabled) button.click();
  } else if (!isText && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    if (event.shiftKey) back(redo, undo);
    else back(undo, redo);
  } else if (event.key === "Enter" && !event.isComposing && event.target.matches?.("#journey-form input")) {
    event.preventDefault(); // takes the field in; it presses no button
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
read();
show();
