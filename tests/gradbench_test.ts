import { linalg, special, tensor } from "../mod.ts";
import { evals } from "../bench/gradbench/evals/mod.ts";
import { assert, assertAlmostEquals, assertEquals } from "./support/std.ts";

// The suite compares with its own values; these tests use independent formulas, at small sizes.

/** The JSON result of a function of an eval. */
function ask(module: string, name: string, input: unknown): unknown {
  const { run, report } = evals[module][name](input as never);
  run();
  return JSON.parse(JSON.stringify(report()));
}

/** Numbers that look random, the same at each run. */
function numbers(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  });
}

function rows(count: number, length: number, seed = 1): number[][] {
  const all = numbers(count * length, seed);
  return Array.from({ length: count }, (_, i) => all.slice(i * length, (i + 1) * length));
}

function assertClose(actual: unknown, expected: unknown, tolerance = 1e-7): void {
  const flat = (value: unknown): number[] =>
    Array.isArray(value) ? value.flatMap(flat) : [value as number];
  const [a, b] = [flat(actual), flat(expected)];
  assertEquals(a.length, b.length);
  a.forEach((x, i) => assertAlmostEquals(x, b[i], tolerance * Math.max(1, Math.abs(b[i]))));
}

/** Partial derivatives of a scalar, by finite differences. */
function slopes(f: (x: readonly number[]) => number, x: readonly number[]): number[] {
  const h = 1e-5;
  return x.map((_, i) => {
    const at = (change: number) => f(x.map((value, j) => j === i ? value + change : value));
    return (at(h) - at(-h)) / (2 * h);
  });
}

Deno.test("all twelve evals of the suite are there", () => {
  assertEquals(Object.keys(evals).length, 12);
});

Deno.test("hello squares and doubles", () => {
  assertEquals(ask("hello", "square", 3), 9);
  assertEquals(ask("hello", "double", 3), 6);
});

Deno.test("lse and det are those of the library", () => {
  const x = numbers(20);
  assertClose(
    ask("lse", "primal", { x }),
    special.logsumexp(tensor(x, { dtype: "float64" })).item(),
  );
  assertClose(
    ask("lse", "gradient", { x }),
    slopes((x) => ask("lse", "primal", { x }) as number, x),
  );
  const A = numbers(25);
  const matrix = tensor(A, { dtype: "float64" }).reshape([5, 5]);
  const det = linalg.det(matrix);
  assertClose(ask("det", "primal", { A, ell: 5 }), det.item());
  const cofactors = linalg.inv(matrix).transpose().mul(det).ravel();
  assertClose(ask("det", "gradient", { A, ell: 5 }), cofactors.toArray());
});

Deno.test("llsq, kmeans and ode have the derivatives of their values", () => {
  const x = numbers(4);
  assertClose(
    ask("llsq", "gradient", { x, n: 9 }),
    slopes((x) => ask("llsq", "primal", { x, n: 9 }) as number, x),
  );
  assertClose(
    ask("ode", "gradient", { x, s: 5 }),
    slopes((x) => (ask("ode", "primal", { x, s: 5 }) as number[])[3], x),
  );
  // Four steps are exact for polynomials of degree 4: y_i = t^(i + 1) / (i + 1)! times a product.
  assertClose(ask("ode", "primal", { x, s: 1 }), [
    2 * x[0],
    2 * x[0] * x[1],
    4 / 3 * x[0] * x[1] * x[2],
    2 / 3 * x[0] * x[1] * x[2] * x[3],
  ]);
  const points = rows(30, 2);
  const centroids = points.slice(-3);
  const nearest = points.map((point) => {
    const far = centroids.map((c) => (c[0] - point[0]) ** 2 + (c[1] - point[1]) ** 2);
    return far.indexOf(Math.min(...far));
  });
  const expected = centroids.map((centroid, j) => {
    const own = points.filter((_, i) => nearest[i] === j);
    return centroid.map((c, l) => c - own.reduce((sum, point) => sum + point[l], 0) / own.length);
  });
  assertClose(ask("kmeans", "dir", { points, centroids }), expected);
});

Deno.test("gmm has the density of its definition for one component, and its derivatives", () => {
  const input = {
    ...{ d: 1, k: 1, n: 2, m: 0, gamma: 1 },
    ...{ x: [[0.3], [-0.4]], alpha: [0.7], mu: [[0.1]], q: [[0.2]], l: [[]] },
  };
  const precision = Math.exp(0.4);
  const likelihood = [0.2, -0.5].reduce(
    (sum, x) => sum + Math.log(precision / (2 * Math.PI)) / 2 - precision * x * x / 2,
    0,
  );
  // Wishart's density in one dimension with two degrees of freedom: exp(-x / 2) / 2.
  const prior = -precision / 2 - Math.log(2);
  assertClose(ask("gmm", "objective", input), likelihood + prior);

  const [d, k] = [3, 2];
  const parts = { alpha: rows(1, k, 2)[0], mu: rows(k, d, 3), q: rows(k, d, 4), l: rows(k, 3, 5) };
  const full = { d, k, n: 5, m: 2, gamma: 1.5, x: rows(5, d, 6), ...parts };
  const gradient = ask("gmm", "jacobian", full) as Record<string, unknown>;
  for (const name of ["mu", "q", "l"] as const) {
    const value = (flat: readonly number[]) =>
      ask("gmm", "objective", {
        ...full,
        [name]: Array.from({ length: k }, (_, i) => flat.slice(3 * i, 3 * i + 3)),
      }) as number;
    assertClose(gradient[name], slopes(value, parts[name].flat()));
  }
});

Deno.test("lstm has the derivatives of its loss", () => {
  const [layers, b] = [2, 2];
  const full = {
    main_params: rows(2 * layers, 4 * b, 2),
    extra_params: rows(3, b, 3),
    state: rows(2 * layers, b, 4),
    sequence: rows(4, b, 5),
  };
  const flat = [...full.main_params.flat(), ...full.extra_params.flat()];
  const value = (flat: readonly number[]) =>
    ask("lstm", "objective", {
      ...full,
      main_params: full.main_params.map((row, i) => row.map((_, j) => flat[i * 4 * b + j])),
      extra_params: full.extra_params.map((row, i) =>
        row.map((_, j) => flat[2 * layers * 4 * b + i * b + j])
      ),
    }) as number;
  assertClose(ask("lstm", "jacobian", full), slopes(value, flat));
});

Deno.test("ba has the derivatives of its errors, as a sparse matrix", () => {
  const one = { cam: numbers(11, 2), x: [0.3, -0.2, 5], w: 0.7, feat: [0.1, 0.4] };
  const input = { n: 2, m: 3, p: 4, ...one };
  const { rows, cols, vals } = ask("ba", "jacobian", input) as Record<string, number[]>;
  const error = (i: number) => (flat: readonly number[]) => {
    const moved = { ...input, cam: flat.slice(0, 11), x: flat.slice(11, 14), w: flat[14] };
    const { reproj_error } = ask("ba", "objective", moved) as Record<
      string,
      { elements: number[] }
    >;
    return reproj_error.elements[i];
  };
  const flat = [...one.cam, ...one.x, one.w];
  const expected = [...slopes(error(0), flat), ...slopes(error(1), flat)];
  assertClose(vals, [...expected, -2 * one.w], 1e-6);
  assertEquals(rows.slice(0, 9), [0, 15, 30, 45, 60, 75, 90, 105, 120].slice(0, 9));
  assertEquals(cols.slice(0, 15), [...Array(11).keys(), 22, 23, 24, 31]);
  assertEquals(cols.at(-1), 34);
});

Deno.test("ht has the derivatives of its errors, with and without places in triangles", () => {
  const bones = 22;
  const frame = (seed: number) => {
    const values = rows(3, 4, seed);
    return [...values, [0, 0, 0, 1]];
  };
  const model = {
    parents: Array.from({ length: bones }, (_, i) => i === 0 ? -1 : i < 3 ? 0 : i - 1),
    base_relatives: Array.from({ length: bones }, (_, i) => frame(i + 1)),
    inverse_base_absolutes: Array.from({ length: bones }, (_, i) => frame(i + 50)),
    base_positions: rows(6, 3, 7).map((row) => [...row, 1]),
    weights: rows(6, bones, 8).map((row) => row.map((w) => w / bones)),
    triangles: [[0, 1, 2], [3, 4, 5]],
    is_mirrored: false,
  };
  const theta = numbers(26, 9).map((x) => x / 2);
  const us = rows(2, 2, 10);
  for (const isComplicated of [true, false]) {
    const data = { model, correspondences: [1, 0], points: rows(2, 3, 11) };
    const at = (theta: readonly number[], us: readonly (readonly number[])[]) =>
      ask("ht", "objective", { theta, data, us: isComplicated ? us : [] }) as number[];
    const jacobian = ask("ht", "jacobian", { theta, data, us: isComplicated ? us : [] });
    const scale = Math.max(...at(theta, us).map(Math.abs));
    (jacobian as number[][]).forEach((row, i) => {
      const byPose = slopes((theta) => at(theta, us)[i], theta);
      const point = Math.floor(i / 3);
      const byShare = slopes(
        (own) => at(theta, us.map((old, j) => j === point ? own : old))[i],
        us[point],
      );
      const expected = isComplicated ? [...byShare, ...byPose] : byPose;
      assertEquals(row.length, expected.length);
      row.forEach((x, j) => assert(Math.abs(x - expected[j]) <= 1e-6 * scale, `${i} ${j}`));
    });
  }
});

Deno.test("particle and saddle find what the suite expects, in all modes", () => {
  for (const name of ["ff", "fr", "rf", "rr"]) {
    assertClose(ask("particle", name, { w: 0 }), 0.2071918746486116, 1e-6);
    const found = ask("saddle", name, { start: [1, 1] });
    assertClose(found, new Array(4).fill(8.246324826140356e-6), 1e-9);
  }
});
