import { AxisError, ShapeError } from "../../src/base/errors.ts";
import {
  broadcastShapes,
  checkAxes,
  checkAxis,
  checkShape,
  insertAt,
  inversePermutation,
  MAX_NDIM,
  movePermutation,
  range,
  removeAt,
  sameShape,
  showShape,
  showType,
  sizeOf,
  stridesOf,
  withoutAxes,
} from "../../src/base/shape.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

Deno.test("a checked shape is a frozen copy", () => {
  const given = [2, 3];
  const checked = checkShape(given, "Cannot make zeros");
  assert(Object.isFrozen(checked));
  given[0] = 9;
  assertEquals(checked, [2, 3]);
  assert(Object.is(checkShape([-0], "Cannot make zeros")[0], 0));
});

Deno.test("what is no shape is refused, and the message says why", () => {
  const what = "Cannot make zeros";
  const refusals: [unknown, string][] = [
    [3, "expected a shape such as [2, 3], got 3"],
    [undefined, "expected a shape such as [2, 3], got undefined"],
    [new Int32Array(2), "expected a shape such as [2, 3], got Int32Array"],
    [[2, -1], "axis 1 must be a non-negative integer, got -1"],
    [[2.5], "axis 0 must be a non-negative integer, got 2.5"],
    [[NaN], "axis 0 must be a non-negative integer, got NaN"],
    [[Infinity], "axis 0 must be a non-negative integer, got Infinity"],
    [["2"], 'axis 0 must be a non-negative integer, got "2"'],
    [[[2]], "axis 0 must be a non-negative integer, got [2]"],
    [[undefined], "axis 0 must be a non-negative integer, got undefined"],
    // deno-lint-ignore no-sparse-arrays
    [[2, , 3], "axis 1 must be a non-negative integer, got a hole"],
    [[2 ** 53], "axis 0 must be a non-negative integer, got 9007199254740992"],
    [[65536, 32768], "shape [65536,32768] has 2147483648 elements, at most 2147483647 fit"],
    [new Array(65).fill(1), "expected at most 64 axes, got 65"],
  ];
  for (const [shape, reason] of refusals) {
    assertRefused(() => checkShape(shape, what), ShapeError, `${what}: ${reason}`);
  }
  assertEquals(checkShape([0, 2 ** 40], what), [0, 2 ** 40]);
  assertEquals(checkShape(new Array(MAX_NDIM).fill(1), what).length, 64);
  assertEquals(sizeOf(checkShape([2147483647], what)), 2147483647);
});

Deno.test("a negative axis counts from the back, and one out of range is refused", () => {
  const what = "Cannot sum";
  assertEquals([0, 1, 2, -1, -2, -3].map((axis) => checkAxis(axis, 3, what)), [0, 1, 2, 2, 1, 0]);
  assert(Object.is(checkAxis(-0, 3, what), 0));
  const refusals: [unknown, number, string][] = [
    [3, 3, "axis 3 is out of range, expected -3 to 2"],
    [-4, 3, "axis -4 is out of range, expected -3 to 2"],
    [0, 0, "axis 0 is out of range, a scalar has no axes"],
    [NaN, 3, "expected an integer axis, got NaN"],
    [1.5, 3, "expected an integer axis, got 1.5"],
    [Infinity, 3, "expected an integer axis, got Infinity"],
    ["1", 3, 'expected an integer axis, got "1"'],
    [null, 3, "expected an integer axis, got null"],
    [1n, 3, "expected an integer axis, got 1n"],
  ];
  for (const [axis, ndim, reason] of refusals) {
    assertRefused(() => checkAxis(axis, ndim, what), AxisError, `${what}: ${reason}`);
  }
});

Deno.test("a list of axes is sorted and distinct, and all axes when left out", () => {
  const what = "Cannot sum";
  assertEquals(checkAxes(undefined, 3, what), [0, 1, 2]);
  assertEquals(checkAxes(null, 2, what), [0, 1]);
  assertEquals(checkAxes([], 2, what), []);
  assertEquals(checkAxes(-1, 3, what), [2]);
  assertEquals(checkAxes([2, 0], 3, what), [0, 2]);
  assertRefused(
    () => checkAxes([0, -3], 3, what),
    AxisError,
    "Cannot sum: axis 0 is named twice in [0, -3]",
  );
  assertRefused(
    // deno-lint-ignore no-sparse-arrays
    () => checkAxes([0, , 1] as number[], 3, what),
    AxisError,
    "Cannot sum: expected an integer axis, got undefined",
  );
});

Deno.test("shapes broadcast as NumPy's do", () => {
  const cases: [number[], number[], number[] | null][] = [
    [[2, 3], [2, 3], [2, 3]],
    [[2, 3], [3], [2, 3]],
    [[2, 3], [], [2, 3]],
    [[2, 1], [1, 3], [2, 3]],
    [[5, 1, 4], [3, 1], [5, 3, 4]],
    [[0], [1], [0]],
    [[1, 0], [2, 1], [2, 0]],
    [[2], [3], null],
    [[0], [2], null],
    [[2, 3], [2], null],
  ];
  for (const [a, b, expected] of cases) {
    assertEquals(broadcastShapes(a, b), expected, `${showShape(a)} and ${showShape(b)}`);
    assertEquals(broadcastShapes(b, a), expected, `${showShape(b)} and ${showShape(a)}`);
  }
});

Deno.test("types print as dtype and shape", () => {
  assertEquals(showType({ dtype: "float32", shape: [2, 3] }), "float32[2,3]");
  assertEquals(showType({ dtype: "bool", shape: [] }), "bool[]");
  assertEquals(showShape([]), "[]");
});

Deno.test("list helpers leave their arguments alone", () => {
  const list = Object.freeze([4, 5, 6]) as number[];
  assertEquals(insertAt(list, 0, 9), [9, 4, 5, 6]);
  assertEquals(insertAt(list, 3, 9), [4, 5, 6, 9]);
  assertEquals(removeAt(list, 1), [4, 6]);
  assertEquals(withoutAxes(list, [0, 2]), [5]);
  assertEquals(range(3), [0, 1, 2]);
  assertEquals(range(2, 5), [2, 3, 4]);
  assertEquals(range(5, 2), []);
});

Deno.test("sizes, strides and permutations", () => {
  assertEquals(sizeOf([]), 1);
  assertEquals(sizeOf([2, 0, 3]), 0);
  assertEquals(sizeOf([...Array(24).fill(2 ** 52), 0]), 0);
  assertEquals(stridesOf([2, 3, 4]), [12, 4, 1]);
  assertEquals(stridesOf([]), []);
  assert(sameShape([2, 3], [2, 3]));
  assert(!sameShape([2, 3], [2]));
  assert(!sameShape([2, 3], [3, 2]));
  assertEquals(movePermutation(4, 1, 3), [0, 2, 3, 1]);
  assertEquals(movePermutation(4, 3, 0), [3, 0, 1, 2]);
  for (const permutation of [[0], [1, 0], [2, 0, 1], [1, 3, 0, 2]]) {
    const inverse = inversePermutation(permutation);
    assertEquals(permutation.map((axis) => inverse[axis]), range(permutation.length));
  }
});
