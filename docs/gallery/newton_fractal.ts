// Newton's fractal
// Newton's method for complex numbers, with derivatives from `jvp`.
import { abs, argmin, expandDims, foriLoop, jit, jvp, linspace, polar, real } from "@jacobi/jacobi";
import { stack, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image } from "./show.ts";

const SIZE = 240;

/** z³ - 1, a function of complex numbers. */
const f = (z: Tensor) => z.mul(z).mul(z).sub(1);

const newton = jit((start: Tensor) =>
  foriLoop(0, 30, (_, z) => {
    const [value, slope] = jvp(f, [z], [z.mul(0).add(1)]);
    return z.sub(value.div(slope));
  }, start)
);

const axis = linspace(-1.5, 1.5, SIZE);
const plane = axis.add(expandDims(axis, 1).mul({ re: 0, im: 1 }));
const end = newton(plane);

const roots = polar(1, tensor([0, 1, 2]).mul(2 * Math.PI / 3));
const nearest = argmin(abs(end.expandDims(-1).sub(roots)), -1);
const colors = tensor([[0.9, 0.35, 0.3], [0.2, 0.6, 0.7], [0.95, 0.75, 0.3]]);
await image(colors.take(nearest, 0), { title: "The root that Newton's method finds" });

const done = abs(f(end)).less(1e-3).mean().item();
console.log("the middle row ends at", stack([real(end.at(120, 0)), real(end.at(120, -1))]));
check(done > 0.99, `${(100 * done).toFixed(1)}% of the points have reached a root`);
