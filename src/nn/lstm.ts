/**
 * Long short-term memory.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, matmul, mul, sigmoid, split, tanh } from "../functions/mod.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import { checkCount, readContext } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";
import { runRecurrent } from "./recurrence.ts";
import { describeRecurrent, initialize, readSettings, RECURRENT_NAMES } from "./recurrent.ts";
import type { Cell, CellWeights, RecurrentOptions, RecurrentParams } from "./recurrent.ts";

/**
 * The state of an `lstm`: `[layers * directions, B, size]` each.
 *
 * @category Recurrent layers
 */
export type LstmState = [hidden: Tensor, cell: Tensor];

/**
 * The input of `lstm`: a sequence, or a pair of it and the first state.
 *
 * @category Recurrent layers
 */
export type LstmInput =
  | Tensor
  | readonly [input: Tensor, state: readonly [hidden: Tensor, cell: Tensor]];

/**
 * The result of `lstm`: the outputs of all times, and the last state.
 *
 * @category Recurrent layers
 */
export type LstmResult = [output: Tensor, state: LstmState];

/**
 * Options of `lstm`.
 *
 * @category Recurrent layers
 */
export interface LstmOptions extends RecurrentOptions {
  /** The size `P` that hidden states are projected to, less than `hiddenSize`. Default: no projection. */
  readonly projSize?: number;
}

/** The gates input, forget, cell and output, in PyTorch's order. */
function lstmStep(
  [hidden, memory]: readonly Tensor[],
  x: Tensor,
  { recurrent, projection }: CellWeights,
): Tensor[] {
  const gates = split(add(x, matmul(hidden, recurrent)), 4, -1);
  const [input, forget, output] = [gates[0], gates[1], gates[3]].map((gate) => sigmoid(gate));
  const next = add(mul(forget, memory), mul(input, tanh(gates[2])));
  const shown = mul(output, tanh(next));
  return [projection === undefined ? shown : matmul(shown, projection), next];
}

/** Long short-term memory. */
export const cell: Cell = {
  name: "lstm",
  gates: 4,
  parts: ["hidden", "cell"],
  separateBias: false,
  step: lstmStep,
};

/** The two tensors of an initial state. */
function readState(state: unknown): readonly unknown[] {
  if (Array.isArray(state) && state.length === 2) return state;
  throw argumentError(
    `Cannot apply lstm with the state ${describeValue(state)}: expected a pair [hidden, cell]`,
  );
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al.,
 * 2000), as PyTorch's `LSTM`, over `scan`: with the gates `i`, `f`, `g` and `o` in this order in the
 * parameters, each of the form `x @ W_i.T + b_i + h @ W_h.T + b_h`,
 *
 * - `c' = sigmoid(f) * c + sigmoid(i) * tanh(g)`,
 * - `h' = sigmoid(o) * tanh(c')`, and with `projSize` `h' @ W_hr.T` of that.
 *
 * The layer gives `[output, [hidden, cell]]`: the hidden states of the last layer at all times, and the
 * state of all layers at the last time. In `sequential`, which passes on one tensor, use `outputs:
 * "sequence"` or `outputs: "last"`.
 *
 * @category Recurrent layers
 * @param inputSize The number of features of the input.
 * @param hiddenSize The number of features `H` of the cell's state.
 * @param options Layers, directions, layout, projection, bias, dropout, outputs, dtype.
 * @returns A layer from a sequence `[T, B, inputSize]` (`[B, T, inputSize]` with `batchFirst`, or
 * `[T, inputSize]`), or a pair of it and the first state `[hidden, cell]`, to
 * `[output, [hidden, cell]]`. `P` being `projSize`, or else `H`: `output` is laid out as the sequence
 * with `directions * P` features, `hidden` is `[layers * directions, B, P]` and `cell`
 * `[layers * directions, B, H]` (without `B` for a sequence without a batch; zeros when left out).
 * @throws {ArgumentError} when a size is not a positive integer, or an option makes no sense.
 * @throws {ShapeError} when the sequence or the state does not fit.
 *
 * @example Two layers, and a sequence without a batch
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const layer = nn.lstm(3, 4, { numLayers: 2 });
 * const [params, state] = layer.init(random.key(0));
 * const x = random.normal(random.key(1), [5, 3]);
 * const [[output, [hidden, cell]]] = layer.apply(params, state, x);
 * if (String(output.shape) !== "5,4") throw new Error(String(output.shape));
 * if (String(hidden.shape) !== "2,4") throw new Error(String(hidden.shape));
 * if (String(cell.shape) !== "2,4") throw new Error(String(cell.shape));
 * ```
 */
export function lstm(
  inputSize: number,
  hiddenSize: number,
  options: LstmOptions & { readonly outputs: "sequence" | "last" },
): Layer<RecurrentParams, Empty, LstmInput>;
/** Long short-term memory that gives its outputs and its last state. */
export function lstm(
  inputSize: number,
  hiddenSize: number,
  options?: LstmOptions & { readonly outputs?: "all" },
): Layer<RecurrentParams, Empty, LstmInput, LstmResult>;
/** The same with options that are known when the program runs. */
export function lstm(
  inputSize: number,
  hiddenSize: number,
  options: LstmOptions,
): Layer<RecurrentParams, Empty, LstmInput, Tensor | LstmResult>;
export function lstm(
  inputSize: number,
  hiddenSize: number,
  options?: LstmOptions,
  // deno-lint-ignore no-explicit-any
): Layer<RecurrentParams, Empty, LstmInput, any> {
  const read = readOptions("Cannot make an lstm layer", options, [
    ...RECURRENT_NAMES,
    "projSize",
  ]);
  const { projSize = 0 } = read;
  checkCount(projSize, "projSize", "lstm", true);
  const settings = readSettings(cell, inputSize, hiddenSize, read, projSize);
  if (projSize >= hiddenSize) {
    throw argumentError(
      `Cannot make an lstm layer with projSize ${projSize}: ` +
        `it must be less than hiddenSize ${hiddenSize}`,
    );
  }
  return inComputeDtype(
    read,
    described(describeRecurrent("lstm", inputSize, hiddenSize, read), {
      init: (key) => [initialize(settings, key), {}],
      apply(params, state, x, given) {
        const context = readContext(given, "lstm");
        const show = ([h, c]: readonly Tensor[]): LstmState => [h, c];
        const y = runRecurrent(settings, params, x, context, readState, show);
        return [y, state];
      },
    }),
  );
}
