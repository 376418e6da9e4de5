/**
 * The reference recipe: weights and inputs from a hash, so that no large file is needed. PyTorch's
 * results for them are in `tests/fixtures`.
 *
 * @module
 */
import { evalShape, random, tensor, tree } from "../../mod.ts";
import type { Dtype, nn, Tensor } from "../../mod.ts";
import { assert } from "./std.ts";

/** A 32-bit finaliser hash. */
function hash32(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x >>> 0;
}

/** `n` numbers in [0, 1). */
export function uniform(seed: number, n: number): Float64Array {
  const offset = Math.imul(seed, 0x9e3779b9);
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = hash32((i + offset) | 0) / 2 ** 32;
  return values;
}

/** A tensor of rounded numbers: the recipe's float32 values, stored in `dtype`. */
export function rounded(values: Float64Array, shape: readonly number[], dtype: Dtype): Tensor {
  return tensor(new Float32Array(values)).reshape(shape).astype(dtype);
}

/** The recipe's value of one entry of a `state_dict`. */
function entry(key: string, seed: number, shape: readonly number[], dtype: Dtype): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = uniform(seed, size);
  const fanIn = shape.slice(1).reduce((product, length) => product * length, 1);
  const bound = shape.length >= 2 ? Math.sqrt(6 / fanIn) : 0.1;
  const isVariance = shape.length < 2 && key.endsWith("running_var");
  const middle = shape.length < 2 && key.endsWith("weight") ? 1 : 0;
  for (let i = 0; i < size; i++) {
    const x = values[i];
    values[i] = isVariance ? 1 + 0.5 * x : middle + (2 * x - 1) * bound;
  }
  return rounded(values, shape, dtype);
}

/** A `state_dict`'s keys and shapes, in torchvision's order. */
export type Entries = readonly (readonly [key: string, shape: readonly number[]])[];

/** A whole `state_dict` by the recipe. */
export function recipeWeights(
  entries: Entries,
  dtype: Dtype,
): Record<string, Tensor> {
  const dict: Record<string, Tensor> = {};
  entries.forEach(([key, shape], i) => {
    dict[key] = key.endsWith("num_batches_tracked")
      ? tensor(0, { dtype: "int32" })
      : entry(key, i + 1, shape, dtype);
  });
  return dict;
}

/** The recipe's weights, as parameters and state of a model that draws no random numbers for it. */
export function recipeTrees<Params, State>(
  model: nn.Layer<Params, State>,
  entries: Entries,
  dtype: Dtype,
): [Params, State] {
  const dict = recipeWeights(entries, dtype);
  const fill = (trees: unknown): unknown => {
    const values = tree.paths(trees).map((path) => dict[path]);
    return tree.unflatten(tree.structure(trees), values);
  };
  return (evalShape(model.init)(random.key(0)) as unknown[]).map(fill) as [Params, State];
}

/** The summary of a tensor in the fixtures. */
export interface Summary {
  readonly shape: readonly number[];
  readonly sum: number;
  readonly l2: number;
  readonly first: readonly number[];
  readonly last: number;
}

/**
 * Asserts that a tensor has this summary, to `tolerance` relative to the summary's own numbers and to
 * the tensor's norm, since a sum of thousands of terms may be smaller than the rounding of one.
 */
export function assertSummary(
  actual: Tensor,
  expected: Summary,
  tolerance: number,
  name: string,
): void {
  assert(
    String(actual.shape) === String(expected.shape),
    `${name}: shape ${actual.shape}, expected ${expected.shape}`,
  );
  const data = actual.data();
  let [sum, squares] = [0, 0];
  for (const x of data) {
    sum += x;
    squares += x * x;
  }
  const typical = expected.l2 / Math.sqrt(data.length);
  const close = (a: number, b: number, scale: number, what: string) => {
    const error = Math.abs(a - b);
    assert(
      error <= tolerance * (Math.abs(b) + scale),
      `${name}: ${what} is ${a}, expected ${b}, off by ${error / (Math.abs(b) + scale)}`,
    );
  };
  close(Math.sqrt(squares), expected.l2, 0, "l2 norm");
  close(sum, expected.sum, expected.l2, "sum");
  expected.first.forEach((value, i) => close(data[i], value, typical, `element ${i}`));
  close(data[data.length - 1], expected.last, typical, "last element");
}
