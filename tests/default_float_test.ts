/**
 * The default floating-point dtype.
 *
 * @module
 */
import {
  arange,
  ArgumentError,
  cond,
  configure,
  eye,
  full,
  grad,
  hessian,
  jit,
  jvp,
  linspace,
  models,
  nn,
  oneHot,
  ones,
  optim,
  random,
  scan,
  tensor,
  tree,
  valueAndGrad,
  vmap,
  zeros,
} from "../mod.ts";
import type { Dtype, Tensor } from "../mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assertEquals } from "./support/std.ts";

/** Runs `f` with float64 as the default. */
function inDouble<T>(f: () => T): T {
  configure({ defaultFloat: "float64" });
  try {
    return f();
  } finally {
    configure({ defaultFloat: "float32" });
  }
}

const dtypesOf = (of: unknown): Dtype[] => [
  ...new Set((tree.leaves(of) as Tensor[]).map((x) => x.dtype)),
];

Deno.test("numbers and nested arrays keep their digits as float64", () => {
  const [x, y] = inDouble(() => [tensor(0.1), tensor([[0.1, 2]])]);
  assertEquals([x.dtype, x.item()], ["float64", 0.1]);
  assertEquals([y.dtype, y.toArray()], ["float64", [[0.1, 2]]]);
  assertEquals(tensor(0.1).dtype, "float32");
});

Deno.test("everything that is made without a dtype follows the default", () => {
  const key = random.key(0);
  const integers = tensor([1, 2, 3], { dtype: "int32" });
  const made = inDouble(() => [
    zeros([2]),
    ones([2]),
    full([2], 0.1),
    eye(2),
    arange(0, 1, 0.1),
    linspace(0, 1, 3),
    oneHot(integers, 4),
    integers.div(2),
    integers.add(0.5),
    integers.sqrt(),
    integers.mean(),
    integers.sin(),
    tensor([true, false]).div(3),
    random.uniform(key, [2]),
    random.normal(key, [2]),
    random.truncatedNormal(key, -1, 1, [2]),
    random.exponential(key, [2]),
    random.gamma(key, 2, [2]),
    random.beta(key, 1, 2, [2]),
    random.laplace(key, [2]),
    random.gumbel(key, [2]),
  ]);
  assertEquals(made.map((x) => x.dtype), made.map(() => "float64"));
});

Deno.test("typed arrays, integers and tensors keep their dtypes", () => {
  const kept = inDouble(() => [
    tensor(new Float32Array(2)),
    tensor(new Float32Array(2)).mul(0.1),
    tensor([1], { dtype: "float32" }).add([0.5]),
    arange(3),
    tensor([true]),
  ]);
  assertEquals(kept.map((x) => x.dtype), [
    "float32",
    "float32",
    "float32",
    inDouble(() => arange(3)).dtype,
    "bool",
  ]);
});

Deno.test("transforms of numbers compute in the default dtype", () => {
  inDouble(() => {
    assertEquals(grad((x: Tensor) => x.mul(0.1))(3).item(), 0.1);
    assertEquals(grad((x: Tensor) => x.mul(0.1))(3).dtype, "float64");
    assertEquals(jvp((x: Tensor) => x.mul(x), [0.1], [1])[1].item(), 0.2);
    assertEquals(hessian((x: Tensor) => x.pow(3))(0.1).dtype, "float64");
    assertEquals(vmap((x: Tensor) => x.mul(0.1))(tensor([1, 3])).toArray(), [0.1, 3 * 0.1]);
    assertEquals(scan((c, _x) => [c.add(0.1), null], 0, null, { length: 2 })[0].item(), 0.2);
    assertEquals(cond(true, (x) => x.mul(0.1), (x) => x, 1).item(), 0.1);
  });
});

Deno.test("a compiled function is traced again when the default changes", () => {
  const f = jit((x: Tensor) => x.add(tensor(0.1)));
  const integer = tensor(1, { dtype: "int32" });
  assertEquals(f(integer).dtype, "float32");
  inDouble(() => {
    assertEquals(
      f.explain(integer),
      "Traced: program 0 does not fit: the default dtype was float32, now float64",
    );
    assertEquals([f(integer).dtype, f(integer).item()], ["float64", 1.1]);
  });
  assertEquals(f(integer).dtype, "float32");
});

Deno.test("models and their training follow the default", () => {
  inDouble(() => {
    const model = nn.sequential(
      nn.conv2d(1, 2, 3, { padding: 1 }),
      nn.batchNorm(2),
      nn.flatten(),
      nn.linear(32, 3),
    );
    const [params, state] = model.init(random.key(0));
    assertEquals(dtypesOf(params), ["float64"]);
    const optimizer = optim.adam(0.1);
    const step = jit((params: unknown, x: Tensor) => {
      const loss = (p: unknown): Tensor =>
        model.apply(p as never, state, x, { train: true })[0].square().mean();
      const [value, grads] = valueAndGrad(loss)(params as never);
      return [value, optimizer.update(grads, optimizer.init(params), params)[0]] as const;
    });
    assertEquals(dtypesOf(step(params, random.normal(random.key(1), [2, 1, 4, 4]))), ["float64"]);
    assertEquals(dtypesOf(models.mlp([2, 3]).init(random.key(0))[0]), ["float64"]);
    for (const layer of [nn.lstm(2, 3), nn.gru(2, 3), nn.rnn(2, 3), nn.layerNorm(3)]) {
      assertEquals(dtypesOf(layer.init(random.key(0))[0]), ["float64"]);
    }
  });
});

Deno.test("other dtypes are no default", () => {
  assertRefused(
    () => configure({ defaultFloat: "int32" as never }),
    ArgumentError,
    'Cannot configure defaultFloat as "int32": expected "float32" or "float64"',
  );
});
