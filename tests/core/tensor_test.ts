import { grad, tensor } from "../../mod.ts";
import { ALL_DTYPES, DTYPES, isFloat } from "../../src/base/dtype.ts";
import type { Dtype, HalfDtype, RealDtype } from "../../src/base/dtype.ts";
import { encodeHalves } from "../../src/base/half.ts";
import { ArgumentError, ShapeError } from "../../src/base/errors.ts";
import { fromJavaScript } from "../../src/core/convert.ts";
import {
  allocateFor,
  Concrete,
  dense,
  isSplat,
  sameType,
  splat,
  zerosOf,
} from "../../src/core/tensor.ts";
import { TensorType } from "../../src/core/tensor_type.ts";
import { DtypeError } from "../../src/base/errors.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

function make(values: unknown, dtype?: Dtype): Concrete {
  return fromJavaScript(values, dtype, "Cannot make a tensor");
}

Deno.test("a tensor knows its dtype, shape, number of axes and number of elements", () => {
  const x = make([[1, 2, 3], [4, 5, 6]]);
  assertEquals([x.dtype, x.shape, x.ndim, x.size], ["float32", [2, 3], 2, 6]);
  const scalar = make(3);
  assertEquals([scalar.shape, scalar.ndim, scalar.size], [[], 0, 1]);
  const empty = make([[], []]);
  assertEquals([empty.shape, empty.ndim, empty.size], [[2, 0], 2, 0]);
});

Deno.test("a shape is frozen", () => {
  const x = make([1, 2]);
  assert(Object.isFrozen(x.shape));
  assertThrows(() => (x.shape as number[]).push(3), TypeError);
  assertThrows(() => (x.shape as number[])[0] = 3, TypeError);
  assertEquals(x.shape, [2]);
  const given = [2];
  const y = new Concrete("float32", given, Float32Array.of(1, 2));
  given[0] = 7;
  assertEquals(y.shape, [2]);
});

Deno.test("what a tensor is made from is copied in", () => {
  const nested = [[1, 2], [3, 4]];
  const x = make(nested);
  nested[0][0] = 99;
  assertEquals(x.toArray(), [[1, 2], [3, 4]]);
  for (const dtype of DTYPES) {
    const typed = dtype === "float64" ? new Float64Array([1, 0]) : new Int32Array([1, 0]);
    const y = make(typed, dtype);
    typed[0] = 0;
    assertEquals(y.toArray(), dtype === "bool" ? [true, false] : [1, 0], dtype);
  }
  const own = Float32Array.of(1, 2);
  const z = make(own);
  own[0] = 99;
  assertEquals(z.toArray(), [1, 2]);
});

Deno.test("what a tensor gives out is a copy", () => {
  for (const x of [make([[1, 2], [3, 4]]), splat(1, "float32", [2, 2]), make(1)]) {
    const before = x.toArray();
    const data = x.data();
    data.fill(99);
    assertEquals(x.toArray(), before);
    const nested = x.toArray();
    if (Array.isArray(nested)) (nested as unknown[])[0] = 99;
    assertEquals(x.toArray(), before);
    assert(x.data() !== x.data());
    assertEquals(x.data().buffer.byteLength, x.data().byteLength);
  }
});

Deno.test("elements come out row by row, in the typed array of their dtype", () => {
  const arrays: Record<RealDtype, string> = {
    bool: "Uint8Array",
    int8: "Int8Array",
    uint8: "Uint8Array",
    int16: "Int16Array",
    uint16: "Uint16Array",
    int32: "Int32Array",
    uint32: "Uint32Array",
    float16: "Float16Array" in globalThis ? "Float16Array" : "Uint16Array",
    bfloat16: "Uint16Array",
    float32: "Float32Array",
    float64: "Float64Array",
  };
  for (const dtype of DTYPES) {
    const x = make([[1, 0, 1], [0, 0, 1]], dtype);
    assertEquals(x.data().constructor.name, arrays[dtype]);
    const one = x.data().constructor === Uint16Array && isFloat(dtype)
      ? encodeHalves([1], dtype as HalfDtype)[0]
      : 1;
    assertEquals(Array.from(x.data()), [one, 0, one, 0, 0, one]);
    const expected = dtype === "bool"
      ? [[true, false, true], [false, false, true]]
      : [[1, 0, 1], [0, 0, 1]];
    assertEquals(x.toArray(), expected);
  }
});

Deno.test("tensors without elements and without axes become arrays and values", () => {
  assertEquals(zerosOf({ dtype: "float32", shape: [2, 0] }).toArray(), [[], []]);
  assertEquals(zerosOf({ dtype: "float32", shape: [0, 2] }).toArray(), []);
  assertEquals(zerosOf({ dtype: "float32", shape: [0] }).data().length, 0);
  assertEquals(make(2.5).toArray(), 2.5);
  assertEquals(make(true).toArray(), true);
});

Deno.test("the item of a one-element tensor is a JavaScript value", () => {
  assertEquals(make(2.5).item(), 2.5);
  assertEquals(make([[7]], "int32").item(), 7);
  assertEquals(make(true).item<boolean>(), true);
  assertEquals(splat(0, "bool", [1]).item<boolean>(), false);
  assertRefused(
    () => make([1, 2]).item(),
    ShapeError,
    "Cannot take the item of float32[2]: expected exactly one element, got 2; " +
      "use toArray or data for more",
  );
  assertRefused(
    () => make([]).item(),
    ShapeError,
    "Cannot take the item of float32[0]: expected exactly one element, got 0; " +
      "use toArray or data for more",
  );
});

Deno.test("a one-element tensor compares as its value; + and == are refused", () => {
  const x = make(3) as unknown as number;
  assert(x > 2 && x < 4 && !(x >= 4));
  assertEquals(`${x}`, "tensor(3.)");
  assertEquals(Number(x), 3);
  const message = "Cannot use float32[] with + or ==: use add or equal, or String(x) to print it";
  assertRefused(() => x + 1, ArgumentError, message);
  assertRefused(() => x == 3, ArgumentError, message);
  assertRefused(
    () => (make([1, 2]) as unknown as number) > 1,
    ShapeError,
    "Cannot take the item of float32[2]: expected exactly one element, got 2; " +
      "use toArray or data for more",
  );
});

Deno.test("console.log shows a tensor as String does", () => {
  const x = make([[1, 2], [3, 4]]);
  assertEquals(Deno.inspect(x), String(x));
  assertEquals(Deno.inspect({ x: make(1) }), "{ x: tensor(1.) }");
});

Deno.test("a splat holds one element for all, and prints without making room for them", () => {
  const x = splat(1.5, "float32", [2, 3]);
  assert(isSplat(x));
  assertEquals(x.elements.length, 1);
  assertEquals(Array.from(dense(x)), [1.5, 1.5, 1.5, 1.5, 1.5, 1.5]);
  assert(!isSplat(splat(1, "float32", [])));
  assertEquals(splat(1, "float32", [0, 3]).elements.length, 0);
  const huge = splat(1, "float32", [2 ** 31 - 1]);
  assertEquals(String(huge), "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
});

Deno.test("room for too many elements is refused before it is taken", () => {
  assertRefused(
    () => allocateFor({ dtype: "float32", shape: [2 ** 20, 2 ** 20] }),
    ShapeError,
    "Cannot allocate float32[1048576,1048576]: shape [1048576,1048576] has 1099511627776 " +
      "elements, at most 2147483647 fit",
  );
});

Deno.test("types are equal when dtype and shape are", () => {
  assert(sameType(make([1, 2]), { dtype: "float32", shape: [2] }));
  assert(!sameType(make([1, 2]), { dtype: "float64", shape: [2] }));
  assert(!sameType(make([1, 2]), { dtype: "float32", shape: [2, 1] }));
});

Deno.test("a tensor type is a frozen dtype and shape, checked", () => {
  const type = new TensorType("int32", [2, 3]);
  assertEquals(String(type), "int32[2,3]");
  assert(Object.isFrozen(type) && Object.isFrozen(type.shape));
  assertRefused(
    () => new TensorType("float32", [2, -1]),
    ShapeError,
    "Cannot make a tensor type: axis 1 must be a non-negative integer, got -1",
  );
  assertRefused(
    () => new TensorType("float" as Dtype, []),
    DtypeError,
    `Cannot use "float" as a dtype: expected one of ${ALL_DTYPES.join(", ")}`,
  );
});

Deno.test("a tensor goes along its first axis when it is iterated", () => {
  const x = tensor([[1, 2], [3, 4]]);
  assertEquals([...x].map((row) => row.toArray()), [[1, 2], [3, 4]]);
  const [first, second] = grad((x) => {
    const [a, b] = x;
    return a.mul(b);
  })(tensor([2, 5]));
  assertEquals([first.item(), second.item()], [5, 2]);
  assertRefused(
    () => [...tensor(1)],
    ShapeError,
    "Cannot iterate over float32[]: a scalar has no axes",
  );
});

Deno.test("a tensor is written to JSON as nested arrays, and cannot be written to", () => {
  const x = tensor([[1, 2], [3, 4]]);
  assertEquals(JSON.stringify({ x }), '{"x":[[1,2],[3,4]]}');
  assertThrows(() => (x as { shape: unknown }).shape = [4], TypeError);
  assertThrows(() => (x as { dtype: unknown }).dtype = "int32", TypeError);
  assertThrows(() => delete (x as { shape?: unknown }).shape, TypeError);
  // The third makes structured clones fail, which would lose the elements.
  assertEquals(Object.keys(x), ["dtype", "shape", "uncloneable"]);
});
