import { assertEquals, assertStrictEquals, assertThrows } from "../support/std.ts";
import { ArgumentError, DtypeError, ShapeError } from "../../src/base/errors.ts";
import { ALL_DTYPES, DTYPES, isComplex } from "../../src/base/dtype.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import type { Concrete, Tensor, TensorLike } from "../../src/core/tensor.ts";
import {
  arange,
  astype,
  eye,
  fromBuffer,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} from "../../src/functions/mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assertRefused } from "../support/errors.ts";

const allDtypes = DTYPES;

Deno.test("JavaScript values become tensors of float32, booleans of bool", () => {
  const cases: readonly (readonly [TensorLike, string])[] = [
    [3, "float32[]"],
    [true, "bool[]"],
    [[1, 2], "float32[2]"],
    [[true, false], "bool[2]"],
    [[true, 2], "float32[2]"],
    [[], "float32[0]"],
    [[[], []], "float32[2,0]"],
    [[[[1], [2]]], "float32[1,2,1]"],
    [new Float32Array(2), "float32[2]"],
    [new Float64Array(2), "float64[2]"],
    [new Uint32Array(2), "uint32[2]"],
    [new Uint8Array(2), "uint8[2]"],
    [new Int16Array(2), "int16[2]"],
    [new BigInt64Array(2), "int32[2]"],
  ];
  for (const [value, type] of cases) assertEquals(showType(tensor(value)), type);
});

Deno.test("a dtype may be given, also for a tensor", () => {
  for (const dtype of allDtypes) {
    assertEquals(showType(tensor([0, 1], { dtype })), `${dtype}[2]`);
    assertEquals(tensor(tensor([0, 1]), { dtype }).dtype, dtype);
  }
  const x = tensor([1.5]);
  assertStrictEquals(tensor(x), x);
  assertStrictEquals(tensor(x, { dtype: "float32" }), x);
  assertEquals(tensor(0.1, { dtype: "float64" }).item(), 0.1);
});

Deno.test("fromBuffer takes back what data gives, bit by bit", () => {
  const bytes = Uint8Array.from({ length: 256 * 16 }, (_, i) => (i * 167 + (i >> 4)) % 256);
  for (const dtype of ALL_DTYPES) {
    const given = dtype === "bool" ? bytes.map((byte) => byte % 2) : bytes;
    const x = fromBuffer(given, dtype);
    const data = x.data();
    assertEquals(x.shape, [
      bytes.length * data.length / data.byteLength / (isComplex(dtype) ? 2 : 1),
    ]);
    assertEquals(new Uint8Array(data.buffer), given);
    assertEquals(new Uint8Array(fromBuffer(data, dtype).data().buffer), given);
    const read = tensor(x.toArray() as number[], { dtype });
    assertEquals(fromBuffer(data, dtype).toArray(), read.toArray());
  }
});

Deno.test("fromBuffer copies the part of a buffer that a view shows, wherever it begins", () => {
  const words = new Uint32Array([0x3f800000, 0xc0000000, 0x7fc00001]);
  const x = fromBuffer(words, "float32");
  words[0] = 0;
  assertEquals(x.toArray(), [1, -2, NaN]);
  assertEquals(fromBuffer(x.data(), "uint32").toArray(), [0x3f800000, 0xc0000000, 0x7fc00001]);
  const bytes = new Uint8Array(13);
  bytes.set(new Uint8Array(x.data().buffer), 1);
  assertEquals(fromBuffer(bytes.subarray(1), "float32").toArray(), [1, -2, NaN]);
  assertEquals(fromBuffer(new DataView(bytes.buffer, 1, 4), "float32").toArray(), [1]);
  const shared = new SharedArrayBuffer(2);
  new Uint8Array(shared).set([0, 2]);
  assertEquals(fromBuffer(shared, "bool").toArray(), [false, true]);
  assertEquals(showType(fromBuffer(new ArrayBuffer(0), "complex64")), "complex64[0]");
  assertRefused(
    () => fromBuffer(new ArrayBuffer(6), "float32"),
    ShapeError,
    "Cannot make a tensor of 6 bytes: expected a multiple of 4, the bytes of an element of float32",
  );
  assertRefused(
    () => fromBuffer([1, 2] as never, "uint8"),
    ArgumentError,
    "Cannot make a tensor of bytes: expected an ArrayBuffer or a view of one, got [1, 2]; " +
      "tensor takes numbers and arrays",
  );
  assertThrows(() => fromBuffer(new ArrayBuffer(8), "float8" as Dtype), DtypeError);
});

Deno.test("elements are copied in and out", () => {
  const array = new Float32Array([1, 2]);
  const x = tensor(array);
  array[0] = 9;
  x.data()[1] = 9;
  assertEquals(x.toArray(), [1, 2]);
});

Deno.test("bad values are refused with their place", () => {
  const message = (value: unknown, dtype?: Dtype) =>
    assertThrows(
      () => tensor(value as TensorLike, dtype === undefined ? undefined : { dtype }),
      TypeError,
    )
      .message;
  assertEquals(
    message([[1, 2], [3]]),
    "Cannot make a tensor: the nested array is ragged: expected an array of 2 at [1], " +
      "got an array of 1",
  );
  assertEquals(
    message([1, "2"]),
    'Cannot make a tensor: expected a number or boolean at [1], got "2"',
  );
  assertEquals(
    message([tensor(1), tensor(2)]),
    "Cannot make a tensor: expected a number or boolean at [0], got a tensor; " +
      "use stack to join tensors",
  );
  assertEquals(
    message([1, 0.5], "int32"),
    "Cannot make a tensor: 0.5 at [1] is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
  );
  assertEquals(
    message(null),
    "Cannot make a tensor: expected a tensor, number, boolean, nested array or typed array, " +
      "got null",
  );
});

Deno.test("options are read with care", () => {
  const wrong = (options: unknown) =>
    String(assertThrows(() => tensor(1, options as { dtype: Dtype }), TypeError));
  assertEquals(
    wrong("float64"),
    'ArgumentError: Cannot make a tensor: expected options such as { dtype }, got "float64"',
  );
  assertEquals(
    wrong({ type: "float64" }),
    'ArgumentError: Cannot make a tensor: there is no option "type", the options are dtype',
  );
  assertEquals(
    wrong({ dtype: "float8" }),
    `DtypeError: Cannot use "float8" as a dtype: expected one of ${ALL_DTYPES.join(", ")}`,
  );
});

Deno.test("astype truncates, saturates and keeps the derivative of floats", () => {
  assertTensorsClose(
    astype([1.9, -1.9, NaN, 1e10, -1e10], "int32"),
    tensor([1, -1, 0, 2147483647, -2147483648], { dtype: "int32" }),
  );
  assertTensorsClose(astype([0, -0.5, NaN], "bool"), tensor([false, true, true]));
  assertTensorsClose(
    tensor([-1], { dtype: "int32" }).astype("uint32"),
    new Uint32Array([2 ** 32 - 1]),
  );
  assertTensorsClose(grad((x) => x.astype("float64").square().sum())(tensor([3])), tensor([6]));
  assertThrows(() => astype(1, "double" as Dtype), DtypeError);
});

Deno.test("zeros, ones and full cost one element in any shape", () => {
  for (const x of [zeros([2 ** 15, 2 ** 15]), ones([2 ** 30]), full([2 ** 15, 2 ** 15], 7)]) {
    assertEquals((x as Concrete).elements.length, 1);
    assertEquals(x.size, 2 ** 30);
  }
  for (const dtype of allDtypes) {
    assertEquals(showType(zeros(2, { dtype })), `${dtype}[2]`);
    assertEquals(showType(ones([], { dtype })), `${dtype}[]`);
  }
  assertEquals(zeros([0, 3]).toArray(), []);
  assertEquals(ones([2, 0]).toArray(), [[], []]);
});

Deno.test("full takes the dtype of its value and broadcasts it", () => {
  assertEquals(showType(full([2], true)), "bool[2]");
  assertEquals(showType(full([2], 1)), "float32[2]");
  assertEquals(showType(full([2], tensor(1, { dtype: "int32" }))), "int32[2]");
  assertTensorsClose(full([2, 2], [1, 2]), [[1, 2], [1, 2]]);
  assertTensorsClose(full(2, tensor(1.5), { dtype: "int32" }), new Int32Array([1, 1]));
  assertEquals(
    assertThrows(() => full([2, 2], [1, 2, 3]), ShapeError).message,
    "Cannot broadcast float32[3] to [2,2]: axis 0 has length 3, expected 1 or 2",
  );
  assertEquals(
    assertThrows(() => full(2, 0.5, { dtype: "uint32" }), DtypeError).message,
    "Cannot fill a tensor: 0.5 is not an integer from 0 to 4294967295, as uint32 needs; " +
      "convert with astype or choose another dtype",
  );
});

Deno.test("tensors like another take its shape and dtype", () => {
  const x = tensor([[1, 2]], { dtype: "int32" });
  assertTensorsClose(zerosLike(x), tensor([[0, 0]], { dtype: "int32" }));
  assertTensorsClose(onesLike(x, { dtype: "float64" }), tensor([[1, 1]], { dtype: "float64" }));
  assertTensorsClose(fullLike(x, 7), tensor([[7, 7]], { dtype: "int32" }));
  assertTensorsClose(fullLike(x, 0.5, { dtype: "float32" }), tensor([[0.5, 0.5]]));
  assertThrows(() => fullLike(x, 0.5), DtypeError);
  assertTensorsClose(vmap((row) => onesLike(row).add(row))(tensor([[1, 2], [3, 4]])), [
    [2, 3],
    [4, 5],
  ]);
});

Deno.test("shapes are checked before anything is allocated", () => {
  const message = (shape: unknown) =>
    assertThrows(() => zeros(shape as number[]), ShapeError).message;
  assertEquals(
    message([2 ** 20, 2 ** 20]),
    "Cannot make zeros: shape [1048576,1048576] has 1099511627776 elements, at most 2147483647 fit",
  );
  assertEquals(
    message([2, -1]),
    "Cannot make zeros: axis 1 must be a non-negative integer, got -1",
  );
  assertEquals(message(NaN), "Cannot make zeros: axis 0 must be a non-negative integer, got NaN");
  assertEquals(message(1.5), "Cannot make zeros: axis 0 must be a non-negative integer, got 1.5");
  // deno-lint-ignore no-sparse-arrays
  assertEquals(
    message([2, , 3]),
    "Cannot make zeros: axis 1 must be a non-negative integer, got a hole",
  );
  assertEquals(message("2"), 'Cannot make zeros: expected a shape such as [2, 3], got "2"');
  assertEquals(
    message(undefined),
    "Cannot make zeros: expected a shape such as [2, 3], got undefined",
  );
});

Deno.test("arange follows NumPy's rule for the length", () => {
  assertTensorsClose(arange(3), [0, 1, 2]);
  assertTensorsClose(arange(2.5), [0, 1, 2]);
  assertTensorsClose(arange(1, 4), [1, 2, 3]);
  assertTensorsClose(arange(1, 4, 2), [1, 3]);
  assertTensorsClose(arange(1, 3.0001, 2), [1, 3]);
  assertTensorsClose(arange(4, 1, -1), [4, 3, 2]);
  assertTensorsClose(arange(1, 4, -1), tensor([]));
  assertTensorsClose(arange(-2), tensor([]));
  assertTensorsClose(arange(0, 1, 0.25), [0, 0.25, 0.5, 0.75]);
});

Deno.test("arange rounds each number once", () => {
  const expected = Array.from({ length: 1000 }, (_, i) => i * 0.1);
  assertTensorsClose(arange(0, 100, 0.1), tensor(expected), { rtol: 0, atol: 0 });
  assertTensorsClose(
    arange(0, 100, 0.1, { dtype: "float64" }),
    tensor(expected, { dtype: "float64" }),
    { rtol: 0, atol: 0 },
  );
  assertEquals(arange(2 ** 24, 2 ** 24 + 6, 2).toArray(), [2 ** 24, 2 ** 24 + 2, 2 ** 24 + 4]);
});

Deno.test("arange is float32 unless told otherwise, with options in any place", () => {
  assertEquals(arange(3).dtype, "float32");
  for (const dtype of ["int32", "uint32", "float64"] as const) {
    assertEquals(showType(arange(3, { dtype })), `${dtype}[3]`);
    assertEquals(showType(arange(1, 3, { dtype })), `${dtype}[2]`);
    assertEquals(showType(arange(1, 3, 1, { dtype })), `${dtype}[2]`);
    assertEquals(showType(arange(3, undefined, undefined, { dtype })), `${dtype}[3]`);
  }
  assertEquals(arange(5, 0, -2, { dtype: "uint32" }).toArray(), [5, 3, 1]);
  assertEquals(
    arange(-(2 ** 31), 2 ** 31, 2 ** 31, { dtype: "int32" }).toArray(),
    [-(2 ** 31), 0],
  );
});

Deno.test("arange refuses what is no range", () => {
  const message = (f: () => unknown) => assertThrows(f, TypeError).message;
  assertEquals(message(() => arange(0, 3, 0)), "Cannot make a range: step must not be zero");
  assertEquals(
    message(() => arange(NaN)),
    "Cannot make a range: stop must be a finite number, got NaN",
  );
  assertEquals(
    message(() => arange(0, 3, Infinity)),
    "Cannot make a range: step must be a finite number, got Infinity",
  );
  assertEquals(
    message(() => arange("3" as unknown as number)),
    'Cannot make a range: stop must be a finite number, got "3"',
  );
  assertEquals(
    message(() => arange(0, 1, 2 ** -40)),
    "Cannot make a range: from 0 to 1 by 9.094947017729282e-13 are 1099511627776 numbers, at most 2147483647 fit",
  );
  assertEquals(
    message(() => arange(0, 2, 0.5, { dtype: "int32" })),
    "Cannot make a range of int32 from 0 to 2 by 0.5: its numbers must be integers " +
      "from -2147483648 to 2147483647",
  );
  assertEquals(
    message(() => arange(-1, 2, 1, { dtype: "uint32" })),
    "Cannot make a range of uint32 from -1 to 2 by 1: its numbers must be integers " +
      "from 0 to 4294967295",
  );
  assertEquals(
    message(() => arange(2, { dtype: "bool" })),
    "Cannot make a range of bool: expected a floating-point or integer dtype",
  );
});

Deno.test("ranges are computed in a program instead of being stored in it", () => {
  const { equations } = makeProgram((x) => arange(4).add(x))(zeros(4));
  assertEquals(equations.map(({ primitive }) => primitive.name), ["iota", "add"]);
});

Deno.test("linspace meets both ends exactly", () => {
  assertTensorsClose(linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1]);
  assertTensorsClose(linspace(1, -1, 3), [1, 0, -1]);
  assertTensorsClose(linspace(2, 5, 1), [2]);
  assertTensorsClose(linspace(2, 5, 0), tensor([]));
  assertTensorsClose(linspace(0, 1, 4, { endpoint: false }), [0, 0.25, 0.5, 0.75]);
  assertTensorsClose(linspace(3, 4, 1, { endpoint: false }), [3]);
  assertEquals(linspace(0, 1).shape, [50]);
  const x = linspace(0.1, 0.7, 8, { dtype: "float64" });
  assertEquals([x.at(0).item(), x.at(7).item()], [0.1, 0.7]);
  assertTensorsClose(linspace(-1e308, 1e308, 3, { dtype: "float64" }), [-1e308, 0, 1e308]);
  assertTensorsClose(linspace(0, 5, 4, { dtype: "int32" }), new Int32Array([0, 1, 3, 5]));
});

Deno.test("linspace keeps steps that underflow", () => {
  const tiny = 5e-324;
  const numbers = (stop: number, count: number, endpoint = true) =>
    Array.from(linspace(0, stop, count, { dtype: "float64", endpoint }).data());
  assertEquals(numbers(tiny, 5), [0, 0, 0, tiny, tiny]);
  assertEquals(numbers(-tiny, 5), [0, -0, -0, -tiny, -tiny]);
  assertEquals(numbers(2 * tiny, 9), [0, 0, 0, 1, 1, 1, 2, 2, 2].map((x) => x * tiny));
  assertEquals(numbers(tiny, 4, false), [0, 0, 0, tiny]);
});

Deno.test("linspace between ends whose difference overflows has all points in range", () => {
  for (const [dtype, end] of [["float64", 2 ** 1023], ["float32", 2 ** 127]] as const) {
    for (const [start, stop] of [[-end, end], [end, -end]]) {
      const numbers = linspace(start, stop, 5, { dtype });
      assertEquals(numbers.toArray(), [start, start / 2, 0, stop / 2, stop]);
      const open = linspace(start, stop, 4, { dtype, endpoint: false });
      assertEquals(open.toArray(), [start, start / 2, 0, stop / 2]);
    }
  }
  const slope = grad((x: Tensor) => linspace(x, 1.6e308, 5).sum());
  assertTensorsClose(slope(tensor(-1.6e308, { dtype: "float64" })), 2.5);
});

Deno.test("linspace goes between tensors, along any axis, and is differentiable", () => {
  const a = tensor([0, 1], { dtype: "float64" });
  const b = tensor([2, 5], { dtype: "float64" });
  const rows = linspace(a, b, 3);
  assertEquals(showType(rows), "float64[3,2]");
  assertTensorsClose(rows, [[0, 1], [1, 3], [2, 5]], { atol: 0 });
  assertTensorsClose(linspace(a, b, 3, { axis: -1 }), [[0, 1, 2], [1, 3, 5]], { atol: 0 });
  assertTensorsClose(linspace([[0], [10]], [2, 4], 2, { axis: 1 }), [
    [[0, 0], [2, 4]],
    [[10, 10], [2, 4]],
  ]);
  assertTensorsClose(linspace(a, b, 2, { endpoint: false }), [[0, 1], [1, 3]], { atol: 0 });
  assertEquals(showType(linspace(a, 1, 0)), "float64[0,2]");
  assertEquals(showType(linspace(0, tensor(1, { dtype: "int32" }), 3)), "float32[3]");
  assertTensorsClose(linspace(0, [5, 7], 4, { dtype: "int32" }), [[0, 0], [1, 2], [3, 4], [5, 7]]);
  assertTensorsClose(linspace(tensor([-1e308], { dtype: "float64" }), 1e308, 3), [
    [-1e308],
    [0],
    [1e308],
  ]);
  // Equal ends, too, have derivatives: each number moves with both.
  for (const [start, stop] of [[0, 2], [1, 1]]) {
    const slope = (argnum: number) =>
      grad(
        (x: Tensor, y: Tensor) => linspace(x, y, 5).mul([1, 10, 100, 1000, 10000]).sum(),
        { argnums: argnum },
      )(tensor(start), tensor(stop));
    assertTensorsClose(slope(0), 1 + 7.5 + 50 + 250);
    assertTensorsClose(slope(1), 2.5 + 50 + 750 + 10000);
  }
  const mapped = vmap((x: Tensor) => linspace(x, 1, 3))(tensor([0, -1]));
  assertTensorsClose(mapped, [[0, 0.5, 1], [-1, 0, 1]]);
  assertTensorsClose(grad((x) => linspace(x, 1, 3).sum())(0.5), 1.5);
  assertEquals(
    assertThrows(() => linspace([0, 1], [0, 1, 2]), ShapeError).message,
    "Cannot space numbers evenly between float64[2] and float64[3]: shapes must broadcast, " +
      "axis -1 has lengths 2 and 3",
  );
});

Deno.test("linspace refuses bad ends and counts", () => {
  assertEquals(
    assertThrows(() => linspace(0, Infinity, 3), ArgumentError).message,
    "Cannot make evenly spaced numbers: stop must be a finite number, got Infinity",
  );
  assertEquals(
    assertThrows(() => linspace(0, 1, -1), ArgumentError).message,
    "Cannot make evenly spaced numbers: expected a number of points, got -1",
  );
  assertThrows(() => linspace(0, 1, 2 ** 40), ShapeError);
});

Deno.test("eye has ones on one diagonal", () => {
  assertTensorsClose(eye(2), [[1, 0], [0, 1]]);
  assertTensorsClose(eye(2, 3), [[1, 0, 0], [0, 1, 0]]);
  assertTensorsClose(eye(3, 2), [[1, 0], [0, 1], [0, 0]]);
  assertTensorsClose(eye(3, { diagonal: 1 }), [[0, 1, 0], [0, 0, 1], [0, 0, 0]]);
  assertTensorsClose(eye(3, 2, { diagonal: -2 }), [[0, 0], [0, 0], [1, 0]]);
  assertTensorsClose(eye(2, { diagonal: 9 }), [[0, 0], [0, 0]]);
  assertEquals(eye(0).shape, [0, 0]);
  for (const dtype of allDtypes) assertEquals(showType(eye(2, { dtype })), `${dtype}[2,2]`);
  assertEquals(
    assertThrows(() => eye(-1), ArgumentError).message,
    "Cannot make an identity matrix: expected a number of rows, got -1",
  );
  assertEquals(
    assertThrows(() => eye(2, { diagonal: 0.5 }), ArgumentError).message,
    "Cannot make an identity matrix: expected an integer diagonal, got 0.5",
  );
  assertThrows(() => eye(2 ** 20), ShapeError);
});
