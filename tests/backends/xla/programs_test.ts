/**
 * Random programs over all primitives, with loops and branches, on a device and evaluated.
 *
 * @module
 */
import fc from "fast-check";
import { backendOf } from "../../../src/backends/devices.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { checkResults, growProgram } from "../wasm/random_programs.ts";
import { fromValues } from "../../laws/values.ts";
import { div, iinfo, jit, tensor, toDevice } from "../../../mod.ts";
import type { Dtype, Tensor } from "../../../mod.ts";
import { DTYPES, isFloat } from "../../../src/base/dtype.ts";
import { assertIdentical } from "../../laws/assertions.ts";
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
  const [device] = devices();
  const floats = [
    0,
    -0,
    0.5,
    -0.5,
    1.5,
    -2.5,
    NaN,
    Infinity,
    -Infinity,
    1e10,
    -1e10,
    3.4e38,
    1e300,
  ];
  const halves = [65504, 65519, 65520, -65536, 3.3e38, 2 ** -25, 3e-8, 6e-8, 1.5e-5, 1.0009765625];
  // Ties, and numbers above them by less than float32 can tell.
  const ties = [1 + 2 ** -9 + 2 ** -40, 1 + 2 ** -12 + 2 ** -40, -1 - 2 ** -9];
  const bounds = [127, 128, -129, 255, 256, 32768, -32769, 65536, 2 ** 30 + 2 ** 22 + 1, 16777217];
  for (const from of DTYPES) {
    const values = isFloat(from) ? [...floats, ...halves, ...ties, ...bounds] : bounds;
    const x = fromValues(values, from, [values.length]);
    for (const to of DTYPES) {
      const result = jit((y: Tensor) => y.astype(to))(toDevice(x as Tensor, device));
      assertIdentical([result], [x.astype(to)], `${from} to ${to}`);
    }
  }
});

xlaTest("rounded quotients of integers wrap on a device as by the evaluator", () => {
  const [device] = devices();
  for (const dtype of ["int8", "int16", "int32", "uint8", "uint32"] satisfies Dtype[]) {
    const { min, max } = iinfo(dtype);
    const ends = [min, min + 1, Math.max(min, -1), 0, 1, 2, max];
    const [x, y] = [tensor(ends.map((end) => [end]), { dtype }), tensor(ends, { dtype })];
    for (const roundingMode of ["floor", "trunc"] as const) {
      const f = (x: Tensor, y: Tensor) => div(x, y, { roundingMode });
      const result = jit(f)(toDevice(x, device), toDevice(y, device));
      assertIdentical([result], [f(x, y)], `${dtype}, ${roundingMode}`);
    }
  }
});
