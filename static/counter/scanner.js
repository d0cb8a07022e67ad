// A scan gun types wherever the focus is, faster than any person: 5 to 15 ms between keys, then Enter. Such a burst is taken out of
// the stream before any field sees more than its first two keys, and what these wrote is put back. Keys are read by their place on the
// keyboard where an input method holds them back. The pace is that at which keys were pressed, however late a busy till hands them over:
// what was taken for a person's is a burst again when a key of its pace follows.
(() => {
  "use strict";
  const GAP = 60; // ms between two keys of a gun; people take longer
  const LEAST = 6; // keys of the shortest code
  const QUIET = 500; // ms after which a few fast keys were a person's after all
  const ENDLESS = 12, PATIENCE = 1500; // keys of a burst that needs no Enter, ms to wait for one
  const till = (window.siyuTill = window.siyuTill || {});
  let typed = "", swallowed = "", last = -Infinity, before = null, timer = 0, isOver = false;

  const letter = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return "";
    const isHeld = event.isComposing || event.key === "Process" || event.keyCode === 229;
    if (!isHeld && event.key.length === 1) return event.key;
    const place = /^(?:Digit|Numpad|Key)([0-9A-Z])$/.exec(event.code);
    return place ? place[1] : { Minus: "-", NumpadSubtract: "-", Period: ".", NumpadDecimal: ".", Slash: "/" }[event.code] || "";
  };
  const isEnd = (event) => ["Enter", "NumpadEnter", "Tab"].includes(event.code) || event.key === "Enter" || event.key === "Tab";
  const field = () => {
    const here = document.activeElement;
    return here && "value" in here && !here.readOnly && here.matches("input, textarea") ? here : null;
  };
  const remember = () => {
    const here = field();
    let caret = null;
    try { caret = here && [here.selectionStart, here.selectionEnd]; } catch { /* a kind of field without a caret */ }
    return here && { here, value: here.value, caret };
  };
  const putBack = (was) => {
    if (!was || !was.here.isConnected || was.here.value === was.value) return;
    was.here.value = was.value;
    if (was.caret && was.caret[0] !== null) was.here.setSelectionRange(...was.caret);
    was.here.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const forget = () => { typed = ""; swallowed = ""; last = -Infinity; before = null; isOver = false; clearTimeout(timer); };

  // A person who rolled over three keys: what was held back is written after all. The burst is not forgotten, for its rest may be late.
  const writeBack = () => {
    const text = swallowed, was = before;
    swallowed = "";
    if (!text || !was || !was.here.isConnected) return;
    was.here.setRangeText(text, was.here.selectionStart, was.here.selectionEnd, "end");
    was.here.dispatchEvent(new Event("input", { bubbles: true }));
  };
  // Long enough to be whole without an Enter. What comes late of it belongs to no field.
  const endless = () => {
    const at = last;
    finish();
    [last, isOver] = [at, true];
  };
  const wait = () => {
    clearTimeout(timer);
    timer = typed.length >= ENDLESS ? setTimeout(endless, PATIENCE) : setTimeout(writeBack, QUIET);
  };
  const hold = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };
  const finish = () => {
    const text = typed, was = before;
    forget();
    if (was && was.here === document.activeElement && was.here.value !== was.value) was.here.blur(); // ends what an input method composes
    putBack(was);
    if (was && was.here.isConnected) was.here.focus({ preventScroll: true });
    setTimeout(() => { putBack(was); till.scanned?.(text); }, 0); // before the scan counts: it may fill this very field
  };

  document.addEventListener("keydown", (event) => {
    const isFast = event.timeStamp - last <= GAP;
    if (isOver && isFast) {
      last = event.timeStamp;
      hold(event);
      return;
    }
    if (isEnd(event)) {
      if (typed.length >= LEAST && isFast) {
        hold(event);
        finish();
      } else { writeBack(); forget(); }
      return;
    }
    const one = letter(event);
    if (!one) {
      if (!["Shift", "CapsLock"].includes(event.key)) forget();
      return;
    }
    if (!isFast) { writeBack(); forget(); before = remember(); }
    typed += one;
    last = event.timeStamp;
    wait();
    if (typed.length > 2) {
      swallowed += one;
      hold(event);
    }
  }, true);
  // The rest of a burst that an input method would compose.
  document.addEventListener("beforeinput", (event) => { if (swallowed && event.cancelable) event.preventDefault(); }, true);
})();
