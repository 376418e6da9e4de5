/**
 * Gives `Tensor` its methods. Importing any public function imports this, through `mod.ts`.
 *
 * @module
 */
import { installMethods } from "../core/tensor.ts";
import "../primitives/complex.ts";
import * as alongAxis from "./along_axis.ts";
import * as arithmetic from "./arithmetic.ts";
import * as complex from "./complex.ts";
import * as comparison from "./comparison.ts";
import * as contraction from "./contraction.ts";
import * as creation from "./creation.ts";
import * as cumulative from "./cumulative.ts";
import * as diagonals from "./diagonals.ts";
import * as dynamicSlices from "./dynamic_slices.ts";
import * as exponential from "./exponential.ts";
import * as indexing from "./indexing.ts";
import * as joining from "./joining.ts";
import * as oneHot from "./one_hot.ts";
import * as ordering from "./ordering.ts";
import * as padding from "./padding.ts";
import * as reduction from "./reduction.ts";
import * as rounding from "./rounding.ts";
import * as shape from "./shape.ts";
import * as special from "./special.ts";
import * as trigonometric from "./trigonometric.ts";

installMethods({
  astype: creation.astype,
  copy: creation.copy,
  neg: arithmetic.neg,
  abs: arithmetic.abs,
  real: complex.real,
  imag: complex.imag,
  conj: complex.conj,
  angle: complex.angle,
  sign: arithmetic.sign,
  square: arithmetic.square,
  sqrt: arithmetic.sqrt,
  rsqrt: arithmetic.rsqrt,
  reciprocal: arithmetic.reciprocal,
  exp: exponential.exp,
  expm1: exponential.expm1,
  log: exponential.log,
  log1p: exponential.log1p,
  log2: exponential.log2,
  sin: trigonometric.sin,
  cos: trigonometric.cos,
  tan: trigonometric.tan,
  asin: trigonometric.asin,
  acos: trigonometric.acos,
  atan: trigonometric.atan,
  sinh: trigonometric.sinh,
  cosh: trigonometric.cosh,
  tanh: trigonometric.tanh,
  asinh: trigonometric.asinh,
  acosh: trigonometric.acosh,
  atanh: trigonometric.atanh,
  sigmoid: exponential.sigmoid,
  erf: special.erf,
  erfc: special.erfc,
  erfinv: special.erfinv,
  lgamma: special.lgamma,
  digamma: special.digamma,
  floor: rounding.floor,
  ceil: rounding.ceil,
  round: rounding.round,
  trunc: rounding.trunc,
  isnan: comparison.isnan,
  isinf: comparison.isinf,
  isfinite: comparison.isfinite,
  logicalNot: comparison.logicalNot,
  add: arithmetic.add,
  sub: arithmetic.sub,
  mul: arithmetic.mul,
  div: arithmetic.div,
  pow: arithmetic.pow,
  mod: arithmetic.mod,
  atan2: trigonometric.atan2,
  maximum: arithmetic.maximum,
  minimum: arithmetic.minimum,
  logaddexp: exponential.logaddexp,
  equal: comparison.equal,
  notEqual: comparison.notEqual,
  less: comparison.less,
  lessEqual: comparison.lessEqual,
  greater: comparison.greater,
  greaterEqual: comparison.greaterEqual,
  logicalAnd: comparison.logicalAnd,
  logicalOr: comparison.logicalOr,
  logicalXor: comparison.logicalXor,
  clip: comparison.clip,
  where: comparison.where,
  sum: reduction.sum,
  mean: reduction.mean,
  prod: reduction.prod,
  max: reduction.max,
  min: reduction.min,
  any: reduction.any,
  all: reduction.all,
  logsumexp: reduction.logsumexp,
  argmax: reduction.argmax,
  argmin: reduction.argmin,
  variance: reduction.variance,
  std: reduction.std,
  norm: reduction.norm,
  cumsum: cumulative.cumsum,
  cumprod: cumulative.cumprod,
  reshape: shape.reshape,
  ravel: shape.ravel,
  transpose: shape.transpose,
  permute: shape.permute,
  swapaxes: shape.swapaxes,
  moveaxis: shape.moveaxis,
  squeeze: shape.squeeze,
  expandDims: shape.expandDims,
  broadcastTo: shape.broadcastTo,
  split: joining.split,
  flip: shape.flip,
  roll: shape.roll,
  pad: padding.pad,
  tile: joining.tile,
  repeat: joining.repeat,
  tril: diagonals.tril,
  triu: diagonals.triu,
  diag: diagonals.diag,
  diagonal: diagonals.diagonal,
  oneHot: oneHot.oneHot,
  at: indexing.index,
  set: indexing.set,
  addAt: indexing.addAt,
  dynamicSlice: dynamicSlices.dynamicSlice,
  dynamicUpdateSlice: dynamicSlices.dynamicUpdateSlice,
  take: alongAxis.take,
  takeAlongAxis: alongAxis.takeAlongAxis,
  gather: alongAxis.gather,
  scatterAdd: alongAxis.scatterAdd,
  sort: ordering.sort,
  argsort: ordering.argsort,
  topK: ordering.topK,
  matmul: contraction.matmul,
  dot: contraction.dot,
  outer: contraction.outer,
  tensordot: contraction.tensordot,
});
