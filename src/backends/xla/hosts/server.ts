/**
 * The server of a store over TCP. It runs in a separate thread, since the program that starts it may be
 * blocked in a foreign function that waits for values from other processes.
 *
 * @module
 */
import { describeValue } from "../../../base/dtype.ts";
import { argumentError } from "../../../base/errors.ts";
import { readOptions } from "../../../base/options.ts";
import { type Connection, listen, showEndpoint } from "./connection.ts";
import {
  checkNode,
  codeOf,
  decodeRequest,
  encodeAnswer,
  GREETING,
  type Request,
  REQUESTS,
} from "./store.ts";
import { startThread } from "./threads.ts";

/**
 * Options of `serveStore`.
 *
 * @category XLA
 */
export interface ServeOptions {
  /** The number of processes of the run. */
  readonly nodeCount: number;
  /** The address to listen on; if omitted, `127.0.0.1`, which other machines cannot reach. */
  readonly hostname?: string;
  /** The port to listen on; a free one if omitted. */
  readonly port?: number;
}

/**
 * A running store server.
 *
 * @category XLA
 */
export interface StoreServer {
  /** Its address, for `openXla` and `connectStore`. */
  readonly address: string;
  /** Stops it. Pending requests fail. */
  close(): void;
}

/** The maximum size of a store in bytes. */
const MOST_BYTES = 2 ** 30;

/** The maximum length of the first message. */
const LONGEST_JOIN = 256;

/** The number of pauses, and their length in milliseconds, to wait until a node's number is free. */
const PATIENCE = 10;
const PAUSE = 100;

/** A client that waits for a key. */
interface Waiting {
  readonly connection: Connection;
  readonly answer: (code: string, contents: Uint8Array | string) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The table and the pending requests. */
class Table {
  readonly #nodeCount: number;
  readonly #nodes = new Map<number, Connection>();
  readonly #values = new Map<string, Uint8Array>();
  readonly #waiting = new Map<string, Set<Waiting>>();
  #bytes = 0;

  constructor(nodeCount: number) {
    this.#nodeCount = nodeCount;
  }

  /** Answers all requests of a connection until it ends. */
  async serve(connection: Connection): Promise<void> {
    try {
      const join = decodeRequest(await connection.receive(LONGEST_JOIN) ?? new Uint8Array(0));
      if (join === null) return;
      // The end of a connection that has just closed may not have been noticed yet.
      for (let i = 0; i < PATIENCE && this.#nodes.has(join.number); i++) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
      const refusal = this.#refusal(join);
      if (refusal !== null) return await reply(connection, join.id, ...refusal);
      this.#nodes.set(join.number, connection);
      await reply(connection, join.id, "OK", "");
      for (;;) {
        const bytes = await connection.receive();
        const request = bytes === null ? null : decodeRequest(bytes);
        if (request === null) return;
        this.#answer(connection, request);
      }
    } catch {
      // A lost connection, or one with an invalid message, is closed.
    } finally {
      this.#forget(connection);
      connection.close();
    }
  }

  /** The reason why a node is rejected: the kind of error and the message. */
  #refusal({ kind, key, number, value }: Request): [string, string] | null {
    if (kind !== REQUESTS.join || key !== GREETING || value.length !== 4) {
      return ["INVALID_ARGUMENT", "it speaks another version of the protocol"];
    }
    const count = new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    if (count !== this.#nodeCount) {
      return ["INVALID_ARGUMENT", `it is for ${this.#nodeCount} nodes, and this one says ${count}`];
    }
    if (number >= count) {
      return ["INVALID_ARGUMENT", `there is no node ${number} among ${count}`];
    }
    return this.#nodes.has(number)
      ? ["ALREADY_EXISTS", `another process is node ${number}, each needs its own nodeId`]
      : null;
  }

  #answer(connection: Connection, { id, kind, key, number, value }: Request): void {
    const answer = (code: string, contents: Uint8Array | string) => {
      // If the client is gone, no answer is needed.
      reply(connection, id, code, contents).catch(() => {});
    };
    const found = this.#values.get(key);
    switch (kind) {
      case REQUESTS.get:
        return found === undefined
          ? this.#wait(connection, key, number, answer)
          : answer("OK", found);
      case REQUESTS.tryGet:
        return found === undefined
          ? answer("NOT_FOUND", "no process has put it")
          : answer("OK", found);
      case REQUESTS.put:
        return answer(...this.#put(key, value));
      default:
        return answer("INVALID_ARGUMENT", `there is no request of the kind ${kind}`);
    }
  }

  #put(key: string, value: Uint8Array): [string, string] {
    const known = this.#values.get(key);
    if (known !== undefined) {
      const isSame = known.length === value.length && known.every((byte, i) => byte === value[i]);
      return isSame ? ["OK", ""] : ["ALREADY_EXISTS", "it is there with another value"];
    }
    if (this.#bytes + key.length + value.length > MOST_BYTES) {
      return ["RESOURCE_EXHAUSTED", "it is full"];
    }
    this.#bytes += key.length + value.length;
    this.#values.set(key, value);
    for (const { timer, answer } of this.#waiting.get(key) ?? []) {
      clearTimeout(timer);
      answer("OK", value);
    }
    this.#waiting.delete(key);
    return ["OK", ""];
  }

  #wait(
    connection: Connection,
    key: string,
    timeoutMs: number,
    answer: Waiting["answer"],
  ): void {
    let all = this.#waiting.get(key);
    if (all === undefined) this.#waiting.set(key, all = new Set());
    const timer = setTimeout(() => {
      this.#stopWaiting(key, waiting);
      answer("DEADLINE_EXCEEDED", `no process has put it within ${timeoutMs} ms`);
    }, Math.min(timeoutMs, 2 ** 31 - 1));
    const waiting = { connection, answer, timer };
    all.add(waiting);
  }

  #stopWaiting(key: string, waiting: Waiting): void {
    const all = this.#waiting.get(key);
    clearTimeout(waiting.timer);
    all?.delete(waiting);
    if (all?.size === 0) this.#waiting.delete(key);
  }

  /** Removes a connection that has ended. */
  #forget(connection: Connection): void {
    for (const [node, own] of this.#nodes) if (own === connection) this.#nodes.delete(node);
    for (const [key, all] of this.#waiting) {
      for (const waiting of all) {
        if (waiting.connection === connection) this.#stopWaiting(key, waiting);
      }
    }
  }
}

function reply(
  connection: Connection,
  id: number,
  code: string,
  contents: Uint8Array | string,
): Promise<void> {
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  return connection.send(encodeAnswer(id, code === "OK" ? 0 : codeOf(code), bytes));
}

/** The work of a server's thread: returns the port. */
export function run(
  { hostname, port, nodeCount }: Required<ServeOptions>,
): number {
  const table = new Table(nodeCount);
  return listen({ hostname, port }, (connection) => table.serve(connection));
}

/**
 * Serves a store through which the processes of a run find each other. It is called in one of them or in a
 * separate process. It needs `--allow-net` and, if the library is on the local disk, `--allow-read`. A store
 * is for a single run: keys are never changed or removed. Anyone who can reach it may read and write, so use
 * it in a private network. It ends with the process, and does not keep the process from ending.
 *
 * @category XLA
 * @param options The number of processes, and the address to listen on.
 * @returns The running server.
 * @throws {ArgumentError} if the options are invalid, or if it cannot listen on the address.
 *
 * @example The first of two processes
 * ```ts ignore
 * import { openXla, serveStore } from "@jacobi/jacobi/xla";
 *
 * const server = serveStore({ nodeCount: 2, hostname: "10.0.0.1", port: 8476 });
 * const devices = openXla({
 *   distributed: { nodeId: 0, nodeCount: 2, store: server.address },
 * });
 * ```
 */
export function serveStore(options: ServeOptions): StoreServer {
  const what = "Cannot serve a store";
  const { nodeCount, hostname = "127.0.0.1", port = 0 } = readOptions(what, options, [
    "nodeCount",
    "hostname",
    "port",
  ]);
  checkNode({ nodeId: 0, nodeCount: nodeCount as number }, what);
  if (typeof hostname !== "string" || hostname === "") {
    throw argumentError(`${what}: hostname must be text, got ${describeValue(hostname)}`);
  }
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw argumentError(
      `${what}: port must be an integer from 0 to 65535, got ${describeValue(port)}`,
    );
  }
  const thread = startThread(import.meta.url, { hostname, port, nodeCount }, [], what);
  const address = showEndpoint({ hostname, port: thread.value as number });
  return { address, close: () => thread.close() };
}
