/**
 * Every primitive, by name.
 *
 * @module
 */
import * as analytic from "./analytic.ts";
import * as arithmetic from "./arithmetic.ts";
import * as barriers from "./barrier.ts";
import * as comparison from "./comparison.ts";
import * as complexMatrices from "./complex_matrices.ts";
import * as contraction from "./contraction.ts";
import * as dynamicSlicing from "./dynamic_slicing.ts";
import * as fourier from "./fourier.ts";
import * as indexing from "./indexing.ts";
import * as lu from "./lu.ts";
import * as moments from "./moments.ts";
import * as norms from "./norms.ts";
import * as moving from "./move.ts";
import * as ordering from "./ordering.ts";
import * as searching from "./searching.ts";
import * as orthogonal from "./orthogonal.ts";
import * as randomBits from "./random_bits.ts";
import * as randomGamma from "./random_gamma.ts";
import * as reduction from "./reduction.ts";
import * as schur from "./schur.ts";
import * as slicing from "./slicing.ts";
import * as specialAnalytic from "./special_analytic.ts";
import * as specialBessel from "./special_bessel.ts";
import * as specialGamma from "./special_gamma.ts";
import * as specialIntegrals from "./special_integrals.ts";
import * as specialNormal from "./special_normal.ts";
import * as specialSeries from "./special_series.ts";
import * as softmax from "./softmax.ts";
import * as structure from "./structure.ts";
import * as transcendental from "./transcendental.ts";
import * as triangular from "./triangular.ts";
import * as window from "./window.ts";

/** All primitives. The law table in `tests/` has one row for each name. */
export const primitives = {
  reshape: structure.reshapePrimitive,
  transpose: structure.transposePrimitive,
  broadcast: structure.broadcastPrimitive,
  reduceSum: structure.reduceSumPrimitive,
  convert: structure.convertPrimitive,
  bitcast: structure.bitcastPrimitive,
  stopGradient: structure.stopGradientPrimitive,
  iota: structure.iotaPrimitive,
  barrier: barriers.barrierPrimitive,
  move: moving.movePrimitive,
  withSharding: moving.withShardingPrimitive,

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
  binade: arithmetic.binadePrimitive,
  floor: arithmetic.floorPrimitive,
  ceil: arithmetic.ceilPrimitive,
  round: arithmetic.roundPrimitive,
  trunc: arithmetic.truncPrimitive,
  maximum: arithmetic.maximumPrimitive,
  minimum: arithmetic.minimumPrimitive,
  shiftLeft: arithmetic.shiftLeftPrimitive,
  shiftRight: arithmetic.shiftRightPrimitive,
  gcd: arithmetic.gcdPrimitive,

  slice: slicing.slicePrimitive,
  pad: slicing.padPrimitive,
  concatenate: slicing.concatenatePrimitive,
  flip: slicing.flipPrimitive,

  exp: transcendental.expPrimitive,
  expm1: transcendental.expm1Primitive,
  log: transcendental.logPrimitive,
  log1p: transcendental.log1pPrimitive,
  log2: transcendental.log2Primitive,
  log10: transcendental.log10Primitive,
  cbrt: transcendental.cbrtPrimitive,
  sin: transcendental.sinPrimitive,
  cos: transcendental.cosPrimitive,
  tan: transcendental.tanPrimitive,
  asin: transcendental.asinPrimitive,
  acos: transcendental.acosPrimitive,
  atan: transcendental.atanPrimitive,
  atan2: transcendental.atan2Primitive,
  sinh: transcendental.sinhPrimitive,
  cosh: transcendental.coshPrimitive,
  tanh: transcendental.tanhPrimitive,
  tanhSlope: transcendental.tanhSlopePrimitive,
  asinh: transcendental.asinhPrimitive,
  acosh: transcendental.acoshPrimitive,
  atanh: transcendental.atanhPrimitive,
  sigmoid: transcendental.sigmoidPrimitive,
  sigmoidBell: transcendental.sigmoidBellPrimitive,
  gaussian: transcendental.gaussianPrimitive,
  erf: transcendental.erfPrimitive,
  erfc: transcendental.erfcPrimitive,
  erfinv: transcendental.erfinvPrimitive,
  lgamma: transcendental.lgammaPrimitive,
  polygamma: transcendental.polygammaPrimitive,
  logaddexp: transcendental.logaddexpPrimitive,
  pow: transcendental.powPrimitive,

  analytic: analytic.analyticPrimitive,
  analyticPair: analytic.analyticPairPrimitive,
  hypot: analytic.hypotPrimitive,

  reduceMax: reduction.reduceMaxPrimitive,
  reduceMin: reduction.reduceMinPrimitive,
  reduceProd: reduction.reduceProdPrimitive,
  reduceNorm: norms.reduceNormPrimitive,
  allFinite: reduction.allFinitePrimitive,
  reduceMean: moments.reduceMeanPrimitive,
  reduceSquares: moments.reduceSquaresPrimitive,
  reduceRoot: moments.reduceRootPrimitive,
  reduceSpread: moments.reduceSpreadPrimitive,
  reduceCosine: moments.reduceCosinePrimitive,
  standardize: moments.standardizePrimitive,
  over: moments.overPrimitive,
  softmax: softmax.softmaxPrimitive,
  argmax: reduction.argmaxPrimitive,
  argmin: reduction.argminPrimitive,
  cumsum: reduction.cumsumPrimitive,
  cumprod: reduction.cumprodPrimitive,

  argsort: ordering.argsortPrimitive,
  insertionPlaces: searching.insertionPlacesPrimitive,
  runningExtreme: searching.runningExtremePrimitive,

  contract: contraction.contractPrimitive,

  convolve: window.convolvePrimitive,
  convolveInput: window.convolveInputPrimitive,
  convolveFilter: window.convolveFilterPrimitive,
  argmaxWindow: window.argmaxWindowPrimitive,

  checkIndices: indexing.checkIndicesPrimitive,
  gather: indexing.gatherPrimitive,
  scatterAdd: indexing.scatterAddPrimitive,
  scatterOnto: indexing.scatterOntoPrimitive,
  scatterMax: indexing.scatterMaxPrimitive,
  scatterMin: indexing.scatterMinPrimitive,
  scatterSet: indexing.scatterSetPrimitive,
  lastOf: indexing.lastOfPrimitive,
  dynamicSlice: dynamicSlicing.dynamicSlicePrimitive,
  updateSlice: dynamicSlicing.updateSlicePrimitive,
  addSlice: dynamicSlicing.addSlicePrimitive,

  threefry2x32: randomBits.threefry2x32Primitive,

  triangularSolve: triangular.triangularSolvePrimitive,
  cholesky: triangular.choleskyPrimitive,
  lu: lu.luPrimitive,
  luSolve: lu.luSolvePrimitive,
  qr: orthogonal.qrPrimitive,
  complement: orthogonal.complementPrimitive,
  eigh: orthogonal.eighPrimitive,
  svd: orthogonal.svdPrimitive,
  pseudoInverse: orthogonal.pseudoInversePrimitive,
  complexLu: complexMatrices.complexLuPrimitive,
  complexComplement: complexMatrices.complexComplementPrimitive,
  complexEigh: complexMatrices.complexEighPrimitive,
  complexSvd: complexMatrices.complexSvdPrimitive,
  eig: complexMatrices.eigPrimitive,
  schur: schur.schurPrimitive,
  complexSchur: schur.complexSchurPrimitive,

  fourier: fourier.fourierPrimitive,
  fourierOfReal: fourier.fourierOfRealPrimitive,
  realOfFourier: fourier.realOfFourierPrimitive,

  randomGamma: randomGamma.randomGammaPrimitive,
  randomGammaSlope: randomGamma.randomGammaSlopePrimitive,

  gamma: specialGamma.gammaPrimitive,
  beta: specialGamma.betaPrimitive,
  logBeta: specialGamma.logBetaPrimitive,
  pochhammer: specialGamma.pochhammerPrimitive,
  polygammaStep: specialGamma.polygammaStepPrimitive,
  incompleteGamma: specialGamma.incompleteGammaPrimitive,
  gammaDensity: specialGamma.gammaDensityPrimitive,
  incompleteBeta: specialGamma.incompleteBetaPrimitive,
  incompleteBetaSlope: specialGamma.incompleteBetaSlopePrimitive,
  betaDensity: specialGamma.betaDensityPrimitive,
  besselSeries: specialBessel.besselSeriesPrimitive,
  besselScaled: specialBessel.besselScaledPrimitive,
  besselJ: specialBessel.besselJPrimitive,
  expi: specialIntegrals.expiPrimitive,
  expn: specialIntegrals.expnPrimitive,
  sineIntegral: specialIntegrals.sineIntegralPrimitive,
  cosineIntegral: specialIntegrals.cosineIntegralPrimitive,
  fresnel: specialIntegrals.fresnelPrimitive,
  fresnelSlope: specialIntegrals.fresnelSlopePrimitive,
  spence: specialIntegrals.spencePrimitive,
  scaledTail: specialNormal.scaledTailPrimitive,
  dawson: specialNormal.dawsonPrimitive,
  normalQuantile: specialNormal.normalQuantilePrimitive,
  owensT: specialNormal.owensTPrimitive,
  zeta: specialSeries.zetaPrimitive,
  hyp1f1: specialSeries.hyp1f1Primitive,
  hyp2f1: specialSeries.hyp2f1Primitive,
  sphericalLegendre: specialSeries.sphericalLegendrePrimitive,
  faddeeva: specialAnalytic.faddeevaPrimitive,
  complexLogGamma: specialAnalytic.complexLogGammaPrimitive,
} as const;

/** The name of a primitive. */
export type PrimitiveName = keyof typeof primitives;
