/**
 * Layers of cells, in one or two directions, over a sequence.
 *
 * @module
 */
import { defaultFloat, isFloat } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { range, sameShape, showShape, showType } from "../base/shape.ts";
import { scan } from "../control/mod.ts";
import { toTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import { commonDtype } from "../functions/broadcasting.ts";
import {
  add,
  astype,
  concatenate,
  expandDims,
  index,
  matmul,
  squeeze,
  stack,
  swapaxes,
  transpose,
  zeros,
} from "../functions/mod.ts";
import { foldIn } from "../random/mod.ts";
import { dropout } from "./dropout.ts";
import { readLeaf } from "./layer.ts";
import type { Context } from "./layer.ts";
import { parameterShapes, suffixOf } from "./recurrent.ts";
import type { Cell, CellWeights, RecurrentParams, RecurrentSettings } from "./recurrent.ts";

/** The weights of one direction of one layer, checked and in one dtype. */
interface DirectionWeights extends CellWeights {
  /** `[inputSize, G * H]`: the transposed matrix for the input. */
  readonly input: Tensor;
  /** `[G * H]`: the bias added to the product with the input. */
  readonly shift: Tensor | undefined;
}

/** The parameters by name, checked; `key` says under which names they are in the tree. */
export function readParameters(
  settings: RecurrentSettings,
  params: object,
  key: (name: string) => string = (name) => name,
): ReadonlyMap<string, Tensor> {
  const layer = settings.cell.name;
  return new Map(
    parameterShapes(settings).map(([name, shape]) => {
      const leaf = readLeaf(params, "params", key(name), layer);
      if (sameShape(leaf.shape, shape)) return [name, leaf];
      throw shapeError(
        `Cannot apply ${layer} with ${key(name)} ${showType(leaf)}: ` +
          `expected shape ${showShape(shape)}`,
      );
    }),
  );
}

/** The weights of one direction of one layer, `read` giving parameters by name. */
export function weightsOf(
  settings: RecurrentSettings,
  read: (name: string) => Tensor,
  layer: number,
  direction: number,
): DirectionWeights {
  const suffix = suffixOf(layer, direction);
  const { separateBias } = settings.cell;
  const own = settings.bias ? read(`bias_ih_${suffix}`) : undefined;
  const other = settings.bias ? read(`bias_hh_${suffix}`) : undefined;
  return {
    input: transpose(read(`weight_ih_${suffix}`)),
    recurrent: transpose(read(`weight_hh_${suffix}`)),
    shift: own === undefined || other === undefined || separateBias ? own : add(own, other),
    ...(separateBias && other !== undefined ? { bias: other } : {}),
    ...(settings.isProjected ? { projection: transpose(read(`weight_hr_${suffix}`)) } : {}),
  };
}

/**
 * One direction of one layer over a sequence `[T, B, features]`: the outputs of all times, in the order
 * of the input, and the last state. The input's share of all gates at all times is one product.
 */
function runDirection(
  cell: Cell,
  weights: DirectionWeights,
  x: Tensor,
  start: Tensor[],
  reverse: boolean,
): [outputs: Tensor, last: readonly Tensor[]] {
  const product = matmul(x, weights.input);
  const shares = weights.shift === undefined ? product : add(product, weights.shift);
  const [last, outputs] = scan(
    (state: Tensor[], share: Tensor): [Tensor[], Tensor] => {
      const next = cell.step(state, share, weights);
      return [next, next[0]];
    },
    start,
    shares,
    { reverse },
  );
  return [outputs, last];
}

/** The operands of a recurrent layer: a sequence, and optionally initial states. */
interface Operands {
  /** `[T, B, inputSize]`. */
  readonly x: Tensor;
  /** Of each part of the state `[numLayers * directions, B, size]`; none means zeros. */
  readonly start: readonly Tensor[];
  readonly isBatched: boolean;
}

/** The input and the initial states, checked and with a batch. */
function readOperands(
  settings: RecurrentSettings,
  given: unknown,
  states: readonly unknown[],
): Operands {
  const { cell, inputSize, batchFirst, numLayers, directions } = settings;
  const what = `Cannot apply ${cell.name}`;
  const input = toTensor(given as Tensor, what);
  const isBatched = input.ndim === 3;
  if ((!isBatched && input.ndim !== 2) || input.shape[input.ndim - 1] !== inputSize) {
    const batched = batchFirst ? `[B, T, ${inputSize}]` : `[T, B, ${inputSize}]`;
    throw shapeError(
      `${what} to ${showType(input)}: expected ${batched} or [T, ${inputSize}]`,
    );
  }
  const x = !isBatched ? expandDims(input, 1) : batchFirst ? swapaxes(input, 0, 1) : input;
  const start = states.map((state, part) => {
    const name = cell.parts[part];
    const read = toTensor(state as Tensor, `${what} with this ${name} state`);
    const size = part === 0 ? settings.outputSize : settings.hiddenSize;
    const count = numLayers * directions;
    const expected = isBatched ? [count, x.shape[1], size] : [count, size];
    if (!sameShape(read.shape, expected)) {
      throw shapeError(
        `${what} to ${showType(input)} with ${name} state ${showType(read)}: ` +
          `expected shape ${showShape(expected)}`,
      );
    }
    return isBatched ? read : expandDims(read, 1);
  });
  return { x, start, isBatched };
}

/**
 * The outputs of all times, laid out as the input, and the last state, each part
 * `[numLayers * directions, B, size]`.
 */
function runLayers(
  settings: RecurrentSettings,
  params: RecurrentParams,
  { x, start }: Operands,
  context: Context,
): [outputs: Tensor, last: Tensor[]] {
  const { cell, directions, numLayers } = settings;
  const what = `Cannot apply ${cell.name}`;
  const leaves = readParameters(settings, params);
  // The state must keep its dtype from step to step.
  const common = commonDtype(what, [x, ...start, ...leaves.values()]);
  const dtype = isFloat(common) ? common : defaultFloat();
  const read = (name: string): Tensor => astype(leaves.get(name)!, dtype);
  const batch = x.shape[1];
  const initial = (part: number, place: number): Tensor => {
    if (start.length > 0) return astype(index(start[part], place), dtype);
    return zeros([batch, part === 0 ? settings.outputSize : settings.hiddenSize], { dtype });
  };
  let sequence = astype(x, dtype);
  const finals: Tensor[][] = cell.parts.map(() => []);
  for (let layer = 0; layer < numLayers; layer++) {
    if (layer > 0 && settings.dropout > 0) {
      const own = context.key === undefined
        ? context
        : { ...context, key: foldIn(context.key, layer) };
      [sequence] = dropout(settings.dropout).apply({}, {}, sequence, own);
    }
    const outputs: Tensor[] = [];
    for (let direction = 0; direction < directions; direction++) {
      const place = layer * directions + direction;
      const [output, last] = runDirection(
        cell,
        weightsOf(settings, read, layer, direction),
        sequence,
        cell.parts.map((_, part) => initial(part, place)),
        direction === 1,
      );
      outputs.push(output);
      last.forEach((state, part) => finals[part].push(state));
    }
    sequence = outputs.length === 1 ? outputs[0] : concatenate(outputs, -1);
  }
  return [sequence, finals.map((states) => stack(states))];
}

/**
 * The layer's function.
 *
 * @param x A sequence, or a pair of a sequence and what `readState` makes a list of tensors of.
 * @param showState The last state as users see it.
 */
export function runRecurrent<State>(
  settings: RecurrentSettings,
  params: RecurrentParams,
  x: unknown,
  context: Context,
  readState: (state: unknown) => readonly unknown[],
  showState: (last: readonly Tensor[]) => State,
): Tensor | [output: Tensor, state: State] {
  // An array that begins with a tensor is no nested array of numbers.
  const isPair = Array.isArray(x) && x[0] instanceof Tensor;
  if (isPair && x.length !== 2) {
    throw argumentError(
      `Cannot apply ${settings.cell.name} to a list of ${x.length}: ` +
        `expected a sequence, or a pair of a sequence and an initial state`,
    );
  }
  const operands = readOperands(settings, isPair ? x[0] : x, isPair ? readState(x[1]) : []);
  const [outputs, last] = runLayers(settings, params, operands, context);
  const alone = !operands.isBatched;
  if (settings.outputs === "last") {
    const { directions } = settings;
    const own = range(-directions, 0).map((place) => index(last[0], place));
    const joined = own.length === 1 ? own[0] : concatenate(own, -1);
    return alone ? squeeze(joined, 0) : joined;
  }
  const laidOut = alone
    ? squeeze(outputs, 1)
    : settings.batchFirst
    ? swapaxes(outputs, 0, 1)
    : outputs;
  if (settings.outputs === "sequence") return laidOut;
  return [laidOut, showState(alone ? last.map((part) => squeeze(part, 1)) : last)];
}
