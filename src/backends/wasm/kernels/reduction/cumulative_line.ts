/**
 * Running sums of one line of neighbouring elements: each vector is summed internally, so that only
 * one addition to the running sum depends on the previous vector.
 *
 * Source: W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986, within each vector.
 *
 * @module
 */
import { byteSize, type Dtype, isFloat } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import { f64x2, i32, i32x4, i8x16, v128 } from "../../assembler/operations.ts";
import { VECTOR } from "../addresses.ts";
import { passAlone, type Runner, type Running, totalBytes, type Walk } from "./cumulative_lanes.ts";
import { highHalf, join, lowHalf } from "../math/halves.ts";

type Vector = Expression<"v128">;
type Kept = Local<"v128">;

/** The number of vectors that a round of a sum without results adds up. */
const SUMMED = 4;

/** Lanes shifted in the direction of processing by a number of bytes; zeros are shifted in. */
function moved(x: Vector, bytes: number, isReverse: boolean): Vector {
  const zero = i32x4.const(0);
  return isReverse
    ? i8x16.shuffle(x, zero, range(bytes, bytes + VECTOR))
    : i8x16.shuffle(zero, x, range(VECTOR - bytes, 2 * VECTOR - bytes));
}

/** The last lane in the direction of processing, in all lanes. */
function lastLane(x: Vector, bytes: number, isReverse: boolean): Vector {
  const first = isReverse ? 0 : VECTOR - bytes;
  return i8x16.shuffle(x, x, range(VECTOR).map((i) => first + i % bytes));
}

/** Vectors of totals of a vector of elements, in the order of processing. */
function widened(code: Code, dtype: Dtype, elements: Kept, isReverse: boolean): Kept[] {
  if (dtype !== "float32") return [elements];
  const halves = [code.let(lowHalf(elements)), code.let(highHalf(elements))];
  return isReverse ? halves.toReversed() : halves;
}

/** A vector of elements from its vectors of totals. */
function narrowed(totals: readonly Vector[], isReverse: boolean): Vector {
  if (totals.length === 1) return totals[0];
  const [low, high] = isReverse ? totals.toReversed() : totals;
  return join(low, high);
}

/** Sums along a line of adjacent elements; the running sum is in all lanes of a vector. */
export function lineRunner(code: Code, running: Running): Runner {
  const { dtype } = running;
  const size = byteSize(dtype);
  const perVector = VECTOR / size;
  const bytes = totalBytes(dtype);
  const isWide = isFloat(dtype);
  const add = isWide ? f64x2.add : i32x4.add;
  const loadSplat = isWide ? v128.load64Splat : v128.load32Splat;
  const storeLane = isWide ? v128.store64Lane : v128.store32Lane;
  const carry = code.local("v128");

  /** The sums within a vector of totals, in the order of processing. */
  function within(x: Kept, isReverse: boolean): Kept {
    let sums = x;
    for (let shift = bytes; shift < VECTOR; shift *= 2) {
      sums = code.let(add(sums, moved(sums, shift, isReverse)));
    }
    return sums;
  }

  function runVector(elements: Kept, isReverse: boolean): Vector {
    const sums: Kept[] = [];
    for (const part of widened(code, dtype, elements, isReverse)) {
      const own = within(part, isReverse);
      const before = sums.at(-1);
      sums.push(
        before === undefined ? own : code.let(add(own, lastLane(before, bytes, isReverse))),
      );
    }
    const results = sums.map((sum) => code.let(add(carry, sum)));
    code.set(carry, add(carry, lastLane(sums.at(-1)!, bytes, isReverse)));
    return narrowed(results, isReverse);
  }

  /** Adds up whole vectors, and adds their sum to the carry. */
  function addUp(at: Local<"i32">, rounds: Expression<"i32">, stepBytes: number): void {
    const isReverse = stepBytes < 0;
    const sums = range(SUMMED).map(() => code.let(i32x4.const(0)));
    const start = isReverse ? -(SUMMED * VECTOR - size) : 0;
    code.for({ below: rounds }, () => {
      const from = code.let(i32.add(at, i32.const(start)));
      const loaded = sums.map((_, v) => code.let(v128.load(from, { offset: v * VECTOR })));
      loaded.forEach((elements, v) => {
        for (const part of widened(code, dtype, elements, false)) {
          code.set(sums[v], add(sums[v], part));
        }
      });
      code.set(at, i32.add(at, i32.const(SUMMED * perVector * stepBytes)));
    });
    const total = code.let(sums.reduce<Vector>((sum, part) => add(sum, part), i32x4.const(0)));
    code.set(carry, add(carry, lastLane(within(total, false), bytes, false)));
  }

  /** The elements that do not fill a round, one by one. */
  function finish(walk: Walk): void {
    if (isWide) {
      const total = code.let(f64x2.extractLane(carry, 0));
      passAlone(code, running, total, walk);
      code.set(carry, f64x2.splat(total));
    } else {
      const total = code.let(i32x4.extractLane(carry, 0));
      passAlone(code, running, total, walk);
      code.set(carry, i32x4.splat(total));
    }
  }

  /** Writes the sums of whole vectors. */
  function runUp(
    at: Local<"i32">,
    to: Local<"i32">,
    rounds: Expression<"i32">,
    stepBytes: number,
  ): void {
    const isReverse = stepBytes < 0;
    const start = i32.const(isReverse ? -(VECTOR - size) : 0);
    const step = i32.const(perVector * stepBytes);
    code.for({ below: rounds }, () => {
      const elements = code.let(v128.load(i32.add(at, start)));
      const results = code.let(runVector(elements, isReverse));
      code.do(v128.store(i32.add(to, start), results));
      code.set(at, i32.add(at, step));
      code.set(to, i32.add(to, step));
    });
  }

  return {
    reset: () => code.set(carry, i32x4.const(0)),
    addTotal: (at) => code.set(carry, add(carry, loadSplat(at))),
    pass({ from, to, steps, stepBytes }) {
      const at = code.let(from);
      const target = to === undefined ? undefined : code.let(to);
      const perRound = i32.const(target === undefined ? SUMMED * perVector : perVector);
      const rounds = code.let(i32.divU(steps, perRound));
      if (target === undefined) addUp(at, rounds, stepBytes);
      else runUp(at, target, rounds, stepBytes);
      finish({ from: at, to: target, steps: i32.remU(steps, perRound), stepBytes });
    },
    saveTotal: (at) => code.do(storeLane(at, carry, 0)),
  };
}
