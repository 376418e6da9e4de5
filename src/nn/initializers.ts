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
import { add, astype, full, mul } from "../functions/mod.ts";
import { normal as drawNormal, uniform as drawUniform } from "../random/mod.ts";

/** Makes the initial value of a parameter of `shape`. */
export type Initializer = (key: Tensor, shape: Shape, dtype?: Dtype) => Tensor;

/** Options of the initialisers that scale with the fan of a layer. */
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

/** PyTorch's default for the weight of linear and convolution layers: U(±1/sqrt(fan-in)). */
export const defaultWeight: Initializer = kaimingUniform({ gain: Math.sqrt(1 / 3) });

/** PyTorch's default for the bias of a layer with a weight of `weightShape`: U(±1/sqrt(fan-in)). */
export function defaultBias(weightShape: Shape): Initializer {
  const [fanIn] = fans(weightShape);
  const bound = fanIn === 0 ? 0 : 1 / Math.sqrt(fanIn);
  return uniform(-bound, bound);
}
