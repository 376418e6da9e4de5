/**
 * Common parts of the recurrent layers: options, and parameters with PyTorch's names.
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import type { Description } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { split } from "../random/mod.ts";
import { uniform } from "./initializers.ts";
import { article, checkBoolean, checkCount, checkNumber, checkParameterDtype } from "./layer.ts";
import type { ParameterOptions } from "./layer.ts";

/**
 * Parameters of a recurrent layer, in PyTorch's names, `G` being the number of gates (1 in `rnn`, 4 in
 * `lstm`, 3 in `gru`), `H` the hidden size and `P` the size of the output of a direction: `projSize`,
 * or else `H`. For each layer `0`, `1`, … and, with `bidirectional`, a second time ending in `_reverse`:
 *
 * - `weight_ih_l0`: `[G * H, inputSize]`; in further layers `[G * H, directions * P]`.
 * - `weight_hh_l0`: `[G * H, P]`.
 * - `bias_ih_l0`, `bias_hh_l0`: `[G * H]`; absent with `bias: false`.
 * - `weight_hr_l0`: `[P, H]`; with `projSize` only.
 *
 * @category Recurrent layers
 */
export interface RecurrentParams {
  /** The matrices. */
  readonly [weight: `weight_${string}`]: Tensor;
  /** The biases. */
  readonly [bias: `bias_${string}`]: Tensor;
}

/**
 * The outputs of a recurrent layer: `"all"` is PyTorch's pair of the outputs of all times and the last
 * hidden state, `"sequence"` the outputs alone, and `"last"` the last hidden state of the last layer,
 * `[B, directions * P]`, in which each direction has seen the whole sequence.
 *
 * @category Recurrent layers
 */
export type RecurrentOutputs = "all" | "sequence" | "last";

/**
 * Options that `rnn`, `lstm` and `gru` share, in PyTorch's names.
 *
 * @category Recurrent layers
 */
export interface RecurrentOptions extends ParameterOptions {
  /** The number of stacked layers. Default 1. */
  readonly numLayers?: number;
  /** Whether there are biases. Default `true`. */
  readonly bias?: boolean;
  /** Whether inputs and outputs are `[B, T, …]` instead of `[T, B, …]`. Default `false`. */
  readonly batchFirst?: boolean;
  /** The probability with which, in training, outputs of all layers but the last are zeroed. */
  readonly dropout?: number;
  /** Whether a second direction runs from the end to the beginning. Default `false`. */
  readonly bidirectional?: boolean;
  /** The outputs of the layer. Default `"all"`; the other choices fit into `sequential`. */
  readonly outputs?: RecurrentOutputs;
}

/** The options in the order in which messages name them. */
export const RECURRENT_NAMES = [
  "numLayers",
  "bias",
  "batchFirst",
  "dropout",
  "bidirectional",
  "outputs",
  "dtype",
  "computeDtype",
] as const;

/** The largest number of stacked layers: parameters are named one by one. */
const MAX_LAYERS = 1000;

/** The weights that a cell's step needs, in the dtype of the computation. */
export interface CellWeights {
  /** `[P, G * H]`: the transposed recurrent matrix. */
  readonly recurrent: Tensor;
  /** `[G * H]`: the recurrent bias, if the cell needs it separately. */
  readonly bias?: Tensor;
  /** `[H, P]`: the transposed projection of the hidden state. */
  readonly projection?: Tensor;
}

/** The properties of one kind of recurrent layer. */
export interface Cell {
  /** The layer's name. */
  readonly name: string;
  /** The number of gates. */
  readonly gates: number;
  /** The names of the parts of its state, the output first. */
  readonly parts: readonly string[];
  /** Whether the recurrent bias is needed apart from that of the input. */
  readonly separateBias: boolean;
  /** The next state from the state and the input's share of the gates, `[B, G * H]`. */
  readonly step: (state: readonly Tensor[], x: Tensor, weights: CellWeights) => Tensor[];
}

/** The checked settings of a recurrent layer. */
export interface RecurrentSettings {
  readonly cell: Cell;
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** The size of the output of one direction. */
  readonly outputSize: number;
  readonly isProjected: boolean;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly directions: 1 | 2;
  readonly outputs: RecurrentOutputs;
  readonly dtype: Dtype;
}

/** The settings, checked; `projSize` 0 means no projection. */
export function readSettings(
  cell: Cell,
  inputSize: number,
  hiddenSize: number,
  options: Partial<RecurrentOptions>,
  projSize = 0,
): RecurrentSettings {
  const layer = cell.name;
  checkCount(inputSize, "inputSize", layer);
  checkCount(hiddenSize, "hiddenSize", layer);
  const { numLayers = 1, outputs = "all" } = options;
  checkCount(numLayers, "numLayers", layer);
  if (numLayers > MAX_LAYERS) {
    throw argumentError(
      `Cannot make ${article(layer)} layer with numLayers ${numLayers}: ` +
        `expected at most ${MAX_LAYERS}`,
    );
  }
  if (outputs !== "all" && outputs !== "sequence" && outputs !== "last") {
    throw argumentError(
      `Cannot make ${article(layer)} layer with outputs ${describeValue(outputs)}: ` +
        `expected "all", "sequence" or "last"`,
    );
  }
  return {
    cell,
    inputSize,
    hiddenSize,
    outputSize: projSize || hiddenSize,
    isProjected: projSize > 0,
    numLayers,
    outputs,
    bias: checkBoolean(options.bias ?? true, "bias", layer),
    batchFirst: checkBoolean(options.batchFirst ?? false, "batchFirst", layer),
    dropout: checkNumber(options.dropout ?? 0, "dropout", layer, 0, 1),
    directions: checkBoolean(options.bidirectional ?? false, "bidirectional", layer) ? 2 : 1,
    dtype: checkParameterDtype(options.dtype ?? defaultFloat(), layer),
  };
}

/** The description of a recurrent layer: the settings that were given. */
export function describeRecurrent(
  name: string,
  inputSize: number,
  hiddenSize: number,
  settings: object,
): Description {
  return { name, args: [inputSize, hiddenSize], settings };
}

/** How the names of the parameters of one direction of one layer end. */
export function suffixOf(layer: number, direction: number): string {
  return `l${layer}${direction === 1 ? "_reverse" : ""}`;
}

/** The names and shapes of all parameters, in PyTorch's order. */
export function parameterShapes(settings: RecurrentSettings): [name: string, shape: Shape][] {
  const { cell, inputSize, hiddenSize, outputSize, directions } = settings;
  const rows = cell.gates * hiddenSize;
  const shapes: [string, Shape][] = [];
  for (let i = 0; i < settings.numLayers * directions; i++) {
    const layer = Math.floor(i / directions);
    const suffix = suffixOf(layer, i % directions);
    shapes.push(
      [`weight_ih_${suffix}`, [rows, layer === 0 ? inputSize : directions * outputSize]],
      [`weight_hh_${suffix}`, [rows, outputSize]],
    );
    if (settings.bias) shapes.push([`bias_ih_${suffix}`, [rows]], [`bias_hh_${suffix}`, [rows]]);
    if (settings.isProjected) shapes.push([`weight_hr_${suffix}`, [outputSize, hiddenSize]]);
  }
  return shapes;
}

/** Fresh parameters: all uniform in ±1/sqrt(hiddenSize), as PyTorch's. */
export function initialize(settings: RecurrentSettings, key: Tensor): RecurrentParams {
  const bound = 1 / Math.sqrt(settings.hiddenSize);
  const draw = uniform(-bound, bound);
  const shapes = parameterShapes(settings);
  const keys = split(key, shapes.length);
  return Object.fromEntries(
    shapes.map(([name, shape], i) => [name, draw(keys[i], shape, settings.dtype)]),
  );
}
