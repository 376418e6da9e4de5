// Logistic regression by Newton's method
// The gradient and the Hessian of the likelihood give the solution in a few steps.
import { concatenate, grad, hessian, linalg, nn, ones, random, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, scatter, table } from "./show.ts";

const [key, left, right] = random.split(random.key(1), 3);
const n = 100;
const points = concatenate([
  random.normal(left, [n, 2]).sub([1, 0.5]),
  random.normal(right, [n, 2]).add([1, 0.5]),
]);
const labels = concatenate([zeros([n]), ones([n])]);
const X = concatenate([points, ones([2 * n, 1])], 1);

const loss = (w: Tensor) =>
  nn.binaryCrossEntropyWithLogits(X.matmul(w), labels).add(w.square().sum().mul(0.001));

let w = random.normal(key, [3]).mul(0.01);
const rows = [];
for (let step = 0; step < 7; step++) {
  const slope = grad(loss)(w);
  rows.push({ step, loss: loss(w).item(), "gradient norm": slope.norm().item() });
  w = w.sub(linalg.solve(hessian(loss)(w), slope));
}
await table(rows, "Newton's method");

const says = X.matmul(w).greater(0);
const accuracy = says.equal(labels.greater(0.5)).mean().item();
await scatter({ "class 0": points.at([0, n]), "class 1": points.at([n, 2 * n]) });
console.log(`weights ${w}, accuracy ${(100 * accuracy).toFixed(1)}%`);
check(grad(loss)(w).norm().item() < 1e-5, "the gradient has vanished");
check(accuracy > 0.8, "the accuracy is above 0.8");
