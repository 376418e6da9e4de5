/**
 * One process of a run with several processes: its threads, and the functions for the plugin.
 *
 * @module
 */
import { describeValue } from "../../../base/dtype.ts";
import { argumentError } from "../../../base/errors.ts";
import { readOptions } from "../../../base/options.ts";
import type { KeyValueFunctions } from "../pjrt/mod.ts";
import { answerBy, type CallbackData, type Role } from "./callbacks.ts";
import { parseEndpoint } from "./connection.ts";
import { checkNode, checkTimeout, connectStore, type KeyValueStore, type Node } from "./store.ts";
import { type LineEnd, makeLine, startThread, type Thread } from "./threads.ts";

/**
 * How `openXla` takes part in a run of several processes.
 *
 * @category XLA
 */
export interface Distributed extends Node {
  /**
   * The store shared by all processes: the address that `serveStore` returned, or, for a store of another
   * kind, the URL of a module. Its default export is called with `{ nodeId, nodeCount }`, in a thread that
   * loads the module, and returns a `KeyValueStore` or a promise of one.
   */
  readonly store: string | URL;
  /** How long to try to connect to the store, in milliseconds; one minute if omitted. */
  readonly timeoutMs?: number;
}

/** The data for the store's thread. */
interface StoreData extends Node {
  readonly store: string;
  readonly isModule: boolean;
  readonly timeoutMs: number;
  readonly lines: readonly LineEnd[];
}

/** The work of the store's thread. */
export async function run(
  { store, isModule, nodeId, nodeCount, timeoutMs, lines }: StoreData,
): Promise<void> {
  const opened = isModule
    ? await openModule(store, { nodeId, nodeCount })
    : await connectStore(store, { nodeId, nodeCount, timeoutMs });
  for (const line of lines) answerBy(opened, line);
}

async function openModule(url: string, node: Node): Promise<KeyValueStore> {
  const { default: open } = await import(url);
  const store = typeof open === "function" ? await open(node) : undefined;
  for (const name of ["get", "tryGet", "put"] as const) {
    if (typeof store?.[name] === "function") continue;
    throw argumentError(
      `Expected the default export of ${url} to give a store, got ${describeValue(store)} ` +
        `without the function ${name}`,
    );
  }
  return store;
}

/** Validates the options of `openXla`. */
export function readDistributed(options: Distributed, what: string): Required<Distributed> {
  const { nodeId, nodeCount, store, timeoutMs = 60_000 } = readOptions(what, options, [
    "nodeId",
    "nodeCount",
    "store",
    "timeoutMs",
  ]) as Distributed;
  checkNode({ nodeId, nodeCount }, what);
  checkTimeout(timeoutMs, what);
  if (!(store instanceof URL)) parseEndpoint(store, what);
  return { nodeId, nodeCount, store, timeoutMs };
}

/**
 * Connects to the store of a run.
 *
 * @param path The plugin's file.
 * @returns The functions for the plugin. Their threads end when they are closed.
 */
export function joinRun(
  { nodeId, nodeCount, store, timeoutMs }: Required<Distributed>,
  path: string,
  what: string,
): KeyValueFunctions {
  const threads: Thread[] = [];
  // The functions are not called any more, so their threads end first; then the store's thread disconnects.
  const close = () => {
    for (const thread of threads.reverse()) thread.close();
  };
  const roles: readonly Role[] = ["waiting", "prompt"];
  const lines = roles.map(makeLine);
  const data: StoreData = {
    nodeId,
    nodeCount,
    store: String(store),
    isModule: store instanceof URL,
    timeoutMs,
    lines: lines.map(({ far, memory }) => ({ port: far, memory })),
  };
  try {
    const ports = lines.map(({ far }) => far);
    threads.push(startThread(import.meta.url, data, ports, what, timeoutMs));
    const addresses = roles.flatMap((role, i) => {
      const { near, memory } = lines[i];
      const functions: CallbackData = { role, line: { port: near, memory }, path };
      const url = new URL("callbacks.ts", import.meta.url).href;
      const thread = startThread(url, functions, [near], what);
      threads.push(thread);
      return thread.value as readonly string[];
    });
    const [get, tryGet, put] = addresses.map(BigInt);
    return { get, tryGet, put, close };
  } catch (error) {
    close();
    throw error;
  }
}
