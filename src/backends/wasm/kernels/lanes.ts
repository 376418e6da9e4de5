/**
 * Elements in vectors: how each dtype is loaded, stored and converted. A vector holds one element
 * per lane of the nest: 4, or 2 if doubles are involved. With 2 lanes the 32-bit types are in the
 * lower half, and the upper half is ignored. A bool is a mask as wide as a lane: 4 bytes or 8. In
 * vectors, narrower integers are 32-bit integers and half floats are float32, always within the
 * range of their dtype; `half_lanes.ts` rounds them.
 *
 * @module
 */
import {
  byteSize,
  type Dtype,
  isFloat,
  isHalf,
  isNarrow,
  rangeOf,
  wideDtype,
} from "../../../base/dtype.ts";
import type { Code } from "../assembler/code.ts";
import type { Effect, Expression, Global } from "../assembler/expression.ts";
import {
  f32,
  f32x4,
  f64,
  f64x2,
  i16x8,
  i32,
  i32x4,
  i64x2,
  i8x16,
  v128,
} from "../assembler/operations.ts";
import type { Memory } from "../assembler/memory.ts";
import type { Given } from "./kernel.ts";
import type { Pointer, Vector } from "./addresses.ts";
import {
  decodedHalves,
  encodedHalves,
  halfDecoder,
  roundedDoubles,
  roundedSingles,
  stickyIntegers,
} from "./half_lanes.ts";

/** How many elements a vector holds. */
export type Lanes = 2 | 4;

/** `pointer` plus a number of bytes; a negative offset must be computed into the address. */
function place(pointer: Pointer, bytes: number): [Pointer, { offset: number }] {
  return bytes >= 0
    ? [pointer, { offset: bytes }]
    : [i32.add(pointer, i32.const(bytes | 0)), { offset: 0 }];
}

/** The same number in every lane. */
export function constantVector(dtype: Dtype, value: number, lanes: Lanes): Vector {
  switch (wideDtype(dtype)) {
    case "float32":
      return f32x4.const(value);
    case "float64":
      return f64x2.const(value);
    case "bool":
      return lanes === 4 ? i32x4.const(value === 0 ? 0 : -1) : i64x2.const(value === 0 ? 0 : -1);
    default:
      return i32x4.const(value);
  }
}

/** An input number of the program, in every lane. */
export function givenVector({ dtype, variable }: Given, lanes: Lanes): Vector {
  if (variable.type === "f32") return f32x4.splat(variable as Global<"f32">);
  if (variable.type === "f64") return f64x2.splat(variable as Global<"f64">);
  const all = i32x4.splat(variable as Global<"i32">);
  return dtype === "bool" && lanes === 2 ? i64x2.extendLowI32x4S(all) : all;
}

/** One element in every lane. */
export function loadSplat(
  code: Code,
  dtype: Dtype,
  pointer: Pointer,
  bytes: number,
  lanes: Lanes,
): Vector {
  const [address, offset] = place(pointer, bytes);
  if (isHalf(dtype)) {
    return decodedHalves(code, dtype, i32x4.splat(i32.load16S(address, offset)));
  }
  if (isNarrow(dtype)) {
    const isSigned = rangeOf(dtype)[0] < 0;
    const load = byteSize(dtype) === 1
      ? isSigned ? i32.load8S : i32.load8U
      : isSigned
      ? i32.load16S
      : i32.load16U;
    return i32x4.splat(load(address, offset));
  }
  if (dtype === "float64") return v128.load64Splat(address, offset);
  if (dtype !== "bool") return v128.load32Splat(address, offset);
  const byte = i32x4.splat(i32.load8U(address, offset));
  return lanes === 4 ? i32x4.neg(byte) : i64x2.extendLowI32x4S(i32x4.neg(byte));
}

/** One element as a variable of the type that it is computed with. */
export function loadElement(
  code: Code,
  dtype: Dtype,
  pointer: Pointer,
  bytes = 0,
): Expression<"f32"> | Expression<"f64"> | Expression<"i32"> {
  const [address, offset] = place(pointer, bytes);
  switch (dtype) {
    case "float32":
      return f32.load(address, offset);
    case "float64":
      return f64.load(address, offset);
    case "bool":
      return i32.load8U(address, offset);
    case "int32":
    case "uint32":
      return i32.load(address, offset);
    default: {
      const vector = loadSplat(code, dtype, pointer, bytes, 4);
      return isHalf(dtype) ? f32x4.extractLane(vector, 0) : i32x4.extractLane(vector, 0);
    }
  }
}

/** Adjacent elements. Bytes after the last one may be read. */
export function loadVector(
  code: Code,
  dtype: Dtype,
  pointer: Pointer,
  bytes: number,
  lanes: Lanes,
): Vector {
  const [address, offset] = place(pointer, bytes);
  if (isNarrow(dtype)) {
    const width = byteSize(dtype) * lanes;
    const packed = width === 8
      ? v128.load64Zero(address, offset)
      : width === 4
      ? v128.load32Zero(address, offset)
      : v128.load16Splat(address, offset);
    const isSigned = rangeOf(dtype)[0] < 0;
    const words = byteSize(dtype) === 2
      ? packed
      : isSigned
      ? i16x8.extendLowI8x16S(packed)
      : i16x8.extendLowI8x16U(packed);
    const wide = isSigned ? i32x4.extendLowI16x8S(words) : i32x4.extendLowI16x8U(words);
    return isHalf(dtype) ? decodedHalves(code, dtype, wide) : wide;
  }
  if (dtype === "bool") {
    const packed = lanes === 4
      ? v128.load32Zero(address, offset)
      : v128.load16Splat(address, offset);
    const wide = i32x4.extendLowI16x8U(i16x8.extendLowI8x16U(packed));
    return lanes === 4 ? i32x4.neg(wide) : i64x2.extendLowI32x4S(i32x4.neg(wide));
  }
  return dtype === "float64" || lanes === 4
    ? v128.load(address, offset)
    : v128.load64Zero(address, offset);
}

/**
 * Makes a function that loads the adjacent elements of a vector. Elements of less than 32 bits are
 * widened to the type of the computation: half floats to float32, and integers to int32. Its
 * constants are locals, so call it outside of loops.
 */
export function lanesLoader(
  code: Code,
  dtype: Dtype,
  memory?: Memory,
): (address: Pointer, offset?: number) => Vector {
  if (isHalf(dtype)) {
    const decode = halfDecoder(code, dtype);
    return (address, offset = 0) => decode(v128.load16x4S(address, { offset, align: 2 }));
  }
  return (address, offset = 0) =>
    isNarrow(dtype)
      ? loadVector(code, dtype, address, offset, 4)
      : v128.load(address, { offset, align: 4, memory });
}

/**
 * Every second element, or elements backwards, from the address of the first lane: shuffled from
 * adjacent elements. The result is undefined for other strides and for elements that do not fill a
 * vector. Backwards, all lanes must count, because bytes before the buffer must not be read.
 */
export function loadShuffled(
  dtype: Dtype,
  pointer: Pointer,
  bytes: number,
  { stride, isWhole, lanes }: {
    readonly stride: number;
    readonly isWhole: boolean;
    readonly lanes: Lanes;
  },
): Vector | undefined {
  const size = byteSize(dtype);
  if (size * lanes !== 16) return undefined;
  const order = (element: (lane: number) => number): number[] =>
    Array.from({ length: 16 }, (_, i) => element(Math.floor(i / size)) * size + i % size);
  const load = (start: number): Vector => v128.load(...place(pointer, start));
  if (stride === 2) return i8x16.shuffle(load(bytes), load(bytes + 16), order((lane) => 2 * lane));
  if (stride !== -1 || !isWhole) return undefined;
  const vector = load(bytes - 16 + size);
  return i8x16.shuffle(vector, vector, order((lane) => lanes - 1 - lane));
}

/**
 * A vector with one lane loaded, the others as in `vector`. Lanes gathered one by one into zeros
 * become a vector with `gathered`.
 */
export function loadLane(
  dtype: Dtype,
  pointer: Pointer,
  bytes: number,
  vector: Vector,
  lane: number,
  lanes: Lanes,
): Vector {
  const [address, offset] = place(pointer, bytes);
  if (dtype === "float64") return v128.load64Lane(address, vector, lane, offset);
  if (dtype === "bool") return v128.load8Lane(address, vector, lane * (16 / lanes), offset);
  if (byteSize(dtype) === 1) return v128.load8Lane(address, vector, 4 * lane, offset);
  if (byteSize(dtype) === 2) return v128.load16Lane(address, vector, 2 * lane, offset);
  return v128.load32Lane(address, vector, lane, offset);
}

/** Lanes that were loaded one by one, as the vector that they represent. */
export function gathered(code: Code, dtype: Dtype, vector: Vector, lanes: Lanes): Vector {
  if (isHalf(dtype)) return decodedHalves(code, dtype, wrapped("int16", vector));
  if (isNarrow(dtype)) return wrapped(dtype, vector);
  if (dtype !== "bool") return vector;
  return lanes === 4 ? i32x4.neg(vector) : i64x2.neg(vector);
}

/** 32-bit integers modulo the range of a narrower dtype. */
function wrapped(dtype: Dtype, vector: Vector): Vector {
  const shift = i32.const(32 - 8 * byteSize(dtype));
  const top = i32x4.shl(vector, shift);
  return rangeOf(dtype)[0] < 0 ? i32x4.shrS(top, shift) : i32x4.shrU(top, shift);
}

/** Whether elements take fewer bytes in memory than in vectors. */
export function isPacked(dtype: Dtype): boolean {
  return dtype === "bool" || isNarrow(dtype);
}

/**
 * A vector as `storeVector` and `storeLane` require it: bools as bytes of 0 and 1 at its start, and
 * narrow elements adjacent there.
 */
export function packed(dtype: Dtype, vector: Vector, lanes: Lanes): Vector {
  if (isNarrow(dtype)) {
    const bits = isHalf(dtype) ? encodedHalves(dtype, vector) : vector;
    const size = byteSize(dtype);
    // The lowest bytes of each of the four words.
    const order = Array.from({ length: 16 }, (_, i) => Math.floor(i / size) % 4 * 4 + i % size);
    return i8x16.shuffle(bits, bits, order);
  }
  if (dtype !== "bool") return vector;
  const narrow = lanes === 4
    ? vector
    : i8x16.shuffle(vector, vector, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  const words = i16x8.narrowI32x4S(narrow, narrow);
  return i8x16.neg(i8x16.narrowI16x8S(words, words));
}

/** Stores a whole vector, as returned by `packed`, into adjacent elements. */
export function storeVector(
  dtype: Dtype,
  pointer: Pointer,
  bytes: number,
  vector: Vector,
  lanes: Lanes,
): Effect {
  const [address, offset] = place(pointer, bytes);
  switch (byteSize(dtype) * lanes) {
    case 16:
      return v128.store(address, vector, offset);
    case 8:
      return v128.store64Lane(address, vector, 0, offset);
    case 4:
      return v128.store32Lane(address, vector, 0, offset);
    default:
      return v128.store16Lane(address, vector, 0, offset);
  }
}

/** Stores one lane of a vector, as returned by `packed`. */
export function storeLane(
  dtype: Dtype,
  pointer: Pointer,
  bytes: number,
  vector: Vector,
  lane: number,
): Effect {
  const [address, offset] = place(pointer, bytes);
  switch (byteSize(dtype)) {
    case 8:
      return v128.store64Lane(address, vector, lane, offset);
    case 4:
      return v128.store32Lane(address, vector, lane, offset);
    case 2:
      return v128.store16Lane(address, vector, lane, offset);
    default:
      return v128.store8Lane(address, vector, lane, offset);
  }
}

/** One vector per lane: lane `i` of vector `k` is lane `k` of vector `i`. */
export function transposed(code: Code, vectors: readonly Vector[]): readonly Vector[] {
  const pick = (x: Vector, y: Vector, ...words: readonly number[]): Vector =>
    i8x16.shuffle(x, y, words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)));
  const low = (x: Vector, y: Vector): Vector => pick(x, y, 0, 1, 4, 5);
  const high = (x: Vector, y: Vector): Vector => pick(x, y, 2, 3, 6, 7);
  if (vectors.length === 2) return [low, high].map((part) => part(vectors[0], vectors[1]));
  const [x, y, z, w] = vectors;
  const pairs = [[x, y], [z, w]].map(([a, b]) => [
    code.let(pick(a, b, 0, 4, 1, 5)),
    code.let(pick(a, b, 2, 6, 3, 7)),
  ]);
  return [0, 1].flatMap((i) => [low, high].map((part) => part(pairs[0][i], pairs[1][i])));
}

/** A mask of 4-byte lanes widened to the lanes of bools. */
export function widenMask(mask: Vector, lanes: Lanes): Vector {
  return lanes === 4 ? mask : i64x2.extendLowI32x4S(mask);
}

/** A bool's mask widened to the lanes of `dtype`. */
export function maskFor(dtype: Dtype, mask: Vector, lanes: Lanes): Vector {
  if (lanes === 4 || dtype === "float64" || dtype === "bool") return mask;
  return i8x16.shuffle(mask, mask, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
}

/**
 * Numbers that increase by `step` from lane to lane, starting with that of the first lane, as
 * `dtype`.
 */
export function countingVector(
  code: Code,
  dtype: Dtype,
  first: Expression<"i32">,
  step: number,
  lanes: Lanes,
): Vector {
  const counts = step === 0
    ? i32x4.splat(first)
    : i32x4.add(i32x4.splat(first), i32x4.const(0, step, 2 * step, 3 * step));
  return convertVector(code, "int32", dtype, code.let(counts), lanes);
}

/** `vector` converted as the primitive `convert` does it; it must be cheap to compute twice. */
export function convertVector(
  code: Code,
  from: Dtype,
  to: Dtype,
  vector: Vector,
  lanes: Lanes,
): Vector {
  if (from === to) return vector;
  if (isNarrow(from)) return convertVector(code, wideDtype(from), to, vector, lanes);
  if (isHalf(to)) {
    if (from === "float64") return roundedDoubles(code, to, vector);
    const isInteger = from === "int32" || from === "uint32";
    const exact = isInteger ? code.let(stickyIntegers(code, from, vector)) : vector;
    const single = convertVector(code, from, "float32", exact, lanes);
    return from === "bool" ? single : roundedSingles(code, to, code.let(single));
  }
  if (isNarrow(to)) {
    if (!isFloat(from)) {
      return from === "bool"
        ? convertVector(code, from, "int32", vector, lanes)
        : wrapped(to, vector);
    }
    const whole = convertVector(code, from, "int32", vector, lanes);
    const [low, high] = rangeOf(to);
    return i32x4.minS(i32x4.maxS(whole, i32x4.const(low)), i32x4.const(high));
  }
  if (to === "bool") {
    if (from === "float64") return f64x2.ne(vector, f64x2.const(0));
    const zero = i32x4.const(0);
    return widenMask(from === "float32" ? f32x4.ne(vector, zero) : i32x4.ne(vector, zero), lanes);
  }
  if (from === "bool") {
    return v128.and(maskFor(to, vector, lanes), constantVector(to, 1, lanes));
  }
  if (to === "float64") {
    return from === "float32"
      ? f64x2.promoteLowF32x4(vector)
      : from === "int32"
      ? f64x2.convertLowI32x4S(vector)
      : f64x2.convertLowI32x4U(vector);
  }
  if (to === "float32") {
    return from === "float64"
      ? f32x4.demoteF64x2Zero(vector)
      : from === "int32"
      ? f32x4.convertI32x4S(vector)
      : f32x4.convertI32x4U(vector);
  }
  if (from === "float32") {
    return to === "int32" ? i32x4.truncSatF32x4S(vector) : i32x4.truncSatF32x4U(vector);
  }
  if (from === "float64") {
    return to === "int32" ? i32x4.truncSatF64x2SZero(vector) : i32x4.truncSatF64x2UZero(vector);
  }
  return vector;
}
