/**
 * Common parts of the samplers' arguments.
 *
 * @module
 */
import { checkDtype, describeValue, isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { checkShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensorOf } from "../core/convert.ts";
import { Concrete, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { checkBroadcast } from "../functions/arguments.ts";
import { commonShape } from "../functions/broadcasting.ts";
import { convert } from "../primitives/structure.ts";

/**
 * Options of the samplers of floating-point numbers.
 *
 * @category Keys
 */
export interface SampleOptions {
  /**
   * The dtype of the result, floating-point. Default `float32`. But for `uniform`, half floats are the
   * numbers of `float32`, rounded.
   */
  readonly dtype?: Dtype;
}

/** `key`, checked to be one. `what` begins the message: "Cannot split". */
export function checkKey(key: unknown, what: string): Tensor {
  if (
    key instanceof Tensor && key.dtype === "uint32" && key.ndim === 1 && key.shape[0] === 2
  ) {
    return key;
  }
  throw argumentError(`${what}: expected a key uint32[2], got ${describeKey(key)}`);
}

/** Describes the value that was given instead of a key, and how to make a key. */
function describeKey(value: unknown): string {
  if (value instanceof Tensor) {
    const areKeys = value.dtype === "uint32" && value.ndim > 1 && value.shape.at(-1) === 2;
    const hint = areKeys ? "map over keys with vmap" : "make one with random.key(seed)";
    return `${showType(value)}; ${hint}`;
  }
  if (Array.isArray(value) && value[0] instanceof Tensor) {
    return `an array of ${value.length}; take one key from it, as in const [a, b] = split(key), ` +
      `or map over the tensor of keys split(key, [${value.length}])`;
  }
  const seed = Number.isSafeInteger(value) ? String(value) : "seed";
  return `${describeValue(value)}; make one with random.key(${seed})`;
}

/** Throws unless `dtype` is floating-point. */
export function checkFloat(dtype: unknown, what: string): asserts dtype is Dtype {
  checkDtype(dtype);
  if (isFloat(dtype)) return;
  throw dtypeError(`${what} of dtype ${describeValue(dtype)}: expected a floating-point dtype`);
}

/** A shape given as a list, or as one length. */
export function readShape(shape: number | Shape, what: string): Shape {
  return checkShape(typeof shape === "number" ? [shape] : shape, what);
}

/** A parameter of a distribution as a tensor of `dtype`. */
export function readParameter(value: TensorLike, dtype: Dtype, what: string): Tensor {
  return toTensorOf(value, dtype, what);
}

/** A parameter as a tensor of `dtype`; numbers, also in lists, are checked to be positive and finite. */
export function readPositive(value: TensorLike, name: string, dtype: Dtype, what: string): Tensor {
  return readChecked(value, name, dtype, what, (x) => x > 0, "positive");
}

/** The same, of numbers that may be 0. */
export function readScale(value: TensorLike, name: string, dtype: Dtype, what: string): Tensor {
  return readChecked(value, name, dtype, what, (x) => x >= 0, "not negative");
}

function readChecked(
  value: TensorLike,
  name: string,
  dtype: Dtype,
  what: string,
  isFine: (x: number) => boolean,
  bound: string,
): Tensor {
  const parameter = convert(readParameter(value, dtype, what), dtype);
  if (!(value instanceof Tensor) && parameter instanceof Concrete) {
    // As they were written, where there is one.
    const wrong = parameter.elements.find((x) => !(isFine(x) && x < Infinity));
    if (wrong !== undefined) {
      const shown = typeof value === "number" ? value : wrong;
      throw argumentError(
        `${what}: ${name} must be ${bound} and finite in ${dtype}, got ${describeValue(shown)}`,
      );
    }
  }
  return parameter;
}

/**
 * The result's shape: `shape`, to which the parameters must broadcast; if it is left out, the common
 * shape of the parameters.
 */
export function sampleShape(
  shape: number | Shape | undefined,
  parameters: Readonly<Record<string, Tensor>>,
  what: string,
): Shape {
  const names = Object.keys(parameters);
  if (shape === undefined) {
    return commonShape(`${what} with ${names.join(" and ")}`, Object.values(parameters));
  }
  const checked = readShape(shape, what);
  for (const name of names) {
    checkBroadcast(`${what}: cannot broadcast ${name}`, parameters[name], checked);
  }
  return checked;
}
