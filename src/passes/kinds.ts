/**
 * How compiled code computes each primitive: the information about primitives by name for passes and
 * backends.
 *
 * @module
 */
import type { PrimitiveName } from "../primitives/mod.ts";
import { forSpecial } from "../primitives/special_names.ts";

/** How the elements of a primitive's results are computed. */
export type Kind =
  /**
   * Each element of the result depends on the elements at the same position; heavy if recomputing it
   * costs more than reading it back.
   */
  | { readonly kind: "map"; readonly isHeavy: boolean }
  /** The same elements in row-major order. */
  | { readonly kind: "alias" }
  /** Each element of the result is one of the argument's. */
  | { readonly kind: "view" }
  /** Elements are combined along axes. */
  | { readonly kind: "reduce" }
  /** Counting. */
  | { readonly kind: "iota" }
  /** Zeros around and between the elements of the argument. */
  | { readonly kind: "pad" }
  /** Concatenation of the arguments. */
  | { readonly kind: "concatenate" }
  /** A separate algorithm, not in loops. */
  | { readonly kind: "kernel" }
  /** Expanded to other primitives by a pass, before all others. */
  | { readonly kind: "composite"; readonly isHeavy: boolean }
  /** Intentionally left to the evaluator: a kernel would not be faster. */
  | { readonly kind: "host" }
  /** The same elements in the same memory, available as soon as all of the arguments are. */
  | { readonly kind: "barrier" };

const map = { kind: "map", isHeavy: false } as const;
const heavyMap = { kind: "map", isHeavy: true } as const;
const alias = { kind: "alias" } as const;
const view = { kind: "view" } as const;
const reduce = { kind: "reduce" } as const;
const kernel = { kind: "kernel" } as const;
const host = { kind: "host" } as const;

/** The kind of each primitive. */
export const kinds = {
  reshape: alias,
  stopGradient: alias,
  move: alias,
  withSharding: alias,
  transpose: view,
  broadcast: view,
  slice: view,
  flip: view,
  pad: { kind: "pad" },
  concatenate: { kind: "concatenate" },
  iota: { kind: "iota" },
  reduceSum: reduce,
  reduceMax: reduce,
  reduceMin: reduce,
  reduceProd: reduce,
  reduceMean: reduce,
  reduceSquares: reduce,
  reduceRoot: reduce,
  reduceSpread: reduce,
  reduceCosine: reduce,

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
  over: map,
  floor: map,
  ceil: map,
  round: map,
  trunc: map,
  maximum: map,
  minimum: map,
  shiftLeft: map,
  shiftRight: map,
  gcd: heavyMap,
  exp: heavyMap,
  expm1: heavyMap,
  log: heavyMap,
  log1p: heavyMap,
  log2: heavyMap,
  log10: heavyMap,
  cbrt: heavyMap,
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
  runningExtreme: kernel,
  contract: kernel,
  convolve: kernel,
  convolveInput: kernel,
  convolveFilter: kernel,
  argmaxWindow: kernel,
  gather: kernel,
  scatterAdd: kernel,
  scatterOnto: kernel,
  scatterMax: kernel,
  scatterMin: kernel,
  scatterSet: kernel,
  lastOf: kernel,
  bitcast: kernel,
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
  fourier: kernel,
  fourierOfReal: kernel,
  realOfFourier: kernel,
  barrier: { kind: "barrier" },

  standardize: { kind: "composite", isHeavy: false },
  softmax: { kind: "composite", isHeavy: true },
  allFinite: { kind: "composite", isHeavy: false },
  checkIndices: { kind: "composite", isHeavy: false },
  reduceNorm: { kind: "composite", isHeavy: true },
  analytic: { kind: "composite", isHeavy: true },
  analyticPair: { kind: "composite", isHeavy: true },
  hypot: { kind: "composite", isHeavy: false },
  insertionPlaces: { kind: "composite", isHeavy: true },

  pseudoInverse: host,
  complexLu: host,
  complexComplement: host,
  complexEigh: host,
  complexSvd: host,
  eig: host,
  schur: host,
  complexSchur: host,
  randomGamma: host,
  randomGammaSlope: host,
  ...forSpecial(host),
} as const satisfies Readonly<Record<PrimitiveName, Kind>>;

/** The names of the primitives of a kind. */
export type NamesOf<K extends Kind["kind"]> = {
  [Name in PrimitiveName]: (typeof kinds)[Name]["kind"] extends K ? Name : never;
}[PrimitiveName];

function known(name: string): Kind | undefined {
  return (kinds as Readonly<Record<string, Kind>>)[name];
}

/** Operations without code of their own are placed between loops like a kernel. */
export type LoopKind = Exclude<Kind, { readonly kind: "composite" | "host" | "barrier" }>;

/** The kind of a primitive for loops; primitives that hold programs are kernels, too. */
export function kindOf(name: string): LoopKind {
  const kind = known(name);
  switch (kind?.kind) {
    case undefined:
    case "composite":
    case "host":
    case "barrier":
      return kernel;
    default:
      return kind as LoopKind;
  }
}

/** Kernels that stop if they have no result: an index, or a block, is out of range. */
const failing: ReadonlySet<string> = new Set([
  "gather",
  "scatterAdd",
  "scatterOnto",
  "scatterMax",
  "scatterMin",
  "scatterSet",
  "lastOf",
  "dynamicSlice",
  "updateSlice",
  "addSlice",
]);

/** Whether a primitive has no result if an index, or a block, is out of range. */
export function hasIndices(name: string): boolean {
  return failing.has(name);
}

/** Primitives that change few elements of their first argument, whose memory they may reuse. */
const updates: ReadonlySet<string> = new Set([
  "scatterOnto",
  "scatterMax",
  "scatterMin",
  "scatterSet",
  "updateSlice",
  "addSlice",
]);

/** Whether a primitive changes some elements of its first argument and leaves the others unchanged. */
export function isUpdate(name: string): boolean {
  return updates.has(name);
}

/**
 * Whether a primitive has a result for all arguments, so that it may be computed even if the result is
 * not needed.
 */
export function neverFails(name: string): boolean {
  const kind = known(name)?.kind;
  return kind !== undefined && kind !== "host" && kind !== "barrier" && !failing.has(name);
}

/** Whether an element of a primitive takes much longer than an addition. */
export function isHeavy(name: string): boolean {
  const kind = known(name);
  return kind !== undefined && "isHeavy" in kind && kind.isHeavy;
}
