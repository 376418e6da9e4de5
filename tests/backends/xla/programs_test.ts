/**
 * Random programs over all primitives, with loops and branches, on a device and evaluated.
 *
 * @module
 */
import fc from "fast-check";
import { backendOf } from "../../../src/backends/devices.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { checkResults, growProgram } from "../wasm/random_programs.ts";
import { checkConversions, checkQuotients } from "../agreement.ts";
import { devices, xlaTest } from "./support.ts";

const SEED = 20_261_130;

/** How many times as many programs are tried. */
const LONGER = Number(Deno.args.find((arg) => arg.startsWith("--longer="))?.slice(9) ?? 1);

xlaTest("random programs give on a device what the evaluator gives", () => {
  const [device] = devices();
  const lists = fc.array(fc.nat({ max: 65535 }), { minLength: 40, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(lists, (list) => {
      const sample = growProgram(list, { extremes: false });
      const { program, args } = sample;
      const optimized = optimize(program);
      const isDonated = args.map(() => false);
      const options = { place: device, shardings: [], isDonated };
      const results = backendOf(device).compile(optimized, options).run(args);
      checkResults(results, sample);
    }),
    { seed: SEED, numRuns: 40 * LONGER, endOnFailure: true },
  );
});

xlaTest("dtypes are converted on a device as by the evaluator", () => {
  checkConversions(devices()[0]);
});

xlaTest("rounded quotients of integers wrap on a device as by the evaluator", () => {
  checkQuotients(devices()[0]);
});
