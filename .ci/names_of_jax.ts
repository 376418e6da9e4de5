/** The counterparts of JAX's names here. */
import names from "../tests/fixtures/jax_names.json" with { type: "json" };
import type { Library } from "./coming_from.ts";

type Module = keyof typeof names;

/** The namespaces to search, in order. */
const places: Readonly<Record<Module, readonly string[]>> = {
  "jax": [""],
  "jnp": ["", "signal", "special"],
  "jnp.linalg": ["linalg", ""],
  "jnp.fft": ["fft"],
  "lax": ["", "linalg", "special", "fft"],
  "lax.linalg": ["linalg"],
  "nn": ["nn", ""],
  "nn.initializers": ["nn.initializers"],
  "random": ["random"],
  "scipy.special": ["special", ""],
  "scipy.linalg": ["linalg"],
  "scipy.signal": ["signal"],
  "scipy.stats": ["stats", ""],
  "scipy.ndimage": ["image", "interpolate"],
  "scipy.interpolate": ["interpolate"],
  "scipy.optimize": ["optimize", "optim"],
  "scipy.sparse.linalg": ["linalg"],
  "scipy.integrate": ["integrate", ""],
  "tree": ["tree"],
  "tree_util": ["tree"],
};

/** Names that are spelt differently here: `theirs ours`, or `theirs: code that shows the equivalent`. */
const renamed: Partial<Record<Module, string>> = {
  "jax": `
    Array: Tensor
    NamedSharding: shard(mesh, entries)
    P: shard(mesh, entries)
    ShapeDtypeStruct: TensorType
    block_until_ready: ready
    copy_to_host_async: x.read()
    custom_gradient: customVjp
    debug_infs: configure({ debugInfinities: true })
    debug_nans: configure({ debugNaNs: true })
    default_device: configure({ device })
    device_count: devices().length
    device_get: x.data()
    device_put: toDevice
    ds: dynamicSlice
    fwd_and_bwd: vjp
    jacobian: jacrev
    local_device_count: devices().length
    local_devices: devices
    make_jaxpr: makeProgram
    make_mesh: mesh
    named_call: namedScope
    pmap: shardMap
    remat: checkpoint
    reshard: withSharding
    smap: shardMap
    typeof: x.dtype, x.shape
    enable_x64: configure({ defaultFloat: "float64" })
    live_arrays: inspect.memoryUsage
    default_backend: devices()[0]
  `,
  "jnp": `
    absolute: abs
    amax: max
    amin: min
    arccos: acos
    arccosh: acosh
    arcsin: asin
    arcsinh: asinh
    arctan: atan
    arctan2: atan2
    arctanh: atanh
    around: round
    array: tensor
    array_repr: String(x)
    array_str: String(x)
    asarray: tensor
    bitwise_invert: bitwiseNot
    bitwise_left_shift: leftShift
    bitwise_right_shift: rightShift
    concat: concatenate
    conjugate: conj
    cumulative_prod: cumprod
    cumulative_sum: cumsum
    degrees: rad2deg
    diag_indices_from: diagIndices(x.shape[0], x.ndim)
    diagflat: diag(ravel(x))
    dsplit: split(x, parts, 2)
    dtype: x.dtype
    empty: zeros
    empty_like: zerosLike
    fabs: abs
    from_dlpack: fromBuffer
    fromstring: tensor(numbers)
    hsplit: split(x, parts, 1)
    identity: eye
    invert: bitwiseNot
    iscomplexobj: isSubdtype(x.dtype, "complexFloating")
    isdtype: isSubdtype
    isrealobj: isSubdtype(x.dtype, "floating")
    isscalar: x.ndim === 0
    iscomplex: notEqual(imag(x), 0)
    isreal: equal(imag(x), 0)
    issubdtype: isSubdtype
    ix_: meshgrid(i, j, { indexing: "ij", sparse: true })
    load: io.readNpy
    multiply: mul
    ndarray: Tensor
    ndim: x.ndim
    negative: neg
    permute_dims: transpose
    positive: copy
    power: pow
    promote_types: resultType
    radians: deg2rad
    remainder: mod
    rint: round
    rollaxis: moveaxis
    save: io.writeNpy
    savez: io.writeNpz
    shape: x.shape
    size: x.size
    spacing: sub(nextafter(x, Infinity), x)
    subtract: sub
    tril_indices_from: trilIndices(x.shape[0], x.shape[1])
    triu_indices_from: triuIndices(x.shape[0], x.shape[1])
    true_divide: div
    var: variance
    vsplit: split(x, parts, 0)
    bool_: "bool"
    bool: "bool"
    bfloat16: "bfloat16"
    float16: "float16"
    float32: "float32"
    float64: "float64"
    float_: "float64"
    single: "float32"
    double: "float64"
    int8: "int8"
    int16: "int16"
    int32: "int32"
    int_: "int32"
    uint8: "uint8"
    uint16: "uint16"
    uint32: "uint32"
    uint: "uint32"
    complex64: "complex64"
    complex128: "complex128"
    csingle: "complex64"
    cdouble: "complex128"
    complex_: "complex128"
    inexact: isSubdtype(dtype, "inexact")
    floating: isSubdtype(dtype, "floating")
    complexfloating: isSubdtype(dtype, "complexFloating")
    integer: isSubdtype(dtype, "integer")
    signedinteger: isSubdtype(dtype, "signedInteger")
    unsignedinteger: isSubdtype(dtype, "unsignedInteger")
    number: isSubdtype(dtype, "number")
    delete: deleteAt
    divide: div
    mask_indices: nonzero(triu(ones([n, n])))
    unique_values: unique
    sort_complex: sort
    frompyfunc: vectorize
  `,
  "lax": `
    axis_size: psum(1, axis)
    batch_matmul: matmul
    bitcast_convert_type: bitcast
    conv_general_dilated_patches: image.unfold
    broadcast: broadcastTo
    broadcast_in_dim: broadcastTo
    broadcast_like: broadcastTo(x, y.shape)
    broadcast_to_rank: expandDims
    broadcasted_iota: indices
    clamp: clip
    collapse: reshape
    composite: namedScope
    conv_general_dilated: conv
    conv_with_general_padding: conv
    convert_element_type: astype
    dot_general: einsum
    dtype: x.dtype
    dynamic_index_in_dim: dynamicIndex
    dynamic_slice_in_dim: dynamicSlice
    dynamic_update_index_in_dim: dynamicUpdateSlice
    dynamic_update_slice_in_dim: dynamicUpdateSlice
    empty: zeros
    eq: equal
    ge: greaterEqual
    gt: greater
    igamma: special.gammainc
    igammac: special.gammaincc
    index_in_dim: index
    index_take: index
    integer_pow: pow
    iota: arange
    le: lessEqual
    logistic: sigmoid
    lt: less
    ne: notEqual
    population_count: bitwiseCount
    pshuffle: ppermute
    pswapaxes: allToAll
    reduce: associativeScan
    reduce_and: all
    reduce_max: max
    reduce_min: min
    reduce_or: any
    reduce_precision: astype(astype(x, "bfloat16"), x.dtype)
    reduce_prod: prod
    reduce_sum: sum
    reduce_window: maxPool
    rem: fmod
    rev: flip
    rng_bit_generator: random.bits
    rng_uniform: random.uniform
    scatter: set
    scatter_sub: addAt(x, indices, neg(values))
    select: where
    select_n: where
    shift_left: leftShift
    shift_right_arithmetic: rightShift
    shift_right_logical: rightShift(astype(x, "uint32"), n)
    slice: index
    slice_in_dim: index
    stage: makeProgram
    switch: switchCase
    bessel_i0e: special.i0e
    bessel_i1e: special.i1e
    with_sharding_constraint: withSharding
    scatter_add: addAt
    gather: index
    clz: sub(32, frexp(astype(x, "float64"))[1])
    approx_max_k: topK
    approx_min_k: topK(x, k, axis, { largest: false })
    reduce_xor: associativeScan(bitwiseXor, x)
    scatter_apply: set(x, [i], f(index(x, i)))
  `,
  "nn": `
    dot_product_attention: nn.scaledDotProductAttention
    hard_silu: nn.hardswish
    identity: copy
    swish: nn.silu
  `,
  "nn.initializers": `
    Initializer: nn.initializers.constant
    glorot_normal: nn.initializers.xavierNormal
    glorot_uniform: nn.initializers.xavierUniform
    he_normal: nn.initializers.kaimingNormal
    he_uniform: nn.initializers.kaimingUniform
  `,
  "random": `
    PRNGKey: random.key
    clone: copy
    key_data: x.data()
    wrap_key_data: tensor(words, { dtype: "uint32" })
  `,
  "scipy.special": `
    gammaln: lgamma
    expit: sigmoid
    log_softmax: nn.logSoftmax
    softmax: nn.softmax
  `,
  "scipy.interpolate": `
    RegularGridInterpolator: interpolate.regularGrid
  `,
  "scipy.linalg": `
    solve_triangular: linalg.triangularSolve
    funm: linalg.eig
    qr_multiply: matmul(linalg.qr(x)[0], y)
  `,
  "lax.linalg": `
    lu_pivots_to_permutation: linalg.luFactor(a)[1]
    tridiagonal: linalg.hessenberg
    qdwh: linalg.polar
    symmetric_product: matmul(x, x.mT)
    ormqr: matmul(linalg.householderProduct(a, taus), x)
    lu_pivots_to_permutation: linalg.lu
  `,
  "scipy.signal": `
    fftconvolve: signal.fftConvolve
  `,
  "tree": `
    flatten_with_path: tree.paths(x), tree.leaves(x)
    leaves_with_path: tree.paths(x), tree.leaves(x)
    reduce_associative: tree.reduce
  `,
  "tree_util": `
    all_leaves: tree.leaves
    is_tree_node: tree.structure
    flatten_one_level: Object.entries
    flatten_one_level_with_keys: Object.entries
    keystr: tree.paths
    KeyPath: tree.paths
    Partial: tree.register
    PyTreeDef: tree.structure
    register_dataclass: tree.register
    register_pytree_node: tree.register
    register_pytree_node_class: tree.register
    register_pytree_with_keys: tree.register
    register_pytree_with_keys_class: tree.register
    register_static: tree.register
    tree_all: tree.all
    tree_broadcast: tree.broadcast
    tree_flatten_with_path: tree.paths(x), tree.leaves(x)
    tree_leaves_with_path: tree.paths(x), tree.leaves(x)
    tree_reduce_associative: tree.reduce
  `,
};

/** Names that are planned. */
const planned: Partial<Record<Module, string>> = {};

/** Names without a meaning here, by reason. */
const without: Partial<Record<Module, readonly (readonly [reason: string, names: string])[]>> = {
  "jax": [
    [
      "tensors are immutable: there are no references to cells",
      "Ref empty_ref free_ref freeze new_ref",
    ],
    [
      "one process has all devices: programs over several processes are not supported yet",
      `Shard host_count host_id host_ids process_count process_index process_indices
      make_array_from_callback make_array_from_process_local_data
      make_array_from_single_device_arrays remove_size_one_mesh_axis_from_type set_mesh auto_pcast`,
    ],
    ["a type, not a value: `Device`", "Device"],
    [
      "every dtype is always there, and a program says which it means",
      " numpy_dtype_promotion allow_f16_reductions default_matmul_precision",
    ],
    [
      "escaped tracers and wrong programs are always errors",
      "check_tracer_leaks checking_leaks enable_checks no_tracing no_execution",
    ],
    ["functions may capture tensors, also those under a transform", "closure_convert"],
    [
      "the garbage collector frees, and nothing is copied behind one's back",
      `array_garbage_collection_guard  transfer_guard transfer_guard_device_to_device
      transfer_guard_device_to_host transfer_guard_host_to_device thread_guard`,
    ],
    [
      "there is one generator, and a key is a value",
      `debug_key_reuse default_prng_impl enable_custom_prng legacy_prng_key threefry_partitionable`,
    ],
    [
      "a switch of JAX's own machinery",
      `clear_caches disable_jit explain_cache_misses jax2tf_associative_scan_reductions log_compiles
      make_user_context print_environment_info softmax_custom_jvp numpy_rank_promotion
       ensure_compile_time_eval`,
    ],
    ["effects are done when a call returns", "effects_barrier"],
  ],
  "jnp": [
    [
      "no dtype of its own: not what processors compute with",
      `float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz
      float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu int1 int2 int4 uint1
      uint2 uint4`,
    ],
    ["64-bit integers are no dtype: JavaScript's numbers hold 53 bits", "int64 uint64"],
    ["dtypes are strings, without classes", "character flexible generic object_"],
    [
      "prints by `console.log`, without global settings",
      "get_printoptions printoptions set_printoptions",
    ],
    ["functions broadcast by themselves; there is no class of them", " ufunc"],
    ["files are read by the host, then by `io`", "fromfile fromiter"],
    ["a trait of Python's", "ComplexWarning iterable"],
    ["`einsum` chooses its own order", "einsum_path"],
  ],
  "lax": [
    [
      "an argument or an option here, not a class",
      `AccuracyMode ConvDimensionNumbers ConvGeneralDilatedDimensionNumbers DotAlgorithm
      DotAlgorithmPreset DotDimensionNumbers FftType GatherDimensionNumbers GatherScatterMode Precision
      PrecisionLike RaggedDotDimensionNumbers RandomAlgorithm RoundingMethod ScatterDimensionNumbers
      Tolerance conv_dimension_numbers`,
    ],
    ["effects keep their order by themselves", "after_all create_token"],
    ["`checkpoint` keeps what it computes again apart by itself", "optimization_barrier"],
    [
      "shapes of results are told by `evalShape`",
      `conv_general_permutations conv_general_shape_tuple conv_shape_tuple conv_transpose_shape_tuple
      padtype_to_pads reduce_window_shape_tuple shape_as_value`,
    ],
    [
      "types do not say along which axes of a mesh values differ",
      "pbroadcast pcast",
    ],
    ["programs are the same on every device", "platform_dependent"],
    [
      "a detail of XLA's",
      `conv_general_dilated_local dce_sink mulhi precv psend ragged_all_to_all ragged_dot
      ragged_dot_general scaled_dot  `,
    ],
    [
      "the derivative of another function, which takes it by itself",
      "igamma_grad_a random_gamma_grad",
    ],
  ],
  "lax.linalg": [
    ["one algorithm each, chosen by size", "EigImplementation EighImplementation SvdAlgorithm"],
  ],
  "scipy.optimize": [["a type, not a value", "OptimizeResults"]],
  "nn": [
    [
      "products of block-scaled numbers of 4 and 8 bits",
      "scaled_dot_general scaled_matmul get_scaled_dot_general_config",
    ],
  ],
  "random": [
    ["there is one kind of key: a tensor", " key_dtype key_impl  "],
  ],
  "tree": [["leaves that are no tensors may be any values", "static"]],
  "tree_util": [
    [
      "paths are strings with dots",
      "DictKey FlattenedIndexKey GetAttrKey SequenceKey",
    ],
    [
      "structures are opaque: `tree.structure`, `tree.unflatten`",
      "treedef_children treedef_is_leaf treedef_tuple",
    ],
  ],
};

/** JAX. */
export const jax: Library<Module> = {
  name: "JAX 0.10.2",
  names,
  title: (module) => module.startsWith("jnp") || module === "jax" ? module : `jax.${module}`,
  places,
  renamed,
  planned,
  without,
};
