/**
 * Elementary functions of float32 on a device beside the evaluator's of float64: how far they are off, in
 * units in the last place, over all floats and where functions change.
 *
 * @module
 */
import { tensor, toDevice } from "../../../mod.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
import * as special from "../../../src/numeric/special.ts";
import { bind } from "../../../src/core/trace.ts";
import { dense } from "../../../src/core/tensor.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { primitives } from "../../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../../src/primitives/mod.ts";
import { makeRandom, seedOf } from "../../laws/values.ts";
import { assert } from "../../support/std.ts";
import { device, gpuTest } from "./support.ts";

/** The bounds; those of functions that divide hold where quotients are rounded. */
const BOUNDS: Partial<Record<PrimitiveName, number>> = {
  exp: 1.8,
  expm1: 1.8,
  sigmoid: 2.7,
  sigmoidBell: 5.5,
  tanh: 1.8,
  tanhSlope: 5.5,
  log: 1,
  log1p: 1.7,
  log2: 0.51,
  log10: 0.52,
  pow: 1.9,
  cbrt: 1.1,
  sinh: 3.8,
  cosh: 3.8,
  asinh: 2,
  acosh: 2,
  atanh: 2,
  sin: 1.6,
  cos: 1.6,
  tan: 3,
  asin: 2.5,
  acos: 1.5,
  atan: 2.6,
  atan2: 2.6,
  gaussian: 2.4,
  erf: 1.3,
  erfc: 5,
};

const COUNT = 2048;

/** Where arguments are drawn from. */
const domains: readonly ((random: () => number) => number)[] = [
  (random) => new Float32Array(Uint32Array.of(Math.floor(random() * 2 ** 32)).buffer)[0],
  (random) => (random() * 2 - 1) * 20,
  (random) => (random() * 2 - 1) * 1.0001,
  (random) => 1 + (random() * 2 - 1) * 1e-3,
  (random) => (random() * 2 - 1) * 1e5,
  (random) => (random() * 2 - 1) * 110,
];

/** Numbers where functions end or have none. */
const ENDS = [0, -0, 1, -1, Infinity, -Infinity, NaN, 2, -2, 0.5];

/** The distance of neighbouring floats. */
function unit(value: number): number {
  return 2 ** (Math.floor(Math.log2(Math.max(Math.abs(value), 2 ** -126))) - 23);
}

/** How far a result is off; infinitely where it is of another kind. */
function errorOf(given: number, exact: number, size: number = exact): number {
  const rounded = Math.fround(exact);
  if (Object.is(given, rounded) || given === rounded) return 0;
  // The last float and what is beyond it; and subnormal numbers, also within, may be taken for 0.
  if (Math.min(Math.abs(given), Math.abs(exact)) > 3.4e38 && given * exact > 0) return 0;
  if (Math.abs(given - exact) <= 2 ** -125) return 0;
  const error = Math.abs(given - exact) / unit(size);
  return Number.isNaN(error) ? Infinity : error;
}

/** What errors are relative to where it is not the result: the terms that cancel in it. */
type Scale = (x: number, exact: number) => number;

interface Case {
  readonly name: PrimitiveName;
  readonly bound: number;
  readonly params?: unknown;
  readonly scale?: Scale;
}

function lgammaScale(x: number, exact: number): number {
  return x >= 0 ? Math.abs(exact) : Math.max(1, Math.abs(exact), Math.abs(special.lgamma(-x)));
}

/** Of reflections: the terms with positive base, and those with negative base. */
function polygammaScale(order: number): Scale {
  return (x, exact) => {
    if (!(x < 0)) return Math.abs(exact);
    const parts = order === 0 ? [1 - x] : [Math.ceil(x) - x, 1 - Math.ceil(x) + x, 1 - x];
    return parts.reduce(
      (sum, part) => sum + Math.abs(special.polygamma(order, part)),
      Math.abs(exact),
    );
  };
}

const cases: readonly Case[] = [
  ...Object.entries(BOUNDS).map(([name, bound]) => ({ name: name as PrimitiveName, bound })),
  { name: "erfinv", bound: 3 },
  { name: "lgamma", bound: 4, scale: lgammaScale },
  ...[0, 1, 2, 3, 4, 9, 30].map((order) => ({
    name: "polygamma" as const,
    bound: order === 0 ? 6 : order + 8,
    params: { order },
    scale: polygammaScale(order),
  })),
];

for (const { name, bound, params = null, scale } of cases) {
  const shown = params === null ? name : `${name} with ${JSON.stringify(params)}`;
  gpuTest(`${shown} on a device is within ${bound} units in the last place`, () => {
    const primitive = primitives[name] as Primitive<unknown>;
    const random = makeRandom(seedOf(name));
    const count = name === "pow" || name === "atan2" ? 2 : 1;
    for (const domain of domains) {
      const args = Array.from({ length: count }, (_, k) => {
        const values = Float32Array.from({ length: COUNT }, () => domain(random));
        ENDS.forEach((_, i) =>
          ENDS.forEach((end, j) => values[i * ENDS.length + j] = k === 0 ? ENDS[i] : end)
        );
        return values;
      });
      const run = (xs: readonly Concrete[]) => dense(bind(primitive, xs, params)[0] as Concrete);
      const given = run(args.map((x) => toDevice(tensor(x), device()) as Concrete));
      const exact = run(args.map((x) => tensor(Float64Array.from(x)) as Concrete));
      for (let i = 0; i < COUNT; i++) {
        const at = args.map((values) => values[i]).join(", ");
        const error = errorOf(given[i], exact[i], scale?.(args[0][i], exact[i]));
        assert(
          error <= bound,
          `${shown}(${at}) is ${given[i]}, expected ${exact[i]}: off by ${error}`,
        );
      }
    }
  });
}
