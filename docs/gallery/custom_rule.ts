// Custom derivative rules
// `customVjp` defines a straight-through estimator, used to train quantised weights.
import { customVjp, grad, linspace, random, tensor, valueAndGrad, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

/** Rounds to multiples of 0.5; in the backward pass it is the identity (straight-through). */
const quantize = customVjp(
  (x: Tensor) => x.mul(2).round().div(2),
  (x: Tensor) => [x.mul(2).round().div(2), null] as const,
  (_residuals, cotangent) => [cotangent],
);

const x = linspace(-2, 2, 100);
await plot({ quantized: quantize(x), slope: vmap(grad(quantize))(x) }, {
  x,
  title: "A rounding with slope one",
});
check(grad((x: Tensor) => x.round())(tensor(0.3)).item() === 0, "plain rounding has slope 0");
check(grad(quantize)(tensor(0.3)).item() === 1, "with the rule it is 1");

// This trains weights that are only used in rounded form.
const inputs = random.normal(random.key(0), [64, 4]);
const target = inputs.matmul(tensor([1, -0.5, 0, 1.5]));
const loss = (w: Tensor) => inputs.matmul(quantize(w)).sub(target).square().mean();
let w = tensor([0, 0, 0, 0]);
for (let i = 0; i < 60; i++) {
  const [, slope] = valueAndGrad(loss)(w);
  w = w.sub(slope.mul(0.05));
}
console.log("weights:", w, "rounded:", quantize(w));
check(loss(w).item() === 0, "training found the rounded weights exactly");
