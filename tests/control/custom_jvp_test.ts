import {
  ArgumentError,
  cos,
  customJvp,
  DtypeError,
  exp,
  grad,
  hessian,
  jit,
  jvp,
  linearize,
  linearTranspose,
  log1p,
  makeProgram,
  reciprocal,
  ShapeError,
  sin,
  sub,
  tensor,
  TraceError,
  TreeError,
  vmap,
  where,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkLaws } from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { fromValues, integers, makeRandom, real } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";
import { checkWay, ways } from "./nestings.ts";
import type { Scalar } from "./nestings.ts";

const wide = (value: number | number[]): Tensor => tensor(value, { dtype: "float64" });

interface Operands {
  readonly x: Tensor;
  readonly n: Tensor;
}

function waves({ x, n }: Operands, y: Tensor) {
  return {
    waves: sin(x.mul(y)).mul(n.astype("float64")),
    count: n.add(1),
    energy: x.square().sum(),
  };
}

/** A function of trees with integers, whose rule computes its true derivative. */
const honest = customJvp(waves, ([{ x, n }, y], [{ x: dx }, dy]) => {
  const slope = cos(x.mul(y)).mul(n.astype("float64"));
  return [waves({ x, n }, y), {
    waves: slope.mul(dx.mul(y).add(dy.mul(x))),
    count: null,
    energy: dx.mul(x).sum().mul(2),
  }];
});

const make: Maker = (source) => [
  fromValues(real(source, 3), "float64", [3]),
  fromValues(integers(0, 2)(source, 3), "int32", [3]),
  fromValues(real(source, 3), "float64", [3]),
];

function checkAll(f: Flat, law: string, seed: number): void {
  checkLaws(f, make, makeRandom(seed), 1e-13, law);
}

Deno.test("customJvp with the true derivative obeys every law", () => {
  checkAll(
    ([x, n, y]) => {
      const { waves, count, energy } = honest({ x, n }, y);
      return [waves, count, energy];
    },
    "customJvp",
    21,
  );
});

Deno.test("customJvp obeys every law within larger functions, twice in a row", () => {
  checkAll(
    ([x, n, y]) => {
      const { waves, energy } = honest({ x: x.mul(y), n }, y);
      return [honest({ x: waves, n }, x.add(energy)).waves, n];
    },
    "customJvp in a function",
    22,
  );
});

/** A sine whose derivative is twice the true one. */
const doubled: Scalar = customJvp(
  (x: Tensor) => sin(x),
  ([x], [dx]) => [sin(x), cos(x).mul(2).mul(dx)],
);

Deno.test("a rule that differs from the derivative is used at every nesting", () => {
  for (const { name, derive } of ways) {
    checkWay(name, () => derive(doubled)(wide(0.7)), 2 * Math.cos(0.7));
  }
});

Deno.test("the derivative of a rule is that of its code, at every nesting", () => {
  for (const { name, derive, mode } of ways) {
    const second = mode === "forward"
      ? derive(grad(doubled) as Scalar)
      : grad(derive(doubled)) as Scalar;
    checkWay(name, () => second(wide(0.7)), -2 * Math.sin(0.7));
  }
});

Deno.test("a rule that uses the function itself is used at every order", () => {
  const f: Scalar = customJvp(
    (x: Tensor) => exp(x),
    ([x], [dx]) => [f(x), f(x).mul(dx).mul(3)],
  );
  assertTensorsClose(grad(grad(grad(f)))(wide(0)), wide(27));
  const forward = (g: Scalar): Scalar => (x) => jvp(g, [x], [1])[1] as Tensor;
  assertTensorsClose(forward(forward(forward(f)))(wide(0)), wide(27));
});

Deno.test("log(1 + exp(x)) keeps its derivative where exp(x) overflows", () => {
  const plain = (x: Tensor): Tensor => log1p(exp(x));
  const log1pexp: Scalar = customJvp(
    plain,
    ([x], [dx]) => [log1pexp(x), sub(1, reciprocal(exp(x).add(1))).mul(dx)],
  );
  assertEquals((grad(plain)(tensor(100)) as Tensor).item(), NaN);
  assertTensorsClose(grad(log1pexp)(tensor(100)), 1);
  assertTensorsClose(jit(grad(log1pexp))(tensor(100)), 1);
  assertTensorsClose(vmap(grad(log1pexp) as Scalar)(tensor([0, 100])), [0.5, 1]);
  assertTensorsClose(grad(grad(log1pexp))(tensor(0)), 0.25);
  const total = (x: Tensor) => log1pexp(x).sum();
  assertTensorsClose(hessian(total)(tensor([0, 0])), [[0.25, 0], [0, 0.25]]);
});

Deno.test("a rule gets zeros for arguments that do not move, null for integers, 0 for numbers", () => {
  const seen: unknown[] = [];
  const f = customJvp(
    (x: Tensor, n: Tensor, y: Tensor, a: number) => x.mul(n).mul(y).mul(a),
    ([x, n, y, a], [dx, dn, dy, da]) => {
      seen.push([dn, dy.toArray(), da]);
      return [x.mul(n).mul(y).mul(a), dx.mul(n).mul(y).mul(a)];
    },
  );
  const [x, n, y] = [tensor([1, 2]), tensor([3, 4], { dtype: "int32" }), tensor([5, 6])];
  assertTensorsClose(jvp((x: Tensor) => f(x, n, y, 2), [x], [tensor([1, 1])])[1], [30, 48]);
  assertTensorsClose(grad((x: Tensor) => f(x, n, y, 2).sum())(x), [30, 48]);
  assertEquals(seen, [[null, [0, 0], 0], [null, [0, 0], 0]]);
});

Deno.test("a rule may give null for a tangent of zero", () => {
  const f = customJvp(
    (x: Tensor) => ({ a: x.mul(2), b: x.mul(3) }),
    ([x], [dx]) => [{ a: x.mul(2), b: x.mul(3) }, { a: null, b: dx.mul(5) }],
  );
  const g = customJvp((x: Tensor) => x.mul(2), ([x]) => [x.mul(2), null]);
  const h = customJvp((x: Tensor) => x.mul(2), ([x]) => [x.mul(2), zeros([])]);
  for (const wrap of [(k: Scalar) => k, (k: Scalar) => jit(k)]) {
    const both = wrap((x) => f(x).a.add(f(x).b.mul(x)).add(g(x)).add(h(x)));
    assertTensorsClose(grad(both)(tensor(2)), 16);
    assertTensorsClose(jvp(both, [tensor(2)], [tensor(1)])[1], 16);
    assertTensorsClose(vmap(grad(both) as Scalar)(tensor([2])), [16]);
  }
});

Deno.test("nondiffArgnums: functions, strings and numbers take no part and come first", () => {
  const apply = customJvp(
    (f: Scalar, x: Tensor, name: string, axis: number) => f(x).sum(name === "sum" ? axis : 0),
    (f, name, axis, [x], [dx]) => {
      assertEquals([typeof f, name], ["function", "sum"]);
      return [f(x).sum(axis), dx.sum(axis).mul(10)];
    },
    { nondiffArgnums: [0, 2, 3] },
  );
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  assertTensorsClose(apply(sin, x, "sum", 1), sin(x).sum(1));
  const g = grad((x: Tensor) => apply(sin, x, "sum", 1).mul(tensor([1, 2])).sum());
  assertTensorsClose(g(x), [[10, 10, 10], [20, 20, 20]]);
  assertTensorsClose(jit(g)(x), [[10, 10, 10], [20, 20, 20]]);
  assertTensorsClose(jvp((x: Tensor) => apply(sin, x, "sum", 1), [x], [x])[1], [60, 150]);
});

Deno.test("JavaScript numbers stay numbers, and are differentiated in full precision", () => {
  const scaled = customJvp(
    (x: Tensor, a: number) => x.mul(a),
    ([x, a], [dx, da]) => [x.mul(a), dx.mul(a).add(x.mul(da))],
  );
  const g = grad(scaled, { argnums: [0, 1] });
  for (const f of [g, jit(g), vmap(g, [null, null], 0, { axisSize: 1 })]) {
    const [dx, da] = f(wide(3), 0.1) as unknown as [Tensor, Tensor];
    assertEquals([dx.dtype, da.dtype], ["float64", "float64"]);
    assertEquals(dx.reshape([]).item(), 0.1);
    assertEquals(da.reshape([]).item(), 3);
  }
  const [, narrow] = g(tensor(3), 0.1) as unknown as [Tensor, Tensor];
  assertEquals(narrow.dtype, "float32");
  assertEquals((jvp(scaled, [wide(3), 0.1], [wide(1), 0.1])[1] as Tensor).item(), 0.4);
});

Deno.test("functions may decide by values where nothing but derivatives traces them", () => {
  const steps = (x: Tensor): [Tensor, number] => {
    let [y, count] = [x, 0];
    while (y.item() >= 1) [y, count] = [y.div(2), count + 1];
    return [y, count];
  };
  const f: Scalar = customJvp((x: Tensor) => steps(x)[0], ([x], [dx]) => {
    const [y, count] = steps(x);
    return [y, dx.mul(count)];
  });
  assertTensorsClose(grad(f)(tensor(12)), 4);
  assertTensorsClose(jvp(f, [tensor(12)], [tensor(1)])[1], 4);
  assertTensorsClose(jvp((x: Tensor) => grad(f)(x).mul(x), [tensor(12)], [tensor(1)])[1], 4);
  assertRefused(
    () => jit(f)(tensor(12)),
    TraceError,
    "Cannot read the item of float32[] while customJvp traces it: its value is not known yet; " +
      "choose between values with where, and between computations with cond or whileLoop",
  );
});

Deno.test("reverse mode refuses a rule that is not linear in the tangents", () => {
  const x = tensor(2);
  const square = customJvp((x: Tensor) => x.mul(2), ([x], [dx]) => [x.mul(2), dx.mul(dx)]);
  assertTensorsClose(jvp(square, [x], [tensor(3)])[1], 9);
  assertRefused(
    () => grad(square)(x),
    ArgumentError,
    "Cannot transpose mul of float32[] and float32[]: the function is not linear in its arguments",
  );
  const positive = customJvp(
    (x: Tensor) => x.mul(2),
    ([x], [dx]) => [x.mul(2), where(dx.greater(0), dx, 0)],
  );
  assertRefused(
    () => grad(positive)(x),
    ArgumentError,
    "Cannot transpose select of bool[] and float32[] and float32[]: " +
      "the function is not linear in its arguments",
  );
  const constant = customJvp((x: Tensor) => x.mul(2), ([x]) => [x.mul(2), tensor(1)]);
  const message = "Cannot differentiate a function with customJvp: its rule gives a tangent of " +
    "float32[] that does not depend on any tangent; return null for zero";
  assertRefused(() => grad(constant)(x), ArgumentError, message);
  assertRefused(() => jit(grad(constant))(x), ArgumentError, message);
  const leaking = customJvp((x: Tensor) => x.mul(2), ([x], [dx]) => [x.add(dx), dx]);
  assertRefused(
    () => grad(leaking)(x),
    ArgumentError,
    "Cannot differentiate a function with customJvp: its rule gives a result of float32[] " +
      "that depends on a tangent; return [out, tangent]",
  );
});

Deno.test("a linear function with a rule of its own is transposed by its code", () => {
  const f = customJvp((x: Tensor) => x.mul(3), ([x], [dx]) => [x.mul(3), dx.mul(7)]);
  assertTensorsClose(linearTranspose(f, tensor(0))(tensor(2)), [6]);
});

Deno.test("values that a function closes over are used, and not differentiated", () => {
  const close = (w: Tensor): Scalar =>
    customJvp((x: Tensor) => x.mul(w), ([x], [dx]) => [x.mul(w), dx.mul(w).mul(10)]);
  const [two, three] = [tensor(2), tensor(3)];
  assertTensorsClose(jit((w: Tensor) => close(w)(three))(two), 6);
  assertTensorsClose(vmap((w: Tensor) => close(w)(three))(tensor([1, 2])), [3, 6]);
  assertTensorsClose(jit((w: Tensor) => grad(close(w))(three))(two), 20);
  assertTensorsClose(vmap((w: Tensor) => grad(close(w))(three))(tensor([1, 2])), [10, 20]);
  assertTensorsClose(grad((w: Tensor) => grad(close(w))(three))(two), 10);
  const message =
    "Cannot differentiate a function with customJvp by float32[], which it does not " +
    "get as an argument that takes part: its rule has no derivative for it; " +
    "pass it as an argument, outside of nondiffArgnums";
  const byCaptured = (w: Tensor) => close(w)(three);
  assertRefused(() => grad(byCaptured)(two), ArgumentError, message);
  assertRefused(() => jvp(byCaptured, [two], [two]), ArgumentError, message);
  assertRefused(() => jit(grad(byCaptured))(two), ArgumentError, message);
  assertRefused(() => grad(jit(byCaptured))(two), ArgumentError, message);
});

Deno.test("what a rule does with primals is done once, and not recorded", () => {
  assertEquals(
    String(
      makeProgram((x: Tensor, t: Tensor) => linearize(doubled, x)[1](t))(tensor(1), tensor(1)),
    ),
    [
      "program(a: float32[], b: float32[]) {",
      "  c: float32[] = cos(a)",
      "  d: float32[] = mul(c, 2)",
      "  e: float32[] = mul(d, b)",
      "  return (e)",
      "}",
    ].join("\n"),
  );
  assertEquals(
    String(makeProgram(doubled)(tensor(1))),
    [
      "program(a: float32[]) {",
      "  b: float32[] = customJvp(a) { program: program(a: float32[]) {",
      "    b: float32[] = sin(a)",
      "    return (b)",
      "  }, captured: 0, rule: rule }",
      "  return (b)",
      "}",
    ].join("\n"),
  );
});

Deno.test("customJvp says what its rule got wrong", () => {
  const x = tensor([1, 2]);
  const refuse = (rule: unknown, type: typeof TreeError, message: string) => {
    // deno-lint-ignore no-explicit-any
    const f = customJvp((x: Tensor) => ({ y: x.mul(2) }), rule as any);
    assertRefused(() => jvp(f, [x], [x]), type, message);
    assertRefused(() => grad((x: Tensor) => f(x).y.sum())(x), type, message);
  };
  const what = "Cannot use what the rule of customJvp returned";
  const out = { y: x };
  refuse(() => out, TreeError, `${what}: expected [out, tangent], got object`);
  refuse(
    () => [x, x],
    TreeError,
    `${what} as the output: it must be like the function's own; ` +
      "expected an object with keys y at the root, got a leaf",
  );
  refuse(
    () => [out, { y: x, z: x }],
    TreeError,
    `${what} as the tangent: .z is not expected`,
  );
  refuse(
    () => [out, { y: x.sum() }],
    ShapeError,
    `${what} as the tangent: expected float32[2] at .y, got float32[]`,
  );
  refuse(
    () => [out, { y: x.astype("float64") }],
    DtypeError,
    `${what} as the tangent: expected float32[2] at .y, got float64[2]; convert with astype`,
  );
  const counting = customJvp(
    (x: Tensor) => [x, x.greater(0)],
    ([x], [dx]) => [[x, x.greater(0)], [dx, x.greater(0)]],
  );
  assertRefused(
    () => jvp(counting, [x], [x]),
    ArgumentError,
    `${what} as the tangent: bool[2] at [1] has no tangent; return null`,
  );
});

Deno.test("customJvp says which arguments it does not take", () => {
  // deno-lint-ignore no-explicit-any
  const unchecked = customJvp as any;
  const f = (x: Tensor) => x;
  assertRefused(
    () => unchecked(null, f),
    ArgumentError,
    "Cannot apply customJvp to null: expected a function",
  );
  assertRefused(
    () => unchecked(f),
    ArgumentError,
    "Cannot apply customJvp: the rule must be a function, got undefined",
  );
  assertRefused(
    () => unchecked(f, f, [0]),
    ArgumentError,
    "Cannot apply customJvp: expected options such as { nondiffArgnums }, got [0]",
  );
});
