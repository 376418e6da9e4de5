/**
 * Key-value stores through which the processes of a run find each other, and the implementation over TCP.
 *
 * @module
 */
import { describeValue } from "../../../base/dtype.ts";
import { argumentError, type XlaError, xlaError } from "../../../base/errors.ts";
import { readOptions } from "../../../base/options.ts";
import { CODES } from "../pjrt/api.ts";
import { type Connection, dial, LONGEST, parseEndpoint, showEndpoint } from "./connection.ts";

/**
 * A table from text to bytes that is shared by all processes of a run. XLA's plugins store information for
 * the other processes there, such as the devices of each one. A key can be put only once.
 *
 * @category XLA
 */
export interface KeyValueStore {
  /**
   * Waits until a key exists.
   *
   * @returns Its value.
   * @throws {XlaError} `DEADLINE_EXCEEDED` if no process has put it within `timeoutMs` milliseconds,
   * `UNAVAILABLE` if the store is gone.
   */
  get(key: string, timeoutMs: number): Promise<Uint8Array>;
  /** The value of a key, or `null` if it does not exist. */
  tryGet(key: string): Promise<Uint8Array | null>;
  /**
   * Adds a key.
   *
   * @throws {XlaError} `ALREADY_EXISTS` if it exists with another value.
   */
  put(key: string, value: Uint8Array): Promise<void>;
  /** Disconnects from the store. */
  close(): void;
}

/**
 * One process of a run.
 *
 * @category XLA
 */
export interface Node {
  /** The number of this process, counted from 0; unique in the run. */
  readonly nodeId: number;
  /** The number of processes. */
  readonly nodeCount: number;
}

/**
 * Options of `connectStore`.
 *
 * @category XLA
 */
export interface StoreOptions extends Node {
  /** How long to retry while there is no answer, in milliseconds; one minute by default. */
  readonly timeoutMs?: number;
}

/** The requests of a client to a store. The first request of a connection is `join`. */
export const REQUESTS = { join: 0, get: 1, tryGet: 2, put: 3 } as const;

/** A request: `number` is the timeout of `get`, and the node of `join`. */
export interface Request {
  readonly id: number;
  readonly kind: number;
  readonly number: number;
  readonly key: string;
  readonly value: Uint8Array;
}

/** The key of `join`; its value is the number of nodes, four bytes. */
export const GREETING = "jacobi key-value store 1";

/** Bytes of a request before its key. */
const HEAD = 13;

/** The maximum wait in milliseconds: the maximum of timers. */
export const LONGEST_WAIT = 2 ** 31 - 1;

/** How much longer clients wait than the store itself, in milliseconds. */
export const GRACE = 5000;

/** Encodes a request: its numbers, the length of its key, the key, and the value. */
export function encodeRequest({ id, kind, number, key, value }: Request): Uint8Array {
  const name = new TextEncoder().encode(key);
  const bytes = new Uint8Array(HEAD + name.length + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, id, true);
  view.setUint8(4, kind);
  view.setUint32(5, number, true);
  view.setUint32(9, name.length, true);
  bytes.set(name, HEAD);
  bytes.set(value, HEAD + name.length);
  return bytes;
}

/** Decodes a request; `null` if the bytes are invalid. */
export function decodeRequest(bytes: Uint8Array): Request | null {
  if (bytes.length < HEAD) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEAD + view.getUint32(9, true);
  if (end > bytes.length) return null;
  return {
    id: view.getUint32(0, true),
    kind: view.getUint8(4),
    number: view.getUint32(5, true),
    key: new TextDecoder().decode(bytes.subarray(HEAD, end)),
    value: bytes.subarray(end),
  };
}

/** Encodes an answer: the number of the request, the error code or 0, and the contents. */
export function encodeAnswer(id: number, code: number, contents: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + contents.length);
  new DataView(bytes.buffer).setUint32(0, id, true);
  bytes[4] = code;
  bytes.set(contents, 5);
  return bytes;
}

/** The code of a kind of error. */
export function codeOf(name: string): number {
  return Math.max(CODES.indexOf(name), 2);
}

/** Throws unless the values are a valid node number and node count. */
export function checkNode({ nodeId, nodeCount }: Node, what: string): void {
  if (!(Number.isInteger(nodeCount) && nodeCount > 0 && nodeCount < 2 ** 31)) {
    throw argumentError(
      `${what}: nodeCount must be a positive integer, got ${describeValue(nodeCount)}`,
    );
  }
  if (!(Number.isInteger(nodeId) && nodeId >= 0 && nodeId < nodeCount)) {
    throw argumentError(
      `${what}: nodeId must be an integer from 0 to ${nodeCount - 1}, got ${describeValue(nodeId)}`,
    );
  }
}

/** Throws unless the value is a valid timeout. */
export function checkTimeout(timeoutMs: unknown, what: string): asserts timeoutMs is number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return;
  throw argumentError(
    `${what}: timeoutMs must be a number of milliseconds, got ${describeValue(timeoutMs)}`,
  );
}

/** A pending request. */
interface Question {
  /** The beginning of its error message. */
  readonly what: string;
  readonly timer: ReturnType<typeof setTimeout>;
  readonly resolve: (value: Uint8Array) => void;
  readonly reject: (error: XlaError) => void;
}

/** A store at the other end of a connection. */
class TcpStore implements KeyValueStore {
  readonly #connection: Connection;
  readonly #name: string;
  readonly #questions = new Map<number, Question>();
  /** The reason why no more requests are possible. */
  #fault: string | null = null;
  #lastId = 0;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
    this.#listen();
  }

  /** Registers this node with the store. */
  async join({ nodeId, nodeCount }: Node): Promise<void> {
    const value = new Uint8Array(Uint32Array.of(nodeCount).buffer);
    await this.#ask("join", GREETING, 0, `Cannot join ${this.#name}`, nodeId, value);
  }

  async get(key: string, timeoutMs: number): Promise<Uint8Array> {
    const what = this.#begin("get", key);
    checkTimeout(timeoutMs, what);
    const wait = Math.min(Math.ceil(timeoutMs), LONGEST_WAIT);
    return await this.#ask("get", key, wait, what, wait);
  }

  async tryGet(key: string): Promise<Uint8Array | null> {
    try {
      return await this.#ask("tryGet", key, 0, this.#begin("get", key));
    } catch (error) {
      if ((error as Partial<XlaError>).code === "NOT_FOUND") return null;
      throw error;
    }
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    const what = this.#begin("put", key);
    if (!(value instanceof Uint8Array)) {
      throw argumentError(`${what}: expected a Uint8Array, got ${describeValue(value)}`);
    }
    if (value.length > LONGEST / 2) {
      throw argumentError(`${what}: it has ${value.length} bytes, of at most ${LONGEST / 2}`);
    }
    await this.#ask("put", key, 0, what, 0, value);
  }

  close(): void {
    this.#fail("it was closed");
  }

  /** The beginning of an error message about a key. */
  #begin(verb: string, key: string): string {
    const what = `Cannot ${verb} ${describeValue(key)} ${verb === "put" ? "into" : "from"} ` +
      this.#name;
    if (typeof key === "string" && key !== "" && key.length <= 2 ** 16) return what;
    throw argumentError(`${what}: expected a key of 1 to 65536 characters`);
  }

  #ask(
    kind: keyof typeof REQUESTS,
    key: string,
    waitMs: number,
    what: string,
    number = 0,
    value: Uint8Array = new Uint8Array(0),
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== null) throw xlaError(`${what}: ${this.#fault}`, "UNAVAILABLE");
      const id = this.#lastId = (this.#lastId + 1) % 2 ** 32;
      const timer = setTimeout(() => {
        this.#questions.delete(id);
        reject(xlaError(`${what}: it does not answer`, "DEADLINE_EXCEEDED"));
      }, Math.min(waitMs + GRACE, LONGEST_WAIT));
      this.#questions.set(id, { what, timer, resolve, reject });
      this.#connection.send(encodeRequest({ id, kind: REQUESTS[kind], number, key, value }))
        .catch(() => this.#fail("it has closed the connection"));
    });
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#connection.receive();
        if (bytes === null) return this.#fail("it has closed the connection");
        if (bytes.length < 5) return this.#fail("what it says is no answer");
        const id = new DataView(bytes.buffer).getUint32(0, true);
        const question = this.#questions.get(id);
        if (question === undefined) continue;
        this.#questions.delete(id);
        clearTimeout(question.timer);
        const contents = bytes.slice(5);
        if (bytes[4] === 0) question.resolve(contents);
        else {
          const fault = new TextDecoder().decode(contents);
          question.reject(xlaError(`${question.what}: ${fault}`, CODES[bytes[4]] ?? "UNKNOWN"));
        }
      }
    } catch {
      this.#fail("the connection is lost");
    }
  }

  /** Ends the connection, and fails all pending requests. */
  #fail(fault: string): void {
    this.#fault ??= fault;
    this.#connection.close();
    for (const { what, timer, reject } of this.#questions.values()) {
      clearTimeout(timer);
      reject(xlaError(`${what}: ${this.#fault}`, "UNAVAILABLE"));
    }
    this.#questions.clear();
  }
}

/** The pause before the next attempt to connect, in milliseconds. */
const PAUSE = 100;

/**
 * Connects this process to a store that `serveStore` serves. It needs `--allow-net`. Programs may put their
 * own keys there, which should begin with a name that plugins do not use. An open connection keeps the
 * program from ending until it is closed. `openXla` connects automatically.
 *
 * @category XLA
 * @param address The address of the store, such as "10.0.0.1:8476".
 * @param options The number of this node, and how long to try.
 * @returns The store.
 * @throws {ArgumentError} if the address or the node is invalid.
 * @throws {XlaError} `UNAVAILABLE` if there is no answer, `INVALID_ARGUMENT` if the store is for another
 * number of nodes, `ALREADY_EXISTS` if another process has the same `nodeId`.
 *
 * @example Two processes that wait for each other
 * ```ts ignore
 * import { connectStore } from "@jacobi/jacobi/xla";
 *
 * const store = await connectStore("10.0.0.1:8476", { nodeId: 1, nodeCount: 2 });
 * await store.put("ready/1", new Uint8Array(0));
 * await store.get("ready/0", 60_000);
 * store.close();
 * ```
 */
export async function connectStore(
  address: string,
  options: StoreOptions,
): Promise<KeyValueStore> {
  const what = "Cannot connect with a store";
  const endpoint = parseEndpoint(address, what);
  const node = readOptions(what, options, ["nodeId", "nodeCount", "timeoutMs"]);
  checkNode(node as Node, what);
  const { timeoutMs = 60_000 } = node;
  checkTimeout(timeoutMs, what);
  const name = `the store at ${showEndpoint(endpoint)}`;
  const store = new TcpStore(await dialUntil(Date.now() + timeoutMs, endpoint, name), name);
  try {
    await store.join(node as Node);
  } catch (error) {
    store.close();
    throw error;
  }
  return store;
}

/** Connects, after several attempts if necessary: processes do not start at the same time. */
async function dialUntil(
  deadline: number,
  endpoint: Parameters<typeof dial>[0],
  name: string,
): Promise<Connection> {
  for (;;) {
    try {
      return await dial(endpoint);
    } catch (error) {
      const { name: kind, message } = error as Error;
      // A missing permission will not be granted later.
      if (kind === "NotCapable") throw argumentError(`Cannot connect with ${name}: ${message}`);
      if (Date.now() + PAUSE >= deadline) {
        throw xlaError(`Cannot connect with ${name}: ${message}`, "UNAVAILABLE");
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
