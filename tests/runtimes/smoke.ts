/**
 * A program that uses a bit of everything, through the public entries alone. It needs nothing of the
 * runtime that it is in.
 *
 * @module
 */
import {
  configure,
  conv,
  foriLoop,
  grad,
  hessian,
  inspect,
  io,
  jit,
  linalg,
  makeProgram,
  matmul,
  random,
  scan,
  tensor,
  tree,
  valueAndGrad,
  vmap,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import * as nn from "@jacobi/jacobi/nn";
import * as optim from "@jacobi/jacobi/optim";
import { assertTensorsClose } from "@jacobi/jacobi/testing";

function assert(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** The message of the error that `f` ends in. */
function failureOf(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error(`${f} should have failed`);
}

function polynomial(x: Tensor): Tensor {
  return x.pow(3).sum();
}

/** Each part by its name. `foreign` is a tensor of another copy of the library, if there is one. */
export const parts: Readonly<Record<string, (foreign?: unknown) => void | Promise<void>>> = {
  gradient() {
    const x = tensor([1, 2, 3]);
    assertTensorsClose(grad(polynomial)(x), [3, 12, 27]);
    assertTensorsClose(jit(grad(polynomial))(x), [3, 12, 27]);
    assertTensorsClose(jit(hessian(polynomial))(x), [[6, 0, 0], [0, 12, 0], [0, 0, 18]]);
    assertTensorsClose(vmap(grad((a) => a.square()))(x), [2, 4, 6]);
  },
  training() {
    const layer = nn.sequential(nn.linear(4, 8), nn.linear(8, 1));
    const [params, state] = layer.init(random.key(0));
    const x = random.normal(random.key(1), [16, 4]);
    const y = x.sum(1, { keepdims: true });
    const optimizer = optim.adam(0.05);
    const loss = (p: typeof params) => nn.mseLoss(layer.apply(p, state, x)[0], y);
    const step = (p: typeof params, slots: ReturnType<typeof optimizer.init>) => {
      const [value, grads] = valueAndGrad(loss)(p);
      const [updates, next] = optimizer.update(grads, slots, p);
      return [value, optim.applyUpdates(p, updates), next] as const;
    };
    const compiled = jit(step);
    let [first, now, slots] = step(params, optimizer.init(params));
    const [same] = compiled(params, optimizer.init(params));
    assertTensorsClose(same, first, { rtol: 1e-5 });
    let last = first;
    for (let i = 0; i < 60; i++) [last, now, slots] = compiled(now, slots);
    assert(last.item() < first.item() / 10, `the loss is ${last}, and was ${first}`);
  },
  "products and convolutions"() {
    const a = random.normal(random.key(2), [70, 90], { dtype: "float64" });
    const whole = jit(matmul)(a, a.transpose());
    const row = a.at(3).mul(a).sum(1);
    assertTensorsClose(whole.at(3), row, { rtol: 1e-10, atol: 1e-10 });
    const image = tensor([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]);
    const filter = tensor([[[[1, 0], [0, -1]]]]);
    for (const f of [conv, jit(conv)]) {
      assertTensorsClose((f as typeof conv)(image, filter), [[[[-4, -4], [-4, -4]]]]);
    }
  },
  loops() {
    const power = (x: Tensor) => foriLoop(0, 5, (_, value: Tensor) => value.mul(x), tensor(1));
    assertTensorsClose(jit(grad(power))(tensor(2)), 80);
    const sums = (xs: Tensor) =>
      scan((carry: Tensor, x: Tensor) => [carry.add(x), carry.add(x)], tensor(0), xs)[1];
    assertTensorsClose(jit(sums)(tensor([1, 2, 3])), [1, 3, 6]);
  },
  "linear algebra"() {
    const a = tensor([[4, 1], [1, 3]]);
    assertTensorsClose(jit(linalg.solve)(a, tensor([1, 2])), [1 / 11, 7 / 11], { rtol: 1e-5 });
    assertTensorsClose(linalg.det(a), 11, { rtol: 1e-5 });
  },
  "random numbers"() {
    const bits = random.bits(random.key(0), [2]);
    assertTensorsClose(jit(() => random.bits(random.key(0), [2]))(), bits);
    // JAX's default stream.
    assertTensorsClose(random.uniform(random.key(0), [2]), [0.947667, 0.9785799], { atol: 1e-6 });
  },
  files() {
    const x = tensor([[1, 2], [3, 4]]);
    assertTensorsClose(io.readNpy(io.writeNpy(x)), x);
  },
  "threads, or none"() {
    configure({ threads: 2 });
    const a = random.normal(random.key(3), [200, 200]);
    const product = jit((x: Tensor) => x.matmul(x).tanh().sum(0));
    const [first] = product(a).toArray() as number[];
    for (let i = 0; i < 50; i++) {
      assert((product(a).at(0).item()) === first, "the bits depend on the call");
    }
  },
  text() {
    assert(String(tensor([1, 2])) === "tensor([1., 2.])", String(tensor([1, 2])));
    const program = makeProgram(grad(polynomial))(tensor([1, 2]));
    assert(inspect.toDot(program).startsWith("digraph"), inspect.toDot(program));
  },
  errors(foreign) {
    const error = failureOf(() => tensor([1, 2]).add(tensor([1, 2, 3])));
    assert(error.name === "ShapeError", String(error));
    assert(/\n.*\d+:\d+/.test(error.stack ?? ""), `the stack is ${error.stack}`);
    const [, first] = error.stack!.split("\n");
    assert(!/\/src\/(base|functions)\//.test(first), `the stack begins in the library: ${first}`);
    if (foreign === undefined) return;
    const { message } = failureOf(() => tensor(1).add(foreign as Tensor));
    assert(message.includes("float32[2] of another copy of Jacobi; import"), message);
  },
  async messages() {
    const params = { weight: tensor([[1, 2]]), rate: 0.1 };
    const refusal = failureOf(() => structuredClone(params));
    assert(refusal.name === "DataCloneError", String(refusal));
    const { port1, port2 } = new MessageChannel();
    const arrival = new Promise((resolve) => port2.onmessage = ({ data }) => resolve(data));
    const { message, transfer } = tree.toTransfer(params);
    port1.postMessage(message, transfer);
    const received = tree.fromTransfer<typeof params>(await arrival);
    assertTensorsClose(received.weight, [[1, 2]]);
    assert(received.rate === 0.1, String(received.rate));
    port1.close();
    port2.close();
  },
};
