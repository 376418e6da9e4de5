import {
  ArgumentError,
  checkpoint,
  cond,
  customVjp,
  foriLoop,
  grad,
  inspect,
  jit,
  nn,
  noGrad,
  random,
  scan,
  stopGradient,
  tensor,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

const [a, b, c] = [tensor(2), tensor(3), tensor(4)];
const integer = tensor(1, { dtype: "int32" });

Deno.test("derivatives are told from other dependences", () => {
  const f = (x: Tensor, y: Tensor, i: Tensor) => ({
    product: x.mul(y),
    zero: x.mul(0),
    rounded: x.round(),
    less: [x.less(y)],
    stopped: stopGradient(x).add(y),
    quiet: noGrad(() => x.mul(x))(),
    chosen: y.mul(tensor([1, 2])).at(i),
    constant: tensor(1),
  });
  const { differentiable, all } = inspect.dependence(f)(a, b, integer);
  assertEquals(
    differentiable,
    {
      product: ["0", "1"],
      zero: ["0"],
      rounded: [],
      less: [[]],
      stopped: ["1"],
      quiet: [],
      chosen: ["1"],
      constant: [],
    } as typeof differentiable,
  );
  assertEquals(
    all,
    {
      product: ["0", "1"],
      zero: ["0"],
      rounded: ["0"],
      less: [["0", "1"]],
      stopped: ["0", "1"],
      quiet: ["0"],
      chosen: ["1", "2"],
      constant: [],
    } as typeof all,
  );
});

Deno.test("loops, branches and calls are looked into, result by result", () => {
  const swap = (x: Tensor, y: Tensor, z: Tensor) =>
    scan(([x, y, z], _step) => [[y, x, z], z], [x, y, z], null, { length: 3 });
  assertEquals(inspect.dependence(swap)(a, b, c).differentiable, [
    [["0", "1"], ["0", "1"], ["2"]],
    ["2"],
  ] as never);
  const choose = (p: Tensor, x: Tensor, y: Tensor) =>
    cond(p.greater(0), (x, y) => [x.sin(), y], (x, y) => [x, y], x, y);
  const chosen = inspect.dependence(choose)(a, b, c);
  assertEquals(chosen.differentiable, [["1"], ["2"]] as never);
  assertEquals(chosen.all, [["0", "1"], ["2"]] as never);
  const loop = (limit: Tensor, x: Tensor, y: Tensor) =>
    whileLoop(([x]) => x.less(limit), ([x, y]) => [x.mul(2), y], [x, y]);
  const looped = inspect.dependence(loop)(a, b, c);
  assertEquals(looped.differentiable, [["1"], ["2"]] as never);
  assertEquals(looped.all, [["0", "1"], ["2"]] as never);
  const pair = (x: Tensor, y: Tensor) => [x.exp(), stopGradient(y)];
  for (const f of [jit(pair), checkpoint(pair)]) {
    const { differentiable, all } = inspect.dependence(f)(a, b);
    assertEquals(differentiable, [["0"], []] as never);
    assertEquals(all, [["0"], ["1"]] as never);
  }
  const rule = customVjp(
    (x: Tensor, y: Tensor) => [x.mul(2), y],
    (x, y) => [[x.mul(2), y], null],
    (_residuals, [dx, dy]) => [dx.mul(2), dy],
  );
  assertEquals(inspect.dependence(rule)(a, b).all, [["0"], ["1"]] as never);
  const counted = (x: Tensor) => foriLoop(0, 3, (_i, y) => y.mul(x), tensor(1));
  assertEquals(inspect.dependence(counted)(a).differentiable, ["0"] as never);
  assertEquals(inspect.dependence(vmap(grad((x: Tensor) => x.pow(3))))(tensor([1, 2])).all, [
    "0",
  ] as never);
});

Deno.test("the weights of a model are named by their paths", () => {
  const model = nn.sequential({ body: nn.linear(2, 3), act: nn.relu, head: nn.linear(3, 1) });
  const [params, state] = model.init(random.key(0));
  const f = (p: typeof params, x: Tensor) => {
    const frozen = { ...p, body: stopGradient(p.body) };
    return model.apply(frozen, state, x)[0];
  };
  const { differentiable, all } = inspect.dependence(f)(params, tensor([[1, 2]]));
  assertEquals(differentiable, ["0.head.bias", "0.head.weight", "1"]);
  assertEquals(all, ["0.body.bias", "0.body.weight", "0.head.bias", "0.head.weight", "1"]);
  assertRefused(
    () => inspect.dependence(tensor(1) as never),
    ArgumentError,
    "Cannot apply dependence to float32[]: expected a function; pass the function itself, not its " +
      "result",
  );
});
