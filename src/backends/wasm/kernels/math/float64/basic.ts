/**
 * Operations on doubles that are single instructions, or nearly so: exact to the last bit.
 *
 * @module
 */
import { f64x2, v128 } from "../../../assembler/operations.ts";
import { choose, constant, keep } from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

function plain(map: (...inputs: readonly Vector[]) => Vector): Operation {
  return () => map;
}

function one(map: (x: Vector) => Vector): Operation {
  return plain((x) => map(x));
}

function two(map: (x: Vector, y: Vector) => Vector): Operation {
  return plain((x, y) => map(x, y));
}

/** 1 / f(x). */
function oneOver(f: (x: Vector) => Vector): Operation {
  return (code) => {
    const unit = constant(code, 1);
    return (x) => f64x2.div(unit, f(x));
  };
}

const square: Operation = (code) => (x) => {
  const value = keep(code, x);
  return f64x2.mul(value, value);
};

/** Zeros and NaN are returned as their own sign. */
const sign: Operation = (code) => {
  const zero = constant(code, 0);
  const unit = constant(code, 1);
  const minusOne = constant(code, -1);
  return (x) => {
    const value = keep(code, x);
    const orBelow = choose(f64x2.lt(value, zero), minusOne, value);
    return choose(f64x2.gt(value, zero), unit, orBelow);
  };
};

const isNan: Operation = (code) => (x) => {
  const value = keep(code, x);
  return f64x2.ne(value, value);
};

/** The bits of the exponent alone are the power of two; those of infinity and of zero are bounded. */
const binade: Operation = (code) => {
  const exponent = constant(code, Infinity);
  const least = constant(code, 2 ** -1022);
  const most = constant(code, 2 ** 1023);
  return (x) => f64x2.pmax(f64x2.pmin(v128.and(x, exponent), most), least);
};

/** The basic operations, by the names of their primitives. */
export const basicOperations: Readonly<Record<string, Operation>> = {
  add: two(f64x2.add),
  sub: two(f64x2.sub),
  mul: two(f64x2.mul),
  div: two(f64x2.div),
  neg: one(f64x2.neg),
  abs: one(f64x2.abs),
  binade,
  sign,
  square,
  sqrt: one(f64x2.sqrt),
  rsqrt: oneOver(f64x2.sqrt),
  reciprocal: oneOver((x) => x),
  floor: one(f64x2.floor),
  ceil: one(f64x2.ceil),
  round: one(f64x2.nearest),
  trunc: one(f64x2.trunc),
  maximum: two(f64x2.max),
  minimum: two(f64x2.min),
  equal: two(f64x2.eq),
  less: two(f64x2.lt),
  lessEqual: two(f64x2.le),
  isNan,
  select: plain((mask, x, y) => v128.bitselect(x, y, mask)),
};
