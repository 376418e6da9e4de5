import { assert, assertEquals } from "../../../support/std.ts";
import { float64Operations } from "../../../../src/backends/wasm/kernels/math/float64/mod.ts";
import * as special from "../../../../src/numeric/special.ts";
import table from "../../../fixtures/special.json" with { type: "json" };
import { randomNumbers } from "./against_reference.ts";
import { applyOperation, distance } from "./float64_support.ts";
import { evaluate, primitiveNamed } from "./math_support.ts";

/** Where functions have their ends, turns and seams, and doubles have theirs. */
const edges = [
  [0, Number.MIN_VALUE, 1e-310, 2 ** -1022 - 2 ** -1074, 2 ** -1022, 1e-300, 2 ** -54, 1e-20],
  [0.1, 1 / 3, 0.25, 0.5, Math.SQRT1_2, 1 - 2 ** -53, 1, 1 + 2 ** -52, Math.SQRT2, 1.5, 2, 2.5],
  [3, Math.PI / 4, Math.PI / 2, Math.PI, 4, 8, 10, 26.5, 27.2, 28, 28.5, 36.7, 2 ** 20, 2 ** 28],
  [708.4, 709.782712893384, 709.7827128933841, 710.4758600739439, 710.475860073944],
  [745.1332191019411, 745.1332191019412, 2 ** 52 - 0.5, 2 ** 52, 2 ** 53, 2 ** 53 + 2, 1e20, 1e22],
  // The double that comes closest to a multiple of π/2.
  [6381956970095103 * 2 ** 797, 1e300, Number.MAX_VALUE, Infinity, NaN],
].flat().flatMap((x) => [x, -x]);

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** Doubles of every kind, the same in every run: any bits, and numbers of all usual sizes. */
function doubles(seed: number): () => number {
  const next = randomNumbers(seed);
  const spread = (width: number) => (next() - 0.5) * width + (next() - 0.5) * width * 2 ** -32;
  const kinds = [
    () => {
      words[0] = next() * 2 ** 32;
      words[1] = next() * 2 ** 32;
      return double[0];
    },
    () => spread(3),
    () => spread(30),
    () => spread(1500),
    () => spread(3e6),
    () => Math.sign(spread(1)) * Math.exp(spread(80)),
    () => 1 + spread(2) * 2 ** -Math.floor(next() * 50),
    () => Math.round(spread(100)) / 2,
    () => Math.round(spread(400)) * Math.PI / 4,
  ];
  return () => kinds[Math.floor(next() * kinds.length)]();
}

const COUNT = 20_001;

/** Lists of arguments, every pair of edges among them. */
function points(arity: number): Float64Array[] {
  const next = doubles(arity);
  const lists: number[][] = arity === 1 ? [edges] : [
    edges.flatMap((x) => edges.map(() => x)),
    edges.flatMap(() => edges),
  ];
  return lists.map((list) =>
    Float64Array.from([...list, ...Array.from({ length: COUNT - list.length }, next)])
  );
}

const unaryPoints = points(1);
const binaryPoints = points(2);

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;

/** The power of two below a number's size, as the primitive has it. */
function binadeOf(x: number): number {
  return evaluate(primitiveNamed("binade"), "float64", [Float64Array.of(x)])[0];
}

interface Row {
  /** How many doubles a result may be away from the reference; the largest distance found. */
  readonly ulps?: number;
  /** The size against which the error counts, where results cancel; left out, the result's. */
  readonly scale?: (x: number, y: number) => number;
  readonly params?: unknown;
  readonly of?: Unary;
  readonly ofTwo?: Binary;
}

/** IEEE 754's power, which is the primitive's. */
function power(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
}

/** The angle with the sign of `y`, which `Math.atan2` loses where the angle underflows. */
function angle(y: number, x: number): number {
  const size = Math.abs(Math.atan2(y, x));
  return y < 0 || Object.is(y, -0) ? -size : size;
}

/** The sizes of the terms whose difference `lgamma` and `polygamma` are for negative arguments. */
function lgammaScale(x: number): number {
  return x < 0 ? Math.max(1, Math.abs(special.lgamma(x)), Math.abs(special.lgamma(-x))) : 0;
}

function polygammaScale(order: number): Unary {
  return (x) => {
    if (x >= 0) return 0;
    const value = special.polygamma(order, x);
    const reflected = special.polygamma(order, 1 - x);
    const near = order === 0 ? 0 : special.polygamma(order, Math.ceil(x) - x);
    return 2 * Math.abs(value) + 2 * Math.abs(reflected) + Math.abs(near);
  };
}

function polygammaRow(order: number, ulps: number): Row {
  return {
    of: (x) => special.polygamma(order, x),
    params: { order },
    ulps,
    scale: polygammaScale(order),
  };
}

// Rows without a number of ulps are exact.
const rows: Readonly<Record<string, Row>> = {
  add: { ofTwo: (x, y) => x + y },
  sub: { ofTwo: (x, y) => x - y },
  mul: { ofTwo: (x, y) => x * y },
  div: { ofTwo: (x, y) => x / y },
  neg: { of: (x) => -x },
  abs: { of: Math.abs },
  sign: { of: Math.sign },
  square: { of: (x) => x * x },
  sqrt: { of: Math.sqrt },
  rsqrt: { of: (x) => 1 / Math.sqrt(x) },
  reciprocal: { of: (x) => 1 / x },
  mod: { ofTwo: special.floorMod },
  binade: { of: binadeOf },
  floor: { of: Math.floor },
  ceil: { of: Math.ceil },
  round: { of: special.roundHalfEven },
  trunc: { of: Math.trunc },
  maximum: { ofTwo: Math.max },
  minimum: { ofTwo: Math.min },
  exp: { of: Math.exp, ulps: 1 },
  expm1: { of: Math.expm1, ulps: 2 },
  log: { of: Math.log, ulps: 1 },
  log1p: { of: Math.log1p, ulps: 1 },
  log2: { of: Math.log2, ulps: 1 },
  log10: { of: Math.log10, ulps: 2 },
  cbrt: { of: Math.cbrt, ulps: 1 },
  sin: { of: Math.sin, ulps: 1 },
  cos: { of: Math.cos, ulps: 1 },
  tan: { of: Math.tan, ulps: 2 },
  asin: { of: Math.asin, ulps: 1 },
  acos: { of: Math.acos, ulps: 1 },
  atan: { of: Math.atan, ulps: 2 },
  atan2: { ofTwo: angle, ulps: 2 },
  sinh: { of: Math.sinh, ulps: 3 },
  cosh: { of: Math.cosh, ulps: 2 },
  tanh: { of: Math.tanh, ulps: 3 },
  tanhSlope: { of: special.tanhSlope, ulps: 5 },
  asinh: { of: Math.asinh, ulps: 2 },
  acosh: { of: Math.acosh, ulps: 2 },
  atanh: { of: Math.atanh, ulps: 2 },
  decay: { of: (x) => Math.exp(-Math.abs(x)), ulps: 1 },
  sigmoid: { of: special.sigmoid, ulps: 2 },
  sigmoidBell: { of: special.sigmoidBell, ulps: 5 },
  gaussian: { of: special.gaussian, ulps: 2 },
  erf: { of: special.erf, ulps: 2 },
  erfc: { of: special.erfc, ulps: 2 },
  // Both this and the reference are up to 5 units off the exact values in the middle range.
  erfinv: { of: special.erfinv, ulps: 5 },
  lgamma: { of: special.lgamma, ulps: 3, scale: lgammaScale },
  polygamma: polygammaRow(0, 4),
  "polygamma of order 1": polygammaRow(1, 5),
  "polygamma of order 2": polygammaRow(2, 5),
  "polygamma of order 7": polygammaRow(7, 6),
  logaddexp: {
    ofTwo: special.logaddexp,
    ulps: 2,
    scale: (x, y) => Math.max(1, Math.abs(x), Math.abs(y)),
  },
  pow: { ofTwo: power, ulps: 1 },
};

/** What operations that are given more than the argument are given, by the argument. */
const parts: Readonly<Record<string, readonly [given: readonly Unary[], of: Unary, ulps: number]>> =
  {
    sigmoidOfDecay: [[(x) => Math.exp(-Math.abs(x))], special.sigmoid, 2],
    sigmoidBellOfDecay: [
      [special.sigmoid, (x) => Math.exp(-Math.abs(x))],
      special.sigmoidBell,
      8,
    ],
    erfOfGaussian: [[special.gaussian], special.erf, 2],
    erfcOfGaussian: [[special.gaussian], special.erfc, 2],
  };

for (const [name, [given, of, ulps]] of Object.entries(parts)) {
  Deno.test(`${name} of doubles agrees with its reference within ${ulps} ulp`, () => {
    const [x] = unaryPoints;
    const results = applyOperation(name, [x, ...given.map((f) => x.map(f))]);
    results.forEach((result, i) => {
      const expected = of(x[i]);
      const message = `${name} of ${x[i]} is ${result} instead of ${expected}`;
      assert(distance(result, expected) <= ulps, message);
    });
  });
}

Deno.test("the slope of tanh of doubles, given tanh, is within 1e-13 of its reference", () => {
  const [x] = unaryPoints;
  applyOperation("tanhSlopeOfTanh", [x, x.map(Math.tanh)]).forEach((result, i) => {
    const expected = special.tanhSlope(x[i]);
    const isNear = distance(result, expected) <= 5 ||
      Math.abs(result - expected) <= 1e-13 * expected;
    assert(isNear, `of ${x[i]} it is ${result} instead of ${expected}`);
  });
});

const masks = ["equal", "less", "lessEqual", "isNan", "select"];

Deno.test("every operation on doubles has a row", () => {
  assertEquals(
    Object.keys(float64Operations).toSorted(),
    [
      ...Object.keys(rows).filter((name) => !name.includes(" ")),
      ...masks,
      ...Object.keys(parts),
      "tanhSlopeOfTanh",
    ].toSorted(),
  );
});

for (const [label, { of, ofTwo, ulps = 0, scale, params }] of Object.entries(rows)) {
  const bound = ulps === 0 ? "exactly" : `within ${ulps} ulp`;
  Deno.test(`${label} of doubles agrees with its reference ${bound}`, () => {
    const [name] = label.split(" ");
    const inputs = of === undefined ? binaryPoints : unaryPoints;
    const reference: Binary = ofTwo ?? of!;
    const results = applyOperation(name, inputs, params);
    for (let i = 0; i < results.length; i++) {
      const x = inputs[0][i];
      const y = inputs.at(-1)![i];
      const expected = reference(x, y);
      const apart = distance(results[i], expected);
      const isNear = apart <= ulps || (scale !== undefined && Number.isFinite(apart) &&
        Math.abs(results[i] - expected) <= ulps * 2 ** -52 * scale(x, y));
      assert(isNear, `${label} of ${x} and ${y} is ${results[i]} instead of ${expected}`);
    }
  });
}

Deno.test("exponentials of doubles are right where results are denormal or nearly overflow", () => {
  const ends = [
    -708.3964185322641,
    -708.3964185322642,
    -745.1332191019411,
    -745.1332191019412,
    709.782712893384,
    709.7827128933841,
    710.4758600739439,
    710.475860073944,
  ];
  const low = Array.from({ length: 4000 }, (_, i) => -706 - i / 97);
  const inputs = [Float64Array.from([...ends, ...low, ...low.map((x) => -x), -Infinity, NaN])];
  for (const [name, of, ulps] of [["exp", Math.exp, 1], ["cosh", Math.cosh, 2]] as const) {
    applyOperation(name, inputs).forEach((result, i) => {
      const x = inputs[0][i];
      assert(distance(result, of(x)) <= ulps, `${name} of ${x} is ${result} instead of ${of(x)}`);
    });
  }
});

const comparisons: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  equal: (x, y) => x === y,
  less: (x, y) => x < y,
  lessEqual: (x, y) => x <= y,
  isNan: (x) => Number.isNaN(x),
};

for (const [name, compare] of Object.entries(comparisons)) {
  Deno.test(`${name} of doubles leaves masks of 64 bits`, () => {
    const [x, y] = binaryPoints;
    const results = applyOperation(name, name === "isNan" ? [x] : [x, y]);
    const lanes = new BigInt64Array(results.buffer);
    for (let i = 0; i < lanes.length; i++) {
      assertEquals(lanes[i], compare(x[i], y[i]) ? -1n : 0n, `${name} of ${x[i]} and ${y[i]}`);
    }
  });
}

Deno.test("select of doubles takes lanes by a mask", () => {
  const [x, y] = binaryPoints;
  const mask = new Float64Array(BigInt64Array.from(x, (_, i) => i % 3 === 0 ? -1n : 0n).buffer);
  const results = applyOperation("select", [mask, x, y]);
  assertEquals(results, Float64Array.from(x, (value, i) => i % 3 === 0 ? value : y[i]));
});

Deno.test("operations keep nothing from one vector to the next", () => {
  for (const [label, { of, params }] of Object.entries(rows)) {
    const [name] = label.split(" ");
    const inputs = of === undefined ? binaryPoints : unaryPoints;
    const some = inputs.map((input) => input.slice(0, 400));
    const backwards = applyOperation(name, some.map((input) => input.toReversed()), params);
    assertEquals(
      backwards.toReversed(),
      applyOperation(name, some, params),
      `${label} depends on the order`,
    );
  }
});

interface TableRow {
  readonly rows: readonly (readonly number[])[];
  readonly ulps: number;
  readonly params?: unknown;
}

const tables: Readonly<Record<string, TableRow>> = {
  erf: { rows: table.erf, ulps: 3 },
  erfc: { rows: table.erfc, ulps: 7 },
  erfinv: { rows: table.erfinv, ulps: 5 },
  sigmoid: { rows: table.sigmoid, ulps: 2 },
  lgamma: { rows: table.lgamma.filter(([x]) => x > 0), ulps: 4 },
  polygamma: { rows: table.digamma.filter(([x]) => x > 0), ulps: 3, params: { order: 0 } },
  "polygamma of order 1": {
    rows: table.polygamma.filter(([order, x]) => order === 1 && x > 0).map((row) => row.slice(1)),
    ulps: 4,
    params: { order: 1 },
  },
};

for (const [label, { rows, ulps, params }] of Object.entries(tables)) {
  Deno.test(`${label} of doubles is within ${ulps} ulp of its exact values`, () => {
    const [name] = label.split(" ");
    const results = applyOperation(name, [Float64Array.from(rows, ([x]) => x)], params);
    rows.forEach(([x, expected], i) => {
      const apart = distance(results[i], expected);
      assert(apart <= ulps, `${label} of ${x} is ${results[i]} instead of ${expected}: ${apart}`);
    });
  });
}
