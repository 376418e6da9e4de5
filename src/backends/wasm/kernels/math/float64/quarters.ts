/**
 * Reduction of large angles modulo π/2: the method of M. H. Payne and R. N. Hanek, "Radian
 * reduction for trigonometric functions" (1983). Only those bits of 2/π are multiplied that neither
 * contribute multiples of four quarter turns nor are too small to matter; one lane at a time.
 *
 * @module
 */
import type { Code, Label } from "../../../assembler/code.ts";
import type { Expression, Local } from "../../../assembler/expression.ts";
import { f64, f64x2, i32, i64, i64x2, i8x16 } from "../../../assembler/operations.ts";
import { exactProduct, type Kept, type Pair, quickSum } from "./vectors.ts";
import type { Vector } from "../operation.ts";

/** The bits of 2/π after the point, in words, preceded by a word of zeros. */
const TWO_OVER_PI: readonly bigint[] = [
  0x0000000000000000n,
  0xa2f9836e4e441529n,
  0xfc2757d1f534ddc0n,
  0xdb6295993c439041n,
  0xfe5163abdebbc561n,
  0xb7246e3a424dd2e0n,
  0x06492eea09d1921cn,
  0xfe1deb1cb129a73en,
  0xe88235f52ebb4484n,
  0xe99c7026b45f7e41n,
  0x3991d639835339f4n,
  0x9c845f8bbdf9283bn,
  0x1ff897ffde05980fn,
  0xef2f118b5a0a6d1fn,
  0x6d367ecf27cb09b7n,
  0x4f463f669e5fea2dn,
  0x7527bac7ebe5f17bn,
  0x3d0739f78a5292ean,
  0x6bfb5fb11f8d5d08n,
  0x56033046fc7b6babn,
];

/** π/2, rounded. */
export const QUARTER_HIGH = 1.5707963267948966;
/** The rounding error of π/2. */
export const QUARTER_LOW = 6.123233995736766e-17;

type Word = Expression<"i64">;
type KeptWord = Local<"i64">;

const HALF_WORD = i64.const(0xffffffff);

/** The sign bit; the exponent of 2^52 follows it, over a fraction of 52 bits. */
const SIGN = i64.const(1n << 63n);

/** Sets `target` to a word of 2/π. */
function setWord(code: Code, target: KeptWord, index: Expression<"i32">): void {
  code.block((done) => {
    // Nested blocks, one for each word: a branch to the end of a block leads to the code that sets
    // its word.
    function choices(i: number, labels: readonly Label[]): void {
      if (i === TWO_OVER_PI.length) return code.branchTable(index, labels, labels[0]);
      code.block((here) => choices(i + 1, [...labels, here]));
      code.set(target, i64.const(TWO_OVER_PI[i]));
      code.branch(done);
    }
    choices(0, []);
  });
}

/** The upper 64 bits of `x y`, for `x` below 2^53. */
function upperProduct(code: Code, x: KeptWord, y: KeptWord): Word {
  const upper = (word: Word): Word => i64.shrU(word, i64.const(32));
  const lower = (word: Word): Word => i64.and(word, HALF_WORD);
  const [x1, x0, y1, y0] = [upper(x), lower(x), upper(y), lower(y)].map((part) => code.let(part));
  const first = code.let(i64.add(i64.mul(x1, y0), upper(i64.mul(x0, y0))));
  const second = i64.add(i64.mul(x0, y1), lower(first));
  return i64.add(i64.mul(x1, y1), i64.add(upper(first), upper(second)));
}

/** 192 bits of 2/π, times a power of two: two bits before the point, the others after it. */
function window(code: Code, exponent: Expression<"i64">): readonly KeptWord[] {
  const start = code.let(i32.wrapI64(exponent));
  const words = Array.from({ length: 4 }, () => code.local("i64"));
  code.for({ below: words.length }, (i) => {
    for (let k = 0; k < 3; k++) code.set(words[k], words[k + 1]);
    setWord(code, words[3], i32.add(i32.shrU(start, i32.const(6)), i));
  });
  const shift = code.let(i64.and(i64.extendI32U(start), i64.const(63)));
  const back = code.let(i64.sub(i64.const(63), shift));
  return words.slice(0, 3).map((word, k) => {
    const next = i64.shrU(i64.shrU(words[k + 1], i64.const(1)), back);
    return code.let(i64.or(i64.shl(word, shift), next));
  });
}

/**
 * A number of quarter turns: whole ones modulo four, and the rest of at most half of one, in two
 * parts.
 */
interface Quarters {
  readonly whole: Word;
  readonly high: Expression<"f64">;
  readonly low: Expression<"f64">;
}

/** The number of quarters in a double of 2^20 or more, which has the given bits. */
function countQuarters(code: Code, bits: KeptWord): Quarters {
  const exponent = i64.and(i64.shrU(bits, i64.const(52)), i64.const(0x7ff));
  const fraction = i64.and(bits, i64.const(2n ** 52n - 1n));
  const factor = code.let(i64.or(fraction, i64.const(2n ** 52n)));
  // With the point after the factor's last bit, the exponent is less by 1075; the words begin 64
  // bits before the first bit of 2/π, and the window two bits before the point.
  const [first, second, third] = window(code, i64.sub(exponent, i64.const(1075 - 64 + 2)));
  const carried = code.let(upperProduct(code, factor, third));
  const lower = code.let(i64.add(i64.mul(factor, second), carried));
  const carry = i64.extendI32U(i64.ltU(lower, carried));
  const upperOfSecond = upperProduct(code, factor, second);
  const upper = code.let(
    i64.add(i64.mul(factor, first), i64.add(upperOfSecond, carry)),
  );
  const whole = code.let(i64.shrU(i64.add(upper, i64.const(2n ** 61n)), i64.const(62)));
  const rest = code.let(i64.sub(upper, i64.shl(whole, i64.const(62))));
  const isNegative = code.let(i64.shrS(rest, i64.const(63)));
  // The magnitude, up to a unit in its last bit, and then the sign: no digits cancel.
  const size = code.let(i64.xor(rest, isNegative));
  const top = i64.and(size, i64.const(-512));
  const bottom = f64.add(
    f64.mul(f64.convertI64U(i64.and(size, i64.const(511))), f64.const(2 ** -62)),
    f64.mul(f64.convertI64U(i64.xor(lower, isNegative)), f64.const(2 ** -126)),
  );
  const sign = code.let(i64.and(i64.xor(isNegative, bits), SIGN));
  const signed = (x: Expression<"f64">) => f64.reinterpretI64(i64.xor(i64.reinterpretF64(x), sign));
  const turned = code.let(i64.shrS(bits, i64.const(63)));
  return {
    whole: i64.sub(i64.xor(whole, turned), turned),
    high: signed(f64.mul(f64.convertI64U(top), f64.const(2 ** -62))),
    low: signed(bottom),
  };
}

/** The lanes of `x` exchanged. */
function swapped(x: Vector): Vector {
  return i8x16.shuffle(x, x, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
}

/** An angle reduced modulo π/2. */
export interface FarAngle {
  /** The rest, at most π/4. */
  readonly rest: Pair;
  /** The number of multiples, modulo four. */
  readonly quarters: Vector;
}

/** Reduces numbers of 2^20 or more modulo π/2; infinities give NaN. */
export function farQuarters(code: Code, x: Kept): FarAngle {
  const lanes = code.local("v128");
  const whole = code.local("v128");
  const high = code.local("v128");
  const low = code.local("v128");
  code.set(lanes, x);
  // Each round processes lane 0 and exchanges the lanes: after two rounds they are in their
  // original order.
  code.for({ below: 2 }, () => {
    const counted = countQuarters(code, code.let(i64x2.extractLane(lanes, 0)));
    code.set(whole, swapped(i64x2.replaceLane(whole, 0, counted.whole)));
    code.set(high, swapped(f64x2.replaceLane(high, 0, counted.high)));
    code.set(low, swapped(f64x2.replaceLane(low, 0, counted.low)));
    code.set(lanes, swapped(lanes));
  });
  const quarter = f64x2.const(QUARTER_HIGH);
  const product = exactProduct(code, high, quarter);
  const small = f64x2.add(
    f64x2.mul(high, f64x2.const(QUARTER_LOW)),
    f64x2.mul(low, quarter),
  );
  // Zero for all numbers, NaN for infinities.
  const notNumber = f64x2.sub(x, x);
  const rest = quickSum(
    code,
    f64x2.add(product.high, notNumber),
    f64x2.add(product.low, small),
  );
  return { rest, quarters: whole };
}
