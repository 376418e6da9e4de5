/**
 * Initial values of parameters: functions of a random key, a shape and a dtype.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { defaultFloat, describeValue, wideDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import { checkShape, showShape, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  add,
  argsort,
  astype,
  eye,
  full,
  less,
  mul,
  pad,
  reshape,
  tile,
  transpose,
  where,
} from "../functions/mod.ts";
import { qr } from "../linalg/decompositions.ts";
import {
  normal as drawNormal,
  split,
  truncatedNormal as drawTruncatedNormal,
  uniform as drawUniform,
} from "../random/mod.ts";

/**
 * Makes the initial value of a parameter of `shape`.
 *
 * @category Initializers
 */
export type Initializer = (key: Tensor, shape: Shape, dtype?: Dtype) => Tensor;

/**
 * Options of the initialisers that scale with the fan of a layer.
 *
 * @category Initializers
 */
export interface FanOptions {
  /** Which count of connections to keep the variance for. Default `"in"`. */
  readonly mode?: "in" | "out";
  /** The factor that makes up for the activation: 1 for linear, sqrt(2) for relu. */
  readonly gain?: number;
}

/**
 * The number of inputs and outputs that each element of a weight connects: PyTorch's fan-in and
 * fan-out for `[out, in, ...window]`.
 *
 * @category Initializers
 * @param shape The weight's shape, of at least two axes.
 * @returns `[fanIn, fanOut]`.
 * @throws {ArgumentError} for fewer than two axes.
 *
 * @example A convolution's fans
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 *
 * const [fanIn, fanOut] = nn.initializers.fans([64, 3, 7, 7]);
 * if (fanIn !== 147 || fanOut !== 3136) throw new Error(`${fanIn}, ${fanOut}`);
 * ```
 */
export function fans(shape: Shape): [fanIn: number, fanOut: number] {
  checkShape(shape, "Cannot compute fans");
  if (shape.length < 2) {
    throw argumentError(
      `Cannot compute fans of shape ${showShape(shape)}: expected [out, in, ...window]`,
    );
  }
  const window = sizeOf(shape.slice(2));
  return [shape[1] * window, shape[0] * window];
}

/** `value`, an argument called `name` of an initialiser, checked to be a finite number. */
function checkFinite(value: unknown, name: string, initializer: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw argumentError(
    `Cannot make the initializer ${initializer} with ${name} ${describeValue(value)}: ` +
      `expected a finite number`,
  );
}

/**
 * The same value everywhere.
 *
 * @category Initializers
 * @param value The value.
 * @returns An initialiser that ignores its key.
 *
 * @example Ones
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.initializers.constant(1)(random.key(0), [2]), [1, 1]);
 * ```
 */
export function constant(value: number): Initializer {
  if (typeof value !== "number") checkFinite(value, "value", "constant");
  return (_key, shape, dtype = defaultFloat()) => full(shape, value, { dtype });
}

/**
 * Zero everywhere.
 *
 * @category Initializers
 * @example Zeros
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.initializers.zeros(random.key(0), [2]), [0, 0]);
 * ```
 */
export const zeros: Initializer = constant(0);

/**
 * One everywhere.
 *
 * @category Initializers
 * @example Ones
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.initializers.ones(random.key(0), [2]), [1, 1]);
 * ```
 */
export const ones: Initializer = constant(1);

/**
 * Uniform between two bounds.
 *
 * @category Initializers
 * @param low The smallest value.
 * @param high The bound that is not reached.
 * @returns An initialiser.
 *
 * @example Values in [-1, 1)
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.uniform(-1, 1)(random.key(0), [100]);
 * if (!(Number(w.abs().max()) <= 1)) throw new Error(String(w));
 * ```
 */
export function uniform(low: number, high: number): Initializer {
  checkFinite(low, "low", "uniform");
  checkFinite(high, "high", "uniform");
  // Half floats are rounded once, at the end.
  return (key, shape, dtype = defaultFloat()) =>
    astype(drawUniform(key, shape, { minval: low, maxval: high, dtype: wideDtype(dtype) }), dtype);
}

/**
 * Normally distributed.
 *
 * @category Initializers
 * @param deviation The standard deviation.
 * @param mean The mean. Default 0.
 * @returns An initialiser.
 *
 * @example A narrow normal distribution
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.normal(0.02)(random.key(0), [1000]);
 * if (Math.abs(Number(w.std()) - 0.02) > 0.002) throw new Error(String(w.std()));
 * ```
 */
export function normal(deviation: number, mean?: number): Initializer {
  if (mean === undefined) mean = 0;
  checkFinite(deviation, "deviation", "normal");
  checkFinite(mean, "mean", "normal");
  return (key, shape, dtype = defaultFloat()) =>
    astype(add(mul(drawNormal(key, shape, { dtype: wideDtype(dtype) }), deviation), mean), dtype);
}

/** The options of an initialiser called `name`, checked. */
function readFanOptions(options: FanOptions | undefined, name: string): Required<FanOptions> {
  const what = `Cannot make the initializer ${name}`;
  const { mode = "in", gain = Math.SQRT2 } = readOptions(what, options, ["mode", "gain"]);
  if (mode !== "in" && mode !== "out") {
    throw argumentError(`${what} with mode ${describeValue(mode)}: expected "in" or "out"`);
  }
  return { mode, gain: checkFinite(gain, "gain", name) };
}

/** The fan that `mode` names; 1 in place of 0, where there are no elements. */
function fanOf(shape: Shape, mode: "in" | "out"): number {
  const [fanIn, fanOut] = fans(shape);
  return Math.max(mode === "in" ? fanIn : fanOut, 1);
}

/**
 * He et al., "Delving deep into rectifiers" (2015): uniform with variance gain² / fan.
 *
 * @category Initializers
 * @param options The fan to count and the gain, sqrt(2) by default.
 * @returns An initialiser for weights `[out, in, ...window]`.
 *
 * @example PyTorch's default for linear and convolution layers has gain sqrt(1/3)
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.kaimingUniform({ gain: Math.sqrt(1 / 3) })(random.key(0), [10, 25]);
 * if (!(Number(w.abs().max()) <= 1 / 5)) throw new Error(String(w));
 * ```
 */
export function kaimingUniform(options?: FanOptions): Initializer {
  const { mode, gain } = readFanOptions(options, "kaimingUniform");
  return (key, shape, dtype) => {
    const bound = gain * Math.sqrt(3 / fanOf(shape, mode));
    return uniform(-bound, bound)(key, shape, dtype);
  };
}

/**
 * He et al., "Delving deep into rectifiers" (2015): normal with variance gain² / fan.
 *
 * @category Initializers
 * @param options The fan to count and the gain, sqrt(2) by default.
 * @returns An initialiser for weights `[out, in, ...window]`.
 *
 * @example The initialisation of a ResNet's convolutions
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.kaimingNormal({ mode: "out" })(random.key(0), [8, 8, 3, 3]);
 * if (Math.abs(Number(w.std()) - Math.sqrt(2 / 72)) > 0.02) throw new Error(String(w.std()));
 * ```
 */
export function kaimingNormal(options?: FanOptions): Initializer {
  const { mode, gain } = readFanOptions(options, "kaimingNormal");
  return (key, shape, dtype) => normal(gain / Math.sqrt(fanOf(shape, mode)))(key, shape, dtype);
}

/**
 * Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
 * (2010): uniform with variance 2 gain² / (fan-in + fan-out).
 *
 * @category Initializers
 * @param gain The factor that makes up for the activation. Default 1.
 * @returns An initialiser for weights `[out, in, ...window]`.
 *
 * @example Bounded by sqrt(6 / (in + out))
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.xavierUniform()(random.key(0), [2, 4]);
 * if (!(Number(w.abs().max()) <= 1)) throw new Error(String(w));
 * ```
 */
export function xavierUniform(gain?: number): Initializer {
  if (gain === undefined) gain = 1;
  checkFinite(gain, "gain", "xavierUniform");
  return (key, shape, dtype) => {
    const [fanIn, fanOut] = fans(shape);
    const bound = gain * Math.sqrt(6 / Math.max(fanIn + fanOut, 1));
    return uniform(-bound, bound)(key, shape, dtype);
  };
}

/**
 * Glorot and Bengio (2010): normal with variance 2 gain² / (fan-in + fan-out).
 *
 * @category Initializers
 * @param gain The factor that makes up for the activation. Default 1.
 * @returns An initialiser for weights `[out, in, ...window]`.
 *
 * @example The deviation of a square weight
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.xavierNormal()(random.key(0), [50, 50]);
 * if (Math.abs(Number(w.std()) - Math.sqrt(2 / 100)) > 0.01) throw new Error(String(w.std()));
 * ```
 */
export function xavierNormal(gain?: number): Initializer {
  if (gain === undefined) gain = 1;
  checkFinite(gain, "gain", "xavierNormal");
  return (key, shape, dtype) => {
    const [fanIn, fanOut] = fans(shape);
    return normal(gain * Math.sqrt(2 / Math.max(fanIn + fanOut, 1)))(key, shape, dtype);
  };
}

/**
 * Normally distributed between two bounds.
 *
 * @category Initializers
 * @param deviation The standard deviation before truncation.
 * @param low The lower bound, in deviations. Default -2.
 * @param high The upper bound, in deviations. Default 2.
 * @returns An initialiser.
 * @throws {ArgumentError} when an argument is no finite number, or the bounds are not in order.
 *
 * @example Within two deviations
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.truncatedNormal(0.5)(random.key(0), [100]);
 * if (!(Number(w.abs().max()) <= 1)) throw new Error(String(w));
 * ```
 */
export function truncatedNormal(deviation: number, low?: number, high?: number): Initializer {
  const [from, to] = [low ?? -2, high ?? 2];
  checkFinite(deviation, "deviation", "truncatedNormal");
  checkFinite(from, "low", "truncatedNormal");
  if (checkFinite(to, "high", "truncatedNormal") <= from) {
    throw argumentError(
      `Cannot make the initializer truncatedNormal with low ${from} and high ${to}: ` +
        `expected the lower bound first`,
    );
  }
  return (key, shape, dtype = defaultFloat()) => {
    const drawn = drawTruncatedNormal(key, from, to, shape, { dtype: wideDtype(dtype) });
    return astype(mul(drawn, deviation), dtype);
  };
}

/**
 * Options of `varianceScaling`.
 *
 * @category Initializers
 */
export interface VarianceScalingOptions {
  /** The factor of the variance. Default 1. */
  readonly scale?: number;
  /** Which fan the variance is divided by, or the mean of both. Default `"in"`. */
  readonly mode?: "in" | "out" | "average";
  /** How values are distributed; a truncated normal distribution ends at two deviations. Default that. */
  readonly distribution?: "truncatedNormal" | "normal" | "uniform";
}

/** The standard deviation of a standard normal distribution that ends at -2 and 2. */
const CUT_DEVIATION = 0.8796256610342398;

/**
 * Values with variance `scale / fan`: the family of the initialisers of He, Glorot and LeCun, as in JAX.
 *
 * @category Initializers
 * @param options Scale, fan, distribution.
 * @returns An initialiser for weights `[out, in, ...window]`.
 * @throws {ArgumentError} when an option is unknown or makes no sense.
 *
 * @example The deviation of a square weight
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.varianceScaling({ scale: 2 })(random.key(0), [50, 50]);
 * if (Math.abs(Number(w.std()) - Math.sqrt(2 / 50)) > 0.01) throw new Error(String(w.std()));
 * ```
 */
export function varianceScaling(options?: VarianceScalingOptions): Initializer {
  const what = "Cannot make the initializer varianceScaling";
  const { scale = 1, mode = "in", distribution = "truncatedNormal" } = readOptions(what, options, [
    "scale",
    "mode",
    "distribution",
  ]);
  if (checkFinite(scale, "scale", "varianceScaling") < 0) {
    throw argumentError(`${what} with scale ${scale}: expected a number of at least 0`);
  }
  if (mode !== "in" && mode !== "out" && mode !== "average") {
    throw argumentError(
      `${what} with mode ${describeValue(mode)}: expected "in", "out" or "average"`,
    );
  }
  const draw = {
    truncatedNormal: (deviation: number) => truncatedNormal(deviation / CUT_DEVIATION),
    normal: (deviation: number) => normal(deviation),
    uniform: (deviation: number) => uniform(-Math.sqrt(3) * deviation, Math.sqrt(3) * deviation),
  };
  if (!Object.hasOwn(draw, distribution)) {
    throw argumentError(
      `${what} with distribution ${describeValue(distribution)}: ` +
        `expected "truncatedNormal", "normal" or "uniform"`,
    );
  }
  return (key, shape, dtype) => {
    const [fanIn, fanOut] = fans(shape);
    const fan = mode === "in" ? fanIn : mode === "out" ? fanOut : (fanIn + fanOut) / 2;
    return draw[distribution](Math.sqrt(scale / Math.max(fan, 1)))(key, shape, dtype);
  };
}

/**
 * LeCun et al., "Efficient backprop" (1998): uniform with variance 1 / fan-in.
 *
 * @category Initializers
 * @returns An initialiser for weights `[out, in, ...window]`.
 *
 * @example Bounded by sqrt(3 / in)
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.lecunUniform()(random.key(0), [10, 12]);
 * if (!(Number(w.abs().max()) <= 0.5)) throw new Error(String(w));
 * ```
 */
export function lecunUniform(): Initializer {
  return varianceScaling({ distribution: "uniform" });
}

/**
 * LeCun et al. (1998): normal with variance 1 / fan-in, cut off at two deviations, as in JAX.
 *
 * @category Initializers
 * @returns An initialiser for weights `[out, in, ...window]`.
 *
 * @example The deviation of a square weight
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const w = nn.initializers.lecunNormal()(random.key(0), [50, 50]);
 * if (Math.abs(Number(w.std()) - Math.sqrt(1 / 50)) > 0.01) throw new Error(String(w.std()));
 * ```
 */
export function lecunNormal(): Initializer {
  return varianceScaling();
}

/**
 * A random matrix with orthonormal rows or columns (Saxe, McClelland and Ganguli, 2013), uniform among all.
 *
 * @category Initializers
 * @param gain The factor of the matrix. Default 1.
 * @returns An initialiser for weights `[out, in, ...window]`, which are `[out, everything else]` as a matrix.
 *
 * @example Rows of length one
 * ```ts
 * import { eye, nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const w = nn.initializers.orthogonal()(random.key(0), [2, 5]);
 * assertTensorsClose(w.matmul(w.transpose()), eye(2), { atol: 1e-6 });
 * ```
 */
export function orthogonal(gain?: number): Initializer {
  const factor = checkFinite(gain ?? 1, "gain", "orthogonal");
  return (key, shape, dtype = defaultFloat()) => {
    // Finds shapes that are no weight's.
    fans(shape);
    const rows = shape[0];
    const columns = sizeOf(shape.slice(1));
    const tall = [Math.max(rows, columns), Math.min(rows, columns)];
    const [q] = qr(drawNormal(key, tall, { dtype: wideDtype(dtype) }));
    return astype(mul(reshape(rows < columns ? transpose(q) : q, shape), factor), dtype);
  };
}

/**
 * An orthogonal matrix in the middle of a window, and zeros around it (Xiao et al., "Dynamical isometry and a
 * mean field theory of CNNs", 2018): a convolution that keeps lengths.
 *
 * @category Initializers
 * @param gain The factor of the matrix. Default 1.
 * @returns An initialiser for weights `[out, in, ...window]` with at least as many outputs as inputs.
 *
 * @example Zeros around the middle
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const w = nn.initializers.deltaOrthogonal()(random.key(0), [1, 1, 3]);
 * assertTensorsClose(w.abs(), [[[0, 1, 0]]]);
 * ```
 */
export function deltaOrthogonal(gain?: number): Initializer {
  const middle = orthogonal(gain);
  return (key, shape, dtype) => {
    fans(shape);
    const [rows, columns, ...window] = shape;
    if (rows < columns) {
      throw argumentError(
        `Cannot draw deltaOrthogonal of shape ${showShape(shape)}: ` +
          `expected at least as many outputs as inputs`,
      );
    }
    const matrix = middle(key, [rows, columns], dtype);
    const widths = window.map((length): [number, number] => {
      const before = Math.floor((length - 1) / 2);
      return [before, length - 1 - before];
    });
    return pad(reshape(matrix, [rows, columns, ...window.map(() => 1)]), [
      [0, 0],
      [0, 0],
      ...widths,
    ]);
  };
}

/**
 * Ones that pass each channel on unchanged, and zeros elsewhere: a convolution that changes nothing.
 *
 * @category Initializers
 * @param groups The groups of the convolution. Default 1.
 * @returns An initialiser for weights `[out, in / groups, ...window]` with at least one axis of space.
 * @throws {ArgumentError} when `groups` is not a positive integer; for other shapes, or outputs that are
 * not a multiple of the groups.
 *
 * @example A window of three
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.initializers.dirac()(random.key(0), [1, 1, 3]), [[[0, 1, 0]]]);
 * ```
 */
export function dirac(groups?: number): Initializer {
  const count = groups ?? 1;
  if (!(Number.isSafeInteger(count) && count > 0)) {
    throw argumentError(
      `Cannot make the initializer dirac with groups ${describeValue(count)}: ` +
        `expected a positive integer`,
    );
  }
  return (_key, shape, dtype = defaultFloat()) => {
    const [rows, columns, ...window] = checkShape(shape, "Cannot draw dirac");
    if (window.length === 0 || rows % count !== 0) {
      throw argumentError(
        `Cannot draw dirac of shape ${showShape(shape)}: expected [out, in, ...window] with a ` +
          `multiple of ${count} outputs`,
      );
    }
    // The rows of each group are those of a unit matrix, as far as it goes.
    const own = eye(rows / count, columns, { dtype });
    const matrix = tile(own, [count, 1]);
    const widths = window.map((length): [number, number] => {
      const before = Math.floor(length / 2);
      return [before, length - 1 - before];
    });
    return pad(reshape(matrix, [rows, columns, ...window.map(() => 1)]), [
      [0, 0],
      [0, 0],
      ...widths,
    ]);
  };
}

/**
 * Normal numbers with a given number of zeros in each column, at random positions (Martens, "Deep learning
 * via Hessian-free optimization", 2010).
 *
 * @category Initializers
 * @param sparsity Which part of each column is zero, from 0 to 1.
 * @param std The standard deviation of the others. Default 0.01.
 * @returns An initialiser for matrices.
 * @throws {ArgumentError} when a number is out of range, or for other shapes.
 *
 * @example Half of each column
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const w = nn.initializers.sparse(0.5)(random.key(0), [4, 3]);
 * assertTensorsClose(w.equal(0).sum(0), [2, 2, 2]);
 * ```
 */
export function sparse(sparsity: number, std?: number): Initializer {
  const share = checkFinite(sparsity, "sparsity", "sparse");
  if (share < 0 || share > 1) {
    throw argumentError(
      `Cannot make the initializer sparse with sparsity ${share}: expected a number from 0 to 1`,
    );
  }
  const draw = normal(std ?? 0.01);
  return (key, shape, dtype) => {
    if (checkShape(shape, "Cannot draw sparse").length !== 2) {
      throw argumentError(`Cannot draw sparse of shape ${showShape(shape)}: expected a matrix`);
    }
    const [own, places] = split(key);
    const ranks = argsort(argsort(drawUniform(places, shape), 0), 0);
    return where(less(ranks, Math.ceil(share * shape[0])), 0, draw(own, shape, dtype));
  };
}

/**
 * The factor that makes up for an activation, as PyTorch's `calculate_gain`.
 *
 * @category Initializers
 * @param nonlinearity The activation's name; `"linear"` is for none, and for convolutions.
 * @param slope The slope of `leakyRelu` below zero. Default 0.01.
 * @returns The factor, for the option `gain` of initialisers.
 * @throws {ArgumentError} when the name is unknown, or the slope no number.
 *
 * @example Half of the numbers are lost
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 *
 * if (nn.initializers.gainOf("relu") !== Math.SQRT2) throw new Error("expected the root of two");
 * ```
 */
export function gainOf(nonlinearity: Nonlinearity, slope?: number): number {
  const below = checkFinite(slope ?? 0.01, "slope", "gainOf");
  const gains: Readonly<Record<Nonlinearity, number>> = {
    linear: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + below ** 2)),
    selu: 3 / 4,
  };
  if (typeof nonlinearity === "string" && Object.hasOwn(gains, nonlinearity)) {
    return gains[nonlinearity];
  }
  throw argumentError(
    `Cannot tell the gain of ${describeValue(nonlinearity)}: expected one of ` +
      Object.keys(gains).join(", "),
  );
}

/**
 * Activations that {@linkcode gainOf} accepts.
 *
 * @category Initializers
 */
export type Nonlinearity = "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu";

/**
 * PyTorch's default for the weight of linear and convolution layers: U(±1/sqrt(fan-in)).
 *
 * @category Initializers
 */
export const defaultWeight: Initializer = kaimingUniform({ gain: Math.sqrt(1 / 3) });

/**
 * PyTorch's default for the bias of a layer with a weight of `weightShape`: U(±1/sqrt(fan-in)).
 *
 * @category Initializers
 */
export function defaultBias(weightShape: Shape): Initializer {
  const [fanIn] = fans(weightShape);
  const bound = fanIn === 0 ? 0 : 1 / Math.sqrt(fanIn);
  return uniform(-bound, bound);
}
