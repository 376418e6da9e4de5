/**
 * What is the cost of avoiding overflow in means, norms and normalisations?
 *
 *     deno bench bench/normalization_bench.ts
 *
 * Each is compared with a plain formula of sums and squares, which overflows and underflows: compiled, with
 * gradients, and for small inputs operation by operation.
 */
import { grad, jit, mean, nn, norm, random, std } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const rows = random.normal(random.key(0), [512, 768]);
const weights = random.normal(random.key(1), [512, 768]);
const images = random.normal(random.key(2), [16, 64, 32, 32]);
const imageWeights = random.normal(random.key(3), [16, 64, 32, 32]);

const layerNorm = nn.layerNorm(768, { elementwiseAffine: false });
const batchNorm = nn.batchNorm(64, { affine: false });
const groupNorm = nn.groupNorm(8, 64, { affine: false });
const [params, state] = batchNorm.init(random.key(4));

/** Elements minus their mean, divided by the root mean square, by the plain formula. */
function plainly(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
  const average = (y: Tensor) => y.sum(axes, { keepdims: true }).div(count);
  const centred = x.sub(average(x));
  return centred.mul(average(centred.square()).add(eps).rsqrt());
}

interface Work {
  readonly x: Tensor;
  readonly weights?: Tensor;
  readonly plain: (x: Tensor) => Tensor;
  readonly scaled: (x: Tensor) => Tensor;
}

const works: Readonly<Record<string, Work>> = {
  "layerNorm 512x768": {
    x: rows,
    weights,
    plain: (x) => plainly(x, [1], 1e-5),
    scaled: (x) => layerNorm.apply({}, {}, x)[0],
  },
  "batchNorm 16x64x32x32": {
    x: images,
    weights: imageWeights,
    plain: (x) => plainly(x, [0, 2, 3], 1e-5),
    scaled: (x) => batchNorm.apply(params, state, x, { train: true })[0],
  },
  "norms of 512 rows": {
    x: rows,
    plain: (x) => x.square().sum(1).sqrt(),
    scaled: (x) => norm(x, 1),
  },
  "norm of 393216": { x: rows, plain: (x) => x.square().sum().sqrt(), scaled: (x) => norm(x) },
  "cosines of 512 rows": {
    x: rows,
    plain: (x) => {
      const lengths = (y: Tensor) => y.square().sum(1).sqrt();
      return x.mul(weights).sum(1).div(lengths(x).mul(lengths(weights)));
    },
    scaled: (x) => nn.cosineSimilarity(x, weights),
  },
  "means of 512 rows": { x: rows, plain: (x) => x.sum(1).div(768), scaled: (x) => mean(x, 1) },
  "mean of 393216": { x: rows, plain: (x) => x.sum().div(393216), scaled: (x) => mean(x) },
  "layerNorm 512x768, added up": {
    x: rows,
    weights: weights.sum(1),
    plain: (x) => plainly(x, [1], 1e-5).mul(weights).sum(1),
    scaled: (x) => layerNorm.apply({}, {}, x)[0].mul(weights).sum(1),
  },
  "groupNorm 16x64x32x32, 8 groups": {
    x: images,
    weights: imageWeights,
    plain: (x) => plainly(x.reshape([16, 8, 8192]), [2], 1e-5).reshape(x.shape),
    scaled: (x) => groupNorm.apply({}, {}, x)[0],
  },
  "std of 512 rows": {
    x: rows,
    plain: (x) => x.sub(x.sum(1, { keepdims: true }).div(768)).square().sum(1).div(768).sqrt(),
    scaled: (x) => std(x, 1),
  },
};

const hundred = random.normal(random.key(5), [100]);
const scores = random.normal(random.key(6), [32, 10]);

/** Exponentials of the differences from the maximum of each row, divided by their sums. */
function plainSoftmax(x: Tensor): Tensor {
  const powers = x.sub(x.max(1, { keepdims: true })).exp();
  return powers.div(powers.sum(1, { keepdims: true }));
}

const smallWorks: Readonly<Record<string, readonly [() => Tensor, () => Tensor]>> = {
  "mean of 100, operation by operation": [() => hundred.sum().div(100), () => mean(hundred)],
  "norm of 100, operation by operation": [
    () => hundred.square().sum().sqrt(),
    () => norm(hundred),
  ],
  "softmax of 32x10, operation by operation": [
    () => plainSoftmax(scores),
    () => nn.softmax(scores),
  ],
};
for (const [group, [plain, scaled]] of Object.entries(smallWorks)) {
  Deno.bench("plain", { group, baseline: true }, () => void plain());
  Deno.bench("scaled", { group }, () => void scaled());
}

for (const [group, { x, weights, plain, scaled }] of Object.entries(works)) {
  for (const [name, f] of Object.entries({ plain, scaled })) {
    const baseline = name === "plain";
    const compiled = jit(f);
    compiled(x);
    Deno.bench(name, { group, baseline }, () => void compiled(x));
    const slope = jit(
      grad((x: Tensor) => weights === undefined ? f(x).square().sum() : f(x).mul(weights).sum()),
    );
    slope(x);
    Deno.bench(`${name}, gradient`, { group: `${group}, gradient`, baseline }, () => void slope(x));
  }
}
