/**
 * Elements as files store them, made into the dtypes of tensors.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import type { Dtype, Elements } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { allocateFor, Concrete, denseStored } from "../core/tensor.ts";

/** How a file may store elements. */
export type StoredKind =
  | "float64"
  | "float32"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

/** Bytes per stored element. */
export const STORED_BYTES: Readonly<Record<StoredKind, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

/** Options of the readers. */
export interface ReadOptions {
  /**
   * What 64-bit integers become, signed or not: `"int32"`, in which all of them must fit, or
   * `"float64"`, which is exact up to 2^53 and rounds beyond. Default `"int32"`.
   */
  readonly int64?: "int32" | "float64";
}

/** The dtype that 64-bit integers become. */
export type WideInteger = "int32" | "float64";

/** The option `int64`, checked. */
export function checkWideInteger(value: unknown, what: string): WideInteger {
  if (value === undefined) return "int32";
  if (value === "int32" || value === "float64") return value;
  throw argumentError(`${what}: int64 must be "int32" or "float64", got ${describeValue(value)}`);
}

/** The dtype that stored elements become. */
export function dtypeOf(kind: StoredKind, wide: WideInteger): Dtype {
  switch (kind) {
    case "float16":
    case "bfloat16":
      return "float32";
    case "int64":
    case "uint64":
      return wide;
    case "int16":
    case "int8":
    case "uint8":
      return "int32";
    case "uint16":
      return "uint32";
    default:
      return kind;
  }
}

/** One stored tensor. */
export interface StoredType {
  /** Begins messages: `Cannot read safetensors: tensor "w"`. */
  readonly label: string;
  /** How its elements are stored. */
  readonly kind: StoredKind;
  /** Its shape, checked. */
  readonly shape: Shape;
  /** What 64-bit integers become. */
  readonly wide: WideInteger;
  /** Whether the most significant byte of each element comes first. */
  readonly bigEndian: boolean;
}

/** How many bytes the elements of this type take as a tensor. */
export function tensorBytes({ kind, shape, wide }: StoredType): number {
  const dtype = dtypeOf(kind, wide);
  return sizeOf(shape) * (dtype === "float64" ? 8 : dtype === "bool" ? 1 : 4);
}

/** The elements of a tensor as bytes; a view of them unless they are elsewhere. */
export function bytesOf(value: Concrete): Uint8Array {
  const elements = denseStored(value);
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

/** How many bytes are converted at a time. */
const CHUNK = 2 ** 16;

/**
 * A tensor of the stored elements `raw`, row-major. They are copied once: what is no plain copy goes
 * through a small buffer, where elements are aligned and their bytes in this machine's order (which
 * is little-endian wherever Deno runs).
 */
export function makeTensor(type: StoredType, raw: Uint8Array): Concrete {
  const { kind, shape, wide, bigEndian } = type;
  const dtype = dtypeOf(kind, wide);
  const elements = allocateFor({ dtype, shape });
  const width = STORED_BYTES[kind];
  if (kind === dtype) {
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
    bytes.set(raw);
    if (bigEndian) swapBytes(bytes, width);
    if (kind === "bool") normalizeBooleans(bytes);
  } else {
    const buffer = new Uint8Array(Math.min(CHUNK, raw.length));
    for (let start = 0; start < raw.length; start += CHUNK) {
      const chunk = buffer.subarray(0, Math.min(CHUNK, raw.length - start));
      chunk.set(raw.subarray(start, start + chunk.length));
      if (bigEndian) swapBytes(chunk, width);
      convert(type, chunk, elements, start / width);
    }
  }
  return new Concrete(dtype, shape, elements);
}

/** Makes whatever is true a one, in place. */
function normalizeBooleans(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] > 1) bytes[i] = 1;
}

/** The bytes of each element of `width` bytes in the opposite order, in place. */
function swapBytes(bytes: Uint8Array, width: number): void {
  for (let start = 0; start < bytes.length; start += width) {
    for (let low = start, high = start + width - 1; low < high; low++, high--) {
      [bytes[low], bytes[high]] = [bytes[high], bytes[low]];
    }
  }
}

/** Writes the elements in `chunk` to `out`, from position `first` on. */
function convert(type: StoredType, chunk: Uint8Array, out: Elements, first: number): void {
  const { buffer } = chunk;
  const count = chunk.length / STORED_BYTES[type.kind];
  switch (type.kind) {
    case "uint8":
      return out.set(chunk, first);
    case "int8":
      return out.set(new Int8Array(buffer, 0, count), first);
    case "int16":
      return out.set(new Int16Array(buffer, 0, count), first);
    case "uint16":
      return out.set(new Uint16Array(buffer, 0, count), first);
    case "float16": {
      const source = new Uint16Array(buffer, 0, count);
      const values = halfValues();
      for (let i = 0; i < count; i++) out[first + i] = values[source[i]];
      return;
    }
    case "bfloat16": {
      // The upper half of a float32.
      const source = new Uint16Array(buffer, 0, count);
      const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
      for (let i = 0; i < count; i++) bits[first + i] = source[i] << 16;
      return;
    }
    default:
      return convertWide(type, new Uint32Array(buffer, 0, 2 * count), out, first);
  }
}

/** Writes 64-bit integers, the lower half of each first, to `out`. */
function convertWide(type: StoredType, halves: Uint32Array, out: Elements, first: number): void {
  const isSigned = type.kind === "int64";
  for (let i = 0; 2 * i < halves.length; i++) {
    const low = halves[2 * i];
    const high = isSigned ? halves[2 * i + 1] | 0 : halves[2 * i + 1];
    // What fits has the sign of its lower half all through the upper one.
    if (type.wide === "int32" && high !== (low | 0) >> 31) {
      const value = (BigInt(high) << 32n) + BigInt(low);
      throw dtypeError(
        `${type.label}: element ${first + i} is ${value}, which int32 does not hold; pass ` +
          `{ int64: "float64" } to read 64-bit integers as float64`,
      );
    }
    // The product is exact, so that the sum is rounded once.
    out[first + i] = type.wide === "int32" ? low : high * 2 ** 32 + low;
  }
}

let halves: Float32Array | undefined;

/** The values of all 65,536 numbers of IEEE 754's binary16, by their bits. */
function halfValues(): Float32Array {
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    const sign = bits >> 15 === 0 ? 1 : -1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (fraction + 0x400) * 2 ** (exponent - 25);
  });
  return halves;
}
