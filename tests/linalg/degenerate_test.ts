import {
  equal,
  grad,
  hessian,
  isfinite,
  jvp,
  linalg,
  makeProgram,
  matmul,
  mul,
  stack,
  sum,
  tensor,
  vmap,
} from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { jit } from "../../src/jit.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { checkFirstOrder, checkSecondOrder } from "../laws/laws.ts";
import { makeRandom } from "../laws/values.ts";
import { assert, assertEquals } from "../support/std.ts";

const { cholesky, det, eigh, inv, lstsq, matrixPower, norm, qr, slogdet, solve, svd } = linalg;

function double(value: NestedArray | number): Tensor {
  return tensor(value, { dtype: "float64" });
}

const identity = double([[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
const nothing = double([[0, 0, 0], [0, 0, 0], [0, 0, 0]]);

/** Singular matrices, whose ranks are 2, 1, 0 and 2, 1, 0. */
const singular: readonly (readonly (readonly number[])[])[] = [
  [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
  [[1, 2, 3], [2, 4, 6], [3, 6, 9]],
  [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
  [[0, 1, 2], [0, 3, 4], [0, 5, 7]],
  [[0, 0, 2], [0, 0, 4], [0, 0, 7]],
  [[0, 0], [0, 0]],
];

Deno.test("determinants of singular matrices have the derivatives of the polynomial", () => {
  for (const matrix of singular) {
    const law = `det of ${JSON.stringify(matrix)}`;
    const args = [double(matrix.map((row) => [...row]))];
    for (const f of [det, jit(det) as typeof det]) {
      checkFirstOrder(([a]) => [f(a)], args, makeRandom(3), law);
      checkSecondOrder(([a]) => [f(a)], args, makeRandom(3), law);
    }
  }
});

Deno.test("the determinant's third derivatives are right at the zero matrix", () => {
  // The polynomial's only third derivatives are those of its six products.
  const along = (f: (a: Tensor) => Tensor, x: Tensor) => (a: Tensor) => jvp(f, [a], [x])[1];
  const third = (x: Tensor, y: Tensor, z: Tensor) => along(along(along(det, x), y), z)(nothing);
  const unit = (i: number, j: number) =>
    double([0, 1, 2].map((r) => [0, 1, 2].map((c) => r === i && c === j ? 1 : 0)));
  assertTensorsClose(third(unit(0, 0), unit(1, 1), unit(2, 2)), 1);
  assertTensorsClose(third(unit(0, 1), unit(1, 0), unit(2, 2)), -1);
  assertTensorsClose(third(unit(0, 0), unit(0, 1), unit(2, 2)), 0);
});

Deno.test("a singular matrix in float32 has the gradient of cofactors", () => {
  const a = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
  const expected = [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]];
  assertTensorsClose(grad(det)(a), expected, { rtol: 1e-5, atol: 1e-5 });
});

Deno.test("the log-determinant of a singular matrix is negative infinity, of sign 0", () => {
  const [sign, logdet] = slogdet([[1, 2], [2, 4]]);
  assertEquals([sign.item(), logdet.item()], [0, -Infinity]);
  const [none, least] = slogdet(nothing);
  assertEquals([none.item(), least.item()], [0, -Infinity]);
});

Deno.test("solving with a singular matrix gives no finite solution", () => {
  for (const matrix of singular) {
    const a = double(matrix.map((row) => [...row]));
    if (a.shape[0] === 3 && matrix[2][2] === 9 && matrix[1][1] === 5) continue; // Only nearly so.
    const x = solve(a, double(matrix.map((_, i) => i + 1)));
    assert(!isfinite(x).all().item(), `${matrix}: ${x}`);
    assert(!isfinite(inv(a)).all().item(), `${matrix}`);
  }
});

Deno.test("only the matrix of a batch that is not positive definite has no Cholesky factor", () => {
  const a = double([[[4, 2], [2, 5]], [[1, 2], [2, 1]], [[1, 0], [0, 0]]]);
  const l = cholesky(a);
  assertTensorsClose(l.at(0), [[2, 0], [1, 2]]);
  assertTensorsClose(l.at(1), [[NaN, 0], [NaN, NaN]]);
  assertTensorsClose(l.at(2), [[NaN, 0], [NaN, NaN]]);
});

Deno.test("equal eigenvalues leave the gradients of functions of eigenvalues right", () => {
  const square = (a: Tensor) => sum(eigh(a)[0].square());
  assertTensorsClose(grad((a) => sum(eigh(a)[0]))(identity), identity);
  assertTensorsClose(grad(square)(identity), identity.mul(2));
  assertTensorsClose(grad(square)(nothing), nothing);
  assertTensorsClose(hessian((a) => sum(eigh(a)[0]))(identity), double(zeros4()));
  const vectors = grad((a: Tensor) => sum(eigh(a)[1]))(identity);
  assertTensorsClose(vectors, nothing);
});

function zeros4(): NestedArray {
  const three = <T>(make: () => T): T[] => [make(), make(), make()];
  return three(() => three(() => three(() => three(() => 0))));
}

Deno.test("equal singular values leave the gradients of functions of them right", () => {
  const nuclear = (a: Tensor) => norm(a, null, { ord: "nuc" });
  assertTensorsClose(grad(nuclear)(identity), identity);
  assertTensorsClose(grad((a) => sum(svd(a)[1].square()))(nothing), nothing);
  assertTensorsClose(grad((a) => sum(svd(a)[0]))(identity), nothing);
  const tall = double([[1, 0], [0, 1], [0, 0]]);
  assert(isfinite(grad((a) => sum(svd(a)[0].mul(svd(a)[0])))(tall)).all().item());
  const broken = double([[1, 1], [1, 1], [0, 0]]);
  const gradient = grad((a) => sum(svd(a)[0]))(broken);
  assert(isfinite(gradient).all().item(), `${gradient}`);
});

Deno.test("matrices of low rank have orthonormal eigenvectors", () => {
  // What is left of them beside their few eigenvalues is rounding, down to the smallest numbers.
  const low: readonly ((i: number, j: number) => number)[] = [
    () => 1,
    (i, j) => i + j,
    (i, j) => (i % 3 - 1) * (j % 3 - 1) + Math.cos(i) * Math.cos(j),
    (i, j) => 10 ** -(i + j),
  ];
  for (const element of low) {
    for (const n of [46, 89, 103, 124]) {
      const rows = Array.from({ length: n }, (_, i) => i);
      const a = double(rows.map((i) => rows.map((j) => element(i, j))));
      const [w, v] = eigh(a);
      const largest = norm(a);
      const unit = double(rows.map((i) => rows.map((j) => i === j ? 1 : 0)));
      assertTensorsClose(matmul(v.transpose(), v), unit, { atol: 1e-13 });
      const product = matmul(mul(v, w), v.transpose());
      assertTensorsClose(product.div(largest), a.div(largest), { atol: 1e-13 });
      const [u, s, vt] = svd(a);
      assertTensorsClose(matmul(u.transpose(), u), unit, { atol: 1e-13 });
      assertTensorsClose(matmul(mul(u, s), vt).div(largest), a.div(largest), { atol: 1e-13 });
    }
  }
});

Deno.test("the gradient of the nearest orthogonal matrix is right where singular values are equal", () => {
  const nearest = (x: Tensor) => {
    const [u, , vt] = svd(x);
    return matmul(u, vt);
  };
  const weights = double([[1, 2, 3], [4, 5, 6], [7, 8, 10]]);
  // Half of the antisymmetric part, divided by the singular value 2.
  const expected = [[0, -0.5, -1], [0.5, 0, -0.5], [1, 0.5, 0]];
  assertTensorsClose(grad((x) => sum(mul(nearest(x), weights)))(mul(identity, 2)), expected);
  // Which makes second derivatives of the nuclear norm right there.
  const columns = double([[1, 0], [0, 1], [0, 0]]);
  checkSecondOrder(([x]) => [norm(x, null, { ord: "nuc" })], [columns], makeRandom(3), "nuclear");
});

Deno.test("gradients of singular vectors neither overflow nor vanish with the scale of the matrix", () => {
  const a = tensor([[4, 2, 1], [2, 5, 3], [1, 3, 6]]);
  const first = grad((x: Tensor) => svd(x)[0].at(0, 0).add(svd(x)[2].at(0, 1)));
  for (const scale of [2 ** -120, 2 ** -60, 2 ** 60, 2 ** 120]) {
    assertTensorsClose(first(a.mul(scale)).mul(scale), first(a), { rtol: 1e-5 });
  }
});

Deno.test("the spectral norm splits its derivative between equal singular values", () => {
  assertTensorsClose(grad((a) => norm(a, null, { ord: 2 }))(identity), identity.mul(1 / 3));
});

Deno.test("least squares takes the shortest of the best solutions", () => {
  const a = double([[1, 1], [1, 1], [0, 0]]);
  const b = double([1, 3, 5]);
  const [x, residuals, rank, s] = lstsq(a, b);
  assertTensorsClose(x, [1, 1]);
  assertTensorsClose(residuals, [27]);
  assertEquals([rank.item(), rank.dtype], [1, "int32"]);
  assertTensorsClose(s, [2, 0], { atol: 1e-12 });
  // What counts as zero is the caller's choice.
  const nearly = double([[1, 0], [0, 1e-3]]);
  assertTensorsClose(lstsq(nearly, double([1, 1]), { rcond: 0.01 })[0], [1, 0]);
  assertTensorsClose(lstsq(nearly, double([1, 1]))[0], [1, 1000]);
});

Deno.test("least squares has derivatives where singular values are equal", () => {
  const a = double([[1, 0], [0, 1], [0, 0]]);
  const b = double([[1], [2], [3]]);
  checkGrads((x, y) => lstsq(x, y)[0], [a, b], { order: 2 });
});

Deno.test("NaN and infinities give NaN, and end", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const a = double([[1, 2, 0], [2, bad, 1], [0, 1, 3]]);
    const results = [
      ...eigh(a),
      ...svd(a),
      cholesky(a).at(2, 2),
      lstsq(a, double([1, 2, 3]))[0],
    ];
    results.forEach((result, i) => {
      assert(!equal(result, result).any().item(), `${bad}, result ${i}: ${result}`);
    });
    assert(!isfinite(det(a)).item());
    assert(!isfinite(qr(a)[1]).all().item());
  }
});

Deno.test("condition numbers of singular matrices are infinite, of NaN NaN", () => {
  for (const ord of [2, -2, 1, "fro"] as const) {
    const of = (x: Tensor) => linalg.cond(x, { ord });
    const nan = double([[1, NaN, 0], [0, 1, 0], [0, 0, 1]]);
    const batch = stack([nothing, nan]);
    for (const f of [of, jit(of)]) {
      assertTensorsClose(f(batch), [Infinity, NaN], { message: `${ord}` });
    }
  }
});

Deno.test("NaN spreads to every element of a solution", () => {
  const a = double([[1, 2, 0], [2, NaN, 1], [0, 1, 3]]);
  assertTensorsClose(solve(a, double([1, 2, 3])), [NaN, NaN, NaN]);
  assertTensorsClose(solve(identity, double([NaN, 1, 2])), [NaN, NaN, NaN]);
  assert(Number.isNaN(det(a).item()));
});

Deno.test("matrices without elements have results without elements", () => {
  const none = double([]).reshape([0, 0]);
  assertEquals(det(none).item(), 1);
  assertEquals(slogdet(none).map((x) => x.item()), [1, 0]);
  assertEquals(inv(none).shape, [0, 0]);
  assertEquals(cholesky(none).shape, [0, 0]);
  assertEquals(eigh(none).map(({ shape }) => shape), [[0], [0, 0]]);
  assertEquals(solve(none, double([])).shape, [0]);
  assertEquals(matrixPower(none, -2).shape, [0, 0]);
  const flat = double([]).reshape([0, 3]);
  assertEquals(qr(flat).map(({ shape }) => shape), [[0, 0], [0, 3]]);
  assertEquals(svd(flat).map(({ shape }) => shape), [[0, 0], [0], [0, 3]]);
  const [x, residuals, rank, s] = lstsq(flat, double([]));
  assertTensorsClose(x, [0, 0, 0]);
  assertTensorsClose(residuals, [0]);
  assertEquals([rank.item(), s.shape], [0, [0]]);
  const batch = double([]).reshape([0, 2, 2]);
  assertEquals(det(batch).shape, [0]);
  assertEquals(eigh(batch).map(({ shape }) => shape), [[0, 2], [0, 2, 2]]);
});

Deno.test("large and negative powers are those of repeated products", () => {
  const angle = 0.1;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const turn = double([[c, -s], [s, c]]);
  for (const power of [1000, -1000, 2 ** 40]) {
    const whole = power * angle;
    const expected = [[Math.cos(whole), -Math.sin(whole)], [Math.sin(whole), Math.cos(whole)]];
    assertTensorsClose(matrixPower(turn, power), expected, { atol: 1e-3 });
  }
  const shift = double([[0, 1, 0], [0, 0, 1], [0, 0, 0]]);
  assertTensorsClose(matrixPower(shift, 3), nothing);
  assertTensorsClose(matrixPower(shift, 0), identity);
  assertTensorsClose(grad((a) => sum(matrixPower(a, 0)))(shift), nothing);
});

Deno.test("results have the signs and the order that the documentation names", () => {
  const a = double([[1, 5, -2], [3, -4, 1], [-2, 2, 2]]);
  const r = qr(a)[1];
  for (let i = 0; i < 3; i++) assert((r.at(i, i).item() as number) > 0);
  const [u, s] = svd(a);
  const [w, v] = eigh(a);
  for (let k = 0; k < 3; k++) {
    for (const x of [u, v]) {
      const column = x.at(null, k);
      assertEquals(column.max().item(), column.abs().max().item());
    }
    if (k > 0) assert((s.at(k).item() as number) <= (s.at(k - 1).item() as number));
    if (k > 0) assert((w.at(k).item() as number) >= (w.at(k - 1).item() as number));
  }
});

Deno.test("cholesky and eigh read the symmetric part, or the lower triangle alone", () => {
  const a = double([[4, 7], [1, 5]]);
  const mean = double([[4, 4], [4, 5]]);
  const lower = double([[4, 1], [1, 5]]);
  const alone = { symmetrizeInput: false };
  assertTensorsClose(cholesky(a), cholesky(mean));
  assertTensorsClose(cholesky(a, alone), cholesky(lower));
  assertTensorsClose(eigh(a)[0], eigh(mean)[0]);
  assertTensorsClose(eigh(a, alone)[0], eigh(lower)[0]);
  const symmetric = grad((x: Tensor) => sum(cholesky(x)))(a);
  assertTensorsClose(symmetric, symmetric.transpose());
  assertEquals(grad((x: Tensor) => sum(cholesky(x, alone)))(a).at(0, 1).item(), 0);
});

Deno.test("complete factors are square, and what they span has gradients", () => {
  const a = double([[[1, 2], [3, 4], [5, 7]], [[0, 1], [2, 2], [1, 0]]]);
  const [q, r] = qr(a, { mode: "complete" });
  assertEquals([q.shape, r.shape], [[2, 3, 3], [2, 3, 2]]);
  assertTensorsClose(matmul(q, r), a);
  const ones = double([identity.toArray() as NestedArray, identity.toArray() as NestedArray]);
  assertTensorsClose(matmul(q.swapaxes(1, 2), q), ones);
  for (const x of [a, a.swapaxes(1, 2)]) {
    const [u, s, vt] = svd(x, { fullMatrices: true });
    assertTensorsClose(matmul(u, u.swapaxes(1, 2)), u.shape[1] === 3 ? ones : eyes());
    assertTensorsClose(matmul(vt, vt.swapaxes(1, 2)), vt.shape[1] === 3 ? ones : eyes());
    const [m, n] = x.shape.slice(1);
    const middle = matmul(matmul(u.swapaxes(1, 2), x), vt.swapaxes(1, 2));
    for (let i = 0; i < Math.min(m, n); i++) {
      assertTensorsClose(middle.at(null, i, i), s.at(null, i));
    }
    assertTensorsClose(middle.square().sum(), s.square().sum());
  }
  const distance = (x: Tensor) => {
    const rest = qr(x, { mode: "complete" })[0].at(null, [2, null]);
    return matmul(rest.transpose(), double([1, 2, 4])).square().sum();
  };
  checkGrads(distance, [a.at(0)], { order: 2 });
});

function eyes(): Tensor {
  return double([[[1, 0], [0, 1]], [[1, 0], [0, 1]]]);
}

Deno.test("per-example gradients of solutions are those of each example", () => {
  const matrices = double([[[4, 1], [1, 3]], [[2, 0], [1, 5]]]);
  const b = double([1, 2]);
  const loss = (a: Tensor) => sum(solve(a, b).square());
  const expected = [0, 1].map((i) => grad(loss)(matrices.at(i)).toArray());
  assertTensorsClose(vmap(grad(loss))(matrices), expected as NestedArray);
  const compiled = jit(vmap(grad(loss)) as (a: Tensor) => Tensor);
  assertTensorsClose(compiled(matrices), expected as NestedArray);
});

Deno.test("a solution and its derivatives need one factorisation", () => {
  const f = (a: Tensor, b: Tensor) => sum(solve(a, b).square());
  const args = [double([[4, 1], [1, 3]]), double([1, 2])] as const;
  const counts = [f, grad(f, { argnums: [0, 1] }), hessian(f)].map((g) =>
    makeProgram(g)(...args).equations.filter(({ primitive }) => primitive.name === "lu").length
  );
  assertEquals(counts, [1, 1, 1]);
});

Deno.test("right sides that meet one matrix do not repeat it", () => {
  const a = double([[4, 1], [1, 3]]);
  const b = double([[[1], [2]], [[3], [4]], [[5], [6]]]);
  const program = makeProgram((x: Tensor) => solve(a, x))(b);
  assertEquals(program.equations.some(({ primitive }) => primitive.name === "broadcast"), false);
  const batched = makeProgram(vmap((x: Tensor) => solve(a, x)))(b);
  assertEquals(batched.equations.some(({ primitive }) => primitive.name === "broadcast"), false);
  const expected = [0, 1, 2].map((i) => solve(a, b.at(i)).toArray()) as NestedArray;
  assertTensorsClose(solve(a, b), expected);
  assertTensorsClose(vmap((x: Tensor) => solve(a, x))(b), expected);
});

Deno.test("gradients of a Gaussian's log-density are those by hand", () => {
  const covariance = double([[2, 0.5], [0.5, 1]]);
  const x = double([1, -2]);
  const density = (c: Tensor) => slogdet(c)[1].add(matmul(x, solve(c, x))).mul(-0.5);
  const inverse = inv(covariance);
  const y = matmul(inverse, x);
  const expected = mul(matmul(y.reshape([2, 1]), y.reshape([1, 2])).sub(inverse), 0.5);
  assertTensorsClose(grad(density)(covariance), expected);
});

Deno.test("values of matrices that are graded from both ends are found, on the evaluator too", () => {
  const n = 60;
  const graded = tensor(
    Array.from({ length: n }, (_, i) =>
      Array.from(
        { length: n },
        (_, j) => Math.abs(i - j) < 2 ? 10 ** (-30 * Math.abs(i + j - n) / n) : 0,
      )),
    { dtype: "float64" },
  );
  const [values, vectors] = linalg.eigh(graded);
  assertTensorsClose(
    matmul(vectors.mul(values.expandDims(0)), vectors.transpose()),
    graded,
    { rtol: 0, atol: 1e-13 },
  );
  const m = 80;
  const steep = tensor(
    Array.from(
      { length: m },
      (_, i) =>
        Array.from({ length: m }, (_, j) => j === i || j === i + 1 ? 10 ** (-60 * i / m) : 0),
    ),
    { dtype: "float64" },
  );
  const [u, s, vt] = linalg.svd(steep);
  assertTensorsClose(matmul(u.mul(s.expandDims(0)), vt), steep, { rtol: 0, atol: 1e-13 });
});

Deno.test("a NaN reaches the factors of qr, eager and compiled", () => {
  const a = tensor([[1, 2], [NaN, 3]], { dtype: "float64" });
  for (const qr of [(a: Tensor) => linalg.qr(a), jit((a: Tensor) => linalg.qr(a))]) {
    const [, r] = qr(a);
    assertEquals(r.isnan().any().item<boolean>(), true);
  }
});
