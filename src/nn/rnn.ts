/**
 * The plain recurrent layer.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, matmul, tanh } from "../functions/mod.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import { relu } from "./activations.ts";
import { readContext } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";
import { runRecurrent } from "./recurrence.ts";
import { describeRecurrent, initialize, readSettings, RECURRENT_NAMES } from "./recurrent.ts";
import type { Cell, RecurrentOptions, RecurrentParams } from "./recurrent.ts";

/**
 * The input of `rnn` and `gru`: a sequence, or a pair of it and the first hidden state.
 *
 * @category Recurrent layers
 */
export type RecurrentInput = Tensor | readonly [input: Tensor, hidden: Tensor];

/**
 * The result of `rnn` and `gru`: the outputs of all times, and the last hidden state.
 *
 * @category Recurrent layers
 */
export type RecurrentResult = [output: Tensor, hidden: Tensor];

/**
 * Options of `rnn`.
 *
 * @category Recurrent layers
 */
export interface RnnOptions extends RecurrentOptions {
  /** The function applied to the sum. Default `"tanh"`. */
  readonly nonlinearity?: "tanh" | "relu";
}

/** The cell of Elman's network. */
export function cellOf(activate: (x: Tensor) => Tensor): Cell {
  return {
    name: "rnn",
    gates: 1,
    parts: ["hidden"],
    separateBias: false,
    step: ([hidden], x, { recurrent }) => [activate(add(x, matmul(hidden, recurrent)))],
  };
}

/** The function that a nonlinearity names. */
export function readNonlinearity(
  nonlinearity: unknown,
  layer: string,
): (x: Tensor) => Tensor {
  if (nonlinearity === undefined || nonlinearity === "tanh") return tanh;
  if (nonlinearity === "relu") return relu;
  throw argumentError(
    `Cannot make an ${layer} layer with nonlinearity ${describeValue(nonlinearity)}: ` +
      `expected "tanh" or "relu"`,
  );
}

/**
 * A recurrent network (Elman, "Finding structure in time", 1990), as PyTorch's `RNN`:
 * `h[t] = tanh(x[t] @ weight_ih.T + bias_ih + h[t - 1] @ weight_hh.T + bias_hh)`, over `scan`.
 *
 * The layer gives `[output, hidden]`: the hidden states of the last layer at all times, and those of all
 * layers at the last time. In `sequential`, which passes on one tensor, use `outputs: "sequence"` or
 * `outputs: "last"`.
 *
 * @category Recurrent layers
 * @param inputSize The number of features of the input.
 * @param hiddenSize The number of features `H` of the hidden state.
 * @param options Layers, directions, layout, nonlinearity, bias, dropout, outputs, dtype.
 * @returns A layer from a sequence `[T, B, inputSize]` (`[B, T, inputSize]` with `batchFirst`, or
 * `[T, inputSize]`), or a pair of it and the first hidden state `[layers * directions, B, H]` (without
 * `B` for a sequence without a batch; zeros when left out), to `[output, hidden]`: `output` laid out
 * as the sequence with `directions * H` features, `hidden` as the first hidden state.
 * @throws {ArgumentError} when a size is not a positive integer, or an option makes no sense.
 * @throws {ShapeError} when the sequence or the hidden state does not fit.
 *
 * @example A sequence of five vectors
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.rnn(3, 4);
 * const [params, state] = layer.init(random.key(0));
 * const x = random.normal(random.key(1), [5, 2, 3]);
 * const [[output, hidden]] = layer.apply(params, state, x);
 * if (String(output.shape) !== "5,2,4") throw new Error(String(output.shape));
 * assertTensorsClose(hidden.at(0), output.at(4));
 *
 * // In two parts, the second going on where the first ended.
 * const [[, middle]] = layer.apply(params, state, x.at([0, 3]));
 * const [[, end]] = layer.apply(params, state, [x.at([3, 5]), middle]);
 * assertTensorsClose(end, hidden);
 * ```
 */
export function rnn(
  inputSize: number,
  hiddenSize: number,
  options: RnnOptions & { readonly outputs: "sequence" | "last" },
): Layer<RecurrentParams, Empty, RecurrentInput>;
/** A recurrent network that gives its outputs and its last hidden state. */
export function rnn(
  inputSize: number,
  hiddenSize: number,
  options?: RnnOptions & { readonly outputs?: "all" },
): Layer<RecurrentParams, Empty, RecurrentInput, RecurrentResult>;
/** The same with options that are known when the program runs. */
export function rnn(
  inputSize: number,
  hiddenSize: number,
  options: RnnOptions,
): Layer<RecurrentParams, Empty, RecurrentInput, Tensor | RecurrentResult>;
export function rnn(
  inputSize: number,
  hiddenSize: number,
  options?: RnnOptions,
  // deno-lint-ignore no-explicit-any
): Layer<RecurrentParams, Empty, RecurrentInput, any> {
  const read = readOptions("Cannot make an rnn layer", options, [
    ...RECURRENT_NAMES,
    "nonlinearity",
  ]);
  const cell = cellOf(readNonlinearity(read.nonlinearity, "rnn"));
  const settings = readSettings(cell, inputSize, hiddenSize, read);
  return inComputeDtype(
    read,
    described(describeRecurrent("rnn", inputSize, hiddenSize, read), {
      init: (key) => [initialize(settings, key), {}],
      apply(params, state, x, given) {
        const context = readContext(given, "rnn");
        const y = runRecurrent(settings, params, x, context, (h) => [h], ([h]) => h);
        return [y, state];
      },
    }),
  );
}
