// Lets a till open without a network: its files, and its page with nobody at it. Nothing else is kept.
"use strict";
const { files, shell } = {{ parts|safe }};
const STORE = "till-" + [...JSON.stringify(files)].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7).toString(36);

const fresh = (address) => new Request(address, { cache: "reload", credentials: "same-origin" });
const keep = async (addresses) => (await caches.open(STORE)).addAll(addresses.map(fresh));
const forget = async (isOurs) => Promise.all((await caches.keys()).filter((name) => name.startsWith("till-") && isOurs(name)).map((name) => caches.delete(name)));

self.addEventListener("install", (event) => event.waitUntil(keep([...files, shell]).then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(forget((name) => name !== STORE).then(() => self.clients.claim())));

// With a network the page is the server's, and the kept one is renewed for its language; a browser that is no till any more keeps nothing.
const visit = async (event) => {
  try {
    const answer = await fetch(event.request);
    if (answer.ok) event.waitUntil(keep([shell]).catch(() => {}));
    else if (answer.status === 403) event.waitUntil(forget(() => true));
    return answer;
  } catch (problem) {
    const kept = await caches.match(shell);
    if (!kept) throw problem;
    return kept;
  }
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const path = new URL(request.url).pathname;
  if (request.mode === "navigate") event.respondWith(visit(event));
  else if (files.includes(path)) event.respondWith(caches.match(path).then((kept) => kept || fetch(request)));
});
