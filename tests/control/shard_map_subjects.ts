/**
 * Functions in every place of a mesh of two by three, which tests compare with a reference.
 *
 * @module
 */
import "../support/quiet.ts";
import {
  allGather,
  allToAll,
  axisIndex,
  checkpoint,
  concatenate,
  cond,
  cos,
  customJvp,
  customVjp,
  exp,
  foriLoop,
  grad,
  jit,
  matmul,
  mesh,
  pmax,
  pmean,
  pmin,
  ppermute,
  psum,
  psumScatter,
  random,
  scan,
  shard,
  shardMap,
  sin,
  tensor,
  vmap,
  where,
  whileLoop,
} from "../../mod.ts";
import type { Mesh, Sharding, Tensor } from "../../mod.ts";

const [I, J] = ["i", "j"];

/** A function in each place, and the shardings of its arguments and results. */
export interface Subject {
  readonly f: (x: Tensor, y: Tensor, z: Tensor) => Tensor | Tensor[];
  readonly ins: readonly [x: Sharding, y: Sharding, z: Sharding];
  readonly outs: readonly Sharding[];
}

/** The shapes of `x`, `y` and `z`. */
export const SHAPES = [[4, 6], [6], [3]] as const;

const around = [[0, 1], [1, 2], [2, 0]] as const;

type Draft = Omit<Subject, "ins"> & Partial<Subject>;

/** The functions over such a mesh; `isExtreme` selects those with derivatives only where no values are close. */
export function subjectsOver(MESH: Mesh, isExtreme = false): Record<string, Subject> {
  const WHOLE = shard(MESH);
  const INS = [shard(MESH, I, J), shard(MESH, J), WHOLE] as const;
  const both = shard(MESH, I, J);
  const subjects: Record<string, Draft> = {
    "work of its own": { f: (x, y, z) => sin(x).mul(y).mul(z.sum()), outs: [both] },
    "psum": { f: (x, y, z) => psum(x.mul(y), J).sin().mul(z.sum()), outs: [shard(MESH, I)] },
    "psum over both axes": {
      f: (x, y, z) => psum(x.mul(y).sin(), [I, J]).mul(z.at(0)),
      outs: [WHOLE],
    },
    "psum of what is the same": {
      f: (x, _y, z) => [psum(z.square(), I).mul(x.sum()), psum(z, [J, I])],
      outs: [shard(MESH, [I, J]), WHOLE],
    },
    "pmean": { f: (x, y) => x.sub(pmean(x, I)).square().mul(y), outs: [both] },
    "allGather": {
      f: (x, y) => allGather(x.mul(y), J, { axis: 1, tiled: true }).sin(),
      outs: [shard(MESH, I)],
    },
    "allGather over both axes": {
      f: (x, y, z) => allGather(x.sum().mul(z), [J, I]).mul(allGather(y, J).sum()),
      outs: [WHOLE],
    },
    "psumScatter": {
      f: (x, y, z) => psumScatter(sin(x.sum().mul(z)), J).mul(y),
      outs: [shard(MESH, [I, J])],
    },
    "psumScatter in tiles": {
      f: (x, y) => psumScatter(x.mul(y).sin(), I, { tiled: true }),
      outs: [both],
    },
    "ppermute": { f: (x, y) => ppermute(x.square(), J, around).mul(y), outs: [both] },
    "ppermute with gaps": {
      f: (x, y) => ppermute(x.square(), I, [[1, 0]]).mul(y).add(x),
      outs: [both],
    },
    "allToAll": {
      f: (x, y) => allToAll(x.mul(y).sin(), I, 1, 0, { tiled: true }),
      outs: [shard(MESH, null, [J, I])],
    },
    "allToAll over both axes": {
      f: (x, y, z) =>
        allToAll(concatenate([x.sum().mul(z), y.mul(y), y.at([0, 1])], 0), [I, J], 0, 0).sin(),
      outs: [shard(MESH, [J, I])],
    },
    "axisIndex": {
      f: (x, y) => x.mul(axisIndex([I, J])).add(psum(axisIndex(J).mul(y), J)),
      outs: [both],
    },
    "random numbers by place": {
      f: (x) =>
        random.normal(random.foldIn(random.key(1), axisIndex([J, I])), [2, 2], { dtype: "float64" })
          .mul(x),
      outs: [both],
    },
    "several axes of the mesh along one of an argument": {
      f: (x, y, z) => [x.mul(y).mul(z.sum()), psum(y.square().mul(z.at(1)), I)],
      ins: [shard(MESH, null, [J, I]), shard(MESH, [J, I]), WHOLE],
      outs: [shard(MESH, null, [J, I]), shard(MESH, J)],
    },
    "the axes of the mesh the other way around": {
      f: (x, y, z) => [x.square(), y.mul(psum(z, J).sum()), z.mul(2)],
      ins: [shard(MESH, I, J), shard(MESH, I), shard(MESH, J)],
      outs: [shard(MESH, J, I), shard(MESH, I), shard(MESH, [J])],
    },
    "arguments that are whole": {
      f: (x, y, z) => matmul(x.at(null, [0, 3]), z).mul(y.sum()),
      ins: [WHOLE, WHOLE, WHOLE],
      outs: [WHOLE],
    },
    "derivatives within": {
      f: (x, y, z) => {
        const loss = (z: Tensor) => psum(x.mul(z.sum()).sin().sum(), I).mul(y.sum());
        return [pmean(grad(loss)(z), [I, J]), grad((x: Tensor) => psum(x.square(), J).sum())(x)];
      },
      outs: [WHOLE, both],
    },
    "a named vmap within": {
      f: (x, _y, z) =>
        vmap((v) => psum(v, "k").mul(psum(v.square(), I)).mul(z.sum()), 0, 0, { axisName: "k" })(x),
      outs: [both],
    },
    "jit within": {
      f: (x, y) => jit((v: Tensor) => psum(v.sin(), J).mul(v))(x).mul(y),
      outs: [both],
    },
    "scan": {
      f: (x, _y, z) =>
        scan(
          (carry: Tensor, v: Tensor) => {
            const next = sin(carry.add(pmean(v.mul(carry), I)));
            return [next, next.mul(axisIndex(J))];
          },
          z.at([0, 2]),
          x,
        )[1],
      outs: [both],
    },
    "a loop": {
      f: (x, _y, z) =>
        foriLoop(0, 3, (i, v: Tensor) => sin(pmean(v.mul(x), J).add(i)), x.mul(z.sum())),
      outs: [both],
    },
    "a branch": {
      f: (x, y, z) => cond(z.sum().greater(0), (x) => psum(x, J).mul(x), (x) => sin(x).mul(y), x),
      outs: [both],
    },
    "a loop that places leave at different times": {
      f: (x, y) =>
        whileLoop(
          ([n]) => n.less(axisIndex([J, I]).add(1)),
          ([n, v]) => [n.add(1), sin(pmean(v, J).mul(y).add(v))],
          [tensor(0), x] as const,
          { maxSteps: 8 },
        )[1],
      outs: [both],
    },
    "a loop that the places of a line leave together": {
      f: (x) =>
        whileLoop(
          (v: Tensor) => pmean(v.square().sum(), [I, J]).less(40),
          (v: Tensor) => v.mul(1.5).add(psum(v, I).mul(0.1)),
          x,
          { maxSteps: 16 },
        ),
      outs: [both],
    },
    "a choice": {
      f: (x, y) => where(axisIndex(J).equal(1), psum(x.mul(x), J), x).mul(y),
      outs: [both],
    },
    "checkpoint": {
      f: (x, y) => checkpoint((v: Tensor) => psum(sin(v), I).mul(v))(x).mul(y),
      outs: [both],
    },
    "rules of one's own": {
      f: (x, y) => {
        const reverse = customVjp(
          (x: Tensor) => psum(x.square(), I),
          (x: Tensor) => [psum(x.square(), I), x],
          (x: Tensor, ct: Tensor) => [psum(ct, I).mul(x).mul(2)],
        );
        const forward = customJvp(
          (x: Tensor) => psum(sin(x), J),
          ([x]: [Tensor], [dx]: [Tensor]) => [psum(sin(x), J), psum(cos(x).mul(dx), J)],
        );
        return reverse(x.mul(y)).add(forward(x));
      },
      outs: [both],
    },
    "softmax over columns": {
      f: (x) => {
        const weight = exp(x.sub(pmax(x.max(1), J).expandDims(1)));
        return weight.div(psum(weight.sum(1), J).expandDims(1));
      },
      outs: [both],
    },
    "a mesh within": {
      f: (x, y, z) => {
        const inner = mesh({ k: 3 });
        const f = shardMap((z: Tensor) => psum(z.mul(x.sum()), "k").add(psum(z, I)), {
          inSpecs: shard(inner, "k"),
          outSpecs: shard(inner, "k"),
        });
        return f(z).mul(y.sum());
      },
      outs: [shard(MESH, [I, J])],
    },
    "the same names within": {
      f: (x, y) =>
        shardMap((x: Tensor) => psum(x.square(), J), {
          inSpecs: shard(mesh({ j: 2 }), "j"),
          outSpecs: null,
        })(x).mul(psum(y, J)),
      outs: [both],
    },
  };
  /** Extremes, whose derivatives exist where no two values are close. */
  const extremes: typeof subjects = {
    "pmax": { f: (x, y) => pmax(x, J).mul(y).mul(x), outs: [both] },
    "pmin": { f: (x, y) => pmin(x, [I, J]).mul(y.sum()), outs: [shard(MESH, null, J)] },
  };
  return Object.fromEntries(
    Object.entries(isExtreme ? extremes : subjects).map((
      [name, one],
    ) => [name, { ins: INS, ...one }]),
  );
}
