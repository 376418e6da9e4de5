import fixture from "../fixtures/linalg.json" with { type: "json" };
import { exp, linalg, matmul, mul, tensor, vjp } from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { jit } from "../../src/jit.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import type { MatrixNormOptions, TriangularSolveOptions } from "../../src/linalg.ts";

// PyTorch's values and gradients; `linalg.py` beside the file says what is in it.

interface FixtureCase {
  readonly name: string;
  readonly args: readonly NestedArray[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly results: readonly NestedArray[];
  readonly cotangents: readonly NestedArray[];
  readonly grads: readonly NestedArray[];
}

const cases = fixture.cases as unknown as readonly FixtureCase[];

/** Matrices with each column multiplied by an element of a vector. */
function scaleColumns(x: Tensor, d: Tensor): Tensor {
  return mul(x, d.expandDims(-2));
}

function orderOf(ord: unknown): MatrixNormOptions {
  if (ord === null) return {};
  return { ord: ord === "inf" ? Infinity : ord === "-inf" ? -Infinity : ord as number };
}

const functions: Readonly<
  Record<string, (args: readonly Tensor[], options: FixtureCase["options"]) => Tensor[]>
> = {
  solve: ([a, b]) => [linalg.solve(a, b)],
  inv: ([a]) => [linalg.inv(a)],
  det: ([a]) => [linalg.det(a)],
  slogdet: ([a]) => [linalg.slogdet(a)[1]],
  cholesky: ([a]) => [linalg.cholesky(a)],
  qr: ([a]) => linalg.qr(a),
  svdValues: ([a]) => [linalg.svd(a)[1]],
  svdReduce([a]) {
    const [u, s, vt] = linalg.svd(a);
    return [matmul(scaleColumns(u, s.add(1).reciprocal()), vt)];
  },
  polar([a]) {
    const [u, , vt] = linalg.svd(a);
    return [matmul(u, vt)];
  },
  eighValues: ([a]) => [linalg.eigh(a)[0]],
  eighExponential([a]) {
    const [w, v] = linalg.eigh(a);
    return [matmul(scaleColumns(v, exp(w)), v.swapaxes(-1, -2))];
  },
  lstsq: ([a, b], options) => [linalg.lstsq(a, b, options)[0]],
  lstsqAll: ([a, b]) => linalg.lstsq(a, b).slice(0, 2) as Tensor[],
  triangularSolve: ([a, b], options) => [
    linalg.triangularSolve(a, b, options as TriangularSolveOptions),
  ],
  norm([a], { ord, axis, keepdims = false }) {
    const options = { ...orderOf(ord), keepdims: keepdims as boolean };
    return [linalg.norm(a, axis as number[] | undefined, options)];
  },
  matrixPower: ([a], { power }) => [linalg.matrixPower(a, power as number)],
};

function doubles(values: readonly NestedArray[]): Tensor[] {
  return values.map((value) => tensor(value, { dtype: "float64" }));
}

for (const name of Object.keys(functions)) {
  Deno.test(`${name} and its gradients are PyTorch's`, () => {
    const own = cases.filter((one) => one.name === name);
    if (own.length === 0) throw new Error(`there is no case of ${name}`);
    for (const { args, options, results, cotangents, grads } of own) {
      const f = (...xs: Tensor[]) => functions[name](xs, options);
      const points = doubles(args);
      for (const g of [f, jit(f) as unknown as typeof f]) {
        const [actual, pullback] = vjp(g, ...points);
        const tolerance = { rtol: 1e-9, atol: 1e-10 };
        assertTensorsClose(actual as Tensor[], doubles(results), tolerance);
        assertTensorsClose(pullback(doubles(cotangents)), doubles(grads), tolerance);
      }
    }
  });
}

Deno.test("every case of the fixture is used", () => {
  const unknown = cases.filter(({ name }) => !(name in functions));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.map(({ name }) => name)}`);
});
