/**
 * The gated recurrent unit.
 *
 * @module
 */
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, matmul, mul, sigmoid, split, sub, tanh } from "../functions/mod.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import { readContext } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";
import { runRecurrent } from "./recurrence.ts";
import { describeRecurrent, initialize, readSettings, RECURRENT_NAMES } from "./recurrent.ts";
import type { Cell, CellWeights, RecurrentOptions, RecurrentParams } from "./recurrent.ts";
import type { RecurrentInput, RecurrentResult } from "./rnn.ts";

/**
 * The gates reset, update and new, in PyTorch's order. The reset gate acts on the recurrent product,
 * its bias included: the form in which a step needs one product.
 */
function gruStep(
  [hidden]: readonly Tensor[],
  x: Tensor,
  { recurrent, bias }: CellWeights,
): Tensor[] {
  const product = matmul(hidden, recurrent);
  const shares = bias === undefined ? product : add(product, bias);
  const [xReset, xUpdate, xNew] = split(x, 3, -1);
  const [hReset, hUpdate, hNew] = split(shares, 3, -1);
  const reset = sigmoid(add(xReset, hReset));
  const update = sigmoid(add(xUpdate, hUpdate));
  const fresh = tanh(add(xNew, mul(reset, hNew)));
  // (1 - update) * fresh + update * hidden
  return [add(fresh, mul(update, sub(hidden, fresh)))];
}

/** The gated recurrent unit. */
export const cell: Cell = {
  name: "gru",
  gates: 3,
  parts: ["hidden"],
  separateBias: true,
  step: gruStep,
};

/**
 * Gated recurrent units (Cho et al., "Learning phrase representations using RNN encoder-decoder",
 * 2014), as PyTorch's `GRU`, over `scan`: with the gates `r`, `z` and `n` in this order in the
 * parameters,
 *
 * - `r = sigmoid(x @ W_ir.T + b_ir + h @ W_hr.T + b_hr)`,
 * - `z = sigmoid(x @ W_iz.T + b_iz + h @ W_hz.T + b_hz)`,
 * - `n = tanh(x @ W_in.T + b_in + r * (h @ W_hn.T + b_hn))`,
 * - `h' = (1 - z) * n + z * h`.
 *
 * The layer gives `[output, hidden]`: the hidden states of the last layer at all times, and those of all
 * layers at the last time. In `sequential`, which passes on one tensor, use `outputs: "sequence"` or
 * `outputs: "last"`.
 *
 * @category Recurrent layers
 * @param inputSize The number of features of the input.
 * @param hiddenSize The number of features `H` of the hidden state.
 * @param options Layers, directions, layout, bias, dropout, outputs, dtype.
 * @returns A layer from a sequence `[T, B, inputSize]` (`[B, T, inputSize]` with `batchFirst`, or
 * `[T, inputSize]`), or a pair of it and the first hidden state `[layers * directions, B, H]` (without
 * `B` for a sequence without a batch; zeros when left out), to `[output, hidden]`: `output` laid out
 * as the sequence with `directions * H` features, `hidden` as the first hidden state.
 * @throws {ArgumentError} when a size is not a positive integer, or an option makes no sense.
 * @throws {ShapeError} when the sequence or the hidden state does not fit.
 *
 * @example A classifier of sequences
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const model = nn.sequential(
 *   nn.gru(3, 8, { batchFirst: true, bidirectional: true, outputs: "last" }),
 *   nn.linear(16, 2),
 * );
 * const [params, state] = model.init(random.key(0));
 * const [logits] = model.apply(params, state, random.normal(random.key(1), [4, 5, 3]));
 * if (String(logits.shape) !== "4,2") throw new Error(String(logits.shape));
 * ```
 */
export function gru(
  inputSize: number,
  hiddenSize: number,
  options: RecurrentOptions & { readonly outputs: "sequence" | "last" },
): Layer<RecurrentParams, Empty, RecurrentInput>;
/** Gated recurrent units that give their outputs and their last hidden state. */
export function gru(
  inputSize: number,
  hiddenSize: number,
  options?: RecurrentOptions & { readonly outputs?: "all" },
): Layer<RecurrentParams, Empty, RecurrentInput, RecurrentResult>;
/** The same with options that are known when the program runs. */
export function gru(
  inputSize: number,
  hiddenSize: number,
  options: RecurrentOptions,
): Layer<RecurrentParams, Empty, RecurrentInput, Tensor | RecurrentResult>;
export function gru(
  inputSize: number,
  hiddenSize: number,
  options?: RecurrentOptions,
  // deno-lint-ignore no-explicit-any
): Layer<RecurrentParams, Empty, RecurrentInput, any> {
  const read = readOptions("Cannot make a gru layer", options, RECURRENT_NAMES);
  const settings = readSettings(cell, inputSize, hiddenSize, read);
  return inComputeDtype(
    read,
    described(describeRecurrent("gru", inputSize, hiddenSize, read), {
      init: (key) => [initialize(settings, key), {}],
      apply(params, state, x, given) {
        const context = readContext(given, "gru");
        const y = runRecurrent(settings, params, x, context, (h) => [h], ([h]) => h);
        return [y, state];
      },
    }),
  );
}
