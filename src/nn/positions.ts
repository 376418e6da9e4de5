/**
 * Positional information for attention.
 *
 * @module
 */
import { defaultFloat, describeValue, wideDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { broadcastShapes, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  arange,
  astype,
  concatenate,
  cos,
  expandDims,
  mul,
  reshape,
  sin,
  split,
  stack,
  sub,
} from "../functions/mod.ts";

/**
 * Options of `rotaryEmbedding`.
 *
 * @category Attention
 */
export interface RotaryOptions {
  /** Integers that broadcast to `[..., L]`: the positions. Default: 0 to L - 1. */
  readonly positions?: TensorLike;
  /** The base of the wavelengths. Default 10000. */
  readonly base?: number;
  /** Whether pairs are neighbours, and not the halves of the last axis. Default `false`. */
  readonly interleaved?: boolean;
}

/**
 * Rotary position embedding (Su et al., "RoFormer", 2021): the pairs of features of each position are turned
 * by angles that grow with the position, so that products of queries and keys depend on distances.
 *
 * @category Attention
 * @param x Queries or keys, `[..., L, E]` with even `E`.
 * @param options Positions, the base, how features are paired: halves, as in LLaMA, or neighbours.
 * @returns The shape and dtype of `x`.
 * @throws {ShapeError} when `E` is odd, or the positions do not fit.
 * @throws {ArgumentError} when the base is not above 0.
 *
 * @example Position 0 stays
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const y = nn.rotaryEmbedding(tensor([[1, 0], [1, 0]]));
 * assertTensorsClose(y, [[1, 0], [Math.cos(1), Math.sin(1)]]);
 * ```
 */
export function rotaryEmbedding(x: TensorLike, options?: RotaryOptions): Tensor {
  const what = "Cannot apply rotaryEmbedding";
  const { positions, base = 10000, interleaved = false } = readOptions(what, options, [
    "positions",
    "base",
    "interleaved",
  ]);
  checkFlag(interleaved, what, "interleaved");
  if (typeof base !== "number" || !(base > 0)) {
    throw argumentError(`${what} with base ${describeValue(base)}: expected a number above 0`);
  }
  const input = floatOperand(toTensor(x, what));
  const width = input.shape.at(-1);
  if (input.ndim < 2 || width! % 2 !== 0) {
    throw shapeError(`${what} to ${showType(input)}: expected [..., L, E] with even E`);
  }
  const half = width! / 2;
  const rows = input.shape.slice(0, -1);
  const places = positions === undefined
    ? arange(input.shape.at(-2)!, { dtype: "int32" })
    : toTensor(positions, what);
  const fits = broadcastShapes(places.shape, rows);
  if (fits === null || String(fits) !== String(rows)) {
    throw shapeError(
      `${what} to ${showType(input)} with positions ${showType(places)}: expected [..., L]`,
    );
  }
  const wide = astype(input, wideDtype(input.dtype));
  const type = { dtype: wide.dtype, shape: [half] };
  const frequencies = allocateFor(type);
  for (let i = 0; i < half; i++) frequencies[i] = base ** (-i / half);
  const angles = mul(
    expandDims(astype(places, wide.dtype), -1),
    new Concrete(wide.dtype, [half], frequencies),
  );
  const [c, s] = [cos(angles), sin(angles)];
  const pairs = interleaved ? reshape(wide, [...rows, half, 2]) : wide;
  const [first, second] = interleaved
    ? split(pairs, 2, -1).map((part) => reshape(part, [...rows, half]))
    : split(pairs, 2, -1);
  const turned = [
    sub(mul(first, c), mul(second, s)),
    add(mul(second, c), mul(first, s)),
  ];
  const y = interleaved ? reshape(stack(turned, -1), input.shape) : concatenate(turned, -1);
  return astype(y, input.dtype);
}

/** The slopes of Press et al. for this number of heads. */
function slopesOf(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const own = Array.from({ length: power }, (_, i) => 2 ** (-8 * (i + 1) / power));
  if (power === heads) return own;
  // Every other slope of twice as many heads fills up.
  const more = slopesOf(2 * power).filter((_, i) => i % 2 === 0);
  return [...own, ...more.slice(0, heads - power)];
}

/**
 * The bias of attention with linear biases (ALiBi; Press, Smith and Lewis, 2021): minus the distance of
 * query and key, times a slope of each head. It is a floating-point mask of attention.
 *
 * @category Attention
 * @param numHeads How many heads `H`.
 * @param queries How many queries `L`; they are the last of the positions of the keys.
 * @param keys How many keys `S`. Default: as many as queries.
 * @returns `[H, L, S]`, float32 unless `configure({ defaultFloat })` says otherwise.
 * @throws {ArgumentError} when a number is not a positive integer.
 *
 * @example Eight heads
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.alibiBias(8, 2).at(0), [[0, -0.5], [-0.5, 0]]);
 * ```
 */
export function alibiBias(numHeads: number, queries: number, keys?: number): Tensor {
  if (keys === undefined) keys = queries;
  for (const [name, value] of Object.entries({ numHeads, queries, keys })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw argumentError(
      `Cannot make an ALiBi bias with ${name} ${describeValue(value)}: expected a positive integer`,
    );
  }
  const dtype = defaultFloat();
  const slopes = allocateFor({ dtype, shape: [numHeads, 1, 1] });
  slopesOf(numHeads).forEach((slope, i) => slopes[i] = -slope);
  const rows = expandDims(add(arange(queries, { dtype }), keys - queries), -1);
  const distances = abs(sub(rows, arange(keys, { dtype })));
  return mul(new Concrete(dtype, [numHeads, 1, 1], slopes), distances);
}
