/**
 * The tangent of float32, for arguments of any size.
 *
 * Source: W. J. Cody and W. Waite, "Software manual for the elementary functions", 1980; M. H.
 * Payne and R. N. Hanek, "Radian reduction for trigonometric functions", 1983.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, f64x2, i32, i32x4, i64x2, v128 } from "../../../assembler/operations.ts";
import { bits, SIGN_BIT } from "./terms.ts";
import { prepareReduction } from "./trigonometric.ts";
import { highHalf, join, lowHalf } from "../halves.ts";
import type { Operation, Vector } from "../operation.ts";
import { double, polynomial } from "../short_doubles.ts";

/**
 * `(sin r - r) / r³` in `r²`, for `|r| <= π / 4`, lowest power first: minimax for the relative error
 * of the sine, which is 5.3e-12, by Remez's exchange.
 */
const SINE = [
  -0.16666666640588118,
  0.008333329280517294,
  -0.00019839304413983672,
  2.7180464615864453e-6,
];

/**
 * `(cos r - 1) / r²` in `r²`, for `|r| <= π / 4`, lowest power first: minimax for the error of the
 * cosine, which is 5.5e-11, by Remez's exchange.
 */
const COSINE = [
  -0.49999999722895533,
  0.04166662306314372,
  -0.001388675527901952,
  2.438963024187904e-5,
];

/** Sine over cosine, inverted in odd quadrants. Error at most 0.502 ulp. */
function tan(code: Code): (x: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const reduce = prepareReduction(code);
  const sine = SINE.map((value) => double(code, value));
  const cosine = COSINE.map((value) => double(code, value));
  const one = double(code, 1);

  function tangent(angle: Vector, isOdd: Vector): Vector {
    const square = code.let(f64x2.mul(angle, angle));
    const cubic = f64x2.mul(square, angle);
    const opposite = code.let(f64x2.relaxedMadd(polynomial(sine, square), cubic, angle));
    const adjacent = code.let(f64x2.relaxedMadd(polynomial(cosine, square), square, one));
    const mask = code.let(isOdd);
    return code.let(
      f64x2.div(
        i64x2.relaxedLaneselect(adjacent, opposite, mask),
        i64x2.relaxedLaneselect(opposite, adjacent, mask),
      ),
    );
  }

  return (x) => {
    const { shifted, r, rest } = reduce(code.let(f32x4.abs(x)));
    const parity = code.let(i32x4.shl(shifted, i32.const(31)));
    const isOdd = code.let(i32x4.shrS(parity, i32.const(31)));
    const low = tangent(
      code.let(f64x2.add(lowHalf(r), lowHalf(rest))),
      i64x2.extendLowI32x4S(isOdd),
    );
    const high = tangent(
      code.let(f64x2.add(highHalf(r), highHalf(rest))),
      i64x2.extendHighI32x4S(isOdd),
    );
    return v128.xor(join(low, high), v128.xor(parity, v128.and(x, signBit)));
  };
}

/** The tangent, by the name of its primitive. */
export const tangentOperations: Readonly<Record<string, Operation>> = { tan };
