/**
 * Threads for what has to be done while the thread that started them is in a foreign function: they are
 * workers of `node:worker_threads`, which never keep a script from ending.
 *
 * @module
 */
import { argumentError, internalError, xlaError } from "../../../base/errors.ts";
import { CODES } from "../pjrt/api.ts";
import { LONGEST } from "./connection.ts";

/** A thread. */
export interface Thread {
  /** What the module's function has given, as JSON carries it. */
  readonly value: unknown;
  /** Ends it. */
  close(): void;
}

/** A line on which one thread asks another and blocks until it is answered. */
export interface Line {
  /** Where questions are asked. */
  readonly near: MessagePort;
  /** Where they arrive. */
  readonly far: MessagePort;
  /** What answers are written into. It grows. */
  readonly memory: SharedArrayBuffer;
}

/** One end of a line. */
export interface LineEnd {
  readonly port: MessagePort;
  readonly memory: SharedArrayBuffer;
}

/** An answer: the number of an error's kind or 0, and its contents. */
export interface Answer {
  readonly code: number;
  readonly contents: Uint8Array;
}

/**
 * The first words of a line's memory: the last question and the last answer by number, the answer's code,
 * and the size of its contents, which follow at the byte `contents`.
 */
const PLACES = { asked: 0, answered: 1, code: 2, size: 3, contents: 16 } as const;

/** What is used of `node:worker_threads`. */
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

/** Makes a line. */
export function makeLine(): Line {
  const { port1: near, port2: far } = new MessageChannel();
  return { near, far, memory: makeMemory() };
}

function makeMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(PLACES.contents, { maxByteLength: PLACES.contents + LONGEST });
}

/** Writes the answer to a question, unless it was given up. Its text is a part of `SOURCE`. */
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

/** Waits for the answer to the last question, for so many milliseconds; gives `null` when none came. */
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

/** Asks a question and waits for its answer, for so many milliseconds; gives `null` when none came. */
export function ask(
  { port, memory }: LineEnd,
  question: unknown,
  timeoutMs: number,
): Answer | null {
  const id = Atomics.add(new Int32Array(memory, 0, 4), PLACES.asked, 1) + 1;
  port.postMessage({ id, question });
  return readAnswer(memory, timeoutMs);
}

/** Answers what is asked at the other end of a line. */
export function answerAll<Question>(
  { port, memory }: LineEnd,
  answer: (question: Question) => Promise<Answer>,
): void {
  port.onmessage = async ({ data: { id, question } }) => {
    const { code, contents } = await answer(question);
    writeAnswer(memory, id, code, contents);
  };
}

/** How long a thread may take to begin beyond the time that it is given, in milliseconds. */
const START = 30_000;

/** The code of an error that is none of XLA's. */
const OTHER = CODES.length;

/** What a thread begins with: it imports the module and answers the question that stands for its start. */
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
 * Starts a thread and waits until a module's function `run` has begun its work there.
 *
 * @param url The module's address.
 * @param data What `run` is called with; its result, or that of its promise, is the thread's value.
 * @param ports Ports within the data, which the thread takes over.
 * @param what Begins the message when it fails.
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
  // What fails there later is told to those who wait for it.
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
