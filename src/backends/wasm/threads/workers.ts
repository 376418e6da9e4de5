/**
 * One interface for the workers of each runtime: `node:worker_threads` in Deno, Node and Bun, Web Workers in
 * browsers.
 *
 * @module
 */
import { type ProgramMessage, serve, type WorkerData } from "./worker.ts";

/** A worker that runs programs. It never keeps a script from ending. */
export interface Crew {
  /** Sends it a program. */
  postMessage(message: ProgramMessage): void;
  /** Ends it. */
  terminate(): unknown;
}

/** Starts a worker; may throw. */
export type StartWorker = (data: WorkerData) => Crew;

/** The parts of `node:worker_threads` that are used. */
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

/** The globals that are queried here; each runtime has some of them. */
interface Host {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly crossOriginIsolated?: boolean;
  readonly Worker?: typeof Worker;
}

/**
 * The function that starts workers that can share memory; undefined if there are no such workers. They are
 * loaded only when needed, since that takes milliseconds.
 */
export function findWorkers(): StartWorker | undefined {
  const { process, crossOriginIsolated, Worker } = globalThis as Host;
  const threads = process?.getBuiltinModule?.("node:worker_threads");
  if (threads !== undefined) return startThread(threads as WorkerThreads);
  return crossOriginIsolated === true && Worker !== undefined ? startWebWorker(Worker) : undefined;
}

/** Workers of `node:worker_threads`. The Web Workers of these runtimes would keep a script from ending. */
function startThread({ Worker }: WorkerThreads): StartWorker {
  const source = `const { workerData, parentPort } = require("node:worker_threads");
${serving}(workerData, (listener) => parentPort.on("message", listener));`;
  return (workerData) => {
    // Options that the script was started with, such as the kind of its modules, do not apply to the worker.
    const worker = new Worker(source, { eval: true, execArgv: [], workerData });
    // A failed worker needs no handling: it never enters again.
    worker.on("error", () => {});
    worker.unref();
    return worker;
  };
}

/** Web Workers, which receive their start data in their first message. */
function startWebWorker(WebWorker: typeof Worker): StartWorker {
  return (data) => {
    const worker = new WebWorker(webWorkerUrl());
    worker.addEventListener("error", (event) => event.preventDefault());
    worker.postMessage(data);
    return worker;
  };
}

let url: string | undefined;

/** The URL of the script that Web Workers run. */
function webWorkerUrl(): string {
  const source = `self.onmessage = ({ data }) =>
${serving}(data, (listener) => { self.onmessage = ({ data }) => listener(data); });`;
  return url ??= URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

/** The worker's function as text, with the helper that bundlers may call in it to keep function names. */
const serving = `((__name) => (${serve}))((f) => f)`;
