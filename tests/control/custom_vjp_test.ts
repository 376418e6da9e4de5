import {
  ArgumentError,
  clip,
  cos,
  customVjp,
  div,
  DtypeError,
  evalShape,
  exp,
  grad,
  jacrev,
  jit,
  jvp,
  linearize,
  makeProgram,
  noGrad,
  pmean,
  scan,
  ShapeError,
  sin,
  stopGradient,
  tensor,
  TraceError,
  TreeError,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkLaws } from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { fromValues, integers, makeRandom, real } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertStrictEquals } from "../support/std.ts";
import { checkWay, ways } from "./nestings.ts";
import type { Scalar } from "./nestings.ts";

const wide = (value: number | number[]): Tensor => tensor(value, { dtype: "float64" });

interface Operands {
  readonly x: Tensor;
  readonly n: Tensor;
}

/** A function of trees with integers, whose rule computes its true derivative. */
const honest = customVjp(
  ({ x, n }: Operands, y: Tensor) => {
    const waves = sin(x.mul(y)).mul(n.astype("float64"));
    return { waves, count: n.add(1), energy: x.square().sum() };
  },
  ({ x, n }: Operands, y: Tensor) => [
    { waves: sin(x.mul(y)).mul(n.astype("float64")), count: n.add(1), energy: x.square().sum() },
    { x, n, y, note: "kept as it is" },
  ],
  ({ x, n, y }, { waves, energy }) => {
    const slope = waves.mul(cos(x.mul(y))).mul(n.astype("float64"));
    return [{ x: slope.mul(y).add(energy.mul(x).mul(2)), n: null }, slope.mul(x)];
  },
);

const make: Maker = (source) => [
  fromValues(real(source, 3), "float64", [3]),
  fromValues(integers(0, 2)(source, 3), "int32", [3]),
  fromValues(real(source, 3), "float64", [3]),
];

function checkAll(f: Flat, law: string, seed: number): void {
  checkLaws(f, make, makeRandom(seed), 1e-13, law);
}

Deno.test("customVjp with the true derivative obeys every law", () => {
  checkAll(
    ([x, n, y]) => {
      const { waves, count, energy } = honest({ x, n }, y);
      return [waves, count, energy];
    },
    "customVjp",
    11,
  );
});

Deno.test("customVjp obeys every law within larger functions, twice in a row", () => {
  checkAll(
    ([x, n, y]) => {
      const { waves, energy } = honest({ x: x.mul(y), n }, y);
      return [honest({ x: waves, n }, x.add(energy)).waves, n];
    },
    "customVjp in a function",
    12,
  );
});

/** A sine whose derivative is twice the true one. */
const doubled: Scalar = customVjp(
  (x: Tensor) => sin(x),
  (x: Tensor) => [sin(x), x],
  (x, cotangent) => [cotangent.mul(cos(x)).mul(2)],
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
  const f: Scalar = customVjp(
    (x: Tensor) => exp(x),
    (x: Tensor) => [f(x), f(x)],
    (y, cotangent) => [cotangent.mul(y).mul(3)],
  );
  const g = grad(grad(grad(f)));
  assertTensorsClose(g(wide(0)), wide(27));
});

Deno.test("clipped gradients: reverse mode uses a rule that is not linear, at every nesting", () => {
  const clipped = customVjp(
    (x: Tensor) => x,
    (x: Tensor) => [x, null],
    (_residuals: null, cotangent: Tensor) => [clip(cotangent, -1, 1)],
  );
  for (const { name, derive, mode } of ways) {
    if (mode !== "reverse" || name.startsWith("the mean")) continue;
    const f: Scalar = (x) => clipped(x).mul(5);
    checkWay(name, () => derive(f)(wide(0.7)), 1);
  }
  const sum = grad((x: Tensor) => clipped(x).square().sum());
  assertTensorsClose(sum(tensor([0.25, 3, -2])), [0.5, 1, -1]);
});

Deno.test("forward mode refuses a backward rule that is not linear", () => {
  const message =
    "Cannot take a forward-mode derivative of a function with customVjp whose backward rule " +
    "is not linear in the cotangent: use reverse mode (grad, vjp, jacrev), " +
    "or define the function with customJvp";
  const rules: ((residuals: unknown, cotangent: Tensor) => Tensor[])[] = [
    (_, cotangent) => [clip(cotangent, -1, 1)],
    (_, cotangent) => [cotangent.add(1)],
    () => [tensor(1)],
    (_, cotangent) => [cotangent.mul(cotangent)],
  ];
  for (const rule of rules) {
    const f = customVjp((x: Tensor) => x.mul(2), (x: Tensor) => [x.mul(2), null], rule);
    assertRefused(() => jvp(f, [tensor(1)], [tensor(1)]), ArgumentError, message);
    assertRefused(() => jit((x: Tensor) => jvp(f, [x], [x]))(tensor(1)), ArgumentError, message);
    const [, push] = linearize(f, tensor(1));
    assertRefused(() => push(tensor(1)), ArgumentError, message);
  }
});

Deno.test("a backward rule may give null for zero, for a whole argument or a leaf", () => {
  const f = customVjp(
    (a: { u: Tensor; v: Tensor }, b: { w: Tensor }, c: Tensor) => a.u.add(a.v).add(b.w).add(c),
    (a, b, c) => [a.u.add(a.v).add(b.w).add(c), []],
    (_kept, cotangent) => [{ u: null, v: cotangent.mul(2) }, null, null],
  );
  const g = grad(f, { argnums: [0, 1, 2] });
  const [one, other] = [tensor(1), tensor(2)];
  const expected = [{ u: tensor(0), v: tensor(2) }, { w: tensor(0) }, tensor(0)];
  assertTensorsClose(g({ u: one, v: other }, { w: one }, other), expected);
  assertTensorsClose(jit(g)({ u: one, v: other }, { w: one }, other), expected);
  const tangents = [{ u: one, v: one }, { w: one }, one];
  assertTensorsClose(jvp(f, [{ u: one, v: other }, { w: one }, other], tangents)[1], 2);
});

Deno.test("an argument that all examples share gets the sum of their cotangents", () => {
  const dot = customVjp(
    (w: Tensor, x: Tensor) => w.mul(x).sum(),
    (w: Tensor, x: Tensor) => [w.mul(x).sum(), { w, x }],
    ({ w, x }, cotangent) => [cotangent.mul(x), cotangent.mul(w)],
  );
  const ignoring = customVjp(
    (w: Tensor, x: Tensor) => w.mul(x).sum(),
    (w: Tensor, x: Tensor) => [w.mul(x).sum(), null],
    () => [tensor([1, 2]), null],
  );
  const x = tensor([[1, 2], [3, 4], [5, 6]]);
  for (const wrap of [(f: typeof dot) => f, (f: typeof dot) => jit(f)]) {
    const total = (f: typeof dot) => (w: Tensor) => vmap(wrap(f), [null, 0])(w, x).sum();
    assertTensorsClose(grad(total(dot))(tensor([1, 1])), [9, 12]);
    assertTensorsClose(grad(total(ignoring))(tensor([1, 1])), [3, 6]);
    const along = vmap((v: Tensor) => jvp(total(dot), [tensor([1, 1])], [v])[1]);
    assertTensorsClose(along(tensor([[1, 0], [0, 1]])), [9, 12]);
    assertTensorsClose(jacrev(vmap(wrap(dot), [null, 0]))(tensor([1, 1]), x), x);
  }
});

Deno.test("nondiffArgnums: functions, strings and numbers take no part and come first", () => {
  const seen: unknown[] = [];
  const apply = customVjp(
    (f: Scalar, x: Tensor, name: string, axis: number) => f(x).sum(name === "sum" ? axis : 0),
    (f: Scalar, x: Tensor, name: string, axis: number) => {
      seen.push([typeof f, name, axis]);
      return [f(x).sum(axis), x];
    },
    (f, name, axis, x, cotangent) => {
      seen.push([typeof f, name, axis, x.shape, cotangent.shape]);
      return [cotangent.expandDims(axis).add(x.mul(0)).mul(10)];
    },
    { nondiffArgnums: [0, 2, 3] },
  );
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  assertTensorsClose(apply(sin, x, "sum", 1), sin(x).sum(1));
  assertEquals(seen, []);
  const g = grad((x: Tensor) => apply(sin, x, "sum", 1).mul(tensor([1, 2])).sum());
  assertTensorsClose(g(x), [[10, 10, 10], [20, 20, 20]]);
  assertEquals(seen, [["function", "sum", 1], ["function", "sum", 1, [2, 3], [2]]]);
  assertTensorsClose(jit(g)(x), [[10, 10, 10], [20, 20, 20]]);
  const one = customVjp(
    (x: Tensor, n: number) => x.mul(n),
    (x: Tensor, n: number) => [x.mul(n), null],
    (n, _kept, cotangent) => [cotangent.mul(n).mul(n)],
    { nondiffArgnums: 1 },
  );
  assertTensorsClose(grad((x: Tensor) => one(x, 3))(tensor(1)), 9);
});

Deno.test("where nothing traces a call, it is a call of the function itself", () => {
  const out = { any: new Map(), text: "as it is" };
  let calls = 0;
  const f = customVjp(
    (_x: Tensor) => {
      calls++;
      return out;
    },
    () => {
      throw new Error("forward ran");
    },
    () => [],
  );
  assertStrictEquals(f(tensor(1)), out);
  assertEquals(calls, 1);
});

Deno.test("JavaScript numbers stay numbers, and are differentiated in full precision", () => {
  const power = customVjp(
    (x: Tensor, n: number) => x.pow(n),
    (x: Tensor, n: number) => [x.pow(n), { x, n }],
    ({ x, n }, cotangent) => [cotangent.mul(x.pow(typeof n === "number" ? n - 1 : 1)).mul(n), null],
  );
  assertTensorsClose(grad((x: Tensor) => power(x, 3))(wide(2)), wide(12));
  assertTensorsClose(grad((x: Tensor) => jit((y: Tensor) => power(y, 3))(x))(wide(2)), wide(12));
  const scaled = customVjp(
    (x: Tensor, a: number) => x.mul(a),
    (x: Tensor, a: number) => [x.mul(a), { x, a }],
    ({ x, a }, cotangent) => [cotangent.mul(a), cotangent.mul(x)],
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
});

Deno.test("functions may decide by values where nothing but derivatives traces them", () => {
  // Halves until below one: the number of steps depends on the value.
  const halve = (x: Tensor): [Tensor, number] => {
    let [y, steps] = [x, 0];
    while (y.item() >= 1) [y, steps] = [y.div(2), steps + 1];
    return [y, steps];
  };
  const f: Scalar = customVjp(
    (x: Tensor) => halve(x)[0],
    (x: Tensor) => halve(x),
    (steps: number, cotangent: Tensor) => [cotangent.mul(steps)],
  );
  assertTensorsClose(f(tensor(12)), 0.75);
  assertTensorsClose(grad(f)(tensor(12)), 4);
  assertTensorsClose(grad((x: Tensor) => f(x).mul(noGrad(f)(x)))(tensor(12)), 3);
  assertTensorsClose(grad((x: Tensor) => f(x).mul(f(stopGradient(x))))(tensor(12)), 3);
  assertTensorsClose(jvp(f, [tensor(12)], [tensor(1)])[1], 4);
  assertTensorsClose(
    grad((x: Tensor) => vmap((y: Tensor) => f(x).mul(y))(tensor([1, 2])).sum())(12),
    12,
  );
  assertTensorsClose(jit(() => f(tensor(12)))(), 0.75);
  const message = "Cannot read the item of float32[] while customVjp traces it: its value is not " +
    "known yet; choose between values with where, and between computations with cond or whileLoop";
  assertRefused(() => jit(f)(tensor(12)), TraceError, message);
  assertRefused(() => vmap(f)(tensor([12, 1])), TraceError, message);
  assertRefused(() => grad(jit(f))(tensor(12)), TraceError, message);
});

Deno.test("values that a function closes over are used, and not differentiated", () => {
  const close = (w: Tensor): Scalar =>
    customVjp(
      (x: Tensor) => x.mul(w),
      (x: Tensor) => [x.mul(w), w],
      (w, cotangent) => [cotangent.mul(w).mul(10)],
    );
  const [two, three] = [tensor(2), tensor(3)];
  assertTensorsClose(jit((w: Tensor) => close(w)(three))(two), 6);
  assertTensorsClose(vmap((w: Tensor) => close(w)(three))(tensor([1, 2])), [3, 6]);
  assertTensorsClose(jit((w: Tensor) => grad(close(w))(three))(two), 20);
  assertTensorsClose(vmap((w: Tensor) => grad(close(w))(three))(tensor([1, 2])), [10, 20]);
  assertTensorsClose(grad((w: Tensor) => grad(close(w))(three))(two), 10);
  const message =
    "Cannot differentiate a function with customVjp by float32[], which it does not " +
    "get as an argument that takes part: its rule has no derivative for it; " +
    "pass it as an argument, outside of nondiffArgnums";
  const byCaptured = (w: Tensor) => close(w)(three);
  assertRefused(() => grad(byCaptured)(two), ArgumentError, message);
  assertRefused(() => jvp(byCaptured, [two], [two]), ArgumentError, message);
  assertRefused(() => jit(grad(byCaptured))(two), ArgumentError, message);
  assertRefused(() => grad(jit(byCaptured))(two), ArgumentError, message);
  assertRefused(
    () => grad((w: Tensor) => vmap(close(w))(tensor([1, 2])).sum())(two),
    ArgumentError,
    message,
  );
  const named = customVjp(
    (w: Tensor, x: Tensor) => x.mul(w),
    (w: Tensor, x: Tensor) => [x.mul(w), null],
    (_w, _kept, cotangent) => [cotangent],
    { nondiffArgnums: 0 },
  );
  assertRefused(() => grad((w: Tensor) => named(w, three))(two), ArgumentError, message);
});

Deno.test("programs show the function, and the map of tangents, as one equation each", () => {
  assertEquals(
    String(makeProgram(doubled)(tensor(1))),
    [
      "program(a: float32[]) {",
      "  b: float32[] = customVjp(a) { program: program(a: float32[]) {",
      "    b: float32[] = sin(a)",
      "    return (b)",
      "  }, captured: 0, rule: forward }",
      "  return (b)",
      "}",
    ].join("\n"),
  );
  const pushed = makeProgram((x: Tensor, t: Tensor) => linearize(doubled, x)[1](t));
  assertEquals(
    String(pushed(tensor(1), tensor(1))),
    [
      "program(a: float32[], b: float32[]) {",
      "  c: float32[] = customVjpPushforward(a, b) backward",
      "  return (c)",
      "}",
    ].join("\n"),
  );
  const shapes = evalShape(honest)({ x: wide([1, 2]), n: tensor(1) }, wide(1));
  assertEquals(Object.entries(shapes as object).map(([key, type]) => `${key}: ${type}`), [
    "waves: float64[2]",
    "count: float32[]",
    "energy: float64[]",
  ]);
});

Deno.test("customVjp says what its rules got wrong", () => {
  const x = tensor([1, 2]);
  // deno-lint-ignore no-explicit-any
  const withRules = (forward: any, backward: any) =>
    grad((x: Tensor) =>
      (customVjp((x: Tensor) => ({ y: x.mul(2) }), forward, backward) as (
        x: Tensor,
      ) => { y: Tensor })(x).y.sum()
    );
  const good = (x: Tensor) => [{ y: x.mul(2) }, null];
  const what = "Cannot use what the forward rule of customVjp returned";
  const refuseForward = (forward: unknown, type: typeof TreeError, message: string) =>
    assertRefused(() => withRules(forward, () => [null])(x), type, message);
  refuseForward(() => x, TreeError, `${what}: expected [out, residuals], got float32[2]`);
  refuseForward(
    (x: Tensor) => [x, null],
    TreeError,
    `${what} as the output: it must be like the function's own; ` +
      "expected an object with keys y at the root, got a leaf",
  );
  refuseForward(
    (x: Tensor) => [{ y: x.sum() }, null],
    ShapeError,
    `${what} as the output: it must be like the function's own; expected float32[2] at .y, ` +
      "got float32[]",
  );
  refuseForward(
    (x: Tensor) => [{ y: x.astype("float64") }, null],
    DtypeError,
    `${what} as the output: it must be like the function's own; expected float32[2] at .y, ` +
      "got float64[2]; convert with astype",
  );
  const how = "Cannot use what the backward rule of customVjp returned";
  const refuseBackward = (backward: unknown, type: typeof TreeError, message: string) =>
    assertRefused(() => withRules(good, backward)(x), type, message);
  refuseBackward(
    () => x,
    TreeError,
    `${how}: expected a list of 1, one cotangent per argument that takes part, got no list`,
  );
  refuseBackward(
    () => [x, x],
    TreeError,
    `${how}: expected a list of 1, one cotangent per argument that takes part, got a list of 2`,
  );
  refuseBackward(
    () => [tensor(1)],
    ShapeError,
    `${how}: expected float32[2] at [0], got float32[]`,
  );
  refuseBackward(
    () => [x.astype("float64")],
    DtypeError,
    `${how}: expected float32[2] at [0], got float64[2]; convert with astype`,
  );
  refuseBackward(
    () => [undefined],
    TreeError,
    `${how}: expected float32[2] at [0], got undefined`,
  );
  const integers = customVjp(
    (x: Tensor, n: { k: Tensor }) => x.mul(n.k),
    (x, n) => [x.mul(n.k), null],
    (_kept, cotangent) => [cotangent, { k: tensor([1, 1], { dtype: "int32" }) }],
  );
  assertRefused(
    () => grad((x: Tensor) => integers(x, { k: tensor([1, 2], { dtype: "int32" }) }).sum())(x),
    ArgumentError,
    `${how}: int32[2] at [1].k has no cotangent; return null`,
  );
  const tree = customVjp(
    (x: { a: Tensor }) => x.a,
    (x) => [x.a, null],
    (_kept, cotangent) => [{ b: cotangent }],
  );
  assertRefused(
    () => grad(tree)({ a: tensor(1) }),
    TreeError,
    `${how} at [0]: .a is missing`,
  );
});

Deno.test("customVjp says which arguments it does not take", () => {
  // deno-lint-ignore no-explicit-any
  const unchecked = customVjp as any;
  const f = (x: Tensor) => x;
  assertRefused(
    () => unchecked(tensor(1), f, f),
    ArgumentError,
    "Cannot apply customVjp to float32[]: expected a function; pass the function itself, not its result",
  );
  assertRefused(
    () => unchecked(f, 1, f),
    ArgumentError,
    "Cannot apply customVjp: forward must be a function, got 1",
  );
  assertRefused(
    () => unchecked(f, f),
    ArgumentError,
    "Cannot apply customVjp: backward must be a function, got undefined",
  );
  assertRefused(
    () => unchecked(f, f, f, { nondiff: 0 }),
    ArgumentError,
    'Cannot apply customVjp: there is no option "nondiff", the options are nondiffArgnums',
  );
  for (const [argnums, shown] of [[-1, "-1"], [[0.5], "[0.5]"], ["x", '"x"'], [null, "null"]]) {
    assertRefused(
      () => unchecked(f, f, f, { nondiffArgnums: argnums }),
      ArgumentError,
      `Cannot apply customVjp with nondiffArgnums ${shown}: ` +
        "expected positions of arguments, counted from 0",
    );
  }
  const named = unchecked((x: Tensor, name: string) => name === "" ? x : x, f, f);
  assertRefused(
    () => grad((x: Tensor) => named(x, "a name"))(1),
    TreeError,
    "Cannot call a function with customVjp (nondiffArgnums names arguments that are no tensors): " +
      'expected a tensor or number at [1], got "a name"',
  );
});

Deno.test("a gradient through a sum of quotients keeps what JAX's documentation promises", () => {
  // f(x, y) = sin(x) y, with the cotangent of y doubled.
  const f = customVjp(
    (x: Tensor, y: Tensor) => sin(x).mul(y),
    (x: Tensor, y: Tensor) => [sin(x).mul(y), [cos(x), sin(x), y]],
    ([cosine, sine, y], cotangent) => [cosine.mul(cotangent).mul(y), sine.mul(cotangent).mul(2)],
  );
  const [out, pullback] = vjp(f, wide(0.3), wide(2));
  assertTensorsClose(out, wide(2 * Math.sin(0.3)));
  const [dx, dy] = pullback(1) as unknown as [Tensor, Tensor];
  assertTensorsClose(dx, wide(2 * Math.cos(0.3)));
  assertTensorsClose(dy, wide(2 * Math.sin(0.3)));
});

Deno.test("a fixed point with the rule of JAX's documentation", () => {
  type Step = (a: Tensor, x: Tensor) => Tensor;
  const iterate = (f: Scalar, x: Tensor): Tensor => {
    let before = x;
    let after = f(x);
    while (Math.abs(after.item() - before.item()) > 1e-13) [before, after] = [after, f(after)];
    return after;
  };
  const fixedPoint: (f: Step, a: Tensor, guess: Tensor) => Tensor = customVjp(
    (f: Step, a: Tensor, guess: Tensor) => iterate((x) => f(a, x), guess),
    (f: Step, a: Tensor, guess: Tensor) => {
      const star = fixedPoint(f, a, guess);
      return [star, { a, star }];
    },
    (f: Step, { a, star }: { a: Tensor; star: Tensor }, cotangent: Tensor) => {
      const [, pullA] = vjp((a: Tensor) => f(a, star), a);
      const [, pullX] = vjp((x: Tensor) => f(a, x), star);
      const total = fixedPoint(
        (total, u) => total.add(pullX(u)[0] as Tensor),
        cotangent,
        cotangent,
      );
      return [pullA(total)[0], null];
    },
    { nondiffArgnums: 0 },
  );
  const root = (a: Tensor) => fixedPoint((a, x) => div(x.add(a.div(x)), 2), a, a);
  assertTensorsClose(root(wide(2)), wide(Math.SQRT2), { rtol: 1e-10 });
  assertTensorsClose(grad(root)(wide(2)), wide(0.5 / Math.SQRT2), { rtol: 1e-10 });
});

Deno.test("collectives in a function with a rule, and in its rule, work across a vmap's axis", () => {
  const centred = customVjp(
    (x: Tensor) => x.sub(pmean(x, "batch")),
    (x: Tensor) => [x.sub(pmean(x, "batch")), null],
    (_kept, cotangent) => [cotangent.sub(pmean(cotangent, "batch")).mul(10)],
  );
  const f = (x: Tensor): Tensor => vmap(centred, 0, 0, { axisName: "batch" })(x);
  const x = tensor([1, 2, 6]);
  assertTensorsClose(f(x), [-2, -1, 3]);
  assertTensorsClose(jit(f)(x), [-2, -1, 3]);
  const g = grad((x: Tensor) => f(x).square().sum());
  assertTensorsClose(g(x), [-40, -20, 60]);
  assertTensorsClose(jit(g)(x), [-40, -20, 60]);
  assertTensorsClose(jvp(f, [x], [tensor([1, 0, 2])])[1], [0, -10, 10]);
  const inner = vmap((x: Tensor) => grad((y: Tensor) => centred(y).square())(x), 0, 0, {
    axisName: "batch",
  });
  assertTensorsClose(inner(x), [-40, -20, 60]);
});

Deno.test("a rule that closes over what a transform traces is told to take it as an argument", () => {
  const close = (w: Tensor): Scalar =>
    customVjp(
      (x: Tensor) => x.mul(w),
      (x: Tensor) => [x.mul(w), w],
      (w, cotangent) => [cotangent.mul(w)],
    );
  const three = tensor(3);
  const advice = "outside of what runs here; pass it as an argument instead of closing over it";
  assertRefused(
    () => grad((x: Tensor) => vmap((w: Tensor) => close(w)(x))(tensor([1, 2])).sum())(three),
    TraceError,
    `Cannot use float32[] in mul: it is traced by vmap, ${advice}`,
  );
  const last = (w: Tensor) => (x: Tensor) =>
    scan((y: Tensor, _: Tensor): [Tensor, null] => [close(w)(y), null], x, tensor([1, 2]))[0];
  assertTensorsClose(jit((w: Tensor) => last(w)(tensor(1)))(three), 9);
  assertRefused(
    () => jit((w: Tensor) => grad(last(w))(tensor(1)))(three),
    TraceError,
    `Cannot use float32[] in mul: it is traced by jit, ${advice}`,
  );
  const forwardAlone = (w: Tensor): Tensor =>
    customVjp(
      (x: Tensor) => x.mul(2),
      (x: Tensor) => [x.mul(w), null],
      (_kept, cotangent) => [cotangent],
    )(w);
  assertRefused(
    () => grad(forwardAlone)(three),
    TraceError,
    `Cannot use float32[] in mul: it is traced by grad, ${advice}`,
  );
  const backwardAlone = (w: Tensor): Tensor =>
    customVjp(
      (x: Tensor) => x.mul(2),
      (x: Tensor) => [x.mul(2), null],
      (_kept, cotangent: Tensor) => [cotangent.mul(w)],
    )(w);
  assertRefused(
    () => grad(backwardAlone)(three),
    TraceError,
    "Cannot use float32[] in mul: it was traced by grad, which has ended; " +
      "return values from the function instead of storing them outside it",
  );
});

Deno.test("forward mode by a number follows the backward rule, in full precision", () => {
  const scaled = customVjp(
    (x: Tensor, a: number) => x.mul(a),
    (x: Tensor, a: number) => [x.mul(a), { x, a }],
    ({ x, a }, cotangent) => [cotangent.mul(a), cotangent.mul(x)],
  );
  const tangent = jvp(scaled, [wide(3), 0.1], [wide(1), 0.1])[1] as Tensor;
  assertEquals([tangent.dtype, tangent.item()], ["float64", 0.1 + 3 * 0.1]);
  assertTensorsClose(jvp(scaled, [tensor(3), 0.1], [tensor(1), 0.1])[1], tensor(0.4));
});
