// Sales that were taken in while the network was away: kept in this browser, signed with a key that cannot leave it, sent later.
(() => {
  "use strict";
  const MOST = 50;
  const till = (window.siyuTill = window.siyuTill || {});
  const canSign = Boolean(window.crypto?.subtle && window.indexedDB);
  const wait = (asked) => new Promise((done, fail) => { asked.onsuccess = () => done(asked.result); asked.onerror = () => fail(asked.error); });
  let opened = null;
  const base = () => (opened ??= new Promise((done, fail) => {
    const asked = indexedDB.open("siyu-till", 1);
    asked.onupgradeneeded = () => { asked.result.createObjectStore("keys"); asked.result.createObjectStore("sales", { keyPath: "key" }); };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  }));
  const store = async (name, mode = "readonly") => (await base()).transaction(name, mode).objectStore(name);
  const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

  const read = async (name) => (canSign ? wait((await store("keys")).get(name)) : undefined);
  const write = async (name, key) => wait((await store("keys", "readwrite")).put(key, name));
  const remove = async (name) => wait((await store("keys", "readwrite")).delete(name));
  const made = async () => {
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    await remove("scan"); // of the till that this browser was before
    await write("offered", pair);
    return pair;
  };

  // The private half stays in the browser and cannot be read out; the server learns the public half, once. Where its answer was lost the
  // same half is offered again. `isNew`: it knows none yet.
  const enrol = async (isNew, send) => {
    const pair = (await read("offered")) ?? (canSign && isNew ? await made() : null);
    if (!pair) return;
    const answer = await send("key/", { key: base64(await crypto.subtle.exportKey("spki", pair.publicKey)) });
    if (!answer.ok) return;
    await write("scan", pair.privateKey);
    await remove("offered");
  };
  const canKeep = async () => { try { return Boolean(await read("scan")); } catch { return false; } };
  const all = async () => (canSign ? (await wait((await store("sales")).getAll())).sort((a, b) => a.at.localeCompare(b.at)) : []);
  const waiting = async () => (await all()).filter((sale) => !sale.refused);

  // Resolves to "" or to why not.
  const keep = async (sale) => {
    const key = await read("scan");
    if (!key) return "unsigned";
    if ((await waiting()).length >= MOST) return "full";
    const text = JSON.stringify(sale);
    const signature = base64(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, new TextEncoder().encode(text)));
    await wait((await store("sales", "readwrite")).put({ key: sale.key, at: sale.at, amount: Number(sale.amount) + sale.goods_cents / 100, receipt: sale.receipt, text, signature, refused: "" }));
    return "";
  };
  const drop = async (key) => wait((await store("sales", "readwrite")).delete(key));

  let isSending = false;
  const sendAll = async (send) => {
    if (isSending || !canSign) return;
    isSending = true;
    try {
      for (const sale of await waiting()) {
        const answer = await send("later/", { text: sale.text, signature: sale.signature });
        if (!answer.ok) break;
        const said = await answer.json();
        if (said.is_kept) await drop(sale.key);
        else if (said.retry) break;
        else await wait((await store("sales", "readwrite")).put({ ...sale, refused: `${said.title}: ${said.why}` }));
      }
    } catch { /* the network went again: the rest stays */ } finally { isSending = false; }
  };
  till.queue = { enrol, canKeep, keep, all, waiting, drop, sendAll };
})();
