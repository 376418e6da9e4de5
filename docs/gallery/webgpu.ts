// WebGPU
// Matrix products on a GPU if available, compared with WebAssembly.
import { devices, jit, random, ready, toDevice } from "@jacobi/jacobi";
import type { Device, Tensor } from "@jacobi/jacobi";
import { openWebGpu } from "@jacobi/jacobi/webgpu";
import { check, table } from "./show.ts";

const N = 512;
const [cpu] = devices();
const gpu = await openWebGpu().then(([device]) => device, (error: Error) => {
  console.log(error.message);
  return null;
});

/** A program dominated by matrix products. */
const power = jit((x: Tensor) => {
  let y = x;
  for (let i = 0; i < 4; i++) y = y.matmul(x).tanh();
  return y;
});
const x = random.normal(random.key(0), [N, N]).div(Math.sqrt(N));

/** The milliseconds of a run of the compiled program, and the result. */
async function time(device: Device): Promise<[milliseconds: number, ArrayLike<number>]> {
  const there = toDevice(x, device);
  await ready(power(there));
  const start = performance.now();
  const result = power(there);
  await ready(result);
  const milliseconds = performance.now() - start;
  return [milliseconds, await result.read() as ArrayLike<number>];
}

const [onCpu, expected] = await time(cpu);
const rows = [{ device: String(cpu), milliseconds: onCpu }];
if (gpu !== null) {
  const [onGpu, found] = await time(gpu);
  rows.push({ device: String(gpu), milliseconds: onGpu });
  const errors = Array.from(found, (value, i) => Math.abs(value - expected[i]));
  check(errors.reduce((a, b) => Math.max(a, b)) < 1e-3, "both devices agree");
}
await table(rows, `Four products of ${N} by ${N}`);
check(expected.length === N * N, "the result has N² elements");
