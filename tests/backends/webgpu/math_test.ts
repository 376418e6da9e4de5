/**
 * Elementary functions of float32 on a device beside the evaluator's of float64: how far they are off, in
 * units in the last place, over all floats and where functions change.
 *
 * @module
 */
import { tensor, toDevice } from "../../../mod.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
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
function errorOf(given: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(given, rounded) || given === rounded) return 0;
  // The last float and what is beyond it; and subnormal numbers, also within, may be taken for 0.
  if (Math.min(Math.abs(given), Math.abs(exact)) > 3.4e38 && given * exact > 0) return 0;
  if (Math.abs(given - exact) <= 2 ** -125) return 0;
  const error = Math.abs(given - exact) / unit(exact);
  return Number.isNaN(error) ? Infinity : error;
}

for (const [name, bound] of Object.entries(BOUNDS)) {
  gpuTest(`${name} on a device is within ${bound} units in the last place`, () => {
    const primitive = primitives[name as PrimitiveName] as Primitive<unknown>;
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
      const run = (xs: readonly Concrete[]) => dense(bind(primitive, xs, null)[0] as Concrete);
      const given = run(args.map((x) => toDevice(tensor(x), device()) as Concrete));
      const exact = run(args.map((x) => tensor(Float64Array.from(x)) as Concrete));
      for (let i = 0; i < COUNT; i++) {
        const at = args.map((values) => values[i]).join(", ");
        const error = errorOf(given[i], exact[i]);
        assert(
          error <= bound,
          `${name}(${at}) is ${given[i]}, expected ${exact[i]}: off by ${error}`,
        );
      }
    }
  });
}
