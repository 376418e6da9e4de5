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
  square,
  sum,
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

Deno.test("bases of complex matrices are not completed", () => {
  const message = (f: () => unknown) => (assertThrows(f) as Error).message;
  assertEquals(
    message(() => qr(tall, { mode: "complete" })),
    'Cannot complete the bases of complex128[4,2]: expected real matrices; leave out mode "complete"',
  );
  assertEquals(
    message(() => svd(tall, { fullMatrices: true })),
    "Cannot complete the bases of complex128[4,2]: expected real matrices; leave out fullMatrices",
  );
});

Deno.test("eigenvalues of half floats are computed in float32", () => {
  for (const dtype of ["float16", "bfloat16"] as const) {
    const a = tensor([[0, -2], [2, 0]], { dtype });
    const expected = complex(0, [-2, 2]);
    assertTensorsClose(eigvals(a), expected);
    assertTensorsClose(jit(eigvals)(a), expected);
  }
});
