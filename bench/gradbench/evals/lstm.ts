import { concatenate, grad, jit, scan, sigmoid, stack, tanh } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray, toNumber } from "./eval.ts";

interface Input {
  readonly main_params: readonly (readonly number[])[];
  readonly extra_params: readonly (readonly number[])[];
  readonly state: readonly (readonly number[])[];
  readonly sequence: readonly (readonly number[])[];
}

/** Weights as vectors: `main` is `[layers, 2, 4, b]` (weights and biases of four gates). */
interface Weights {
  readonly main: Tensor;
  readonly extra: Tensor;
}

/** The mean loss of predicting each next row of the sequence `[c, b]`; `state` is `[layers, 2, b]`. */
function loss({ main, extra }: Weights, state: Tensor, sequence: Tensor): Tensor {
  const [layers] = main.shape;
  const b = sequence.shape[1];
  const step = (state: Tensor, [input, target]: readonly [Tensor, Tensor]): [Tensor, Tensor] => {
    let x = input.mul(extra.at(0));
    const states: Tensor[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const [hidden, cell] = [state.at(layer, 0), state.at(layer, 1)];
      const gate = (i: number, x: Tensor) => x.mul(main.at(layer, 0, i)).add(main.at(layer, 1, i));
      const forget = sigmoid(gate(0, x));
      const ingate = sigmoid(gate(1, hidden));
      const outgate = sigmoid(gate(2, x));
      const change = tanh(gate(3, hidden));
      const nextCell = cell.mul(forget).add(ingate.mul(change));
      x = outgate.mul(tanh(nextCell));
      states.push(stack([x, nextCell]));
    }
    const predicted = x.mul(extra.at(1)).add(extra.at(2));
    const normalised = predicted.sub(predicted.exp().sum().add(2).log());
    return [stack(states), target.mul(normalised).sum()];
  };
  const c = sequence.shape[0];
  const rows = [sequence.at([0, c - 1]), sequence.at([1, c])] as const;
  return scan(step, state, rows)[1].sum().div(-b * (c - 1));
}

const objective = jit(loss);
const gradient = jit(grad(loss));

function read({ main_params, extra_params, state, sequence }: Input): [Weights, Tensor, Tensor] {
  const layers = main_params.length / 2;
  const main = floats(main_params).reshape([layers, 2, 4, -1]);
  const b = main.shape[3];
  return [
    { main, extra: floats(extra_params) },
    floats(state).reshape([layers, 2, b]),
    floats(sequence),
  ];
}

/** A recurrent network with diagonal weights. */
export const lstm: Eval = {
  objective(input: Input) {
    const args = read(input);
    return prepared(() => objective(...args), toNumber);
  },
  jacobian(input: Input) {
    const args = read(input);
    return prepared(
      () => gradient(...args),
      ({ main, extra }) => toArray(concatenate([main.ravel(), extra.ravel()])),
    );
  },
};
