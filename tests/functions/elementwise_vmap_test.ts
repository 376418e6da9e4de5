import * as functions from "../../src/functions/mod.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assertEquals } from "../support/std.ts";

// The public elementwise functions under vmap and to second order, through broadcasting of mixed ranks
// and promotion of mixed dtypes, which the laws of the strict primitives do not see.

const { stack, tensor } = functions;

function f64(values: Parameters<typeof tensor>[0]): Tensor {
  return tensor(values, { dtype: "float64" });
}

/** Within the domain of every function that it is given to, and away from kinks. */
const unit = f64([[0.15, 0.35, 0.62], [0.81, 0.27, 0.44]]);
const above = unit.add(1.1);

type Unary = (x: Tensor) => Tensor;

const unary: readonly (readonly [string, Unary, Tensor])[] = [
  ...([
    "neg",
    "abs",
    "sign",
    "square",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "atanh",
    "sigmoid",
    "erf",
    "erfc",
    "erfinv",
    "lgamma",
    "digamma",
    "floor",
    "ceil",
    "trunc",
  ] as const).map((name) => [name, functions[name], unit] as const),
  ["round", functions.round, unit],
  ["acosh", functions.acosh, above],
  ["clip", (x: Tensor) => functions.clip(x, 0.3, 0.7), unit],
];

for (const [name, f, x] of unary) {
  Deno.test(`${name} under vmap is a loop, and has its derivatives`, () => {
    const rows = stack([f(x.at(0)), f(x.at(1))]);
    assertTensorsClose(vmap(f)(x), rows, { rtol: 0, atol: 0 });
    assertTensorsClose(vmap(f, 1, 1)(x), rows, { rtol: 0, atol: 0 });
    checkGrads(f, [x], { order: 2, rtol: 1e-5, atol: 1e-5 });
  });
}

type Binary = (x: Tensor, y: Tensor) => Tensor;

const binary: readonly (readonly [string, Binary])[] = ([
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "mod",
  "atan2",
  "maximum",
  "minimum",
  "logaddexp",
] as const).map((name) => [name, functions[name]] as const);

for (const [name, f] of binary) {
  Deno.test(`${name} broadcasts mixed ranks and dtypes under vmap as in a loop`, () => {
    const matrix = unit; // [2, 3]
    const vector = f64([1.3, 1.7, 2.1]); // [3]
    const column = f64([[1.25], [1.9]]); // [2, 1]
    const single = tensor([1.5, 2.5, 3.5]); // float32
    const whole = tensor([2, 3, 4], { dtype: "int32" });
    for (const other of [vector, single, whole]) {
      const loop = stack([f(matrix.at(0), other), f(matrix.at(1), other)]);
      assertTensorsClose(vmap(f, [0, null])(matrix, other), loop, { rtol: 0, atol: 0 });
      assertEquals(f(matrix, other).dtype, "float64");
    }
    const scalars = stack([f(matrix.at(0), column.at(0, 0)), f(matrix.at(1), column.at(1, 0))]);
    assertTensorsClose(vmap(f)(matrix, column.at(null, 0)), scalars, { rtol: 0, atol: 0 });
    const columns = stack([0, 1, 2].map((i) => f(matrix.at(null, i), vector.at(i))), 1);
    assertTensorsClose(vmap(f, [1, 0], 1)(matrix, vector), columns, { rtol: 0, atol: 0 });
    checkGrads(f, [matrix, vector], { order: 2, rtol: 1e-5, atol: 1e-5 });
    checkGrads(f, [matrix, column], { order: 2, rtol: 1e-5, atol: 1e-5 });
    checkGrads(vmap(f, [0, null]), [matrix, vector], { rtol: 1e-5, atol: 1e-5 });
  });
}

Deno.test("where chooses under vmap as in a loop, whatever is mapped", () => {
  const condition = tensor([[true, false, true], [false, false, true]]);
  const other = f64([9, 8, 7]);
  const loop = stack([
    functions.where(condition.at(0), unit.at(0), other),
    functions.where(condition.at(1), unit.at(1), other),
  ]);
  const f = (c: Tensor, x: Tensor, y: Tensor) => functions.where(c, x, y);
  assertTensorsClose(vmap(f, [0, 0, null])(condition, unit, other), loop);
  checkGrads((x: Tensor, y: Tensor) => f(condition, x, y), [unit, other], { order: 2 });
});

for (
  const name of [
    "equal",
    "notEqual",
    "less",
    "lessEqual",
    "greater",
    "greaterEqual",
    "logicalAnd",
    "logicalOr",
    "logicalXor",
  ] as const
) {
  Deno.test(`${name} under vmap is a loop`, () => {
    const x = tensor([[0, 1, 2], [2, 1, 0]], { dtype: "int32" });
    const y = f64([1, 1, 0]);
    const loop = stack([functions[name](x.at(0), y), functions[name](x.at(1), y)]);
    assertTensorsClose(
      vmap((a: Tensor, b: Tensor) => functions[name](a, b), [0, null])(x, y),
      loop,
    );
    assertEquals(loop.dtype, "bool");
  });
}
