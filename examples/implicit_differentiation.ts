/**
 * Derivatives of the results of iterations: a root found by Newton's method, and the optimal
 * strength of a ridge penalty, through a linear system solved by conjugate gradients. The iterations
 * are loops of unknown length and are not differentiated; the equations that they solve are.
 *
 *     deno run examples/implicit_differentiation.ts
 */
import {
  concatenate,
  cos,
  exp,
  grad,
  jit,
  linalg,
  matmul,
  mean,
  ones,
  random,
  sin,
  tensor,
  valueAndGrad,
  vmap,
  whileLoop,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

type Map = (x: Tensor) => Tensor;

function check(what: string, actual: number, expected: number, tolerance: number): void {
  const difference = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
  console.log(`  ${what.padEnd(34)} ${expected.toFixed(10).padStart(15)}`);
  if (!(difference <= tolerance)) throw new Error(`${what}: got ${actual}, expected ${expected}`);
}

/** The slope of `f` at `x` by central differences. */
function differences(f: (x: number) => number, x: number, h: number): number {
  return (f(x + h) - f(x - h)) / (2 * h);
}

const wide = (value: number): Tensor => tensor(value, { dtype: "float64" });

// 1. Kepler's equation E - e sin(E) = M: the eccentric anomaly of a planet, given its orbit's
// eccentricity e and the mean anomaly M (Kepler, 1609).

const kepler = (e: Tensor, m: Tensor): Map => (x) => x.sub(e.mul(sin(x))).sub(m);

const newtonStep = (f: Map, x: Tensor): Tensor => x.sub(f(x).div(grad(f)(x) as Tensor));

function newton(f: Map, guess: Tensor): Tensor {
  return whileLoop((x) => f(x).abs().greater(1e-14), (x) => newtonStep(f, x), guess);
}

function anomaly(e: Tensor, m: Tensor): Tensor {
  return linalg.customRoot(kepler(e, m), m, newton, (g, y) => y.div(g(wide(1))));
}

function unrolledAnomaly(e: Tensor, m: Tensor): Tensor {
  let x = m;
  for (let i = 0; i < 8; i++) x = newtonStep(kepler(e, m), x);
  return x;
}

const [e, m] = [wide(0.6), wide(0.9)];
const root = anomaly(e, m);
const slope = (grad(anomaly)(e, m) as Tensor).item();
console.log(`Kepler's equation, e = ${e.item()}, M = ${m.item()}: E = ${root.item().toFixed(10)}`);
console.log(`  dE/de by the implicit function     ${slope.toFixed(10).padStart(15)}`);
check("in closed form", slope, sin(root).div(cos(root).mul(e).neg().add(1)).item(), 1e-12);
check("through eight unrolled steps", slope, (grad(unrolledAnomaly)(e, m) as Tensor).item(), 1e-10);
check("by differences", slope, differences((v) => anomaly(wide(v), m).item(), 0.6, 1e-5), 1e-8);
const second = (grad(grad(anomaly))(e, m) as Tensor).item();
console.log(`  d²E/de² by the implicit function   ${second.toFixed(10).padStart(15)}`);
const slopeAt = (v: number) => (grad(anomaly)(wide(v), m) as Tensor).item();
check("by differences of the slope", second, differences(slopeAt, 0.6, 1e-5), 1e-8);

// A whole orbit at once: Newton's method runs until the slowest anomaly has converged.
const times = tensor([0.1, 0.5, 1, 2, 3], { dtype: "float64" });
const speeds = jit(vmap(grad(anomaly, { argnums: 1 }) as typeof anomaly, [null, 0]));
console.log(`  dE/dM along the orbit: ${speeds(e, times)}`);

// 2. Ridge regression: w(λ) solves (XᵀX / n + λ) w = Xᵀy / n. Which λ gives the smallest error on
// validation points?

const FEATURES = 30;
const POINTS = 40;

const [pointKey, weightKey, noiseKey] = random.split(random.key(3), 3);
const inputs = random.normal(pointKey, [2 * POINTS, FEATURES], { dtype: "float64" });
const some = random.normal(weightKey, [FEATURES / 3], { dtype: "float64" });
const truth = concatenate([some, ones([FEATURES - FEATURES / 3], { dtype: "float64" }).mul(0)], 0);
const noise = random.normal(noiseKey, [2 * POINTS], { dtype: "float64" }).mul(2);
const outputs = matmul(inputs, truth).add(noise);
const [fitX, testX] = [inputs.at([0, POINTS]), inputs.at([POINTS, 2 * POINTS])];
const [fitY, testY] = [outputs.at([0, POINTS]), outputs.at([POINTS, 2 * POINTS])];

interface Search {
  readonly x: Tensor;
  readonly residual: Tensor;
  readonly direction: Tensor;
}

const begin = (b: Tensor): Search => ({ x: b.mul(0), residual: b, direction: b });

function advance(product: Map, { x, residual, direction }: Search): Search {
  const image = product(direction);
  const before = residual.square().sum();
  const length = before.div(direction.mul(image).sum());
  const rest = residual.sub(image.mul(length));
  return {
    x: x.add(direction.mul(length)),
    residual: rest,
    direction: rest.add(direction.mul(rest.square().sum().div(before))),
  };
}

/** Conjugate gradients (Hestenes and Stiefel, 1952). */
function conjugateGradients(product: Map, b: Tensor): Tensor {
  return whileLoop(
    ({ residual }: Search) => residual.square().sum().greater(1e-24),
    (search: Search) => advance(product, search),
    begin(b),
  ).x;
}

function unrolledGradients(product: Map, b: Tensor): Tensor {
  let search = begin(b);
  for (let i = 0; i < FEATURES; i++) search = advance(product, search);
  return search.x;
}

const ridge = (strength: Tensor): Map => (w) =>
  matmul(fitX.transpose(), matmul(fitX, w)).div(POINTS).add(w.mul(strength));

const error = (w: Tensor): Tensor => mean(matmul(testX, w).sub(testY).square());
const right = matmul(fitX.transpose(), fitY).div(POINTS);

const loss = jit((logStrength: Tensor): Tensor =>
  error(
    linalg.customLinearSolve(ridge(exp(logStrength)), right, conjugateGradients, {
      symmetric: true,
    }),
  )
);
const unrolledLoss = (logStrength: Tensor): Tensor =>
  error(unrolledGradients(ridge(exp(logStrength)), right));

const start = wide(-3);
const gradient = (grad(loss)(start) as Tensor).item();
console.log(
  `Ridge regression, log λ = ${start.item()}: test error ${loss(start).item().toFixed(4)}`,
);
console.log(`  d error / d log λ, implicitly      ${gradient.toFixed(10).padStart(15)}`);
// The derivative of an iteration converges later than the iteration itself.
check("through unrolled gradients", gradient, (grad(unrolledLoss)(start) as Tensor).item(), 1e-5);
check("by differences", gradient, differences((v) => loss(wide(v)).item(), -3, 1e-4), 1e-6);

const descend = jit(valueAndGrad(loss));
let logStrength = start;
let last = 0;
for (let i = 0; i <= 60; i++) {
  const [value, slope] = descend(logStrength) as [Tensor, Tensor];
  last = slope.item();
  if (i % 20 === 0) {
    console.log(
      `  step ${String(i).padStart(2)}: λ = ${Math.exp(logStrength.item()).toFixed(4)}, ` +
        `test error ${value.item().toFixed(4)}`,
    );
  }
  logStrength = logStrength.sub(slope.mul(0.7));
}
const [best, before] = [loss(logStrength).item(), loss(start).item()];
if (!(Math.abs(last) < 1e-3 && best < before)) throw new Error("the penalty did not converge");
for (const other of [-0.5, 0.5]) {
  if (!(loss(logStrength.add(other)).item() > best)) throw new Error("the penalty is not the best");
}
