/**
 * Sorting, searching and counting of 10^6 elements in float32, compiled, compared with NumPy: both compute the
 * same functions of numbers from the same distributions. NumPy runs in a process that receives one call at a
 * time, which adds some 0.1 ms.
 *
 * Run it with `deno bench -A bench/statistics_bench.ts`; without permissions, or a Python with NumPy, Jacobi
 * runs by itself. `deno bench -A bench/statistics_bench.ts -- 1` has one thread.
 *
 * @module
 */
import {
  configure,
  cummax,
  histogram,
  interp,
  linspace,
  quantile,
  random,
  searchsorted,
  segmentMax,
  segmentSum,
  sin,
  sort,
  unique,
} from "../mod.ts";
import { bound, compare } from "./support/peer.ts";

if (Deno.args[0] !== undefined) configure({ threads: Number(Deno.args[0]) });

const n = 10 ** 6;
const x = random.normal(random.key(0), [n]);
const labels = random.randint(random.key(1), [n], 0, 1000);
const few = labels.astype("float32");
const sorted = sort(x);
const xp = linspace(-4, 4, 1000);
const fp = sin(xp);

/** A measured function and its arguments. */
const works: Readonly<Record<string, () => unknown>> = {
  sort: bound((x) => sort(x), x),
  unique: bound((x) => unique(x, { size: 1000 }), few),
  searchsorted: bound((sorted, x) => searchsorted(sorted, x), sorted, x),
  histogram: bound((x) => histogram(x, 100), x),
  quantile: bound((x) => quantile(x, [0.1, 0.5, 0.9]), x),
  segmentSum: bound((x, ids) => segmentSum(x, ids, { numSegments: 1000 }), x, labels),
  segmentMax: bound((x, ids) => segmentMax(x, ids, { numSegments: 1000 }), x, labels),
  interp: bound((x, xp, fp) => interp(x, xp, fp), x, xp, fp),
  cummax: bound((x) => cummax(x, 0), x),
};

const NUMPY = `
import numpy as np
n, rng = 10**6, np.random.default_rng(0)
x = rng.normal(size=n).astype(np.float32)
labels = rng.integers(0, 1000, n).astype(np.int32)
few, ordered = labels.astype(np.float32), np.sort(x)
xp = np.linspace(-4, 4, 1000).astype(np.float32)
fp = np.sin(xp)
def segment_max():
    out = np.full(1000, -np.inf, np.float32)
    np.maximum.at(out, labels, x)
works = {
    "sort": lambda: np.sort(x, kind="stable"),
    "unique": lambda: np.unique(few),
    "searchsorted": lambda: np.searchsorted(ordered, x),
    "histogram": lambda: np.histogram(x, 100),
    "quantile": lambda: np.quantile(x, [0.1, 0.5, 0.9]),
    "segmentSum": lambda: np.bincount(labels, x, 1000),
    "segmentMax": segment_max,
    "interp": lambda: np.interp(x, xp, fp),
    "cummax": lambda: np.maximum.accumulate(x),
}
`;

await compare(works, "numpy", NUMPY);
