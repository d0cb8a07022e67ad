/*
 * Siyu for mini-programs, H5 and Node. No dependencies. One method per operation of the API: see index.d.ts.
 *
 *   const { Siyu } = require("./siyu.js");
 *   const siyu = new Siyu({ base: "https://crm.example.com", storage: wx });
 *   await siyu.authWechatPost({ body: { app_id, js_code } });
 *   const { data } = await siyu.homeGet();
 *
 * What it takes care of: at most ten requests at once (a mini-program may have no more); every write carries an
 * Idempotency-Key, made before the first try and kept over all of them; a token that ran out is renewed once for all calls
 * that wait; refusals are errors with a stable `code`.
 */
"use strict";

const OPERATIONS = require("./operations.js");

const MOST_AT_ONCE = 10;
const TRIES = 3;
const TOKENS = "siyu.tokens";
const WAITING = "siyu.waiting";

/** A refusal (RFC 9457) or, with status 0 and code `network`, an answer that never came. */
class SiyuError extends Error {
  constructor(status, problem, headers) {
    super(problem.title || "HTTP " + status);
    this.name = "SiyuError";
    this.status = status;
    this.code = problem.code || (status ? "http_" + status : "network");
    this.retryable = problem.retryable === undefined ? status === 0 || status >= 500 : problem.retryable;
    this.retryAfter = Number(headers["retry-after"]) || 0;
    this.requestId = problem.request_id || headers["x-request-id"] || "";
    this.errors = problem.errors || [];
    this.problem = problem;
  }
}

class Siyu {
  /** See `Options` in index.d.ts. */
  constructor(options) {
    this.base = options.base.replace(/\/+$/, "");
    this.key = options.key || "";
    this.headers = options.headers || {};
    if (options.language) this.headers["Accept-Language"] = options.language;
    this.store = storageOf(options.storage);
    this.send = options.transport || transportOf();
    this.onLoggedOut = options.onLoggedOut || function () {};
    this.wait = options.wait || function (ms) { return new Promise(function (done) { setTimeout(done, ms); }); };
    this.tokens = this.store.get(TOKENS) || null;
    this.renewing = null;
    this.running = 0;
    this.queue = [];
  }

  /** Any operation by its name; the methods of the same names call this. */
  async call(name, args, options) {
    const operation = parsed(name);
    args = Object.assign({}, args);
    options = options || {};
    if (operation.takesKey && !args.idempotencyKey) args.idempotencyKey = randomKey();
    const isKept = options.persist && args.idempotencyKey;
    if (isKept) this._keep(args.idempotencyKey, { name: name, args: args });
    try {
      const answer = await this._tried(operation, args, options);
      if (answer.data && answer.data.refresh_token) this._remember(answer.data);
      if (name === "authLogoutPost") this._forget();
      if (isKept) this._keep(args.idempotencyKey, undefined);
      return answer;
    } catch (wrong) {
      if (isKept && !wrong.retryable) this._keep(args.idempotencyKey, undefined);
      throw wrong;
    }
  }

  /** Sends again what was begun with `persist` and never answered: the app was closed, the network was away. */
  async resume() {
    const waiting = this.store.get(WAITING) || {};
    const answers = [];
    for (const key of Object.keys(waiting)) answers.push(await this.call(waiting[key].name, waiting[key].args, { persist: true }));
    return answers;
  }

  async _tried(operation, args, options) {
    let hasRenewed = false;
    for (let tried = 1; ; tried++) {
      const token = this.tokens && this.tokens.access_token;
      try {
        return await this._sent(operation, args, options, token);
      } catch (wrong) {
        if (wrong.code === "token_expired" && !hasRenewed && this.tokens) {
          hasRenewed = true;
          await this._renewed(token);
          continue;
        }
        const isSafe = operation.method !== "POST" || operation.takesKey || wrong.status === 429;
        if (!wrong.retryable || !isSafe || tried >= TRIES) throw wrong;
        await this.wait(wrong.retryAfter * 1000 || 400 * Math.pow(2, tried - 1) * (0.75 + Math.random() / 2));
      }
    }
  }

  /** One refresh for everybody who waits; who comes with an older token finds the new one there already. */
  _renewed(expired) {
    if (this.tokens && this.tokens.access_token !== expired) return Promise.resolve();
    if (!this.renewing) {
      const body = { refresh_token: this.tokens.refresh_token };
      this.renewing = this._tried(Object.assign(parsed("authRefreshPost"), { takesKey: true }), { body: body }, {})
        .then((answer) => this._remember(answer.data), (wrong) => {
          if (wrong.status === 401 || wrong.status === 403) this._forget();
          throw wrong;
        })
        .finally(() => { this.renewing = null; });
    }
    return this.renewing;
  }

  async _sent(operation, args, options, token) {
    const headers = Object.assign({ Accept: "application/json" }, this.headers);
    const bearer = operation.path.startsWith("/api/v1/auth/") && !operation.needsMember ? "" : this.key || token;
    if (bearer) headers.Authorization = "Bearer " + bearer;
    if (args.idempotencyKey) headers["Idempotency-Key"] = args.idempotencyKey;
    if (args.ifMatch) headers["If-Match"] = args.ifMatch;
    if (args.ifNoneMatch) headers["If-None-Match"] = args.ifNoneMatch;
    if (args.prefer) headers.Prefer = args.prefer;
    const request = { method: operation.method, url: this.base + addressOf(operation, args), headers: headers };
    if (operation.isUpload) {
      request.upload = args;
      request.onProgress = options.onProgress;
    } else if (args.body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(args.body);
    }
    const answer = await this._inTurn(request);
    const found = lower(answer.headers);
    const data = read(answer.body);
    if (answer.status >= 400 || answer.status === 0) throw new SiyuError(answer.status, data && typeof data === "object" ? data : {}, found);
    return { status: answer.status, data: data, etag: found.etag || "", requestId: found["x-request-id"] || "", headers: found };
  }

  async _inTurn(request) {
    if (this.running >= MOST_AT_ONCE) await new Promise((go) => this.queue.push(go));
    else this.running++;
    try {
      return await this.send(request);
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.running--;
    }
  }

  _remember(pair) {
    this.tokens = pair;
    this.store.set(TOKENS, pair);
  }

  _forget() {
    this.tokens = null;
    this.store.set(TOKENS, undefined);
    this.store.set(WAITING, undefined);
    this.onLoggedOut();
  }

  _keep(key, call) {
    const waiting = this.store.get(WAITING) || {};
    if (call) waiting[key] = call;
    else delete waiting[key];
    this.store.set(WAITING, waiting);
  }
}

for (const name of Object.keys(OPERATIONS)) {
  Siyu.prototype[name] = function (args, options) { return this.call(name, args, options); };
}

/** "PUT /api/v1/me/consents/{purpose}/{channel} k" → its parts; flags: k takes a key, m needs a member, u is an upload. */
function parsed(name) {
  if (!OPERATIONS[name]) throw new Error("Siyu knows no operation " + name);
  const [method, path, flags, query] = OPERATIONS[name].split(" ");
  return {
    method: method, path: "/api/v1" + path, query: query ? query.split(",") : [],
    takesKey: flags.includes("k"), needsMember: flags.includes("m"), isUpload: flags.includes("u"),
  };
}

function addressOf(operation, args) {
  const path = operation.path.replace(/\{(\w+)\}/g, function (_, name) {
    if (args[name] === undefined) throw new Error("Siyu misses " + name + " for " + operation.path);
    return encodeURIComponent(args[name]);
  });
  const query = operation.query.filter((name) => args[name] !== undefined)
    .map((name) => [].concat(args[name]).map((one) => name + "=" + encodeURIComponent(one)).join("&")).join("&");
  return query ? path + "?" + query : path;
}

function read(body) {
  if (typeof body !== "string") return body === undefined ? null : body; // wx has parsed it, or it is no JSON
  try { return body ? JSON.parse(body) : null; } catch (_) { return body; }
}

function lower(headers) {
  const found = {};
  for (const name of Object.keys(headers || {})) found[name.toLowerCase()] = String(headers[name]);
  return found;
}

function randomKey() {
  let key = "js-" + Date.now().toString(36) + "-";
  while (key.length < 36) key += Math.random().toString(36).slice(2);
  return key.slice(0, 36);
}

/** wx itself, a web Storage, or nothing: then tokens live as long as the page. */
function storageOf(given) {
  if (given && given.getStorageSync) {
    return {
      get: (name) => given.getStorageSync(name) || null,
      set: (name, value) => value === undefined ? given.removeStorageSync(name) : given.setStorageSync(name, value),
    };
  }
  if (given && given.getItem) {
    return {
      get: (name) => JSON.parse(given.getItem(name) || "null"),
      set: (name, value) => value === undefined ? given.removeItem(name) : given.setItem(name, JSON.stringify(value)),
    };
  }
  const kept = {};
  return { get: (name) => kept[name] || null, set: (name, value) => { kept[name] = value; } };
}

function transportOf() {
  return typeof wx !== "undefined" && wx.request ? overWx : overFetch;
}

/** wx.request calls every status a success, and uploadFile answers with a string. */
function overWx(request) {
  return new Promise(function (done) {
    const told = {
      url: request.url,
      header: request.headers,
      success: (answer) => done({ status: answer.statusCode, headers: answer.header, body: answer.data }),
      fail: (wrong) => done({ status: 0, headers: {}, body: { title: wrong.errMsg } }),
    };
    if (request.upload) {
      const task = wx.uploadFile(Object.assign(told, {
        filePath: request.upload.filePath, name: "file", formData: { purpose: request.upload.purpose || "avatar" },
      }));
      if (request.onProgress && task) task.onProgressUpdate((state) => request.onProgress(state.progress));
      return;
    }
    wx.request(Object.assign(told, { method: request.method, data: request.body, dataType: "text", responseType: "text", timeout: 15000 }));
  });
}

async function overFetch(request) {
  try {
    if (request.upload && typeof XMLHttpRequest !== "undefined") return await overXhr(request);
    const answer = await fetch(request.url, {
      method: request.method, headers: request.headers, body: request.upload ? form(request.upload) : request.body, credentials: "omit",
    });
    const headers = {};
    answer.headers.forEach((value, name) => { headers[name] = value; });
    const isText = /json|text/.test(headers["content-type"] || "json");
    return { status: answer.status, headers: headers, body: isText ? await answer.text() : await answer.arrayBuffer() };
  } catch (wrong) {
    return { status: 0, headers: {}, body: { title: String(wrong.message || wrong) } };
  }
}

function form(upload) {
  const made = new FormData();
  made.append("purpose", upload.purpose || "avatar");
  made.append("file", upload.file, upload.file.name || "picture");
  return made;
}

/** fetch cannot tell how much of an upload has left. */
function overXhr(request) {
  return new Promise(function (done) {
    const line = new XMLHttpRequest();
    line.open(request.method, request.url);
    for (const name of Object.keys(request.headers)) line.setRequestHeader(name, request.headers[name]);
    line.upload.onprogress = (state) => request.onProgress && request.onProgress(Math.round((100 * state.loaded) / state.total));
    line.onload = () => done({ status: line.status, headers: { "x-request-id": line.getResponseHeader("X-Request-Id") || "" }, body: line.responseText });
    line.onerror = () => done({ status: 0, headers: {}, body: {} });
    line.send(form(request.upload));
  });
}

module.exports = { Siyu: Siyu, SiyuError: SiyuError };
