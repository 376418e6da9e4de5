/**
 * Gradient descent with an adaptive rate, as specified by the evals with nested derivatives: the rate doubles
 * after ten steps that decrease the value, and is halved by a step that does not.
 *
 * @module
 */
import { eye, grad, jvp, vmap, where, whileLoop } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { floats } from "./eval.ts";

/** A function of a vector. */
export type Objective = (x: Tensor) => Tensor;

/** The method by which gradients are computed. */
export type Mode = (f: Objective) => Objective;

/** By forward mode, one direction for each element. */
export const forward: Mode = (f) => (x) =>
  vmap((direction: Tensor) => jvp(f, [x], [direction])[1])(eye(x.shape[0], { dtype: "float64" }));

/** By reverse mode. */
export const reverse: Mode = (f) => grad(f);

/** The modes by their letters in the evals. */
export const modes: Readonly<Record<string, Mode>> = { f: forward, r: reverse };

/** The bound on the number of steps in reverse mode; the evals take some 300. */
const MOST_STEPS = 1000;

/** The descent ends at a gradient or a step shorter than this. */
const SHORT = 1e-5;

function norm(x: Tensor): Tensor {
  return x.square().sum().sqrt();
}

/** The minimum of `f`, by descent from `start`. */
export function argmin(f: Objective, mode: Mode, start: Tensor): Tensor {
  const gradient = mode(f);
  const first = {
    x: start,
    value: f(start),
    slope: gradient(start),
    rate: floats(1e-5),
    streak: floats(0),
  };
  type State = typeof first;
  const goesOn = ({ slope, rate, streak }: State) =>
    norm(slope).greater(SHORT).logicalAnd(
      streak.equal(10).logicalOr(norm(slope.mul(rate)).greater(SHORT)),
    );
  const step = ({ x, value, slope, rate, streak }: State): State => {
    const isFaster = streak.equal(10);
    const next = x.sub(slope.mul(rate));
    const nextValue = f(next);
    const isLower = nextValue.less(value).logicalAnd(isFaster.logicalNot());
    return {
      x: where(isLower, next, x),
      value: where(isLower, nextValue, value),
      slope: where(isLower, gradient(next), slope),
      rate: rate.mul(where(isFaster, 2, where(isLower, 1, 0.5))),
      streak: where(isLower, streak.add(1), 0),
    };
  };
  return whileLoop(goesOn, step, first, { maxSteps: MOST_STEPS }).x;
}

/** The maximum of `f`, by ascent from `start`. */
export function argmax(f: Objective, mode: Mode, start: Tensor): Tensor {
  return argmin((x) => f(x).neg(), mode, start);
}
