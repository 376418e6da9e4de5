/**
 * Random programs over all primitives, with loops and branches, on a device and evaluated.
 *
 * @module
 */
import fc from "fast-check";
import { backendOf } from "../../../src/backends/devices.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import { dense } from "../../../src/core/tensor.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { assert } from "../../support/std.ts";
import { agrees, growProgram } from "../wasm/random_programs.ts";
import { devices, xlaTest } from "./support.ts";

const SEED = 20_261_130;

/** How many times as many programs are tried. */
const LONGER = Number(Deno.args.find((arg) => arg.startsWith("--longer="))?.slice(9) ?? 1);

xlaTest("random programs give on a device what the evaluator gives", () => {
  const [device] = devices();
  const lists = fc.array(fc.nat({ max: 65535 }), { minLength: 40, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(lists, (list) => {
      const { program, args, errors } = growProgram(list, { extremes: false });
      const optimized = optimize(program);
      const isDonated = args.map(() => false);
      const options = { place: device, shardings: [], isDonated };
      const results = backendOf(device).compile(optimized, options).run(args);
      makeRunner(program)(args).forEach((expected, i) => {
        const [given, wanted] = [dense(results[i]), dense(expected)];
        const wrong = wanted.findIndex((value, k) => !agrees(given[k], value, errors[i]));
        assert(
          wrong < 0,
          `result ${i}, element ${wrong} is ${given[wrong]}, expected ${wanted[wrong]}`,
        );
      });
    }),
    { seed: SEED, numRuns: 40 * LONGER, endOnFailure: true },
  );
});
