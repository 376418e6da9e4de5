/**
 * The transforms of Winograd's convolution of 4x4 outputs by 3x3 filters (S. Winograd, "Arithmetic
 * Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
 * Networks", CVPR 2016): `Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A`.
 *
 * The matrices are those of Toom and Cook for polynomials at the points 0, ±a, ±b and infinity.
 * With the usual 1 and 2 the results have about four times the error of sums in single precision;
 * with these, about twice (measured; B. Barabasz et al., "Error Analysis and Improving the Accuracy
 * of Winograd Convolution for Deep Neural Networks", ACM TOMS 46, 2020, discusses the choice).
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import type { Local } from "../../../assembler/expression.ts";
import { f32x4 } from "../../../assembler/operations.ts";
import type { Vector } from "../../panels.ts";

/** Outputs of a tile along each axis, and the number of inputs that they depend on. */
export const OUTPUTS = 4;
export const INPUTS = 6;

const A = 11 / 16;
const B = 3 / 2;
const A2 = A * A;
const B2 = B * B;
/** The products of the differences of a point from all others. */
const AT_ZERO = A2 * B2;
const AT_A = 2 * A2 * (A2 - B2);
const AT_B = 2 * B2 * (B2 - A2);

/** A transform of one axis. */
export type Transform = (values: readonly Vector[]) => Local<"v128">[];

/** Constants that stay in locals. */
function constants<K extends string>(
  code: Code,
  values: Readonly<Record<K, number>>,
): Readonly<Record<K, Local<"v128">>> {
  const entries = Object.entries<number>(values).map(([name, value]) => [
    name,
    code.let(f32x4.const(value)),
  ]);
  return Object.fromEntries(entries);
}

const { add, sub, mul, relaxedMadd: madd, relaxedNmadd: nmadd } = f32x4;

/** `e + f o` and `e - f o`, the values at two opposite points. */
function opposite(code: Code, even: Vector, odd: Vector, factor: Vector): Local<"v128">[] {
  const [e, o] = [code.let(even), code.let(odd)];
  return [code.let(madd(o, factor, e)), code.let(nmadd(o, factor, e))];
}

/** `Bᵀ d`: six inputs. */
export function inputTransform(code: Code): Transform {
  const c = constants(code, { a: A, b: B, a2: A2, b2: B2, product: A2 * B2, sum: A2 + B2 });
  return ([d0, d1, d2, d3, d4, d5]) => [
    code.let(madd(d0, c.product, nmadd(d2, c.sum, d4))),
    ...opposite(code, nmadd(d2, c.b2, d4), nmadd(d1, c.b2, d3), c.a),
    ...opposite(code, nmadd(d2, c.a2, d4), nmadd(d1, c.a2, d3), c.b),
    code.let(madd(d1, c.product, nmadd(d3, c.sum, d5))),
  ];
}

/** `G g`: three positions of the kernel. */
export function filterTransform(code: Code): Transform {
  const c = constants(code, {
    zero: 1 / AT_ZERO,
    a0: 1 / AT_A,
    a1: A / AT_A,
    a2: A2 / AT_A,
    b0: 1 / AT_B,
    b1: B / AT_B,
    b2: B2 / AT_B,
  });
  return ([g0, g1, g2]) => [
    code.let(mul(g0, c.zero)),
    ...opposite(code, madd(g2, c.a2, mul(g0, c.a0)), g1, c.a1),
    ...opposite(code, madd(g2, c.b2, mul(g0, c.b0)), g1, c.b1),
    code.let(g2),
  ];
}

/** `Aᵀ m`: four outputs. */
export function outputTransform(code: Code): Transform {
  const c = constants(code, { a: A, b: B, a2: A2, b2: B2, a3: A2 * A, b3: B2 * B });
  return ([m0, m1, m2, m3, m4, m5]) => {
    const [s1, d1] = [code.let(add(m1, m2)), code.let(sub(m1, m2))];
    const [s2, d2] = [code.let(add(m3, m4)), code.let(sub(m3, m4))];
    return [
      code.let(add(add(m0, s1), s2)),
      code.let(madd(d2, c.b, mul(d1, c.a))),
      code.let(madd(s2, c.b2, mul(s1, c.a2))),
      code.let(madd(d2, c.b3, madd(d1, c.a3, m5))),
    ];
  };
}

/** `A y`, the adjoint of `outputTransform`: from four to six. */
export function outputAdjoint(code: Code): Transform {
  const c = constants(code, { a: A, b: B, a2: A2, b2: B2 });
  return ([y0, y1, y2, y3]) => [
    code.let(y0),
    ...opposite(code, madd(y2, c.a2, y0), madd(y3, c.a2, y1), c.a),
    ...opposite(code, madd(y2, c.b2, y0), madd(y3, c.b2, y1), c.b),
    code.let(y3),
  ];
}

/** `Gᵀ m`, the adjoint of `filterTransform`: from six to three. */
export function filterAdjoint(code: Code): Transform {
  const c = constants(code, {
    zero: 1 / AT_ZERO,
    a0: 1 / AT_A,
    a1: A / AT_A,
    a2: A2 / AT_A,
    b0: 1 / AT_B,
    b1: B / AT_B,
    b2: B2 / AT_B,
  });
  return ([m0, m1, m2, m3, m4, m5]) => {
    const [s1, d1] = [code.let(add(m1, m2)), code.let(sub(m1, m2))];
    const [s2, d2] = [code.let(add(m3, m4)), code.let(sub(m3, m4))];
    return [
      code.let(madd(s2, c.b0, madd(s1, c.a0, mul(m0, c.zero)))),
      code.let(madd(d2, c.b1, mul(d1, c.a1))),
      code.let(madd(s2, c.b2, madd(s1, c.a2, m5))),
    ];
  };
}

/** A transform of both axes of an array of vectors: of its columns, then of its rows. */
export function transformBoth(
  transform: Transform,
  rows: readonly (readonly Vector[])[],
): Vector[][] {
  const columns = rows[0].map((_, j) => transform(rows.map((row) => row[j])));
  return columns[0].map((_, i) => transform(columns.map((column) => column[i])));
}
