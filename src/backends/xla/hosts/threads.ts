/**
 * Threads for work that must continue while the thread that started them is blocked in a foreign function.
 * They are workers of `node:worker_threads`, which never keep a script from ending.
 *
 * @module
 */
import { argumentError, internalError, xlaError } from "../../../base/errors.ts";
import { CODES } from "../pjrt/api.ts";
import { LONGEST } from "./connection.ts";

/** A thread. */
export interface Thread {
  /** The result of the module's function, limited to JSON. */
  readonly value: unknown;
  /** Ends it. */
  close(): void;
}

/** A line on which one thread sends requests to another and blocks until they are answered. */
export interface Line {
  /** The port on which requests are sent. */
  readonly near: MessagePort;
  /** The port on which they arrive. */
  readonly far: MessagePort;
  /** The memory into which answers are written. It grows. */
  readonly memory: SharedArrayBuffer;
}

/** One end of a line. */
export interface LineEnd {
  readonly port: MessagePort;
  readonly memory: SharedArrayBuffer;
}

/** An answer: an error code or 0, and the contents. */
export interface Answer {
  readonly code: number;
  readonly contents: Uint8Array;
}

/**
 * The first words of a line's memory: the numbers of the last request and of the last answer, the answer's
 * code, and the size of its contents, which follow at the byte `contents`.
 */
const PLACES = { asked: 0, answered: 1, code: 2, size: 3, contents: 16 } as const;

/** The parts of `node:worker_threads` that are used. */
interface WorkerThreads {
  readonly Worker: new (source: string, options: object) => {
    on(event: "error", listener: (error: unknown) => void): void;
    unref(): void;
    terminate(): unknown;
  };
}

function workerThreads(): WorkerThreads {
  const { process } = globalThis as {
    readonly process?: { getBuiltinModule?(name: string): unknown };
  };
  const found = process?.getBuiltinModule?.("node:worker_threads");
  if (found !== undefined) return found as WorkerThreads;
  throw internalError("there are no threads where there are foreign functions");
}

/** Creates a line. */
export function makeLine(): Line {
  const { port1: near, port2: far } = new MessageChannel();
  return { near, far, memory: makeMemory() };
}

function makeMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(PLACES.contents, { maxByteLength: PLACES.contents + LONGEST });
}

/** Writes the answer to a request, unless the request was abandoned. Its text is a part of `SOURCE`. */
function writeAnswer(
  memory: SharedArrayBuffer,
  id: number,
  code: number,
  contents: Uint8Array,
): void {
  const words = new Int32Array(memory, 0, 4);
  if (Atomics.load(words, PLACES.asked) !== id) return;
  const end = PLACES.contents + contents.length;
  if (memory.byteLength < end) memory.grow(end);
  new Uint8Array(memory, PLACES.contents).set(contents);
  words[PLACES.code] = code;
  words[PLACES.size] = contents.length;
  Atomics.store(words, PLACES.answered, id);
  Atomics.notify(words, PLACES.answered);
}

/** Waits for the answer to the last request for `timeoutMs` milliseconds; returns `null` if none arrived. */
function readAnswer(memory: SharedArrayBuffer, timeoutMs: number): Answer | null {
  const words = new Int32Array(memory, 0, 4);
  const id = words[PLACES.asked];
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = Atomics.load(words, PLACES.answered);
    if (seen === id) break;
    const left = deadline - performance.now();
    if (left <= 0) return null;
    Atomics.wait(words, PLACES.answered, seen, left);
  }
  const contents = new Uint8Array(memory, PLACES.contents, words[PLACES.size]);
  return { code: words[PLACES.code], contents: new Uint8Array(contents) };
}

/** Sends a request and waits for its answer for `timeoutMs` milliseconds; returns `null` if none arrived. */
export function ask(
  { port, memory }: LineEnd,
  question: unknown,
  timeoutMs: number,
): Answer | null {
  const id = Atomics.add(new Int32Array(memory, 0, 4), PLACES.asked, 1) + 1;
  port.postMessage({ id, question });
  return readAnswer(memory, timeoutMs);
}

/** Answers all requests from the other end of a line. */
export function answerAll<Question>(
  { port, memory }: LineEnd,
  answer: (question: Question) => Promise<Answer>,
): void {
  port.onmessage = async ({ data: { id, question } }) => {
    const { code, contents } = await answer(question);
    writeAnswer(memory, id, code, contents);
  };
}

/** Additional time that a thread may take to start, in milliseconds. */
const START = 30_000;

/** The code of errors that are not from XLA. */
const OTHER = CODES.length;

/** The source of a thread: it imports the module and answers the request that represents its start. */
const SOURCE = `const { workerData: given } = require("node:worker_threads");
const PLACES = ${JSON.stringify(PLACES)};
${writeAnswer}
const tell = (code, text) =>
  writeAnswer(given.memory, 1, code, new TextEncoder().encode(text));
import(given.url).then((found) => found.run(given.data)).then(
  (value) => tell(0, JSON.stringify(value ?? null)),
  (error) => {
    const code = given.codes.indexOf(error?.code);
    tell(code < 0 ? given.codes.length : code, String(error?.message ?? error));
  },
);`;

/**
 * Starts a thread and waits until a module's function `run` has started its work there.
 *
 * @param url The URL of the module.
 * @param data The argument of `run`; the result of `run`, or of its promise, is the thread's value.
 * @param ports Ports within the data, which are transferred to the thread.
 * @param what The beginning of the error message.
 * @param timeoutMs How long `run` may take.
 */
export function startThread(
  url: string,
  data: object,
  ports: readonly MessagePort[],
  what: string,
  timeoutMs = 0,
): Thread {
  const memory = makeMemory();
  new Int32Array(memory)[PLACES.asked] = 1;
  const { Worker } = workerThreads();
  const worker = new Worker(SOURCE, {
    eval: true,
    execArgv: [],
    workerData: { url, data, memory, codes: CODES },
    transferList: ports,
  });
  // Later failures there are reported to the threads that wait for it.
  worker.on("error", () => {});
  worker.unref();
  const close = () => void worker.terminate();
  const { code, contents } = readAnswer(memory, timeoutMs + START) ??
    { code: OTHER, contents: new TextEncoder().encode("a thread does not start") };
  const text = new TextDecoder().decode(contents);
  if (code === 0) return { value: JSON.parse(text), close };
  close();
  const message = text.startsWith("Cannot ") ? text : `${what}: ${text}`;
  throw code === OTHER ? argumentError(message) : xlaError(message, CODES[code]);
}
