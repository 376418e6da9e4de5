/**
 * Named values, the format in which PJRT receives options and returns attributes.
 *
 * @module
 */
import { argumentError } from "../../../base/errors.ts";
import { describeValue } from "../../../base/dtype.ts";
import { addressOf, allocateBytes, bytesAt, stableCopy, textAt } from "./host.ts";
import { Block, readField } from "./layout.ts";
import { NAMED_VALUE } from "./structs.ts";

/**
 * A value of an option. Numbers with a fraction are floats, all others integers.
 *
 * @category XLA
 */
export type OptionValue = string | number | boolean | bigint | readonly number[];

/**
 * Options of a client, by the plugin's names.
 *
 * @category XLA
 */
export type Options = Readonly<Record<string, OptionValue>>;

/** Attributes, by the plugin's names. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly number[]>>;

const TYPES = { string: 0, int64: 1, int64List: 2, float: 3, bool: 4 } as const;

/** Consecutive named values in memory. */
export interface NamedValues {
  readonly address: bigint;
  readonly count: number;
  /** Objects that must be reachable while the address is used. */
  readonly kept: readonly unknown[];
}

/** Throws unless the argument is a record of valid values. */
export function checkNamedValues(values: Options): void {
  if (typeof values === "object" && values !== null && !Array.isArray(values)) return;
  throw argumentError(
    `Cannot use ${describeValue(values)} as options: expected an object of values by name`,
  );
}

/** Writes named values into memory. */
export function writeNamedValues(values: Options): NamedValues {
  checkNamedValues(values);
  const entries = Object.entries(values);
  const all = allocateBytes(entries.length * NAMED_VALUE.size);
  const kept: unknown[] = [all];
  const store = (bytes: Uint8Array) => {
    const copy = stableCopy(bytes);
    kept.push(copy);
    return addressOf(copy);
  };
  const encoder = new TextEncoder();
  entries.forEach(([name, value], i) => {
    const block = new Block(NAMED_VALUE);
    const label = encoder.encode(name);
    const { type, word, size } = encodeValue(name, value, store);
    block.fill({
      name: store(label),
      name_size: label.length,
      type,
      value: word,
      value_size: size,
    });
    all.set(block.bytes.subarray(0, NAMED_VALUE.size), i * NAMED_VALUE.size);
  });
  return { address: addressOf(all), count: entries.length, kept };
}

function encodeValue(
  name: string,
  value: OptionValue,
  store: (bytes: Uint8Array) => bigint,
): { type: number; word: bigint; size: number } {
  if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    return { type: TYPES.string, word: store(bytes), size: bytes.length };
  }
  if (typeof value === "boolean") return { type: TYPES.bool, word: BigInt(value), size: 1 };
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    const word = BigInt.asUintN(64, BigInt(value as number | bigint));
    return { type: TYPES.int64, word, size: 1 };
  }
  if (typeof value === "number" && Number.isFinite(value)) {
    const word = BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]);
    return { type: TYPES.float, word, size: 1 };
  }
  if (Array.isArray(value) && value.every(Number.isSafeInteger)) {
    const list = BigInt64Array.from(value, BigInt);
    return { type: TYPES.int64List, word: store(new Uint8Array(list.buffer)), size: value.length };
  }
  throw argumentError(
    `Cannot use ${describeValue(value)} as the option ${name}: expected a string, a finite ` +
      `number, a boolean, a bigint or an array of integers`,
  );
}

/** Reads named values from memory. */
export function readNamedValues(address: bigint, count: number): Attributes {
  const found: Record<string, Attributes[string]> = {};
  // Newer plugins may have larger structs; each one contains its own size, and all are equal.
  for (let i = 0, at = address; i < count; i++) {
    const view = new DataView(bytesAt(at, NAMED_VALUE.size).buffer);
    const read = (name: "name" | "value") => readField(view, NAMED_VALUE.place(name)) as bigint;
    const size = (name: "struct_size" | "name_size" | "type" | "value_size") =>
      readField(view, NAMED_VALUE.places.get(name)!) as number;
    const name = textAt(read("name"), size("name_size"));
    found[name] = decodeValue(size("type"), read("value"), size("value_size"));
    at += BigInt(size("struct_size"));
  }
  return found;
}

function decodeValue(type: number, word: bigint, size: number): Attributes[string] {
  switch (type) {
    case TYPES.string:
      return textAt(word, size);
    case TYPES.int64:
      return Number(BigInt.asIntN(64, word));
    case TYPES.int64List:
      return Array.from(new BigInt64Array(bytesAt(word, 8 * size).buffer), Number);
    case TYPES.float:
      return new Float32Array(Uint32Array.of(Number(word & 0xffffffffn)).buffer)[0];
    case TYPES.bool:
      return (word & 0xffn) !== 0n;
    default:
      return `a value of the unknown type ${type}`;
  }
}
