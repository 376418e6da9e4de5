import { arange, concatenate, jacrev, jit, stack, take, vmap, where } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared } from "./eval.ts";

interface Input {
  readonly n: number;
  readonly m: number;
  readonly p: number;
  readonly cam: readonly number[];
  readonly x: readonly number[];
  readonly w: number;
  readonly feat: readonly number[];
}

/** Parameters of a camera: rotation, centre, focal length, principal point, distortion. */
const CAMERA = 11;

function cross(a: Tensor, b: Tensor): Tensor {
  const [x, y, z] = [0, 1, 2].map((i) => [a.at(i), b.at(i)]);
  return stack([
    y[0].mul(z[1]).sub(z[0].mul(y[1])),
    z[0].mul(x[1]).sub(x[0].mul(z[1])),
    x[0].mul(y[1]).sub(y[0].mul(x[1])),
  ]);
}

/** A point rotated about an axis whose length is the angle, by Rodrigues' formula. */
function rotate(axis: Tensor, point: Tensor): Tensor {
  const square = axis.square().sum();
  const isTurned = square.notEqual(0);
  const angle = where(isTurned, square, 1).sqrt();
  const unit = axis.div(angle);
  const along = unit.mul(point).sum().mul(angle.cos().neg().add(1));
  const turned = point.mul(angle.cos()).add(cross(unit, point).mul(angle.sin()))
    .add(unit.mul(along));
  return where(isTurned, turned, point.add(cross(axis, point)));
}

/** The reprojection error of a point relative to its feature, times a weight: `[2]`. */
function reprojection(camera: Tensor, point: Tensor, weight: Tensor, feature: Tensor): Tensor {
  const seen = rotate(camera.at([0, 3]), point.sub(camera.at([3, 6])));
  const flat = seen.at([0, 2]).div(seen.at(2));
  const square = flat.square().sum();
  const distortion = square.mul(camera.at(9)).add(square.square().mul(camera.at(10))).add(1);
  const pixel = flat.mul(distortion).mul(camera.at(6)).add(camera.at([7, 9]));
  return pixel.sub(feature).mul(weight);
}

/** Cameras, points, weights and features, and the indices of these for each observation. */
interface Observations {
  readonly cameras: Tensor;
  readonly points: Tensor;
  readonly weights: Tensor;
  readonly features: Tensor;
  readonly cameraOf: Tensor;
  readonly pointOf: Tensor;
}

function parts(all: Observations): [Tensor, Tensor, Tensor, Tensor] {
  const { cameras, points, weights, features, cameraOf, pointOf } = all;
  return [take(cameras, cameraOf, 0), take(points, pointOf, 0), weights, features];
}

const objective = jit((all: Observations) => [
  vmap(reprojection)(...parts(all)),
  all.weights.square().neg().add(1),
]);

/** The values of the sparse Jacobian: two rows of 15 for each observation, then one value each. */
const values = jit((all: Observations) => {
  const blocks = vmap(jacrev(reprojection, { argnums: [0, 1, 2] }))(...parts(all)) as Tensor[];
  const rows = concatenate([blocks[0], blocks[1], blocks[2].expandDims(2)], 2);
  return concatenate([rows.ravel(), all.weights.mul(-2)]);
});

/** The sparse matrix of all observations, in rows. */
function jacobian(all: Observations, n: number, m: number, p: number) {
  const width = CAMERA + 3 + 1;
  const rows = new Int32Array(3 * p + 1);
  const columns = new Int32Array(2 * p * width + p);
  const [pointsFrom, weightsFrom] = [CAMERA * n, CAMERA * n + 3 * m];
  let next = 0;
  for (let i = 0; i < p; i++) {
    for (let row = 0; row < 2; row++) {
      for (let j = 0; j < CAMERA; j++) columns[next++] = CAMERA * (i % n) + j;
      for (let j = 0; j < 3; j++) columns[next++] = pointsFrom + 3 * (i % m) + j;
      columns[next++] = weightsFrom + i;
      rows[2 * i + row + 1] = next;
    }
  }
  for (let i = 0; i < p; i++) {
    columns[next++] = weightsFrom + i;
    rows[2 * p + i + 1] = next;
  }
  return { rows, columns, values: values(all).data() };
}

function read({ n, m, p, cam, x, w, feat }: Input): Observations {
  const repeated = (one: readonly number[], count: number) =>
    floats(one).expandDims(0).add(floats(new Array(count).fill(0)).expandDims(1));
  const count = arange(p);
  return {
    cameras: repeated(cam, n),
    points: repeated(x, m),
    weights: floats(new Array(p).fill(w)),
    features: repeated(feat, p),
    cameraOf: count.mod(n).astype("int32"),
    pointOf: count.mod(m).astype("int32"),
  };
}

/** The elements of a list that the eval compares: the first 30 and the last one. */
function ends(list: ArrayLike<number>): number[] {
  return [...Array.from({ length: 30 }, (_, i) => list[i]), list[list.length - 1]];
}

/** Bundle adjustment: a sparse Jacobian. */
export const ba: Eval = {
  objective(input: Input) {
    const all = read(input);
    return prepared(() => objective(all), ([errors, weights]) => ({
      reproj_error: { elements: errors.at(0).toArray(), repeated: errors.shape[0] },
      w_err: { element: weights.at(0).item(), repeated: weights.shape[0] },
    }));
  },
  jacobian(input: Input) {
    const { n, m, p } = input;
    const all = read(input);
    return prepared(() => jacobian(all, n, m, p), ({ rows, columns, values }) => ({
      rows: ends(rows),
      cols: ends(columns),
      vals: ends(values as Float64Array),
    }));
  },
};
