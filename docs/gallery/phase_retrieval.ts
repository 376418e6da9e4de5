// Phase retrieval
// The phases of a light field from two images of magnitudes, by gradients through `fft2`.
import { abs, angle, expandDims, fft, grad, jit, linspace, optim, polar } from "@jacobi/jacobi";
import { random, scan, stack, sum } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

const SIZE = 48;
const across = linspace(-2, 2, SIZE);
const [x, y] = [across, expandDims(across, 1)];
const squares = x.square().add(y.square());
/** The opening of the lens: a disc with a hole. */
const lens = squares.less(1).logicalAnd(squares.greater(0.04)).astype("float32");
/** Known phases that are added for each image: none, and those of a shifted focus. */
const defocus = stack([squares.mul(0), squares.mul(4)]);

/** The brightness in both images, as magnitudes `[2, SIZE, SIZE]`. */
const magnitudes = (phases: Tensor) =>
  abs(fft.fft2(polar(lens, phases.add(defocus)), { norm: "ortho" }));

const truth = x.mul(y).mul(3).add(x.mul(squares).mul(2));
const noise = random.normal(random.key(0), [2, SIZE, SIZE]).mul(0.002);
const recorded = magnitudes(truth).add(noise);
const loss = (phases: Tensor) => magnitudes(phases).sub(recorded).square().sum().div(sum(lens));

const STEPS = 300;
const optimizer = optim.adam(optim.cosine(0.1, { steps: STEPS }));
type State = readonly [Tensor, optim.OptimizerState];
const step = ([x, memory]: State): [State, Tensor] => {
  const [updates, next] = optimizer.update(grad(loss)(x), memory, x);
  return [[optim.applyUpdates(x, updates), next], loss(x)];
};
const find = jit((x: Tensor) => scan(step, [x, optimizer.init(x)], null, { length: STEPS }));
const [[found], losses] = find(random.normal(random.key(1), [SIZE, SIZE]).mul(0.1));
await image(recorded, { title: "The two images", range: [0, 1] });
await plot({ loss: losses }, { title: "Loss by step", logY: true });

// A phase common to all points is not visible in any image.
const common = angle(sum(polar(lens, found.sub(truth))));
const difference = polar(lens, found.sub(truth).sub(common));
await image(stack([truth.sin().mul(lens), found.sub(common).sin().mul(lens)]), {
  title: "The sine of the phases: true and found",
  colors: "diverging",
});
const error = abs(difference.sub(lens)).square().sum().div(lens.sum()).sqrt().item();
check(error < 0.05, `the error of the field is ${error.toFixed(4)}`);
