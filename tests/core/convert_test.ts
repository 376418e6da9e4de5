import type { Dtype } from "../../src/base/dtype.ts";
import { ArgumentError, DtypeError, ShapeError, TreeError } from "../../src/base/errors.ts";
import { fromJavaScript, leafToTensor, toTensor } from "../../src/core/convert.ts";
import { assertRefused, framesOf } from "../support/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "../support/std.ts";

const what = "Cannot make a tensor";

function make(value: unknown, dtype?: Dtype) {
  return fromJavaScript(value, dtype, what);
}

Deno.test("JavaScript values become tensors of the dtype that holds them", () => {
  const cases: [unknown, Dtype, readonly number[]][] = [
    [1, "float32", []],
    [1.5, "float32", []],
    [true, "bool", []],
    [[1, 2], "float32", [2]],
    [[true, false], "bool", [2]],
    [[true, 2], "float32", [2]],
    [[[1], [2]], "float32", [2, 1]],
    [[], "float32", [0]],
    [[[], []], "float32", [2, 0]],
    [new Float32Array(2), "float32", [2]],
    [new Float64Array(2), "float64", [2]],
    [new Int8Array(2), "int8", [2]],
    [new Int16Array(2), "int16", [2]],
    [new Int32Array(2), "int32", [2]],
    [new Uint8Array(2), "uint8", [2]],
    [new Uint8ClampedArray(2), "uint8", [2]],
    [new Uint16Array(2), "uint16", [2]],
    [new (class Pixels extends Uint8Array {})(2), "uint8", [2]],
    [new Uint32Array(2), "uint32", [2]],
    [new BigInt64Array(2), "int32", [2]],
    [new BigUint64Array(2), "int32", [2]],
    [new Float32Array(0), "float32", [0]],
  ];
  for (const [value, dtype, shape] of cases) {
    const x = make(value);
    assertEquals([x.dtype, x.shape], [dtype, shape]);
  }
  assertEquals(make([true, 2]).toArray(), [1, 2]);
});

Deno.test("a dtype that is asked for converts numbers and typed arrays", () => {
  assertEquals(make([1, 0], "bool").toArray(), [true, false]);
  assertEquals(make([NaN, -0], "bool").toArray(), [true, false]);
  assertEquals(make([true, false], "float64").toArray(), [1, 0]);
  assertEquals(make(new Uint8Array([3, 255]), "float32").toArray(), [3, 255]);
  assertEquals(make(new Float64Array([0.1]), "float32").toArray(), [Math.fround(0.1)]);
  assertEquals(make(new Uint8Array([7, 0]), "bool").toArray(), [true, false]);
  assertEquals(make(new Float64Array([3]), "uint32").toArray(), [3]);
});

Deno.test("64-bit integers become int32 when they fit", () => {
  const x = make(new BigInt64Array([-(2n ** 31n), 2n ** 31n - 1n]));
  assertEquals([x.dtype, x.toArray()], ["int32", [-(2 ** 31), 2 ** 31 - 1]]);
  assertRefused(
    () => make(new BigInt64Array([0n, 2n ** 31n])),
    DtypeError,
    "Cannot make a tensor: 2147483648 at [1] is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
  );
  assertEquals(make(new BigUint64Array([2n ** 32n - 1n]), "uint32").toArray(), [2 ** 32 - 1]);
});

Deno.test("numbers that an integer dtype cannot hold are refused with their place", () => {
  const range = "is not an integer from -2147483648 to 2147483647, as int32 needs; " +
    "convert with astype or choose another dtype";
  assertRefused(() => make(0.5, "int32"), DtypeError, `${what}: 0.5 ${range}`);
  assertRefused(
    () => make([1, 2, NaN], "int32"),
    DtypeError,
    `${what}: NaN at [2] ${range}`,
  );
  assertRefused(
    () => make([[1], [2 ** 31]], "int32"),
    DtypeError,
    `${what}: 2147483648 at [1][0] ${range}`,
  );
  assertRefused(
    () => make(-1, "uint32"),
    DtypeError,
    `${what}: -1 is not an integer from 0 to 4294967295, as uint32 needs; ` +
      "convert with astype or choose another dtype",
  );
});

Deno.test("ragged nested arrays are refused with the first place that does not fit", () => {
  const ragged = `${what}: the nested array is ragged:`;
  const cases: [unknown, string][] = [
    [[[1, 2], [3]], "expected an array of 2 at [1], got an array of 1"],
    [[[1, 2], 3], "expected an array of 2 at [1], got 3"],
    [[[1, 2], true], "expected an array of 2 at [1], got true"],
    [[1, [2]], "expected a number at [1], got an array of 1"],
    [[[[1], [2]], [[3], [4, 5]]], "expected an array of 1 at [1][1], got an array of 2"],
    [[[], [1]], "expected an array of 0 at [1], got an array of 1"],
    [[[1], []], "expected an array of 1 at [1], got an array of 0"],
  ];
  for (const [value, reason] of cases) {
    assertRefused(() => make(value), ShapeError, `${ragged} ${reason}`);
  }
});

Deno.test("holes and other values in nested arrays are refused with their place", () => {
  const expected = `${what}: expected a number or boolean at`;
  // deno-lint-ignore no-sparse-arrays
  assertRefused(() => make([1, , 3]), ArgumentError, `${expected} [1], got undefined`);
  // deno-lint-ignore no-sparse-arrays
  assertRefused(() => make([, 1]), ArgumentError, `${expected} [0], got undefined`);
  assertRefused(() => make([[1], null]), ArgumentError, `${expected} [1], got null`);
  assertRefused(() => make(["1"]), ArgumentError, `${expected} [0], got "1"`);
  assertRefused(
    () => make([[2n]]),
    ArgumentError,
    `${expected} [0][0], got 2n; use Number(x) to convert it`,
  );
  assertRefused(
    () => make([make(1), make(2)]),
    ArgumentError,
    `${expected} [0], got a tensor; use stack to join tensors`,
  );
  assertRefused(
    () => make([Promise.resolve(1)]),
    ArgumentError,
    `${expected} [0], got Promise; await it first`,
  );
  assertRefused(
    () => make([Math.random]),
    ArgumentError,
    `${expected} [0], got function random; call it first`,
  );
});

Deno.test("values that are nothing like a tensor are refused", () => {
  const expected = `${what}: expected a tensor, number, boolean, nested array or typed array, got`;
  const cases: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    ["1", '"1"'],
    [1n, "1n; use Number(x) to convert it"],
    [{ x: 1 }, "object"],
    [new Map(), "Map"],
    [new DataView(new ArrayBuffer(4)), "DataView"],
    [new ArrayBuffer(4), "ArrayBuffer"],
    [Symbol("s"), "Symbol(s)"],
    [Math.sin, "function sin; call it first"],
    [Promise.resolve(1), "Promise; await it first"],
  ];
  for (const [value, got] of cases) {
    assertRefused(() => make(value), ArgumentError, `${expected} ${got}`);
  }
});

Deno.test("arrays that never end, or unfold without end, are refused at once", () => {
  const endless: unknown[] = [];
  endless.push(endless);
  assertRefused(
    () => make(endless),
    ShapeError,
    `${what}: the array is nested deeper than 64 levels`,
  );
  let doubling: unknown[] = [1, 2];
  for (let i = 0; i < 30; i++) doubling = [doubling, doubling];
  assertRefused(
    () => make(doubling),
    ShapeError,
    `${what}: shape [${new Array(31).fill(2)}] has 2147483648 elements, at most 2147483647 fit`,
  );
});

Deno.test("a tensor is taken as it is", () => {
  const x = make([1, 2]);
  assertStrictEquals(toTensor(x, what), x);
  assertStrictEquals(leafToTensor(x, [], what), x);
});

Deno.test("a leaf of a tree is a tensor, number, boolean or typed array, by its path", () => {
  assertEquals(leafToTensor(2, ["a"], what).toArray(), 2);
  assertEquals(leafToTensor(Float64Array.of(2), ["a"], what).dtype, "float64");
  assertRefused(
    () => leafToTensor("x", ["layers", 0, "weight"], what),
    TreeError,
    'Cannot make a tensor: expected a tensor or number at .layers[0].weight, got "x"',
  );
  assertRefused(
    () => leafToTensor(undefined, [], what),
    TreeError,
    "Cannot make a tensor: expected a tensor or number at the root, got undefined",
  );
});

Deno.test("the stack of a refusal begins at the caller's line", () => {
  const error = assertRefused(
    () => make([[1, 2], [3]]),
    ShapeError,
    `${what}: the nested array is ragged: expected an array of 2 at [1], got an array of 1`,
  );
  assert(framesOf(error)[0].includes("convert_test.ts"), error.stack);
});
