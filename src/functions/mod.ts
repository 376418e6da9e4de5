/**
 * The public functions of tensors, with promotion, broadcasting and optional arguments.
 *
 * @module
 */
import "./install.ts";

export { gather, putAlongAxis, scatterAdd, scatterSet, take, takeAlongAxis } from "./along_axis.ts";
export {
  abs,
  add,
  div,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  pow,
  reciprocal,
  rsqrt,
  sign,
  sqrt,
  square,
  sub,
} from "./arithmetic.ts";
export { deg2rad, rad2deg, sinc, unwrap } from "./angles.ts";
export type { UnwrapOptions } from "./angles.ts";
export {
  bitwiseAnd,
  bitwiseCount,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  gcd,
  lcm,
  leftShift,
  packbits,
  rightShift,
  unpackbits,
} from "./bits.ts";
export type { BitsOptions, UnpackOptions } from "./bits.ts";
export {
  append,
  arraySplit,
  block,
  columnStack,
  deleteAt,
  dstack,
  hstack,
  insert,
  resize,
  trimZeros,
  unstack,
  vstack,
} from "./assembling.ts";
export type { Blocks, TrimOptions } from "./assembling.ts";
export { addcdiv, addcmul, lerp } from "./blending.ts";
export type { ScaledOptions } from "./blending.ts";
export { allclose, arrayEqual, arrayEquiv, isclose } from "./closeness.ts";
export type { ClosenessOptions, EqualityOptions } from "./closeness.ts";
export { pureCallback } from "./callback.ts";
export type { BatchedCallback } from "./callback.ts";
export type { VmapMethod } from "../primitives/callback.ts";
export { select } from "./cases.ts";
export { angle, complex, conj, imag, polar, real } from "./complex.ts";
export {
  allGather,
  allToAll,
  axisIndex,
  pmax,
  pmean,
  pmin,
  ppermute,
  psum,
  psumScatter,
} from "./collectives.ts";
export type {
  AllGatherOptions,
  AllToAllOptions,
  AxisNames,
  PsumScatterOptions,
} from "./collectives.ts";
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
} from "./comparison.ts";
export { dot, einsum, matmul, outer, tensordot } from "./contraction.ts";
export {
  arange,
  astype,
  bitcast,
  copy,
  eye,
  fromBuffer,
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
export { cumlogsumexp, cummax, cummin, cumprod, cumsum } from "./cumulative.ts";
export { debugCallback, debugPrint, namedScope } from "./debug.ts";
export { diag, diagEmbed, diagonal, tril, triu } from "./diagonals.ts";
export { divmod, floorDivide, fmax, fmin, fmod, heaviside } from "./division.ts";
export { dynamicIndex, dynamicSlice, dynamicUpdateSlice } from "./dynamic_slices.ts";
export type { DynamicIndexOptions, Starts } from "./dynamic_slices.ts";
export { exp, expm1, log, log1p, log2, logaddexp, sigmoid } from "./exponential.ts";
export {
  copysign,
  frexp,
  isneginf,
  isposinf,
  ldexp,
  modf,
  nanToNum,
  nextafter,
  signbit,
} from "./floats.ts";
export type { NanToNumOptions } from "./floats.ts";
export { addAt, index, set } from "./indexing.ts";
export {
  diagIndices,
  fromFunction,
  geomspace,
  indices,
  logspace,
  meshgrid,
  tri,
  trilIndices,
  triuIndices,
  vander,
} from "./grids.ts";
export type { LogspaceOptions, MeshgridOptions, TriangleOptions, VanderOptions } from "./grids.ts";
export { concatenate, repeat, split, stack, tile } from "./joining.ts";
export { oneHot } from "./one_hot.ts";
export { argsort, sort, topK } from "./ordering.ts";
export { pad } from "./padding.ts";
export {
  atLeast1d,
  atLeast2d,
  atLeast3d,
  broadcastArrays,
  broadcastShapes,
  fillDiagonal,
  fliplr,
  flipud,
  matrixTranspose,
  rot90,
  trace,
  unflatten,
} from "./rearranging.ts";
export type { WrapOptions } from "./rearranging.ts";
export { cbrt, exp2, floatPower, hypot, log10, logaddexp2 } from "./powers.ts";
export {
  cdist,
  cross,
  inner,
  kron,
  matvec,
  multiDot,
  pdist,
  vdot,
  vecdot,
  vecmat,
} from "./products.ts";
export type { CdistOptions } from "./products.ts";
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
export { ceil, floor, round, trunc } from "./rounding.ts";
export {
  broadcastTo,
  expandDims,
  flip,
  moveaxis,
  permute,
  ravel,
  reshape,
  roll,
  squeeze,
  swapaxes,
  transpose,
} from "./shape.ts";
export { digamma, erf, erfc, erfinv, lgamma } from "./special.ts";
export {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  cos,
  cosh,
  sin,
  sinh,
  tan,
  tanh,
} from "./trigonometric.ts";
export { canCast, finfo, iinfo, isSubdtype, resultType } from "./dtypes.ts";
export type { DtypeFamily, FloatInfo, IntegerInfo } from "./dtypes.ts";
export { avgPool, conv, convTranspose, maxPool, maxPoolIndices, maxUnpool } from "./window.ts";
export type {
  AvgPoolOptions,
  ConvOptions,
  ConvTransposeOptions,
  MaxPoolOptions,
  MaxUnpoolOptions,
  PadAmounts,
  Padding,
  PaddingMode,
  PerAxis,
} from "./window.ts";
export { diff, ediff1d, gradient, interp, trapezoid } from "./differences.ts";
export type {
  DiffOptions,
  Ediff1dOptions,
  GradientOptions,
  InterpOptions,
  TrapezoidOptions,
} from "./differences.ts";
export {
  bincount,
  digitize,
  histogram,
  histogram2d,
  histogramBinEdges,
  histogramdd,
} from "./histograms.ts";
export type {
  BincountOptions,
  BinEdgesOptions,
  BinsPerAxis,
  DigitizeOptions,
  HistogramOptions,
  HistogramsOptions,
} from "./histograms.ts";
export {
  nanargmax,
  nanargmin,
  nancumprod,
  nancumsum,
  nanmax,
  nanmean,
  nanmin,
  nanprod,
  nanstd,
  nansum,
  nanvar,
} from "./nan_reductions.ts";
export { choose, place, put, ravelMultiIndex, unravelIndex } from "./placing.ts";
export type { IndexMode, IndexModeOptions } from "./placing.ts";
export {
  median,
  nanmedian,
  nanpercentile,
  nanquantile,
  percentile,
  quantile,
} from "./quantiles.ts";
export type { QuantileMethod, QuantileOptions } from "./quantiles.ts";
export {
  argpartition,
  argwhere,
  compress,
  extract,
  flatnonzero,
  kthvalue,
  lexsort,
  nonzero,
  partition,
  searchsorted,
  sortKeyVal,
  where,
} from "./search.ts";
export type { NonzeroOptions, SearchsortedOptions, SizeOptions } from "./search.ts";
export {
  scatterMax,
  scatterMin,
  scatterMul,
  segmentMax,
  segmentMin,
  segmentProd,
  segmentSum,
} from "./segments.ts";
export type { SegmentOptions } from "./segments.ts";
export {
  intersect1d,
  isin,
  setdiff1d,
  setxor1d,
  union1d,
  unique,
  uniqueAll,
  uniqueCounts,
  uniqueInverse,
} from "./sets.ts";
export type { IsinOptions, Unique, UniqueOptions } from "./sets.ts";
export { average, corrcoef, countNonzero, cov, mode, ptp, rankdata, sem } from "./statistics.ts";
export type {
  AverageOptions,
  CorrcoefOptions,
  CovOptions,
  ModeOptions,
  RankOptions,
} from "./statistics.ts";
export { polyadd, polyder, polydiv, polyint, polymul, polysub, polyval } from "./polynomials.ts";
