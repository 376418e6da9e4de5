import {
  abs,
  complex,
  conj,
  exp,
  grad,
  jit,
  matmul,
  mul,
  real,
  sort,
  square,
  stack,
  sum,
  take,
  tensor,
  vmap,
} from "../../mod.ts";
import type { ComplexNumber, Tensor } from "../../mod.ts";
import {
  cholesky,
  det,
  eig,
  eigh,
  eigvals,
  inv,
  lstsq,
  matrixPower,
  norm,
  qr,
  slogdet,
  solve,
  svd,
  triangularSolve,
} from "../../src/linalg.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import fixture from "../fixtures/complex_linalg.json" with { type: "json" };
import { makeRandom } from "../laws/values.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

type Written = { readonly re: unknown; readonly im: unknown };

function written({ re, im }: Written): Tensor {
  const part = (values: unknown) => tensor(values as number[], { dtype: "float64" });
  return complex(part(re), part(im));
}

function adjoint(a: Tensor): Tensor {
  return conj(a.transpose());
}

const close = { rtol: 1e-11, atol: 1e-12 };
const a = written(fixture.a);
const b = written(fixture.b);
const tall = written(fixture.tall);
const hermitian = matmul(a, adjoint(a));
const identity = (n: number) =>
  complex(
    tensor(new Float64Array(n * n)).reshape([n, n]).add(tensor(Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => i === j ? 1 : 0)))),
    0,
  );

Deno.test("systems, inverses and determinants of complex matrices are NumPy's", () => {
  assertTensorsClose(solve(a, b), written(fixture.solve), close);
  assertTensorsClose(jit(solve)(a, b), written(fixture.solve), close);
  assertTensorsClose(solve(real(a), b), solve(complex(real(a), 0), b), close);
  assertTensorsClose(matmul(inv(a), a), identity(4), close);
  assertTensorsClose(det(a), written(fixture.det), close);
  const [sign, log] = slogdet(a);
  assertTensorsClose(mul(sign, exp(log)), det(a), close);
  assertTensorsClose(matrixPower(a, -2), inv(matmul(a, a)), close);
  checkGrads(solve, [a, b], { order: 2 });
  checkGrads(det, [a], { order: 2 });
  checkGrads((a: Tensor) => slogdet(a), [a]);
  assertEquals(det(tensor([[0, 0], [0, 0]]).astype("complex64")).item<ComplexNumber>(), {
    re: 0,
    im: 0,
  });
});

Deno.test("the gradient of the logarithm of a determinant is the inverse", () => {
  const f = (a: Tensor) => slogdet(a)[1];
  assertTensorsClose(grad(f)(a), inv(a).transpose(), close);
});

Deno.test("factorisations of complex matrices give them back", () => {
  const l = cholesky(hermitian);
  assertTensorsClose(l, written(fixture.cholesky), close);
  const [q, r] = qr(tall);
  assertTensorsClose(matmul(q, r), tall, close);
  assertTensorsClose(matmul(adjoint(q), q), identity(2), close);
  for (const one of (r.toArray() as ComplexNumber[][]).map((row, i) => row[i])) {
    assert(one.re > 0 && Math.abs(one.im) < 1e-14);
  }
  for (const x of [tall, adjoint(tall), a]) {
    const [u, s, vh] = svd(x);
    assertTensorsClose(matmul(mul(u, s), vh), x, close);
    const k = s.size;
    assertTensorsClose(matmul(adjoint(u), u), identity(k), close);
    assertTensorsClose(matmul(vh, adjoint(vh)), identity(k), close);
  }
  assertTensorsClose(svd(tall)[1], tensor(fixture.s, { dtype: "float64" }), close);
  const [w, v] = eigh(hermitian);
  assertTensorsClose(w, tensor(fixture.w, { dtype: "float64" }), close);
  assertTensorsClose(matmul(hermitian, v), mul(v, w), close);
  assertTensorsClose(matmul(adjoint(v), v), identity(4), close);
  checkGrads((a: Tensor) => cholesky(matmul(a, adjoint(a))), [a]);
  checkGrads((a: Tensor) => qr(a), [tall]);
  checkGrads((a: Tensor) => svd(a), [tall]);
  checkGrads((a: Tensor) => eigh(a), [hermitian]);
  assertTensorsClose(norm(a, [0, 1], { ord: 2 }), svd(a)[1].at(0), close);
});

Deno.test("eigenvectors of equal eigenvalues are orthogonal, singular vectors of none complete", () => {
  const twice = complex(tensor([[2, 0, 0], [0, 2, 0], [0, 0, 2]], { dtype: "float64" }), 0);
  assertTensorsClose(eigh(twice)[1], identity(3), close);
  const flat = complex(
    tensor([[1, 1], [1, 1]], { dtype: "float64" }),
    tensor([[0, 0], [0, 0]], { dtype: "float64" }),
  );
  const [u, s, vh] = svd(flat);
  assertTensorsClose(s, tensor([2, 0], { dtype: "float64" }), close);
  assertTensorsClose(matmul(adjoint(u), u), identity(2), close);
  assertTensorsClose(matmul(vh, adjoint(vh)), identity(2), close);
});

Deno.test("triangular systems of complex matrices, transposed or not, from both sides", () => {
  for (const lower of [false, true]) {
    for (const transposeA of [false, true]) {
      for (const unitDiagonal of [false, true]) {
        const mask = (i: number, j: number) => i === j ? !unitDiagonal : lower ? i > j : i < j;
        const kept = tensor(
          Array.from({ length: 4 }, (_, i) => Array.from({ length: 4 }, (_, j) => mask(i, j))),
        );
        const triangle = mul(a, kept.astype("float64")).add(unitDiagonal ? identity(4) : 0);
        const op = transposeA ? triangle.transpose() : triangle;
        const x = triangularSolve(a, b, { lower, transposeA, unitDiagonal });
        assertTensorsClose(matmul(op, x), b, close);
        const y = triangularSolve(a, b.transpose(), {
          lower,
          transposeA,
          unitDiagonal,
          leftSide: false,
        });
        assertTensorsClose(matmul(y, op), b.transpose(), close);
        checkGrads(
          (a: Tensor, b: Tensor) => triangularSolve(a, b, { lower, transposeA, unitDiagonal }),
          [a, b],
        );
      }
    }
  }
});

Deno.test("least squares of complex matrices solve the normal equations", () => {
  const right = b.at([0, 4], 0);
  const [x, residuals, rank, s] = lstsq(tall, right);
  const expected = solve(matmul(adjoint(tall), tall), matmul(adjoint(tall), right));
  assertTensorsClose(x, expected, close);
  assertTensorsClose(s, svd(tall)[1], close);
  assertEquals(rank.item(), 2);
  assertTensorsClose(
    residuals,
    sum(square(abs(matmul(tall, x).sub(right)))).reshape(residuals.shape),
    close,
  );
});

Deno.test("eigenvalues and eigenvectors of any matrix solve its equation", () => {
  const [w, v] = eig(a);
  assertTensorsClose(w, written(fixture.eigvals), close);
  assertTensorsClose(matmul(a, v), mul(v, w), close);
  assertTensorsClose(sum(square(abs(v)), 0), tensor([1, 1, 1, 1], { dtype: "float64" }), close);
  assertTensorsClose(eigvals(a), w, close);
  assertTensorsClose(vmap(eigvals)(a.reshape([1, 4, 4])).at(0), w, close);
  checkGrads((a: Tensor) => eig(a), [a]);
  const real4 = real(a);
  assertTensorsClose(eigvals(real4), written(fixture.realEigvals), close);
  checkGrads((a: Tensor) => eigvals(a), [real4]);
  assertTensorsClose(eigvals(tensor([[0, -1], [1, 0]])), complex(0, [-1, 1]));
  // A matrix with one eigenvector only.
  assertTensorsClose(
    eigvals(tensor([[1, 1], [0, 1]], { dtype: "float64" })),
    complex(tensor([1, 1], { dtype: "float64" }), 0),
    close,
  );
  assert(
    (eigvals(tensor([[NaN, 1], [0, 1]])).toArray() as ComplexNumber[]).every(({ re }) =>
      Number.isNaN(re)
    ),
  );
  assertThrows(() => eig(tensor([[1, 2]])), TypeError);
  assertTensorsClose(eigvals(hermitian), complex(eigh(hermitian)[0], 0), close);
});

/** Random complex matrices, the same in every run. */
function randomMatrix(rows: number, columns: number, seed = 1): Tensor {
  const random = makeRandom(seed);
  const part = () => Float64Array.from({ length: rows * columns }, () => 2 * random() - 1);
  const made = () => tensor(part()).reshape([rows, columns]);
  return complex(made(), made());
}

Deno.test("bases of complex matrices are completed, with derivatives of what they span", () => {
  const deep = randomMatrix(7, 2);
  for (
    const x of [tall, deep, complex(tensor([[0, 0], [0, 0], [0, 1e-300]]), 0).astype("complex128")]
  ) {
    const [m, n] = x.shape;
    const [q, r] = qr(x, { mode: "complete" });
    assertEquals([q.shape, r.shape], [[m, m], [m, n]]);
    assertTensorsClose(matmul(adjoint(q), q), identity(m), close);
    assertTensorsClose(matmul(q, r), x, close);
    for (const matrix of [x, adjoint(x)]) {
      const [u, s, vh] = svd(matrix, { fullMatrices: true });
      const [rows, columns] = matrix.shape;
      assertEquals([u.shape, vh.shape], [[rows, rows], [columns, columns]]);
      assertTensorsClose(matmul(adjoint(u), u), identity(rows), close);
      assertTensorsClose(matmul(vh, adjoint(vh)), identity(columns), close);
      const thin = matmul(mul(u.at(null, [0, n]), s), vh.at([0, n]));
      assertTensorsClose(thin, matrix, close);
    }
  }
  const projection = (a: Tensor) => {
    const c = qr(a, { mode: "complete" })[0].at(null, [2, 4]);
    return matmul(c, adjoint(c));
  };
  checkGrads(projection, [tall]);
  assertTensorsClose(jit(projection)(tall), projection(tall), close);
  const q = qr(tall)[0];
  assertTensorsClose(projection(tall), identity(4).sub(matmul(q, adjoint(q))), close);
});

Deno.test("gradients of complex determinants are cofactors, at singular matrices of any rank too", () => {
  const half = randomMatrix(4, 2);
  const cofactors = (a: Tensor): Tensor => {
    const n = a.shape[0];
    const rows = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => {
        const rest = (k: number) =>
          tensor(Array.from({ length: n }, (_, i) => i).filter((i) => i !== k));
        const places = [rest(i), rest(j)].map((x) => x.astype("int32"));
        return det(take(take(a, places[0], 0), places[1], 1)).mul((-1) ** (i + j));
      }));
    return stack(rows.map((row) => stack(row)));
  };
  const matrices = [
    a,
    matmul(half, adjoint(half)).mul({ re: 0.6, im: 0.8 }),
    matmul(half.at(null, [0, 1]), half.at(null, [1, 2]).transpose()),
    matmul(randomMatrix(4, 3, 5), randomMatrix(3, 4, 6)),
    mul(a, 0),
  ];
  for (const x of matrices) {
    const gradient = grad((a: Tensor) => det(a), { holomorphic: true });
    assertTensorsClose(gradient(x), cofactors(x), { rtol: 1e-9, atol: 1e-11 });
    assertTensorsClose(jit(gradient)(x), cofactors(x), { rtol: 1e-9, atol: 1e-11 });
  }
  const [sign, log] = slogdet(matrices[1].astype("complex64").mul(0));
  assertEquals([sign.item(), log.item()], [{ re: 0, im: 0 }, -Infinity]);
});

Deno.test("eigenvalues and singular values of larger, multiple, graded and huge complex matrices", () => {
  const n = 40;
  const q = qr(randomMatrix(n, n))[0];
  // Random ones, two, one, graded ones, and those of a matrix of low rank.
  const spectra: readonly ((k: number) => number)[] = [
    (k) => Math.sin(3 * k),
    (k) => k < 20 ? 1 : 2,
    () => 3,
    (k) => 10 ** -k,
    (k) => k < 3 ? k + 1 : 0,
  ];
  for (const of of spectra) {
    const values = tensor(Float64Array.from({ length: n }, (_, k) => of(k)));
    for (const scale of [1, 1e-290, 1e290]) {
      const x = mul(matmul(mul(q, values), adjoint(q)), scale);
      const [w, v] = eigh(x);
      const size = { rtol: 0, atol: 1e-13 };
      assertTensorsClose(w.div(scale), sort(values), size);
      assertTensorsClose(matmul(adjoint(v), v), identity(n), size);
      assertTensorsClose(matmul(mul(v, w.div(scale)), adjoint(v)), x.div(scale), size);
      const [u, s, vh] = svd(x);
      assertTensorsClose(s.div(scale), sort(abs(values).neg()).neg(), size);
      assertTensorsClose(matmul(adjoint(u), u), identity(n), size);
      assertTensorsClose(matmul(vh, adjoint(vh)), identity(n), size);
      assertTensorsClose(matmul(mul(u, s.div(scale)), vh), x.div(scale), size);
    }
  }
});

Deno.test("eigenvalues of half floats are computed in float32", () => {
  for (const dtype of ["float16", "bfloat16"] as const) {
    const a = tensor([[0, -2], [2, 0]], { dtype });
    const expected = complex(0, [-2, 2]);
    assertTensorsClose(eigvals(a), expected);
    assertTensorsClose(jit(eigvals)(a), expected);
  }
});
