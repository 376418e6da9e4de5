/**
 * The functions through which a plugin accesses a key-value store (`PJRT_KeyValueGetCallback` and the
 * related ones of the PJRT C API). They run in separate threads: the plugin calls them from any of its
 * threads, also while the main thread waits for the plugin. A call that waits for a key blocks other such
 * calls, but not those that put keys.
 *
 * @module
 */
import type { XlaError } from "../../../base/errors.ts";
import {
  addressesAt,
  bytesAt,
  errorMakerAt,
  foreignBytes,
  foreignHeap,
  makeCallback,
  textAt,
} from "../pjrt/host.ts";
import { Block, type Fields, type Layout } from "../pjrt/layout.ts";
import { KEY_VALUE_ARGUMENTS } from "../pjrt/structs.ts";
import { codeOf, GRACE, type KeyValueStore, LONGEST_WAIT } from "./store.ts";
import { answerAll, ask, type LineEnd } from "./threads.ts";

/** A request of a plugin. */
export type Question =
  | { readonly kind: "get"; readonly key: string; readonly timeoutMs: number }
  | { readonly kind: "tryGet"; readonly key: string }
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array };

/** The functions of a thread: functions that wait have their own thread. */
export type Role = "waiting" | "prompt";

/** The data for a thread of functions. */
export interface CallbackData {
  readonly role: Role;
  /** The line to the store's thread. */
  readonly line: LineEnd;
  /** A library that depends on the C library, such as the plugin. */
  readonly path: string;
}

/** Arguments into which a value is written. */
interface Receiver {
  set(name: "value" | "value_deleter_callback", address: bigint): void;
  set(name: "value_size", size: number): void;
}

/** Answers requests from a store. */
export function answerBy(store: KeyValueStore, line: LineEnd): void {
  async function valueFor(question: Question): Promise<Uint8Array | null> {
    const { kind, key } = question;
    if (kind === "get") return await store.get(key, question.timeoutMs);
    if (kind === "tryGet") return await store.tryGet(key);
    await store.put(key, question.value);
    return new Uint8Array(0);
  }
  answerAll<Question>(line, async (question) => {
    const failure = (code: string, message: string) => ({
      code: codeOf(code),
      contents: new TextEncoder().encode(message),
    });
    try {
      const contents = await valueFor(question);
      if (contents !== null) return { code: 0, contents };
      return failure("NOT_FOUND", `Nobody has put ${JSON.stringify(question.key)}`);
    } catch (error) {
      const { code = "UNKNOWN", message } = error as Partial<XlaError>;
      return failure(code, message ?? String(error));
    }
  });
}

/** The work of the thread: returns the addresses of its functions. */
export function run({ role, line, path }: CallbackData): readonly string[] {
  const heap = foreignHeap(path);

  /** The address of an error, created by the function that the plugin provides. */
  function errorOf(maker: bigint, code: number, message: string): bigint {
    return errorMakerAt(addressesAt(maker, 1)[0])(code, message);
  }

  /** Queries the store; returns the address of an error, or `0n` after `use` received the value. */
  function answer(
    question: Question,
    timeoutMs: number,
    maker: bigint,
    use: (value: Uint8Array) => void,
  ): bigint {
    const found = ask(line, question, timeoutMs + 2 * GRACE);
    if (found === null) {
      return errorOf(maker, codeOf("DEADLINE_EXCEEDED"), "The key-value store does not answer");
    }
    const { code, contents } = found;
    if (code !== 0) return errorOf(maker, code, new TextDecoder().decode(contents));
    use(contents);
    return 0n;
  }

  /** A function of one of the layouts. Exceptions in it become errors for the plugin. */
  function callback<F extends Fields & { callback_error: "pointer" }>(
    layout: Layout<F>,
    call: (args: Block<F>, maker: bigint) => bigint,
  ): string {
    const { address } = makeCallback((address) => {
      const args = new Block(layout, foreignBytes(address, layout.size));
      const maker = args.get("callback_error") as bigint;
      try {
        return call(args, maker);
      } catch (error) {
        return errorOf(maker, codeOf("INTERNAL"), String(error));
      }
    });
    return String(address);
  }

  /** Passes a value to the plugin, which copies it and calls the function that frees it. */
  function give(args: Receiver, value: Uint8Array): void {
    const address = heap.copy(value);
    if (address === 0n) throw new RangeError(`no room for a value of ${value.length} bytes`);
    args.set("value", address);
    args.set("value_size", value.length);
    args.set("value_deleter_callback", heap.free);
  }

  const { get, tryGet, put } = KEY_VALUE_ARGUMENTS;
  if (role === "waiting") {
    return [callback(get, (args, maker) => {
      const key = textAt(args.get("key"), args.get("key_size"));
      const asked = args.get("timeout_in_ms");
      // An unlimited time arrives as a truncated number.
      const timeoutMs = asked < 0 ? LONGEST_WAIT : asked;
      const question = { kind: "get", key, timeoutMs } as const;
      return answer(question, timeoutMs, maker, (value) => give(args, value));
    })];
  }
  return [
    callback(tryGet, (args, maker) => {
      const key = textAt(args.get("key"), args.get("key_size"));
      return answer({ kind: "tryGet", key }, 0, maker, (value) => give(args, value));
    }),
    callback(put, (args, maker) => {
      const key = textAt(args.get("key"), args.get("key_size"));
      const value = bytesAt(args.get("value"), args.get("value_size"));
      return answer({ kind: "put", key, value }, 0, maker, () => {});
    }),
  ];
}
