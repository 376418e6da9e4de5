// Fluid control
// Gradients through a fluid simulation find a wind that moves smoke into a given shape.
import { arange, expandDims, foriLoop, grad, image as images, jit, optim } from "@jacobi/jacobi";
import { scan, stack, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

const SIZE = 40;
const STEPS = 15;
const axis = arange(SIZE);
const [x, y] = [axis.expandDims(0), axis.expandDims(1)];
const places = stack([y.add(x.mul(0)), x.add(y.mul(0))]);

/** The quantity carried to each point by the wind `[2, SIZE, SIZE]`, traced backwards (Stam, 1999). */
const carry = (field: Tensor, wind: Tensor) =>
  images.mapCoordinates(field, places.sub(wind), 1, { mode: "wrap" });

/** The wind without sources and sinks: the gradient of a pressure is subtracted. */
function project(wind: Tensor): Tensor {
  const slope = (f: Tensor, axis: number) => f.roll(-1, axis).sub(f.roll(1, axis)).div(2);
  const divergence = slope(wind.at(0), 0).add(slope(wind.at(1), 1));
  const pressure = foriLoop(0, 20, (_, p) => {
    const around = p.roll(1, 0).add(p.roll(-1, 0)).add(p.roll(1, 1)).add(p.roll(-1, 1));
    return around.sub(divergence).div(4);
  }, zeros([SIZE, SIZE]));
  return wind.sub(stack([slope(pressure, 0), slope(pressure, 1)]));
}

/** The smoke after some steps of a wind that is advected by itself. */
function simulate(wind: Tensor, smoke: Tensor): Tensor {
  return scan(
    ([wind, smoke]) => {
      const moved = project(stack([carry(wind.at(0), wind), carry(wind.at(1), wind)]));
      return [[moved, carry(smoke, moved)], null];
    },
    [project(wind), smoke] as const,
    null,
    { length: STEPS },
  )[0][1];
}

const squares = x.sub(SIZE / 2).square().add(expandDims(axis, 1).sub(SIZE / 2).square());
const cloud = squares.div(-60).exp();
// The shape: two lobes side by side.
const lobe = (at: number) =>
  x.sub(at).square().div(-25).add(y.sub(SIZE / 2).square().div(-90)).exp();
const shape = lobe(11).add(lobe(29)).mul(0.9);

const loss = (wind: Tensor) => simulate(wind, cloud).sub(shape).square().mean();
const optimizer = optim.adam(0.05);
type State = readonly [Tensor, optim.OptimizerState];
const step = ([wind, memory]: State): [State, Tensor] => {
  const [updates, next] = optimizer.update(grad(loss)(wind), memory, wind);
  return [[optim.applyUpdates(wind, updates), next], loss(wind)];
};
const find = jit((wind: Tensor) => scan(step, [wind, optimizer.init(wind)], null, { length: 80 }));
const [[wind], losses] = find(zeros([2, SIZE, SIZE]));
await plot({ loss: losses }, { title: "Mean squared error by step" });
await image(stack([cloud, simulate(wind, cloud), shape]), {
  title: "Initial cloud, final cloud, and target",
  range: [0, 1],
});
const [first, last] = [losses.at(0).item(), losses.at(-1).item()];
check(last < first / 4, `the error fell from ${first.toFixed(3)} to ${last.toExponential(1)}`);
