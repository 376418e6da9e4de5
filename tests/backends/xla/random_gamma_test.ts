/**
 * Gamma numbers on a device: thousands of draws, of which some are rejected several times, and
 * concentrations at the ends of their range.
 *
 * @module
 */
import { arange, random } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { bind } from "../../../src/core/trace.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { primitives } from "../../../src/primitives/mod.ts";
import type { Flat } from "../../laws/laws.ts";
import { fromValues } from "../../laws/values.ts";
import { checkOnDevice } from "./agreement.ts";
import { xlaTest } from "./support.ts";

function words(key: number, count: number): Concrete {
  return random.bits(random.key(key), [count]) as Tensor as Concrete;
}

xlaTest("gamma numbers on a device are those of the evaluator", () => {
  const count = 4000;
  for (const dtype of ["float32", "float64"] as const) {
    const powers = arange(count).mod(20).div(2).sub(3).mul(Math.LN2).exp().astype(dtype);
    for (const logSpace of [false, true]) {
      const draw: Flat = (xs) => bind(primitives.randomGamma, xs, { logSpace });
      const args = [words(1, count), words(2, count), powers as Concrete];
      checkOnDevice(draw, args, `${dtype}, logarithms: ${logSpace}`);
    }
  }
});

xlaTest("gamma numbers of concentrations that are extreme or none are the evaluator's", () => {
  const extremes = [NaN, -1, 0, Infinity, 1e-300, 1e300, 3];
  const args = [words(1, 7), words(2, 7), fromValues(extremes, "float64", [7])];
  for (const logSpace of [false, true]) {
    checkOnDevice((xs) => bind(primitives.randomGamma, xs, { logSpace }), args, `${logSpace}`);
  }
});

xlaTest("the slopes of gamma numbers on a device are the evaluator's", () => {
  const concentrations = [1e-5, 0.3, 0.9, 1, 1.4, 5, 15.9, 16, 1e3, 1e6];
  const offsets = [-300, -5, -0.3, 0, 0.2, 2];
  const pairs = concentrations.flatMap((a) =>
    offsets.map((offset) => [a, Math.log(a) + (a > 50 ? offset / Math.sqrt(a) : offset)])
  );
  const extremes = [NaN, -1, 0, Infinity].map((a) => [a, 1])
    .concat([NaN, 701, -Infinity, Infinity].map((y) => [1, y]), [[0.5, -800]]);
  for (const order of [1, 2]) {
    const slope: Flat = (xs) => bind(primitives.randomGammaSlope, xs, { order });
    for (const [label, list] of Object.entries({ pairs, extremes })) {
      const args = [0, 1].map((part) =>
        fromValues(list.map((pair) => pair[part]), "float64", [list.length])
      );
      checkOnDevice(slope, args, `${label}, order ${order}`);
    }
  }
});
