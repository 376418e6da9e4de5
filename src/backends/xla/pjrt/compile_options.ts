/**
 * Options of the compiler, as the serialised `CompileOptionsProto` of PJRT. The field numbers are those of
 * `xla/pjrt/proto/compile_options.proto` and `xla/xla_data.proto` of OpenXLA.
 *
 * @module
 */
import { argumentError } from "../../../base/errors.ts";
import { describeValue } from "../../../base/dtype.ts";

/** How to compile a program. */
export interface CompileOptions {
  /** How many devices run the program on their own data; 1 if omitted. */
  readonly replicas?: number;
  /** How many devices share the work of one replica; 1 if omitted. */
  readonly partitions?: number;
  /**
   * The devices by their ids: `partitions` of the first replica, then those of the next one. Chosen by XLA
   * if omitted.
   */
  readonly deviceIds?: readonly number[];
  /** Whether shardings are in Shardy's format (`sdy.mesh`, `sdy.sharding`) rather than GSPMD's. */
  readonly useShardyPartitioner?: boolean;
  /** Debug options of XLA, such as `xla_cpu_enable_fast_math`, for this program only. */
  readonly flags?: Readonly<Record<string, string | number | boolean>>;
}

/** A message in the encoding of Protocol Buffers. */
class Message {
  readonly #bytes: number[] = [];

  /** A field with a nonnegative integer. */
  number(field: number, value: number): this {
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  /** A field of type `double`. */
  double(field: number, value: number): this {
    this.#varint(field * 8 + 1);
    this.#bytes.push(...new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  /** A field with bytes, text, or another message. */
  bytes(field: number, value: Message | Uint8Array | string): this {
    const bytes = value instanceof Message
      ? value.finish()
      : typeof value === "string"
      ? new TextEncoder().encode(value)
      : value;
    this.#varint(field * 8 + 2);
    this.#varint(bytes.length);
    this.#bytes.push(...bytes);
    return this;
  }

  /** A field with several numbers. */
  numbers(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.bytes(field, packed);
  }

  finish(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  #varint(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#bytes.push(Number(rest));
  }
}

/** The number of devices of a program. */
export function deviceCount({ replicas = 1, partitions = 1 }: CompileOptions): number {
  return replicas * partitions;
}

/** Throws unless the options of the compiler are valid. */
export function checkCompileOptions(options: CompileOptions): void {
  const { replicas = 1, partitions = 1, deviceIds } = options;
  for (const [name, value] of Object.entries({ replicas, partitions })) {
    if (Number.isInteger(value) && value > 0 && value < 2 ** 31) continue;
    throw argumentError(
      `Cannot compile for ${describeValue(value)} ${name}: expected a positive integer`,
    );
  }
  if (deviceIds === undefined) return;
  const count = deviceCount(options);
  const areIds = Array.isArray(deviceIds) &&
    deviceIds.every((id) => Number.isInteger(id) && id >= 0);
  if (!areIds || deviceIds.length !== count || new Set(deviceIds).size !== count) {
    throw argumentError(
      `Cannot compile for the devices ${describeValue(deviceIds)}: expected ${count} different ` +
        `ids, for ${replicas} replicas of ${partitions} partitions`,
    );
  }
}

/** The options of the compiler in the encoding of PJRT. */
export function writeCompileOptions(options: CompileOptions): Uint8Array {
  checkCompileOptions(options);
  const { replicas = 1, partitions = 1, deviceIds, useShardyPartitioner, flags = {} } = options;
  const build = new Message().number(4, replicas).number(5, partitions);
  if (partitions > 1) build.number(6, 1);
  if (deviceIds !== undefined) {
    const assignment = new Message().number(1, replicas).number(2, partitions);
    for (let partition = 0; partition < partitions; partition++) {
      const ids = deviceIds.filter((_, i) => i % partitions === partition);
      assignment.bytes(3, new Message().numbers(1, ids));
    }
    build.bytes(9, assignment);
  }
  if (useShardyPartitioner) build.number(19, 1);
  const all = new Message().bytes(3, build);
  for (const [name, value] of Object.entries(flags)) {
    all.bytes(7, new Message().bytes(1, name).bytes(2, encodeFlag(name, value)));
  }
  return all.finish();
}

function encodeFlag(name: string, value: string | number | boolean): Message {
  const message = new Message();
  if (typeof value === "string") return message.bytes(1, value);
  if (typeof value === "boolean") return message.number(2, Number(value));
  if (Number.isSafeInteger(value)) return message.number(3, value);
  if (typeof value === "number") return message.double(4, value);
  throw argumentError(
    `Cannot use ${
      describeValue(value)
    } as the flag ${name}: expected a string, a number or a boolean`,
  );
}
