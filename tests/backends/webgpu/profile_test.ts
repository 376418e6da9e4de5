import {
  cond,
  foriLoop,
  inspect,
  jit,
  matmul,
  ones,
  random,
  scan,
  sort,
  special,
  tensor,
  toDevice,
  tree,
  whileLoop,
} from "../../../mod.ts";
import type { Device, Tensor } from "../../../mod.ts";
import { openWebGpu } from "../../../src/backends/webgpu/mod.ts";
import { assert, assertEquals } from "../../support/std.ts";
import { device, gpuTest } from "./support.ts";

/** A device without timestamps. */
async function openWithoutClock(): Promise<Device> {
  const adapter = await navigator.gpu.requestAdapter();
  const [opened] = await openWebGpu({ device: await adapter!.requestDevice() });
  return opened;
}

/** The numbers of runs of the kernels of a profile, by name. */
function runsOf({ rows }: inspect.Profile<unknown>): Record<string, number> {
  return Object.fromEntries(
    rows.filter(({ kind }) => kind === "kernel").map(({ name, runs }) => [name, runs]),
  );
}

gpuTest("each pass has a row, with its time and its work", async () => {
  for (const gpu of [device(), await openWithoutClock()]) {
    const x = toDevice(random.normal(random.key(0), [64, 64]).mul(0.1), gpu);
    const f = jit((x: Tensor) => sort(matmul(x, x).exp()).sum());
    const expected = f(x).item();
    const profile = inspect.profile(f)(x);
    assertEquals(profile.result.item(), expected);
    const kernels = profile.rows.filter(({ kind }) => kind === "kernel");
    assert(kernels.length >= 3, String(profile));
    const product = kernels.find(({ name }) => name.startsWith("contract"))!;
    assertEquals(product.operations, 2 * 64 ** 3);
    assert(kernels.every(({ bytes, milliseconds }) => bytes > 0 && milliseconds >= 0));
    assert(kernels.some(({ milliseconds }) => milliseconds > 0));
    const total = profile.rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    assert(total > 0 && total <= profile.milliseconds, `${total} of ${profile.milliseconds}`);
    assertEquals(profile.spans.filter(({ kind }) => kind === "program").length, 1);
  }
});

gpuTest("passes in loops are counted", async () => {
  for (const gpu of [device(), await openWithoutClock()]) {
    const f = jit((x: Tensor) => {
      const [y, sums] = scan(
        (c: Tensor, _: null) => [matmul(c, x).tanh(), c.sum()],
        x,
        null,
        { length: 20 },
      );
      const z = whileLoop(
        ({ n }: { n: Tensor; y: Tensor }) => n.less(5),
        ({ n, y }) => ({ n: n.add(1), y: sort(y) }),
        { n: tensor(0, { dtype: "int32" }), y },
      ).y;
      return [cond(z.sum().less(Infinity), (z) => z.mul(2), (z) => z, z), sums];
    });
    const x = toDevice(random.normal(random.key(0), [16, 16]).mul(0.1), gpu);
    const expected = tree.leaves(f(x)).map((leaf) => leaf.data());
    const profile = inspect.profile(f)(x);
    assertEquals(tree.leaves(profile.result).map((leaf) => leaf.data()), expected);
    assertEquals(runsOf(profile)["contract"], 20, String(profile));
    const sorts = profile.rows.filter(({ name }) => name.startsWith("argsort"));
    assert(sorts.length > 0 && sorts.every(({ runs }) => runs >= 5), String(profile));
  }
});

gpuTest("a loop of more passes than one submission can measure", () => {
  const x = toDevice(ones([3]), device());
  const f = jit((x: Tensor) => foriLoop(0, 3000, (_, x) => x.mul(1.001), x));
  const profile = inspect.profile(f)(x);
  assertEquals(profile.result.data(), f(x).data());
  assertEquals(runsOf(profile)["mul"], 3000, String(profile));
});

gpuTest("what the evaluator computes between passes is told", () => {
  const x = toDevice(ones([8]), device());
  const profile = inspect.profile(jit((x: Tensor) => special.zeta(x.mul(2), 1).sum()))(x);
  assert(profile.rows.some(({ kind, name }) => kind === "evaluator" && name.includes("zeta")));
  assert(String(profile).includes("Computed by the evaluator within compiled functions"));
});
