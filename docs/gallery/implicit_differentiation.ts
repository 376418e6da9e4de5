// Implicit differentiation
// The gradient of a validation error by a penalty, through the solution of a linear system.
import { concatenate, exp, eye, grad, linalg, linspace, optimize, random } from "@jacobi/jacobi";
import { sin, stack, tensor, vander } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter, table } from "./show.ts";

const DEGREE = 12;
const features = (x: Tensor) => vander(x, DEGREE, { increasing: true });
const truth = (x: Tensor) => sin(x.mul(3));

const [trainKey, validKey] = random.split(random.key(0));
const x = linspace(-1, 1, 16);
const y = truth(x).add(random.normal(trainKey, [16]).mul(0.25));
const xv = linspace(-0.95, 0.95, 40);
const yv = truth(xv).add(random.normal(validKey, [40]).mul(0.25));

/** Weights of the polynomial, found by an iterative solver, for the logarithm of the penalty. */
function fit(logPenalty: Tensor): Tensor {
  const X = features(x);
  const matrix = X.transpose().matmul(X).add(eye(DEGREE).mul(exp(logPenalty)));
  return linalg.cg(matrix, X.transpose().matmul(y), { tol: 1e-6, maxiter: 500 })[0];
}
const validation = (logPenalty: Tensor) =>
  features(xv).matmul(fit(logPenalty)).sub(yv).square().mean();

const penalties = linspace(-8, 2, 21);
const values = concatenate(penalties.split(21).map((p) => validation(p.squeeze()).reshape(1)));
await plot({ "validation error": values }, { x: penalties, xLabel: "logarithm of the penalty" });

const at = tensor(-1);
const slope = grad(validation)(at).item();
const difference = validation(at.add(0.05)).sub(validation(at.sub(0.05))).item() / 0.1;
await table([{ "gradient through the solution": slope, "finite difference": difference }]);
check(
  Math.abs(slope - difference) < 0.05 * Math.abs(difference) + 1e-4,
  "implicit derivative and finite difference agree",
);

const { x: best } = optimize.minimize(validation, tensor(0), { maxiter: 30, gtol: 1e-4 });
const chosen = validation(best).item();
await scatter({
  data: stack([x, y], 1),
  fit: stack([xv, features(xv).matmul(fit(best))], 1),
}, { title: `The fit with the penalty exp(${best.item().toFixed(2)})` });
check(chosen <= values.min().item() + 1e-3, "the penalty found is the minimum of the curve");
