import { exp, flip, matmul, tensor } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { openDevice } from "../../../src/backends/devices.ts";
import { wasm } from "../../../src/backends/wasm/mod.ts";
import { cpu } from "../../../src/core/device.ts";
import { Concrete, splat } from "../../../src/core/tensor.ts";
import { installDispatcher } from "../../../src/core/trace.ts";
import { div } from "../../../src/primitives/arithmetic.ts";
import { cumsum, reduceMax } from "../../../src/primitives/reduction.ts";
import { convert, reduceSum } from "../../../src/primitives/structure.ts";
import { assertIdentical, assertRounded } from "../../laws/assertions.ts";
import { between, fromValues, makeRandom } from "../../laws/values.ts";
import { assertEquals } from "../../support/std.ts";

function values(...shape: number[]): Concrete {
  const size = shape.reduce((product, length) => product * length, 1);
  return fromValues(between(-1, 1)(makeRandom(4), size), "float32", shape);
}

/** What the evaluator gives. */
function evaluated<T>(f: () => T): T {
  installDispatcher(null);
  try {
    return f();
  } finally {
    openDevice(cpu, wasm);
  }
}

Deno.test("large operations give the evaluator's results, at the first call and later", () => {
  const x = values(300, 200);
  const y = values(200, 300);
  const indices = tensor([3, 299, 0], { dtype: "int32" });
  const operations: Record<string, () => Tensor> = {
    add: () => x.add(x),
    exp: () => exp(x),
    flip: () => flip(x, [0, 1]),
    transpose: () => x.transpose(),
    sum: () => reduceSum(x, [0]),
    "all summed up": () => reduceSum(x, [0, 1]),
    maximum: () => reduceMax(x, [1]),
    product: () => matmul(x, y),
    running: () => cumsum(x, 1, false),
    converted: () => convert(x.mul(10), "int32"),
    picked: () => x.at(indices),
    padded: () => x.pad([[1, 2], [3, 4]]),
    sliced: () => x.at([1, null, 2], [5, 7]),
    compared: () => x.less(y.transpose()),
  };
  const before = x.data();
  for (const [name, f] of Object.entries(operations)) {
    const expected = evaluated(f);
    const first = f();
    assertRounded([first], [expected], 256, name);
    for (let i = 0; i < 3; i++) assertIdentical([f()], [first], `${name}, again`);
  }
  assertEquals(x.data(), before);
});

Deno.test("a zero that is repeated keeps its sign", () => {
  const x = new Concrete("float32", [100_000], new Float32Array(100_000).fill(1));
  for (const zero of [0, -0, 0, -0]) {
    const result = div(x, splat(zero, "float32", [100_000]));
    assertEquals(result.data()[99_999], 1 / zero);
  }
});

Deno.test("what is not a number is repeated as it is", () => {
  const x = values(100_000);
  for (const value of [NaN, Infinity, -Infinity]) {
    assertEquals(x.add(value).data()[5], value);
  }
});

Deno.test("operations of very many kinds are not all kept", () => {
  const x = values(140, 140);
  for (let i = 0; i < 600; i++) {
    const length = 120 + i % 20;
    const result = x.at([0, length], [i % 3, 139]).mul(i);
    assertEquals(result.data()[0], Math.fround(x.data()[i % 3] * i));
  }
});

Deno.test("slices and paddings of large tensors are not compiled for each place", () => {
  const x = values(300, 300);
  // Nothing goes through linear memory: what a kernel reads has a home there afterwards.
  for (let i = 0; i < 20; i++) {
    assertEquals(x.at([i, i + 200]).shape, [200, 300]);
    assertEquals(x.pad([[i, 1], [2, 3]]).shape, [301 + i, 305]);
  }
  assertEquals(x.storage.resident, null);
});
