import {
  ArgumentError,
  evalShape,
  grad,
  makeProgram,
  matmul,
  ShapeError,
  sin,
  tensor,
  TensorType,
  TreeError,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { checkProgram } from "../../src/core/check.ts";
import { evaluateProgram, Program } from "../../src/core/program.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

Deno.test("makeProgram gives the program of a function for arguments like the given ones", () => {
  const f = (p: { w: Tensor; b: Tensor }, x: Tensor) => sin(p.w.mul(x).add(p.b)).sum();
  const program = makeProgram(f)(
    { w: f64([1, 2]), b: new TensorType("float64", [2]) },
    f64([3, 4]),
  );
  assertInstanceOf(program, Program);
  assertEquals(
    String(program),
    `program(a: float64[2], b: float64[2], c: float64[2]) {
  d: float64[2] = mul(b, c)
  e: float64[2] = add(d, a)
  f: float64[2] = sin(e)
  g: float64[] = reduceSum(f) { axes: [0] }
  return (g)
}`,
  );
});

Deno.test("nothing is computed while a program is made", () => {
  const huge = new TensorType("float32", [46340, 46340]);
  const program = makeProgram((x: Tensor) => matmul(x, x).add(x).sum())(huge);
  assertEquals(program.equations.length, 3);
  assertEquals(String(evalShape((x: Tensor) => matmul(x, x))(huge)), "float32[46340,46340]");
});

Deno.test("numbers, typed arrays and tensors are examples of their types", () => {
  const program = makeProgram((x: Tensor, y: Tensor, z: Tensor) => [x, y, z])(
    1,
    Float64Array.of(1, 2),
    tensor([true]),
  );
  assertEquals(
    String(program),
    "program(a: float32[], b: float64[2], c: bool[1]) {\n  return (a, b, c)\n}",
  );
});

Deno.test("what a function closes over becomes a constant of its program", () => {
  const weights = f64([1, 2]);
  const program = makeProgram((x: Tensor) => x.mul(weights))(f64([3, 4]));
  assertEquals(
    String(program),
    "program(a: float64[2]) {\n  b: float64[2] = mul(a, constant float64[2])\n  return (b)\n}",
  );
  assertEquals(evaluateProgram(program, [f64([5, 6])])[0].toArray(), [5, 12]);
});

Deno.test("programs of transformed functions are well-formed", () => {
  const f = (x: Tensor) => sin(x.mul(x)).sum();
  const g = (x: Tensor) => vmap(grad(f))(x).mul(x).sum();
  const program = makeProgram(grad(g))(f64([[1, 2], [3, 4]]));
  checkProgram(program);
  const x = f64([[0.1, 0.2], [0.3, 0.4]]);
  assertEquals(evaluateProgram(program, [x])[0].toArray(), grad(g)(x).toArray());
});

Deno.test("a program can be transformed by evaluating it under a transform", () => {
  const program = makeProgram((x: Tensor) => x.mul(sin(x)))(f64(1));
  const run = (x: Tensor) => evaluateProgram(program, [x])[0];
  const direct = (x: Tensor) => x.mul(sin(x));
  assertEquals(grad(run)(f64(0.7)).item(), grad(direct)(f64(0.7)).item());
  assertEquals(
    vmap(grad(run))(f64([0.1, 0.7])).toArray(),
    vmap(grad(direct))(f64([0.1, 0.7])).toArray(),
  );
});

Deno.test("evalShape gives the types of a function's output, as a tree like it", () => {
  const f = (p: { a: Tensor; n: Tensor }) => ({
    list: [p.a.sum(0), null],
    indices: p.a.argmax(1),
    two: 2,
    n: p.n,
  });
  const out = evalShape(f)({
    a: new TensorType("float64", [3, 4]),
    n: tensor([1, 2], { dtype: "int32" }),
  }) as ReturnType<typeof f>;
  assertEquals(
    [out.list[0], out.list[1], out.indices, out.two, out.n].map(String),
    ["float64[4]", "null", "int32[3]", "float32[]", "int32[2]"],
  );
  assert(out.indices as unknown instanceof TensorType);
  assertEquals(Object.keys(out), ["list", "indices", "two", "n"]);
});

Deno.test("errors while a program is made are the function's own", () => {
  assertRefused(
    () =>
      evalShape((x: Tensor, y: Tensor) => matmul(x, y))(
        new TensorType("float32", [2, 3]),
        new TensorType("float32", [4, 5]),
      ),
    ShapeError,
    "Cannot multiply float32[2,3] by float32[4,5]: inner axes must be equal, " +
      "current sizes are 3 and 4",
  );
  assertRefused(
    () => makeProgram((x: Tensor) => x)("text"),
    TreeError,
    "Cannot trace makeProgram with these arguments: expected a tensor or number at [0], " +
      'got "text"',
  );
  assertRefused(
    () => makeProgram(() => ({ a: [undefined] }))(),
    TreeError,
    "Cannot return this value from makeProgram: expected a tensor or number at .a[0], " +
      "got undefined",
  );
  assertRefused(
    () => evalShape(3 as never),
    ArgumentError,
    "Cannot apply evalShape to 3: expected a function",
  );
  assertRefused(
    // deno-lint-ignore require-await
    () => makeProgram(async (x: Tensor) => x)(1),
    ArgumentError,
    "Cannot apply makeProgram to an async function: expected its result, got a Promise; " +
      "await what it needs before the call and pass that as an argument",
  );
});
