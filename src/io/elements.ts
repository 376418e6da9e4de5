/**
 * Elements as files store them, made into the dtypes of tensors.
 *
 * @module
 */
import { byteSize, describeValue, DTYPES, isComplex, partDtype } from "../base/dtype.ts";
import type { Dtype, Elements, RealDtype } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { evaluate } from "../core/evaluation.ts";
import { allocateFor, allocateStoredFor, Concrete, denseStored } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { convertPrimitive } from "../primitives/structure.ts";

/** How a file may store elements. */
export type StoredKind = Dtype | "int64" | "uint64";

/** Bytes per stored element. */
export function storedBytes(kind: StoredKind): number {
  return isWide(kind) ? 8 : byteSize(kind);
}

function isWide(kind: StoredKind): kind is "int64" | "uint64" {
  return kind === "int64" || kind === "uint64";
}

/**
 * Options of the readers.
 *
 * @category Files
 */
export interface ReadOptions {
  /**
   * The dtype for 64-bit integers, signed or not: `"int32"`, in which all of them must fit, or
   * `"float64"`, which is exact up to 2^53 and rounds beyond. Default `"int32"`.
   */
  readonly int64?: "int32" | "float64";
  /**
   * The conversions of other dtypes, as by `astype`: `{ bfloat16: "float32", uint8: "float32" }`.
   * Default: every dtype is preserved.
   */
  readonly convert?: { readonly [Stored in Dtype]?: Dtype };
}

/** The dtypes of the results: the options of the readers, checked. */
export type Targets = Required<ReadOptions>;

/** The options of a reader, checked. */
export function readTargets(options: ReadOptions | undefined, what: string): Targets {
  const { int64 = "int32", convert = {} } = readOptions(what, options, ["int64", "convert"]);
  if (int64 !== "int32" && int64 !== "float64") {
    throw argumentError(`${what}: int64 must be "int32" or "float64", got ${describeValue(int64)}`);
  }
  const isObject = typeof convert === "object" && convert !== null;
  const entries: [string, unknown][] = isObject ? Object.entries(convert) : [];
  const wrong = [...entries.map(([key]) => key), ...entries.map(([, value]) => value)].find(
    (name) => name !== undefined && !DTYPES.includes(name as RealDtype),
  );
  if (!isObject || wrong !== undefined) {
    throw argumentError(
      `${what}: convert must be an object from dtypes to dtypes, as { bfloat16: "float32" }, got ` +
        describeValue(isObject ? wrong : convert),
    );
  }
  return { int64, convert: Object.fromEntries(entries) };
}

/** The dtype that stored elements become. */
export function dtypeOf(kind: StoredKind, { int64, convert }: Targets): Dtype {
  if (isWide(kind)) return int64;
  return isComplex(kind) ? kind : convert[kind] ?? kind;
}

/** One stored tensor. */
export interface StoredType {
  /** Begins messages: `Cannot read safetensors: tensor "w"`. */
  readonly label: string;
  /** How its elements are stored. */
  readonly kind: StoredKind;
  /** Its shape, checked. */
  readonly shape: Shape;
  /** The dtypes to which elements are converted. */
  readonly targets: Targets;
  /** Whether the most significant byte of each element comes first. */
  readonly bigEndian: boolean;
}

/** How many bytes the elements of this type take as a tensor. */
export function tensorBytes({ kind, shape, targets }: StoredType): number {
  return sizeOf(shape) * byteSize(dtypeOf(kind, targets));
}

/** A tensor whose elements can be written: concrete, or of concrete parts. */
export type Written = Concrete | ComplexTensor;

/** `x` as one whose elements can be written. */
export function written(x: Tensor): Written {
  if (!(x instanceof ComplexTensor)) return x.concrete("write");
  return new ComplexTensor(x.re.concrete("write"), x.im.concrete("write"));
}

/** The elements of a tensor as bytes; a view of them unless they are elsewhere, or complex. */
export function bytesOf(value: Written): Uint8Array {
  return bytesIn(value instanceof ComplexTensor ? value.data() : denseStored(value));
}

/** A view of the bytes of elements. */
function bytesIn(elements: Elements): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

/** How many bytes of 64-bit integers are converted at a time. */
const CHUNK = 2 ** 16;

/**
 * A tensor of the stored elements `raw`, row-major. 64-bit integers go through a small buffer, where
 * they are aligned; all others are copied unchanged, and converted afterwards if requested.
 * The byte order of the machine is assumed to be little-endian, as on all platforms of Deno.
 */
export function makeTensor(type: StoredType, raw: Uint8Array): Tensor {
  const { kind, shape, targets, bigEndian } = type;
  const dtype = dtypeOf(kind, targets);
  if (!isWide(kind) && isComplex(kind)) return makeComplex(partDtype(kind), shape, raw, bigEndian);
  if (isWide(kind)) {
    const elements = allocateFor({ dtype, shape });
    const buffer = new Uint8Array(Math.min(CHUNK, raw.length));
    for (let start = 0; start < raw.length; start += CHUNK) {
      const chunk = buffer.subarray(0, Math.min(CHUNK, raw.length - start));
      chunk.set(raw.subarray(start, start + chunk.length));
      if (bigEndian) swapBytes(chunk, 8);
      convertWide(type, new Uint32Array(buffer.buffer, 0, chunk.length / 4), elements, start / 8);
    }
    return new Concrete(dtype, shape, elements);
  }
  const stored = allocateStoredFor({ dtype: kind, shape });
  const bytes = bytesIn(stored);
  bytes.set(raw);
  if (bigEndian) swapBytes(bytes, byteSize(kind));
  if (kind === "bool") normalizeBooleans(bytes);
  const value = new Concrete(kind, shape, stored);
  if (kind === dtype) return value;
  return evaluate(convertPrimitive, [value], { dtype }, [{ dtype, shape }])[0];
}

/** A complex tensor of real and imaginary parts in turn. */
function makeComplex(
  dtype: RealDtype,
  shape: Shape,
  raw: Uint8Array,
  bigEndian: boolean,
): ComplexTensor {
  const parts = [0, 1].map((part) => {
    const elements = allocateStoredFor({ dtype, shape });
    const width = byteSize(dtype);
    const bytes = bytesIn(elements);
    for (let at = 0; at < bytes.length; at += width) {
      const from = 2 * at + part * width;
      for (let i = 0; i < width; i++) bytes[at + i] = raw[from + i];
    }
    if (bigEndian) swapBytes(bytes, width);
    return new Concrete(dtype, shape, elements);
  });
  return new ComplexTensor(parts[0], parts[1]);
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

/** Writes 64-bit integers, the lower half of each first, to `out`. */
function convertWide(type: StoredType, halves: Uint32Array, out: Elements, first: number): void {
  const isSigned = type.kind === "int64";
  for (let i = 0; 2 * i < halves.length; i++) {
    const low = halves[2 * i];
    const high = isSigned ? halves[2 * i + 1] | 0 : halves[2 * i + 1];
    // The upper half of a number that fits consists of the sign bit of its lower half.
    if (type.targets.int64 === "int32" && high !== (low | 0) >> 31) {
      const value = (BigInt(high) << 32n) + BigInt(low);
      throw dtypeError(
        `${type.label}: element ${first + i} is ${value}, which int32 does not hold; pass ` +
          `{ int64: "float64" } to read 64-bit integers as float64`,
      );
    }
    // The product is exact, so that the sum is rounded once.
    out[first + i] = type.targets.int64 === "int32" ? low : high * 2 ** 32 + low;
  }
}
