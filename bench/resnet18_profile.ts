/**
 * Where does the time of a compiled training step of ResNet-18 go?
 *
 *     deno run bench/resnet18_profile.ts [images] [size]
 *
 * Runs each step of the program by itself, on all threads, and prints the slowest with the best of
 * their times. Results get memory of their own here, so updates of weights take longer than in place.
 */
import { models, nn, optim, random, tree, valueAndGrad, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { assemble } from "../src/backends/wasm/executable.ts";
import { optimize } from "../src/passes/mod.ts";
import type { Concrete } from "../src/core/tensor.ts";
import { makeProgram } from "../src/transforms/stage.ts";

const [images = 1, size = 64] = Deno.args.map(Number);
const RUNS = 10;
const SHOWN = 30;

const model = models.resnet18();
const [params, state] = model.init(random.key(0));
const optimizer = optim.sgd(0.01, { momentum: 0.9 });
const memory = optimizer.init(params);
const image = random.uniform(random.key(1), [images, 3, size, size]);
const labels = zeros([images], { dtype: "int32" });

function step(p: typeof params, s: typeof state, m: typeof memory, x: Tensor): unknown {
  const [[loss, next], gradients] = valueAndGrad((p: typeof params) => {
    const [logits, next] = model.apply(p, s, x, { train: true });
    return [nn.crossEntropy(logits, labels), next] as const;
  }, { hasAux: true })(p);
  const [updates, nextMemory] = optimizer.update(gradients, m, p);
  return [optim.applyUpdates(p, updates), next, nextMemory, loss];
}

const args = [params, state, memory, image] as const;
const program = optimize(makeProgram(step)(...args));
const best: number[] = [];
const { run, schedule } = assemble(program, program.binders.map(() => false), {
  timed: (i, time) => best[i] = Math.min(best[i] ?? Infinity, time),
});
for (let i = 0; i < RUNS; i++) run(tree.leaves(args) as Concrete[]);

const rows = schedule.steps.map((one, i) => ({
  time: best[i],
  name: "task" in one
    ? `${one.task.equation.primitive.name} (evaluator)`
    : `${one.chunks} chunks: ${one.calls.map(({ name }) => name).join("; ")}`,
}));
const total = rows.reduce((sum, { time }) => sum + time, 0);
console.log(`${total.toFixed(2)} ms in ${rows.length} steps`);
for (const { time, name } of rows.toSorted((a, b) => b.time - a.time).slice(0, SHOWN)) {
  console.log(`${time.toFixed(3).padStart(8)} ms  ${name.slice(0, 100)}`);
}
