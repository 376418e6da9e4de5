/**
 * Values between the elements of a grid.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkShape, range, showType, sizeOf } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkLength } from "../functions/arguments.ts";
import { broadcastTo, floatOperand } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  arange,
  astype,
  clip,
  expandDims,
  floor,
  greaterEqual,
  index,
  less,
  lessEqual,
  logicalAnd,
  matmul,
  mod,
  mul,
  reshape,
  round,
  sign,
  stack,
  sub,
  tensor,
  where,
  zeros,
} from "../functions/mod.ts";
import { gather } from "../primitives/indexing.ts";
import { isNameIn } from "./names.ts";

/** A place along an axis that may be outside, and the one that stands for it; `null`: nothing does. */
type Fix = (place: Tensor, size: number) => Tensor | null;

/** Neighbours along an axis: their places, as floats without a fraction, and their weights. */
type Neighbours = readonly (readonly [place: Tensor, weight: Tensor | null])[];

/** The nearest places on both sides. */
function linear(x: Tensor): Neighbours {
  const low = floor(x);
  const weight = sub(x, low);
  return [[low, sub(1, weight)], [add(low, 1), weight]];
}

/** Four places around, by the cubic kernel with a slope of -3/4 that PyTorch takes. */
function cubic(x: Tensor): Neighbours {
  const low = floor(x);
  const t = sub(x, low);
  const near = (d: Tensor) => add(mul(mul(sub(mul(d, 1.25), 2.25), d), d), 1);
  const far = (d: Tensor) => add(mul(sub(mul(add(mul(d, -0.75), 3.75), d), 6), d), 3);
  return [
    [sub(low, 1), far(add(t, 1))],
    [low, near(t)],
    [add(low, 1), near(sub(1, t))],
    [add(low, 2), far(sub(2, t))],
  ];
}

/** Whether places are inside. */
function isInside(place: Tensor, size: number): Tensor {
  return logicalAnd(greaterEqual(place, 0), less(place, size));
}

/**
 * Values of `x` `[batch, channels, ...space]` at points: `around` gives the neighbours along each axis
 * `[batch, points]`; of places outside for which nothing stands the value is `fill`.
 *
 * @returns `[batch, channels, points]`
 */
function sampled(x: Tensor, around: readonly Neighbours[], fix: Fix, fill: number): Tensor {
  const [batch, channels, ...space] = x.shape;
  const flat = reshape(x, [batch, channels, sizeOf(space)]);
  const corners = around.reduce<readonly (readonly [place: Tensor, weight: Tensor | null])[][]>(
    (lists, own) => lists.flatMap((list) => own.map((one) => [...list, one])),
    [[]],
  );
  return corners.map((corner) => {
    let at: Tensor | null = null;
    let weight: Tensor | null = null;
    let inside: Tensor | null = null;
    corner.forEach(([place, own], axis) => {
      const fixed = fix(place, space[axis]);
      if (fixed === null) {
        const here = isInside(place, space[axis]);
        inside = inside === null ? here : logicalAnd(inside, here);
      }
      const safe = astype(clip(fixed ?? place, 0, Math.max(space[axis] - 1, 0)), "int32");
      at = at === null ? safe : add(mul(at, space[axis]), safe);
      if (own !== null) weight = weight === null ? own : mul(weight, own);
    });
    let value = gather(flat, at!, 1, [1]);
    if (inside !== null) value = where(expandDims(inside, 1), value, fill);
    return weight === null ? value : mul(value, expandDims(weight, 1));
  }).reduce(add);
}

/** Places mirrored at the middles of the first and last element. */
function mirrored(x: Tensor, size: number): Tensor {
  if (size <= 1) return mul(x, 0);
  const period = 2 * (size - 1);
  return abs(sub(mod(add(x, size - 1), period), size - 1));
}

/**
 * What `mapCoordinates` takes for places outside.
 *
 * @category Images
 */
export type MapMode = "constant" | "nearest" | "wrap" | "mirror" | "reflect";

const FIXES: Readonly<Record<MapMode, Fix>> = {
  constant: () => null,
  nearest: (x, size) => clip(x, 0, Math.max(size - 1, 0)),
  wrap: (x, size) => mod(x, Math.max(size, 1)),
  mirror: mirrored,
  reflect: (x, size) => floor(mul(sub(mirrored(add(mul(x, 2), 1), 2 * size + 1), 1), 0.5)),
};

/**
 * Options of `mapCoordinates`.
 *
 * @category Images
 */
export interface MapCoordinatesOptions {
  /**
   * What stands outside: `"constant"`, the default, `cval`; `"nearest"`, the outermost element; `"wrap"`,
   * the other end; `"mirror"` and `"reflect"`, the image backwards, from the middle or the edge of the
   * outermost element.
   */
  readonly mode?: MapMode;
  /** The value outside in mode `"constant"`. Default 0. */
  readonly cval?: number;
}

/**
 * Values of `x` at coordinates between its elements, as `jax.scipy.ndimage.map_coordinates` gives them.
 *
 * @category Images
 * @param x Any shape of at least one axis; integers and bools become floats.
 * @param coordinates `[axes of x, ...points]`: a place along each axis, 0 the middle of the first element.
 * @param order 0: the nearest element; 1: linear between neighbours.
 * @param options `mode`: what stands outside; `cval`: the value there in mode `"constant"`.
 * @returns `[...points]`
 * @throws {ShapeError} when there is no coordinate for each axis, or `x` is empty.
 * @throws {DtypeError} when coordinates are complex.
 * @throws {ArgumentError} when the order is neither 0 nor 1, or there is no such mode.
 *
 * @example Between two rows
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[0, 2], [4, 6]];
 * assertTensorsClose(image.mapCoordinates(x, [[0.5, 1], [0, 0.5]], 1), [2, 5]);
 * ```
 */
export function mapCoordinates(
  x: TensorLike,
  coordinates: TensorLike,
  order: 0 | 1,
  options?: MapCoordinatesOptions,
): Tensor {
  const what = "Cannot map coordinates";
  const value = floatOperand(toTensor(x, what));
  const places = floatOperand(toTensor(coordinates, what));
  const shown = `${what} ${showType(places)} in ${showType(value)}`;
  const { mode = "constant", cval = 0 } = readOptions(what, options, ["mode", "cval"]);
  if (order !== 0 && order !== 1) {
    throw argumentError(`${shown}: order must be 0 or 1, got ${describeValue(order)}`);
  }
  if (!isNameIn(FIXES, mode)) {
    const names = Object.keys(FIXES).map((name) => `"${name}"`).join(", ");
    throw argumentError(`${shown}: mode must be one of ${names}, got ${describeValue(mode)}`);
  }
  if (typeof cval !== "number") {
    throw argumentError(`${shown}: cval must be a number, got ${describeValue(cval)}`);
  }
  if (isComplex(places.dtype)) throw dtypeError(`${shown}: expected real coordinates`);
  if (value.ndim === 0 || places.ndim === 0 || places.shape[0] !== value.ndim) {
    throw shapeError(`${shown}: expected one coordinate for each axis`);
  }
  const points = places.shape.slice(1);
  if (value.size === 0 && sizeOf(points) > 0) throw shapeError(`${shown}: there are no elements`);
  const around = range(value.ndim).map((axis): Neighbours => {
    const at = reshape(index(places, axis), [1, sizeOf(points)]);
    // Halves go away from zero.
    return order === 1 ? linear(at) : [[mul(sign(at), floor(add(abs(at), 0.5))), null]];
  });
  const whole = reshape(value, [1, 1, ...value.shape]);
  return reshape(sampled(whole, around, FIXES[mode], cval), points);
}

/**
 * Options of `gridSample`.
 *
 * @category Images
 */
export interface GridSampleOptions {
  /** Default `"bilinear"`, which is trilinear for three axes; `"bicubic"` is for two. */
  readonly mode?: "bilinear" | "nearest" | "bicubic";
  /** What stands outside: zeros, the default, the outermost elements, or the image backwards. */
  readonly paddingMode?: "zeros" | "border" | "reflection";
  /** Whether -1 and 1 are the middles of the outermost elements instead of their edges. Default `false`. */
  readonly alignCorners?: boolean;
}

/** Places in the image as PyTorch reflects them: at the middles of the outermost elements or at edges. */
function reflected(x: Tensor, size: number, alignCorners: boolean): Tensor {
  const [low, span] = alignCorners ? [0, size - 1] : [-0.5, size];
  if (span === 0) return mul(x, 0);
  const away = abs(sub(x, low));
  const inside = mod(away, 2 * span);
  return add(where(lessEqual(inside, span), inside, sub(2 * span, inside)), low);
}

/**
 * Images sampled at the points of a grid, as `torch.nn.functional.grid_sample` gives them.
 *
 * @category Images
 * @param x `[batch, channels, height, width]`, or `[batch, channels, depth, height, width]`.
 * @param grid `[batch, ...lengths, 2]` with pairs `(x, y)`, or `[batch, ...lengths, 3]` with `(x, y, z)`: -1 is
 * the left, upper or first side and 1 the other one.
 * @param options `mode`, `paddingMode`: what stands outside; `alignCorners`: whether -1 and 1 are the
 * middles of the outermost elements, `false` by default.
 * @returns `[batch, channels, ...lengths]`
 * @throws {ShapeError} when the shapes do not fit, or there are no elements.
 * @throws {DtypeError} when the grid is complex.
 * @throws {ArgumentError} when an option is not valid.
 *
 * @example The middle of an image
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(image.gridSample([[[[0, 2], [4, 6]]]], [[[[0, 0]]]]), [[[[3]]]]);
 * ```
 */
export function gridSample(x: TensorLike, grid: TensorLike, options?: GridSampleOptions): Tensor {
  const what = "Cannot sample";
  const value = floatOperand(toTensor(x, what));
  const places = floatOperand(toTensor(grid, what));
  const shown = `${what} ${showType(value)} at ${showType(places)}`;
  const { mode = "bilinear", paddingMode = "zeros", alignCorners = false } = readOptions(
    what,
    options,
    ["mode", "paddingMode", "alignCorners"],
  );
  checkFlag(alignCorners, what, "alignCorners");
  if (mode !== "bilinear" && mode !== "nearest" && mode !== "bicubic") {
    throw argumentError(
      `${shown}: mode must be "bilinear", "nearest" or "bicubic", got ${describeValue(mode)}`,
    );
  }
  if (paddingMode !== "zeros" && paddingMode !== "border" && paddingMode !== "reflection") {
    throw argumentError(
      `${shown}: paddingMode must be "zeros", "border" or "reflection", got ` +
        describeValue(paddingMode),
    );
  }
  if (isComplex(places.dtype)) throw dtypeError(`${shown}: expected a real grid`);
  const space = value.shape.slice(2);
  const fits = (space.length === 2 || space.length === 3) && places.ndim === value.ndim &&
    places.shape[places.ndim - 1] === space.length && places.shape[0] === value.shape[0];
  if (!fits) {
    throw shapeError(
      `${shown}: expected [batch, channels, height, width] and [batch, ...lengths, 2], or one more of each`,
    );
  }
  if (mode === "bicubic" && space.length !== 2) {
    throw argumentError(`${shown}: mode "bicubic" is for two axes of space`);
  }
  const lengths = places.shape.slice(1, -1);
  if (space.includes(0) && !lengths.includes(0)) {
    throw shapeError(`${shown}: there are no elements`);
  }
  const points = reshape(places, [value.shape[0], sizeOf(lengths), space.length]);
  const outside = (at: Tensor, size: number): Tensor => {
    if (paddingMode === "zeros") return at;
    const back = paddingMode === "reflection" ? reflected(at, size, alignCorners) : at;
    return clip(back, 0, Math.max(size - 1, 0));
  };
  const around = space.map((size, axis): Neighbours => {
    const given = index(points, "...", space.length - 1 - axis);
    const at = alignCorners
      ? mul(add(given, 1), (size - 1) / 2)
      : sub(mul(add(given, 1), size / 2), 0.5);
    // The cubic kernel looks at the image beyond its end, so that its places are moved one by one.
    if (mode === "bicubic") return cubic(at);
    const own = outside(at, size);
    return mode === "nearest" ? [[round(own), null]] : linear(own);
  });
  const fix: Fix = (place, size) => paddingMode === "zeros" ? null : outside(place, size);
  const result = sampled(value, around, fix, 0);
  return reshape(result, [value.shape[0], value.shape[1], ...lengths]);
}

/**
 * Options of `affineGrid`.
 *
 * @category Images
 */
export interface AffineGridOptions {
  /** Whether -1 and 1 are the middles of the outermost elements instead of their edges. Default `false`. */
  readonly alignCorners?: boolean;
}

/**
 * The grid of points to which affine maps move those of an image, for `gridSample`.
 *
 * @category Images
 * @param theta `[batch, 2, 3]` for images, or `[batch, 3, 4]` for volumes: a matrix and a translation.
 * @param size The shape of the images, `[batch, channels, height, width]`, or with a depth.
 * @param options `alignCorners`, as in `gridSample`.
 * @returns `[batch, height, width, 2]`, or `[batch, depth, height, width, 3]`.
 * @throws {ShapeError} when the shapes do not fit.
 *
 * @example The map that changes nothing
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const grid = image.affineGrid([[[1, 0, 0], [0, 1, 0]]], [1, 1, 1, 2]);
 * assertTensorsClose(grid, [[[[-0.5, 0], [0.5, 0]]]]);
 * ```
 */
export function affineGrid(
  theta: TensorLike,
  size: readonly number[],
  options?: AffineGridOptions,
): Tensor {
  const what = "Cannot make a grid";
  const maps = floatOperand(toTensor(theta, what));
  const { alignCorners = false } = readOptions(what, options, ["alignCorners"]);
  checkFlag(alignCorners, what, "alignCorners");
  const shown = `${what} by ${showType(maps)}`;
  const shape = checkShape(size, shown);
  const [batch, , ...space] = shape;
  const n = space.length;
  if (n < 2 || n > 3 || maps.shape.join() !== [batch, n, n + 1].join()) {
    throw shapeError(
      `${shown} for images [${shape}]: expected [batch, 2, 3] and four lengths, ` +
        `or [batch, 3, 4] and five`,
    );
  }
  const coordinates = [...space.keys()].reverse().map((axis) => {
    const length = checkLength(space[axis], shown, "a length");
    const edge = alignCorners ? 1 : (length - 1) / Math.max(length, 1);
    const step = length > 1 ? 2 * edge / (length - 1) : 0;
    const line = length > 1
      ? sub(mul(arange(length, { dtype: "float64" }), step), edge)
      : zeros(length, { dtype: "float64" });
    const own = reshape(line, space.map((_, i) => i === axis ? length : 1));
    return broadcastTo(own, space);
  });
  const ones = broadcastTo(tensor(1, { dtype: "float64" }), space);
  const points = reshape(stack([...coordinates, ones], -1), [1, sizeOf(space), n + 1]);
  const moved = matmul(astype(points, maps.dtype), maps.swapaxes(-1, -2));
  return reshape(moved, [batch, ...space, n]);
}
