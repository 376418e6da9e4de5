/**
 * Random compositions of functions of complex numbers, and their derivatives, as XLA computes them: what
 * the evaluator gives, to rounding.
 *
 * @module
 */
import fc from "fast-check";
import { complex, vjp } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { flatten } from "../../../src/core/tree.ts";
import { programs, run } from "../../functions/complex_programs.ts";
import type { Step } from "../../functions/complex_programs.ts";
import { between, fromValues, makeRandom } from "../../laws/values.ts";
import { checkOnDevice } from "./agreement.ts";
import { xlaTest } from "./support.ts";

/** Where fast-check begins: the same programs in every run. */
const SEED = 20_261_130;

xlaTest(`random compositions of complex functions are the evaluator's (seed ${SEED})`, () => {
  const law = (steps: readonly Step[], seed: number) => {
    const random = makeRandom(seed);
    const parts = Array.from(
      { length: 5 },
      () => fromValues(between(-0.6, 0.6)(random, 4), "float64", [2, 2]),
    );
    const partsOf = (xs: readonly Tensor[]) => flatten<Tensor>(xs).leaves;
    const f = ([a, b, c, d, e]: readonly Tensor[]) =>
      partsOf(run(steps, [complex(a, b), complex(c, d), e]));
    checkOnDevice(f, parts, JSON.stringify(steps));
    const slope = (xs: readonly Tensor[]) => {
      const [out, pull] = vjp((...ys: Tensor[]) => f(ys), ...xs);
      return pull(out) as Tensor[];
    };
    checkOnDevice(slope, parts, `${JSON.stringify(steps)}, vjp`);
  };
  fc.assert(fc.property(programs, fc.nat({ max: 1000 }), law), { seed: SEED, numRuns: 6 });
});
