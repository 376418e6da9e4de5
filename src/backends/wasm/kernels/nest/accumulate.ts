/**
 * Reductions in registers: one or more vectors that values are combined into.
 *
 * @module
 */
import type { Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import { f32x4, f64x2, i32x4, i8x16, v128 } from "../../assembler/operations.ts";
import type { Combination, LoopNode } from "../../../../lowering/nest.ts";
import { engine } from "../../engine.ts";
import type { Vector } from "../math/operation.ts";
import { constantVector, type Lanes, maskFor } from "../lanes.ts";
import { identityOf } from "../../../../lowering/simplify_nest.ts";

type Reduction = LoopNode & { readonly kind: "reduce" };

/** The number of values of a coarse sum that are added up as float32. */
const FEW = 4;

/**
 * The lower limit of the magnitude of a guarded product. Products of float64 are checked after each
 * factor; those of float32 after two factors, neither of which is less than 2^-149.
 */
const LEAST_GUARDED = { float32: 2 ** -400, float64: 2 ** -960 } as const;

/** The number of rounds of doubles that are added up before the sum is folded into the total. */
export const FOLDED_ROUNDS = 16;

/** Whether a reduction adds up doubles, whose rounding errors matter for long sums. */
export function addsDoubles({ dtype, operation }: Reduction, from: Dtype): boolean {
  return operation === "sum" && dtype === "float64" && from === "float64";
}

/** The upper half of a vector moved to its lower half. */
export function upperHalf(vector: Vector): Vector {
  const bytes = Array.from({ length: 16 }, (_, i) => (i + 8) % 16);
  return i8x16.shuffle(vector, vector, bytes);
}

/** A vector of 32-bit lanes with the two lanes of each half exchanged. */
function exchanged(vector: Vector): Vector {
  const bytes = Array.from({ length: 16 }, (_, i) => i ^ 4);
  return i8x16.shuffle(vector, vector, bytes);
}

/** Two vectors of elements of `dtype` combined, ignoring NaN. */
function combine(dtype: Dtype, operation: Combination, x: Vector, y: Vector): Vector {
  const isMax = operation === "max";
  switch (dtype) {
    case "bool":
      return isMax ? v128.or(x, y) : v128.and(x, y);
    case "float32":
    case "float64": {
      const lanes = dtype === "float32" ? f32x4 : f64x2;
      if (operation === "sum") return lanes.add(x, y);
      if (operation === "prod") return lanes.mul(x, y);
      return isMax ? lanes.pmax(x, y) : lanes.pmin(x, y);
    }
    default: {
      if (operation === "sum") return i32x4.add(x, y);
      if (operation === "prod") return i32x4.mul(x, y);
      if (dtype === "int32") return isMax ? i32x4.maxS(x, y) : i32x4.minS(x, y);
      return isMax ? i32x4.maxU(x, y) : i32x4.minU(x, y);
    }
  }
}

/** Options for writing a reduction. */
export interface Shape {
  /** The number of vectors in a round. */
  readonly width: number;
  /** Whether their lanes and the vectors themselves are combined at the end. */
  readonly isHorizontal: boolean;
  /** Whether the loops are run for this reduction only. */
  readonly isAlone: boolean;
  /** Whether `fold` is called after some rounds. */
  readonly isFolded: boolean;
}

/** The accumulators of a reduction. */
export class Accumulator {
  readonly #code: Code;
  readonly #dtype: Dtype;
  readonly #from: Dtype;
  readonly #operation: Combination;
  readonly #lanes: Lanes;
  readonly #isHorizontal: boolean;
  readonly #identity: number;
  /** One vector for each of a round. */
  readonly #parts: readonly Local<"v128">[];
  /** The lanes that have met a NaN, for extremes of floats. */
  readonly #nans: readonly Local<"v128">[];
  /** Sums or products of float32, as doubles: of the lower and the upper lanes. */
  readonly #doubles: readonly (readonly [Local<"v128">, Local<"v128">])[];

  /**
   * @param from The dtype of the values that are combined.
   */
  constructor(
    code: Code,
    { dtype, operation, ...rest }: Reduction,
    from: Dtype,
    lanes: Lanes,
    { width, isHorizontal, isAlone, isFolded }: Shape,
  ) {
    this.#code = code;
    this.#dtype = dtype;
    this.#from = from;
    this.#operation = operation;
    this.#lanes = lanes;
    this.#isHorizontal = isHorizontal;
    this.#identity = identityOf({ dtype, operation, ...rest });
    const isExtreme = operation === "max" || operation === "min";
    const isFloat = dtype === "float32" || dtype === "float64";
    const vectors = (count: number) => Array.from({ length: count }, () => code.local("v128"));
    const isWidened = from !== dtype;
    this.#parts = vectors(isWidened ? 0 : width);
    this.#nans = isExtreme && isFloat ? vectors(isHorizontal ? Math.min(width, 2) : width) : [];
    const most = !isHorizontal ? width : rest.isCoarse ? 1 : isAlone ? 4 : 2;
    const pairs = isWidened ? Math.min(width, most) : 0;
    this.#doubles = vectors(pairs).map((low) => [low, code.local("v128")]);
    const hasTotals = isFolded && addsDoubles({ dtype, operation, ...rest }, from);
    this.#totals = hasTotals ? vectors(width).map((total) => [total, code.local("v128")]) : [];
    if (rest.isCoarse && isWidened && isHorizontal) this.#few = code.local("v128");
    else if (isWidened && operation === "sum" && isHorizontal && isAlone && engine().relaxedSimd) {
      this.#one = code.local("v128");
    }
    if (rest.isGuarded) {
      const products = Math.max(this.#parts.length, pairs * lanes / 2);
      this.#least = vectors(isHorizontal ? Math.min(products, 4) : products);
    }
  }

  /** The least magnitudes of the collected products, if these are guarded. */
  readonly #least: readonly Local<"v128">[] = [];

  /** The folded sums of doubles, and their rounding errors. */
  readonly #totals: readonly (readonly [total: Local<"v128">, rest: Local<"v128">])[];

  /**
   * One, for sums of converted values times it. Conversions and additions use the same units of the
   * processor (AMD Zen 3), multiply-adds use others. The bits are the same. Sums of products in the
   * same nest would keep these units busy.
   */
  readonly #one: Local<"v128"> | undefined;
  /** The sum of the last few values of a coarse sum, and their number. */
  readonly #few: Local<"v128"> | undefined;
  #fewCount = 0;
  #runs = 0;

  /** Resets all accumulators. */
  start(): void {
    const code = this.#code;
    for (const part of this.#parts) {
      code.set(part, constantVector(this.#dtype, this.#identity, this.#lanes));
    }
    if (this.#one !== undefined) code.set(this.#one, f64x2.const(1));
    for (const local of [...this.#nans, ...this.#totals.flat()]) code.set(local, i32x4.const(0));
    for (const total of this.#doubles.flat()) {
      code.set(total, constantVector(this.#dtype, this.#identity, 2));
    }
    for (const least of this.#least) code.set(least, f64x2.const(1));
  }

  /** Checks product `k`. */
  #guard(k: number, product: Local<"v128">): void {
    const least = this.#least[k % this.#least.length];
    this.#code.set(least, f64x2.pmin(least, f64x2.abs(product)));
  }

  /**
   * Combines vector `i` of a round into the accumulators.
   *
   * @param active The number of lanes that count, from the first on.
   */
  add(i: number, values: readonly Local<"v128">[], active: number): void {
    const code = this.#code;
    const [taken, times] = this.#isHorizontal && active < this.#lanes
      ? values.map((value) => this.#masked(value, active))
      : values;
    if (this.#few !== undefined) {
      code.set(this.#few, this.#fewCount === 0 ? taken : f32x4.add(this.#few, taken));
      if (++this.#fewCount === FEW) this.flush();
      return;
    }
    if (this.#doubles.length > 0) {
      this.#widen(i, (sum, part) => {
        if (times === undefined) {
          return this.#one === undefined
            ? combine(this.#dtype, this.#operation, sum, part(taken))
            : f64x2.relaxedMadd(part(taken), this.#one, sum);
        }
        // Products of float32 are exact in doubles: the bits are those of any multiply-add.
        const first = code.let(part(taken));
        return f64x2.relaxedMadd(first, values[1] === values[0] ? first : part(times), sum);
      });
      if (!this.#isHorizontal) this.#guardDoubles();
      return;
    }
    const part = this.#parts[i];
    code.set(part, combine(this.#dtype, this.#operation, part, taken));
    if (this.#least.length > 0) this.#guard(i, part);
    if (this.#nans.length > 0) {
      const nan = this.#nans[i % this.#nans.length];
      const lanes = this.#dtype === "float32" ? f32x4 : f64x2;
      code.set(nan, v128.or(nan, lanes.ne(taken, taken)));
    }
  }

  /**
   * Changes the sums of vector `i`, given a function from a vector to its lanes that belong to
   * each.
   */
  #widen(
    i: number,
    change: (sum: Local<"v128">, part: (vector: Vector) => Vector) => Vector,
  ): void {
    const sums = this.#doubles[i % this.#doubles.length].slice(0, this.#lanes / 2);
    sums.forEach((sum, half) => {
      const part = (vector: Vector) =>
        f64x2.promoteLowF32x4(half === 0 ? vector : upperHalf(vector));
      this.#code.set(sum, change(sum, part));
    });
  }

  /**
   * Adds the sums since the last call to the totals, and their rounding errors to the rests (D.
   * Knuth, "The Art of Computer Programming", volume 2, section 4.2.2).
   */
  fold(): void {
    const code = this.#code;
    this.#totals.forEach(([total, rest], i) => {
      const part = this.#parts[i];
      const sum = code.let(f64x2.add(total, part));
      const taken = code.let(f64x2.sub(sum, total));
      const error = f64x2.add(
        f64x2.sub(total, f64x2.sub(sum, taken)),
        f64x2.sub(part, taken),
      );
      code.set(rest, f64x2.add(rest, error));
      code.set(total, sum);
      code.set(part, constantVector(this.#dtype, this.#identity, this.#lanes));
    });
  }

  /** The totals plus their rests; the rests are NaN where a total is infinite. */
  #folded(): readonly Local<"v128">[] {
    this.fold();
    return this.#totals.map(([total, rest]) => {
      const known = v128.and(rest, f64x2.eq(rest, rest));
      return this.#code.let(f64x2.add(total, known));
    });
  }

  /** Checks all products of float32. */
  #guardDoubles(): void {
    if (this.#least.length === 0) return;
    const products = this.#doubles.flatMap((pair) => pair.slice(0, this.#lanes / 2));
    products.forEach((product, k) => this.#guard(k, product));
  }

  /** Ends a block of rounds, and thus a run of values that are added up as float32. */
  flush(): void {
    if (this.#doubles.length > 0) this.#guardDoubles();
    const few = this.#few;
    if (few === undefined || this.#fewCount === 0) return;
    this.#widen(this.#runs++, (sum, part) => f64x2.add(sum, part(few)));
    this.#fewCount = 0;
  }

  /** A vector of which only a number of lanes count. */
  #masked(value: Local<"v128">, active: number): Local<"v128"> {
    const wide = this.#from === "float64" || this.#lanes === 2 ? 8 : 4;
    const mask = v128.const(
      Array.from({ length: 16 }, (_, byte) => byte < active * wide ? 0xff : 0),
    );
    const identity = constantVector(this.#from, this.#identity, this.#lanes);
    const masked = v128.bitselect(value, identity, maskFor(this.#from, mask, this.#lanes));
    return this.#code.let(masked);
  }

  /** Vectors combined, with a check if the product is guarded. */
  #guarded(combined: Vector): Local<"v128"> {
    const local = this.#code.let(combined);
    if (this.#least.length > 0) this.#guard(0, local);
    return local;
  }

  /** Products, with NaN in lanes that were once too small. */
  #withoutLost(products: readonly Local<"v128">[]): readonly Local<"v128">[] {
    if (this.#least.length === 0) return products;
    const code = this.#code;
    let least = this.#least;
    if (this.#isHorizontal) {
      const [first, ...others] = this.#least;
      const all = code.let(others.reduce<Vector>((all, one) => f64x2.pmin(all, one), first));
      least = [code.let(f64x2.pmin(all, upperHalf(all)))];
    }
    const limit = LEAST_GUARDED[this.#from as keyof typeof LEAST_GUARDED];
    return products.map((product, i) =>
      code.let(
        v128.bitselect(f64x2.const(NaN), product, f64x2.lt(least[i], f64x2.const(limit))),
      )
    );
  }

  /** Vectors combined into a single one. */
  #joined(vectors: readonly Local<"v128">[]): Local<"v128"> {
    let level = vectors;
    while (level.length > 1) {
      const half = Math.ceil(level.length / 2);
      level = level.slice(0, half).map((x, i) => {
        const y = level[i + half];
        return y === undefined ? x : this.#guarded(combine(this.#dtype, this.#operation, x, y));
      });
    }
    return level[0];
  }

  /**
   * The result: one vector for each of a round (two if each has 4 lanes and the sums are doubles),
   * or a single vector with the result in all lanes.
   */
  finish(): readonly Local<"v128">[] {
    const code = this.#code;
    if (this.#doubles.length > 0) {
      const sums = this.#doubles.flatMap((pair) => pair.slice(0, this.#lanes / 2));
      if (!this.#isHorizontal) return this.#withoutLost(sums);
      const total = this.#joined(sums);
      const all = combine(this.#dtype, this.#operation, total, upperHalf(total));
      return this.#withoutLost([this.#guarded(all)]);
    }
    const parts = this.#totals.length > 0 ? this.#folded() : this.#parts;
    const results = this.#isHorizontal ? [this.#across(this.#joined(parts))] : parts;
    if (this.#nans.length === 0) return this.#withoutLost(results);
    return results.map((result, i) => {
      let nan = this.#nans[i];
      if (this.#isHorizontal) {
        const last = this.#nans[this.#nans.length - 1];
        const either = code.let(v128.or(nan, last));
        nan = code.let(this.#spread(either, (x, y) => v128.or(x, y)));
      }
      const value = constantVector(this.#dtype, NaN, this.#lanes);
      return code.let(v128.bitselect(value, result, nan));
    });
  }

  /** The lanes of a vector combined, in all lanes. */
  #across(vector: Local<"v128">): Local<"v128"> {
    const apply = (x: Vector, y: Vector) => combine(this.#dtype, this.#operation, x, y);
    return this.#guarded(this.#spread(vector, apply));
  }

  #spread(vector: Local<"v128">, apply: (x: Vector, y: Vector) => Vector): Vector {
    const code = this.#code;
    const isWide = this.#lanes === 2 && (this.#dtype === "float64" || this.#dtype === "bool");
    if (isWide) return apply(vector, upperHalf(vector));
    // With two lanes of 32 bits, both are in the lower half.
    const halves = this.#lanes === 2 ? vector : code.let(apply(vector, upperHalf(vector)));
    return apply(halves, exchanged(halves));
  }
}
