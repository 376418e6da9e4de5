/**
 * The functions of an open plugin. All calls go through this module: the arguments are written according to
 * their description, and a returned error is freed and thrown as an `XlaError`.
 *
 * @module
 */
import { argumentError, type XlaError, xlaError } from "../../../base/errors.ts";
import {
  addressIn,
  bytesAt,
  functionAt,
  type Native,
  type Slow,
  slowFunctionAt,
  textAt,
} from "./host.ts";
import { Block, type Inputs, readField } from "./layout.ts";
import {
  API,
  API_VERSION,
  argumentLayout,
  type ArgumentsOf,
  type FunctionName,
} from "./structs.ts";

/** The version of the C API that a plugin was built with. */
export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

/** The oldest version that this client was tested with. Tested are 0.81, 0.106, 0.115 and 0.116. */
export const OLDEST: ApiVersion = { major: 0, minor: 81 };

/** The names of error codes, by number. */
export const CODES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** Functions that return nothing. */
const VOID: readonly string[] = ["Error_Destroy", "Error_Message"];

/** A function of the plugin with its own argument block, which each call reuses. */
export class Call<N extends FunctionName> {
  readonly block: Block<ArgumentsOf<N>>;
  readonly #native: Native;
  readonly #api: Api;

  constructor(api: Api, name: N, native: Native) {
    this.#api = api;
    this.#native = native;
    this.block = new Block(argumentLayout(name));
  }

  /**
   * Calls the function with the contents of the block.
   *
   * @param what The beginning of the error message: "Cannot compile the program".
   */
  run(what: string): Block<ArgumentsOf<N>> {
    const error = this.#native(this.block.pointer);
    if (error !== null && error !== undefined) throw this.#api.errorAt(addressIn(error), what);
    return this.block;
  }
}

/** The functions of one plugin. */
export class Api {
  /** The name of the plugin in messages. */
  readonly label: string;
  readonly version: ApiVersion;
  /** The address of the plugin's `PJRT_Api`. */
  readonly address: bigint;
  readonly #table: DataView;
  readonly #kept: unknown[] = [];
  readonly #calls = new Map<FunctionName, Call<FunctionName>>();
  #await: Slow | null = null;

  /**
   * @param address The address of the plugin's `PJRT_Api`.
   * @param path The plugin's file, for messages.
   */
  constructor(address: bigint, path: string) {
    this.address = address;
    this.label = `the PJRT plugin ${JSON.stringify(path)}`;
    const refuse = (fault: string) => argumentError(`Cannot use ${this.label}: ${fault}`);
    if (address === 0n) throw refuse("its function GetPjrtApi gives nothing");
    const head = dataView(bytesAt(address, API.place("Error_Destroy").offset));
    const read = (table: DataView, name: string) => readField(table, API.place(name)) as number;
    const [major, minor] = [read(head, "major_version"), read(head, "minor_version")];
    const [size, versionSize] = [read(head, "struct_size"), read(head, "version_struct_size")];
    const expected = `expected 0.${OLDEST.minor} or a later 0.x (tested up to 0.116)`;
    if (
      !(versionSize >= API_VERSION.size && versionSize < 4096 && size > head.byteLength &&
        size < 1 << 20)
    ) {
      throw refuse("what its function GetPjrtApi gives is not a PJRT_Api");
    }
    if (major !== OLDEST.major || minor < OLDEST.minor) {
      throw refuse(`it has version ${major}.${minor} of the PJRT C API, ${expected}`);
    }
    this.version = { major, minor };
    // Fields after the plugin's own size are not read: functions that it does not have are null.
    this.#table = new DataView(new ArrayBuffer(API.size));
    new Uint8Array(this.#table.buffer).set(bytesAt(address, Math.min(size, API.size)));
  }

  /** The version as text. */
  get release(): string {
    return `PJRT ${this.version.major}.${this.version.minor}`;
  }

  /** Whether the plugin has a function. */
  has(name: FunctionName): boolean {
    return this.#addressOf(name) !== 0n;
  }

  /** A function with a block owned by the caller. */
  prepare<N extends FunctionName>(name: N): Call<N> {
    const native = functionAt(this.#require(name), VOID.includes(name) ? "void" : "pointer");
    return new Call(this, name, native);
  }

  /**
   * Calls a function.
   *
   * @param inputs All arguments that the caller sets.
   * @param what The beginning of the error message: "Cannot compile the program".
   * @param kept Owners of memory whose addresses are among the arguments: the engine does not track the use
   * of addresses, and could free the memory before the call.
   * @returns The arguments, into which the function has written its results. They must be read before the
   * same function is called again.
   */
  call<N extends FunctionName>(
    name: N,
    inputs: Inputs<ArgumentsOf<N>>,
    what: string,
    ...kept: readonly unknown[]
  ): Block<ArgumentsOf<N>> {
    let call = this.#calls.get(name) as Call<N> | undefined;
    if (call === undefined) {
      call = this.prepare(name);
      this.#calls.set(name, call as unknown as Call<FunctionName>);
    }
    call.block.fill(inputs);
    if (kept.length === 0) return call.run(what);
    this.#kept.push(kept);
    try {
      return call.run(what);
    } finally {
      this.#kept.pop();
    }
  }

  /** Resolves when an event has completed; rejects if its operation failed. */
  async wait(event: bigint, what: string): Promise<void> {
    this.#await ??= slowFunctionAt(this.#require("Event_Await"));
    const block = new Block(argumentLayout("Event_Await"));
    block.fill({ event });
    const error = await this.#await(block.bytes);
    if (error !== null) throw this.errorAt(addressIn(error), what);
  }

  /** The error at an address as an `XlaError`; the original is freed. */
  errorAt(error: bigint, what: string): XlaError {
    const read = this.call("Error_Message", { error }, what);
    const message = textAt(read.get("message"), read.get("message_size"));
    let code = 2;
    // This function could also fail; UNKNOWN is then the best available code.
    const getCode = functionAt(this.#require("Error_GetCode"));
    const block = new Block(argumentLayout("Error_GetCode"));
    block.fill({ error });
    const second = getCode(block.pointer);
    if (second === null) code = block.get("code");
    else this.call("Error_Destroy", { error: addressIn(second) }, what);
    this.call("Error_Destroy", { error }, what);
    const name = CODES[code] ?? `code ${code}`;
    return xlaError(`${what}: XLA says ${name}, ${message.trim()}`, name);
  }

  #addressOf(name: FunctionName): bigint {
    return readField(this.#table, API.place(name)) as bigint;
  }

  #require(name: FunctionName): bigint {
    const address = this.#addressOf(name);
    if (address !== 0n) return address;
    const { major, minor } = this.version;
    throw argumentError(
      `Cannot call PJRT_${name}: ${this.label}, of version ${major}.${minor} of the PJRT C API, ` +
        `does not have it`,
    );
  }
}

function dataView(bytes: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
