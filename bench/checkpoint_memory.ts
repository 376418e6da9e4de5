/**
 * How much working memory does a compiled gradient need, with and without `checkpoint`?
 *
 *     deno run bench/checkpoint_memory.ts
 *
 * The gradient through chains of blocks on 512x256 floats (half a megabyte). Each block keeps two
 * values for its derivative. Nothing is timed: the script prints the size of the working memory that
 * is planned for the program.
 */
import { checkpoint, grad, inspect, makeProgram, matmul, random, whileLoop } from "@jacobi/jacobi";
import type { CheckpointPolicy, Tensor } from "@jacobi/jacobi";

const weights = random.normal(random.key(1), [256, 256]).div(16);
const x = random.normal(random.key(2), [512, 256]);

function block(x: Tensor): Tensor {
  return matmul(x, weights).tanh().add(x.sin());
}

function chain(blocks: number, group: number, policy: CheckpointPolicy): (x: Tensor) => Tensor {
  const part = checkpoint((x: Tensor) => {
    for (let i = 0; i < group; i++) x = block(x);
    return x;
  }, { policy });
  return (x) => {
    for (let i = 0; i < blocks / group; i++) x = part(x);
    return x.sum();
  };
}

const cases = [
  [64, 8, "everything"],
  [64, 8, "products"],
  [64, 8, "nothing"],
  [16, 4, "everything"],
  [16, 4, "nothing"],
] as const;
for (const [blocks, group, policy] of cases) {
  const { workspace: arena } = inspect.kernels(makeProgram(grad(chain(blocks, group, policy)))(x));
  const megabytes = (arena / 2 ** 20).toFixed(1).padStart(5);
  console.log(`${blocks} blocks in groups of ${group}, keeping ${policy}: ${megabytes} MiB`);
}

// // A loop over the same number of floats, with a bound on the number of steps.
for (const checkpoint of [false, true]) {
  for (const maxSteps of [16, 256, 4096, 65_536]) {
    if (!checkpoint && maxSteps > 256) continue;
    const loop = (x: Tensor) =>
      whileLoop((y) => y.sum().less(1e9), (y) => y.mul(1.1).add(y.cos()), x, {
        maxSteps,
        checkpoint,
      }).sum();
    const { workspace: arena } = inspect.kernels(makeProgram(grad(loop))(x));
    const megabytes = (arena / 2 ** 20).toFixed(1).padStart(5);
    const kind = checkpoint ? "checkpointed loop" : "loop";
    console.log(`${kind} of at most ${maxSteps} steps: ${megabytes} MiB`);
  }
}
