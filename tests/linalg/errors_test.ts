import { ArgumentError, AxisError, ShapeError } from "../../mod.ts";
import { linalg, tensor, zeros } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

type Refusal = readonly [
  call: () => unknown,
  // deno-lint-ignore no-explicit-any
  type: abstract new (...args: any[]) => Error,
  message: string,
];

// deno-lint-ignore no-explicit-any
const { norm, ...loose } = linalg as any;
const { cholesky, det, eigh, inv, lstsq, matrixPower, qr, solve, svd, triangularSolve } = loose;

const refusals: readonly Refusal[] = [
  [
    () => inv(zeros([2, 3])),
    ShapeError,
    "Cannot invert float32[2,3]: expected square matrices, the last axes have lengths 2 and 3",
  ],
  [
    () => inv("x"),
    ArgumentError,
    'Cannot invert: expected a tensor, number, boolean, nested array or typed array, got "x"',
  ],
  [
    () => det(zeros([3])),
    ShapeError,
    "Cannot take the determinant of float32[3]: expected a matrix, or a batch of matrices",
  ],
  [
    () => cholesky(zeros([2, 3])),
    ShapeError,
    "Cannot factorise float32[2,3]: expected square matrices, the last axes have lengths 2 and 3",
  ],
  [
    () => eigh(zeros([2, 2]), { upper: true }),
    ArgumentError,
    'Cannot decompose: there is no option "upper", the options are symmetrizeInput',
  ],
  [
    () => eigh(zeros([2, 2]), { symmetrizeInput: 1 }),
    ArgumentError,
    "Cannot decompose: symmetrizeInput must be true or false, got 1",
  ],
  [
    () => qr(1),
    ShapeError,
    "Cannot factorise float32[]: expected a matrix, or a batch of matrices",
  ],
  [
    () => qr(zeros([2, 2]), { mode: "r" }),
    ArgumentError,
    'Cannot factorise float32[2,2]: mode must be "reduced" or "complete", got "r"',
  ],
  [
    () => svd([1, 2]),
    ShapeError,
    "Cannot decompose float32[2]: expected a matrix, or a batch of matrices",
  ],
  [
    () => solve(zeros([2, 2]), 3),
    ShapeError,
    "Cannot solve systems of float32[2,2] with float32[] on the right: " +
    "expected a vector or a matrix there",
  ],
  [
    () => solve(zeros([2, 2]), zeros([3])),
    ShapeError,
    "Cannot solve systems of float32[2,2] with float32[3] on the right: " +
    "expected as many rows, current numbers are 2 and 3",
  ],
  [
    () => solve(zeros([2, 2, 2]), zeros([3, 2, 1])),
    ShapeError,
    "Cannot solve systems of float32[2,2,2] with float32[3,2,1] on the right: " +
    "leading axes must broadcast, current ones are [2] and [3]",
  ],
  [
    () => solve(zeros([2, 3]), zeros([2])),
    ShapeError,
    "Cannot solve systems of float32[2,3]: " +
    "expected square matrices, the last axes have lengths 2 and 3",
  ],
  [
    () => triangularSolve(zeros([2, 2]), zeros([2]), { lower: "x" }),
    ArgumentError,
    'Cannot solve triangular systems: lower must be true or false, got "x"',
  ],
  [
    () => triangularSolve(zeros([2, 2]), zeros([2, 3]), { leftSide: false }),
    ShapeError,
    "Cannot solve triangular systems of float32[2,2] with float32[2,3] on the right: " +
    "expected as many columns, current numbers are 2 and 3",
  ],
  [
    () => lstsq(zeros([3, 2]), zeros([2])),
    ShapeError,
    "Cannot solve systems of float32[3,2] with float32[2] on the right: " +
    "expected as many rows, current numbers are 3 and 2",
  ],
  [
    () => lstsq(zeros([3, 2]), zeros([3]), { rcond: NaN }),
    ArgumentError,
    "Cannot solve systems of float32[3,2]: rcond must be a number that is at least 0, got NaN",
  ],
  [
    () => matrixPower(zeros([2, 2]), 0.5),
    ArgumentError,
    "Cannot take a power of float32[2,2]: expected an integer power, got 0.5",
  ],
  [
    () => norm(zeros([2, 2]), null, { ord: 3 }),
    ArgumentError,
    "Cannot take the norm of float32[2,2] of order 3: " +
    'expected "fro", "nuc", 1, -1, 2, -2, Infinity or -Infinity for matrices',
  ],
  [
    () => norm(zeros([2]), null, { ord: "fro" }),
    ArgumentError,
    'Cannot take the norm of float32[2] of order "fro": expected a number for vectors',
  ],
  [
    () => norm(zeros([2, 2, 2]), null, { ord: 2 }),
    ArgumentError,
    "Cannot take the norm of float32[2,2,2] of order 2: " +
    "expected one axis for vectors or two for matrices, not 3",
  ],
  [
    () => loose.pinv(zeros([2, 2]), { rtol: -1 }),
    ArgumentError,
    "Cannot invert float32[2,2]: rtol must be a number that is at least 0, got -1",
  ],
  [
    () => loose.cond(zeros([0, 2])),
    ShapeError,
    "Cannot take the condition number of float32[0,2]: expected elements",
  ],
  [
    () => loose.matrixNorm(zeros([2])),
    ShapeError,
    "Cannot take the norm of float32[2]: expected a matrix, or a batch of matrices",
  ],
  [
    () => loose.polar(zeros([2, 2]), { side: "up" }),
    ArgumentError,
    'Cannot decompose float32[2,2]: side must be "right" or "left", got "up"',
  ],
  [
    () => loose.tensorinv(zeros([2, 3, 4]), 1),
    ShapeError,
    "Cannot invert float32[2,3,4]: rows [2] and columns [3,4] must be equally many",
  ],
  [
    () => loose.tensorsolve(zeros([4, 2, 2]), zeros([3])),
    ShapeError,
    "Cannot solve systems of float32[4,2,2] with float32[3] on the right: its axes must begin with [3]",
  ],
  [
    () => loose.luSolve(zeros([2, 2]), zeros([2])),
    ArgumentError,
    "Cannot solve systems of float32[2,2]: expected [lu, rows], as luFactor gives",
  ],
  [
    () => loose.luSolve([zeros([2, 2]), [0, 1, 2]], zeros([2])),
    ShapeError,
    "Cannot solve systems of float32[2,2]: int32[3] is no order of its rows",
  ],
  [
    () => loose.luSolve([zeros([2, 2]), [0, 1]], zeros([2]), { trans: 3 }),
    ArgumentError,
    "Cannot solve systems: trans must be 0, 1 or 2, got 3",
  ],
  [
    () => loose.choleskyUpdate(zeros([2, 2]), zeros([3])),
    ShapeError,
    "Cannot update the factors float32[2,2] by float32[3]: " +
    "expected vectors of 2 elements, and axes that broadcast",
  ],
  [
    () => loose.householderProduct(zeros([2, 3]), zeros([1])),
    ShapeError,
    "Cannot multiply the reflections float32[2,3] with factors float32[1]: " +
    "expected no more columns than rows, no more factors than columns, and axes that broadcast",
  ],
  [
    () => loose.toeplitz(1),
    ShapeError,
    "Cannot make Toeplitz matrices of float32[]: expected a vector, or a batch of vectors",
  ],
  [
    () => loose.leslie([1, 2], [1, 2]),
    ShapeError,
    "Cannot make Leslie matrices of float32[2] and float32[2]: expected one element less in the second",
  ],
  [
    () => loose.blockDiag(zeros([1, 1, 1])),
    ShapeError,
    "Cannot put blocks on a diagonal: got float32[1,1,1], expected matrices",
  ],
  [
    () => loose.convolutionMatrix([1, 2], 3, { mode: "half" }),
    ArgumentError,
    "Cannot make matrices of convolution with float32[2]: " +
    'mode must be "full", "same" or "valid", got "half"',
  ],
  [
    () => loose.expm(zeros([2, 3])),
    ShapeError,
    "Cannot take the exponential of float32[2,3]: " +
    "expected square matrices, the last axes have lengths 2 and 3",
  ],
  [
    () => loose.schur(zeros([2, 2]), { output: "r" }),
    ArgumentError,
    'Cannot decompose float32[2,2]: output must be "real" or "complex", got "r"',
  ],
  [
    () => loose.solveSylvester(zeros([2, 2]), zeros([3, 3]), zeros([3, 2])),
    ShapeError,
    "Cannot solve Sylvester's equation of float32[2,2] and float32[3,3] with float32[3,2] on the " +
    "right: expected [2,3] there, and leading axes that broadcast",
  ],
  [
    () => loose.tridiagonalSolve(zeros([2]), zeros([3]), zeros([3]), zeros([3])),
    ShapeError,
    "Cannot solve tridiagonal systems of float32[2], float32[3], float32[3] with float32[3] on the " +
    "right: expected diagonals of 3 elements, and leading axes that broadcast",
  ],
  [
    () => loose.eighTridiagonal([1, 2], [1, 2]),
    ShapeError,
    "Cannot decompose the matrices of float32[2] and float32[2]: " +
    "expected one element less in the second, and leading axes that broadcast",
  ],
  [
    () => loose.hadamard(3),
    ArgumentError,
    "Cannot make Hadamard's matrix of 3 rows: expected a power of two",
  ],
  [
    () => loose.pascal(2, { kind: "both" }),
    ArgumentError,
    'Cannot make Pascal\'s matrix: kind must be "symmetric", "lower" or "upper", got "both"',
  ],
  [
    () => loose.dft(2, { scale: 2 }),
    ArgumentError,
    'Cannot make the matrix of Fourier\'s transform: scale must be "sqrtn" or "n", got 2',
  ],
  [
    () => norm(zeros([2, 2]), [0, 0], { ord: 2 }),
    AxisError,
    "Cannot take the norm of float32[2,2]: axis 0 is named twice in [0, 0]",
  ],
];

refusals.forEach(([call, type, message]) => {
  Deno.test(`refused: ${message}`, () => {
    assertRefused(call, type, message);
  });
});

Deno.test("integers and bools become float32", () => {
  const a = tensor([[2, 1], [1, 3]], { dtype: "int32" });
  const results = [
    inv(a),
    solve(a, tensor([1, 2], { dtype: "int32" })),
    solve(a, [1, 2]),
    det(a),
    norm(a, null, { ord: "nuc" }),
    ...linalg.eigh(a),
  ];
  assertEquals(results.map(({ dtype }) => dtype), results.map(() => "float32"));
  assertTensorsClose(det(a), 5);
  assertEquals(solve(a, tensor([1, 2], { dtype: "float64" })).dtype, "float64");
  assertEquals(det(tensor([[true, false], [false, true]])).item(), 1);
});
