import {
  ArgumentError,
  checkpoint,
  cond,
  cos,
  DtypeError,
  grad,
  jit,
  jvp,
  mul,
  ones,
  scan,
  ShapeError,
  sin,
  sub,
  tensor,
  TraceError,
  TreeError,
  valueAndGrad,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
  assertType,
} from "../support/std.ts";
import type { IsExact } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

Deno.test("grad differentiates by the first argument unless told otherwise", () => {
  const f = (x: Tensor, y: Tensor) => x.square().mul(y).sum();
  const [x, y] = [f64([1, 2]), f64([3, 5])];
  assertTensorsClose(grad(f)(x, y), f64([6, 20]));
  assertTensorsClose(grad(f, { argnums: 1 })(x, y), f64([1, 4]));
  assertTensorsClose(grad(f, { argnums: -1 })(x, y), f64([1, 4]));
  assertTensorsClose(grad(f, { argnums: -2 })(x, y), f64([6, 20]));
});

Deno.test("a list of argnums gives a list of gradients, in its order", () => {
  const f = (x: Tensor, y: Tensor, z: Tensor) => x.mul(y).mul(z);
  const both = grad(f, { argnums: [2, 0] })(2, f64(3), 5);
  assertType<IsExact<typeof both, [Tensor, Tensor]>>(true);
  assertEquals(both.map((g) => g.item()), [6, 15]);
  assertEquals(grad(f, { argnums: [-1] })(f64(2), f64(3), f64(5)).map((g) => g.item()), [6]);
  assertEquals(grad(f, { argnums: [] })(f64(2), f64(3), f64(5)).length, 0);
});

Deno.test("valueAndGrad gives the value with the gradient", () => {
  const [value, gradient] = valueAndGrad((x: Tensor) => x.square().sum())(f64([1, 2]));
  assertTensorsClose(value, f64(5));
  assertTensorsClose(gradient, f64([2, 4]));
  const [, gradients] = valueAndGrad((x: Tensor, y: Tensor) => x.mul(y), { argnums: [0, 1] })(2, 3);
  assertEquals(gradients.map((g) => g.item()), [3, 2]);
});

Deno.test("hasAux hands on what else the function returns, without derivative", () => {
  const f = (x: Tensor) => {
    const y = x.square();
    return [y.sum(), { y, steps: 3, name: "square", none: null }] as [Tensor, {
      y: Tensor;
      steps: number;
      name: string;
      none: null;
    }];
  };
  const [gradient, aux] = grad(f, { hasAux: true })(f64([1, 2]));
  assertTensorsClose(gradient, f64([2, 4]));
  assertTensorsClose(aux.y, f64([1, 4]));
  assertEquals([aux.name, aux.none, aux.steps as unknown], ["square", null, 3]);
  const [[value, again], same] = valueAndGrad(f, { hasAux: true })(f64([1, 2]));
  assertTensorsClose(value, f64(5));
  assertTensorsClose(again.y, f64([1, 4]));
  assertTensorsClose(same, f64([2, 4]));
  // What comes out is no tracer: it can be used, and it is a constant to the next transform.
  assertTensorsClose(aux.y.add(1), f64([2, 5]));
});

Deno.test("the gradient is a tree like the argument", () => {
  const params = {
    layers: [{ w: f64([[1, 2], [3, 4]]), b: f64([1, 1]) }, { w: f64([[1, 0], [0, 1]]), b: null }],
    scale: 2,
  };
  const f = (p: typeof params) => {
    const [first, second] = p.layers;
    return mul(first.w.mul(second.w).sum().add(first.b!.sum()), p.scale);
  };
  // deno-lint-ignore no-explicit-any
  const g = grad(f as any)(params as any) as any;
  assertTensorsClose(g.layers[0].w, f64([[2, 0], [0, 2]]));
  assertTensorsClose(g.layers[0].b, f64([2, 2]));
  assertTensorsClose(g.layers[1].w, f64([[2, 4], [6, 8]]));
  assertStrictEquals(g.layers[1].b, null);
  // The number took part as float64, and so does its gradient.
  assertEquals([g.scale.dtype, g.scale.item()], ["float64", 7]);
  assertEquals(Object.keys(g), ["layers", "scale"]);
});

Deno.test("numbers and typed arrays are leaves", () => {
  const cube = (x: Tensor) => x.mul(x).mul(x).sum();
  const g = grad(cube)(2);
  assertEquals([g.dtype, g.item()], ["float32", 12]);
  const doubles = grad(cube)(Float64Array.of(1, 2));
  assertEquals([doubles.dtype, doubles.toArray()], ["float64", [3, 12]]);
  const [a, b] = grad(([a, b]: [Tensor, Tensor]) => a.mul(b))([2, 3]);
  assertEquals([a.item(), b.item()], [3, 2]);
});

Deno.test("arguments that are not differentiated by may be anything", () => {
  const f = (
    x: Tensor,
    options: { power: string },
    indices: Tensor,
    times: (x: Tensor) => Tensor,
  ) => options.power === "two" ? times(x).square().sum().mul(indices.sum()) : x.sum();
  const g = grad(f as (...args: unknown[]) => Tensor)(
    f64([1, 2]),
    { power: "two" },
    tensor([1, 2], { dtype: "int32" }),
    (x: Tensor) => x.mul(3),
  );
  assertTensorsClose(g as Tensor, f64([54, 108]));
});

Deno.test("only the arguments that are differentiated by take numbers for tensors", () => {
  const f = (x: Tensor, y: Tensor, power: number) => x.mul(y.sum()).mul(power);
  assertEquals(grad(f)(2, tensor([1, 2]), 5).item(), 15);
  assertEquals(grad(f, { argnums: 1 })(tensor(2), 3, 5).item(), 10);
  // @ts-expect-error: y reaches the function as it is, and there it must be a tensor.
  const wrong = () => grad(f)(2, 3, 5);
  assertThrows(wrong, TypeError, "y.sum is not a function");
  // A function without types of its own takes tensors; only the first may be a number.
  assertEquals(grad((x, y) => x.mul(y.sum()))(2, tensor([1, 2])).item(), 3);
  // @ts-expect-error: as above.
  assertThrows(() => grad((x, y) => x.mul(y.sum()))(2, 3), TypeError, "y.sum is not a function");
});

Deno.test("what is handed on as aux keeps its batch and its outer derivatives", () => {
  const f = (x: Tensor) => [x.square(), { y: x.mul(10), x }] as const;
  const [gradients, aux] = vmap(grad(f, { hasAux: true }))(f64([1, 2]));
  assertEquals([gradients.toArray(), aux.y.toArray()], [[2, 4], [10, 20]]);
  const outer = (x: Tensor) => grad(f, { hasAux: true })(x)[1].y.mul(x);
  assertEquals(grad(outer)(f64(3)).item(), 60);
});

Deno.test("gradients have the dtype of their arguments", () => {
  const [single, double] = grad((x: Tensor, y: Tensor) => x.mul(y).sum(), { argnums: [0, 1] })(
    tensor([1, 2]),
    f64([3, 4]),
  );
  assertEquals([single.dtype, double.dtype], ["float32", "float64"]);
  assertEquals([single.toArray(), double.toArray()], [[3, 4], [1, 2]]);
});

Deno.test("an argument that the output does not depend on has gradient zero", () => {
  const g = grad((_x: Tensor, y: Tensor) => y.sum())(f64([[1, 2]]), f64(3));
  assertEquals([g.dtype, g.toArray()], ["float64", [[0, 0]]]);
  assertEquals(grad((_x: Tensor) => tensor(3))(1).item(), 0);
  assertEquals(grad((x: Tensor) => x.astype("int32").astype("float32"))(1.5).item(), 0);
});

Deno.test("a value used many times gathers all of its cotangents", () => {
  const f = (x: Tensor) => {
    let y = x;
    for (let i = 0; i < 10; i++) y = y.add(y);
    return y;
  };
  assertEquals(grad(f)(1).item(), 1024);
});

Deno.test("gradients of gradients go to any order", () => {
  // deno-lint-ignore no-explicit-any
  let f: any = (x: Tensor) => sin(x);
  const signs = [1, -1, -1, 1];
  for (let order = 1; order <= 5; order++) {
    f = grad(f);
    const base = order % 2 === 1 ? cos(f64(0.7)) : sin(f64(0.7));
    assertTensorsClose(f(f64(0.7)), base.mul(signs[(order - 1) % 4]));
  }
});

Deno.test("grad of a result that is not a scalar says what to do", () => {
  assertRefused(
    () => grad((x) => x.mul(2))(ones([2, 3])),
    ShapeError,
    "Cannot take grad of a function that returns float32[2,3]: expected a scalar; " +
      "reduce it with sum or mean, or use vjp with a cotangent",
  );
  assertRefused(
    () => valueAndGrad((x) => x.mul(2))(ones([1])),
    ShapeError,
    "Cannot take valueAndGrad of a function that returns float32[1]: expected a scalar; " +
      "reduce it with sum or mean, or use vjp with a cotangent",
  );
});

Deno.test("grad of an integer or bool result says what to do", () => {
  assertRefused(
    () => grad((x) => x.astype("int32"))(1),
    DtypeError,
    "Cannot take grad of a function that returns int32[]: expected a floating-point scalar; " +
      "convert with astype",
  );
  assertRefused(
    () => grad((x) => x.greater(0))(1),
    DtypeError,
    "Cannot take grad of a function that returns bool[]: expected a floating-point scalar; " +
      "convert with astype",
  );
});

Deno.test("grad of a result that is no tensor says what was returned", () => {
  // deno-lint-ignore no-explicit-any
  const bad = (result: unknown) => () => grad((() => result) as any)(1);
  const what = "Cannot take grad of a function";
  assertRefused(
    bad(undefined),
    TreeError,
    `${what} with this result: expected a tensor or number at the root, got undefined`,
  );
  assertRefused(
    bad("loss"),
    TreeError,
    `${what} with this result: expected a tensor or number at the root, got "loss"`,
  );
  assertRefused(
    bad([tensor(1), tensor(2)]),
    ArgumentError,
    `${what} that returns [float32[], float32[]]: expected one scalar; ` +
      "return [value, aux] and pass hasAux for more",
  );
  assertRefused(
    bad(null),
    ArgumentError,
    `${what} that returns null: expected one scalar; return [value, aux] and pass hasAux for more`,
  );
});

Deno.test("hasAux without a pair is refused", () => {
  const expected = "Cannot take grad with hasAux: the function must return [value, aux], got";
  const options = { hasAux: true } as const;
  // deno-lint-ignore no-explicit-any
  const bad = (result: unknown) => () => grad((() => result) as any, options)(1);
  assertRefused(bad(3), ArgumentError, `${expected} 3`);
  assertRefused(bad([1, 2, 3]), ArgumentError, `${expected} [1, 2, 3]`);
  assertRefused(bad(undefined), ArgumentError, `${expected} undefined`);
});

Deno.test("a chosen leaf that is not floating-point is named by its path", () => {
  const integers = tensor([1, 2], { dtype: "int32" });
  assertRefused(
    () => grad((x) => x.sum())(integers),
    DtypeError,
    "Cannot take grad by argument 0: int32[2] at the root is not floating-point; " +
      "convert it with astype",
  );
  assertRefused(
    () => grad((p: { w: Tensor[] }) => p.w[0].sum())({ w: [ones([2]), integers] }),
    DtypeError,
    "Cannot take grad by argument 0: int32[2] at .w[1] is not floating-point; " +
      "convert it with astype",
  );
  assertRefused(
    () => grad((x, y) => x.add(y).sum(), { argnums: [0, 1] })(ones([2]), integers),
    DtypeError,
    "Cannot take grad by arguments 0, 1: int32[2] at [1] is not floating-point; " +
      "convert it with astype",
  );
  assertRefused(
    // deno-lint-ignore no-explicit-any
    () => grad((x) => x.sum())({ w: "text" } as any),
    TreeError,
    'Cannot take grad by argument 0: expected a tensor or number at .w, got "text"',
  );
});

Deno.test("argnums that name no argument, or one twice, are refused", () => {
  const f = (x: Tensor, y: Tensor) => x.mul(y);
  const range = "expected the position of one of the 2 arguments given";
  // deno-lint-ignore no-explicit-any
  const by = (argnums: any) => () => (grad(f, { argnums }) as any)(1, 2);
  assertRefused(by(2), ArgumentError, `Cannot take grad by argument 2: ${range}`);
  assertRefused(by(-3), ArgumentError, `Cannot take grad by argument -3: ${range}`);
  assertRefused(by(NaN), ArgumentError, `Cannot take grad by argument NaN: ${range}`);
  assertRefused(by(0.5), ArgumentError, `Cannot take grad by argument 0.5: ${range}`);
  assertRefused(by("x"), ArgumentError, `Cannot take grad by argument "x": ${range}`);
  assertRefused(by(null), ArgumentError, `Cannot take grad by argument null: ${range}`);
  assertRefused(by([0, 5]), ArgumentError, `Cannot take grad by argument 5: ${range}`);
  assertRefused(
    by([0, -2]),
    ArgumentError,
    "Cannot take grad by arguments [0, -2]: argument 0 is named twice",
  );
});

Deno.test("what is not a function cannot be transformed", () => {
  assertRefused(
    () => grad(tensor(1) as never),
    ArgumentError,
    "Cannot apply grad to float32[]: expected a function; pass the function itself, not its result",
  );
  assertRefused(
    () => valueAndGrad(undefined as never),
    ArgumentError,
    "Cannot apply valueAndGrad to undefined: expected a function",
  );
});

Deno.test("an async function is refused", () => {
  assertRefused(
    // deno-lint-ignore no-explicit-any require-await
    () => grad((async (x: Tensor) => x.square()) as any)(1),
    ArgumentError,
    "Cannot apply grad to an async function: expected its result, got a Promise; " +
      "await what it needs before the call and pass that as an argument",
  );
});

Deno.test("an exception in the function leaves the library as it was", () => {
  const boom = new Error("boom");
  const f = (x: Tensor) => {
    grad((y: Tensor) => {
      if (Number(y.item()) > 0) throw boom;
      return y.mul(x);
    })(1);
    return x;
  };
  for (let i = 0; i < 3; i++) {
    let caught: unknown;
    try {
      grad(f)(1);
    } catch (error) {
      caught = error;
    }
    assertStrictEquals(caught, boom);
  }
  assertEquals(sub(3, 1).item(), 2);
  assertEquals(grad((x: Tensor) => x.square())(3).item(), 6);
});

Deno.test("an exception caught inside the function does not lose its trace", () => {
  const f = (x: Tensor) => {
    try {
      grad((_y: Tensor): Tensor => {
        throw new Error("inner");
      })(x);
    } catch {
      return x.square();
    }
    return x;
  };
  assertEquals(grad(f)(3).item(), 6);
});

Deno.test("arguments are not changed", () => {
  const params = Object.freeze({ w: f64([1, 2]), list: Object.freeze([f64([3, 4])]) });
  const before = [params.w.toArray(), params.list[0].toArray()];
  grad((p: typeof params) => p.w.mul(p.list[0]).sum())(params);
  assertEquals([params.w.toArray(), params.list[0].toArray()], before);
  assert(Object.isFrozen(params));
});

Deno.test("a number among the results of branches and steps, or computed with, is a constant", () => {
  // It becomes a tensor there, as in `(x) => tensor(3)`: the derivative is 0, not an error.
  const x = tensor(2);
  // As if they were tensors: the types do not allow numbers everywhere.
  const [three, four] = [3, 4] as unknown as [Tensor, Tensor];
  const constants: readonly ((x: Tensor) => Tensor)[] = [
    (x) => jit((_: Tensor) => three)(x).mul(1),
    (x) => vmap((_: Tensor) => three)(x.reshape([1])).sum(),
    (x) => checkpoint((_: Tensor) => three)(x).mul(1),
    (x) => cond(true, (_: Tensor) => three, (_: Tensor) => four, x),
    (x) => scan((_: Tensor, row: Tensor) => [three, row], tensor(0), x.reshape([1]))[0],
  ];
  for (const f of constants) {
    assertTensorsClose(f(x), 3);
    assertTensorsClose(grad(f)(x), 0);
    assertTensorsClose(jvp(f, [x], [tensor(1)]), [3, 0]);
    assertTensorsClose(vjp(f, x)[1](tensor(1)), [0]);
  }
  // A number that depends on the argument cannot be made: there it is not known.
  const item = (x: Tensor) => x.item() as unknown as Tensor;
  const read: readonly ((x: Tensor) => Tensor)[] = [
    (x) => jit(item)(x),
    (x) => vmap(item)(x.reshape([1])).sum(),
    (x) => checkpoint(item)(x),
  ];
  for (const f of read) assertThrows(() => grad(f)(x), TraceError, "Cannot read the item of");
});

Deno.test("JavaScript values that a transform within makes tensors of are refused as results, too", () => {
  const x = tensor(5);
  const ways: ((x: Tensor) => Tensor)[] = [
    (x) => jit(() => x.item())(),
    (x) => jit(() => jit(() => x.item())())(),
    (x) => checkpoint(() => x.item())(),
    checkpoint((_: Tensor) => 5),
    (x) => vmap(() => x.item(), 0, null, { axisSize: 2 })(),
    jit((_: Tensor) => 5),
  ];
  const refused = (transform: string, returned: string) =>
    `Cannot take ${transform} of a function that returns ${returned}: a JavaScript value does not ` +
    `depend on the arguments; return a tensor, without item, toArray or data`;
  for (const f of ways) {
    // A program that was traced before says so as well.
    for (let call = 0; call < 2; call++) {
      assertRefused(() => grad(f)(x), ArgumentError, refused("grad", "the number 5"));
      assertRefused(() => jvp(f, [x], [x]), ArgumentError, refused("jvp", "the number 5"));
    }
  }
  const tree = jit((x: Tensor) => ({ y: x, z: [x, 7] }));
  const sevens = vmap((_: Tensor) => 7);
  assertRefused(() => vjp(tree, x), ArgumentError, refused("vjp", "the number 7 at .z[1]"));
  assertRefused(
    () => vjp(sevens, tensor([1, 2])),
    ArgumentError,
    refused("vjp", "the number 7"),
  );
  // Within a function they are constants like others.
  assertTensorsClose(grad((x: Tensor) => x.mul(jit(() => 3)()).sum())(x), 3);
  const constant = jit(() => 3)();
  assertTensorsClose(grad((_: Tensor) => constant)(x), 0);
});
