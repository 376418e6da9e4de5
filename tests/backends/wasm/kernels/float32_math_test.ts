import { float32Operations } from "../../../../src/backends/wasm/kernels/math/float32/mod.ts";
import * as special from "../../../../src/numeric/special.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import {
  asFloats,
  BLOCK,
  compile,
  type Distance,
  evaluate,
  hash,
  type Points,
  primitiveNamed,
  ulps,
  worstError,
} from "./math_support.ts";

const exactUnary = ["neg", "abs", "sign", "square", "sqrt", "reciprocal"];
const exactRounding = ["binade", "floor", "ceil", "round", "trunc"];
const exactBinary = ["add", "sub", "mul", "div", "mod", "maximum", "minimum"];
const comparisons = ["equal", "less", "lessEqual"];

/** The largest error of each function in units of the last place, over all floats. */
const bounds: Readonly<Record<string, number>> = {
  rsqrt: 1.5,
  exp: 1.05,
  expm1: 1.7,
  log: 0.9,
  log1p: 1.55,
  sin: 1.6,
  cos: 1.6,
  tanh: 1.5,
  tanhSlope: 5,
  sigmoid: 2.4,
  sigmoidBell: 5,
  gaussian: 1.6,
  erf: 1.2,
  erfc: 0.52,
  tan: 0.502,
  asin: 0.501,
  acos: 0.501,
  atan: 0.501,
  log2: 0.501,
  log10: 0.501,
  cbrt: 0.501,
  sinh: 0.501,
  cosh: 0.501,
  asinh: 0.501,
  acosh: 0.501,
  atanh: 0.501,
  erfinv: 0.501,
  lgamma: 0.501,
};

const binaryBounds: Readonly<Record<string, number>> = {
  atan2: 0.501,
  pow: 0.501,
};

/** A function of a number. */
type Real = (x: number) => number;

const decay: Real = (x) => Math.exp(-Math.abs(x));

const scratch = new Uint32Array(1);

function bitsOf(x: number): number {
  asFloats(scratch)[0] = x;
  return scratch[0];
}

const edges = [
  ...[0, 1, 2, 3, 0.5, 1.5, 2.5, 7, 10, 2 ** -126, 2 ** -149, 2 ** 23, 2 ** 24, 2 ** 31, 2 ** 32],
  // Where exponentials become 0, subnormal, infinite, and where hyperbolic ones round to 1.
  ...[103.97, 103.28, 87.33655, 88.72284, 89.41599, 9.01, 9.1, 16.64, 52, 53],
  // Where formulas change.
  ...[0.55, 0.9, 3.95, 10.1, 6400, Math.SQRT1_2, Math.SQRT2, Math.SQRT2 - 1, 2.41421356],
  Infinity,
];

/** Zeros, NaN of several bits, and the floats around others, with both signs. */
const specialBits: readonly number[] = [
  ...edges.flatMap((x) => [-3, -2, -1, 0, 1, 2, 3].map((step) => Math.max(bitsOf(x) + step, 0))),
  ...[0x7fc00000, 0x7fc12345, 0x7fffffff, 0x7f800001],
].flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]);

/** Floats next to multiples of a quarter turn, near ones and far ones. */
const quarterBits: readonly number[] = Array.from({ length: 12000 }, (_, i) => {
  const turns = i < 9000 ? i : Math.floor(1.01 ** (i - 9000) * 100);
  const bits = bitsOf(turns * (Math.PI / 2));
  return bits < 0x7f800000 ? bits : i;
});

/** Of their exponents, the floats that are nearest to a multiple of a quarter turn. */
const nearestQuarterBits: readonly number[] = [
  ...[0x460be628, 0x468be628, 0x474d246f, 0x47cd246f, 0x484d246f, 0x4882665e, 0x4902665e],
  ...[0x4982665e, 0x4c2332e9, 0x50a3e87f, 0x5123e87f, 0x51a3e87f, 0x53b146a6, 0x65898498],
  ...[0x6a1976f1, 0x6a9976f1, 0x6c55da58, 0x6f79be45, 0x6ff9be45, 0x7079be45, 0x70f9be45],
  ...[0x77584625, 0x7cff01bd, 0x7d7f01bd, 0x7dff01bd, 0x7e7f01bd, 0x7ebdcda0, 0x7f3dcda0],
];

/** Floats throughout, twice as dense where functions are neither flat nor straight. */
function sweep(step: number): Points {
  const everywhere = Math.floor(2 ** 32 / step);
  // From 1/16 to 128, each sign.
  const first = bitsOf(1 / 16);
  const dense = Math.floor((bitsOf(128) - first) / step);
  const listed = [...specialBits, ...quarterBits, ...nearestQuarterBits];
  return {
    length: everywhere + 2 * dense + listed.length,
    bits(i) {
      if (i < everywhere) return i * step;
      if (i < everywhere + dense) return first + (i - everywhere) * step + (step >> 1);
      if (i < everywhere + 2 * dense) {
        return (0x80000000 | (first + (i - everywhere - dense) * step + (step >> 1))) >>> 0;
      }
      return listed[i - everywhere - 2 * dense];
    },
  };
}

/** All pairs of some special floats, then floats of any bits, then moderate ones. */
const pairs: Points = (() => {
  const chosen = specialBits.filter((_, i) => i % 3 === 0 || i < 14);
  const moderate = (bits: number) => bitsOf((bits / 2 ** 32 - 0.5) * 40);
  const special = chosen.length ** 2;
  return {
    length: special + 200_000,
    bits(i, operand) {
      if (i < special) {
        return chosen[operand === 0 ? i % chosen.length : Math.floor(i / chosen.length)];
      }
      const bits = hash(2 * i + operand);
      return i < special + 100_000 ? bits : moderate(bits);
    },
  };
})();

function isSame(x: number, y: number): boolean {
  return Object.is(x, y);
}

/** Runs an operation and its primitive over points, in float32, and gives the first difference. */
function firstDifference(name: string, arity: number, points: Points): unknown {
  const { inputs, output, run } = compile(float32Operations[name], { arity });
  const isComparison = comparisons.includes(name) || name === "isNan";
  for (let from = 0; from < points.length; from += BLOCK) {
    inputs.forEach((block, operand) => {
      for (let i = 0; i < BLOCK; i++) block[i] = points.bits((from + i) % points.length, operand);
    });
    run();
    const floats = inputs.map(asFloats);
    const wanted = evaluate(primitiveNamed(name), "float32", floats.map((x) => x.slice()));
    // A comparison leaves all bits set where it holds.
    const actual = isComparison
      ? output.map((bits) => bits === 0xffffffff ? 1 : bits)
      : asFloats(output);
    const at = wanted.findIndex((x, i) => !isSame(x, actual[i]));
    if (at >= 0) {
      return { inputs: floats.map((x) => x[at]), wanted: wanted[at], actual: actual[at] };
    }
  }
  return undefined;
}

for (const name of [...exactUnary, ...exactRounding, "isNan"]) {
  Deno.test(`${name} of vectors of float32 equals its primitive`, () => {
    assertEquals(firstDifference(name, 1, sweep(9973)), undefined);
  });
}

for (const name of [...exactBinary, ...comparisons]) {
  Deno.test(`${name} of vectors of float32 equals its primitive`, () => {
    assertEquals(firstDifference(name, 2, pairs), undefined);
  });
}

/** Fails if an operation is further from its primitive in double precision than it states. */
function assertBound(
  name: string,
  bound: number,
  arity: number,
  points: Points,
  params: unknown = null,
  distance: Distance = ulps,
): void {
  for (const unfused of [false, true]) {
    const compiled = compile(float32Operations[name], { arity, params, unfused });
    const worst = worstError(compiled, primitiveNamed(name), points, params, distance);
    const rounding = unfused ? "rounded products" : "products as the machine likes";
    assert(worst.error <= bound, `${name} with ${rounding}: ${Deno.inspect(worst)}`);
  }
}

for (const [name, bound] of Object.entries(bounds)) {
  Deno.test(`${name} of vectors of float32 is within ${bound} ulp`, () => {
    assertBound(name, bound, 1, sweep(name === "lgamma" ? 39989 : 3989));
  });
}

/** What operations that are given more than the argument are given, and what they compute. */
const parts: Readonly<Record<string, readonly [given: readonly Real[], of: Real, bound: number]>> =
  {
    decay: [[], decay, 1.05],
    sigmoidOfDecay: [[decay], special.sigmoid, 2.4],
    sigmoidBellOfDecay: [[special.sigmoid, decay], special.sigmoidBell, 5],
    tanhOfDecay: [[(x) => decay(2 * x)], Math.tanh, 1.5],
    tanhSlopeOfDecay: [[Math.tanh, (x) => decay(2 * x)], special.tanhSlope, 5],
  };

for (const [name, [given, of, bound]] of Object.entries(parts)) {
  Deno.test(`${name} of vectors of float32 is within ${bound} ulp`, () => {
    const points = sweep(39989);
    const { inputs, output, run } = compile(float32Operations[name], { arity: given.length + 1 });
    const [x, ...others] = inputs.map(asFloats);
    for (let from = 0; from < points.length; from += BLOCK) {
      for (let i = 0; i < BLOCK; i++) inputs[0][i] = points.bits((from + i) % points.length, 0);
      others.forEach((other, k) => x.forEach((value, i) => other[i] = given[k](value)));
      run();
      asFloats(output).forEach((actual, i) => {
        const error = ulps(actual, of(x[i]));
        assert(error <= bound, `${name} of ${x[i]} is ${actual}, ${error} ulp off`);
      });
    }
  });
}

for (const [name, bound] of Object.entries(binaryBounds)) {
  Deno.test(`${name} of vectors of float32 is within ${bound} ulp`, () => {
    assertBound(name, bound, 2, pairs);
  });
}

Deno.test("logaddexp of vectors of float32 is within 2.2 ulp where its terms do not cancel", () => {
  const more = 400_000;
  const points: Points = {
    length: pairs.length + more,
    bits(i, operand) {
      const bits = pairs.bits(i % pairs.length, operand);
      // With one operand that is not negative.
      if (i < pairs.length) return operand === 0 ? bits & 0x7fffffff : bits;
      const part = hash(2 * i + operand) / 2 ** 32;
      return bitsOf(operand === 0 ? 2 ** (-40 * part) : -40 * part ** 2);
    },
  };
  assertBound("logaddexp", 2.2, 2, points);
});

Deno.test("logaddexp of vectors of float32 is within 2.2 ulp or 1e-7 anywhere", () => {
  const distance: Distance = (actual, exact) =>
    Math.abs(actual - exact) < 1e-7 ? 0 : ulps(actual, exact);
  assertBound("logaddexp", 2.2, 2, pairs, null, distance);
});

for (const order of [0, 1, 2, 5]) {
  Deno.test(`polygamma of order ${order} of vectors of float32 is within 0.501 ulp`, () => {
    assertBound("polygamma", 0.501, 1, sweep(199999), { order });
  });
}

Deno.test("select of vectors of float32 takes lanes by its mask", () => {
  const { inputs, output, run } = compile(float32Operations.select, { arity: 3 });
  for (let i = 0; i < BLOCK; i++) {
    inputs[0][i] = hash(i) % 2 === 0 ? 0 : 0xffffffff;
    inputs[1][i] = hash(3 * i);
    inputs[2][i] = hash(5 * i + 1);
  }
  run();
  assertEquals(output.slice(), inputs[0].map((mask, i) => inputs[mask === 0 ? 2 : 1][i]));
});

Deno.test("no element of a vector of float32 depends on its neighbours", () => {
  const values = Array.from({ length: BLOCK }, (_, i) => i % 2 === 0 ? i / 100 : i * 1e5);
  for (const name of Object.keys({ ...bounds, ...binaryBounds, logaddexp: 0, mod: 0 })) {
    const arity = name in bounds ? 1 : 2;
    const { inputs, output, run } = compile(float32Operations[name], { arity });
    const [first, second] = inputs;
    asFloats(first).set(values);
    if (second !== undefined) asFloats(second).set(values.map((_, i) => i % 3 - 1.25));
    run();
    const together = output.slice();
    // Each vector now holds four equal elements.
    for (let lane = 0; lane < 4; lane++) {
      asFloats(first).set(values.map((_, i) => values[(i & ~3) + lane]));
      if (second !== undefined) {
        asFloats(second).set(values.map((_, i) => ((i & ~3) + lane) % 3 - 1.25));
      }
      run();
      const wrong = together.findIndex((bits, i) => i % 4 === lane && bits !== output[i]);
      assert(wrong < 0, `${name} of ${values[wrong]} depends on its neighbours`);
    }
  }
});

Deno.test("every operation on vectors of float32 is tested", () => {
  const names = [
    ...[...exactUnary, ...exactRounding, "isNan", ...exactBinary, ...comparisons],
    ...[
      ...Object.keys(bounds),
      ...Object.keys(binaryBounds),
      ...Object.keys(parts),
      "logaddexp",
      "polygamma",
      "select",
    ],
  ];
  assertEquals(Object.keys(float32Operations).toSorted(), names.toSorted());
});
