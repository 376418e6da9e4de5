// Checkpointing
// `checkpoint` stores less for the backward pass and recomputes the rest.
import { checkpoint, grad, inspect, jit, makeProgram, random, scan } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, table } from "./show.ts";

const LENGTH = 64;
const weights = random.normal(random.key(0), [LENGTH, 32, 32]).div(6);
const x = random.normal(random.key(1), [256, 32]);

/** One layer, consisting of many small operations. */
const layer = (h: Tensor, w: Tensor) => h.matmul(w).tanh().mul(h.sin()).add(h);
const run = (step: typeof layer) => (weights: Tensor) =>
  scan((h, w) => [step(h, w), null], x, weights)[0].square().mean();

const plain = grad(run(layer));
const saving = grad(run(checkpoint(layer)));
const difference = jit(plain)(weights).sub(jit(saving)(weights)).abs().max().item();
check(difference < 1e-6, "both gradients are equal");

/** Elements that the forward loop stacks for the backward loop. */
function stored(gradient: typeof plain): number {
  const { equations } = inspect.optimize(makeProgram(gradient)(weights));
  const first = equations.find(({ primitive }) => primitive.name === "scan");
  return (first?.outputs ?? []).reduce(
    (sum, { type }) => sum + type.shape.reduce((a, b) => a * b, 1),
    0,
  );
}
const [all, few] = [stored(plain), stored(saving)];
await table([
  { gradient: "plain", "numbers kept": all },
  { gradient: "checkpointed", "numbers kept": few },
]);
check(few < all / 1.9, "checkpointing keeps less than half");
