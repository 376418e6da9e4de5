// Mandelbrot and Julia sets
// An escape-time loop for one point, mapped over all pixels by `vmap`.
import { foriLoop, jit, linspace, tensor, vmap, where } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image } from "./show.ts";

const STEPS = 80;

/** The number of steps of z² + c for which the point z stays within a radius of two. */
function escapeTime(re: Tensor, im: Tensor, cRe: Tensor, cIm: Tensor): Tensor {
  const [, , count] = foriLoop(0, STEPS, (_, [x, y, count]) => {
    const [xx, yy] = [x.square(), y.square()];
    const isInside = xx.add(yy).less(4);
    return [
      where(isInside, xx.sub(yy).add(cRe), x),
      where(isInside, x.mul(y).mul(2).add(cIm), y),
      count.add(isInside.astype("float32")),
    ];
  }, [re, im, re.mul(0)]);
  return count;
}

/** Evaluates a function of a point on every point of a grid: rows are imaginary parts. */
const onGrid = (f: (re: Tensor, im: Tensor) => Tensor) => jit(vmap(vmap(f, [0, null]), [null, 0]));

const zero = tensor(0);
const mandelbrot = onGrid((re, im) => escapeTime(zero, zero, re, im));
const set = mandelbrot(linspace(-2.1, 0.6, 300), linspace(1.2, -1.2, 266));
await image(set.add(1).log(), { title: "Mandelbrot set: steps until escape" });

const julia = onGrid((re, im) => escapeTime(re, im, tensor(-0.8), tensor(0.156)));
const other = julia(linspace(-1.6, 1.6, 320), linspace(1, -1, 200));
await image(other.add(1).log(), { title: "Julia set of -0.8 + 0.156i" });

// The area of the Mandelbrot set is 1.5066; the pixels that never escape estimate it from above.
const area = set.equal(STEPS).mean().item() * 2.7 * 2.4;
check(Math.abs(area - 1.5066) < 0.12, `its area is about ${area.toFixed(3)}`);
