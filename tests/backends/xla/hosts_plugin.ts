/**
 * What a plugin does with the functions of a key-value store, done by Deno: calls of them from this
 * thread and from others, and a plugin whose clients ask the store before they are made.
 *
 * @module
 */
import { Api } from "../../../src/backends/xla/pjrt/api.ts";
import { addressOf, bytesAt, stableCopy, textAt } from "../../../src/backends/xla/pjrt/host.ts";
import { Block, type Fields, type Layout } from "../../../src/backends/xla/pjrt/layout.ts";
import type { KeyValueFunctions } from "../../../src/backends/xla/pjrt/mod.ts";
import * as structs from "../../../src/backends/xla/pjrt/structs.ts";

/** What a function of a store has given. */
export type Outcome = { readonly value: string } | {
  readonly code: number;
  readonly message: string;
};

/** A store as a plugin sees it. */
export class PluginStore {
  readonly #functions: KeyValueFunctions;
  /** The last error that was made. */
  #error: Outcome | null = null;
  readonly #makeError = new Deno.UnsafeCallback(
    { parameters: ["i32", "pointer", "usize"], result: "pointer" },
    (code, message, size) => {
      const text = textAt(Deno.UnsafePointer.value(message), Number(size));
      this.#error = { code, message: text };
      return Deno.UnsafePointer.create(1n);
    },
  );
  /** Where the address of the function is that makes errors. */
  readonly #maker = BigUint64Array.of(Deno.UnsafePointer.value(this.#makeError.pointer));

  constructor(functions: KeyValueFunctions) {
    this.#functions = functions;
  }

  /** Calls from the thread that this runs on, which blocks. */
  get(key: string, timeoutMs: number): Outcome {
    const args = this.#arguments(structs.KEY_VALUE_ARGUMENTS.get, key);
    args.block.set("timeout_in_ms", timeoutMs);
    return this.#finish(this.#call(this.#functions.get, args.block), args.block);
  }

  put(key: string, value: Uint8Array): Outcome {
    const { block, kept } = this.#put(key, value);
    const outcome = this.#finish(this.#call(this.#functions.put, block), null);
    kept.length = 0;
    return outcome;
  }

  /** Calls from another thread. */
  async getElsewhere(key: string, timeoutMs: number): Promise<Outcome> {
    const args = this.#arguments(structs.KEY_VALUE_ARGUMENTS.get, key);
    args.block.set("timeout_in_ms", timeoutMs);
    return this.#finish(await this.#callElsewhere(this.#functions.get, args.block), args.block);
  }

  async tryGetElsewhere(key: string): Promise<Outcome> {
    const args = this.#arguments(structs.KEY_VALUE_ARGUMENTS.tryGet, key);
    const error = await this.#callElsewhere(this.#functions.tryGet, args.block);
    return this.#finish(error, args.block);
  }

  async putElsewhere(key: string, value: Uint8Array): Promise<Outcome> {
    const { block, kept } = this.#put(key, value);
    const outcome = this.#finish(await this.#callElsewhere(this.#functions.put, block), null);
    kept.length = 0;
    return outcome;
  }

  close(): void {
    this.#makeError.close();
  }

  #arguments<F extends Fields>(layout: Layout<F>, key: string) {
    const name = stableCopy(new TextEncoder().encode(key));
    const block = new Block(layout);
    // What a plugin does not fill in is whatever was in its memory.
    block.bytes.fill(0xff);
    const write = (field: string, value: bigint | number) =>
      block.set(field as never, value as never);
    write("key", addressOf(name));
    write("key_size", name.length);
    write("callback_error", addressOf(this.#maker));
    write("user_arg", 0n);
    return { block, kept: [name] as Uint8Array[] };
  }

  #put(key: string, value: Uint8Array) {
    const args = this.#arguments(structs.KEY_VALUE_ARGUMENTS.put, key);
    const copy = stableCopy(value);
    args.kept.push(copy);
    args.block.set("value", addressOf(copy));
    args.block.set("value_size", copy.length);
    return args;
  }

  #call(address: bigint, { pointer }: { readonly pointer: Deno.PointerObject }): unknown {
    const definition = { parameters: ["pointer"], result: "pointer" } as const;
    return new Deno.UnsafeFnPointer(pointerOf(address), definition).call(pointer);
  }

  async #callElsewhere(
    address: bigint,
    { pointer }: { readonly pointer: Deno.PointerObject },
  ): Promise<unknown> {
    const definition = { parameters: ["pointer"], result: "pointer", nonblocking: true } as const;
    return await new Deno.UnsafeFnPointer(pointerOf(address), definition).call(pointer);
  }

  /** Reads a value and frees it as a plugin does, or takes the error. */
  #finish(
    error: unknown,
    block: Block<typeof getFields> | Block<typeof tryGetFields> | null,
  ): Outcome {
    if (error !== null) return this.#error!;
    if (block === null) return { value: "" };
    const read = block as Block<typeof tryGetFields>;
    const address = read.get("value");
    const value = new TextDecoder().decode(bytesAt(address, read.get("value_size")));
    const free = { parameters: ["pointer"], result: "void" } as const;
    new Deno.UnsafeFnPointer(pointerOf(read.get("value_deleter_callback")), free)
      .call(Deno.UnsafePointer.create(address));
    return { value };
  }
}

type FieldsOf<L> = L extends Layout<infer F> ? F : never;
declare const getFields: FieldsOf<typeof structs.KEY_VALUE_ARGUMENTS.get>;
declare const tryGetFields: FieldsOf<typeof structs.KEY_VALUE_ARGUMENTS.tryGet>;

function pointerOf(address: bigint): Deno.PointerObject<never> {
  return Deno.UnsafePointer.create(address) as Deno.PointerObject<never>;
}

/** A plugin like another one, whose clients are told what they are given before they are made. */
export class AskingPlugin {
  readonly api: Api;
  readonly #kept: unknown[] = [];

  /**
   * @param like The plugin that makes the clients, without options.
   * @param ask Is called with the functions of the store.
   */
  constructor(like: Api, ask: (functions: KeyValueFunctions) => void) {
    const { API } = structs;
    const table = new Block(API);
    table.bytes.set(bytesAt(like.address, API.size));
    const create = table.get("Client_Create" as never) as bigint;
    const layout = structs.argumentLayout("Client_Create");
    const definition = { parameters: ["pointer"], result: "pointer" } as const;
    const callback = new Deno.UnsafeCallback(definition, (pointer) => {
      const given = Deno.UnsafePointerView.getArrayBuffer(pointer!, layout.size);
      const args = new Block(layout, new Uint8Array(given as ArrayBuffer));
      ask({
        get: args.get("kv_get_callback"),
        tryGet: args.get("kv_try_get_callback"),
        put: args.get("kv_put_callback"),
        close: () => {},
      });
      args.set("num_options", 0);
      return new Deno.UnsafeFnPointer(pointerOf(create), definition).call(pointer);
    });
    table.set("Client_Create" as never, Deno.UnsafePointer.value(callback.pointer) as never);
    this.#kept.push(table, callback);
    this.api = new Api(addressOf(table.bytes), "asking.so");
  }
}
