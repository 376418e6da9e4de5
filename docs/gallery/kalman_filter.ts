// Kalman filter
// A scan tracks a moving object; the gradient of the likelihood estimates the sensor noise.
import { exp, eye, grad, jit, log, random, scan, tensor, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

const N = 300;
const A = tensor([[1, 1], [0, 1]]);
const H = tensor([[1, 0]]);
const PUSH = 0.05;
const TRUE_NOISE = 2;

// The truth: a position and a randomly perturbed speed; only the position is observed.
const [pushKey, seenKey] = random.split(random.key(0));
const pushes = random.normal(pushKey, [N]).mul(PUSH);
const [, truth] = scan(
  (s, push) => {
    const next = A.matmul(s).add(tensor([0.5, 1]).mul(push));
    return [next, next.at(0)];
  },
  zeros([2]),
  pushes,
);
const seen = truth.add(random.normal(seenKey, [N]).mul(TRUE_NOISE));

const Q = tensor([[0.25, 0.5], [0.5, 1]]).mul(PUSH ** 2);
/** Estimates of the position, and the logarithm of the likelihood of the observations. */
function filter(noise: Tensor): { positions: Tensor; likelihood: Tensor } {
  const [, { position, part }] = scan(
    ([mean, covariance], z) => {
      const ahead = A.matmul(mean);
      const wide = A.matmul(covariance).matmul(A.transpose()).add(Q);
      const surprise = z.sub(ahead.at(0));
      const variance = wide.at(0, 0).add(noise.square());
      const gain = wide.at(null, 0).div(variance);
      const next = ahead.add(gain.mul(surprise));
      const narrow = eye(2).sub(gain.expandDims(1).matmul(H)).matmul(wide);
      const part = log(variance.mul(2 * Math.PI)).add(surprise.square().div(variance)).div(-2);
      return [[next, narrow], { position: next.at(0), part }];
    },
    [zeros([2]), eye(2).mul(10)] as const,
    seen,
  );
  return { positions: position, likelihood: part.sum() };
}

// The likelihood is maximised with respect to the logarithm of the noise.
const climb = jit((start: Tensor) =>
  scan(
    (x) => [x.add(grad((x: Tensor) => filter(exp(x)).likelihood)(x).mul(0.001)), exp(x)],
    start,
    null,
    { length: 100 },
  )
);
const [end, noises] = climb(tensor(2));
await plot({ noise: noises }, { title: "Noise estimate by step" });
const { positions } = filter(exp(end));
await plot({ seen, filtered: positions, truth }, { title: "Positions by time" });

const error = (x: Tensor) => x.sub(truth).square().mean().sqrt().item();
console.log(`error: ${error(seen).toFixed(2)} as seen, ${error(positions).toFixed(2)} filtered`);
check(error(positions) < error(seen) / 2, "filtering halves the error");
const found = exp(end).item();
check(Math.abs(found - TRUE_NOISE) < 0.3, `the noise is found: ${found.toFixed(2)}`);
