/**
 * One step of recurrent layers.
 *
 * @module
 */
import { defaultFloat, describeValue, isFloat } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { described } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import { commonDtype } from "../functions/broadcasting.ts";
import { add, astype, matmul, zeros } from "../functions/mod.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import { cell as gru } from "./gru.ts";
import { readContext } from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";
import { cell as lstm } from "./lstm.ts";
import { readParameters, weightsOf } from "./recurrence.ts";
import { initialize, readSettings } from "./recurrent.ts";
import type { Cell } from "./recurrent.ts";
import { cellOf, readNonlinearity } from "./rnn.ts";

/**
 * Parameters of `rnnCell`, `gruCell` and `lstmCell`, `G` being the number of gates: 1, 3 and 4.
 *
 * @category Recurrent layers
 */
export interface RecurrentCellParams {
  /** `[G * hiddenSize, inputSize]`. */
  readonly weight_ih: Tensor;
  /** `[G * hiddenSize, hiddenSize]`. */
  readonly weight_hh: Tensor;
  /** `[G * hiddenSize]`; absent with `bias: false`. */
  readonly bias_ih?: Tensor;
  /** `[G * hiddenSize]`; absent with `bias: false`. */
  readonly bias_hh?: Tensor;
}

/**
 * Options of `gruCell` and `lstmCell`.
 *
 * @category Recurrent layers
 */
export interface RecurrentCellOptions extends ParameterOptions {
  /** Whether there are biases. Default `true`. */
  readonly bias?: boolean;
}

/**
 * Options of `rnnCell`.
 *
 * @category Recurrent layers
 */
export interface RnnCellOptions extends RecurrentCellOptions {
  /** The function applied to the sum. Default `"tanh"`. */
  readonly nonlinearity?: "tanh" | "relu";
}

/**
 * The input of `rnnCell` and `gruCell`: an input, or a pair of it and the hidden state.
 *
 * @category Recurrent layers
 */
export type RecurrentCellInput = Tensor | readonly [input: Tensor, hidden: Tensor];

/**
 * The input of `lstmCell`: an input, or a pair of it and the state.
 *
 * @category Recurrent layers
 */
export type LstmCellInput =
  | Tensor
  | readonly [input: Tensor, state: readonly [hidden: Tensor, cell: Tensor]];

/** The parts of a step's input, and its state by parts. */
type Read = (state: unknown) => readonly unknown[];

function recurrentCell<Input, Output>(
  plain: Cell,
  inputSize: number,
  hiddenSize: number,
  options: RecurrentCellOptions,
  readState: Read,
  showState: (state: readonly Tensor[]) => Output,
): Layer<RecurrentCellParams, Empty, Input, Output> {
  const cell = { ...plain, name: `${plain.name}Cell` };
  const settings = readSettings(cell, inputSize, hiddenSize, options);
  const what = `Cannot apply ${cell.name}`;
  // The names are those of the first layer's, without its number.
  const short = (name: string) => name.replace(/_l0$/, "");
  return inComputeDtype(
    options,
    described({ name: cell.name, args: [inputSize, hiddenSize], settings: options }, {
      init(key) {
        const fresh = Object.entries(initialize(settings, key));
        const params = Object.fromEntries(fresh.map(([name, leaf]) => [short(name), leaf]));
        return [params as unknown as RecurrentCellParams, {}];
      },
      apply(params, state, x, context) {
        readContext(context, cell.name);
        const isPair = Array.isArray(x) && x[0] instanceof Tensor;
        const input = toTensor((isPair ? x[0] : x) as Tensor, what);
        if (input.ndim === 0 || input.ndim > 2 || input.shape.at(-1) !== inputSize) {
          throw shapeError(
            `${what} to ${showType(input)}: expected [B, ${inputSize}] or [${inputSize}]`,
          );
        }
        const expected = [...input.shape.slice(0, -1), hiddenSize];
        const given = isPair ? readState(x[1]) : [];
        const start = given.map((part, i) => {
          const read = toTensor(part as Tensor, `${what} with this ${cell.parts[i]} state`);
          if (sameShape(read.shape, expected)) return read;
          throw shapeError(
            `${what} to ${showType(input)} with ${cell.parts[i]} state ${showType(read)}: ` +
              `expected shape ${showShape(expected)}`,
          );
        });
        const leaves = readParameters(settings, params, short);
        const common = commonDtype(what, [input, ...start, ...leaves.values()]);
        const dtype = isFloat(common) ? common : defaultFloat();
        const weights = weightsOf(settings, (name) => astype(leaves.get(name)!, dtype), 0, 0);
        const product = matmul(astype(input, dtype), weights.input);
        const shares = weights.shift === undefined ? product : add(product, weights.shift);
        const from = cell.parts.map((_, i) =>
          start.length > 0 ? astype(start[i], dtype) : zeros(expected, { dtype })
        );
        return [showState(cell.step(from, shares, weights)), state];
      },
    }),
  );
}

/** The one part of a hidden state. */
const alone: Read = (hidden) => [hidden];

/**
 * One step of `rnn`, as PyTorch's `RNNCell`:
 * `h' = tanh(x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh)`.
 *
 * @category Recurrent layers
 * @param inputSize The number of features of the input.
 * @param hiddenSize The number of features of the hidden state.
 * @param options Nonlinearity, bias, dtype.
 * @returns A layer from an input `[B, inputSize]` or `[inputSize]`, or a pair of it and the hidden state
 * (zeros when left out), to the next hidden state `[B, hiddenSize]` or `[hiddenSize]`.
 * @throws {ArgumentError} when a size is not a positive integer, or an option makes no sense.
 * @throws {ShapeError} when the input or the hidden state does not fit.
 *
 * @example A step by hand
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.rnnCell(1, 1, { bias: false, nonlinearity: "relu" });
 * const params = { weight_ih: tensor([[2]]), weight_hh: tensor([[10]]) };
 * assertTensorsClose(layer.apply(params, {}, [tensor([3]), tensor([1])])[0], [16]);
 * ```
 */
export function rnnCell(
  inputSize: number,
  hiddenSize: number,
  options?: RnnCellOptions,
): Layer<RecurrentCellParams, Empty, RecurrentCellInput> {
  const names = ["bias", "nonlinearity", "dtype", "computeDtype"] as const;
  const read = readOptions("Cannot make an rnnCell layer", options, names);
  const cell = cellOf(readNonlinearity(read.nonlinearity, "rnnCell"));
  return recurrentCell(cell, inputSize, hiddenSize, read, alone, ([h]) => h);
}

/** The options of cells with gates. */
const NAMES = ["bias", "dtype", "computeDtype"] as const;

/**
 * One step of `gru`, as PyTorch's `GRUCell`.
 *
 * @category Recurrent layers
 * @param inputSize The number of features of the input.
 * @param hiddenSize The number of features of the hidden state.
 * @param options Bias, dtype.
 * @returns A layer from an input `[B, inputSize]` or `[inputSize]`, or a pair of it and the hidden state
 * (zeros when left out), to the next hidden state `[B, hiddenSize]` or `[hiddenSize]`.
 * @throws {ArgumentError} when a size is not a positive integer, or an option makes no sense.
 * @throws {ShapeError} when the input or the hidden state does not fit.
 *
 * @example A loop of one's own
 * ```ts
 * import { nn, ones, random, zeros } from "@jacobi/jacobi";
 *
 * const layer = nn.gruCell(3, 4);
 * const [params] = layer.init(random.key(0));
 * let hidden = zeros([2, 4]);
 * for (let i = 0; i < 3; i++) [hidden] = layer.apply(params, {}, [ones([2, 3]), hidden]);
 * if (String(hidden.shape) !== "2,4") throw new Error(String(hidden.shape));
 * ```
 */
export function gruCell(
  inputSize: number,
  hiddenSize: number,
  options?: RecurrentCellOptions,
): Layer<RecurrentCellParams, Empty, RecurrentCellInput> {
  const read = readOptions("Cannot make a gruCell layer", options, NAMES);
  return recurrentCell(gru, inputSize, hiddenSize, read, alone, ([h]) => h);
}

/**
 * One step of `lstm`, as PyTorch's `LSTMCell`.
 *
 * @category Recurrent layers
 * @param inputSize The number of features of the input.
 * @param hiddenSize The number of features of both parts of the state.
 * @param options Bias, dtype.
 * @returns A layer from an input `[B, inputSize]` or `[inputSize]`, or a pair of it and the state
 * `[hidden, cell]` (zeros when left out), to the next state: `[B, hiddenSize]` or `[hiddenSize]` each.
 * @throws {ArgumentError} when a size is not a positive integer, or an option makes no sense.
 * @throws {ShapeError} when the input or the state does not fit.
 *
 * @example Two steps
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.lstmCell(3, 4);
 * const [params] = layer.init(random.key(0));
 * const [state] = layer.apply(params, {}, ones([3]));
 * const [[hidden]] = layer.apply(params, {}, [ones([3]), state]);
 * if (String(hidden.shape) !== "4") throw new Error(String(hidden.shape));
 * ```
 */
export function lstmCell(
  inputSize: number,
  hiddenSize: number,
  options?: RecurrentCellOptions,
): Layer<RecurrentCellParams, Empty, LstmCellInput, [hidden: Tensor, cell: Tensor]> {
  const read = readOptions("Cannot make an lstmCell layer", options, NAMES);
  const both: Read = (state) => {
    if (Array.isArray(state) && state.length === 2) return state;
    throw argumentError(
      `Cannot apply lstmCell with state ${describeValue(state)}: expected a pair [hidden, cell]`,
    );
  };
  return recurrentCell(lstm, inputSize, hiddenSize, read, both, ([h, c]) => [h, c]);
}
