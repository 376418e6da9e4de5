import { gaussianKde, grad, jit, poly, polyfit, polyval, roots, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { ArgumentError, ShapeError } from "../../src/base/errors.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

const float64 = (values: number[] | number[][]) => tensor(values, { dtype: "float64" });
const close = { rtol: 1e-10, atol: 1e-10 };

/** Roots by their real parts, as pairs of numbers. */
function inOrder(x: Tensor): number[][] {
  const [re, im] = [x.real().toArray() as number[], x.imag().toArray() as number[]];
  return re.map((a, i) => [a, im[i]]).sort(([a, b], [c, d]) => a - c || b - d);
}

Deno.test("roots are where a polynomial is zero, also at zero and with zeros in front", () => {
  const expected = [[-1, 0], [0, 0], [0, 0], [2, 0]];
  assertTensorsClose(inOrder(roots(float64([0, 1, -1, -2, 0, 0]))), expected, close);
  assertTensorsClose(inOrder(roots(float64([1, 0, 4]))), [[0, -2], [0, 2]], close);
  assertEquals(roots([5]).shape, [0]);
  assertEquals(roots([0, 0]).shape, [0]);
  assertEquals(roots([3, 0]).toArray(), [{ re: 0, im: 0 }]);
  const p = float64([2, -3, 1, 5, -1]);
  assertTensorsClose(polyval(p, roots(p)).abs(), [0, 0, 0, 0], close);
  assertTensorsClose(polyval(p, jit(roots)(p)).abs(), [0, 0, 0, 0], close);
  const many = vmap(roots)(tensor([[1, -3, 2], [1, -5, 6]], { dtype: "float64" }));
  assertTensorsClose(inOrder(many.at(1)), [[2, 0], [3, 0]], close);
});

Deno.test("roots move with the coefficients", () => {
  // Of a x² + b x + c the sum of squares of the roots is (b² - 2 a c) / a².
  const squares = (p: Tensor) => roots(p).square().sum().real();
  assertTensorsClose(grad(squares)(float64([1, -3, 1])), [-16, -6, -2], close);
  checkGrads((p: Tensor) => roots(p).abs().square().sum(), [float64([2, -3, 1, 5])]);
  assertTensorsClose(poly(roots(float64([1, -3, 1, 4]))).real(), [1, -3, 1, 4], close);
});

// SciPy's values: gaussian_kde of scipy.stats 1.17.
const KDE = {
  scott: [0.01319097775242656, 0.01723640793953046],
  silverman: [0.007336987290117178, 0.01430202261557357],
  covariance: [[4.829480568449939, 0.6216163107905861], [0.621616310790586, 2.3812686367208604]],
  line: [0.02685269338835853, 0.3200373568066494],
};

Deno.test("gaussianKde has SciPy's densities, compiled and differentiated too", () => {
  const points = float64([[1, 2, 4, 7], [0, 3, -1, 2]]);
  const at = float64([[0, 3], [1, 1]]);
  const density = gaussianKde(points);
  assertTensorsClose(density.evaluate(at), KDE.scott, close);
  assertTensorsClose(density.logpdf(at), KDE.scott.map(Math.log), close);
  const weights = float64([1, 2, 3, 4]);
  const silverman = gaussianKde(points, { bwMethod: "silverman", weights });
  assertTensorsClose(silverman.evaluate(at), KDE.silverman, close);
  assertTensorsClose(silverman.covariance, KDE.covariance, close);
  assertTensorsClose(silverman.neff, 100 / 30, close);
  const line = gaussianKde(float64([1, 2, 4]), { bwMethod: 0.3 });
  assertTensorsClose(line.evaluate(float64([0, 1.5])), KDE.line, close);
  const evaluate = (points: Tensor, weights: Tensor, at: Tensor) =>
    gaussianKde(points, { weights }).evaluate(at);
  assertTensorsClose(jit(evaluate)(points, weights, at), evaluate(points, weights, at), close);
  checkGrads(evaluate, [points, weights, at]);
  assertRefused(
    () => gaussianKde(points, { bwMethod: 0 }),
    ArgumentError,
    'Cannot estimate the density: expected a bwMethod "scott", "silverman" or a factor, got 0',
  );
  assertRefused(
    () => density.evaluate([[1, 2]]),
    ShapeError,
    "Cannot estimate the density of float32[1,2]: expected points [2, n]",
  );
});

Deno.test("polyfit refuses points that do not fit together", () => {
  assertRefused(
    () => polyfit([1, 2], [1, 2, 3], 1),
    ShapeError,
    "Cannot fit a polynomial to float32[2] and float32[3]: expected coordinates [n] and values [n]",
  );
  assertRefused(
    () => polyfit([1, 2], [1, 2], 1, { cov: true }),
    ShapeError,
    "Cannot fit a polynomial to 2 points: the covariance needs more points than 2 coefficients",
  );
});
