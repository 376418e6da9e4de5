/**
 * The law table: one row per primitive, typed by name. It is independent of the runtime.
 *
 * @module
 */
import { DTYPES } from "../../src/base/dtype.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import type { Shape } from "../../src/base/shape.ts";
import type { BlockStart } from "../../src/primitives/dynamic_slicing.ts";
import type { GatherParams } from "../../src/primitives/indexing.ts";
import type { ConvParams } from "../../src/primitives/window.ts";
import { cpu } from "../../src/core/device.ts";
import { mesh, shard } from "../../src/core/sharding.ts";
import { ComplexTensor } from "../../src/core/complex.ts";
import { bind, bindOne } from "../../src/core/trace.ts";
import "../../src/primitives/complex.ts";
import { isfinite, logicalOr } from "../../src/functions/comparison.ts";
import { analyticNames } from "../../src/primitives/analytic.ts";
import type { AnalyticName } from "../../src/primitives/analytic.ts";
import { adjoint, complexQr } from "../../src/primitives/complex_matrices.ts";
import { luSolve } from "../../src/primitives/lu.ts";
import { primitives } from "../../src/primitives/mod.ts";
import { allFinite } from "../../src/primitives/reduction.ts";
import { product, transposed } from "../../src/primitives/matrices.ts";
import { pseudoInverse, qr } from "../../src/primitives/orthogonal.ts";
import type { Argument, Case, Row, Table } from "./laws.ts";
import {
  aboveOne,
  always,
  between,
  betweenHalves,
  definite,
  distinct,
  dominant,
  integers,
  nearGrid,
  nonZero,
  ofAnySize,
  pivoted,
  positive,
  real,
  separated,
  unit,
} from "./values.ts";
import type { Domain } from "./values.ts";

const FLOATS: readonly Dtype[] = ["float64", "float32", "float16", "bfloat16"];
/** The dtypes of the parts of complex numbers. */
const PARTS: readonly Dtype[] = ["float64", "float32"];
const INTEGERS: readonly Dtype[] = ["int32", "uint32", "int8", "uint8", "int16", "uint16"];
/** Numbers of 32 bits and more. */
const WIDE: readonly Dtype[] = ["float64", "float32", "int32", "uint32"];
const NUMBERS: readonly Dtype[] = [...FLOATS, ...INTEGERS];

/** A mesh without devices. */
const parts = mesh({ first: 2, second: 3 });

function argument(shape: Shape, domain: Domain = real, dtype?: Dtype): Argument {
  return dtype === undefined ? { shape, domain } : { shape, domain, dtype };
}

/** A case without parameters. */
function plain(...args: Argument[]): Case<null> {
  return { args, params: null };
}

/** A case with parameters. */
function given<P>(params: P, ...args: Argument[]): Case<P> {
  return { args, params };
}

/** A row of an elementwise primitive, whose arguments come from these domains. */
function elementwise(dtypes: readonly Dtype[], ...domains: Domain[]): Row<null> {
  const shapes = domains.length === 1 ? [[2, 3], [], [0, 2]] : [[2, 2], [], [3, 0]];
  return {
    dtypes,
    elementwise: true,
    cases: shapes.map((shape) => plain(...domains.map((domain) => argument(shape, domain)))),
  };
}

/** The rows of both Fresnel integrals, and of their slopes. */
const fresnels: Row<{ readonly isSine: boolean }> = {
  dtypes: FLOATS,
  elementwise: true,
  cases: [true, false].flatMap((isSine) =>
    [[2, 2], [], [3, 0]].map((shape) => given({ isSine }, argument(shape)))
  ),
};

/** The rows of both parts of functions of complex numbers, and of derivatives. */
function partsOf(...domains: readonly Domain[]): Row<{ order: number; isImaginary: boolean }> {
  const cases = [[0, true], [0, false], [1, false], [2, true]] as const;
  return {
    dtypes: FLOATS,
    elementwise: true,
    cases: cases.map(([order, isImaginary], i) =>
      given(
        { order, isImaginary },
        ...domains.map((domain) => argument([[2], [], [3, 0]][i % 3], domain)),
      )
    ),
  };
}

/** Bases and exponents of any signs for integers, positive bases for floats. */
const exponents: Domain = between(-1.5, 2.5);

/** Parameters of a convolution; the output's lengths follow from the others. */
function windows(
  input: readonly number[],
  kernel: readonly number[],
  options: {
    stride?: readonly number[];
    dilation?: readonly number[];
    padLow?: readonly number[];
    padHigh?: readonly number[];
    groups?: number;
  } = {},
): ConvParams {
  const ones = input.map(() => 1);
  const zeros = input.map(() => 0);
  const { stride = ones, dilation = ones, padLow = zeros, padHigh = zeros, groups = 1 } = options;
  const output = input.map((length, i) => {
    const room = length + padLow[i] + padHigh[i] - (kernel[i] - 1) * dilation[i] - 1;
    return room < 0 ? 0 : Math.floor(room / stride[i]) + 1;
  });
  return { stride, dilation, padLow, input, kernel, output, groups };
}

/** The convolutions that all three members of the family are checked with. */
const convolutions: { batch: number; inPerGroup: number; outPerGroup: number; p: ConvParams }[] = [
  { batch: 2, inPerGroup: 1, outPerGroup: 2, p: windows([4], [2], { padLow: [1] }) },
  {
    batch: 1,
    inPerGroup: 2,
    outPerGroup: 1,
    p: windows([5, 4], [2, 3], { stride: [2, 1], padLow: [1, 1], padHigh: [0, 1], groups: 2 }),
  },
  {
    batch: 2,
    inPerGroup: 1,
    outPerGroup: 1,
    p: windows([5], [2], { dilation: [2], padLow: [-1], padHigh: [2], stride: [2] }),
  },
  { batch: 2, inPerGroup: 2, outPerGroup: 3, p: windows([3], [2], { groups: 2, stride: [2] }) },
  { batch: 1, inPerGroup: 2, outPerGroup: 2, p: windows([], []) },
  { batch: 0, inPerGroup: 1, outPerGroup: 2, p: windows([3], [2], { groups: 2 }) },
];

function convolutionRow(pick: (x: Shape, w: Shape, y: Shape) => readonly Shape[]): Row<ConvParams> {
  return {
    dtypes: NUMBERS,
    batchTolerance: 1e-13,
    cases: convolutions.map(({ batch, inPerGroup, outPerGroup, p }) => {
      const x = [batch, p.groups * inPerGroup, ...p.input];
      const w = [p.groups * outPerGroup, inPerGroup, ...p.kernel];
      const y = [batch, p.groups * outPerGroup, ...p.output];
      return given(p, ...pick(x, w, y).map((shape) => argument(shape)));
    }),
  };
}

/** The start of a block on an axis with this number of remaining positions. */
function position(last: number): Argument {
  return argument([], integers(0, last), "int32");
}

/** A row of a primitive that changes rows at indices, some of which are equal. */
function rowUpdates(dtypes: readonly Dtype[]): Row<GatherParams> {
  return {
    dtypes,
    cases: [
      given({ batch: 0 }, argument([4]), argument([3]), argument([3], integers(0, 3), "int32")),
      given(
        { batch: 0 },
        argument([3, 2]),
        argument([2, 2, 2]),
        argument([2, 2], integers(0, 2), "uint32"),
      ),
      given(
        { batch: 1 },
        argument([2, 3]),
        argument([2, 4]),
        argument([2, 4], integers(0, 2), "int32"),
      ),
      given({ batch: 0 }, argument([3, 2]), argument([2]), argument([], integers(0, 2), "int32")),
      given(
        { batch: 1, outer: [1] },
        argument([2, 2, 3]),
        argument([2, 2, 2]),
        argument([2, 2], integers(0, 2), "int32"),
      ),
    ],
  };
}

/** A row of a primitive that changes a block. */
function blockUpdates(dtypes: readonly Dtype[]): Row<BlockStart> {
  return {
    dtypes,
    cases: [
      given({ start: [null] }, argument([5]), argument([2]), position(3)),
      given({ start: [1, null] }, argument([4, 3]), argument([2, 1]), position(2)),
      given({ start: [null, null] }, argument([3, 4]), argument([1, 3]), position(2), position(1)),
      given({ start: [null, 0] }, argument([3, 4]), argument([1, 4]), position(2)),
      given({ start: [1, 2] }, argument([3, 4]), argument([2, 1])),
      given({ start: [null, 0] }, argument([3, 2]), argument([0, 2]), position(3)),
    ],
  };
}

/** Cases of a factorisation of square matrices. */
function squares(domain: (n: number) => Domain): Case<null>[] {
  return [
    plain(argument([3, 3], domain(3))),
    plain(argument([2, 2, 2], domain(2))),
    plain(argument([1, 1], domain(1))),
    plain(argument([0, 0])),
    plain(argument([0, 2, 2], domain(2))),
  ];
}

/** Cases of a factorisation of matrices of any shape. */
const rectangles: Case<null>[] = [[3, 3], [4, 2], [2, 3], [1, 1], [0, 2], [3, 0]].map((shape) =>
  plain(argument(shape, separated(shape[0], shape[1])))
);

/** Cases of complex matrices by their parts. */
function complexMatrices(shapes: readonly Shape[]): Case<null>[] {
  return shapes.map((shape) => {
    const [rows, columns] = shape.slice(-2);
    return plain(argument(shape, separated(rows, columns)), argument(shape, between(-0.3, 0.3)));
  });
}

/** The arguments with which each primitive is checked by the laws. */
export const table: Table = {
  reshape: {
    dtypes: DTYPES,
    cases: [
      given({ shape: [3, 2] }, argument([2, 3])),
      given({ shape: [1, 1] }, argument([])),
      given({ shape: [] }, argument([1])),
      given({ shape: [0, 5] }, argument([2, 0])),
    ],
  },
  transpose: {
    dtypes: DTYPES,
    cases: [
      given({ permutation: [1, 0] }, argument([2, 3])),
      given({ permutation: [2, 0, 1] }, argument([2, 1, 3])),
      given({ permutation: [1, 0] }, argument([0, 3])),
    ],
  },
  broadcast: {
    dtypes: DTYPES,
    cases: [
      given({ shape: [2, 3], axes: [1] }, argument([3])),
      given({ shape: [2, 3, 2], axes: [0, 2] }, argument([2, 2])),
      given({ shape: [2, 3], axes: [] }, argument([])),
      given({ shape: [2, 0], axes: [0] }, argument([2])),
      given({ shape: [0, 2], axes: [1] }, argument([2])),
      given({ shape: [3, 1], axes: [1] }, argument([1])),
    ],
  },
  reduceSum: {
    dtypes: NUMBERS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [0] }, argument([2, 3])),
      given({ axes: [1] }, argument([2, 3])),
      given({ axes: [0, 2] }, argument([2, 2, 3])),
      given({ axes: [0, 1] }, argument([2, 3])),
      given({ axes: [1] }, argument([2, 0])),
      given({ axes: [0] }, argument([2, 0])),
    ],
  },
  convert: {
    dtypes: DTYPES,
    elementwise: true,
    cases: [
      given({ dtype: "float64" as Dtype }, argument([2, 3], betweenHalves)),
      given({ dtype: "float32" as Dtype }, argument([4], integers(-3, 3))),
      given({ dtype: "int32" as Dtype }, argument([2, 2], betweenHalves)),
      given({ dtype: "uint32" as Dtype }, argument([3], betweenHalves)),
      given({ dtype: "bool" as Dtype }, argument([3], betweenHalves)),
      given({ dtype: "float64" as Dtype }, argument([0, 2])),
    ],
  },
  bitcast: {
    dtypes: NUMBERS,
    stops: true,
    // Each dtype has its own bits.
    draws: true,
    cases: [
      given({ dtype: "uint8" as Dtype }, argument([2, 3])),
      given({ dtype: "int8" as Dtype }, argument([0, 2])),
      given({ dtype: "uint32" as Dtype }, argument([2, 3], real, "float32")),
      given({ dtype: "float32" as Dtype }, argument([2, 3], integers(0, 100), "int32")),
      given({ dtype: "uint16" as Dtype }, argument([2], real, "float64")),
      given({ dtype: "uint16" as Dtype }, argument([2], real, "bfloat16")),
      given({ dtype: "float64" as Dtype }, argument([3, 2], integers(0, 100), "int32")),
      given({ dtype: "float16" as Dtype }, argument([3, 2], integers(0, 100), "uint8")),
      given({ dtype: "float32" as Dtype }, argument([2, 4], integers(0, 60), "int8")),
    ],
  },
  stopGradient: { ...elementwise(DTYPES, real), stops: true },
  move: {
    dtypes: DTYPES,
    elementwise: true,
    cases: [
      given({ to: cpu, from: null }, argument([2, 3])),
      given({ to: null, from: cpu }, argument([2])),
      given({ to: cpu, from: cpu }, argument([])),
      given({ to: null, from: null }, argument([0, 2])),
    ],
  },
  withSharding: {
    dtypes: DTYPES,
    cases: [
      given({ sharding: shard(parts, "first") }, argument([2, 3])),
      given({ sharding: shard(parts, null, ["second", "first"]) }, argument([3, 12])),
      given({ sharding: shard(parts) }, argument([])),
    ],
  },
  iota: {
    dtypes: WIDE,
    cases: WIDE.flatMap((dtype) => [given({ length: 4, dtype }), given({ length: 0, dtype })]),
  },

  equal: elementwise(DTYPES, integers(-1, 1), integers(-1, 1)),
  less: elementwise(DTYPES, integers(-1, 1), integers(-1, 1)),
  lessEqual: elementwise(DTYPES, integers(-1, 1), integers(-1, 1)),
  isNan: elementwise(FLOATS, (random, size) => real(random, size).map((x) => x > 1 ? NaN : x)),
  not: elementwise(["bool"], integers(0, 1)),
  and: elementwise([...INTEGERS, "bool"], integers(-9, 9), integers(-9, 9)),
  or: elementwise([...INTEGERS, "bool"], integers(-9, 9), integers(-9, 9)),
  xor: elementwise([...INTEGERS, "bool"], integers(-9, 9), integers(-9, 9)),
  select: {
    dtypes: DTYPES,
    elementwise: true,
    cases: [[2, 2], [], [0, 2]].map((shape) =>
      plain(argument(shape, integers(0, 1), "bool"), argument(shape), argument(shape))
    ),
  },

  add: elementwise(NUMBERS, real, real),
  neg: elementwise(NUMBERS, real),
  sub: elementwise(NUMBERS, real, real),
  mul: elementwise(NUMBERS, real, real),
  div: elementwise(FLOATS, real, nonZero),
  reciprocal: elementwise(FLOATS, nonZero),
  mod: {
    dtypes: NUMBERS,
    elementwise: true,
    cases: [
      // x / y stays between integers, for both signs of y and of x / y.
      plain(argument([2, 2], between(2.3, 2.5)), argument([2, 2], between(0.95, 1.05))),
      plain(argument([3], between(-1.6, -1.4)), argument([3], between(0.95, 1.05))),
      plain(argument([3], between(1.4, 1.6)), argument([3], between(-1.05, -0.95))),
      plain(argument([0, 2]), argument([0, 2])),
      plain(argument([], always(7)), argument([], always(4))),
    ],
  },
  square: elementwise(NUMBERS, real),
  sqrt: elementwise(FLOATS, positive),
  rsqrt: elementwise(FLOATS, positive),
  sign: elementwise(NUMBERS, nonZero),
  abs: elementwise(NUMBERS, nonZero),
  binade: elementwise(FLOATS, ofAnySize(2)),
  floor: elementwise(NUMBERS, betweenHalves),
  ceil: elementwise(NUMBERS, betweenHalves),
  round: elementwise(NUMBERS, betweenHalves),
  trunc: elementwise(NUMBERS, betweenHalves),
  maximum: elementwise(DTYPES, nearGrid(0), nearGrid(0.25)),
  minimum: elementwise(DTYPES, nearGrid(0), nearGrid(0.25)),
  shiftLeft: elementwise(INTEGERS, integers(-99, 99), integers(-2, 40)),
  shiftRight: elementwise(INTEGERS, integers(-99, 99), integers(-2, 40)),
  gcd: elementwise(INTEGERS, integers(-9, 9), integers(-9, 9)),

  slice: {
    dtypes: DTYPES,
    cases: [
      given({ start: [1], stop: [4], step: [1] }, argument([5])),
      given({ start: [0, 1], stop: [3, 4], step: [2, 2] }, argument([3, 4])),
      given({ start: [1, 2], stop: [3, 2], step: [1, 1] }, argument([3, 4])),
      given({ start: [], stop: [], step: [] }, argument([])),
    ],
  },
  pad: {
    dtypes: DTYPES,
    cases: [
      given({ low: [1], high: [2], interior: [0] }, argument([3])),
      given({ low: [1, 0], high: [0, 1], interior: [1, 2] }, argument([2, 2])),
      given({ low: [-1], high: [1], interior: [1] }, argument([4])),
      given({ low: [-2], high: [-1], interior: [1] }, argument([4])),
      given({ low: [2], high: [-3], interior: [0] }, argument([3])),
      given({ low: [-4], high: [5], interior: [0] }, argument([3])),
      given({ low: [1], high: [1], interior: [3] }, argument([0])),
    ],
  },
  barrier: {
    dtypes: DTYPES,
    cases: [
      plain(argument([2]), argument([])),
      plain(argument([2, 2]), argument([0]), argument([2, 2])),
    ],
  },
  concatenate: {
    dtypes: DTYPES,
    cases: [
      given({ axis: 0 }, argument([2]), argument([1])),
      given({ axis: 1 }, argument([2, 1]), argument([2, 2])),
      given({ axis: 0 }, argument([1, 2]), argument([0, 2]), argument([2, 2])),
      given({ axis: 1 }, argument([0, 2]), argument([0, 1])),
    ],
  },
  flip: {
    dtypes: DTYPES,
    cases: [
      given({ axes: [0] }, argument([3])),
      given({ axes: [1] }, argument([2, 3])),
      given({ axes: [0, 2] }, argument([2, 2, 3])),
      given({ axes: [1] }, argument([2, 0])),
    ],
  },

  exp: elementwise(FLOATS, real),
  expm1: elementwise(FLOATS, real),
  log: elementwise(FLOATS, positive),
  log1p: elementwise(FLOATS, between(-0.6, 2)),
  log2: elementwise(FLOATS, positive),
  log10: elementwise(FLOATS, positive),
  cbrt: elementwise(FLOATS, nonZero),
  sin: elementwise(FLOATS, real),
  cos: elementwise(FLOATS, real),
  tan: elementwise(FLOATS, between(-1.1, 1.1)),
  asin: elementwise(FLOATS, unit),
  acos: elementwise(FLOATS, unit),
  atan: elementwise(FLOATS, real),
  atan2: elementwise(FLOATS, nonZero, nonZero),
  sinh: elementwise(FLOATS, real),
  cosh: elementwise(FLOATS, real),
  tanh: elementwise(FLOATS, real),
  tanhSlope: elementwise(FLOATS, real),
  asinh: elementwise(FLOATS, real),
  acosh: elementwise(FLOATS, aboveOne),
  atanh: elementwise(FLOATS, unit),
  sigmoid: elementwise(FLOATS, real),
  sigmoidBell: elementwise(FLOATS, real),
  gaussian: elementwise(FLOATS, real),
  erf: elementwise(FLOATS, real),
  erfc: elementwise(FLOATS, real),
  erfinv: elementwise(FLOATS, unit),
  lgamma: elementwise(FLOATS, positive),
  polygamma: {
    dtypes: FLOATS,
    elementwise: true,
    cases: [
      given({ order: 0 }, argument([2, 2], between(0.8, 3))),
      given({ order: 2 }, argument([], between(0.8, 3))),
      given({ order: 1 }, argument([0, 2])),
    ],
  },
  logaddexp: elementwise(FLOATS, real, real),
  pow: {
    dtypes: NUMBERS,
    elementwise: true,
    // Where the exponent is 0, the sign of a zero tangent may differ.
    roundingTolerance: 1e-15,
    cases: [[2, 2], [], [3, 0]].map((shape) =>
      plain(argument(shape, positive), argument(shape, exponents))
    ),
  },

  reduceMax: {
    dtypes: DTYPES,
    cases: [
      given({ axes: [1] }, argument([2, 3], distinct)),
      given({ axes: [0, 2] }, argument([2, 2, 2], distinct)),
      given({ axes: [0] }, argument([3], distinct)),
      given({ axes: [1] }, argument([0, 2])),
    ],
  },
  reduceMin: {
    dtypes: DTYPES,
    cases: [
      given({ axes: [1] }, argument([2, 3], distinct)),
      given({ axes: [0, 2] }, argument([2, 2, 2], distinct)),
      given({ axes: [0] }, argument([3], distinct)),
      given({ axes: [1] }, argument([0, 2])),
    ],
  },
  reduceProd: {
    dtypes: NUMBERS,
    batchTolerance: 1e-14,
    cases: [
      given({ axes: [1] }, argument([2, 3])),
      given({ axes: [0, 2] }, argument([2, 2, 3])),
      given({ axes: [0] }, argument([5])),
      given({ axes: [0] }, argument([1])),
      given({ axes: [0] }, argument([4], integers(0, 1))),
      given({ axes: [1] }, argument([2, 0])),
      given({ axes: [0] }, argument([2, 0])),
    ],
  },
  reduceMean: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [0] }, argument([2, 3])),
      given({ axes: [1] }, argument([2, 3])),
      given({ axes: [0, 2] }, argument([2, 2, 3])),
      given({ axes: [1] }, argument([0, 2])),
    ],
  },
  reduceNorm: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [0], ord: 3 }, argument([3, 2], nonZero)),
      given({ axes: [1], ord: 1.5 }, argument([2, 3], nonZero)),
      given({ axes: [0, 2], ord: -2 }, argument([2, 2, 3], nonZero)),
      given({ axes: [1], ord: 0.5 }, argument([2, 3], nonZero)),
      given({ axes: [1], ord: 4 }, argument([0, 2])),
    ],
  },
  analytic: {
    dtypes: PARTS,
    elementwise: true,
    cases: [
      ...analyticNames.filter((name) => name !== "pow").map((name) =>
        given({ name }, argument([2, 2], unit), argument([2, 2], nonZero))
      ),
      given({ name: "exp" as AnalyticName }, argument([0, 2]), argument([0, 2])),
    ],
  },
  analyticPair: {
    dtypes: PARTS,
    elementwise: true,
    // The angle of a large power has no significant digits left.
    tame: true,
    cases: [[2], [], [0, 2]].map((shape) =>
      given(
        { name: "pow" as AnalyticName },
        ...[positive, nonZero, real, real].map((domain) => argument(shape, domain)),
      )
    ),
  },
  hypot: elementwise(FLOATS, nonZero, nonZero),
  allFinite: {
    dtypes: FLOATS,
    // It looks at all examples together, and may only decide between methods with equal results.
    through: ([x]) => [logicalOr(allFinite(x), isfinite(x))],
    cases: [plain(argument([2, 3])), plain(argument([])), plain(argument([0, 2]))],
  },
  reduceSquares: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [0], divisor: 2 }, argument([2, 3])),
      given({ axes: [1], divisor: 0.5 }, argument([2, 3])),
      given({ axes: [0, 2], divisor: 1 }, argument([2, 2, 3])),
      given({ axes: [1], divisor: 2 }, argument([0, 2])),
    ],
  },
  reduceRoot: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [0], divisor: 1, eps: 0 }, argument([3, 2], nonZero)),
      given({ axes: [1], divisor: 3, eps: 0 }, argument([2, 3], nonZero)),
      given({ axes: [0, 2], divisor: 6, eps: 0.5 }, argument([2, 2, 3])),
      given({ axes: [1], divisor: 2, eps: 1 }, argument([0, 2])),
    ],
  },
  reduceSpread: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [0], divisor: 3, eps: 0, isRoot: true }, argument([3, 2], distinct)),
      given({ axes: [1], divisor: 2, eps: 0, isRoot: true }, argument([2, 3], distinct)),
      given({ axes: [0, 2], divisor: 6, eps: 0.5, isRoot: true }, argument([2, 2, 3])),
      given({ axes: [1], divisor: 2, eps: 0, isRoot: false }, argument([2, 3])),
      given({ axes: [0, 1], divisor: 6, eps: 0, isRoot: false }, argument([2, 3])),
      given({ axes: [1], divisor: 3, eps: 0, isRoot: false }, argument([2, 3], always(1000.25))),
    ],
  },
  reduceCosine: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [1], eps: 0 }, argument([2, 3], nonZero), argument([2, 3], nonZero)),
      given(
        { axes: [0, 2], eps: 1e-8 },
        argument([2, 2, 2], nonZero),
        argument([2, 2, 2], nonZero),
      ),
      given({ axes: [0], eps: 30 }, argument([3, 2], nonZero), argument([3, 2], nonZero)),
      given({ axes: [0], eps: 0 }, argument([3], nonZero), argument([3], nonZero)),
    ],
  },
  standardize: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axes: [1] }, argument([2, 3]), argument([2], positive)),
      given({ axes: [0] }, argument([3, 2]), argument([2], positive)),
      given({ axes: [0, 2] }, argument([2, 2, 3]), argument([2], positive)),
      given({ axes: [0, 1] }, argument([2, 3]), argument([], positive)),
      given({ axes: [1] }, argument([2, 0]), argument([2], positive)),
    ],
  },
  over: elementwise(FLOATS, real, positive),
  softmax: {
    dtypes: FLOATS,
    roundingTolerance: 1e-6,
    cases: (["plain", "masked", "logarithm"] as const).flatMap((form) => [
      given({ axes: [1], form }, argument([2, 3])),
      given({ axes: [0], form }, argument([3, 2])),
      given({ axes: [1], form }, argument([2, 2, 2])),
      given({ axes: [1], form }, argument([2, 0])),
    ]),
  },
  argmax: {
    dtypes: DTYPES,
    cases: [
      given({ axis: 0 }, argument([3, 2], distinct)),
      given({ axis: 1 }, argument([2, 4], integers(-1, 1))),
      given({ axis: 1 }, argument([0, 2])),
    ],
  },
  argmin: {
    dtypes: DTYPES,
    cases: [
      given({ axis: 0 }, argument([3, 2], distinct)),
      given({ axis: 1 }, argument([2, 4], integers(-1, 1))),
      given({ axis: 1 }, argument([0, 2])),
    ],
  },
  cumsum: {
    dtypes: NUMBERS,
    roundingTolerance: 1e-6,
    cases: [
      given({ axis: 0, reverse: false }, argument([4])),
      given({ axis: 1, reverse: true }, argument([2, 3])),
      given({ axis: 0, reverse: false }, argument([3, 2])),
      given({ axis: 0, reverse: true }, argument([0, 2])),
    ],
  },
  cumprod: {
    dtypes: NUMBERS,
    batchTolerance: 1e-14,
    roundingTolerance: 1e-6,
    cases: [
      given({ axis: 0 }, argument([4])),
      given({ axis: 1 }, argument([2, 3])),
      given({ axis: 0 }, argument([5], integers(0, 2))),
      given({ axis: 0 }, argument([0, 2])),
    ],
  },

  contract: {
    dtypes: NUMBERS,
    batchTolerance: 1e-13,
    cases: [
      given({ contract: [[1], [0]], batch: [[], []] }, argument([2, 3]), argument([3, 2])),
      given({ contract: [[0], [1]], batch: [[], []] }, argument([3, 2]), argument([2, 3])),
      given({ contract: [[], []], batch: [[], []] }, argument([2]), argument([3])),
      given({ contract: [[0], [0]], batch: [[], []] }, argument([3]), argument([3])),
      given(
        { contract: [[2], [1]], batch: [[0], [2]] },
        argument([2, 1, 3]),
        argument([2, 3, 2]),
      ),
      given(
        { contract: [[2, 0], [0, 1]], batch: [[], []] },
        argument([2, 2, 3]),
        argument([3, 2, 1]),
      ),
      given({ contract: [[1], [0]], batch: [[], []] }, argument([2, 0]), argument([0, 2])),
      given({ contract: [[1], [0]], batch: [[], []] }, argument([0, 2]), argument([2, 2])),
    ],
  },

  convolve: convolutionRow((x, w) => [x, w]),
  convolveInput: convolutionRow((_x, w, y) => [y, w]),
  convolveFilter: convolutionRow((x, _w, y) => [x, y]),
  argmaxWindow: {
    dtypes: NUMBERS,
    cases: [
      windows([5], [2], { stride: [2], padLow: [1] }),
      windows([3, 4], [2, 2], { padLow: [0, 1], padHigh: [1, 0], dilation: [1, 2] }),
    ].map((p) => given(p, argument([2, ...p.input], integers(-2, 2)))),
  },

  checkIndices: {
    dtypes: INTEGERS,
    tame: true,
    cases: [
      given({ length: 4, axis: 1, what: "Cannot index" }, argument([2, 3], integers(0, 3))),
      given({ length: 4, axis: 0, what: "Cannot index" }, argument([], integers(0, 3))),
    ],
  },
  gather: {
    dtypes: DTYPES,
    cases: [
      given({ batch: 0 }, argument([4]), argument([3], integers(0, 3), "int32")),
      given({ batch: 0 }, argument([3, 2]), argument([2, 2], integers(0, 2), "uint32")),
      given({ batch: 1 }, argument([2, 3, 2]), argument([2, 2], integers(0, 2), "int32")),
      given({ batch: 0 }, argument([3, 2]), argument([], integers(0, 2), "int32")),
      given({ batch: 0 }, argument([3, 0]), argument([2], integers(0, 2), "int32")),
      given({ batch: 0 }, argument([3]), argument([0], integers(0, 2), "int32")),
      given({ batch: 0, outer: [0] }, argument([2, 4]), argument([3], integers(0, 3), "int32")),
      given(
        { batch: 0, outer: [0, 1] },
        argument([2, 2, 3, 2]),
        argument([], integers(0, 2), "int32"),
      ),
      given(
        { batch: 1, outer: [0, 2] },
        argument([2, 3, 2, 3, 2]),
        argument([3, 2], integers(0, 2), "int32"),
      ),
      given({ batch: 1, outer: [1] }, argument([2, 2, 3]), argument([2], integers(0, 2), "uint32")),
      given({ batch: 0, outer: [0] }, argument([0, 3]), argument([2], integers(0, 2), "int32")),
    ],
  },
  scatterAdd: {
    dtypes: NUMBERS,
    roundingTolerance: 1e-6,
    cases: [
      given({ batch: 0, size: 4 }, argument([3]), argument([3], integers(0, 3), "int32")),
      given(
        { batch: 0, size: 3 },
        argument([2, 2, 2]),
        argument([2, 2], integers(0, 2), "uint32"),
      ),
      given({ batch: 1, size: 3 }, argument([2, 4]), argument([2, 4], integers(0, 2), "int32")),
      given({ batch: 0, size: 2 }, argument([3]), argument([], integers(0, 1), "int32")),
      given({ batch: 0, size: 2 }, argument([0, 2]), argument([0], integers(0, 1), "int32")),
      given(
        { batch: 0, outer: [0], size: 4 },
        argument([2, 3]),
        argument([3], integers(0, 3), "int32"),
      ),
      given(
        { batch: 1, outer: [0, 2], size: 3 },
        argument([2, 3, 2, 2, 2]),
        argument([3, 2], integers(0, 2), "int32"),
      ),
      given(
        { batch: 1, outer: [1], size: 2 },
        argument([2, 3, 2]),
        argument([2], integers(0, 1), "uint32"),
      ),
    ],
  },
  lastOf: {
    dtypes: INTEGERS,
    tame: true,
    cases: [
      given({ batch: 0, size: 4 }, argument([3], integers(0, 3))),
      given({ batch: 0, size: 2 }, argument([2, 2], integers(0, 1))),
      given({ batch: 1, size: 3 }, argument([2, 4], integers(0, 2))),
      given({ batch: 0, size: 2 }, argument([0], integers(0, 1))),
    ],
  },
  scatterOnto: rowUpdates(NUMBERS),
  scatterMax: rowUpdates(NUMBERS),
  scatterMin: rowUpdates(NUMBERS),
  scatterSet: rowUpdates(DTYPES),

  dynamicSlice: {
    dtypes: DTYPES,
    cases: [
      given({ start: [null], sizes: [2] }, argument([5]), position(3)),
      given({ start: [1, null], sizes: [2, 1] }, argument([4, 3]), position(2)),
      given({ start: [null, null], sizes: [1, 3] }, argument([3, 4]), position(2), position(1)),
      given({ start: [null, 0], sizes: [1, 4] }, argument([3, 4]), position(2)),
      given({ start: [1, 2], sizes: [2, 1] }, argument([3, 4])),
      given({ start: [null, 0], sizes: [0, 2] }, argument([3, 2]), position(3)),
    ],
  },
  updateSlice: blockUpdates(DTYPES),
  addSlice: blockUpdates(NUMBERS),

  insertionPlaces: {
    dtypes: DTYPES,
    cases: [
      given(
        { batch: 0, side: "left" },
        argument([5], integers(-1, 1)),
        argument([2, 3], integers(-1, 1)),
      ),
      given({ batch: 0, side: "right" }, argument([4]), argument([])),
      given({ batch: 1, side: "right" }, argument([2, 3]), argument([2, 2], integers(-1, 1))),
      given({ batch: 1, side: "left" }, argument([2, 0]), argument([2])),
    ],
  },
  runningExtreme: {
    dtypes: DTYPES,
    cases: [
      given({ isMax: true }, argument([5], integers(-1, 1))),
      given({ isMax: false }, argument([2, 4], integers(-1, 1))),
      given({ isMax: true }, argument([3, 0])),
      given({ isMax: true }, argument([270], integers(-9, 9))),
    ],
  },

  argsort: {
    dtypes: DTYPES,
    cases: [
      given({ axis: 0, descending: false }, argument([5], integers(-1, 1))),
      given({ axis: 1, descending: true }, argument([2, 4], integers(-1, 1))),
      given({ axis: 0, descending: false }, argument([3, 2], distinct)),
      given({ axis: 0, descending: true }, argument([0, 2])),
    ],
  },

  threefry2x32: elementwise(
    ["uint32"],
    integers(0, 2 ** 31),
    integers(0, 2 ** 31),
    integers(0, 99),
    integers(0, 99),
  ),

  triangularSolve: {
    dtypes: FLOATS,
    cases: [
      given(
        { lower: true, transpose: false, unitDiagonal: false },
        argument([3, 3], dominant(3)),
        argument([3, 2]),
      ),
      given(
        { lower: false, transpose: true, unitDiagonal: false },
        argument([2, 2, 2], dominant(2)),
        argument([2, 2, 1]),
      ),
      given(
        { lower: true, transpose: true, unitDiagonal: true },
        argument([3, 3], dominant(3)),
        argument([3, 1]),
      ),
      given(
        { lower: false, transpose: false, unitDiagonal: false },
        argument([2, 2], dominant(2)),
        argument([2, 0]),
      ),
    ],
  },
  cholesky: { dtypes: FLOATS, cases: squares(definite) },
  lu: {
    dtypes: FLOATS,
    cases: (["complete", "partial"] as const).flatMap((pivoting) =>
      squares(pivoted).map((one) => ({ ...one, params: { pivoting } }))
    ),
  },
  luSolve: {
    dtypes: FLOATS,
    through: ([a, b]) => [luSolve(a, b)],
    cases: [
      given({ transpose: false }, argument([3, 3], dominant(3)), argument([3, 2])),
      given({ transpose: false }, argument([2, 2, 2], dominant(2)), argument([2, 2, 1])),
      given({ transpose: false }, argument([0, 0]), argument([0, 2])),
    ],
  },
  qr: { dtypes: FLOATS, cases: rectangles },
  complement: {
    dtypes: FLOATS,
    // The basis is arbitrary; the projection onto its space is unique.
    through([a]) {
      const c = bindOne(primitives.complement, [qr(a)[0]], null);
      return [product(c, transposed(c))];
    },
    cases: [[4, 2], [2, 3, 1], [2, 2], [3, 0], [0, 0]].map((shape) =>
      plain(argument(shape, separated(shape.at(-2)!, shape.at(-1)!)))
    ),
  },
  eigh: { dtypes: FLOATS, cases: squares((n) => separated(n, n)) },
  svd: { dtypes: FLOATS, cases: rectangles },
  complexLu: {
    dtypes: PARTS,
    batchTolerance: 1e-13,
    cases: complexMatrices([[3, 3], [2, 2, 2], [1, 1], [0, 2, 2]]),
  },
  complexComplement: {
    dtypes: PARTS,
    batchTolerance: 1e-13,
    // The basis is arbitrary; the projection onto its space is unique.
    through([re, im]) {
      const [q] = complexQr(new ComplexTensor(re, im)) as ComplexTensor[];
      const [x, y] = bind(primitives.complexComplement, [q.re, q.im], null);
      const c = new ComplexTensor(x, y);
      const { re: first, im: second } = product(c, adjoint(c)) as ComplexTensor;
      return [first, second];
    },
    cases: complexMatrices([[4, 2], [2, 3, 1], [2, 2], [3, 0], [0, 0]]),
  },
  complexEigh: {
    dtypes: PARTS,
    batchTolerance: 1e-12,
    cases: complexMatrices([[3, 3], [2, 2, 2], [1, 1], [0, 0]]),
  },
  complexSvd: {
    dtypes: PARTS,
    batchTolerance: 1e-12,
    cases: complexMatrices([[3, 3], [4, 2], [2, 3], [1, 1], [0, 2]]),
  },
  eig: {
    dtypes: PARTS,
    batchTolerance: 1e-12,
    cases: complexMatrices([[3, 3], [2, 2, 2], [1, 1], [0, 0]]),
  },
  schur: {
    dtypes: FLOATS,
    stops: true,
    batchTolerance: 1e-12,
    cases: (["hessenberg", "triangle"] as const).flatMap((form) =>
      squares((n) => separated(n, n)).map((one) => ({ ...one, params: { form } }))
    ),
  },
  complexSchur: {
    dtypes: PARTS,
    stops: true,
    batchTolerance: 1e-12,
    cases: (["hessenberg", "triangle"] as const).flatMap((form) =>
      complexMatrices([[3, 3], [2, 2, 2], [1, 1], [0, 0]]).map((one) => ({
        ...one,
        params: { form },
      }))
    ),
  },
  pseudoInverse: {
    dtypes: FLOATS,
    through: ([a]) => {
      const { p, rank, s } = pseudoInverse(a, 1e-6);
      return [p, rank, s];
    },
    cases: rectangles,
  },
  fourier: {
    dtypes: FLOATS,
    cases: [1, 2, 3, 5, 8, 11, 14].flatMap((n) =>
      [false, true].map((inverse) => given({ inverse }, argument([2, n]), argument([2, n])))
    ).concat(given({ inverse: false }, argument([0, 3]), argument([0, 3]))),
  },
  fourierOfReal: {
    dtypes: FLOATS,
    cases: [[1], [2, 2], [3], [2, 1, 6], [11], [16], [0, 4]].map((shape) => plain(argument(shape))),
  },
  realOfFourier: {
    dtypes: FLOATS,
    cases: [1, 2, 3, 6, 11, 16].map((length) => {
      const shape = [2, Math.floor(length / 2) + 1];
      return given({ length }, argument(shape), argument(shape));
    }),
  },
  randomGamma: {
    dtypes: FLOATS,
    elementwise: true,
    draws: true,
    cases: [[2, 2], [], [3, 0]].flatMap((shape) =>
      [false, true].map((logSpace) =>
        given(
          { logSpace },
          argument(shape, integers(0, 2 ** 31), "uint32"),
          argument(shape, integers(0, 2 ** 31), "uint32"),
          argument(shape, positive),
        )
      )
    ),
  },
  randomGammaSlope: {
    dtypes: FLOATS,
    elementwise: true,
    cases: [
      given({ order: 1 }, argument([2, 2], positive), argument([2, 2])),
      given({ order: 2 }, argument([], positive), argument([])),
      given({ order: 1 }, argument([0, 2]), argument([0, 2])),
    ],
  },

  gamma: elementwise(FLOATS, between(0.5, 3)),
  beta: elementwise(FLOATS, between(0.5, 3), between(0.5, 3)),
  logBeta: elementwise(FLOATS, between(0.5, 3), between(0.5, 3)),
  pochhammer: elementwise(FLOATS, between(0.5, 3), between(-0.4, 3)),
  polygammaStep: ordered(between(0.8, 3), between(-0.5, 2)),
  incompleteGamma: {
    dtypes: FLOATS,
    cases: [true, false].map((isUpper) =>
      given({ isUpper }, argument([2], between(0.5, 3)), argument([2], between(0.2, 4)))
    ),
  },
  gammaDensity: elementwise(FLOATS, between(0.5, 3), between(0.3, 3)),
  incompleteBeta: slow(between(0.5, 3), between(0.5, 3), between(0.1, 0.9)),
  incompleteBetaSlope: {
    dtypes: FLOATS,
    cases: ([[1, 0], [1, 1]] as const).map((orders, i) => {
      const parameters = [0, 1].map(() => argument([1 - i], between(0.5, 3)));
      return given({ orders }, ...parameters, argument([1 - i], between(0.1, 0.9)));
    }),
  },
  betaDensity: slow(between(0.5, 3), between(0.5, 3), between(0.1, 0.9)),
  besselSeries: ordered(between(0.1, 4)),
  besselScaled: ordered(between(0.1, 4)),
  besselJ: ordered(between(-4, 4)),
  expi: elementwise(FLOATS, between(0.2, 3)),
  expn: {
    dtypes: FLOATS,
    cases: [[2, 2], [], [3, 0]].map((shape) =>
      plain(argument(shape, integers(0, 4), "int32"), argument(shape, between(0.3, 3)))
    ),
  },
  sineIntegral: ordered(between(-4, 4)),
  cosineIntegral: elementwise(FLOATS, between(0.3, 5)),
  fresnel: fresnels,
  fresnelSlope: fresnels,
  spence: ordered(between(0.3, 3)),
  scaledTail: ordered(between(-1, 3)),
  dawson: ordered(between(-3, 3)),
  normalQuantile: elementwise(FLOATS, between(0.1, 0.9)),
  owensT: elementwise(FLOATS, between(-2, 2), between(-2, 2)),
  zeta: ordered(between(1.5, 4), between(0.5, 3)),
  hyp1f1: hypergeometric([[0, 0, 0], [0, 1, 1]], between(-2, 2)),
  hyp2f1: hypergeometric([[0, 0, 0, 0], [0, 0, 1, 1]], between(-0.4, 0.4)),
  faddeeva: partsOf(between(-2, 2), between(-0.5, 2)),
  complexLogGamma: partsOf(between(-2.4, 4), between(0.3, 3)),
  sphericalLegendre: {
    dtypes: FLOATS,
    elementwise: true,
    cases: [[2, 2], [], [3, 0]].map((shape) =>
      plain(
        argument(shape, integers(0, 4), "int32"),
        argument(shape, integers(-2, 3), "int32"),
        argument(shape),
      )
    ),
  },
};

/** A row of an expensive function: on few elements, which the evaluator computes one by one. */
function slow(...domains: Domain[]): Row<null> {
  return {
    dtypes: FLOATS,
    cases: [[2], []].map((shape) => plain(...domains.map((domain) => argument(shape, domain)))),
  };
}

/** A row of a function that has orders, of which 0 is the function itself. */
function ordered(...domains: Domain[]): Row<{ readonly order: number }> {
  return {
    dtypes: FLOATS,
    elementwise: true,
    cases: [[2, 2], [], [0, 2]].map((shape, order) =>
      given({ order }, ...domains.map((domain) => argument(shape, domain)))
    ),
  };
}

/** A row of a hypergeometric function with these derivatives. */
function hypergeometric(
  orders: readonly (readonly number[])[],
  last: Domain,
): Row<{ readonly orders: readonly number[] }> {
  return {
    dtypes: FLOATS,
    cases: orders.map((order, i) => {
      const shape = [1 - i];
      const parameters = order.slice(1).map(() => argument(shape, between(0.5, 3)));
      return given({ orders: order }, ...parameters, argument(shape, last));
    }),
  };
}
