import * as jacobi from "../mod.ts";
import { assertEquals } from "./support/std.ts";

// The names that users may rely on: none may disappear.

const flat = `
  grad valueAndGrad vjp jvp linearize linearTranspose jacfwd jacrev hessian hvp vmap jit noGrad
  stopGradient checkpoint customVjp customJvp makeProgram evalShape cond switchCase whileLoop foriLoop
  scan map associativeScan psum pmean pmax pmin allGather axisIndex ppermute allToAll psumScatter mesh shard shardMap configure devices toDevice withSharding mesh shard ready debugPrint
  debugCallback
  finfo iinfo resultType canCast isSubdtype
  tensor zeros ones full arange linspace eye zerosLike onesLike fullLike copy fromBuffer bitcast
  add sub mul div pow mod neg abs sign square sqrt rsqrt reciprocal exp expm1 log log1p log2 sin cos tan
  asin acos atan atan2 sinh cosh tanh asinh acosh atanh sigmoid erf erfc erfinv lgamma digamma floor ceil
  round trunc maximum minimum clip where logaddexp isnan isinf isfinite equal notEqual less lessEqual
  greater greaterEqual logicalAnd logicalOr logicalNot logicalXor
  sum mean prod max min argmax argmin any all variance std logsumexp norm cumsum cumprod
  reshape transpose swapaxes moveaxis squeeze expandDims broadcastTo concatenate stack split flip roll pad
  tile repeat tril triu diag diagonal oneHot index set addAt slice take takeAlongAxis gather scatterAdd sort argsort topK
  dynamicSlice dynamicUpdateSlice dynamicIndex
  average ptp countNonzero sem cov corrcoef rankdata mode
  nansum nanprod nanmean nanvar nanstd nanmax nanmin nanargmax nanargmin nancumsum nancumprod nanmedian
  nanquantile nanpercentile median quantile percentile cummax cummin cumlogsumexp
  diff ediff1d gradient trapezoid interp
  histogram histogram2d histogramdd histogramBinEdges bincount digitize
  searchsorted nonzero argwhere flatnonzero compress extract lexsort partition argpartition sortKeyVal kthvalue
  unique uniqueAll uniqueCounts uniqueInverse isin intersect1d union1d setdiff1d setxor1d
  segmentSum segmentMax segmentMin segmentProd scatterSet scatterMax scatterMin scatterMul putAlongAxis
  unravelIndex ravelMultiIndex choose put place
  polyval polyadd polysub polymul polydiv polyder polyint poly polyfit roots gaussianKde
  cbrt exp2 log10 logaddexp2 hypot floatPower copysign nextafter ldexp frexp modf fmod floorDivide divmod
  fmax fmin heaviside sinc signbit nanToNum deg2rad rad2deg isposinf isneginf unwrap lerp addcmul addcdiv
  bitwiseAnd bitwiseOr bitwiseXor bitwiseNot leftShift rightShift bitwiseCount gcd lcm allclose isclose
  arrayEqual arrayEquiv packbits unpackbits meshgrid indices fromFunction logspace geomspace tri trilIndices triuIndices
  diagIndices diagEmbed vander vstack hstack dstack columnStack block append arraySplit unstack deleteAt insert
  resize trimZeros rot90 fliplr flipud atLeast1d atLeast2d atLeast3d unflatten matrixTranspose ravel permute
  broadcastArrays broadcastShapes trace fillDiagonal inner vdot vecdot matvec vecmat kron cross multiDot cdist select piecewise
  vectorize applyAlongAxis applyOverAxes pureCallback customVmap namedScope
  matmul dot outer tensordot einsum conv convTranspose maxPool avgPool`;

const namespaces: Readonly<Record<string, string>> = {
  linalg:
    `norm cholesky triangularSolve solve inv det slogdet qr svd eigh lstsq matrixPower customRoot
    customLinearSolve pinv matrixRank svdvals eigvalsh matrixNorm vectorNorm cond tensorinv tensorsolve
    lu luFactor luSolve choFactor choSolve choleskyUpdate polar householderProduct blockDiag toeplitz
    hankel circulant companion leslie fiedler fiedlerCompanion convolutionMatrix hadamard hilbert
    invhilbert pascal invpascal helmert dft expm expmFrechet logm sqrtm schur hessenberg rsf2csf
    cg bicgstab gmres solveSylvester tridiagonalSolve eighTridiagonal eigvalshTridiagonal`,
  fft:
    `fft ifft rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn hfft ihfft dct idct fftfreq
    rfftfreq fftshift ifftshift`,
  signal:
    `convolve fftConvolve correlate convolve2d correlate2d detrend stft istft welch csd periodogram bartlett
    blackman hamming hanning kaiser`,
  special:
    `gamma lgamma loggamma gammasgn digamma polygamma zeta factorial comb poch beta betaln multigammaln
    gammainc gammaincc betainc i0 i0e i1 i1e besselJn erf erfc erfinv erfcx wofz dawsn ndtr logNdtr ndtri owensT
    expi exp1 expn sici fresnel spence xlogy xlog1py entr relEntr klDiv logit boxcox boxcox1p logsumexp
    hyp1f1 hyp2f1 sphHarmY bernoulli`,
  image: `resize scaleAndTranslate interpolate mapCoordinates gridSample affineGrid pixelShuffle
    pixelUnshuffle unfold fold channelShuffle`,
  integrate: "odeint",
  interpolate: "regularGrid cubicSpline",
  optimize: "minimize",
  nn: `linear conv2d batchNorm layerNorm groupNorm dropout embedding maxPool2d avgPool2d
    adaptiveAvgPool2d flatten sequential residual module init stack summary conv1d conv3d convTranspose1d
    convTranspose2d convTranspose3d maxPool1d maxPool3d avgPool1d avgPool3d lpPool1d lpPool2d lpPool3d
    adaptiveAvgPool1d adaptiveAvgPool3d adaptiveMaxPool1d adaptiveMaxPool2d adaptiveMaxPool3d dropout1d
    dropout2d dropout3d alphaDropout rmsNorm instanceNorm localResponseNorm spectralNorm weightNorm lora
    prelu rrelu featureAlphaDropout fractionalMaxPool2d fractionalMaxPool3d channelShuffle
    tripletMarginWithDistanceLoss rnnCell gruCell lstmCell adaptiveLogSoftmax bilinear embeddingBag zeroPad upsample pixelShuffle pixelUnshuffle transformerEncoderLayer transformerDecoderLayer
    relu6 hardsigmoid hardswish softshrink hardshrink threshold sparsePlus
    sparseSigmoid celu selu logsigmoid softsign tanhshrink squareplus log1mexp glu softmin sparsemax
    gumbelSoftmax standardize normalize pairwiseDistance logmeanexp smoothL1Loss poissonNllLoss
    gaussianNllLoss hingeEmbeddingLoss hingeLoss softMarginLoss marginRankingLoss multiMarginLoss
    multiLabelMarginLoss multiLabelSoftMarginLoss cosineEmbeddingLoss tripletMarginLoss contrastiveLoss
    binaryCrossEntropy focalLoss ctcLoss rotaryEmbedding alibiBias groupedQueryAttention multiHeadAttention rnn lstm gru relu leakyRelu elu gelu
    silu softplus softmax logSoftmax sigmoid tanh hardtanh mish mseLoss l1Loss huberLoss crossEntropy
    nllLoss binaryCrossEntropyWithLogits klDiv cosineSimilarity initializers toStateDict fromStateDict`,
  optim:
    `applyUpdates adafactor novograd addNoise noisySgd reduceOnPlateau injectHyperparams sam sophia scheduleFree scheduleFreeParams lbfgs scaleByLbfgs lineSearch yogi adan signSgd polyakSgd sgd adam adamw rmsprop adagrad adamax nadam radam adadelta rprop lion adabelief lamb lars muon scaleByTrustRatio zeroNans centralize setToZero ema multiSteps applyIfFinite multiTransform lookahead chain clipByGlobalNorm clipByValue
    addDecayedWeights masked lossScale constant step cosine warmupCosine exponential piecewise linear oneCycle warmRestarts join polynomial`,
  tree:
    `partition merge map leaves paths flatten unflatten reduce register toTransfer fromTransfer transpose
    broadcast all ravel sum norm zerosLike dot axpy`,
  random: `key split foldIn bits uniform normal truncatedNormal bernoulli randint categorical gumbel
    exponential gamma logGamma beta dirichlet laplace cauchy permutation choice chisquare f logistic lognormal
    pareto rayleigh t triangular wald weibullMin ball doubleSidedMaxwell generalizedNormal maxwell
    multivariateNormal orthogonal rademacher binomial geometric multinomial poisson`,
  io: `readSafetensors writeSafetensors readTorch readNpy writeNpy readNpz writeNpz readIdx saveTree
    loadTree`,
  metrics:
    `accuracy topKAccuracy confusionMatrix precision recall f1 perplexity rocAuc averagePrecision
    meanSquaredError meanAbsoluteError r2 mean meanOf confusion`,
  models: "resnet18 resnet34 resnet50 mlp",
  testing: "checkGrads assertTensorsClose",
  inspect:
    `describe dependence toText toDot toSvg findNaN countOperations countFlops kernels passes memoryUsage
    engine toStableHlo showSharding image`,
};

const wordsOf = (text: string): string[] => text.trim().split(/\s+/);

Deno.test("every name of the contract is exported", () => {
  const exported: Record<string, unknown> = { ...jacobi };
  assertEquals(wordsOf(flat).filter((name) => typeof exported[name] !== "function"), []);
  for (const [namespace, names] of Object.entries(namespaces)) {
    const members = exported[namespace] as Record<string, unknown>;
    assertEquals(wordsOf(names).filter((name) => members[name] === undefined), [], namespace);
  }
});

Deno.test("functions of tensors are methods too", () => {
  const methods =
    `add sub mul div pow mod neg abs sign square sqrt rsqrt reciprocal exp expm1 log log1p
    log2 sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sigmoid erf erfc erfinv lgamma
    digamma floor ceil round trunc maximum minimum clip where logaddexp isnan isinf isfinite equal notEqual
    less lessEqual greater greaterEqual logicalAnd logicalOr logicalNot logicalXor sum mean prod max min
    argmax argmin any all variance std logsumexp norm cumsum cumprod reshape ravel transpose permute swapaxes moveaxis
    squeeze expandDims broadcastTo split flip roll pad tile repeat tril triu diag diagonal copy oneHot at set addAt take
    takeAlongAxis gather scatterAdd dynamicSlice dynamicUpdateSlice sort argsort topK matmul dot outer astype item toArray data`;
  const x = jacobi.tensor([1, 2]) as unknown as Record<string, unknown>;
  assertEquals(wordsOf(methods).filter((name) => typeof x[name] !== "function"), []);
});
