// Heat equation control
// Gradients through the heat equation find the initial heat for a given pattern.
import { arange, exp, expandDims, grad, jit, optim, scan, stack, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

const SIZE = 32;

/** One explicit step of the heat equation with insulated edges. */
function diffuse(u: Tensor): Tensor {
  const p = u.pad([[1, 1], [1, 1]], { mode: "edge" });
  const [middle, low, high] = [[1, -1], [null, -2], [2, null]] as const;
  const around = p.at(low, middle).add(p.at(high, middle)).add(p.at(middle, low))
    .add(p.at(middle, high));
  return u.add(around.sub(u.mul(4)).mul(0.2));
}
const after = (u: Tensor) => scan((u) => [diffuse(u), null], u, null, { length: 12 })[0];

// The target: a ring.
const axis = arange(SIZE).sub((SIZE - 1) / 2);
const radius = axis.square().add(expandDims(axis.square(), 1)).sqrt();
const wish = exp(radius.sub(9).square().div(-12));

// Heat cannot be negative.
const heat = (x: Tensor) => x.square();
const loss = (x: Tensor) => after(heat(x)).sub(wish).square().mean();
const STEPS = 200;
const optimizer = optim.adam(optim.cosine(0.1, { steps: STEPS }));
type State = readonly [Tensor, optim.OptimizerState];
const step = ([x, memory]: State): [State, Tensor] => {
  const [updates, next] = optimizer.update(grad(loss)(x), memory, x);
  return [[optim.applyUpdates(x, updates), next], loss(x)];
};
const plan = jit((x: Tensor) => scan(step, [x, optimizer.init(x)], null, { length: STEPS }));
const [[x], losses] = plan(zeros([SIZE, SIZE]).add(0.3));
await plot({ loss: losses }, { title: "Mean squared error by step", logY: true });
await image(stack([heat(x), after(heat(x)), wish]), {
  title: "Heat: initial, after 12 steps, and target",
  range: [0, 3],
});

const kept = after(heat(x)).sum().div(heat(x).sum()).item();
check(Math.abs(kept - 1) < 1e-4, "no heat is lost");
const [first, last] = [losses.at(0).item(), losses.at(-1).item()];
check(last < first / 50, `the error fell from ${first.toFixed(4)} to ${last.toFixed(6)}`);
