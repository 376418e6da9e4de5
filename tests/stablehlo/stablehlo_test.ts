/**
 * Programs as StableHLO text, which needs no plugin.
 *
 * @module
 */
import {
  arange,
  cond,
  debugCallback,
  grad,
  inspect,
  jit,
  linalg,
  makeProgram,
  matmul,
  mesh,
  scan,
  shard,
  tensor,
  withSharding,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

Deno.test("a program is a module with a function main", () => {
  const program = makeProgram((x: Tensor, w: Tensor) => matmul(x, w).sin())(
    tensor([[1, 2]]),
    tensor([[1], [2]]),
  );
  assertEquals(
    inspect.toStableHlo(program),
    `module @jacobi {
  func.func public @main(%arg0: tensor<1x2xf32>, %arg1: tensor<2x1xf32>) -> (tensor<1x1xf32>) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
    %1 = stablehlo.sine %0 : tensor<1x1xf32>
    return %1 : tensor<1x1xf32>
  }
}
`,
  );
});

Deno.test("products of bfloat16 are written as such, and added up in float32", () => {
  const [x, y] = [zeros([2, 3], { dtype: "bfloat16" }), zeros([3, 4], { dtype: "bfloat16" })];
  const linesOf = (...args: Tensor[]) =>
    inspect.toStableHlo(
      makeProgram((x: Tensor, y: Tensor) => matmul(x, y))(...args as [Tensor, Tensor]),
    )
      .match(/dot_general.*: (.*)/)![1];
  assertEquals(linesOf(x, y), "(tensor<2x3xbf16>, tensor<3x4xbf16>) -> tensor<2x4xf32>");
  assertEquals(
    linesOf(x, y.astype("float32")),
    "(tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>",
  );
  const half = "float16";
  assertEquals(
    linesOf(x.astype(half), y.astype(half)),
    "(tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>",
  );
});

Deno.test("numbers are written exactly", () => {
  const constants = [0.1, -0, 1e20, 5e-324, Infinity, -Infinity, NaN];
  const program = makeProgram((x: Tensor) => x.add(tensor(constants, { dtype: "float64" })))(
    tensor(constants, { dtype: "float64" }),
  );
  const [line] = inspect.toStableHlo(program).split("\\n").join("\n").match(/dense<.*>/)!;
  assertEquals(
    line.slice(0, line.indexOf(" :")),
    "dense<[0.1, -0.0, 100000000000000000000.0, 5.0e-324, 0x7FF0000000000000, " +
      "0xFFF0000000000000, 0x7FF8000000000000]>",
  );
});

Deno.test("loops and branches have regions, and the text is the same every time", () => {
  const f = (x: Tensor) => {
    const [sum] = scan((s: Tensor, y: Tensor) => [s.add(y.sin()), null], tensor(0), x);
    return cond(sum.greater(0), (s: Tensor) => s.exp(), (s: Tensor) => s, sum);
  };
  const program = makeProgram(grad(f))(tensor([1, 2, 3]));
  const text = inspect.toStableHlo(program);
  assertEquals(text, inspect.toStableHlo(makeProgram(grad(f))(tensor([1, 2, 3]))));
  for (const operation of ["stablehlo.while", "stablehlo.case", "stablehlo.dynamic_slice"]) {
    assertEquals(text.includes(operation), true, operation);
  }
});

Deno.test("an index that may be outside of its axis is a result more", () => {
  const program = makeProgram((x: Tensor, i: Tensor) => x.at(i))(
    tensor([1, 2, 3]),
    tensor([0, 1], { dtype: "int32" }),
  );
  assertEquals(
    /-> \((.*)\) \{/.exec(inspect.toStableHlo(program))?.[1],
    "tensor<2xf32>, tensor<i1>",
  );
});

Deno.test("factorisations are loops", () => {
  const f = (x: Tensor) => {
    const [w, v] = linalg.eigh(x);
    return w.sum().add(linalg.svd(v)[1].sum()).add(linalg.det(x)).add(linalg.qr(x)[1].sum());
  };
  const text = inspect.toStableHlo(makeProgram(grad(f))(tensor([[2, 1], [1, 3]])));
  assertEquals(text.includes("stablehlo.while"), true);
});

Deno.test("what has no form there is named", () => {
  const program = makeProgram((x: Tensor) => {
    debugCallback(() => {}, x);
    return x.sin();
  })(tensor([1]));
  assertThrows(
    () => inspect.toStableHlo(program),
    Error,
    "Cannot write the program as StableHLO: debugCallback has no form there; compute it before or " +
      "after the program",
  );
});

Deno.test("a lowered function has the text of its device, of its program and as StableHLO", () => {
  const lowered = jit((x: Tensor) => x.sin().sum()).lower(tensor([1, 2]));
  assertEquals(lowered.text("stablehlo"), inspect.toStableHlo(lowered.program));
  assertEquals(lowered.text("program").startsWith("program(a: float32[2])"), true);
  assertEquals(lowered.text(), lowered.text("device"));
  assertThrows(
    () => lowered.text("llvm" as never),
    Error,
    'Cannot write a lowered function as "llvm": the languages are "device", "program" and "stablehlo"',
  );
});

Deno.test("many elements are written as bytes", () => {
  const f = (x: Tensor) => x.add(arange(300, undefined, undefined, { dtype: "int32" }));
  const constant = tensor(Int32Array.from({ length: 300 }, (_, i) => i - 1));
  const text = inspect.toStableHlo(makeProgram((x: Tensor) => f(x).add(constant))(constant));
  assertEquals(text.includes(`dense<"0xffffffff0000000001000000`), true, text.slice(0, 400));
});

Deno.test("a program over a mesh names the mesh, and how values are divided", () => {
  const machines = mesh({ data: 2, 'the "model"': 4 });
  const [rows, both] = [shard(machines, "data"), shard(machines, null, ["data", 'the "model"'])];
  const f = (x: Tensor): Tensor => withSharding(withSharding(x, rows).sin(), both);
  assertEquals(
    inspect.toStableHlo(makeProgram(f)(zeros([2, 8]))),
    `module @jacobi {
  sdy.mesh @mesh = <["data"=2, "the.20.22model.22"=4]>
  func.func public @main(%arg0: tensor<2x8xf32>) -> (tensor<2x8xf32>) {
    %0 = sdy.sharding_constraint %arg0 <@mesh, [{"data"}, {}]> : tensor<2x8xf32>
    %1 = stablehlo.sine %0 : tensor<2x8xf32>
    %2 = sdy.sharding_constraint %1 <@mesh, [{}, {"data", "the.20.22model.22"}]> : tensor<2x8xf32>
    return %2 : tensor<2x8xf32>
  }
}
`,
  );
});
