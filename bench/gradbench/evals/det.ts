import { grad, jit, ones, take, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray, toNumber } from "./eval.ts";

interface Input {
  readonly A: readonly number[];
  readonly ell: number;
}

/** All sets of `size` columns out of `n`, each as its columns in order. */
function columnSets(n: number, size: number): number[][] {
  if (size === 0) return [[]];
  return columnSets(n, size - 1).flatMap((set) => {
    const from = set.length === 0 ? 0 : set[set.length - 1] + 1;
    return Array.from({ length: n - from }, (_, i) => [...set, from + i]);
  });
}

/**
 * The determinant by expansion along rows, the last one first: the minor of the last `m` rows and a set
 * of `m` columns is computed from those of the last `m - 1` rows. Each minor is computed once; the
 * recursive form computes it once for each order in which the other columns are removed.
 */
function determinant(a: Tensor): Tensor {
  const n = a.shape[0];
  let minors = ones([1], { dtype: "float64" });
  let places = new Map([["", 0]]);
  for (let size = 1; size <= n; size++) {
    const sets = columnSets(n, size);
    const smaller = sets.map((set) =>
      set.map((_, j) => places.get(set.filter((_, other) => other !== j).join())!)
    );
    const signs = floats(Array.from({ length: size }, (_, j) => j % 2 === 0 ? 1 : -1));
    const row = take(a.at(n - size), tensor(sets, { dtype: "int32" }));
    const below = take(minors, tensor(smaller, { dtype: "int32" }));
    minors = row.mul(below).mul(signs).sum(1);
    places = new Map(sets.map((set, i) => [set.join(), i]));
  }
  return minors.at(0);
}

const primal = jit(determinant);
const gradient = jit(grad(determinant));

function read({ A, ell }: Input): Tensor {
  return floats(A).reshape([ell, ell]);
}

/** A determinant by expansion by minors. */
export const det: Eval = {
  primal(input: Input) {
    const a = read(input);
    return prepared(() => primal(a), toNumber);
  },
  gradient(input: Input) {
    const a = read(input);
    return prepared(() => gradient(a), (slopes) => toArray(slopes.ravel()));
  },
};
