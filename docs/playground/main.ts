/**
 * The playground's page.
 *
 * @module
 */
/// <reference lib="dom" />
import type { GalleryProgram } from "../gallery/programs.ts";
import { makeEditor, startLanguage } from "./editor.ts";
import { failed, notice, printed, shown } from "./output.ts";
import type { Backend, RunMessage, RunRequest } from "./protocol.ts";
import { pack, unpack } from "./share.ts";

/** The run time in seconds after which a program is reported as long-running. */
const LONG = 10;

/** The pause in typing after which the address is updated, in milliseconds. */
const PAUSE = 400;

const START = "gradient";

function find<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const buttons = {
  run: find<HTMLButtonElement>("run"),
  stop: find<HTMLButtonElement>("stop"),
  share: find<HTMLButtonElement>("share"),
  menu: find<HTMLButtonElement>("menu"),
  appearance: find<HTMLButtonElement>("appearance"),
};
const backend = find<HTMLSelectElement>("backend");
const output = find("output");
const status = find("status");

// Shared memory, and therefore threads, require an isolated page. The service worker adds the necessary
// headers to responses, so the first visit reloads the page once; it also caches all files.
async function isolate(): Promise<void> {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  await navigator.serviceWorker.register("service_worker.js").catch(() => {});
  if (crossOriginIsolated || sessionStorage.getItem("isolated") !== null) {
    navigator.serviceWorker.onmessage = () => document.body.dataset.kept = "true";
    return (await navigator.serviceWorker.ready).active?.postMessage("keep");
  }
  await navigator.serviceWorker.ready;
  if (isBusy) return;
  sessionStorage.setItem("isolated", "tried");
  if (isEdited) await keep();
  location.reload();
}

let isEdited = false;
const language = startLanguage();
const editor = makeEditor(find("editor"), language, {
  run: () => void run(),
  changed: () => {
    isEdited = true;
    mark(null);
    clearTimeout(pause);
    pause = setTimeout(() => void keep(), PAUSE);
  },
});
let pause: ReturnType<typeof setTimeout> | undefined;

/** Puts the edited program into the address, so that reloading and the browser's history restore it. */
async function keep(): Promise<void> {
  clearTimeout(pause);
  const text = editor.text();
  const hash = `#code=${await pack(text)}`;
  // Another program may have been opened in the meantime.
  if (isEdited && editor.text() === text) history.replaceState(null, "", hash);
}

// ---- Running

/** A worker that has loaded the library and is waiting for a program. */
let ready: Worker | null = null;
let running: Worker | null = null;
/** The worker of the last program: its timers may continue, with output, until the next run. */
let latest: Worker | null = null;
let timer: ReturnType<typeof setInterval> | undefined;
/** Whether a program is being compiled or runs. */
let isBusy = false;
/** The number of runs and stops so far: a program compiled for an earlier run is not started. */
let attempts = 0;

function newWorker(): Worker {
  return new Worker(new URL("run.js", document.baseURI), { type: "module" });
}

function prepare(): void {
  ready ??= newWorker();
}

/** Output that is not in the page yet. */
const pending = document.createDocumentFragment();
let flushing: ReturnType<typeof setTimeout> | undefined;

function add(node: Node): void {
  pending.append(node);
  flushing ??= setTimeout(flush, 20);
}

/** Puts pending output into the page, many entries at once, because each update causes a layout. */
function flush(): void {
  clearTimeout(flushing);
  flushing = undefined;
  const isAtEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 80;
  output.append(pending);
  if (isAtEnd) output.scrollTop = output.scrollHeight;
}

function clear(...nodes: readonly Node[]): void {
  pending.replaceChildren();
  output.replaceChildren(...nodes);
}

function finish(outcome: string): void {
  flush();
  clearInterval(timer);
  running = null;
  isBusy = false;
  buttons.run.disabled = false;
  buttons.stop.disabled = true;
  status.textContent = outcome;
  document.body.dataset.outcome = /^\w+/.exec(outcome)![0].toLowerCase();
  prepare();
}

function stop(): void {
  attempts++;
  latest?.terminate();
  latest = null;
  if (buttons.stop.disabled) return;
  add(notice("Stopped."));
  finish("Stopped");
}

async function run(): Promise<void> {
  stop();
  const attempt = attempts;
  isBusy = true;
  buttons.run.disabled = true;
  buttons.stop.disabled = false;
  clear();
  status.textContent = "Starting …";
  document.body.dataset.outcome = "running";
  const transpiled = await language.transpile(editor.text()).catch((error: Error) => ({
    mistakes: [{ from: 0, to: 0, message: error.message, severity: "error" } as const],
  }));
  if (attempt !== attempts) return;
  if ("mistakes" in transpiled) {
    editor.underline(transpiled.mistakes);
    const lineOf = (at: number) => editor.text().slice(0, at).split("\n").length;
    for (const { message, from } of transpiled.mistakes) {
      add(failed({ message, lines: [lineOf(from)] }, editor.goTo));
    }
    return finish("Failed: the program is not valid TypeScript");
  }
  const worker = ready ?? newWorker();
  ready = null;
  running = worker;
  latest = worker;
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  let device = "";
  let isMentioned = false;
  timer = setInterval(() => {
    status.textContent = `Running on ${device}: ${seconds().toFixed(0)} s`;
    if (seconds() > LONG && !isMentioned) {
      isMentioned = true;
      add(notice(`The program has been running for ${LONG} seconds. Press Stop to end it.`));
    }
  }, 500);
  const places = new Map<number, HTMLElement>();
  worker.onmessage = async ({ data }: MessageEvent<RunMessage>) => {
    if (latest !== worker) return;
    // The timers of a finished program continue: they can be stopped.
    if (running !== worker && !(data.type === "print" && places.has(data.id))) {
      buttons.stop.disabled = false;
    }
    switch (data.type) {
      case "started":
        device = data.device;
        status.textContent = `Running on ${device}`;
        break;
      case "notice":
        add(notice(data.text));
        break;
      case "print": {
        const line = printed(data.level, data.values);
        const place = places.get(data.id);
        if (place === undefined) add(line);
        else place.replaceWith(line);
        places.set(data.id, line);
        break;
      }
      case "show": {
        const place = document.createElement("div");
        add(place);
        const picture = await shown(data.display).catch((error: Error) =>
          failed({ message: `Cannot draw: ${error.message}`, lines: [] }, editor.goTo)
        );
        place.append(picture);
        if (output.lastChild === place) output.scrollTop = output.scrollHeight;
        break;
      }
      case "failed":
        add(failed(data.failure, editor.goTo));
        if (running !== worker) break;
        worker.terminate();
        finish(`Failed after ${seconds().toFixed(1)} s on ${device}`);
        break;
      case "done":
        finish(`Done in ${seconds().toFixed(1)} s on ${device}`);
        break;
    }
  };
  worker.onerror = (event) => {
    if (running !== worker) return;
    add(
      failed(
        { message: event.message || "The worker could not be started", lines: [] },
        editor.goTo,
      ),
    );
    finish("Failed");
  };
  worker.postMessage(
    {
      code: transpiled.code,
      backend: backend.value as Backend,
      canvas: new URLSearchParams(location.search).has("canvas"),
    } satisfies RunRequest,
  );
}

// ---- The gallery

const response = await fetch("gallery.json");
const programs = await response.json() as readonly GalleryProgram[];
const list = find("programs");
const search = find<HTMLInputElement>("search");
const isNarrow = matchMedia("(max-width: 1100px)");

function listPrograms(): void {
  const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const found = programs.filter((program) => {
    const text = `${program.title} ${program.summary} ${program.category} ${program.source}`;
    return words.every((word) => text.toLowerCase().includes(word));
  });
  const nodes: Node[] = [];
  let category = "";
  for (const program of found) {
    if (program.category !== category) {
      category = program.category;
      const heading = document.createElement("h2");
      heading.textContent = category;
      nodes.push(heading);
    }
    const link = document.createElement("a");
    link.href = `#example=${program.name}`;
    link.textContent = program.title;
    link.title = program.summary;
    link.dataset.name = program.name;
    nodes.push(link);
  }
  if (nodes.length === 0) {
    const none = document.createElement("p");
    none.textContent = "No matching programs.";
    nodes.push(none);
  }
  list.replaceChildren(...nodes);
}

function mark(name: string | null): void {
  const title = programs.find((program) => program.name === name)?.title;
  find("title").textContent = title ?? "Playground";
  for (const link of list.querySelectorAll("a")) {
    if (link.dataset.name === name) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function toggleMenu(isOpen: boolean): void {
  document.body.classList.toggle("open", isOpen);
  document.body.classList.toggle("closed", !isOpen);
  buttons.menu.setAttribute("aria-expanded", String(isOpen));
}

function invite(): void {
  const line = document.createElement("div");
  line.className = "empty";
  const key = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";
  line.innerHTML = `Run the program with <kbd>${key}</kbd> <kbd>Enter</kbd>.`;
  clear(line);
  status.textContent = crossOriginIsolated
    ? "Ready"
    : "Ready (one thread: the page is not isolated)";
}

/** Opens the program in the address: one of the gallery, a shared one, or the first. */
async function open(): Promise<void> {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const packed = wanted.get("code");
  clearTimeout(pause);
  stop();
  invite();
  if (packed !== null) {
    try {
      editor.setText(await unpack(packed));
      isEdited = false;
      return mark(null);
    } catch {
      output.append(notice("Cannot read the program in this link; it may be incomplete."));
    }
  }
  const named = programs.find(({ name }) => name === wanted.get("example"));
  const program = named ?? programs.find(({ name }) => name === START) ?? programs[0];
  editor.setText(program.source);
  isEdited = false;
  mark(program.name);
}

search.addEventListener("input", () => {
  const name = list.querySelector<HTMLElement>("[aria-current]")?.dataset.name ?? null;
  listPrograms();
  mark(name);
});
list.addEventListener("click", async (event) => {
  const link = (event.target as Element).closest("a");
  if (link === null) return;
  event.preventDefault();
  if (isNarrow.matches) toggleMenu(false);
  if (isEdited) await keep();
  location.hash = link.hash;
});

// ---- The rest of the page

buttons.run.addEventListener("click", () => void run());
buttons.stop.addEventListener("click", stop);
buttons.menu.addEventListener("click", () => {
  const isOpen = isNarrow.matches
    ? document.body.classList.contains("open")
    : !document.body.classList.contains("closed");
  toggleMenu(!isOpen);
  if (!isOpen) search.focus();
});
buttons.share.addEventListener("click", async () => {
  const address = new URL(location.href);
  address.hash = `code=${await pack(editor.text())}`;
  clearTimeout(pause);
  history.replaceState(null, "", address);
  const label = buttons.share.querySelector("span")!;
  try {
    await navigator.clipboard.writeText(address.href);
    label.textContent = "Copied";
  } catch {
    label.textContent = "In the address";
  }
  setTimeout(() => label.textContent = "Share", 2000);
});
buttons.appearance.addEventListener("click", () => {
  const isDark = document.documentElement.classList.toggle("dark");
  localStorage.setItem("vitepress-theme-appearance", isDark ? "dark" : "light");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
    event.preventDefault();
    void run();
  }
  if (event.key === "Escape" && isNarrow.matches) toggleMenu(false);
});
addEventListener("hashchange", () => void open());

listPrograms();
if (!isNarrow.matches) toggleMenu(true);
await open();
prepare();
document.body.dataset.ready = "true";
void isolate();
