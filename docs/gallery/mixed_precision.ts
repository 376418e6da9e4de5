// Mixed precision
// float16 and bfloat16 compared with float32: rounding, range, loss scaling and training.
import { finfo, grad, jit, nn, ones, optim, random, scan, tensor, tree } from "@jacobi/jacobi";
import { valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, table } from "./show.ts";

const dtypes = ["float32", "bfloat16", "float16"] as const;
await table(dtypes.map((dtype) => ({
  dtype,
  "1 / 3": tensor(1 / 3).astype(dtype).item(),
  "1 + 0.001": tensor(1.001).astype(dtype).item(),
  greatest: finfo(dtype).max,
  least: finfo(dtype).smallestNormal,
})));
// Sums are accumulated in float32 and rounded once.
const many = ones([4096]).astype("bfloat16");
console.log("the sum of 4096 ones in bfloat16:", many.sum().item());

// A gradient below float16's range vanishes, unless the loss is scaled.
const tiny = (x: Tensor, scale: number) => x.mul(1e-4).mul(1e-4).mul(scale).sum();
const x = ones([]).astype("float16");
const [lost, kept] = [1, 1024].map((scale) =>
  grad((x: Tensor) => tiny(x, scale))(x).item() / scale
);
console.log(`a gradient of 1e-8 in float16: ${lost}, with a scaled loss: ${kept.toExponential(1)}`);

// Training: parameters in float32, activations in bfloat16.
const inputs = random.normal(random.key(0), [256, 8]);
const target = inputs.at(null, [0, 4]).mul(inputs.at(null, [4, 8])).sum(1, { keepdims: true });
const model = nn.sequential(nn.linear(8, 64), nn.gelu, nn.linear(64, 1));
const [initial, state] = model.init(random.key(1));
type Params = typeof initial;
function losses(dtype: (typeof dtypes)[number]): Tensor {
  const optimizer = optim.adam(0.01);
  type State = readonly [Params, optim.OptimizerState];
  const loss = (params: Params) => {
    const small = tree.map((p: Tensor) => p.astype(dtype), params) as Params;
    const output = model.apply(small, state, inputs.astype(dtype))[0];
    return nn.mseLoss(output.astype("float32"), target);
  };
  const step = ([params, memory]: State): [State, Tensor] => {
    const [value, gradient] = valueAndGrad(loss)(params);
    const [updates, next] = optimizer.update(gradient, memory, params);
    return [[optim.applyUpdates(params, updates), next], value];
  };
  return jit((params: Params) =>
    scan(step, [params, optimizer.init(params)], null, { length: 200 })[1]
  )(initial);
}
const [exact, half] = [losses("float32"), losses("bfloat16")];
await plot({ float32: exact, bfloat16: half }, { title: "Loss by step", logY: true });
check(many.sum().item() === 4096, "sums of half floats do not stall");
check(lost === 0 && Math.abs(kept - 1e-8) < 2e-9, "a scaled loss saves small gradients");
const [a, b] = [exact.at(-1).item(), half.at(-1).item()];
check(b < exact.at(0).item() / 10, `both train: ${a.toFixed(4)} and ${b.toFixed(4)}`);
