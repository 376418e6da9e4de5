/**
 * The workers of each runtime behind one interface: `node:worker_threads` in Deno, Node and Bun, Web
 * Workers in browsers.
 *
 * @module
 */
import { type ProgramMessage, serve, type WorkerData } from "./worker.ts";

/** A worker that serves programs. It never keeps a script from ending. */
export interface Crew {
  /** Sends it a program. */
  postMessage(message: ProgramMessage): void;
  /** Ends it. */
  terminate(): unknown;
}

/** What starts a worker; it may fail. */
export type StartWorker = (data: WorkerData) => Crew;

/** What is used of `node:worker_threads`. */
interface WorkerThreads {
  readonly Worker: new (
    source: string,
    options: {
      readonly eval: true;
      readonly execArgv: readonly string[];
      readonly workerData: WorkerData;
    },
  ) => Crew & {
    on(event: "error", listener: () => void): void;
    unref(): void;
  };
}

/** The globals that are asked for here; each runtime has some of them. */
interface Host {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly crossOriginIsolated?: boolean;
  readonly Worker?: typeof Worker;
}

/**
 * What starts workers that can share memory; none where there are no such workers. Asked for when they
 * are needed: loading them takes milliseconds.
 */
export function findWorkers(): StartWorker | undefined {
  const { process, crossOriginIsolated, Worker } = globalThis as Host;
  const threads = process?.getBuiltinModule?.("node:worker_threads");
  if (threads !== undefined) return startThread(threads as WorkerThreads);
  return crossOriginIsolated === true && Worker !== undefined ? startWebWorker(Worker) : undefined;
}

/** Workers of `node:worker_threads`. Web Workers of these runtimes would keep a script from ending. */
function startThread({ Worker }: WorkerThreads): StartWorker {
  const source = `const { workerData, parentPort } = require("node:worker_threads");
${serving}(workerData, (listener) => parentPort.on("message", listener));`;
  return (workerData) => {
    // What the script was started with, as the kind of its modules, is nothing to the worker.
    const worker = new Worker(source, { eval: true, execArgv: [], workerData });
    // One that fails is not missed: it never steps in again.
    worker.on("error", () => {});
    worker.unref();
    return worker;
  };
}

/** Web Workers, which are told in their first message what a thread is started with. */
function startWebWorker(WebWorker: typeof Worker): StartWorker {
  return (data) => {
    const worker = new WebWorker(webWorkerUrl());
    worker.addEventListener("error", (event) => event.preventDefault());
    worker.postMessage(data);
    return worker;
  };
}

let url: string | undefined;

/** The address of the script that Web Workers run. */
function webWorkerUrl(): string {
  const source = `self.onmessage = ({ data }) =>
${serving}(data, (listener) => { self.onmessage = ({ data }) => listener(data); });`;
  return url ??= URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

/** The worker's function as text; what bundlers may call in it to keep its names is there, too. */
const serving = `((__name) => (${serve}))((f) => f)`;
