import {
  conv,
  grad,
  inspect,
  makeProgram,
  matmul,
  mul,
  reshape,
  sin,
  sum,
  TensorType,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

function f32(...shape: number[]): TensorType {
  return new TensorType("float32", shape);
}

Deno.test("toText prints what String does", () => {
  const program = makeProgram((x: Tensor) => sum(mul(sin(x), 2)))(f32(3));
  const text = [
    "program(a: float32[3]) {",
    "  b: float32[3] = sin(a)",
    "  c: float32[3] = mul(b, 2)",
    "  d: float32[] = reduceSum(c) { axes: [0] }",
    "  return (d)",
    "}",
  ].join("\n");
  assertEquals(inspect.toText(program), text);
  assertEquals(String(program), text);
});

Deno.test("countOperations counts equations by primitive", () => {
  const program = makeProgram(grad((x) => sin(sin(x))))(1);
  const { sin: sines, cos } = inspect.countOperations(program);
  assertEquals([sines, cos], [1, 2]);
});

Deno.test("countFlops counts two operations for each product that is summed", () => {
  const flops = (f: (...args: Tensor[]) => unknown, ...types: TensorType[]) =>
    inspect.countFlops(makeProgram(f)(...types));
  assertEquals(flops((a, b) => matmul(a, b), f32(10, 20), f32(20, 30)), 2 * 10 * 20 * 30);
  assertEquals(
    flops((a, b) => vmap((x: Tensor, y: Tensor) => matmul(x, y))(a, b), f32(5, 2, 3), f32(5, 3, 4)),
    2 * 5 * 2 * 3 * 4,
  );
  const products = 2 * 1 * 8 * 4 * 9 * 25;
  const convolution = (x: Tensor, w: Tensor) => conv(x, w, { padding: 1 });
  assertEquals(flops(convolution, f32(1, 4, 5, 5), f32(8, 4, 3, 3)), products);
  const [dx, dw] = [0, 1].map((argnums) =>
    makeProgram(grad((x: Tensor, w: Tensor) => sum(convolution(x, w)), { argnums }))(
      f32(1, 4, 5, 5),
      f32(8, 4, 3, 3),
    )
  );
  assertEquals([inspect.countFlops(dx), inspect.countFlops(dw)], [products, products]);
  const grouped = (x: Tensor, w: Tensor) => conv(x, w, { groups: 4, padding: 1 });
  assertEquals(flops(grouped, f32(1, 4, 5, 5), f32(8, 1, 3, 3)), products / 4);
  assertEquals(flops((x) => sum(sin(x)), f32(7)), 14);
  assertEquals(flops((x) => reshape(x, [7, 1]), f32(7)), 0);
});

Deno.test("what is no program is refused", () => {
  assertThrows(
    () => inspect.toText((() => 1) as never),
    TypeError,
    "Cannot print function (anonymous): expected a program; makeProgram(f)(...args) makes one",
  );
  assertThrows(
    () => inspect.countFlops(null as never),
    TypeError,
    "Cannot count the operations of null: expected a program; makeProgram(f)(...args) makes one",
  );
});
