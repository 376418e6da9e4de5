/** The counterparts of PyTorch's names here. */
import names from "../tests/fixtures/torch_names.json" with { type: "json" };
import type { Library } from "./coming_from.ts";

type Module = keyof typeof names;

/** PyTorch. */
export const torch: Library<Module> = {
  name: "PyTorch 2.13",
  names,
  places: {
    "torch": ["", "linalg", "special", "nn", "random"],
    "torch.nn.functional": ["nn", "image", ""],
    "torch.nn": ["nn"],
    "torch.nn.init": ["nn.initializers"],
    "torch.linalg": ["linalg", ""],
    "torch.fft": ["fft"],
    "torch.special": ["special", "", "nn"],
    "torch.optim": ["optim"],
    "torch.optim.lr_scheduler": ["optim"],
  },
  renamed: {
    "torch": `
      channel_shuffle: image.channelShuffle
      native_channel_shuffle: image.channelShuffle
      absolute: abs
      addbmm: add(x, sum(matmul(a, b), 0))
      addmm: add(x, matmul(a, b))
      addmv: add(x, matmul(a, b))
      addr: add(x, outer(a, b))
      adjoint: conj(x.mT)
      amax: max
      amin: min
      aminmax: min(x), max(x)
      arccos: acos
      arccosh: acosh
      arcsin: asin
      arcsinh: asinh
      arctan: atan
      arctan2: atan2
      arctanh: atanh
      as_tensor: tensor
      asarray: tensor
      avg_pool1d: avgPool
      baddbmm: add(x, matmul(a, b))
      bartlett_window: signal.bartlett
      bernoulli: random.bernoulli
      bitwise_left_shift: leftShift
      bitwise_right_shift: rightShift
      blackman_window: signal.blackman
      bmm: matmul
      broadcast_tensors: broadcastArrays
      bucketize: searchsorted(edges, x)
      cartesian_prod: reshape(stack(meshgrid([a, b], { indexing: "ij" }), -1), [-1, 2])
      cat: concatenate
      chain_matmul: multiDot
      cholesky_inverse: linalg.choSolve([l, true], eye(n))
      cholesky_solve: linalg.choSolve
      chunk: arraySplit
      clamp: clip
      clone: copy
      combinations: triuIndices(n, n, 1)
      compile: jit
      concat: concatenate
      conj_physical: conj
      conv1d: conv
      conv2d: conv
      conv3d: conv
      conv_tbc: conv(transpose(x, [1, 2, 0]), w)
      conv_transpose1d: convTranspose
      conv_transpose2d: convTranspose
      conv_transpose3d: convTranspose
      diagflat: diag(ravel(x))
      dist: norm(sub(x, y))
      divide: div
      dsplit: split(x, parts, 2)
      empty: zeros
      empty_like: zerosLike
      eq: equal
      equal: arrayEqual
      fix: trunc
      flatten: ravel(x), x.reshape([x.shape[0], -1])
      frac: sub(x, trunc(x))
      from_numpy: io.readNpy
      frombuffer: fromBuffer
      ge: greaterEqual
      ger: outer
      get_default_device: devices()[0]
      gt: greater
      hamming_window: signal.hamming
      hann_window: signal.hanning
      histc: histogram
      hsplit: split(x, parts, 1)
      igamma: special.gammainc
      igammac: special.gammaincc
      index_add: addAt
      index_copy: set
      index_reduce: scatterMax
      index_select: take
      inverse: linalg.inv
      is_complex: isSubdtype(x.dtype, "complexFloating")
      is_floating_point: isSubdtype(x.dtype, "floating")
      is_nonzero: x.item() !== 0
      is_tensor: Tensor
      isreal: equal(imag(x), 0)
      kaiser_window: signal.kaiser
      le: lessEqual
      load: io.readTorch
      logcumsumexp: cumlogsumexp
      logdet: linalg.slogdet(x)[1]
      lt: less
      lu: linalg.luFactor
      lu_unpack: linalg.lu
      manual_seed: random.key
      masked_select: compress
      matrix_exp: linalg.expm
      max: max(x, axis), argmax(x, axis)
      median: quantile(x, 0.5, axis, { method: "lower" })
      meshgrid: meshgrid([a, b], { indexing: "ij" })
      min: min(x, axis), argmin(x, axis)
      mm: matmul
      movedim: moveaxis
      msort: sort(x, 0)
      multinomial: random.choice(key, n, { shape: [count], replace: false, p })
      mv: matvec
      mvlgamma: special.multigammaln
      narrow: x.at([start, stop])
      narrow_copy: x.at([start, stop])
      nanmedian: nanquantile(x, 0.5, axis, { method: "lower" })
      ne: notEqual
      negative: neg
      nonzero: argwhere
      nonzero_static: nonzero(x, { size })
      numel: x.size
      orgqr: linalg.householderProduct
      ormqr: matmul(linalg.householderProduct(a, taus), x)
      pinverse: linalg.pinv
      positive: copy
      prelu: nn.prelu
      promote_types: resultType
      rand: random.uniform
      rand_like: random.uniform
      randint_like: random.randint
      randn: random.normal
      randn_like: random.normal
      randperm: random.permutation
      range: arange
      remainder: mod
      renorm: mul(x, minimum(1, div(limit, norm(x, axes, { keepdims: true }))))
      repeat_interleave: repeat
      row_stack: vstack
      save: io.saveTree
      scatter: putAlongAxis
      scatter_reduce: scatterMax
      segment_reduce: segmentSum
      select: x.at(null, i)
      select_scatter: set
      set_default_device: configure({ device })
      set_default_dtype: configure({ defaultFloat: "float64" })
      sgn: sign
      slice_scatter: set
      diagonal_scatter: fillDiagonal
      sort: sort(x), argsort(x)
      split: split(x, positions, axis)
      std: std(x, axis, { correction: 1 })
      std_mean: std(x, axis, { correction: 1 }), mean(x, axis)
      istft: signal.istft
      stft: signal.stft
      subtract: sub
      swapdims: swapaxes
      t: x.T
      take: take(ravel(x), i)
      take_along_dim: takeAlongAxis
      tensor: tensor
      tensor_split: arraySplit
      transpose: swapaxes
      trapz: trapezoid
      triangular_solve: linalg.triangularSolve
      true_divide: div
      typename: x.dtype
      unbind: unstack
      unique_consecutive: x.at(notEqual(diff(x, { prepend: NaN }), 0))
      unsafe_chunk: arraySplit
      unsafe_split: split(x, positions, axis)
      unsqueeze: expandDims
      var: variance(x, axis, { correction: 1 })
      var_mean: variance(x, axis, { correction: 1 }), mean(x, axis)
      view_as_complex: complex(x.at("...", 0), x.at("...", 1))
      view_as_real: stack([real(x), imag(x)], -1)
      vsplit: split(x, parts, 0)
      lobpcg: linalg.eigh
      pca_lowrank: linalg.svd
      svd_lowrank: linalg.svd
    `,
    "torch.nn.functional": `
      channel_shuffle: image.channelShuffle
      native_channel_shuffle: image.channelShuffle
      max_pool1d_with_indices: maxPool(x, window), maxPoolIndices(x, window)
      max_pool2d_with_indices: maxPool(x, window), maxPoolIndices(x, window)
      max_pool3d_with_indices: maxPool(x, window), maxPoolIndices(x, window)
      max_unpool1d: maxUnpool
      max_unpool2d: maxUnpool
      max_unpool3d: maxUnpool
      conv1d: conv
      conv2d: conv
      conv3d: conv
      conv_tbc: conv(transpose(x, [1, 2, 0]), w)
      conv_transpose1d: convTranspose
      conv_transpose2d: convTranspose
      conv_transpose3d: convTranspose
      avg_pool1d: avgPool
      avg_pool2d: avgPool
      avg_pool3d: avgPool
      max_pool1d: maxPool
      max_pool2d: maxPool
      max_pool3d: maxPool
      embedding: take(weight, x, 0)
      linear: add(matmul(x, weight.T), bias)
      multi_head_attention_forward: nn.multiHeadAttention
      upsample: image.interpolate
      upsample_bilinear: image.interpolate(x, { size, mode: "bilinear", alignCorners: true })
      upsample_nearest: image.interpolate
    `,
    "torch.nn": `
      AdaptiveLogSoftmaxWithLoss: nn.adaptiveLogSoftmax
      MaxUnpool1d: maxUnpool
      MaxUnpool2d: maxUnpool
      MaxUnpool3d: maxUnpool
      BCELoss: nn.binaryCrossEntropy
      BCEWithLogitsLoss: nn.binaryCrossEntropyWithLogits
      BatchNorm1d: nn.batchNorm
      BatchNorm2d: nn.batchNorm
      BatchNorm3d: nn.batchNorm
      CircularPad1d: pad(x, widths, { mode: "wrap" })
      CircularPad2d: pad(x, widths, { mode: "wrap" })
      CircularPad3d: pad(x, widths, { mode: "wrap" })
      ConstantPad1d: pad(x, widths, { value })
      ConstantPad2d: pad(x, widths, { value })
      ConstantPad3d: pad(x, widths, { value })
      CrossEntropyLoss: nn.crossEntropy
      CrossMapLRN2d: nn.localResponseNorm
      DataParallel: withSharding
      Fold: image.fold
      Identity: copy
      InstanceNorm1d: nn.instanceNorm
      InstanceNorm2d: nn.instanceNorm
      InstanceNorm3d: nn.instanceNorm
      KLDivLoss: nn.klDiv
      Module: nn.module
      ModuleDict: nn.module
      ModuleList: nn.module
      NLLLoss2d: nn.nllLoss
      ReflectionPad1d: pad(x, widths, { mode: "reflect" })
      ReflectionPad2d: pad(x, widths, { mode: "reflect" })
      ReflectionPad3d: pad(x, widths, { mode: "reflect" })
      ReplicationPad1d: pad(x, widths, { mode: "edge" })
      ReplicationPad2d: pad(x, widths, { mode: "edge" })
      ReplicationPad3d: pad(x, widths, { mode: "edge" })
      Softmax2d: nn.softmax(x, 1)
      SyncBatchNorm: nn.batchNorm
      Transformer: nn.module
      TransformerDecoder: nn.stack(nn.transformerDecoderLayer(size, heads), n)
      TransformerEncoder: nn.stack(nn.transformerEncoderLayer(size, heads), n)
      Unflatten: unflatten
      Unfold: image.unfold
      UpsamplingBilinear2d: nn.upsample({ scaleFactor, mode: "bilinear", alignCorners: true })
      UpsamplingNearest2d: nn.upsample
      ZeroPad1d: nn.zeroPad
      ZeroPad2d: nn.zeroPad
      ZeroPad3d: nn.zeroPad
    `,
    "torch.nn.init": `
      calculate_gain: nn.initializers.gainOf
      eye: eye
      trunc_normal: nn.initializers.truncatedNormal
    `,
    "torch.linalg": `
      ldl_factor: linalg.luFactor
      ldl_solve: linalg.luSolve
      lu_factor_ex: linalg.luFactor
      cholesky_ex: linalg.cholesky
      inv_ex: linalg.inv
      solve_ex: linalg.solve
      ldl_factor_ex: linalg.luFactor
      matrix_exp: linalg.expm
      solve_triangular: linalg.triangularSolve
    `,
    "torch.special": `
      bessel_j0: special.besselJn
      bessel_j1: special.besselJn
      expit: sigmoid
      gammaln: lgamma
      modified_bessel_i0: special.i0
      modified_bessel_i1: special.i1
      psi: digamma
      spherical_bessel_j0: sinc(div(x, Math.PI))
    `,
    "torch.optim.lr_scheduler": `
      ConstantLR: optim.piecewise(factor * rate, { milestones: [n], gamma: 1 / factor })
      CosineAnnealingLR: optim.cosine
      CosineAnnealingWarmRestarts: optim.warmRestarts
      ExponentialLR: optim.exponential
      LinearLR: optim.linear
      MultiStepLR: optim.piecewise
      OneCycleLR: optim.oneCycle
      PolynomialLR: optim.polynomial
      ReduceLROnPlateau: optim.reduceOnPlateau
      SequentialLR: optim.join
      StepLR: optim.step
    `,
  },
  planned: {
    "torch.optim": "ASGD",
    "torch.optim.lr_scheduler": "CyclicLR",
    "torch": "cumulative_trapezoid",
    "torch.nn.functional": `adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices
      adaptive_max_pool3d_with_indices fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices`,
    "torch.fft": "hfft2 hfftn ihfft2 ihfftn",
    "torch.special": `airy_ai bessel_y0 bessel_y1 chebyshev_polynomial_t chebyshev_polynomial_u
      chebyshev_polynomial_v chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he
      laguerre_polynomial_l legendre_polynomial_p modified_bessel_k0 modified_bessel_k1
      scaled_modified_bessel_k0 scaled_modified_bessel_k1 shifted_chebyshev_polynomial_t
      shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w`,
  },
  without: {
    "torch.optim": [
      ["a type, not a value: `Optimizer`", "Optimizer"],
      ["no sparse tensors", "SparseAdam"],
    ],
    "torch.optim.lr_scheduler": [
      [
        "any function of the count is a schedule, also a product of two",
        "ChainedScheduler LambdaLR LRScheduler MultiplicativeLR",
      ],
    ],
    "torch": [
      [
        "tensors are values, without strides or views",
        "as_strided as_strided_scatter empty_permuted empty_strided",
      ],
      [
        "tensors are values: there is nothing to resolve",
        "is_conj is_inference is_storage resolve_conj resolve_neg expand_copy",
      ],
      [
        "no quantized integers with a scale",
        `dequantize fake_quantize_per_channel_affine fake_quantize_per_tensor_affine quantize_per_channel
        quantize_per_tensor quantize_per_tensor_dynamic quantized_batch_norm quantized_max_pool1d
        quantized_max_pool2d`,
      ],
      [
        "no sparse tensors",
        `hspmm smm sparse_bsc_tensor sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor
        sparse_csc_tensor sparse_csr_tensor sspaddmm`,
      ],
      ["random numbers come from explicit keys", "get_rng_state set_rng_state"],
      [
        "the same program gives the same bits, always",
        "set_deterministic_debug_mode use_deterministic_algorithms",
      ],
      [
        "a switch of PyTorch's own machinery",
        `set_default_tensor_type set_float32_matmul_precision set_flush_denormal set_printoptions
        set_warn_always sym_float sym_int sym_not`,
      ],
      ["arrays of other libraries come as typed arrays: `fromBuffer`", "from_dlpack to_dlpack"],
      ["files are read by the host, then by `io`", "from_file"],
      ["a detail of LAPACK's: `linalg.qr`", "geqrf"],
      ["elements are compared by `arrayEqual`", "hash_tensor"],
    ],
    "torch.nn.functional": [
      ["products of block-scaled numbers of 4 and 8 bits", "scaled_grouped_mm scaled_mm "],
      ["experimental: `matmul` and `nn.crossEntropy`", "grouped_mm linear_cross_entropy"],
    ],
    "torch.nn": [
      [
        "parameters are leaves of trees",
        "Buffer Parameter ParameterDict ParameterList UninitializedBuffer UninitializedParameter",
      ],
      ["a base class: layers are plain objects", "Container RNNBase RNNCellBase"],
      [
        "sizes are said where a layer is made",
        `LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d
        LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d
        LazyLinear`,
      ],
      [
        "experimental: `matmul` and `nn.crossEntropy`",
        "LinearCrossEntropyLoss LinearCrossEntropyOptions",
      ],
    ],
  },
};
