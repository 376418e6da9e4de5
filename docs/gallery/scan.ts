// Loops with scan
// `scan` carries a state along a sequence; its gradient runs backwards through time.
import { arange, exp, grad, jit, scan, tensor, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

const N = 100;

/** An exponential moving average: each output is a mixture of the last one and the input. */
const smooth = (rate: Tensor, xs: Tensor) =>
  scan(
    (carry, x) => {
      const next = carry.add(x.sub(carry).mul(rate));
      return [next, next];
    },
    zeros([]),
    xs,
  )[1];

const xs = arange(N).greater(20).astype("float32");
const outputs = jit(smooth)(tensor(0.1), xs);
await plot({ input: xs, output: outputs }, { title: "A step and its moving average" });

// How the last output depends on each input: the weights decay exponentially with age.
const last = (xs: Tensor) => smooth(tensor(0.1), xs).at(-1);
const weights = grad(last)(xs);
await plot({ weight: weights }, { title: "Derivative of the last output by each input" });

const age = arange(N).neg().add(N - 1);
const exact = exp(age.mul(Math.log(0.9))).mul(0.1);
check(weights.sub(exact).abs().max().item() < 1e-6, "the weights are 0.1 · 0.9^age");
