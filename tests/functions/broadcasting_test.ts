import { assertEquals, assertStrictEquals, assertThrows } from "../support/std.ts";
import { DtypeError } from "../../src/base/errors.ts";
import { ArgumentError, ShapeError } from "../../src/base/errors.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import type { Concrete, Tensor, TensorLike } from "../../src/core/tensor.ts";
import {
  broadcastTo,
  broadcastTogether,
  commonDtype,
  commonShape,
  floatOperand,
  promote,
  promoteTogether,
} from "../../src/functions/broadcasting.ts";
import { ones, tensor, zeros } from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { makeProgram } from "../../src/transforms/stage.ts";

const typesOf = (xs: readonly Tensor[]) => xs.map(showType);
const primitivesOf = (f: (x: Tensor) => Tensor, x: Tensor) =>
  makeProgram(f)(x).equations.map(({ primitive }) => primitive.name);

Deno.test("two tensors that agree pass as they are", () => {
  const [x, y] = [ones([2, 3]), zeros([2, 3])];
  const [first, second] = promote("Cannot add", x, y);
  assertStrictEquals(first, x);
  assertStrictEquals(second, y);
});

Deno.test("a number beside a tensor is a constant of its shape, held as one element", () => {
  for (const [x, y] of [[ones([2, 3]), 2], [2, ones([2, 3])]] as const) {
    const pair = promote("Cannot add", x, y);
    assertEquals(typesOf(pair), ["float32[2,3]", "float32[2,3]"]);
    const constant = pair[typeof x === "number" ? 0 : 1] as Concrete;
    assertEquals([...constant.elements], [2]);
  }
});

Deno.test("two shapes meet by NumPy's rule", () => {
  const cases: readonly (readonly [number[], number[], string])[] = [
    [[2, 3], [3], "float32[2,3]"],
    [[2, 1], [3], "float32[2,3]"],
    [[], [2, 0], "float32[2,0]"],
    [[1], [0], "float32[0]"],
    [[4, 1, 3], [2, 1], "float32[4,2,3]"],
  ];
  for (const [a, b, expected] of cases) {
    assertEquals(typesOf(promote("Cannot add", zeros(a), zeros(b))), [expected, expected]);
    assertEquals(typesOf(promote("Cannot add", zeros(b), zeros(a))), [expected, expected]);
  }
});

Deno.test("any number of arguments meet in one dtype and shape", () => {
  const xs = broadcastTogether("Cannot join", tensor([1, 2], { dtype: "int32" }), [[3], [4]], 0.5);
  assertEquals(typesOf(xs), ["float32[2,2]", "float32[2,2]", "float32[2,2]"]);
  assertTensorsClose(xs, [[[1, 2], [1, 2]], [[3, 3], [4, 4]], [[0.5, 0.5], [0.5, 0.5]]]);
  assertEquals(
    typesOf(promoteTogether("Cannot join", [zeros([2], { dtype: "float64" }), [1], true])),
    ["float64[2]", "float64[1]", "float64[]"],
  );
  assertEquals(broadcastTogether("Cannot join"), []);
});

Deno.test("tensors and typed arrays decide the dtype, JavaScript numbers follow", () => {
  const int = zeros([2], { dtype: "int32" });
  const cases: readonly (readonly [readonly TensorLike[], Dtype])[] = [
    [[1, true], "float32"],
    [[true, [false]], "bool"],
    [[int, 1, true, [2]], "int32"],
    [[int, 1.5], "float32"],
    [[int, [1, 1.5]], "float32"],
    [[int, []], "int32"],
    [[int, [true]], "int32"],
    [[zeros(1, { dtype: "bool" }), [true]], "bool"],
    [[zeros(1, { dtype: "bool" }), [1]], "int32"],
    [[zeros(1, { dtype: "float64" }), [0.1], 1e-300], "float64"],
    [[new Float64Array(1), 1], "float64"],
    [[int, new Float32Array(1)], "float32"],
    [[new Uint32Array(1), 1], "uint32"],
    [[], "float32"],
  ];
  for (const [xs, expected] of cases) assertEquals(commonDtype("Cannot join", xs), expected);
  const refused: readonly (readonly [readonly TensorLike[], string])[] = [
    [[int, [2 ** 31]], "int32 and 2147483648: int32 holds integers from -2147483648 to 2147483647"],
    [[new Uint32Array(1), -1], "uint32 and -1: uint32 holds integers from 0 to 4294967295"],
    [[new Uint32Array(1), int], "uint32 and int32: no integer dtype holds both"],
  ];
  for (const [xs, reason] of refused) {
    const { message } = assertThrows(() => commonDtype("Cannot join", xs), DtypeError);
    assertEquals(message.startsWith(`Cannot join ${reason}; convert`), true, message);
  }
});

Deno.test("integers and bools become float32, floats stay", () => {
  for (const dtype of ["bool", "int32", "uint32"] as const) {
    assertEquals(floatOperand(ones([2], { dtype })).dtype, "float32");
  }
  const x = ones([2], { dtype: "float64" });
  assertStrictEquals(floatOperand(x), x);
});

Deno.test("a shape that stays, a constant and a change of rank need no broadcast", () => {
  const x = tensor([1, 2]);
  assertStrictEquals(broadcastTo(x, [2]), x);
  const constant = broadcastTo(tensor(3), [4, 5]) as Concrete;
  assertEquals([constant.shape, constant.elements.length], [[4, 5], 1]);
  assertEquals(primitivesOf((z) => broadcastTo(z, [1, 2]), x), ["reshape"]);
  assertEquals(primitivesOf((z) => broadcastTo(z, [3, 2]), x), ["broadcast"]);
  assertEquals(primitivesOf((z) => broadcastTo(z, [3, 2]), zeros([1, 2])), [
    "reshape",
    "broadcast",
  ]);
  assertTensorsClose(broadcastTo(tensor([[1], [2]]), [2, 2, 3]), [
    [[1, 1, 1], [2, 2, 2]],
    [[1, 1, 1], [2, 2, 2]],
  ]);
  assertEquals(broadcastTo(tensor([[1], [2]]), [2, 0]).shape, [2, 0]);
  checkGrads((z) => broadcastTo(z, [2, 2, 3]), [tensor([[1], [2]])]);
});

Deno.test("shapes that do not meet are named with the arguments", () => {
  const message = (...shapes: number[][]) =>
    assertThrows(() => commonShape("Cannot join", shapes.map((s) => zeros(s))), ShapeError).message;
  assertEquals(
    message([2, 3], [1], [4, 3]),
    "Cannot join float32[2,3], float32[1] and float32[4,3]: shapes must broadcast, " +
      "axis -2 has lengths 2 and 4",
  );
  assertEquals(
    message([2 ** 20, 1], [2 ** 20]),
    "Cannot join: shape [1048576,1048576] has 1099511627776 elements, at most 2147483647 fit",
  );
  assertEquals(
    assertThrows(() => broadcastTogether("Cannot join", 1, "2" as unknown as number), ArgumentError)
      .message,
    "Cannot join: expected a tensor, number, boolean, nested array or typed array, " + 'got "2"',
  );
});

Deno.test("the arguments of an error keep the dtypes that they came with", () => {
  const int = zeros([2], { dtype: "int32" });
  assertEquals(
    assertThrows(() => promote("Cannot add", int, zeros([3])), ShapeError).message,
    "Cannot add int32[2] and float32[3]: shapes must broadcast, axis -1 has lengths 2 and 3",
  );
});
