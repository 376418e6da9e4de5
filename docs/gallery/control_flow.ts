// Conditions and loops
// `cond` and `whileLoop` inside compiled, batched and differentiated functions.
import { cond, grad, jit, jvp, linspace, tensor, vmap, whileLoop } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

/** Huber's loss, written as a condition. */
const huber = (x: Tensor) =>
  cond(x.abs().less(1), (x) => x.square().div(2), (x) => x.abs().sub(0.5), x);

const x = linspace(-3, 3, 121);
await plot({ loss: vmap(huber)(x), slope: vmap(grad(huber))(x) }, { x, title: "Huber's loss" });
check(vmap(grad(huber))(x).sub(x.clip(-1, 1)).abs().max().item() < 1e-6, "the slope is clip(x)");

/** A square root by Newton's method, iterated until it converges. */
const squareRoot = (a: Tensor) =>
  whileLoop(
    (y) => y.square().sub(a).abs().greater(a.mul(1e-6)),
    (y) => y.add(a.div(y)).div(2),
    tensor(1),
  );
const roots = jit(vmap(squareRoot))(tensor([1, 4, 9, 1e4]));
console.log("roots:", roots);
check(roots.sub([1, 2, 3, 100]).abs().max().item() < 1e-3, "a batch runs until all have finished");

const [, slope] = jvp(squareRoot, [tensor(4)], [tensor(1)]);
check(Math.abs(slope.item() - 0.25) < 1e-4, "forward mode goes through the loop: 1 / (2 √4)");
