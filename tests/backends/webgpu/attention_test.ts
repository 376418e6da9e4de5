/**
 * Attention on the device, long enough for kernels of its own on drivers that run on the CPU too.
 *
 * @module
 */
import { grad, jit, makeProgram, nn, random, toDevice } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { executableOf } from "../../../src/backends/run.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { assert } from "../../support/std.ts";
import { device, gpuTest } from "./support.ts";

gpuTest("long attention and its gradients are those of the CPU, without the scores", async () => {
  const x = [0, 1, 2].map((i) => random.normal(random.key(i), [1, 3000, 32]));
  const f = (q: Tensor, k: Tensor, v: Tensor) =>
    nn.scaledDotProductAttention(q, k, v, { isCausal: true });
  const slopes = (q: Tensor, k: Tensor, v: Tensor) =>
    grad((q: Tensor, k: Tensor, v: Tensor) => f(q, k, v).square().sum(), { argnums: [0, 1, 2] })(
      q,
      k,
      v,
    );
  const run = (...x: Tensor[]) => {
    const [q, k, v] = x;
    return [f(q, k, v), ...slopes(q, k, v)];
  };
  const there = x.map((one) => toDevice(one, device()));
  const expected = jit(run)(...x);
  for (const [i, one] of jit(run)(...there).entries()) {
    await one.read();
    assertTensorsClose(one, expected[i], { rtol: 1e-4, atol: 1e-5 });
  }
  const { workspace, kernels } = executableOf(makeProgram(run)(...there), there as Concrete[])
    .describe();
  const names = kernels.map(({ name }) => name);
  assert(names.includes("attention") && names.includes("attentionPull"), String(names));
  assert(workspace <= 4 * 3000 * (3 * 32 + 3), String(workspace));
});
