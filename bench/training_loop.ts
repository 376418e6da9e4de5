/**
 * Time and memory of a training loop, depending on how it holds its state: with donation, without, and
 * without donation but with an `await` in each step. Run it with
 *
 *     deno run -A bench/training_loop.ts [how] [steps] [memoryLimit in MiB]
 *
 * where `how` is `donate`, `plain` or `await`. The state is 4 MiB of weights, which a step moves against
 * a gradient. The script prints the milliseconds of a step for each tenth of the loop, and the peak
 * resident memory.
 *
 * @module
 */
import { configure, grad, jit, matmul, random } from "../mod.ts";
import type { Tensor } from "../mod.ts";

const [how = "plain", steps = "2000", limit] = Deno.args;
if (limit !== undefined) configure({ memoryLimit: Number(limit) * 2 ** 20 });

const x = random.normal(random.key(0), [4, 1024]);
const loss = (w: Tensor) => matmul(x, w).tanh().square().mean();
const step = jit(
  (w: Tensor) => w.sub(grad(loss)(w).mul(0.1)),
  how === "donate" ? { donateArgnums: [0] } : {},
);

/** The peak resident memory so far, in MB. */
function peak(): string {
  const status = Deno.readTextFileSync("/proc/self/status");
  return (Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024).toFixed(0);
}

let w = step(random.normal(random.key(1), [1024, 1024]).div(32));
console.log(`${how}: at first ${peak()} MB`);
const part = Math.ceil(Number(steps) / 10);
for (let i = 0; i < 10; i++) {
  const times: number[] = [];
  for (let j = 0; j < part; j++) {
    const start = performance.now();
    w = step(w);
    times.push(performance.now() - start);
    if (how === "await") await new Promise((resolve) => setTimeout(resolve, 0));
  }
  times.sort((a, b) => a - b);
  const median = times[part >> 1].toFixed(2);
  const mean = (times.reduce((sum, time) => sum + time, 0) / part).toFixed(2);
  console.log(
    `${part * (i + 1)} steps: median ${median} ms, mean ${mean} ms, ${peak()} MB at most`,
  );
}
