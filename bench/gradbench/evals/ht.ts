import {
  concatenate,
  eye,
  jit,
  jvp,
  matmul,
  ones,
  stack,
  take,
  tensor,
  vmap,
  where,
  zeros,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray } from "./eval.ts";

interface Input {
  readonly theta: readonly number[];
  readonly us: readonly (readonly number[])[];
  readonly data: {
    readonly model: {
      readonly parents: readonly number[];
      readonly base_relatives: readonly (readonly (readonly number[])[])[];
      readonly inverse_base_absolutes: readonly (readonly (readonly number[])[])[];
      readonly base_positions: readonly (readonly number[])[];
      readonly weights: readonly (readonly number[])[];
      readonly triangles: readonly (readonly number[])[];
      readonly is_mirrored: boolean;
    };
    readonly correspondences: readonly number[];
    readonly points: readonly (readonly number[])[];
  };
}

/** The hand and the points to which it is fitted. */
interface Hand {
  /** `[bones, 4, 4]`. */
  readonly relatives: Tensor;
  /** `[bones, 4, 4]`. */
  readonly inverses: Tensor;
  /** `[vertices, 4]`. */
  readonly positions: Tensor;
  /** `[vertices, bones]`. */
  readonly weights: Tensor;
  /** For each point, the vertices of its triangle, or its only vertex: `[points, 3]` or `[points]`. */
  readonly vertices: Tensor;
  /** `[points, 3]`. */
  readonly points: Tensor;
}

/** The index of each finger's four numbers in the angles of all bones: `[bone, angle]` of bones and x, z, y. */
const FINGER = [[0, 0], [0, 1], [1, 0], [2, 0]];

/** Rotations by angles about x, then y, then z: `[..., 3]` (x, z, y) to `[..., 3, 3]`. */
function eulerRotations(angles: Tensor): Tensor {
  const [x, z, y] = [0, 1, 2].map((i) => angles.at("...", i));
  const [sx, cx, sy, cy, sz, cz] = [x, y, z].flatMap((angle) => [angle.sin(), angle.cos()]);
  const rows = [
    [cz.mul(cy), cz.mul(sy).mul(sx).sub(sz.mul(cx)), cz.mul(sy).mul(cx).add(sz.mul(sx))],
    [sz.mul(cy), sz.mul(sy).mul(sx).add(cz.mul(cx)), sz.mul(sy).mul(cx).sub(cz.mul(sx))],
    [sy.neg(), cy.mul(sx), cy.mul(cx)],
  ];
  return stack(rows.map((row) => stack(row, -1)), -2);
}

/** The rotation about an axis whose length is the angle; the identity if that is very small. */
function axisRotation(axis: Tensor): Tensor {
  const square = axis.square().sum();
  const isTurned = square.greaterEqual(1e-8);
  const angle = where(isTurned, square, 1).sqrt();
  const [x, y, z] = [0, 1, 2].map((i) => axis.at(i).div(angle));
  const [s, c] = [angle.sin(), angle.cos()];
  const rest = c.neg().add(1);
  const diagonal = (a: Tensor) => a.square().mul(rest).add(c);
  const rows = [
    [diagonal(x), x.mul(y).mul(rest).sub(z.mul(s)), x.mul(z).mul(rest).add(y.mul(s))],
    [x.mul(y).mul(rest).add(z.mul(s)), diagonal(y), y.mul(z).mul(rest).sub(x.mul(s))],
    [x.mul(z).mul(rest).sub(y.mul(s)), z.mul(y).mul(rest).add(x.mul(s)), diagonal(z)],
  ];
  return where(isTurned, stack(rows.map((row) => stack(row))), eye(3, { dtype: "float64" }));
}

/** The vertices of the hand in a pose: `[vertices, 3]`. */
function posed(theta: Tensor, hand: Hand, parents: readonly number[], isMirrored: boolean): Tensor {
  const bones = parents.length;
  // The first six numbers rotate and translate the whole hand; four more bend each finger.
  const places = Array.from({ length: bones }, () => new Array<number>(3).fill(theta.shape[0]));
  for (let finger = 0; finger < 5; finger++) {
    FINGER.forEach(([bone, angle], i) => {
      places[2 + 4 * finger + bone][angle] = 6 + 4 * finger + i;
    });
  }
  const withZero = concatenate([theta, zeros([1], { dtype: "float64" })]);
  const rotations = eulerRotations(take(withZero, tensor(places, { dtype: "int32" })));
  const relatives = concatenate([
    matmul(hand.relatives.at("...", [0, 3]), rotations),
    hand.relatives.at("...", [3, 4]),
  ], 2);
  const absolutes: Tensor[] = [];
  parents.forEach((parent, i) => {
    const own = relatives.at(i);
    absolutes.push(parent === -1 ? own : matmul(absolutes[parent], own));
  });
  const transforms = matmul(stack(absolutes), hand.inverses).at(null, [0, 3]);
  // Each vertex is transformed by the mean of the bones' transforms.
  const blended = matmul(hand.weights, transforms.reshape([bones, 12])).reshape([-1, 3, 4]);
  const moved = blended.mul(hand.positions.expandDims(1)).sum(2);
  const seen = isMirrored ? moved.mul(floats([-1, 1, 1])) : moved;
  return matmul(seen, axisRotation(theta.at([0, 3])).transpose()).add(theta.at([3, 6]));
}

/** The differences of the points from the hand: `[points, 3]`; `us` gives each point's position in its triangle. */
function errors(
  theta: Tensor,
  us: Tensor | null,
  hand: Hand,
  parents: readonly number[],
  isMirrored: boolean,
): Tensor {
  const chosen = take(posed(theta, hand, parents, isMirrored), hand.vertices, 0);
  if (us === null) return hand.points.sub(chosen);
  const shares = concatenate([us, us.sum(1, { keepdims: true }).neg().add(1)], 1);
  return hand.points.sub(chosen.mul(shares.expandDims(2)).sum(1));
}

const statics = { staticArgnums: [3, 4] };
const objective = jit(errors, statics);

/** Columns of the Jacobian: with respect to the two shares of each point's own triangle, then to the pose. */
const jacobian = jit((
  theta: Tensor,
  us: Tensor | null,
  hand: Hand,
  parents: readonly number[],
  isMirrored: boolean,
) => {
  const count = theta.shape[0];
  const identity = eye(count, { dtype: "float64" });
  const along = (tangent: Tensor, shares: Tensor | null): Tensor => {
    if (us === null) {
      return jvp((theta: Tensor) => errors(theta, null, hand, parents, isMirrored), [theta], [
        tangent,
      ])[1];
    }
    return jvp(
      (theta: Tensor, us: Tensor) => errors(theta, us, hand, parents, isMirrored),
      [theta, us],
      [tangent, shares!.mul(ones(us.shape, { dtype: "float64" }))],
    )[1];
  };
  const still = zeros([2], { dtype: "float64" });
  const byPose = vmap((tangent: Tensor) => along(tangent, still))(identity);
  const columns = us === null ? byPose : concatenate([
    vmap((shares: Tensor) => along(zeros([count], { dtype: "float64" }), shares))(
      eye(2, { dtype: "float64" }),
    ),
    byPose,
  ]);
  return columns.reshape([columns.shape[0], -1]).transpose();
}, statics);

function read({ theta, us, data }: Input) {
  const { model, correspondences, points } = data;
  const hand = {
    relatives: floats(model.base_relatives),
    inverses: floats(model.inverse_base_absolutes),
    positions: floats(model.base_positions),
    weights: floats(model.weights),
    points: floats(points),
    vertices: tensor(
      us.length === 0 ? correspondences : correspondences.map((i) => model.triangles[i]),
      { dtype: "int32" },
    ),
  };
  return [
    floats(theta),
    us.length === 0 ? null : floats(us).reshape([-1, 2]),
    hand,
    model.parents,
    model.is_mirrored,
  ] as const;
}

/** Tracking of a hand: a dense Jacobian with few columns. */
export const ht: Eval = {
  objective(input: Input) {
    const args = read(input);
    return prepared(() => objective(...args), (errors) => toArray(errors.ravel()));
  },
  jacobian(input: Input) {
    const args = read(input);
    return prepared(() => jacobian(...args), toArray);
  },
};
