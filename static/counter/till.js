// The till: one page, whose parts the server draws. Everything goes through `send`, so that the network is known to be there or not.
(() => {
  "use strict";
  const root = document.getElementById("till");
  const at = (id) => document.getElementById(id);
  const [view, result, lock, form, amount, receipt] = ["view", "result", "lock", "sale", "amount", "receipt"].map(at);
  const till = (window.siyuTill = window.siyuTill || {});
  const says = root.dataset;
  const PATIENCE = 8000, PULSE = 1500, PULSE_PATIENCE = 1400, SLOW_PULSE = 3_000;
  const MEMBER = /^[0-9]{18}$/, PHONE = /^1[0-9]{10}$/, RECEIPT = /^[0-9A-Za-z][0-9A-Za-z./_-]{3,39}$/;
  const SHAPES = JSON.parse(says.couponShapes).map((shape) => new RegExp(`^(?:${shape})$`));
  const BARCODE = /^(?:[0-9]{8}|[0-9]{12,14})$/;
  const isBarcode = (text) => BARCODE.test(text) && [...text].reverse().reduce((sum, digit, place) => sum + Number(digit) * (place % 2 ? 3 : 1), 0) % 10 === 0;
  const isCoupon = (text) => SHAPES.some((shape) => shape.test(text.toUpperCase().replace(/[^0-9A-Z]/g, "")));
  const state = { shift: says.shift, key: "", code: "", coupon: "", isAway: false, heard: Date.now(), touched: Date.now(), isTouched: false, active: amount, isBusy: false, isStale: false, ticket: "", wished: "", goods: "[]", goodsCents: 0 };

  // The network
  const away = (isAway) => {
    if (state.isAway === isAway) return;
    state.isAway = isAway;
    at("away").hidden = !isAway;
    at("net").classList.toggle("off", isAway);
    at("net").querySelector("[data-on]").hidden = isAway;
    at("net").querySelector("[data-off]").hidden = !isAway;
    if (!isAway) empty();
    if (!isAway && !lock.hidden && lock.querySelector("[data-screen=lock-away]")) location.reload();
  };
  const ask = async (path, options, patience) => {
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), patience);
    try {
      const answer = await fetch(says.home + path, { credentials: "same-origin", ...options, signal: stop.signal });
      state.heard = Date.now();
      away(false);
      return answer;
    } catch (problem) {
      away(true);
      throw problem;
    } finally { clearTimeout(timer); }
  };
  const token = async () => (says.token ||= (await ask("pulse/?token=1", {}, PATIENCE)).headers.get("X-Token") ?? ""); // a page that was kept has none
  const send = async (path, fields, patience = PATIENCE) => {
    await token();
    const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
    const answer = await ask(path, { method: "POST", body, headers: { "X-CSRFToken": says.token, Accept: "text/html" } }, patience);
    const problem = answer.headers.get("X-Problem");
    if (problem === "till_locked") await lockNow();
    if (problem === "till_unknown" || (answer.status === 403 && !problem)) location.reload();
    return answer;
  };
  const pulse = async () => {
    const isOpen = lock.hidden;
    try {
      if (document.visibilityState === "visible" && Date.now() - state.heard >= PULSE - 100) {
        const isActive = state.isTouched ? "1" : "";
        state.isTouched = false;
        const answer = await ask(`pulse/?active=${isActive}`, {}, PULSE_PATIENCE);
        if (answer.status === 403) location.reload();
        if (isOpen && answer.ok && !answer.headers.get("X-Shift")) await lockNow();
      }
      stays();
      if (isOpen && !state.isAway && Date.now() - state.touched > Number(says.locksAfter) * 1000) await lockNow();
    } catch { stays(); }
    setTimeout(pulse, lock.hidden || state.isAway ? PULSE : SLOW_PULSE);
  };

  const stays = () => { if (lock.hidden && state.shift) till.open.keep(state.shift); };

  // Parts
  const screen = () => (result.hidden ? view : result).querySelector("[data-screen]")?.dataset ?? {};
  const show = (place, html) => {
    if (place === "offers") { const box = at("offers"); if (box) box.innerHTML = html; return arrange(); }
    if (place === "lock") { lock.innerHTML = html; lock.hidden = false; return focusOn(lock); }
    if (place === "result") { result.innerHTML = html; result.hidden = false; countDown(); return focusOn(result); }
    view.innerHTML = html;
    result.hidden = true;
    result.innerHTML = "";
    return arrange();
  };
  const draw = async (answer) => {
    const place = answer.headers.get("X-Place");
    if (!place) return answer;
    show(place, await answer.text());
    sound(answer.headers.get("X-Sound"));
    return answer;
  };
  const focusOn = (box) => box.querySelector("[data-main], input[data-pin], .go")?.focus({ preventScroll: true });
  const arrange = () => {
    const shown = view.querySelector("[data-screen]")?.dataset ?? {};
    const isSale = shown.screen === "member" || shown.screen === "away", isGift = shown.screen === "gift";
    if ("goods" in shown) [state.goods, state.goodsCents] = [shown.goods, Number(shown.goodsCents)];
    if (shown.screen === "idle") [state.goods, state.goodsCents] = ["[]", 0];
    if (shown.screen === "member") [state.ticket, state.wished] = [shown.ticket, view.querySelector("[data-wished]")?.dataset.wished ?? ""];
    else if (["idle", "goods", "tail", "newcomer", "gift", "away", "coupon"].includes(shown.screen)) state.ticket = state.wished = "";
    root.querySelector("[data-alone]").hidden = state.goodsCents > 0;
    root.querySelector("[data-beside]").hidden = state.goodsCents === 0;
    at("after").hidden = !isSale && !isGift;
    at("before").hidden = isSale || isGift;
    root.dataset.mode = isGift ? "gift" : isSale ? "sale" : shown.screen || "idle";
    state.coupon = shown.coupon ?? "";
    verb();
    const main = view.querySelector("[data-main]");
    state.active = main || ((amount.value || state.goodsCents) && isSale ? receipt : amount);
    if (isGift) at("take").focus({ preventScroll: true });
    else if (main || !matchMedia("(pointer: coarse)").matches) state.active.focus({ preventScroll: true });
    due();
  };
  const verb = () => {
    const { screen: name } = view.querySelector("[data-screen]")?.dataset ?? {}, chosen = picked();
    at("take").textContent = name === "gift" ? says.hand : chosen.coupons ? says.takeCoupon : chosen.points ? says.takePoints : name === "away" ? says.keep : says.take;
  };
  const own = () => {
    const field = view.querySelector("[data-own]"), points = Math.floor(Number(field?.value)) || 0;
    return points > 0 ? { points, off: Math.floor(points * Number(field.dataset.perHundred) / 100) } : null;
  };
  const typedPoints = (field) => {
    const plain = field.value.replace(/[^0-9]/g, "");
    if (plain !== field.value) field.value = plain;
    view.querySelectorAll("[data-points]").forEach((one) => one.setAttribute("aria-checked", "false"));
    const said = own(), isOver = Boolean(said) && said.points > Number(field.dataset.most);
    field.setAttribute("aria-invalid", String(isOver));
    view.querySelector("[data-own-off]").textContent = isOver ? says.atMost.replace("{}", Number(field.dataset.most).toLocaleString("en")) : said ? `−¥${(said.off / 100).toFixed(2)}` : "";
    fresh();
    verb();
    due();
  };
  const picked = () => {
    const on = [...view.querySelectorAll("[data-off][aria-checked=true]")], of = (name) => on.find((one) => name in one.dataset), typed = own();
    return {
      off: on.reduce((sum, one) => sum + Number(one.dataset.off), typed?.off ?? 0),
      points: typed?.points ?? of("points")?.dataset.points ?? "",
      coupons: of("coupons")?.dataset.coupons ?? "",
      vouched: of("vouch") ? "1" : "",
    };
  };
  const pick = (button) => {
    const isOn = button.getAttribute("aria-checked") === "true";
    const kind = "coupons" in button.dataset ? "[data-coupons]" : "[data-points]", field = view.querySelector("[data-own]");
    view.querySelectorAll(kind).forEach((one) => one.setAttribute("aria-checked", "false"));
    if (kind === "[data-points]" && field) { field.value = ""; view.querySelector("[data-own-off]").textContent = ""; }
    button.setAttribute("aria-checked", String(!isOn));
    fresh();
    arrange();
  };
  const whole = () => state.goodsCents + Math.round(Number(amount.value) * 100); // of the goods and the amount beside them
  const onList = () => ({ amount: amount.value, goods: state.goods, strip: state.ticket, wished: state.wished });
  const due = () => {
    const cents = whole() - picked().off;
    at("hint").textContent = root.dataset.mode === "sale" && cents > 0 ? says.collect.replace("{}", `¥${(cents / 100).toFixed(2)}`) : "";
  };
  const countDown = () => {
    const box = result.querySelector("[data-seconds]");
    if (!box) return;
    const end = Date.now() + Number(box.dataset.seconds) * 1000;
    const tick = () => {
      if (!box.isConnected) return;
      const left = Math.max(Math.round((end - Date.now()) / 1000), 0);
      box.textContent = left ? box.dataset.words.replace("{}", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`) : box.dataset.over;
      if (left) setTimeout(tick, 1000);
    };
    tick();
  };
  const fresh = () => { state.key = ""; };
  const key = () => (state.key ||= Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""));
  const hint = (text) => { at("hint").textContent = text; };
  const cannot = (why) => {
    const part = at("t-cannot").content.cloneNode(true);
    part.querySelector("[data-why]").textContent = why;
    result.replaceChildren(part);
    result.hidden = false;
    sound("no");
    focusOn(result);
  };

  // Sound says it to who looks elsewhere, the phone shakes with it.
  let speaker = null;
  const sound = (name) => {
    const tones = { ok: [[880, 0], [1320, 0.12]], no: [[220, 0], [180, 0.2]], seen: [[990, 0]] }[name];
    if (!tones) return;
    navigator.vibrate?.(name === "no" ? [120, 60, 120] : 60);
    root.dataset.sounded = name;
    try {
      speaker ??= new AudioContext();
      for (const [pitch, when] of tones) {
        const tone = speaker.createOscillator(), loud = speaker.createGain();
        tone.frequency.value = pitch;
        loud.gain.setValueAtTime(0.15, speaker.currentTime + when);
        loud.gain.exponentialRampToValueAtTime(0.001, speaker.currentTime + when + 0.18);
        tone.connect(loud).connect(speaker.destination);
        tone.start(speaker.currentTime + when);
        tone.stop(speaker.currentTime + when + 0.2);
      }
    } catch { /* no sound here */ }
  };

  // Scans follow each other, and what was begun before them: the answer to a sale would cover the next member. The same text again while
  // it is being read is one scan.
  let line = Promise.resolve(), acting = Promise.resolve(), reading = "", readAt = 0;
  till.scanned = (text) => {
    touch();
    if (!lock.hidden) return;
    if (text === reading && Date.now() - readAt < 1500) return;
    [reading, readAt] = [text, Date.now()];
    document.querySelectorAll("dialog[open]").forEach((box) => box.close());
    const before = acting; // as it is now: what is begun later waits for this scan
    line = line.then(() => before).then(() => taken(text)).catch(() => {});
  };
  const taken = async (text) => {
    const isForSale = result.hidden && root.dataset.mode === "sale" && !MEMBER.test(text) && !PHONE.test(text);
    const isReceipt = isForSale && RECEIPT.test(text) && !isCoupon(text) && !isBarcode(text); // as far as can be told from here
    if (isReceipt && state.isAway) return gotReceipt(text);
    if (state.isAway && isBarcode(text)) return cannot(says.goodsOnline);
    try {
      const answer = await draw(await send("scan/", { text, ...onList(), ...onScreen(isForSale) }));
      if (answer.headers.get("X-Goods")) reading = ""; // the next piece of the same goods is another piece
      if (answer.headers.get("X-Receipt")) gotReceipt(answer.headers.get("X-Receipt"));
    } catch { return isReceipt ? gotReceipt(text) : readAway(text); }
    return undefined;
  };
  // What the server has to know of the screen: whose strip is on it, or the coupon that was scanned before the member's code.
  const onScreen = (isForSale) => ({ ticket: (isForSale && view.querySelector("[data-ticket]")?.dataset.ticket) || "", coupon: state.coupon });
  const gotReceipt = (text) => {
    result.hidden = true;
    receipt.value = text.toUpperCase();
    fresh();
    sound("seen");
    if (root.dataset.mode === "sale") at("take").focus({ preventScroll: true });
  };
  const readAway = async (text) => {
    if (!MEMBER.test(text) && !PHONE.test(text)) return cannot(says.onlineOnly);
    const isTaken = MEMBER.test(text) && (await till.queue.all()).some((sale) => JSON.parse(sale.text).code === text);
    if (isTaken) return cannot(says.codeTaken); // the server would refuse it when the member has long gone
    const part = at("t-away-member").content.cloneNode(true);
    part.querySelector("[data-end]").textContent = `…${text.slice(-4)}`;
    result.hidden = true;
    view.replaceChildren(part);
    state.code = text;
    state.scannedAt = new Date().toISOString();
    sound("seen");
    return arrange();
  };
  till.pictured = async (picture, isFrame) => {
    const body = new FormData();
    body.append("picture", picture);
    const seen = { ...onList(), ...onScreen(result.hidden && root.dataset.mode === "sale") };
    for (const name of Object.keys(seen)) body.append(name, seen[name]);
    if (isFrame) body.append("is_frame", "1");
    else touch();
    const answer = await send("picture/", body);
    if (answer.headers.get("X-Receipt")) { gotReceipt(answer.headers.get("X-Receipt")); return true; }
    if (answer.status === 204) return false;
    touch();
    await draw(answer);
    return true;
  };

  till.photographed = (picture) => once(async () => {
    try { await till.pictured(picture, false); } catch { cannot(says.onlineOnly); }
  });

  // Acts
  const once = async (work) => {
    if (state.isBusy) return;
    state.isBusy = true;
    at("take").disabled = true;
    const doing = work();
    acting = doing.catch(() => {});
    try { await doing; } finally { state.isBusy = false; at("take").disabled = false; }
  };
  const take = () => once(async () => {
    await line; // a receipt that was scanned a moment ago
    const shown = view.querySelector("[data-screen]")?.dataset ?? {};
    if (shown.screen === "gift") {
      try { await draw(await send("hand-over/", { ticket: shown.gift })); } catch { cannot(says.onlineOnly); }
      return;
    }
    if (!["member", "away"].includes(shown.screen)) { hint(says.noMember); return; }
    if (!(whole() > 0) || !receipt.value.trim()) { hint(says.noAmount); (whole() > 0 ? receipt : amount).focus(); return; }
    const { points, coupons, vouched } = picked();
    const sale = { key: key(), amount: amount.value, goods: state.goods, receipt: receipt.value.trim(), points, coupons, vouched };
    if (shown.screen === "member") {
      try {
        const answer = await draw(await send("pay/", { ...sale, shown: whole(), ticket: shown.ticket }));
        if (answer.ok) done();
        else if (answer.headers.get("X-Problem") === "prices_moved") state.isStale = true;
        else fresh();
        return;
      } catch { if (points || coupons) { cannot(says.onlineOnly); return; } }
    }
    await keepForLater(sale, shown);
  });
  const keepForLater = async (sale, shown) => {
    const by = shown.screen === "member" ? { ticket: shown.ticket } : { code: state.code };
    const why = await till.queue.keep({ key: sale.key, at: state.scannedAt || new Date().toISOString(), shift: state.shift, amount: sale.amount, goods: sale.goods, goods_cents: state.goodsCents, receipt: sale.receipt, ...by });
    if (why) { cannot(why === "full" ? says.full : says.onlineOnly); return; }
    const part = at("t-kept-ok").content.cloneNode(true);
    part.querySelector("[data-due]").textContent = says.collect.replace("{}", `¥${(whole() / 100).toFixed(2)}`);
    result.replaceChildren(part);
    result.hidden = false;
    sound("ok");
    done();
    focusOn(result);
    await (state.isAway ? counted() : empty());
  };
  const done = () => {
    amount.value = receipt.value = "";
    state.scannedAt = state.ticket = state.wished = "";
    [state.goods, state.goodsCents] = ["[]", 0];
    fresh();
    reading = "";
  };
  const next = async () => {
    done();
    if (state.isAway) { result.hidden = true; view.replaceChildren(); return arrange(); }
    try { return await draw(await send("ready/", {})); } catch { result.hidden = true; view.replaceChildren(); return arrange(); }
  };
  // From the red screen; where prices moved meanwhile, to what they are now.
  const back = () => {
    const isStale = state.isStale;
    [state.isStale, result.hidden] = [false, true];
    if (isStale) return once(() => act("goods", onList()));
    return arrange();
  };
  const act = async (path, fields) => {
    try {
      if (path === "unlock") await locking; // a lock that the server hears of after the PIN would end the shift again
      const answer = await send(`${path}/`, fields);
      reading = ""; // whoever did something in between means the next scan, also of the same code
      if (path === "unlock") return unlocked(answer);
      return await draw(answer);
    } catch { return cannot(says.onlineOnly); }
  };

  // Lock and PIN
  let locking = Promise.resolve();
  const lockNow = async () => {
    if (!lock.hidden) return;
    lock.hidden = false;
    till.camera?.stop();
    document.querySelectorAll("dialog[open]").forEach((box) => box.close());
    till.open.lock();
    clearPin();
    state.active = lock.querySelector("[data-pin]");
    state.shift = "";
    state.active?.focus({ preventScroll: true });
    await (locking = tellLocked());
  };
  const tellLocked = async () => {
    try {
      await token();
      const answer = await ask("lock/", { method: "POST", headers: { "X-CSRFToken": says.token } }, PATIENCE);
      const isBegun = lock.querySelector("[data-staff][aria-checked=true]") || lock.querySelector("[data-pin]")?.value;
      if (!isBegun) await draw(answer); // nobody's hand is in the way of the newest list of people
    } catch { /* locked here all the same */ }
  };
  const clearPin = () => {
    lock.querySelectorAll("[data-pin]").forEach((pin) => { pin.value = ""; });
    lock.querySelectorAll("[data-staff]").forEach((one) => one.setAttribute("aria-checked", "false"));
  };
  const unlocked = async (answer) => {
    const wrong = lock.querySelector(".t-wrong"), pin = lock.querySelector("[data-pin]");
    pin.value = "";
    wrong.hidden = true;
    if (!answer.ok) {
      const words = new DOMParser().parseFromString(await answer.text(), "text/html");
      wrong.textContent = `${words.querySelector("h1")?.textContent ?? ""} · ${words.querySelector(".next")?.textContent ?? ""}`;
      wrong.hidden = false;
      sound("no");
      pin.focus();
      return;
    }
    state.shift = answer.headers.get("X-Shift");
    state.touched = state.heard = Date.now();
    lock.hidden = true;
    till.open.unlock();
    stays();
    done();
    await draw(answer);
    at("clerk").textContent = view.querySelector("[data-clerk]")?.dataset.clerk ?? "";
    await enrol();
    await empty();
  };
  const enrol = async () => {
    try { await till.queue.enrol(says.keyKnown === "no", send); says.keyKnown = "yes"; } catch { /* next time */ }
    at("keyless").hidden = await till.queue.canKeep();
  };

  // What waits
  const counted = async () => {
    const rows = await till.queue.all();
    at("waiting").hidden = !rows.length;
    at("waiting").querySelector("[data-count]").textContent = rows.length;
    const list = at("kept").querySelector("ul");
    list.replaceChildren(...rows.map((sale) => {
      const row = at("t-kept-row").content.cloneNode(true);
      row.querySelector("[data-when]").textContent = new Date(sale.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
      row.querySelector("[data-what]").textContent = `¥${Number(sale.amount).toFixed(2)} · ${sale.receipt}`;
      row.querySelector("[data-state]").textContent = sale.refused;
      const drop = row.querySelector("[data-drop]");
      drop.hidden = !sale.refused;
      drop.addEventListener("click", async () => { await till.queue.drop(sale.key); counted(); });
      return row;
    }));
  };
  const empty = async () => { await till.queue.sendAll(send); await counted(); };

  // Fingers and keys
  const touch = () => { state.touched = Date.now(); state.isTouched = true; };
  let typing = 0;
  const changed = () => {
    fresh();
    due();
    const ticket = view.querySelector("[data-ticket]")?.dataset.ticket;
    clearTimeout(typing);
    if (ticket && !state.isAway) typing = setTimeout(async () => {
      try { await draw(await send("offers/", { ...onList(), ticket, wished: view.querySelector("[data-wished]")?.dataset.wished ?? "" })); } catch { /* away */ }
    }, 250);
  };
  const press = (name) => {
    const to = state.active?.isConnected ? state.active : amount;
    if (name === "back") to.value = to.value.slice(0, -1);
    else if (name !== "." || (to === amount && !to.value.includes(".")) || to === receipt) to.value = (to.value + name).slice(0, to.maxLength);
    to.dispatchEvent(new Event("input", { bubbles: true }));
  };
  document.addEventListener("focusin", (event) => { if (event.target.matches("input:not([type=file])")) state.active = event.target; });
  document.addEventListener("pointerdown", touch, true);
  document.addEventListener("keydown", touch, true);
  root.addEventListener("pointerdown", (event) => { if (event.target.closest("[data-key]")) event.preventDefault(); }); // the field keeps the focus
  amount.addEventListener("input", () => {
    const plain = amount.value.replace(/[^0-9.]/g, "").replace(/^(\d*\.\d{0,2}).*$/, "$1");
    if (plain !== amount.value) amount.value = plain;
    changed();
  });
  receipt.addEventListener("input", fresh);
  view.addEventListener("input", (event) => { if (event.target.matches("[data-own]")) typedPoints(event.target); });
  amount.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); receipt.focus(); } });
  form.addEventListener("submit", (event) => { event.preventDefault(); take(); });
  root.addEventListener("submit", (event) => {
    const path = event.target.dataset.act;
    if (!path) return;
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    if (path === "unlock" && !fields.staff) fields.staff = lock.querySelector("[data-staff]")?.dataset.staff ?? "";
    once(() => act(path, { ...onList(), ...fields }));
  });
  root.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    let found;
    if ((found = on("[data-key]"))) press(found.dataset.key);
    else if ((found = on("[data-staff]"))) choosePerson(found);
    else if ((found = on("[data-off]"))) pick(found);
    else if ((found = on("[data-choose]"))) once(() => act("chosen", { ...onList(), ticket: found.dataset.choose }));
    else if ((found = on("[data-count]"))) once(() => act("goods", { ...onList(), sku: found.dataset.sku, count: found.dataset.count }));
    else if ((found = on("[data-add]"))) once(() => act("goods", { ...onList(), text: found.dataset.add }));
    else if (on("[data-redraw]")) once(() => act("goods", onList()));
    else if (on("[data-find-goods]")) findGoods();
    else if ((found = on("[data-undo]"))) once(() => act("undo", { checkout: found.dataset.undo }));
    else if ((found = on("[data-undo-gift]"))) once(() => act("gift-undo", { ticket: found.dataset.undoGift }));
    else if (on("[data-next]")) next();
    else if (on("[data-back]")) back();
    else if (on("[data-shut]")) on("dialog").close();
    else if (on("#lock-now")) lockNow();
    else if (on("#by-camera")) till.camera.open();
    else if (on("#by-new")) once(() => act("newcomer", onList()));
    else if (on("#by-phone")) { view.replaceChildren(at("t-find-tail").content.cloneNode(true)); arrange(); }
    else if (on("#waiting")) { at("kept").showModal(); empty(); }
  });
  // Goods by hand, also in the middle of a sale.
  const findGoods = () => {
    if (state.isAway) { cannot(says.goodsOnline); return; }
    view.replaceChildren(at("t-find-goods").content.cloneNode(true));
    arrange();
  };
  document.addEventListener("keydown", (event) => {
    if (event.key !== "F2" || !lock.hidden || !result.hidden || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    findGoods();
  });
  const choosePerson = (button) => {
    lock.querySelectorAll("[data-staff]").forEach((one) => one.setAttribute("aria-checked", String(one === button)));
    lock.querySelector("[name=staff]").value = button.dataset.staff;
    lock.querySelector("[data-pin]").focus();
  };
  window.addEventListener("offline", () => away(true));
  window.addEventListener("online", () => { state.heard = 0; });

  // Begin. A page that was kept for lack of a network goes on where the till was a moment ago; a locked one stays locked.
  (async () => {
    if (says.shell === "yes") {
      state.shift = till.open.recall(Number(says.locksAfter));
      lock.hidden = state.shift !== "";
      away(true);
    }
    else if (lock.hidden && till.open.isLocked()) await lockNow(); // the server did not hear of it
    stays();
    if (lock.hidden && says.shell === "yes") {
      arrange();
      await counted();
    } else if (lock.hidden) {
      arrange();
      await enrol();
      await empty();
      const undone = new URLSearchParams(location.search).get("undo");
      if (undone) { history.replaceState(null, "", says.home); await act("undo", { checkout: undone }); }
    } else {
      const people = lock.querySelectorAll("[data-staff]");
      if (people.length === 1) choosePerson(people[0]);
      await (says.shell === "yes" ? counted() : empty());
    }
    pulse();
  })();
})();
