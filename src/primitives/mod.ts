/**
 * Every primitive, by name.
 *
 * @module
 */
import * as arithmetic from "./arithmetic.ts";
import * as comparison from "./comparison.ts";
import * as structure from "./structure.ts";
import * as transcendental from "./transcendental.ts";

/** All primitives. The law table in `tests/` has one row for each name. */
export const primitives = {
  reshape: structure.reshapePrimitive,
  transpose: structure.transposePrimitive,
  broadcast: structure.broadcastPrimitive,
  reduceSum: structure.reduceSumPrimitive,
  convert: structure.convertPrimitive,
  stopGradient: structure.stopGradientPrimitive,
  iota: structure.iotaPrimitive,

  equal: comparison.equalPrimitive,
  less: comparison.lessPrimitive,
  lessEqual: comparison.lessEqualPrimitive,
  isNan: comparison.isNanPrimitive,
  not: comparison.notPrimitive,
  and: comparison.andPrimitive,
  or: comparison.orPrimitive,
  xor: comparison.xorPrimitive,
  select: comparison.selectPrimitive,

  add: arithmetic.addPrimitive,
  neg: arithmetic.negPrimitive,
  sub: arithmetic.subPrimitive,
  mul: arithmetic.mulPrimitive,
  div: arithmetic.divPrimitive,
  reciprocal: arithmetic.reciprocalPrimitive,
  mod: arithmetic.modPrimitive,
  square: arithmetic.squarePrimitive,
  sqrt: arithmetic.sqrtPrimitive,
  rsqrt: arithmetic.rsqrtPrimitive,
  sign: arithmetic.signPrimitive,
  abs: arithmetic.absPrimitive,
  floor: arithmetic.floorPrimitive,
  ceil: arithmetic.ceilPrimitive,
  round: arithmetic.roundPrimitive,
  trunc: arithmetic.truncPrimitive,
  maximum: arithmetic.maximumPrimitive,
  minimum: arithmetic.minimumPrimitive,
  shiftLeft: arithmetic.shiftLeftPrimitive,
  shiftRight: arithmetic.shiftRightPrimitive,

  exp: transcendental.expPrimitive,
  log: transcendental.logPrimitive,
  sin: transcendental.sinPrimitive,
  cos: transcendental.cosPrimitive,
} as const;

/** The name of a primitive. */
export type PrimitiveName = keyof typeof primitives;
