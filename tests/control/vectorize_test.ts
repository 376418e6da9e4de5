import {
  add,
  applyAlongAxis,
  applyOverAxes,
  ArgumentError,
  concatenate,
  customJvp,
  customVmap,
  grad,
  jit,
  log,
  makeProgram,
  matmul,
  max,
  mul,
  ones,
  piecewise,
  pureCallback,
  reshape,
  scan,
  select,
  ShapeError,
  sin,
  sort,
  sqrt,
  stack,
  stopGradient,
  sum,
  tensor,
  TensorType,
  TreeError,
  vectorize,
  vjp,
  vmap,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

function counted(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return reshape(tensor(Float64Array.from({ length: size }, (_, i) => Math.sin(i + 1))), shape);
}

Deno.test("vectorize applies a function of matrices and vectors over axes that broadcast", () => {
  const product = vectorize((a: Tensor, x: Tensor) => matmul(a, x), {
    signature: "(n,m),(m)->(n)",
  });
  const [a, x] = [counted(5, 1, 2, 3), counted(4, 3)];
  const expected = stack(
    [0, 1, 2, 3, 4].map((i) => stack([0, 1, 2, 3].map((j) => matmul(a.at(i, 0), x.at(j))))),
  );
  assertTensorsClose(product(a, x), expected);
  assertTensorsClose(jit(product)(a, x) as Tensor, expected);
  assertEquals(product(a.at(0), x.at(null, null)).shape, [4, 2]);
  assertEquals(product(ones([1, 2, 3]), ones([3])).shape, [1, 2]);
  assertEquals(product(zeros([0, 1, 2, 3]), x).shape, [0, 4, 2]);
  checkGrads(product as never, [a, x] as never);
});

Deno.test("vectorize hands on what is excluded, and gives lists", () => {
  const f = vectorize(
    (scale: number, x: Tensor) => [mul(x.sum(), scale), max(x)],
    { signature: "(n)->(),()", excluded: [0] },
  ) as (scale: number, x: Tensor) => Tensor[];
  const x = counted(2, 3);
  const [total, largest] = f(2, x);
  assertTensorsClose(total, x.sum(1).mul(2));
  assertTensorsClose(largest, x.max(1));
  const scalar = vectorize((a: Tensor, b: Tensor) => add(a, b));
  assertTensorsClose(scalar([1, 2], [[10], [20]]), [[11, 12], [21, 22]]);
});

Deno.test("vectorize refuses what its signature does not fit", () => {
  const f = vectorize((x: Tensor, y: Tensor) => add(x, y), { signature: "(n),(n)->(n)" });
  assertRefused(
    () => f(ones([3]), ones([2])),
    ShapeError,
    "Cannot vectorize over float32[2]: axis n has length 2, not 3",
  );
  assertRefused(
    () => f(ones([3]), 1),
    ShapeError,
    "Cannot vectorize over float32[]: expected at least 1 axis, (n)",
  );
  assertRefused(
    () => f(ones([3])),
    ArgumentError,
    "Cannot vectorize: expected 2 arguments, as its signature has, got 1",
  );
  assertRefused(
    () => vectorize(sin, { signature: "(n)->n" }),
    ArgumentError,
    'Cannot vectorize with the signature "(n)->n": expected one such as "(n,m),(m)->(n)"',
  );
  assertRefused(
    () => vectorize((x: Tensor) => x.sum(), { signature: "(n)->(n)" })(ones([2])),
    ShapeError,
    "Cannot vectorize: expected a result with axes (n), got float32[]",
  );
});

Deno.test("applyAlongAxis puts results of any shape in the place of the axis", () => {
  const x = counted(2, 3, 4);
  assertTensorsClose(applyAlongAxis((v) => v.sum(), 1, x), x.sum(1));
  assertTensorsClose(applyAlongAxis((v) => sort(v), -2, x), sort(x, 1));
  const outer = applyAlongAxis((v) => v.outer(v), 1, x);
  assertEquals(outer.shape, [2, 3, 3, 4]);
  assertTensorsClose(outer.at(1, null, null, 2), x.at(1, null, 2).outer(x.at(1, null, 2)));
  assertTensorsClose(applyAlongAxis((v) => v.mul(2), 0, [1, 2]), [2, 4]);
  checkGrads(((y: Tensor) => applyAlongAxis((v) => v.outer(v), 1, y)) as never, [x] as never);
});

Deno.test("applyOverAxes keeps all axes", () => {
  const x = counted(2, 3, 4);
  const expected = sum(x, [0, 2], { keepdims: true });
  assertTensorsClose(applyOverAxes((y, axis) => sum(y, axis), x, [0, -1]), expected);
  assertTensorsClose(
    applyOverAxes((y, axis) => sum(y, axis, { keepdims: true }), x, 1),
    sum(x, 1, { keepdims: true }),
  );
});

Deno.test("piecewise takes the last condition that holds, and derivatives of that piece alone", () => {
  const x = tensor([-4, -1, 0, 1, 4], { dtype: "float64" });
  const f = (x: Tensor) =>
    piecewise(x, [x.less(0), x.greater(2)], [-1, (v) => sqrt(v), (v) => mul(v, 3)]);
  assertTensorsClose(f(x), [-1, -1, 0, 3, 2]);
  assertTensorsClose(jit(f)(x), [-1, -1, 0, 3, 2]);
  assertTensorsClose(grad((x: Tensor) => f(x).sum())(x), [0, 0, 3, 3, 0.25]);
  const logs = (x: Tensor) => piecewise(x, [x.greater(0)], [(v: Tensor) => log(v)]).sum();
  assertTensorsClose(grad(logs)(tensor([-1, 0, 2])), [0, 0, 0.5]);
  assertRefused(
    () => piecewise(x, [x.less(0)], []),
    ArgumentError,
    "Cannot apply piecewise: expected a function for each of 1 conditions, and one more at most, got 0",
  );
});

Deno.test("select takes the first condition that holds", () => {
  const x = tensor([-2, 0, 1, 5], { dtype: "float64" });
  const f = (x: Tensor) => select([x.less(0), x.less(3)], [x.mul(-1), 7], x.mul(x));
  for (const g of [f, jit(f), vmap(f)]) assertTensorsClose(g(x), [2, 7, 7, 25]);
  assertTensorsClose(grad((x: Tensor) => f(x).sum())(x), [-1, 0, 0, 10]);
});

const scalar = new TensorType("float64", []);

/** A square that is opaque to programs. */
function hidden(x: Tensor): Tensor {
  return pureCallback((v: Tensor) => v.item() ** 2, scalar, x);
}

Deno.test("pureCallback computes eagerly, compiled, in loops, and for each example", () => {
  const x = tensor([1, 2, 3], { dtype: "float64" });
  assertTensorsClose(hidden(x.at(2)), 9);
  assertTensorsClose(jit((x: Tensor) => hidden(x.sum()).add(1))(x), 37);
  assertTensorsClose(vmap(hidden)(x), [1, 4, 9]);
  assertTensorsClose(jit(vmap(hidden))(x), [1, 4, 9]);
  const table = vmap(vmap((a: Tensor, b: Tensor) => hidden(add(a, b)), [null, 0]), [0, null]);
  assertTensorsClose(table(x, x.at([0, 2])), [[4, 9], [9, 16], [16, 25]]);
  const sums = jit((x: Tensor) =>
    scan(
      (total, y) => {
        const next = add(total, hidden(y));
        return [next, next];
      },
      tensor(0, { dtype: "float64" }),
      x,
    )[1]
  );
  assertTensorsClose(sums(x), [1, 5, 14]);
  assertEquals(vmap(hidden)(zeros([0], { dtype: "float64" })).shape, [0]);
  const seen: unknown[] = [];
  const pair = pureCallback<{ a: Tensor; b: Tensor }>(
    (tree: { v: Tensor }, word: string) => {
      seen.push(word);
      return { a: tree.v.mul(2), b: [1, 2] as unknown as Tensor };
    },
    { a: new TensorType("float32", [2]), b: new TensorType("int32", [2]) },
    { v: tensor([1, 2]) },
    "hello",
  );
  assertTensorsClose(pair.a, [2, 4]);
  assertEquals(pair.b.dtype, "int32");
  assertEquals(seen, ["hello"]);
});

Deno.test("pureCallback takes a batch at once where vmapMethod says so", () => {
  const type = new TensorType("float64", [2]);
  const x = counted(3, 2);
  const y = counted(4);
  for (const vmapMethod of ["sequential", "expandDims", "broadcastAll"] as const) {
    const shapes: string[] = [];
    // The batch axes come first in both values.
    const callback = (a: Tensor, b: Tensor) => {
      shapes.push(`${a.shape};${b.shape}`);
      const product = mul(a, reshape(b, [...b.shape, 1]));
      return vmapMethod === "expandDims" && a.ndim > 1
        ? mul(product, ones([...a.shape.slice(0, -1).map((n, i) => Math.max(n, b.shape[i])), 2]))
        : product;
    };
    const f = (a: Tensor, b: Tensor) => pureCallback<Tensor>({ callback, vmapMethod }, type, a, b);
    const direct = (a: Tensor, b: Tensor) => mul(a, reshape(b, [1]));
    const all = vmap(vmap(f, [0, null]), [null, 0]);
    const expected = vmap(vmap(direct, [0, null]), [null, 0])(x, y);
    assertTensorsClose(all(x, y), expected);
    assertEquals(
      shapes,
      vmapMethod === "sequential"
        ? new Array(12).fill("2;")
        : [vmapMethod === "expandDims" ? "1,3,2;4,1" : "4,3,2;4,3"],
    );
    assertTensorsClose(jit(all)(x, y), expected);
    assertTensorsClose(
      vmap(f, [1, null])(x.swapaxes(0, 1), y.at(0)),
      vmap(direct, [0, null])(x, y.at(0)),
    );
    assertTensorsClose(f(x.at(0), y.at(1)), direct(x.at(0), y.at(1)));
  }
  assertRefused(
    () => pureCallback({ callback: () => 1, vmapMethod: "parallel" as "sequential" }, type),
    ArgumentError,
    'Cannot call back with vmapMethod "parallel": expected one of sequential, expandDims, broadcastAll',
  );
  assertRefused(
    () =>
      vmap((a: Tensor) =>
        pureCallback<Tensor>({ callback: () => [1, 2], vmapMethod: "broadcastAll" }, type, a)
      )(x),
    ShapeError,
    "Cannot call back: expected a result float64[3,2], got float32[2]",
  );
});

Deno.test("pureCallback is refused by derivatives, unless one is given", () => {
  const message = "Cannot differentiate pureCallback: it has no derivative; " +
    "give it a derivative with customJvp or customVjp, or take stopGradient of its arguments";
  assertRefused(() => grad(hidden)(3), ArgumentError, message);
  assertTensorsClose(
    grad((x: Tensor) => hidden(stopGradient(x)).mul(x))(tensor(3, { dtype: "float64" })),
    9,
  );
  const known = customJvp(hidden, ([x], [dx]) => [hidden(x), x.mul(2).mul(dx)]);
  assertTensorsClose(grad(known)(tensor(3, { dtype: "float64" })), 6);
  const whole = (x: Tensor) => pureCallback<Tensor>(() => 2, new TensorType("int32", []), x).mul(x);
  assertTensorsClose(grad(whole)(tensor(3)), 2);
});

Deno.test("pureCallback refuses results that are not what was said", () => {
  assertRefused(
    () => pureCallback(() => [1, 2, 3], new TensorType("float32", [2]), 1),
    ShapeError,
    "Cannot call back: expected a result float32[2], got float32[3]",
  );
});

Deno.test("customVmap runs its rule for a batch, and the function otherwise", () => {
  const calls: unknown[] = [];
  const f: (x: Tensor, y: Tensor) => Tensor = customVmap(
    (x: Tensor, y: Tensor) => sin(x).mul(y),
    (size, isBatched, x, y) => {
      calls.push([size, isBatched, x.shape, y.shape]);
      return [sin(x).mul(y), true];
    },
  );
  const [x, y] = [tensor([1, 2, 3], { dtype: "float64" }), tensor(2, { dtype: "float64" })];
  assertTensorsClose(f(x.at(0), y), sin(x.at(0)).mul(2));
  assertEquals(calls, []);
  const expected = sin(x).mul(2);
  assertTensorsClose(vmap(f, [0, null])(x, y), expected);
  assertEquals(calls, [[3, [true, false], [3], []]]);
  assertTensorsClose(jit(vmap(f, [0, null]))(x, y), expected);
  assertEquals(calls.length, 2);
  // The rule itself is mapped over a second axis.
  assertTensorsClose(
    vmap(vmap(f, [0, null]), [null, 0])(x, stack([y, y])),
    stack([expected, expected]),
  );
});

Deno.test("customVmap is differentiated as its function, and within vmap as its rule", () => {
  const f = customVmap((x: Tensor) => sin(x), (_size, _isBatched, x) => [sin(x), true]);
  const x = tensor([1, 2, 3], { dtype: "float64" });
  assertTensorsClose(grad(f)(x.at(0)), Math.cos(1));
  assertTensorsClose(vmap(grad(f))(x), x.cos());
  assertTensorsClose(grad((x: Tensor) => vmap(f)(x).sum())(x), x.cos());
  assertTensorsClose(jit(grad((x: Tensor) => vmap(f)(x).sum()))(x), x.cos());
  const [, pullback] = vjp(vmap(f), x);
  assertTensorsClose((pullback(ones([3], { dtype: "float64" })) as Tensor[])[0], x.cos());
});

Deno.test("customVmap refuses rules that give something else", () => {
  const x = tensor([1, 2]);
  const wrong = (result: unknown) =>
    vmap(customVmap((x: Tensor) => sin(x), () => result as [Tensor, boolean]));
  assertRefused(
    () => wrong([x, false])(x),
    ShapeError,
    "Cannot use what the rule of customVmap returned: expected float32[], got float32[2]",
  );
  assertRefused(
    () => wrong(x)(x),
    TreeError,
    "Cannot use what the rule of customVmap returned: expected [out, isBatched], got float32[2]",
  );
  const captures = vmap((x: Tensor) =>
    customVmap((y: Tensor) => y.mul(x), (_size, _isBatched, y) => [y, true])(tensor(1).add(x))
  );
  assertRefused(
    () => captures(x),
    ArgumentError,
    "Cannot map a function with customVmap over a value that it does not get as an argument: " +
      "its batching rule gets arguments only; pass it as an argument",
  );
});

Deno.test("a function with customVmap is one operation of a program", () => {
  const f = customVmap((x: Tensor) => sin(x), (_size, _isBatched, x) => [sin(x), true]);
  assertEquals(String(makeProgram(f)(1)).includes("customVmap"), true);
  assertTensorsClose(concatenate([jit(f)(tensor([1]))]), sin([1]));
});
