/**
 * Elements in vectors: how each dtype is loaded, stored and converted. A vector holds as many
 * elements as the nest has lanes, 4, or 2 where doubles take part; with 2 lanes the 32-bit types
 * stand in the lower half, and what the upper half holds does not count. A bool is a mask as wide as
 * a lane: 4 bytes or 8.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Effect, Expression, Global } from "../../assembler/expression.ts";
import { f32x4, f64x2, i16x8, i32, i32x4, i64x2, i8x16, v128 } from "../../assembler/operations.ts";
import type { Given } from "../kernel.ts";
import type { Vector } from "../math/operation.ts";

/** How many elements a vector holds. */
export type Lanes = 2 | 4;

/** An address. */
export type Pointer = Expression<"i32">;

/** `pointer` and so many bytes further; backwards the address itself must be computed. */
function place(pointer: Pointer, bytes: number): [Pointer, { offset: number }] {
  return bytes >= 0
    ? [pointer, { offset: bytes }]
    : [i32.add(pointer, i32.const(bytes | 0)), { offset: 0 }];
}

/** The same number in every lane. */
export function constantVector(dtype: Dtype, value: number, lanes: Lanes): Vector {
  switch (dtype) {
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

/** A number that the program is given, in every lane. */
export function givenVector({ dtype, variable }: Given, lanes: Lanes): Vector {
  if (variable.type === "f32") return f32x4.splat(variable as Global<"f32">);
  if (variable.type === "f64") return f64x2.splat(variable as Global<"f64">);
  const all = i32x4.splat(variable as Global<"i32">);
  return dtype === "bool" && lanes === 2 ? i64x2.extendLowI32x4S(all) : all;
}

/** One element in every lane. */
export function loadSplat(dtype: Dtype, pointer: Pointer, bytes: number, lanes: Lanes): Vector {
  const [address, offset] = place(pointer, bytes);
  if (dtype === "float64") return v128.load64Splat(address, offset);
  if (dtype !== "bool") return v128.load32Splat(address, offset);
  const byte = i32x4.splat(i32.load8U(address, offset));
  return lanes === 4 ? i32x4.neg(byte) : i64x2.extendLowI32x4S(i32x4.neg(byte));
}

/** Elements side by side. Bytes behind the last one may be read. */
export function loadVector(dtype: Dtype, pointer: Pointer, bytes: number, lanes: Lanes): Vector {
  const [address, offset] = place(pointer, bytes);
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
 * Every second element, or elements backwards, from the first lane's address on: shuffled from what
 * stands side by side. Nothing for other strides, and for elements that do not fill a vector.
 * Backwards all lanes must count, as bytes before the buffer may not be read.
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
 * A vector with one lane loaded, the others as in `vector`. Lanes that are gathered one by one into
 * zeros make a vector after `gathered`.
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
  return v128.load32Lane(address, vector, lane, offset);
}

/** Lanes that were loaded one by one, as the vector that they stand for. */
export function gathered(dtype: Dtype, vector: Vector, lanes: Lanes): Vector {
  if (dtype !== "bool") return vector;
  return lanes === 4 ? i32x4.neg(vector) : i64x2.neg(vector);
}

/** A vector as `storeVector` and `storeLane` want it: bools as bytes of 0 and 1 at its start. */
export function packed(dtype: Dtype, vector: Vector, lanes: Lanes): Vector {
  if (dtype !== "bool") return vector;
  const narrow = lanes === 4
    ? vector
    : i8x16.shuffle(vector, vector, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  const words = i16x8.narrowI32x4S(narrow, narrow);
  return i8x16.neg(i8x16.narrowI16x8S(words, words));
}

/** Stores a whole vector, as `packed` left it, into elements side by side. */
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

/** Stores one lane of a vector, as `packed` left it. */
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
    default:
      return v128.store8Lane(address, vector, lane, offset);
  }
}

/** As many vectors as each has lanes, with lane `i` of vector `k` where lane `k` of vector `i` was. */
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

/** A mask of 4-byte lanes made as wide as bools are. */
export function widenMask(mask: Vector, lanes: Lanes): Vector {
  return lanes === 4 ? mask : i64x2.extendLowI32x4S(mask);
}

/** A bool's mask made as wide as the lanes of `dtype`. */
export function maskFor(dtype: Dtype, mask: Vector, lanes: Lanes): Vector {
  if (lanes === 4 || dtype === "float64" || dtype === "bool") return mask;
  return i8x16.shuffle(mask, mask, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
}

/** Numbers that count up from lane to lane by `step`, from that of the first lane, as `dtype`. */
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
  return convertVector("int32", dtype, code.let(counts), lanes);
}

/** `vector` converted as the primitive `convert` does it; it must be cheap to compute twice. */
export function convertVector(from: Dtype, to: Dtype, vector: Vector, lanes: Lanes): Vector {
  if (from === to) return vector;
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
