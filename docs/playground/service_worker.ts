/**
 * Caches all files of the playground, so that it works offline, and isolates the page, so that
 * programs have shared memory and threads.
 *
 * @module
 */
/// <reference lib="webworker" />

const scope = globalThis as unknown as ServiceWorkerGlobalScope;
/** Written by the build: all files of the folder. */
declare const FILES: readonly string[];
/** Written by the build: a hash of the files. */
declare const VERSION: string;

const NAME = `jacobi-playground-${VERSION}`;

/** Caches all files. */
async function keep(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
}

// The first version activates at once, so that the page is isolated early, and caches files on request. A later
// one replaces the previous version only when it has all files.
scope.addEventListener("install", (event) => {
  if (scope.registration.active !== null) event.waitUntil(keep());
});

scope.addEventListener("message", (event) => {
  if (event.data !== "keep") return;
  event.waitUntil((async () => {
    const cache = await caches.open(NAME);
    if ((await cache.keys()).length < FILES.length) await keep();
    event.source?.postMessage("kept");
  })());
});

scope.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("jacobi-playground-") && name !== NAME) await caches.delete(name);
    }
    await scope.clients.claim();
  })());
});

/** The same response, with the headers that isolate the page. */
function isolated(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  event.respondWith((async () => {
    const cache = await caches.open(NAME);
    const kept = await cache.match(request, { ignoreSearch: request.mode === "navigate" });
    const response = kept ?? await fetch(request);
    return response.type === "opaqueredirect" || response.status === 0
      ? response
      : isolated(response);
  })());
});
