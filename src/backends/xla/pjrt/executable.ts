/**
 * Compiled programs.
 *
 * @module
 */
import { describeValue } from "../../../base/dtype.ts";
import { argumentError, shapeError, XlaError } from "../../../base/errors.ts";
import type { Call } from "./api.ts";
import { Buffer, type BufferType, showType } from "./buffer.ts";
import type { ClientDevice } from "./device.ts";
import { dtypeOfElementType, nameOfElementType } from "./element_types.ts";
import { wrap } from "./envelope.ts";
import { addressesAt, addressOf, allocateBytes, bytesAt, callAt, textAt } from "./host.ts";
import { Block } from "./layout.ts";
import { type Attributes, readNamedValues } from "./named_values.ts";
import { Handle, type Session } from "./session.ts";
import { EXECUTE_OPTIONS, PROGRAM } from "./structs.ts";

/** The memory requirements of a compiled program, in bytes. */
export interface ExecutableMemory {
  readonly code: number;
  readonly arguments: number;
  readonly outputs: number;
  /** The part of the outputs that is in the memory of donated arguments. */
  readonly aliases: number;
  readonly temporaries: number;
}

/** The donated arguments of a run: their positions, or one boolean for each. */
export type Donated = ReadonlySet<number> | readonly boolean[];

const NONE: ReadonlySet<number> = new Set();

/** A compiled program, loaded on the devices that it was compiled for. */
export class Executable {
  /** The devices that it runs on, in the order of the arguments of `runShards`. */
  readonly devices: readonly ClientDevice[];
  /** The types of the results on each device. */
  readonly outputs: readonly BufferType[];
  /** The types of the arguments on each device, if they were given for compilation. */
  readonly parameters: readonly BufferType[] | null;
  readonly session: Session;
  readonly #loaded: Handle;
  readonly #executable: Handle;
  readonly #options = new Block(EXECUTE_OPTIONS);
  readonly #execute: Call<"LoadedExecutable_Execute">;
  /**
   * The completion event of each device, if runs must be waited for. On CPUs, the parts of a run wait for
   * each other on as many threads as there are devices, and block the threads that parts of another run
   * need.
   */
  readonly #ends: BigUint64Array | null;
  #lists: Lists;

  constructor(
    session: Session,
    address: bigint,
    devices: readonly ClientDevice[],
    parameters: readonly BufferType[] | null,
  ) {
    const { api } = session;
    const what = "Cannot use the compiled program";
    this.session = session;
    this.parameters = parameters;
    this.#loaded = new Handle(session, address, "LoadedExecutable_Destroy", this);
    try {
      const executable = api.call(
        "LoadedExecutable_GetExecutable",
        { loaded_executable: address },
        what,
      ).get("executable");
      this.#executable = new Handle(session, executable, "Executable_Destroy", this);
      const used = api.call("LoadedExecutable_AddressableDevices", { executable: address }, what);
      const addresses = addressesAt(
        used.get("addressable_devices"),
        used.get("num_addressable_devices"),
      );
      this.devices = Array.from(addresses, (one) => devices.find((d) => d.address === one)!);
      this.outputs = this.#readOutputs(what);
    } catch (error) {
      this.delete();
      throw error;
    }
    this.#execute = api.prepare("LoadedExecutable_Execute");
    this.#lists = new Lists(this.devices.length, parameters?.length ?? 0, this.outputs.length);
    this.#ends = this.devices.length > 1 && session.platform === "cpu"
      ? new BigUint64Array(allocateBytes(8 * this.devices.length).buffer)
      : null;
    this.#execute.block.fill({
      executable: address,
      options: addressOf(this.#options.bytes),
      argument_lists: 0n,
      num_devices: this.devices.length,
      num_args: 0,
      output_lists: 0n,
      device_complete_events: this.#ends === null ? 0n : addressOf(this.#ends),
      execute_device: 0n,
    });
    this.#point();
  }

  /** Whether its memory was freed: it was deleted, or its client was closed. */
  get isDeleted(): boolean {
    return this.#loaded.address === 0n;
  }

  /** The name of the program. */
  get name(): string {
    const what = "Cannot tell the name of the compiled program";
    const block = this.session.api.call("Executable_Name", { executable: this.#use(what) }, what);
    return textAt(block.get("executable_name"), block.get("executable_name_size"));
  }

  /** Text that identifies the compiled program, or `null` if the plugin does not provide it. */
  get fingerprint(): string | null {
    const what = "Cannot tell the fingerprint of the compiled program";
    const executable = this.#use(what);
    return this.#orNull(() => {
      const block = this.session.api.call("Executable_Fingerprint", { executable }, what);
      return textAt(
        block.get("executable_fingerprint"),
        block.get("executable_fingerprint_size"),
      );
    });
  }

  /** XLA's estimates for a run, such as "flops" and "bytes accessed"; `null` if it has none. */
  cost(): Attributes | null {
    const what = "Cannot estimate the cost of the compiled program";
    const executable = this.#use(what);
    return this.#orNull(() => {
      const block = this.session.api.call("Executable_GetCostAnalysis", { executable }, what);
      return readNamedValues(block.get("properties"), block.get("num_properties"));
    });
  }

  /** Its memory requirements on each device, or `null` if the plugin does not report them. */
  memory(): ExecutableMemory | null {
    const what = "Cannot tell the memory of the compiled program";
    const executable = this.#use(what);
    if (!this.session.api.has("Executable_GetCompiledMemoryStats")) return null;
    return this.#orNull(() => {
      const block = this.session.api.call(
        "Executable_GetCompiledMemoryStats",
        { executable },
        what,
      );
      return {
        code: block.get("generated_code_size_in_bytes"),
        arguments: block.get("argument_size_in_bytes"),
        outputs: block.get("output_size_in_bytes"),
        aliases: block.get("alias_size_in_bytes"),
        temporaries: block.get("temp_size_in_bytes"),
      };
    });
  }

  /** The optimised program of XLA: a serialised `HloModuleProtoWithConfig`. */
  optimized(): Uint8Array<ArrayBuffer> {
    const what = "Cannot read the compiled program";
    const executable = this.#use(what);
    const program = new Block(PROGRAM);
    const inputs = { executable, program: addressOf(program.bytes) };
    // The first call returns the size.
    this.session.api.call("Executable_OptimizedProgram", inputs, what, program);
    const code = allocateBytes(program.get("code_size"));
    program.set("code", addressOf(code));
    this.session.api.call("Executable_OptimizedProgram", inputs, what, program, code);
    return code.subarray(0, program.get("code_size"));
  }

  /** The compiled program as bytes, which `load` of a client of the same kind can load. */
  serialise(): Uint8Array<ArrayBuffer> {
    const what = "Cannot serialise the compiled program";
    const block = this.session.api.call(
      "Executable_Serialize",
      { executable: this.#use(what) },
      what,
    );
    const bytes = bytesAt(block.get("serialized_bytes"), block.get("serialized_bytes_size"));
    callAt(block.get("serialized_executable_deleter"), block.get("serialized_executable"));
    return wrap(bytes, this.session.maker);
  }

  /**
   * Starts the program on its single device. The results are returned immediately; reading them waits.
   *
   * @param donated Arguments whose memory results may take: they cannot be used afterwards.
   */
  run(args: readonly Buffer[], donated: Donated = NONE): Buffer[] {
    const what = "Cannot run the compiled program";
    if (this.devices.length !== 1) {
      throw argumentError(
        `${what} on one device: it was compiled for ${this.devices.length}; call runShards`,
      );
    }
    return this.#start([args], donated, what)[0];
  }

  /**
   * Starts the program on all of its devices.
   *
   * @param args For each device, in the order of `devices`, the arguments on it.
   * @param donated Positions of arguments that are donated on every device.
   * @returns For each device, the results on it.
   */
  runShards(args: readonly (readonly Buffer[])[], donated: Donated = NONE): Buffer[][] {
    const what = "Cannot run the compiled program";
    checkList(args, what, "arguments of devices");
    if (args.length !== this.devices.length) {
      throw argumentError(
        `${what}: expected arguments for ${this.devices.length} devices, got them for ` +
          `${args.length}`,
      );
    }
    return this.#start(args, donated, what);
  }

  /** Frees the program as soon as it is not running. Calling it again has no effect. */
  delete(): void {
    this.#executable?.destroy();
    this.#loaded.destroy();
  }

  #use(what: string): bigint {
    const { address } = this.#executable;
    if (address !== 0n) return address;
    this.session.use(what);
    throw argumentError(`${what}: it was deleted`);
  }

  #orNull<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (error instanceof XlaError && error.code === "UNIMPLEMENTED") return null;
      throw error;
    }
  }

  #readOutputs(what: string): BufferType[] {
    const { api } = this.session;
    const input = { executable: this.#executable.address };
    const types = api.call("Executable_OutputElementTypes", input, what);
    const count = types.get("num_output_types");
    const codes = new Int32Array(bytesAt(types.get("output_types"), 4 * count).buffer);
    const dimensions = api.call("Executable_OutputDimensions", input, what);
    const ranks = Array.from(addressesAt(dimensions.get("dim_sizes"), count), Number);
    const total = ranks.reduce((sum, rank) => sum + rank, 0);
    const sizes = Array.from(addressesAt(dimensions.get("dims"), total), Number);
    let at = 0;
    return ranks.map((rank, i) => {
      const dtype = dtypeOfElementType(codes[i]);
      if (dtype === null) {
        throw argumentError(
          `${what}: output ${i} has elements of the type ${nameOfElementType(codes[i])}, ` +
            `which no dtype stands for`,
        );
      }
      return { dtype, shape: sizes.slice(at, at += rank) };
    });
  }

  /** Sets the addresses of arguments and results in the block. */
  #point(): void {
    const { block } = this.#execute;
    block.set("argument_lists", this.#lists.argumentsAddress);
    block.set("output_lists", this.#lists.outputsAddress);
    block.set("num_args", this.#lists.count);
    this.#options.set("non_donatable_input_indices", this.#lists.keptAddress);
  }

  #start(
    args: readonly (readonly Buffer[])[],
    donated: Donated,
    what: string,
  ): Buffer[][] {
    this.#use(what);
    for (const list of args) checkList(list, what, "buffers");
    const count = args[0].length;
    if (count !== this.#lists.count) {
      this.#checkCount(count, what);
      this.#lists = new Lists(this.devices.length, count, this.outputs.length);
      this.#point();
    }
    const lists = this.#lists;
    for (let d = 0; d < args.length; d++) {
      if (args[d].length !== count) this.#checkCounts(args, what);
      for (let i = 0; i < count; i++) {
        lists.arguments[d * count + i] = this.#addressOf(args[d][i], i, d, what);
      }
    }
    const given = donatedPositions(donated, count, what);
    if (given.length > 0) checkDonated(args, given, what);
    this.#options.set("num_non_donatable_input_indices", lists.keep(given));
    this.#options.set("launch_id", this.session.nextLaunch());
    this.session.releaseTransfers();
    try {
      this.#execute.run(what);
    } catch (error) {
      for (const list of args) for (const i of given) list[i].donateIfConsumed();
      throw error;
    }
    for (const list of args) for (const i of given) list[i].donate();
    this.#awaitEnds(what);
    return args.map((_, d) =>
      this.outputs.map((type, i) =>
        new Buffer(lists.outputs[d * this.outputs.length + i], type, this.devices[d])
      )
    );
  }

  /** Waits for all devices if necessary. Errors are reported when results are read. */
  #awaitEnds(what: string): void {
    const { api } = this.session;
    for (const event of this.#ends ?? []) {
      try {
        api.call("Event_Await", { event }, what);
      } catch { /* As above. */ }
      api.call("Event_Destroy", { event }, what);
    }
  }

  #addressOf(arg: Buffer, i: number, d: number, what: string): bigint {
    if (!(arg instanceof Buffer)) {
      throw argumentError(`${what}: argument ${i} is ${describeValue(arg)}, expected a buffer`);
    }
    if (arg.session !== this.session) {
      throw argumentError(`${what}: argument ${i} belongs to another client`);
    }
    if (arg.device !== this.devices[d]) {
      throw argumentError(
        `${what}: argument ${i} is on device ${arg.device.id}, expected device ` +
          `${this.devices[d].id}`,
      );
    }
    const parameter = this.parameters?.[i];
    if (parameter !== undefined && !sameType(parameter, arg)) {
      throw shapeError(
        `${what}: argument ${i} is ${showType(arg)}, expected ${showType(parameter)}`,
      );
    }
    return arg.isDeleted ? arg.use(`${what}: argument ${i} is`) : arg.address;
  }

  #checkCount(count: number, what: string): void {
    if (this.parameters === null || count === this.parameters.length) return;
    throw argumentError(`${what}: expected ${this.parameters.length} arguments, got ${count}`);
  }

  #checkCounts(args: readonly (readonly Buffer[])[], what: string): void {
    throw argumentError(
      `${what}: each device needs equally many arguments, got ${args.map((list) => list.length)}`,
    );
  }
}

/** Addresses of arguments and results, in the format of `PJRT_LoadedExecutable_Execute`. */
class Lists {
  readonly count: number;
  /** The arguments of the first device, followed by those of the other devices. */
  readonly arguments: BigUint64Array;
  readonly outputs: BigUint64Array;
  readonly argumentsAddress: bigint;
  readonly outputsAddress: bigint;
  readonly keptAddress: bigint;
  readonly #kept: BigInt64Array;
  readonly #tables: readonly BigUint64Array[];

  constructor(devices: number, count: number, outputs: number) {
    this.count = count;
    this.arguments = new BigUint64Array(allocateBytes(8 * devices * count).buffer);
    this.outputs = new BigUint64Array(allocateBytes(8 * devices * outputs).buffer);
    this.#kept = new BigInt64Array(allocateBytes(8 * count).buffer);
    this.#tables = [
      tableOf(this.arguments, devices, count),
      tableOf(this.outputs, devices, outputs),
    ];
    [this.argumentsAddress, this.outputsAddress] = this.#tables.map(addressOf);
    this.keptAddress = addressOf(this.#kept);
  }

  /** Lists the arguments that are not donated, and counts them. */
  keep(donated: readonly number[]): number {
    let kept = 0;
    for (let i = 0, next = 0; i < this.count; i++) {
      if (donated[next] === i) next++;
      else this.#kept[kept++] = BigInt(i);
    }
    return kept;
  }
}

/** The address of each device's part of a list. */
function tableOf(list: BigUint64Array, devices: number, length: number): BigUint64Array {
  const table = new BigUint64Array(allocateBytes(8 * devices).buffer);
  const start = addressOf(list);
  for (let d = 0; d < devices; d++) table[d] = start + BigInt(8 * d * length);
  return table;
}

/** The positions of donated arguments, in order. */
function donatedPositions(donated: Donated, count: number, what: string): readonly number[] {
  if (donated === NONE) return [];
  if (!(donated instanceof Set)) checkList(donated, what, "booleans or a Set as donated arguments");
  const positions = donated instanceof Set
    ? [...donated as ReadonlySet<number>]
    : (donated as readonly boolean[]).flatMap((is, i) => is ? [i] : []);
  for (const i of positions) {
    if (Number.isInteger(i) && i >= 0 && i < count) continue;
    throw argumentError(
      `${what}: cannot donate argument ${describeValue(i)}, there are ${count} arguments`,
    );
  }
  return positions.sort((a, b) => a - b);
}

function checkList(list: unknown, what: string, expected: string): void {
  if (Array.isArray(list)) return;
  throw argumentError(`${what}: expected an array of ${expected}, got ${describeValue(list)}`);
}

/** Throws if a donated argument is also another argument. */
function checkDonated(
  args: readonly (readonly Buffer[])[],
  donated: readonly number[],
  what: string,
): void {
  for (const list of args) {
    for (const i of donated) {
      const other = list.findIndex((arg, j) => arg === list[i] && j !== i);
      if (other < 0) continue;
      throw argumentError(`${what}: argument ${i} is donated, and is argument ${other} as well`);
    }
  }
}

function sameType(a: BufferType, b: BufferType): boolean {
  return a === b || a.dtype === b.dtype && a.shape.length === b.shape.length &&
      a.shape.every((size, axis) => size === b.shape[axis]);
}
