import {
  concatenate,
  einsum,
  exp,
  eye,
  grad,
  jit,
  special,
  take,
  tensor,
  tree,
  zeros,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray, toNumber } from "./eval.ts";
import { logSumExp } from "./lse.ts";

interface Parameters<T> {
  /** Weights before the softmax: `[k]`. */
  readonly alpha: T;
  /** Means: `[k, d]`. */
  readonly mu: T;
  /** Logarithms of the diagonals of the factors of the precision matrices: `[k, d]`. */
  readonly q: T;
  /** The elements below these diagonals, column by column: `[k, d (d - 1) / 2]`. */
  readonly l: T;
}

interface Input extends Parameters<readonly (readonly number[])[]> {
  readonly d: number;
  readonly k: number;
  readonly x: readonly (readonly number[])[];
  readonly m: number;
  readonly gamma: number;
}

/** The index of each element of a matrix in the list of those below its diagonal, followed by a zero. */
function placesBelow(d: number): Tensor {
  const places = Array.from({ length: d }, () => new Array<number>(d).fill(d * (d - 1) / 2));
  let next = 0;
  for (let column = 0; column < d; column++) {
    for (let row = column + 1; row < d; row++) places[row][column] = next++;
  }
  return tensor(places, { dtype: "int32" });
}

/** The logarithm of the posterior density, with the sums derived in the description of the eval. */
function logPosterior(
  { alpha, mu, q, l }: Parameters<Tensor>,
  x: Tensor,
  m: number,
  gamma: number,
): Tensor {
  const [k, d] = mu.shape;
  const n = x.shape[0];
  const withZero = concatenate([l, zeros([k, 1], { dtype: "float64" })], 1);
  const lower = take(withZero, placesBelow(d), 1);
  const factors = lower.add(exp(q).expandDims(2).mul(eye(d, { dtype: "float64" })));
  const moved = einsum("kij,nj->nki", factors, x).sub(einsum("kij,kj->ki", factors, mu));
  const logDeterminants = q.sum(1);
  const beta = alpha.add(logDeterminants).sub(moved.square().sum(2).mul(0.5));
  const freedom = d + m + 1;
  const likelihood = logSumExp(beta).sum()
    .sub(logSumExp(alpha).add(d / 2 * Math.log(2 * Math.PI)).mul(n));
  const constant = special.multigammaln(floats(freedom / 2), d).neg()
    .add(freedom * d * Math.log(gamma / Math.SQRT2)).mul(k);
  const prior = constant
    .sub(factors.square().sum().mul(gamma * gamma / 2))
    .add(logDeterminants.sum().mul(m));
  return likelihood.add(prior);
}

const statics = { staticArgnums: [2, 3] };
const objective = jit(logPosterior, statics);
const jacobian = jit(grad(logPosterior), statics);

function read(input: Input): [Parameters<Tensor>, Tensor, number, number] {
  const { d, k, x, m, gamma, alpha, mu, q, l } = input;
  const below = d === 1 ? zeros([k, 0], { dtype: "float64" }) : floats(l);
  const parameters = { alpha: floats(alpha as never), mu: floats(mu), q: floats(q), l: below };
  return [parameters, floats(x), m, gamma];
}

/** A mixture of Gaussians with a Wishart prior. */
export const gmm: Eval = {
  objective(input: Input) {
    const args = read(input);
    return prepared(() => objective(...args), toNumber);
  },
  jacobian(input: Input) {
    const args = read(input);
    return prepared(() => jacobian(...args), (slopes) => tree.map(toArray as never, slopes));
  },
};
