/**
 * Functions of integers: their bits, and what divides them.
 *
 * @module
 */
import { describeValue, isFloat, isInexact, rangeOf } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, checkShape, showType } from "../base/shape.ts";
import { isNumber, toTensor, toTensorOf } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as arithmetic from "../primitives/arithmetic.ts";
import * as comparison from "../primitives/comparison.ts";
import { pad, sliceAxis } from "../primitives/slicing.ts";
import { broadcast, constantLike, convert, reduceSum, reshape } from "../primitives/structure.ts";
import { checkLength } from "./arguments.ts";
import { div } from "./arithmetic.ts";
import { broadcastTogether } from "./broadcasting.ts";
import { tensor } from "./creation.ts";

/**
 * Options of `packbits`.
 *
 * @category Bits and integers
 */
export interface BitsOptions {
  /** The axis of the bits; left out or `null`, the tensor is flattened first. */
  readonly axis?: number | null;
  /** Whether the first of eight bits is the highest (`"big"`, the default) or the lowest. */
  readonly bitorder?: "big" | "little";
}

/**
 * Options of `unpackbits`.
 *
 * @category Bits and integers
 */
export interface UnpackOptions extends BitsOptions {
  /** How many bits along the axis are kept. By default all. */
  readonly count?: number;
}

/** `x` and `y` as integers, or bools, of one dtype; numbers without a tensor are int32. */
function applyBits(
  what: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  const [first, second] = wholeOperands(what, x, y);
  return strict(first, second);
}

/**
 * Operands of functions of bits. Numbers and arrays are read as int32 unless a tensor determines the dtype.
 */
function wholeOperands(what: string, ...operands: readonly TensorLike[]): Tensor[] {
  const isWeak = operands.every((x) => isNumber(x) || Array.isArray(x));
  const read = operands.map((x) => isWeak ? wholeFrom(x, what) : x);
  const together = broadcastTogether(what, ...read);
  if (isInexact(together[0].dtype)) {
    const shown = operands.map((x) => showType(toTensor(x, what))).join(" and ");
    throw dtypeError(`${what} ${shown}: expected integers or bools; convert with astype`);
  }
  return together;
}

/** Numbers as int32, where they are whole; booleans stay. */
function wholeFrom(x: TensorLike, what: string): Tensor {
  const own = toTensor(x, what);
  return isFloat(own.dtype) ? toTensorOf(x, "int32", what) : own;
}

/** As `wholeOperands`, for what bools have no meaning for. */
function integerOperands(what: string, ...operands: readonly TensorLike[]): Tensor[] {
  return wholeOperands(what, ...operands).map((x) => x.dtype === "bool" ? convert(x, "int32") : x);
}

/**
 * The bits that both elements of each pair have; of bools, whether both are true.
 *
 * @category Bits and integers
 * @param x Integers or bools, of any shape.
 * @param y Integers or bools, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is floating-point or complex.
 *
 * @example Bit by bit
 * ```ts
 * import { bitwiseAnd } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bitwiseAnd([12, 10], 6), new Int32Array([4, 2]));
 * ```
 */
export function bitwiseAnd(x: TensorLike, y: TensorLike): Tensor {
  return applyBits("Cannot take the bits of both", comparison.and, x, y);
}

/**
 * The bits that either element of each pair has; of bools, whether either is true.
 *
 * @category Bits and integers
 * @param x Integers or bools, of any shape.
 * @param y Integers or bools, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is floating-point or complex.
 *
 * @example Bit by bit
 * ```ts
 * import { bitwiseOr } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bitwiseOr([12, 10], 6), new Int32Array([14, 14]));
 * ```
 */
export function bitwiseOr(x: TensorLike, y: TensorLike): Tensor {
  return applyBits("Cannot take the bits of either", comparison.or, x, y);
}

/**
 * The bits that exactly one element of each pair has; of bools, whether exactly one is true.
 *
 * @category Bits and integers
 * @param x Integers or bools, of any shape.
 * @param y Integers or bools, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is floating-point or complex.
 *
 * @example Bit by bit
 * ```ts
 * import { bitwiseXor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bitwiseXor([12, 10], 6), new Int32Array([10, 12]));
 * ```
 */
export function bitwiseXor(x: TensorLike, y: TensorLike): Tensor {
  return applyBits("Cannot take the bits of one", comparison.xor, x, y);
}

/**
 * All bits of each element turned over, `-x - 1` of signed integers; of bools, the negation.
 *
 * @category Bits and integers
 * @param x Integers or bools, of any shape.
 * @returns The shape and dtype of `x`.
 * @throws {DtypeError} when `x` is floating-point or complex.
 *
 * @example Negative ones
 * ```ts
 * import { bitwiseNot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bitwiseNot([0, 5]), new Int32Array([-1, -6]));
 * ```
 */
export function bitwiseNot(x: TensorLike): Tensor {
  const [value] = wholeOperands("Cannot turn over the bits of", x);
  return value.dtype === "bool" ? comparison.not(value) : complement(value);
}

/** All bits turned over. */
function complement(x: Tensor): Tensor {
  return comparison.xor(x, constantLike(x, rangeOf(x.dtype)[0] < 0 ? -1 : rangeOf(x.dtype)[1]));
}

/**
 * Bits of each element shifted to the left by `y` positions, filled with zeros: `x` times a power of two, modulo
 * the range of the dtype.
 *
 * @category Bits and integers
 * @param x Integers, of any shape.
 * @param y By how many places: integers, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. 0 where `y` is negative, or not less
 * than the number of bits.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is floating-point or complex.
 *
 * @example Powers of two
 * ```ts
 * import { leftShift } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(leftShift(1, [0, 3, 5]), new Int32Array([1, 8, 32]));
 * ```
 */
export function leftShift(x: TensorLike, y: TensorLike): Tensor {
  const [value, places] = integerOperands("Cannot shift", x, y);
  return arithmetic.shiftLeft(value, places);
}

/**
 * Bits of each element shifted to the right by `y` positions, filled with copies of the sign bit: `x` over a
 * power of two, rounded down.
 *
 * @category Bits and integers
 * @param x Integers, of any shape.
 * @param y By how many places: integers, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. 0, or -1 where `x` is negative, where
 * `y` is negative or not less than the number of bits.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is floating-point or complex.
 *
 * @example Halves of halves
 * ```ts
 * import { rightShift } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rightShift([20, -20], 2), new Int32Array([5, -5]));
 * ```
 */
export function rightShift(x: TensorLike, y: TensorLike): Tensor {
  const [value, places] = integerOperands("Cannot shift", x, y);
  // Of negative numbers the complement, which is not negative, is shifted.
  const isBelow = comparison.less(value, constantLike(value, 0));
  const shifted = arithmetic.shiftRight(
    comparison.select(isBelow, complement(value), value),
    places,
  );
  return comparison.select(isBelow, complement(shifted), shifted);
}

/**
 * How many bits of the size of each element are set, as in NumPy and JAX.
 *
 * @category Bits and integers
 * @param x Integers, of any shape.
 * @returns `uint8`, in the shape of `x`.
 * @throws {DtypeError} when `x` is floating-point or complex.
 *
 * @example Ones
 * ```ts
 * import { bitwiseCount } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bitwiseCount([0, 5, -5]), new Uint8Array([0, 2, 2]));
 * ```
 */
export function bitwiseCount(x: TensorLike): Tensor {
  const [given] = integerOperands("Cannot count the bits of", x);
  const isWide = given.dtype === "uint32";
  const value = isWide ? given : convert(arithmetic.abs(convert(given, "int32")), "uint32");
  const constant = (bits: number): Tensor => constantLike(value, bits);
  const upper = (y: Tensor, places: number): Tensor => arithmetic.shiftRight(y, constant(places));
  // Sums of neighbours, side by side in ever wider fields (H. S. Warren, "Hacker's Delight", 5-1).
  const sums = [[1, 0x55555555], [2, 0x33333333], [4, 0x0f0f0f0f], [8, 0x00ff00ff], [16, 0xffff]]
    .reduce<Tensor>((field, [places, mask]) => {
      const kept = (y: Tensor): Tensor => comparison.and(y, constant(mask));
      return arithmetic.add(kept(field), kept(upper(field, places)));
    }, value);
  return convert(sums, "uint8");
}

/**
 * Greatest common divisor of each pair of integers, without a sign; that of 0 and a number is its size.
 *
 * @category Bits and integers
 * @param x Integers, of any shape.
 * @param y Integers, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is floating-point or complex.
 *
 * @example Common divisors
 * ```ts
 * import { gcd } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(gcd([12, -9, 0], 6), new Int32Array([6, 3, 6]));
 * ```
 */
export function gcd(x: TensorLike, y: TensorLike): Tensor {
  const [first, second] = integerOperands("Cannot take the greatest common divisor of", x, y);
  return arithmetic.gcd(first, second);
}

/**
 * Least common multiple of each pair of integers, without a sign; 0 where either is 0.
 *
 * @category Bits and integers
 * @param x Integers, of any shape.
 * @param y Integers, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Too large ones wrap modulo the range of
 * the dtype.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is floating-point or complex.
 *
 * @example Common multiples
 * ```ts
 * import { lcm } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(lcm([4, -3, 0], 6), new Int32Array([12, 6, 0]));
 * ```
 */
export function lcm(x: TensorLike, y: TensorLike): Tensor {
  const [first, second] = integerOperands("Cannot take the least common multiple of", x, y);
  const divisor = arithmetic.gcd(first, second);
  return arithmetic.abs(
    arithmetic.mul(div(first, divisor, { roundingMode: "trunc" }), second),
  );
}

/**
 * Bools, or whether numbers are other than 0, as the bits of bytes: eight along an axis in each.
 *
 * @category Bits and integers
 * @param x Integers or bools, of any shape with this axis.
 * @param options `axis`: left out, the tensor is flattened first. `bitorder`: whether the first of eight
 * is the highest bit (`"big"`, the default) or the lowest (`"little"`).
 * @returns `uint8`, an eighth as long along the axis; zeros fill the last byte up.
 * @throws {DtypeError} when `x` is floating-point or complex.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example A byte
 * ```ts
 * import { packbits } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(packbits([1, 0, 1, 0, 0, 0, 0, 1, 1]), new Uint8Array([161, 128]));
 * ```
 */
export function packbits(x: TensorLike, options?: BitsOptions): Tensor {
  const what = "Cannot pack the bits of";
  const { axis, bitorder } = readBits(what, options, ["axis", "bitorder"]);
  const [given] = wholeOperands(what, x);
  const isOn = comparison.not(comparison.equal(given, constantLike(given, 0)));
  const { input, at } = flattenedUnless(isOn, axis, what);
  const missing = (8 - input.shape[at] % 8) % 8;
  const none = input.shape.map(() => 0);
  const full = pad(input, none, none.map((_, i) => i === at ? missing : 0), none);
  const shape = [...full.shape.slice(0, at), full.shape[at] / 8, 8, ...full.shape.slice(at + 1)];
  const bytes = convert(reshape(full, shape), "int32");
  const weights = broadcast(tensor(placeValues(bitorder)), shape, [at + 1]);
  return convert(reduceSum(arithmetic.mul(bytes, weights), [at + 1]), "uint8");
}

/** The values of the bits of a byte, in their order. */
function placeValues(bitorder: "big" | "little"): Int32Array {
  return Int32Array.from({ length: 8 }, (_, i) => 2 ** (bitorder === "big" ? 7 - i : i));
}

/**
 * The bits of bytes: eight along an axis for each. The inverse of `packbits`.
 *
 * @category Bits and integers
 * @param x `uint8`, of any shape with this axis.
 * @param options `axis`: left out, the tensor is flattened first. `bitorder`: whether the highest bit
 * comes first (`"big"`, the default) or the lowest (`"little"`). `count`: how many bits along the axis are
 * kept, all by default.
 * @returns `uint8` zeros and ones.
 * @throws {DtypeError} when `x` is of another dtype.
 * @throws {ArgumentError} when `count` is no length.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example The bits of a byte
 * ```ts
 * import { unpackbits } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(unpackbits(new Uint8Array([5]), { count: 8 }), new Uint8Array([0, 0, 0, 0, 0, 1, 0, 1]));
 * ```
 */
export function unpackbits(x: TensorLike, options?: UnpackOptions): Tensor {
  const what = "Cannot unpack the bits of";
  const { axis, bitorder, count } = readBits(what, options, ["axis", "bitorder", "count"]);
  const given = toTensor(x, what);
  if (given.dtype !== "uint8") throw dtypeError(`${what} ${showType(given)}: expected uint8`);
  const { input, at } = flattenedUnless(given, axis, what);
  const length = input.shape[at] * 8;
  const kept = count === undefined
    ? length
    : Math.min(length, checkLength(count, `${what} ${showType(given)}`, "a number of bits"));
  const shape = checkShape(
    [...input.shape.slice(0, at), input.shape[at], 8, ...input.shape.slice(at + 1)],
    what,
  );
  const axes = shape.map((_, i) => i).filter((i) => i !== at + 1);
  const bytes = broadcast(convert(input, "int32"), shape, axes);
  const weights = broadcast(tensor(placeValues(bitorder)), shape, [at + 1]);
  const isOn = comparison.equal(comparison.and(bytes, weights), weights);
  const flat = reshape(isOn, input.shape.map((size, i) => i === at ? length : size));
  return convert(sliceAxis(flat, at, 0, kept), "uint8");
}

/** Reads the options of functions of packed bits. */
function readBits(
  what: string,
  options: UnpackOptions | undefined,
  names: readonly (keyof UnpackOptions)[],
): UnpackOptions & { readonly bitorder: "big" | "little" } {
  const read = readOptions(what, options, names);
  const { bitorder = "big" } = read;
  if (bitorder === "big" || bitorder === "little") return { ...read, bitorder };
  throw argumentError(
    `${what}: expected a bitorder "big" or "little", got ${describeValue(bitorder)}`,
  );
}

/** A tensor and its axis; flattened where none is named. */
function flattenedUnless(
  x: Tensor,
  axis: number | null | undefined,
  what: string,
): { readonly input: Tensor; readonly at: number } {
  if (axis === undefined || axis === null) return { input: reshape(x, [x.size]), at: 0 };
  return { input: x, at: checkAxis(axis, x.ndim, `${what} ${showType(x)}`) };
}
