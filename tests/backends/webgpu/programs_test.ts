/**
 * Random programs over all primitives, with loops and branches, on a device and evaluated.
 *
 * @module
 */
import fc from "fast-check";
import { jit, random, square, sub, tensor, toDevice, where } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { checkResults, growProgram } from "../wasm/random_programs.ts";
import { checkConversions, checkQuotients } from "../agreement.ts";
import { assertEquals } from "../../support/std.ts";
import { device, gpuTest, openPoisoned } from "./support.ts";

const SEED = 20_261_130;

/** How many times as many programs are tried. */
const LONGER = Number(Deno.args.find((arg) => arg.startsWith("--longer="))?.slice(9) ?? 1);

gpuTest("random programs give on a device what the evaluator gives", async () => {
  const place = await openPoisoned();
  const lists = fc.array(fc.nat({ max: 65535 }), { minLength: 40, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(lists, (list) => {
      const sample = growProgram(list, { extremes: false });
      const { program, args } = sample;
      const isDonated = args.map(() => false);
      const options = { place, shardings: [], isDonated };
      const results = backendOf(place).compile(optimize(program), options).run(args);
      checkResults(results, sample);
    }),
    { seed: SEED, numRuns: 25 * LONGER, endOnFailure: true },
  );
});

gpuTest("kernels on a device read what was reshaped in its new shape", () => {
  const x = random.normal(random.key(0), [4, 8, 10]);
  const y = random.normal(random.key(1), [80, 5]);
  const product = (x: Tensor, y: Tensor) => square(x).reshape([4, 80]).matmul(y);
  const [a, b] = [x, y].map((one) => toDevice(one, device()));
  assertTensorsClose(jit(product)(a, b), product(x, y));
});

gpuTest("dtypes are converted on a device as by the evaluator", () => checkConversions(device()));

gpuTest("rounded quotients of integers wrap on a device as by the evaluator", () => {
  checkQuotients(device());
});

gpuTest("constants of 0, and a value less itself, keep NaN, infinities and signs", () => {
  const values = [0, -0, -1, NaN, Infinity, -Infinity, 2];
  const functions: readonly ((x: Tensor) => Tensor)[] = [
    (x) => x.mul(0),
    (x) => x.mul(-0),
    (x) => x.add(0),
    (x) => x.sub(x),
    (x) => x.neg().add(x),
    (x) => sub(0, x),
    (x) => x.div(3).mul(0),
    (x) => where(x.equal(0), x.mul(0), x),
  ];
  for (const dtype of ["float32", "float16", "bfloat16"] as const) {
    const x = tensor(values, { dtype });
    for (const f of functions) {
      const found = jit(f)(toDevice(x, device())).astype("float32").toArray();
      assertEquals(found, f(x).astype("float32").toArray(), `${f} of ${dtype}`);
    }
  }
});
