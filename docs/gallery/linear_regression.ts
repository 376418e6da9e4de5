// Linear regression
// Gradient descent on the squared error converges to the least-squares solution.
import { grad, jit, linalg, linspace, matmul, ones, random, scan, stack } from "@jacobi/jacobi";
import { zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

const x = linspace(-1, 1, 60);
const y = x.mul(1.5).add(0.5).add(random.normal(random.key(0), [60]).mul(0.2));
const X = stack([x, ones([60])], 1);

const loss = (w: Tensor) => matmul(X, w).sub(y).square().mean();
const train = jit((w: Tensor) =>
  scan((w) => [w.sub(grad(loss)(w).mul(0.3)), loss(w)], w, null, { length: 100 })
);
const [w, losses] = train(zeros([2]));
await plot({ loss: losses }, { title: "Loss by step", logY: true });

const [exact] = linalg.lstsq(X, y);
console.log("gradient descent:", w, "least squares:", exact);
await scatter({ data: stack([x, y], 1), fit: stack([x, matmul(X, w)], 1) });
check(w.sub(exact).abs().max().item() < 1e-4, "gradient descent equals least squares");
