/**
 * Layers.
 *
 * @module
 */
import { argumentError, shapeError, treeError } from "../base/errors.ts";
import { describeValue, isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { described } from "../core/description.ts";
import type { Description } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import { toTensor } from "../core/convert.ts";
import type { AnyFunction } from "../core/tree_types.ts";
import type { Initializer } from "./initializers.ts";

/**
 * The parameters, or the state, of a layer that has none.
 *
 * @category Models
 */
export type Empty = Record<never, never>;

/** The key of a context's watcher. */
export const WATCH: unique symbol = Symbol("watch");

/** Observes the calls of the parts of a model. */
export interface Watcher {
  /** The same for the part at `path`, and for its own parts. */
  within(path: readonly string[]): Watcher;
  /** Called after the part's `apply`. */
  see(part: AnyLayer, params: unknown, state: unknown, x: unknown, y: unknown): void;
}

/**
 * The context of a layer's call, in addition to its input.
 *
 * @category Models
 */
export interface Context {
  /** Whether to behave as in training: batch statistics, dropout. Default `false`. */
  readonly train?: boolean;
  /** A random key, for layers that draw numbers in training. */
  readonly key?: Tensor;
}

/** A context with a watcher. */
export interface WatchedContext extends Context {
  /** The watcher, if any. */
  readonly [WATCH]?: Watcher;
}

/**
 * A layer: a pair of pure functions. `params` is what training differentiates by; `state` is what
 * training updates without gradients, an empty object in most layers.
 *
 * @category Models
 */
export interface Layer<Params = unknown, State = unknown, Input = Tensor, Output = Tensor> {
  /** Fresh parameters and state, drawn with `key`. */
  init(key: Tensor): [params: Params, state: State];
  /** The output and the new state. */
  apply(
    params: Params,
    state: State,
    x: Input,
    context?: Context,
  ): [output: Output, state: State];
  /**
   * The printed form of the layer, alone or as part of another: its name, its settings and its parts. All
   * layers of `nn` have one; a custom layer may have one.
   */
  readonly description?: Description;
}

/**
 * A layer of any kind.
 *
 * @category Models
 */
// deno-lint-ignore no-explicit-any
export type AnyLayer = Layer<any, any, any, any>;

/**
 * The parameters of a layer, or of a tree of layers and functions.
 *
 * @category Models
 */
export type ParamsOf<L> = L extends Layer<infer Params, infer _State, infer _Input, infer _Output>
  ? Params
  : L extends AnyFunction ? Empty
  : { -readonly [K in keyof L]: ParamsOf<L[K]> };

/**
 * The state of a layer, or of a tree of layers and functions.
 *
 * @category Models
 */
export type StateOf<L> = L extends Layer<infer _Params, infer State, infer _Input, infer _Output>
  ? State
  : L extends AnyFunction ? Empty
  : { -readonly [K in keyof L]: StateOf<L[K]> };

/**
 * Options that all layers with parameters share.
 *
 * @category Models
 */
export interface ParameterOptions {
  /** The dtype of fresh parameters. By default that of `configure({ defaultFloat })`. */
  readonly dtype?: Dtype;
  /**
   * The dtype to compute in, such as `"bfloat16"`: input, output and parameters are converted to it, and
   * parameters and their gradients stay in `dtype`. Normalizations compute in float32 or more, and
   * convert input and output only. By default the dtypes of input and parameters decide.
   */
  readonly computeDtype?: Dtype;
}

/** A layer without parameters and state, from a function. */
export function stateless(
  description: Description,
  f: (x: Tensor, context: Context) => Tensor,
): Layer<Empty, Empty> {
  return described(
    description,
    {
      init: () => [{}, {}],
      apply: (_params, state, x, context = {}) => [f(x, context), state],
    } satisfies Layer<Empty, Empty>,
  );
}

/** The layer's name with its article; abbreviations are read letter by letter. */
export function article(layer: string): string {
  return `${/^([aeiou]|rnn|lstm|rmsNorm$)/.test(layer) ? "an" : "a"} ${layer}`;
}

/** `normalizedShape` as the lengths of the last axes. */
export function lastLengths(normalizedShape: unknown, layer: string): number[] {
  const lengths = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
  if (!Array.isArray(lengths) || lengths.length === 0) {
    const shown = describeValue(normalizedShape);
    throw argumentError(
      `Cannot make ${article(layer)} layer with normalizedShape ${shown}: ` +
        `expected the lengths of the last axes, or of the last one`,
    );
  }
  return Array.from(lengths, (n) => checkCount(n, "normalizedShape", layer));
}

/** `value`, a positive integer named `name`; `zero` allows 0. */
export function checkCount(value: unknown, name: string, layer: string, zero = false): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= (zero ? 0 : 1)) {
    return value;
  }
  throw argumentError(
    `Cannot make ${article(layer)} layer with ${name} ${describeValue(value)}: ` +
      `expected a ${zero ? "non-negative" : "positive"} integer`,
  );
}

/** `value`, a finite number named `name` from `low` to `high`. */
export function checkNumber(
  value: unknown,
  name: string,
  layer: string,
  low = -Infinity,
  high = Infinity,
): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  throw argumentError(
    `Cannot make ${article(layer)} layer with ${name} ${describeValue(value)}: ` +
      `expected a number from ${low} to ${high}`,
  );
}

/** `value`, a flag named `name`. */
export function checkBoolean(value: unknown, name: string, layer: string): boolean {
  if (typeof value === "boolean") return value;
  throw argumentError(
    `Cannot make ${article(layer)} layer with ${name} ${describeValue(value)}: ` +
      `expected true or false`,
  );
}

/** `value`, an initialiser named `name`. */
export function checkInitializer(value: Initializer, name: string, layer: string): Initializer {
  if (typeof value === "function") return value;
  throw argumentError(
    `Cannot make ${article(layer)} layer with ${name} ${describeValue(value)}: ` +
      `expected an initializer such as nn.initializers.zeros`,
  );
}

/** The dtype of fresh parameters, or another named `name`, checked to be floating-point. */
export function checkParameterDtype(dtype: Dtype, layer: string, name = "dtype"): Dtype {
  if (isFloat(dtype)) return dtype;
  throw argumentError(
    `Cannot make ${article(layer)} layer with ${name} ${
      describeValue(dtype)
    }: expected a floating-point dtype`,
  );
}

/** A layer's context, checked: a misspelt `train` would otherwise mean evaluation. */
export function readContext(context: Context | undefined, layer: string): Context {
  const what = `Cannot apply ${layer} in this context`;
  const read = readOptions<Context>(what, context, ["train", "key"]);
  if (read.train === undefined || typeof read.train === "boolean") return read;
  throw argumentError(`${what}: train must be true or false, got ${describeValue(read.train)}`);
}

/** The tensor called `name` in a layer's parameters or state, `undefined` if there is none. */
export function optionalLeaf(
  tree: unknown,
  kind: "params" | "state",
  name: string,
  layer: string,
): Tensor | undefined {
  if (typeof tree !== "object" || tree === null) {
    throw treeError(
      `Cannot apply ${layer}: expected the ${kind} that its init gave, got ${describeValue(tree)}`,
    );
  }
  const leaf = (tree as { readonly [name: string]: unknown })[name];
  if (leaf === undefined) return undefined;
  if (leaf !== null) return toTensor(leaf as Tensor, `Cannot apply ${layer} with this ${name}`);
  throw treeError(
    `Cannot apply ${layer}: its ${kind} has null at ${name}; ` +
      `put the parts of a partitioned tree together with tree.merge`,
  );
}

/** The tensor called `name` in a layer's parameters or state. */
export function readLeaf(
  tree: unknown,
  kind: "params" | "state",
  name: string,
  layer: string,
): Tensor {
  const leaf = optionalLeaf(tree, kind, name, layer);
  if (leaf !== undefined) return leaf;
  throw treeError(
    `Cannot apply ${layer}: its ${kind} has nothing at ${name}; ` +
      `use the params and state that its init gave`,
  );
}

/** An input that is not a tensor yet, with advice where it is likely a mistake. */
function readInput(x: unknown, layer: string): Tensor {
  if (x === undefined) {
    throw argumentError(
      `Cannot apply ${layer} without an input: apply takes params, state and x, in this order`,
    );
  }
  if (Array.isArray(x) && x.length > 0 && x[0] instanceof Tensor) {
    throw argumentError(
      `Cannot apply ${layer} to a list of tensors: expected one; take one of them, and let a ` +
        `recurrent layer in front of it give one with outputs "sequence" or "last"`,
    );
  }
  return toTensor(x as number, `Cannot apply ${layer}`);
}

/** A layer's input as a tensor of at least `least` axes, the one at `axis` of length `length`. */
export function checkInput(
  x: unknown,
  layer: string,
  least: number,
  axis: number,
  length: number,
): Tensor {
  const input = x instanceof Tensor ? x : readInput(x, layer);
  const actual = input.shape.at(axis);
  if (input.ndim >= least && actual === length) return input;
  throw shapeError(
    `Cannot apply ${layer} to ${showType(input)}: expected length ${length} on axis ${axis}` +
      (input.ndim < least ? ` of at least ${least} axes` : `, current length is ${actual}`),
  );
}

const COUNTED = ["", "a list of one number", "a pair of numbers", "a list of three numbers"];

/** A number for all of `dims` spatial axes, or one for each, as positive integers. */
export function perAxis(
  value: number | readonly number[],
  dims: number,
  name: string,
  layer: string,
): number[] {
  if (typeof value === "number") return new Array(dims).fill(checkCount(value, name, layer));
  if (!Array.isArray(value) || value.length !== dims) {
    throw argumentError(
      `Cannot make ${article(layer)} layer: ${name} must be a number or ${COUNTED[dims]}, ` +
        `got ${describeValue(value)}`,
    );
  }
  return value.map((entry) => checkCount(entry, name, layer));
}

const SPATIAL = ["", "length", "height, width", "depth, height, width"];

/** A batch with `dims` spatial axes, checked to have two more. */
export function checkSpatial(x: Tensor, dims: number, layer: string): Tensor {
  const input = toTensor(x, `Cannot apply ${layer}`);
  if (input.ndim === dims + 2) return input;
  throw shapeError(
    `Cannot apply ${layer} to ${showType(input)}: expected [batch, channels, ${SPATIAL[dims]}]`,
  );
}
