/**
 * Phase retrieval: a camera far behind a lens records the brightness of the light, not its phase. From two
 * such images, one in focus and one out of focus, gradients through `fft.fft2` and `abs` find how the
 * lens bends the light (phase diversity: Gonsalves, Optical Engineering 21(5), 1982; minimizing the error
 * of magnitudes: Fienup, Applied Optics 21(15), 1982).
 *
 *     deno run examples/phase_retrieval.ts
 *
 * The light behind the lens is a field of complex numbers. Its magnitudes are known, 1 within `support`
 * and 0 outside; its phases are not. Its Fourier transform is the field at the camera.
 */
import {
  abs,
  angle,
  exp,
  expandDims,
  fft,
  jit,
  linspace,
  optim,
  polar,
  random,
  stack,
  sum,
  valueAndGrad,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const SIZE = 64;
const STEPS = 300;

const across = linspace(-2, 2, SIZE);
const [x, y] = [across, expandDims(across, 1)];
const squares = x.square().add(y.square());
/** A disc of radius 1 with a hole: the half of the field's width that is empty samples the image twice. */
const support = squares.less(1).logicalAnd(squares.greater(0.04)).astype("float32");
/** Known phases that are added for each image: none, and those of a shifted focus. */
const defocus = stack([squares.mul(0), squares.mul(4)]);

/** The magnitudes in both images, `[2, SIZE, SIZE]`, for phases `[SIZE, SIZE]`. */
function magnitudes(phases: Tensor): Tensor {
  return abs(fft.fft2(polar(support, phases.add(defocus)), { norm: "ortho" }));
}

/** The relative error of the field, up to a phase common to all points, which is not visible in any image. */
function errorOf(phases: Tensor, truth: Tensor): number {
  const difference = polar(support, phases.sub(truth));
  const common = angle(sum(difference));
  const rest = difference.mul(polar(1, common.neg())).sub(support);
  return abs(rest).square().sum().div(support.sum()).sqrt().item();
}

// The unknown phases: astigmatism, coma and a bump; the images have noise.
const bump = exp(x.square().add(y.sub(0.5).square()).mul(-8));
const truth = x.mul(y).mul(3).add(x.mul(squares).mul(2)).add(bump.mul(3));
const noise = random.normal(random.key(0), [2, SIZE, SIZE]).mul(0.002);
const recorded = magnitudes(truth).add(noise);

const loss = (phases: Tensor) => magnitudes(phases).sub(recorded).square().sum().div(sum(support));
const optimizer = optim.adam(optim.cosine(0.1, { steps: STEPS }));
type Memory = ReturnType<typeof optimizer.init>;
const step = jit((phases: Tensor, memory: Memory) => {
  const [value, gradient] = valueAndGrad(loss)(phases);
  const [updates, next] = optimizer.update(gradient, memory, phases);
  return [optim.applyUpdates(phases, updates), next, value] as const;
}, { donateArgnums: [0, 1] });

let phases = random.normal(random.key(1), [SIZE, SIZE]).mul(0.1);
let memory = optimizer.init(phases);
const before = errorOf(phases, truth);
for (let i = 0; i < STEPS; i++) {
  const [nextPhases, nextMemory, value] = step(phases, memory);
  [phases, memory] = [nextPhases, nextMemory];
  if (i % 50 === 0 || i === STEPS - 1) {
    console.log(`step ${String(i).padStart(3)}: loss ${value.item().toExponential(3)}`);
  }
}
const after = errorOf(phases, truth);
console.log(`error of the field: ${before.toFixed(4)} before, ${after.toFixed(4)} after`);
if (!(after < 0.05)) throw new Error(`the phases were not found: the error is ${after}`);
