/**
 * Convolutions and the search for the largest element of windows.
 *
 * A convolution is a trilinear form in an input `x`, filters `w` and a cotangent `y`: fixing two of
 * them gives a linear form in the third, and the three primitives are these linear forms. Each is
 * bilinear and has the other two as its transposes, so the family is closed under every derivative.
 *
 * @module
 */
import { dtypeError, shapeError } from "../base/errors.ts";
import { checkSize, removeAt, sameShape, showShape, showType } from "../base/shape.ts";
import * as kernels from "../numeric/convolution.ts";
import type { ConvSize } from "../numeric/convolution.ts";
import type { Numbers } from "../numeric/matmul.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, splat, withinMemory } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { moveAxis, reshape } from "./structure.ts";

/** The positions of windows: one entry per spatial axis in each list. */
export interface WindowParams {
  /** Steps from one window to the next, at least one. */
  readonly stride: readonly number[];
  /** Steps from one position of a window to the next, at least one. */
  readonly dilation: readonly number[];
  /** The number of positions of the first window before the start of the input; may be negative. */
  readonly padLow: readonly number[];
  /** The input's lengths. */
  readonly input: readonly number[];
  /** The window's lengths. */
  readonly kernel: readonly number[];
  /** The number of windows. */
  readonly output: readonly number[];
}

/** Parameters of the convolutions. */
export interface ConvParams extends WindowParams {
  /** The number of groups of channels; each is convolved separately. */
  readonly groups: number;
}

/** The three roles of the trilinear form. */
type Role = "x" | "w" | "y";

/** Lengths of the form's axes that are not spatial: images, groups, channels in and out per group. */
type Dimension = "batch" | "groups" | "inPerGroup" | "outPerGroup";
type Dimensions = Readonly<Record<Dimension, number>>;

/** The dimensions of the axes of each role; `split` is the axis that combines two of them. */
const layouts: Readonly<Record<Role, { dimensions: readonly Dimension[]; split: number }>> = {
  x: { dimensions: ["batch", "groups", "inPerGroup"], split: 1 },
  w: { dimensions: ["groups", "outPerGroup", "inPerGroup"], split: 0 },
  y: { dimensions: ["batch", "groups", "outPerGroup"], split: 1 },
};

/** The dimension with which a mapped axis is combined, by the role that does not have it. */
const folds: Readonly<Record<Role | "none", Dimension>> = {
  w: "batch",
  x: "outPerGroup",
  y: "inPerGroup",
  none: "groups",
};

const spatialNames: Readonly<Record<Role, "input" | "kernel" | "output">> = {
  x: "input",
  w: "kernel",
  y: "output",
};

function shapeOf(role: Role, dimensions: Dimensions, params: ConvParams): number[] {
  return [...mergedShape(role, dimensions), ...params[spatialNames[role]]];
}

function mergedShape(role: Role, { batch, groups, inPerGroup, outPerGroup }: Dimensions): number[] {
  switch (role) {
    case "x":
      return [batch, groups * inPerGroup];
    case "w":
      return [groups * outPerGroup, inPerGroup];
    case "y":
      return [batch, groups * outPerGroup];
  }
}

/** The dimensions of arguments of these roles, if their shapes agree. */
function dimensionsOf(roles: readonly Role[], args: readonly Type[], groups: number): Dimensions {
  const dimensions: Record<Dimension, number> = {
    batch: 0,
    groups,
    inPerGroup: 0,
    outPerGroup: 0,
  };
  roles.forEach((role, i) => {
    const [first, second] = args[i].shape;
    if (role === "w") {
      dimensions.outPerGroup = Math.floor(first / groups);
      dimensions.inPerGroup = second;
    } else {
      dimensions.batch = first;
      dimensions[role === "x" ? "inPerGroup" : "outPerGroup"] = Math.floor(second / groups);
    }
  });
  return dimensions;
}

/** Throws unless the parameters describe windows. */
function checkWindow(params: WindowParams, what: string): void {
  const { stride, dilation, padLow, input, kernel, output } = params;
  const lists = [stride, dilation, padLow, input, kernel, output];
  const fits =
    lists.every((list) => list.length === input.length && list.every(Number.isSafeInteger)) &&
    [stride, dilation].every((list) => list.every((n) => n >= 1)) &&
    [input, kernel, output].every((list) => list.every((n) => n >= 0));
  if (!fits) {
    throw shapeError(
      `${what}: no windows have stride ${showShape(stride)}, dilation ${showShape(dilation)}, ` +
        `padding ${showShape(padLow)}, input ${showShape(input)}, kernel ${showShape(kernel)} ` +
        `and output ${showShape(output)}`,
    );
  }
}

/** The properties that differ between members of the family. */
interface Member {
  readonly name: string;
  /** The roles of the arguments. */
  readonly roles: readonly [Role, Role];
  /** The role of the result: the third one. */
  readonly result: Role;
  readonly kernel: (out: Numbers, a: Numbers, b: Numbers, size: ConvSize) => void;
  readonly transpose: readonly [Adjoint, Adjoint];
}

type Adjoint = (ct: Tensor, other: Tensor, own: Type, params: ConvParams) => Tensor;

function member({ name, roles, result, kernel, transpose }: Member): Primitive<ConvParams> {
  const primitive: Primitive<ConvParams> = {
    name,
    type(args, params) {
      const [a, b] = args;
      const what = `Cannot apply ${name} to ${showType(a)} and ${showType(b)}`;
      if (a.dtype === "bool" || b.dtype === "bool") {
        throw dtypeError(`${what}: expected numbers; convert bool with astype`);
      }
      if (a.dtype !== b.dtype) throw dtypeError(`${what}: dtypes must be equal`);
      checkWindow(params, what);
      const { groups } = params;
      if (!Number.isSafeInteger(groups) || groups < 1) {
        throw shapeError(`${what}: groups must be a positive integer, got ${groups}`);
      }
      const dimensions = dimensionsOf(roles, args, groups);
      const expected = roles.map((role) => shapeOf(role, dimensions, params));
      if (!args.every((arg, i) => sameShape(arg.shape, expected[i]))) {
        throw shapeError(
          `${what}: channels must fit ${groups} groups, and spatial axes must be ` +
            roles.map((role) => showShape(params[spatialNames[role]])).join(" and "),
        );
      }
      const shape = shapeOf(result, dimensions, params);
      checkSize(shape, what);
      return [{ dtype: a.dtype, shape }];
    },
    evaluate([a, b], params, [type]) {
      const out = allocateFor(type);
      const size = { ...params, ...dimensionsOf(roles, [a, b], params.groups) };
      if (out.length > 0) {
        const operands = [dense(a), dense(b)] as Numbers[];
        withinMemory(type, () => kernel(out as Numbers, operands[0], operands[1], size));
      }
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch(args, axes, size, params) {
      const examples = args.map((arg, i) => exampleOf(arg, axes[i]));
      if (size === 0) {
        // No examples: folding them would leave no group.
        const [{ dtype, shape }] = primitive.type(examples, params);
        return [[splat(0, dtype, [0, ...shape]), 0]];
      }
      const dimensions = dimensionsOf(roles, examples, params.groups);
      const unmapped = axes.indexOf(null);
      const dimension = folds[unmapped < 0 ? "none" : roles[unmapped]];
      const folded = args.map((arg, i) => {
        const axis = axes[i];
        return axis === null ? arg : fold(arg, axis, roles[i], dimension, dimensions);
      });
      const groups = dimension === "groups" ? params.groups * size : params.groups;
      const out = bindOne(primitive, folded, { ...params, groups });
      return [unfold(out, size, result, dimension, dimensions)];
    },
    derivative: { kind: "bilinear", transpose },
  };
  return primitive;
}

function exampleOf({ dtype, shape }: Type, axis: BatchAxis): Type {
  return { dtype, shape: axis === null ? shape : removeAt(shape, axis) };
}

/** The position of a dimension in a role's layout; a single group is not part of it. */
function placeOf(role: Role, dimension: Dimension, { groups }: Dimensions): number {
  const { dimensions, split } = layouts[role];
  const place = dimensions.indexOf(dimension);
  return groups === 1 && place === split + 1 ? split : place;
}

/** `value` with its mapped axis combined with `dimension` as the outer part. */
function fold(
  value: Tensor,
  axis: number,
  role: Role,
  dimension: Dimension,
  dimensions: Dimensions,
): Tensor {
  const size = value.shape[axis];
  const place = placeOf(role, dimension, dimensions);
  const { split } = layouts[role];
  const merged = mergedShape(role, { ...dimensions, [dimension]: dimensions[dimension] * size });
  const spatial = removeAt(value.shape, axis).slice(2);
  if (place !== split + 1) {
    // The mapped axis is inserted before a whole axis, which need not be split.
    const target = place > split ? place - 1 : place;
    return reshape(moveAxis(value, axis, target), [...merged, ...spatial]);
  }
  const parts = layouts[role].dimensions.map((name) => dimensions[name]);
  const from = axis > split ? axis + 1 : axis;
  const apart = [...parts, ...spatial];
  apart.splice(from, 0, size);
  const moved = moveAxis(reshape(value, apart), from, place);
  return reshape(moved, [...merged, ...spatial]);
}

/** The result with the mapped axis split from `dimension` again. */
function unfold(
  value: Tensor,
  size: number,
  role: Role,
  dimension: Dimension,
  dimensions: Dimensions,
): readonly [Tensor, number] {
  const place = placeOf(role, dimension, dimensions);
  const { split } = layouts[role];
  const spatial = value.shape.slice(2);
  const shape = [...mergedShape(role, dimensions), ...spatial];
  const target = place > split ? place - 1 : place;
  const whole = [...shape.slice(0, target), size, ...shape.slice(target)];
  if (place !== split + 1) return [reshape(value, whole), target];
  const apart = [...layouts[role].dimensions.map((name) => dimensions[name]), ...spatial];
  apart.splice(place, 0, size);
  return [reshape(moveAxis(reshape(value, apart), place, split), whole), split];
}

/**
 * `y[n, o, p] = Σ x[n, i, p * stride - padLow + q * dilation] w[o, i, q]`, over the channels `i` of
 * the group of `o` and the positions `q` of the kernel; outside `x` is zero.
 */
export const convolvePrimitive: Primitive<ConvParams> = member({
  name: "convolve",
  roles: ["x", "w"],
  result: "y",
  kernel: kernels.convolve,
  transpose: [
    (y, w, _x, params) => convolveInput(y, w, params),
    (y, x, _w, params) => convolveFilter(x, y, params),
  ],
});

/** Strict convolution of `x` `[N, groups * i, ...input]` by `w` `[groups * o, i, ...kernel]`. */
export function convolve(x: Tensor, w: Tensor, params: ConvParams): Tensor {
  return bindOne(convolvePrimitive, [x, w], params);
}

/** The adjoint of a convolution in its input: also known as a transposed convolution. */
export const convolveInputPrimitive: Primitive<ConvParams> = member({
  name: "convolveInput",
  roles: ["y", "w"],
  result: "x",
  kernel: kernels.convolveInput,
  transpose: [
    (x, w, _y, params) => convolve(x, w, params),
    (x, y, _w, params) => convolveFilter(x, y, params),
  ],
});

/** The cotangent of a convolution's input: `[N, groups * i, ...input]`. */
export function convolveInput(y: Tensor, w: Tensor, params: ConvParams): Tensor {
  return bindOne(convolveInputPrimitive, [y, w], params);
}

/** The adjoint of a convolution in its filters. */
export const convolveFilterPrimitive: Primitive<ConvParams> = member({
  name: "convolveFilter",
  roles: ["x", "y"],
  result: "w",
  kernel: kernels.convolveFilter,
  transpose: [
    (w, y, _x, params) => convolveInput(y, w, params),
    (w, x, _y, params) => convolve(x, w, params),
  ],
});

/** The cotangent of a convolution's filters: `[groups * o, i, ...kernel]`. */
export function convolveFilter(x: Tensor, y: Tensor, params: ConvParams): Tensor {
  return bindOne(convolveFilterPrimitive, [x, y], params);
}

/**
 * The position of the largest element of each window: its flat position among the spatial axes of `x`,
 * or -1 for an empty window; int32. Among equal elements the first is chosen, and NaN takes precedence
 * over numbers.
 */
export const argmaxWindowPrimitive: Primitive<WindowParams> = {
  name: "argmaxWindow",
  isTotal: true,
  type([x], params) {
    const what = `Cannot apply argmaxWindow to ${showType(x)}`;
    if (x.dtype === "bool") throw dtypeError(`${what}: expected numbers; convert bool with astype`);
    checkWindow(params, what);
    if (x.shape.length === 0 || !sameShape(x.shape.slice(1), params.input)) {
      throw shapeError(`${what}: the axes behind the first must be ${showShape(params.input)}`);
    }
    const shape = [x.shape[0], ...params.output];
    checkSize(shape, what);
    return [{ dtype: "int32", shape }];
  },
  evaluate([x], params, [type]) {
    const out = allocateFor(type);
    const size = { ...params, outer: x.shape[0] };
    if (out.length > 0) {
      const elements = dense(x) as Numbers;
      withinMemory(type, () => kernels.argmaxWindow(out as Int32Array, elements, size));
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x], [axis], size, params) {
    const front = moveAxis(x, axis!, 0);
    const [, outer, ...input] = front.shape;
    const result = argmaxWindow(reshape(front, [size * outer, ...input]), params);
    return [[reshape(result, [size, outer, ...params.output]), 0]];
  },
  derivative: { kind: "zero" },
};

/** Positions of the largest elements of windows over `x` `[outer, ...input]`. */
export function argmaxWindow(x: Tensor, params: WindowParams): Tensor {
  return bindOne(argmaxWindowPrimitive, [x], params);
}
