/**
 * Selection of the extreme element, one by one or by vectors. Among equal elements the first is
 * selected, and NaN is selected over numbers.
 *
 * @module
 */
import { type Dtype, wideDtype } from "../../../base/dtype.ts";
import { internalError } from "../../../base/errors.ts";
import type { Expression, ValueType } from "../assembler/expression.ts";
import { f32, f32x4, f64, f64x2, i32, i32x4, i64x2, i8x16, v128 } from "../assembler/operations.ts";
import { VECTOR, type Vector } from "./addresses.ts";

/** Which extreme is selected. */
export type Direction = "max" | "min";

type Condition = Expression<"i32">;

/** How single elements are compared, as `loadElement` reads them. */
export interface ElementChoice {
  /** The type of an element in a variable. */
  readonly type: ValueType;
  /** Whether the first replaces the second, which was found before it. */
  wins(candidate: Expression<ValueType>, best: Expression<ValueType>): Condition;
}

type Compare<T extends ValueType> = (a: Expression<T>, b: Expression<T>) => Condition;

function elementChoice<T extends ValueType>(type: T, wins: Compare<T>): ElementChoice {
  return {
    type,
    wins: (candidate, best) => wins(candidate as Expression<T>, best as Expression<T>),
  };
}

/** The comparison of floats in which NaN is selected, made from one that is false for NaN. */
function floatWins<T extends ValueType>(loses: Compare<T>, equal: Compare<T>): Compare<T> {
  return (candidate, best) => i32.and(i32.eqz(loses(candidate, best)), equal(best, best));
}

/** Selection among elements of a dtype. */
export function chooseElements(dtype: Dtype, direction: Direction): ElementChoice {
  const isMax = direction === "max";
  switch (wideDtype(dtype)) {
    case "float32":
      return elementChoice("f32", floatWins(isMax ? f32.le : f32.ge, f32.eq));
    case "float64":
      return elementChoice("f64", floatWins(isMax ? f64.le : f64.ge, f64.eq));
    case "int32":
      return elementChoice("i32", isMax ? i32.gtS : i32.ltS);
    case "uint32":
      return elementChoice("i32", isMax ? i32.gtU : i32.ltU);
    case "bool":
      return elementChoice("i32", isMax ? i32.gtU : i32.ltU);
    default:
      throw internalError(`Cannot choose elements of ${dtype}`);
  }
}

/**
 * How vectors of elements are compared, as `lanesLoader` reads them. Their positions are kept in
 * lanes of the same width.
 */
export interface VectorChoice {
  /** The number of lanes. */
  readonly lanes: number;
  /** The lanes in which the first replaces the second, which was found before it. */
  wins(candidate: Vector, best: Vector): Vector;
  /** One lane as an element. */
  element(vector: Vector, lane: number): Expression<ValueType>;
  /** A position in all lanes. */
  places(place: Condition): Vector;
  /** The position in one lane. */
  place(places: Vector, lane: number): Condition;
  /** The positions as 4-byte integers, in the first lanes. */
  narrow(places: Vector): Vector;
}

type CompareLanes = (a: Vector, b: Vector) => Vector;

/** The comparison of lanes in which NaN is selected, made from one that is false for NaN. */
function lanesWin(loses: CompareLanes, equal: CompareLanes): CompareLanes {
  return (candidate, best) => v128.andnot(equal(best, best), loses(candidate, best));
}

/** Selection among vectors of a dtype; there is none for `bool`. */
export function chooseVectors(dtype: Dtype, direction: Direction): VectorChoice | null {
  const isMax = direction === "max";
  const words: Omit<VectorChoice, "wins" | "element"> = {
    lanes: VECTOR / 4,
    places: i32x4.splat,
    place: i32x4.extractLane,
    narrow: (places) => places,
  };
  switch (wideDtype(dtype)) {
    case "float32": {
      const wins = lanesWin(isMax ? f32x4.le : f32x4.ge, f32x4.eq);
      return { ...words, wins, element: f32x4.extractLane };
    }
    case "int32":
      return { ...words, wins: isMax ? i32x4.gtS : i32x4.ltS, element: i32x4.extractLane };
    case "uint32":
      return { ...words, wins: isMax ? i32x4.gtU : i32x4.ltU, element: i32x4.extractLane };
    case "float64":
      return {
        lanes: VECTOR / 8,
        wins: lanesWin(isMax ? f64x2.le : f64x2.ge, f64x2.eq),
        element: f64x2.extractLane,
        places: (place) => i64x2.extendLowI32x4U(i32x4.splat(place)),
        place: (places, lane) => i32x4.extractLane(places, 2 * lane),
        narrow: (places) =>
          i8x16.shuffle(places, places, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]),
      };
    default:
      return null;
  }
}
