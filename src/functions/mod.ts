/**
 * What users call: functions of tensors with promotion, broadcasting and optional arguments.
 *
 * @module
 */
import "./install.ts";

export { allGather, axisIndex, pmax, pmean, pmin, ppermute, psum } from "./collectives.ts";
export type { AllGatherOptions, AxisNames } from "./collectives.ts";
export {
  clip,
  equal,
  greater,
  greaterEqual,
  isfinite,
  isinf,
  isnan,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
  where,
} from "./comparison.ts";
export { dot, einsum, matmul, outer, tensordot } from "./contraction.ts";
export {
  arange,
  astype,
  copy,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} from "./creation.ts";
export type { EyeOptions, LinspaceOptions } from "./creation.ts";
export { cumprod, cumsum } from "./cumulative.ts";
export {
  abs,
  acos,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  ceil,
  cos,
  cosh,
  digamma,
  div,
  erf,
  erfc,
  erfinv,
  exp,
  expm1,
  floor,
  lgamma,
  log,
  log1p,
  log2,
  logaddexp,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  pow,
  reciprocal,
  round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  sub,
  tan,
  tanh,
  trunc,
} from "./elementwise.ts";
export {
  addAt,
  dynamicSlice,
  dynamicUpdateSlice,
  gather,
  index,
  scatterAdd,
  set,
  take,
  takeAlongAxis,
} from "./indexing.ts";
export type { Starts } from "./indexing.ts";
export { argsort, sort, topK } from "./ordering.ts";
export {
  all,
  any,
  argmax,
  argmin,
  logsumexp,
  max,
  mean,
  min,
  norm,
  prod,
  std,
  sum,
  variance,
} from "./reduction.ts";
export {
  broadcastTo,
  concatenate,
  diag,
  diagonal,
  expandDims,
  flip,
  moveaxis,
  oneHot,
  pad,
  repeat,
  reshape,
  roll,
  split,
  squeeze,
  stack,
  swapaxes,
  tile,
  transpose,
  tril,
  triu,
} from "./shape.ts";
export { debugCallback, debugPrint } from "./debug.ts";
export { avgPool, conv, convTranspose, maxPool } from "./window.ts";
export type {
  AvgPoolOptions,
  ConvOptions,
  ConvTransposeOptions,
  MaxPoolOptions,
  PadAmounts,
  Padding,
  PerAxis,
} from "./window.ts";
