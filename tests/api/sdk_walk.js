// node sdk_walk.js BASE KEY: the SDK as a mini-program would use it, told as one JSON object. `expire` is the test's, over standard input.
"use strict";
const { Siyu, SiyuError } = require("../../sdk/js/siyu.js");
const [base, key] = process.argv.slice(2);

/** A `wx` over fetch, as strict as the real one: any status is a success, header names as they please, files by path. */
const kept = {};
let running = 0, most = 0, lose = 0;
const sent = [];
function reaches(options, method, body) {
  running++;
  most = Math.max(most, running);
  sent.push([method, options.url.replace(base, ""), options.header["Idempotency-Key"] || ""]);
  fetch(options.url, { method: method, headers: options.header, body: body }).then(async (answer) => {
    const header = {};
    answer.headers.forEach((value, name) => { header[name.toUpperCase()] = value; });
    const data = await answer.text();
    running--;
    if (lose > 0 && method !== "GET") { lose--; options.fail({ errMsg: "request:fail interrupted" }); return; }
    options.success({ statusCode: answer.status, header: header, data: data });
  }, (wrong) => { running--; options.fail({ errMsg: String(wrong) }); });
}
globalThis.wx = {
  request: (options) => reaches(options, options.method, options.data),
  uploadFile: (options) => {
    const form = new FormData();
    for (const name of Object.keys(options.formData)) form.append(name, options.formData[name]);
    form.append(options.name, new Blob([require("fs").readFileSync(options.filePath)]), "photo.png");
    reaches(options, "POST", form);
    return { onProgressUpdate: (tell) => tell({ progress: 100 }) };
  },
  getStorageSync: (name) => kept[name] || "",
  setStorageSync: (name, value) => { kept[name] = JSON.parse(JSON.stringify(value)); },
  removeStorageSync: (name) => { delete kept[name]; },
};

const line = () => new Promise((done) => process.stdin.once("data", done));

async function walk() {
  const told = {};
  const wait = async () => {};
  const siyu = new Siyu({ base: base, storage: wx, language: "en", wait: wait });
  await siyu.authWechatPost({ body: { app_id: "wx5170000000000001", js_code: "sim.sdkjs.1" } });
  const me = await siyu.meGet();
  told.nickname = (await siyu.mePut({ ifMatch: me.etag, body: { nickname: "小满" } })).data.nickname;
  try { await siyu.mePut({ ifMatch: me.etag, body: { nickname: "二" } }); } catch (wrong) {
    told.refused = [wrong instanceof SiyuError, wrong.code, wrong.status, wrong.message, wrong.requestId.slice(0, 4)];
  }
  let percent = 0;
  const file = await siyu.filesPost({ filePath: process.argv[4] }, { onProgress: (now) => { percent = now; } });
  told.file = [file.data.id.slice(0, 5), percent];

  process.stdout.write("expire\n");
  await line();
  sent.length = 0;
  most = 0;
  const homes = await Promise.all(Array.from({ length: 14 }, () => siyu.homeGet()));
  told.parallel = [homes.every((one) => one.data.member.nickname === "小满"), sent.filter((one) => one[1].endsWith("/auth/refresh")).length, most];

  sent.length = 0;
  lose = 1;
  await siyu.consentPut({ purpose: "care", channel: "inbox", body: { is_granted: true, text_version: "2026-11" } });
  told.repeated = [sent.length, new Set(sent.map((one) => one[2])).size];

  lose = 3; // closed before any answer came: begun again by what was kept
  const begun = { purpose: "care", channel: "sms", body: { is_granted: true, text_version: "2026-11" } };
  try { await siyu.consentPut(begun, { persist: true }); } catch (wrong) { told.lost = [wrong.code, wrong.status]; }
  const reopened = new Siyu({ base: base, storage: wx, wait: wait });
  const resumed = await reopened.resume();
  told.resumed = [resumed.length, resumed[0].headers["idempotency-replayed"], Object.keys(kept["siyu.waiting"]).length];

  const shop = new Siyu({ base: base, key: key, wait: wait });
  lose = 1;
  const orders = { items: [{ order_no: "JS-1", member: me.data.id, total_cents: 12800, paid_at: "2026-11-20T10:32:05+08:00" }] };
  told.order = (await shop.ordersPost({ body: orders })).data.data[0].status;

  let out = 0;
  reopened.onLoggedOut = () => { out++; };
  await siyu.authLogoutPost();
  try { await reopened.meGet(); } catch (wrong) { told.loggedOut = [wrong.code, kept["siyu.tokens"] === undefined]; }
  process.stdout.write(JSON.stringify(told) + "\n");
  process.exit(0);
}

walk().catch((wrong) => { console.error(wrong); process.exit(1); });
