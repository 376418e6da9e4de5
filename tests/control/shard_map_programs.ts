/**
 * Random functions in every place of a mesh, with random shardings.
 *
 * @module
 */
import "../support/quiet.ts";
import {
  allGather,
  allToAll,
  axisIndex,
  checkpoint,
  cond,
  jit,
  pmax,
  pmean,
  pmin,
  ppermute,
  psum,
  psumScatter,
  scan,
  shard,
  stack,
} from "../../mod.ts";
import type { Mesh, Sharding, Tensor } from "../../mod.ts";
import type { Random } from "../laws/values.ts";

/** A function of three matrices, and the shardings of these and of its two results. */
export interface RandomProgram {
  readonly f: (x: Tensor, y: Tensor, z: Tensor) => Tensor[];
  readonly ins: readonly Sharding[];
  readonly outs: readonly Sharding[];
}

type Step = (x: Tensor) => Tensor;

/** A program over a mesh. Equal numbers give equal programs, for any devices of the mesh. */
export function randomProgram(mesh: Mesh, random: Random): RandomProgram {
  const axes = Object.keys(mesh.axes);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)];
  const sharding = (): Sharding => {
    const spec: string[][] = [[], []];
    for (const name of random() < 0.5 ? axes : axes.toReversed()) {
      const at = below(3);
      if (at < 2) spec[at].push(name);
    }
    return shard(mesh, ...spec);
  };
  const step = (): Step => {
    const axis = pick(axes);
    const n = mesh.axes[axis];
    const [shift, gaps, factor] = [below(n), below(2), random() + 0.5];
    const copies = (x: Tensor) => stack(Array.from({ length: n }, (_, i) => x.mul(i + factor)));
    const pairs = Array.from({ length: n }, (_, i): [number, number] => [i, (i + shift) % n]);
    return pick<Step>([
      (x) => x.mul(factor).sin(),
      (x) => x.add(axisIndex(axis)).cos(),
      (x) => psum(x, axis).sin(),
      (x) => pmean(x, axis).mul(x),
      (x) => pmax(x, axis),
      (x) => pmin(x.mul(factor), [...axes]),
      (x) => psum(x, axes.toReversed()).cos(),
      (x) => ppermute(x, axis, pairs.slice(gaps)),
      (x) => allGather(x, axis).mul(factor).sin().sum(0),
      (x) => psumScatter(copies(x), axis).sin(),
      (x) => allToAll(copies(x), axis, 0, 0).sum(0).cos(),
      (x) => allToAll(copies(x), axis, 0, 1, { tiled: true }).sum(0).at([0, x.shape[0]]),
      (x) => jit((v: Tensor) => psum(v, axis).mul(v).sin())(x),
      (x) => checkpoint((v: Tensor) => pmean(v.sin(), axis).add(v))(x),
      (x) =>
        scan(
          (sum: Tensor, row: Tensor) => {
            const next = psum(sum.add(row), axis).sin();
            return [next, next.mul(row)];
          },
          x.at(0).mul(0),
          x,
        )[1] as Tensor,
      (x) => {
        const isUp = psum(x.sum(), [...axes]).greater(0);
        return cond(isUp, (x) => psum(x, axis).sin(), (x) => x.mul(factor), x);
      },
    ]);
  };
  const [first, second, third] = [0, 1, 2].map(() => Array.from({ length: 1 + below(3) }, step));
  const run = (steps: readonly Step[], x: Tensor) => steps.reduce((value, one) => one(value), x);
  const ins = [sharding(), sharding(), sharding()];
  const outs = [sharding(), sharding()];
  /** Makes values equal in all places that must share them. */
  const shared = (x: Tensor, { spec }: Sharding) =>
    axes.filter((name) => !spec.flat().includes(name)).reduce(
      (value, name) => psum(value, name),
      x,
    );
  return {
    ins,
    outs,
    f(x, y, z) {
      const a = run(first, x).mul(run(second, y).mean());
      const b = run(third, z).add(a.mean());
      return [shared(a, outs[0]), shared(b.mul(run(second, x).sum()), outs[1])];
    },
  };
}
