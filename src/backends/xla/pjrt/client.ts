/**
 * Clients: they compile and run programs and upload data on the devices of one plugin.
 *
 * @module
 */
import {
  checkDtype,
  describeValue,
  type Dtype,
  DTYPES,
  type Elements,
} from "../../../base/dtype.ts";
import { argumentError, shapeError } from "../../../base/errors.ts";
import { readOptions } from "../../../base/options.ts";
import type { Api } from "./api.ts";
import { Buffer, type BufferType, checkDevice, checkElements, showType } from "./buffer.ts";
import {
  checkCompileOptions,
  type CompileOptions,
  deviceCount,
  writeCompileOptions,
} from "./compile_options.ts";
import { ClientDevice } from "./device.ts";
import { elementType } from "./element_types.ts";
import { unwrap } from "./envelope.ts";
import { Executable } from "./executable.ts";
import {
  addressesAt,
  addressOf,
  allocateBytes,
  keepFreedMemory,
  stableCopy,
  textAt,
} from "./host.ts";
import { Block } from "./layout.ts";
import { type Options, writeNamedValues } from "./named_values.ts";
import { Session } from "./session.ts";
import { PROGRAM, SEMANTICS } from "./structs.ts";

/**
 * The size in bytes from which an upload does not wait until the elements are read. Copying fewer bytes
 * takes less time than tracking their memory.
 */
const LARGE = 2 ** 18;

/** The maximum number of devices into which one CPU is divided. */
const MAX_CPU_DEVICES = 1024;

/** The maximum number of axes of a shape. */
const MAX_RANK = 64;

/** Information about a program apart from its text. */
export interface Signature {
  /** The types of its arguments on each device; if given, every run is checked against them. */
  readonly parameters?: readonly BufferType[];
}

/** Functions through which a plugin accesses a key-value store that all processes of a run share. */
export interface KeyValueFunctions {
  /** Their addresses: functions of the types `PJRT_KeyValueGetCallback` and so on. */
  readonly get: bigint;
  readonly tryGet: bigint;
  readonly put: bigint;
  /** Called when they will not be called any more. */
  close(): void;
}

const OPTIONS = [
  "replicas",
  "partitions",
  "deviceIds",
  "useShardyPartitioner",
  "flags",
  "parameters",
] as const;

/** A client of a plugin. */
export class Client {
  /** The platform's name: "cpu", "cuda", "tpu". */
  readonly platform: string;
  /** The version of the platform, in its own format. */
  readonly platformVersion: string;
  /** The number of this process in the run. */
  readonly processIndex: number;
  /** All of its devices, including those of other processes. */
  readonly devices: readonly ClientDevice[];
  readonly session: Session;
  readonly #dims = new BigInt64Array(allocateBytes(8 * MAX_RANK).buffer);
  readonly #dimsAddress = addressOf(this.#dims);

  /** @param store Owned by the client once the client exists. */
  constructor(api: Api, options: Options, store?: KeyValueFunctions) {
    const what = `Cannot create a client of ${api.label}`;
    const values = writeNamedValues(options);
    const { cpu_device_count: count = 1 } = options;
    // XLA terminates the process for other values.
    if (typeof count === "number" && !(count >= 1 && count <= MAX_CPU_DEVICES)) {
      throw argumentError(
        `${what}: expected 1 to ${MAX_CPU_DEVICES} as cpu_device_count, got ${count}`,
      );
    }
    const client = api.call(
      "Client_Create",
      {
        create_options: values.address,
        num_options: values.count,
        kv_get_callback: store?.get ?? 0n,
        kv_get_user_arg: 0n,
        kv_put_callback: store?.put ?? 0n,
        kv_put_user_arg: 0n,
        kv_try_get_callback: store?.tryGet ?? 0n,
        kv_try_get_user_arg: 0n,
      },
      what,
      values,
    ).get("client");
    this.session = new Session(api, client, this, store);
    try {
      const name = api.call("Client_PlatformName", { client }, what);
      this.platform = textAt(name.get("platform_name"), name.get("platform_name_size"));
      if (this.platform === "cpu") keepFreedMemory();
      const version = api.call("Client_PlatformVersion", { client }, what);
      this.platformVersion = textAt(
        version.get("platform_version"),
        version.get("platform_version_size"),
      );
      this.session.platform = this.platform;
      this.session.maker = `${this.platform} (${this.platformVersion}), ${api.release}`;
      this.processIndex = api.call("Client_ProcessIndex", { client }, what).get("process_index");
      const list = api.call("Client_Devices", { client }, what);
      const addresses = addressesAt(list.get("devices"), list.get("num_devices"));
      this.devices = Array.from(addresses, (one) => new ClientDevice(this.session, one, this));
      if (this.devices.length === 0) {
        throw argumentError(`${what}: it finds no device`);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.session.isClosed;
  }

  /**
   * Compiles a program.
   *
   * @param text A module in StableHLO (or another dialect that XLA reads), as MLIR's text. It must come from
   * a trusted source: on some malformed texts, such as one that ends after "func.", MLIR's parser terminates
   * the process.
   */
  compile(text: string, options: CompileOptions & Signature = {}): Executable {
    const what = "Cannot compile the program";
    const client = this.session.use(what);
    if (typeof text !== "string") {
      throw argumentError(`${what}: expected text, got ${describeValue(text)}`);
    }
    readOptions(what, options, OPTIONS);
    checkCompileOptions(options);
    checkParameters(options, what);
    this.#checkDevices(options, what);
    const code = stableCopy(new TextEncoder().encode(text));
    const format = stableCopy(new TextEncoder().encode("mlir"));
    const program = new Block(PROGRAM);
    program.fill({
      code: addressOf(code),
      code_size: code.length,
      format: addressOf(format),
      format_size: format.length,
    });
    const encoded = stableCopy(writeCompileOptions(options));
    const inputs = {
      client,
      program: addressOf(program.bytes),
      compile_options: addressOf(encoded),
      compile_options_size: encoded.length,
    };
    const { api } = this.session;
    const executable = api.call("Client_Compile", inputs, what, code, format, program, encoded)
      .get("executable");
    return this.#adopt(executable, options);
  }

  /** Loads a compiled program from the result of `serialise`, on a client of the same kind and version. */
  load(serialised: Uint8Array, signature: Signature = {}): Executable {
    const what = "Cannot load the compiled program";
    const client = this.session.use(what);
    if (!(serialised instanceof Uint8Array)) {
      throw argumentError(`${what}: expected a Uint8Array, got ${describeValue(serialised)}`);
    }
    readOptions(what, signature, ["parameters"]);
    checkParameters(signature, what);
    const { maker } = this.session;
    const contents = unwrap(serialised, maker, (fault) => argumentError(`${what}: ${fault}`));
    const bytes = stableCopy(contents);
    const executable = this.session.api.call(
      "Executable_DeserializeAndLoad",
      {
        client,
        serialized_executable: addressOf(bytes),
        serialized_executable_size: bytes.length,
        overridden_serialized_compile_options: 0n,
        overridden_serialized_compile_options_size: 0,
      },
      what,
      bytes,
    ).get("loaded_executable");
    return this.#adopt(executable, signature);
  }

  /**
   * Starts copying elements into a device's memory.
   *
   * @param data The elements in row-major order. They must not change before the buffer is ready.
   */
  upload(data: Elements, dtype: Dtype, shape: readonly number[], device: ClientDevice): Buffer {
    const client = this.session.use("Cannot upload elements");
    checkDtype(dtype);
    checkShape(shape);
    const type = { dtype, shape: [...shape] };
    const what = `Cannot upload ${showType(type)}`;
    checkElements(data, type, what);
    checkDevice(device, this.session, what);
    this.session.releaseTransfers();
    for (let axis = 0; axis < shape.length; axis++) this.#dims[axis] = BigInt(shape[axis]);
    const isLarge = data.byteLength >= LARGE;
    const block = this.session.api.call(
      "Client_BufferFromHostBuffer",
      {
        client,
        data: addressOf(data),
        type: elementType(dtype),
        dims: this.#dimsAddress,
        num_dims: shape.length,
        byte_strides: 0n,
        num_byte_strides: 0,
        host_buffer_semantics: isLarge
          ? SEMANTICS.untilTransferCompletes
          : SEMANTICS.onlyDuringCall,
        device: device.address,
        memory: 0n,
        device_layout: 0n,
      },
      what,
      data,
    );
    const event = block.get("done_with_host_buffer");
    const buffer = new Buffer(block.get("buffer"), type, device);
    if (isLarge) this.session.keepUntil(event, data);
    else this.session.api.call("Event_Destroy", { event }, what);
    return buffer;
  }

  /**
   * Waits for all started work, and frees all objects of the client. The client cannot be used afterwards.
   * Calling it again has no effect.
   */
  close(): void {
    this.session.close();
  }

  #adopt(address: bigint, { parameters }: Signature): Executable {
    return new Executable(this.session, address, this.devices, parameters ?? null);
  }

  /** Throws unless the client has the devices that a program will be compiled for. */
  #checkDevices(options: CompileOptions, what: string): void {
    const count = deviceCount(options);
    if (count > this.devices.length) {
      throw argumentError(
        `${what} for ${count} devices: the client has ${this.devices.length}`,
      );
    }
    for (const id of options.deviceIds ?? []) {
      if (this.devices.some((device) => device.id === id)) continue;
      throw argumentError(
        `${what} for device ${describeValue(id)}: the client has the devices ` +
          `${this.devices.map((device) => device.id).join(", ")}`,
      );
    }
  }
}

function isShape(shape: unknown): shape is readonly number[] {
  return Array.isArray(shape) && shape.length <= MAX_RANK &&
    shape.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkParameters({ parameters }: Signature, what: string): void {
  const areTypes = parameters === undefined || Array.isArray(parameters) &&
      parameters.every((one) => DTYPES.includes(one?.dtype) && isShape(one?.shape));
  if (areTypes) return;
  throw argumentError(
    `${what}: expected parameters to be an array of { dtype, shape }, got ` +
      describeValue(parameters),
  );
}

function checkShape(shape: unknown): asserts shape is readonly number[] {
  if (isShape(shape)) return;
  throw shapeError(
    `Cannot upload elements of the shape ${describeValue(shape)}: expected an array of at most ` +
      `${MAX_RANK} integers from 0 on`,
  );
}
