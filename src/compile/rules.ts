/**
 * What the compiler knows of each primitive: whether loops can follow it, or a kernel of its own
 * computes it.
 *
 * @module
 */
import { withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Affine, Combination } from "../kernels/loops.ts";
import type { PrimitiveName } from "../primitives/mod.ts";
import { meanFormula, rootFormula, squaresFormula } from "../primitives/moments.ts";
import type { NestFormula } from "../primitives/moments.ts";
import { productFormula } from "../primitives/reduction.ts";
import type { BroadcastParams, ReduceParams, TransposeParams } from "../primitives/structure.ts";
import type { FlipParams, SliceParams } from "../primitives/slicing.ts";
import { combine } from "./coordinates.ts";

/** Where the element at `coordinates` of the result stands in the argument, of shape `shape`. */
type Source = (coordinates: readonly Affine[], shape: Shape, params: unknown) => readonly Affine[];

/** How a primitive becomes part of loops. */
export type Rule =
  /**
   * Each element of the result is made of the elements in the same place; heavy where computing it
   * again costs more than reading it back.
   */
  | { readonly kind: "map"; readonly isHeavy: boolean }
  /** The same elements in row-major order. */
  | { readonly kind: "alias" }
  /** Each element of the result is one of the argument's. */
  | { readonly kind: "view"; readonly source: Source }
  /** Elements are combined along axes, as an operation or a formula says. */
  | {
    readonly kind: "reduce";
    readonly operation: Combination | NestFormula<never>;
  }
  /** Counting. */
  | { readonly kind: "iota" }
  /** Zeros around and between the elements of the argument. */
  | { readonly kind: "pad" }
  /** Arguments side by side. */
  | { readonly kind: "concatenate" }
  /** A product of each element of one argument with each of the other one: nothing is summed. */
  | { readonly kind: "outer" }
  /** Not in loops: a kernel, or the evaluator where there is none. */
  | { readonly kind: "kernel" };

/** Left to the evaluator on purpose: what no kernel would make faster. */
interface HostRule {
  readonly kind: "host";
}

/** The same elements in the same memory, there as soon as all of the arguments are. */
interface BarrierRule {
  readonly kind: "barrier";
}

const map = { kind: "map", isHeavy: false } as const;
const heavyMap = { kind: "map", isHeavy: true } as const;
const kernel = { kind: "kernel" } as const;
const host = { kind: "host" } as const;

function reduce(operation: Combination | NestFormula<never>): Rule {
  return { kind: "reduce", operation };
}

/** One rule for each primitive. */
export const rules: Readonly<Record<PrimitiveName, Rule | HostRule | BarrierRule>> = {
  reshape: { kind: "alias" },
  stopGradient: { kind: "alias" },
  transpose: {
    kind: "view",
    source(coordinates, shape, params) {
      const source: Affine[] = new Array(shape.length);
      const { permutation } = params as TransposeParams;
      permutation.forEach((axis, i) => source[axis] = coordinates[i]);
      return source;
    },
  },
  broadcast: {
    kind: "view",
    source: (coordinates, _shape, params) =>
      (params as BroadcastParams).axes.map((axis) => coordinates[axis]),
  },
  slice: {
    kind: "view",
    source(coordinates, _shape, params) {
      const { start, step } = params as SliceParams;
      return coordinates.map((place, i) => combine([place], [step[i]], start[i]));
    },
  },
  flip: {
    kind: "view",
    source(coordinates, shape, params) {
      const { axes } = params as FlipParams;
      return coordinates.map((place, i) =>
        axes.includes(i) ? combine([place], [-1], shape[i] - 1) : place
      );
    },
  },
  pad: { kind: "pad" },
  concatenate: { kind: "concatenate" },
  iota: { kind: "iota" },
  reduceSum: reduce("sum"),
  reduceMax: reduce("max"),
  reduceMin: reduce("min"),
  reduceProd: reduce(productFormula),
  reduceMean: reduce(meanFormula),
  reduceSquares: reduce(squaresFormula),
  reduceRoot: reduce(rootFormula),

  convert: map,
  equal: map,
  less: map,
  lessEqual: map,
  isNan: map,
  not: map,
  and: map,
  or: map,
  xor: map,
  select: map,
  add: map,
  neg: map,
  sub: map,
  mul: map,
  div: map,
  reciprocal: map,
  mod: heavyMap,
  square: map,
  sqrt: map,
  rsqrt: map,
  sign: map,
  abs: map,
  binade: map,
  floor: map,
  ceil: map,
  round: map,
  trunc: map,
  maximum: map,
  minimum: map,
  shiftLeft: map,
  shiftRight: map,
  exp: heavyMap,
  expm1: heavyMap,
  log: heavyMap,
  log1p: heavyMap,
  log2: heavyMap,
  sin: heavyMap,
  cos: heavyMap,
  tan: heavyMap,
  asin: heavyMap,
  acos: heavyMap,
  atan: heavyMap,
  atan2: heavyMap,
  sinh: heavyMap,
  cosh: heavyMap,
  tanh: heavyMap,
  tanhSlope: heavyMap,
  asinh: heavyMap,
  acosh: heavyMap,
  atanh: heavyMap,
  sigmoid: heavyMap,
  sigmoidBell: heavyMap,
  gaussian: heavyMap,
  erf: heavyMap,
  erfc: heavyMap,
  erfinv: heavyMap,
  lgamma: heavyMap,
  polygamma: heavyMap,
  logaddexp: heavyMap,
  pow: heavyMap,

  argmax: kernel,
  argmin: kernel,
  cumsum: kernel,
  cumprod: kernel,
  argsort: kernel,
  contract: kernel,
  convolve: kernel,
  convolveInput: kernel,
  convolveFilter: kernel,
  argmaxWindow: kernel,
  gather: kernel,
  scatterAdd: kernel,
  scatterOnto: kernel,
  scatterSet: kernel,
  lastOf: kernel,
  dynamicSlice: kernel,
  updateSlice: kernel,
  addSlice: kernel,
  threefry2x32: kernel,
  triangularSolve: kernel,
  cholesky: kernel,
  lu: kernel,
  luSolve: kernel,
  qr: kernel,
  complement: kernel,
  eigh: kernel,
  svd: kernel,
  barrier: { kind: "barrier" },

  pseudoInverse: host,
  randomGamma: host,
  randomGammaSlope: host,
};

/** The rule of a primitive; those that hold programs have none and are left to the evaluator. */
export function ruleOf(name: string): Rule {
  const rule = ruleOfAny(name);
  return rule === undefined || rule.kind === "host" || rule.kind === "barrier" ? kernel : rule;
}

function ruleOfAny(name: string): Rule | HostRule | BarrierRule | undefined {
  return (rules as Readonly<Record<string, Rule | HostRule | BarrierRule>>)[name];
}

/** Kernels that stop where they have no result: an index, or a block, lies outside. */
const failing: ReadonlySet<string> = new Set([
  "gather",
  "scatterAdd",
  "scatterOnto",
  "scatterSet",
  "lastOf",
  "dynamicSlice",
  "updateSlice",
  "addSlice",
]);

/** Whether a primitive has no result where an index, or a block, lies outside. */
export function hasIndices(name: string): boolean {
  return failing.has(name);
}

/** Primitives that change a few places of their first argument, whose memory they may take over. */
const updates: ReadonlySet<string> = new Set([
  "scatterOnto",
  "scatterSet",
  "updateSlice",
  "addSlice",
]);

/** Whether a primitive changes its first argument in some places and leaves the rest as it is. */
export function isUpdate(name: string): boolean {
  return updates.has(name);
}

/** Whether a primitive has a result for all arguments, so that it may be computed for nothing. */
export function neverFails(name: string): boolean {
  const rule = ruleOfAny(name);
  return rule !== undefined && rule.kind !== "host" && rule.kind !== "barrier" &&
    !failing.has(name);
}

/** Whether a primitive is elementwise and takes much longer than an addition. */
export function isHeavy(name: string): boolean {
  const rule = ruleOf(name);
  return rule.kind === "map" && rule.isHeavy;
}

/** The loops of a reduction: which axes of its argument are kept, and which are combined. */
export function reductionAxes(
  shape: Shape,
  params: unknown,
): { readonly kept: readonly number[]; readonly reduced: readonly number[] } {
  const { axes } = params as ReduceParams;
  return { kept: withoutAxes(shape.map((_, i) => i), axes), reduced: axes };
}
