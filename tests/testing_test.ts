import { assertEquals, assertInstanceOf, assertThrows } from "./support/std.ts";
import { ArgumentError, DtypeError, TraceError, TreeError } from "../src/base/errors.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { dot, maximum, sin, tensor, where, zeros } from "../src/functions/mod.ts";
import { stopGradient } from "../src/primitives/structure.ts";
import { AssertionError, assertTensorsClose, checkGrads } from "../src/testing/mod.ts";
import { grad } from "../src/transforms/grad.ts";
import { vmap } from "../src/transforms/vmap.ts";

type Options = Parameters<typeof assertTensorsClose>[2];

function difference(actual: unknown, expected: unknown, options?: Options): string {
  return assertThrows(() => assertTensorsClose(actual, expected, options), AssertionError).message;
}

Deno.test("equal tensors, in whatever form, are close", () => {
  const x = tensor([[1, 2], [3, 4]]);
  assertTensorsClose(x, x);
  assertTensorsClose(x, [[1, 2], [3, 4]]);
  assertTensorsClose([[1, 2], [3, 4]], x);
  assertTensorsClose(tensor([1, 2]), new Float64Array([1, 2]));
  assertTensorsClose(new Int32Array([1, 2]), [1, 2]);
  assertTensorsClose(tensor(3), 3);
  assertTensorsClose(3, 3);
  assertTensorsClose(tensor([true, false]), [true, false]);
  assertTensorsClose(tensor([true, false]), [1, 0]);
  assertTensorsClose(zeros([2, 3]), [[0, 0, 0], [0, 0, 0]]);
  assertTensorsClose(zeros([0, 3]), zeros([0, 3]));
  assertTensorsClose([], []);
  assertTensorsClose(null, null);
});

Deno.test("NaN equals NaN, and an infinity itself alone", () => {
  assertTensorsClose(tensor([NaN, Infinity, -Infinity]), [NaN, Infinity, -Infinity]);
  assertTensorsClose(tensor(0), -0);
  assertEquals(
    difference(tensor([NaN, 1]), [1, 1]),
    "Tensors differ: 1 of 2 elements is not close (rtol 0.00001, atol 0.000001): " +
      "at [0] expected 1, got NaN, difference NaN",
  );
  assertEquals(
    difference(tensor(Infinity), -Infinity, { rtol: 1 }),
    "Tensors differ: the values are not close (rtol 1, atol 0.000001): " +
      "expected -Infinity, got Infinity, difference Infinity",
  );
  difference(tensor(1e30), Infinity, { rtol: 1e30, atol: 1e30 });
});

Deno.test("the default tolerances follow the dtype", () => {
  assertTensorsClose(tensor(1), 1 + 9e-6);
  difference(tensor(1), 1 + 2e-5);
  assertTensorsClose(tensor(0), 9e-7);
  difference(tensor(0), 2e-6);
  const double = { dtype: "float64" } as const;
  assertTensorsClose(tensor(1, double), 1 + 9e-10);
  difference(tensor(1, double), 1 + 2e-9);
  assertTensorsClose(tensor(0, double), 9e-13);
  difference(tensor(0, double), 2e-12);
  assertTensorsClose(1, 1 + 9e-10);
  difference(1, 1 + 2e-9);
  assertTensorsClose(tensor([1], double), new Float32Array([1 + 5e-6]));
  difference(tensor(3, { dtype: "int32" }), 3 + 1e-12);
  assertEquals(
    difference(tensor([true, false]), tensor([true, true])),
    "Tensors differ: 1 of 2 elements is not close (rtol 0, atol 0): " +
      "at [1] expected true, got false, difference 1",
  );
});

Deno.test("an expected number keeps all of its digits", () => {
  assertTensorsClose(tensor(0.1, { dtype: "float64" }), 0.1, { rtol: 0, atol: 0 });
  assertTensorsClose(tensor([0.1], { dtype: "float64" }), [0.1], { rtol: 0, atol: 0 });
});

Deno.test("the message names the first and the worst element and how many there are", () => {
  const actual = tensor([[1, 2.5, 3], [4, 5, 16]]);
  assertEquals(
    difference(actual, [[1, 2, 3], [4, 5, 6]]),
    "Tensors differ: 2 of 6 elements are not close (rtol 0.00001, atol 0.000001): " +
      "first at [0,1] expected 2, got 2.5; worst at [1,2] expected 6, got 16, difference 10",
  );
  assertEquals(
    difference(actual, [[1, 2, 3], [4, 5, 15.75]], { rtol: 0.01, atol: 0 }),
    "Tensors differ: 2 of 6 elements are not close (rtol 0.01, atol 0): " +
      "first and worst at [0,1] expected 2, got 2.5, difference 0.5",
  );
  assertEquals(
    difference(tensor(2), 3, { message: "after one step" }),
    "after one step: Tensors differ: the values are not close (rtol 0.00001, atol 0.000001): " +
      "expected 3, got 2, difference 1",
  );
});

Deno.test("shapes must be equal, and dtypes where tensors stand on both sides", () => {
  assertEquals(
    difference(tensor([1, 2]), tensor([[1, 2]])),
    "Tensors differ: expected float32[1,2], got float32[2]",
  );
  assertEquals(
    difference(tensor([1, 2]), [1, 2, 3]),
    "Tensors differ: expected shape [3], got float32[2]",
  );
  assertEquals(difference([1], 1), "Tensors differ: expected a number, got shape [1]");
  assertEquals(
    difference(tensor([1, 2]), tensor([1, 2], { dtype: "float64" })),
    "Tensors differ: expected float64[2], got float32[2]",
  );
});

Deno.test("trees are compared leaf by leaf, and the message names the path", () => {
  const tree = { layers: [{ w: tensor([[1, 2]]), b: tensor(0.5) }, null], step: 3 };
  assertTensorsClose(tree, { step: 3, layers: [{ b: 0.5, w: [[1, 2]] }, null] });
  assertTensorsClose([tensor([1, 2]), 3], [[1, 2], 3]);
  assertTensorsClose([tensor(1), tensor(2)], [1, 2]);
  assertTensorsClose([[1], [2, 3]], [[1], [2, 3]]);
  assertEquals(
    difference(tree, { layers: [{ w: [[1, 2.5]], b: 0.5 }, null], step: 3 }),
    "Tensors differ at .layers[0].w: 1 of 2 elements is not close (rtol 0.00001, atol 0.000001): " +
      "at [0,1] expected 2.5, got 2, difference 0.5",
  );
  assertEquals(
    difference(tree, { layers: [{ w: [[1, 2]], b: 0.5 }, null], step: 3, more: 1 }),
    "Trees differ: .more is missing",
  );
  assertEquals(
    difference(tree, { layers: [{ w: [[1, 2]] }, null], step: 3 }),
    "Trees differ: .layers[0].b is not expected",
  );
  assertEquals(
    difference(tree, { layers: [{ w: [[1, 2]], b: 0.5 }, 1], step: 3 }),
    "Trees differ: expected a leaf at .layers[1], got null",
  );
  assertEquals(
    difference([tensor(1)], [tensor(1), tensor(2)]),
    "Trees differ: expected an array of 2 at the root, got an array of 1",
  );
  assertEquals(
    difference(tensor([1, 2]), { w: 1 }),
    "Trees differ: expected an object with keys w at the root, got a leaf",
  );
  assertTensorsClose({ name: "a", w: 1 }, { name: "a", w: 1 });
  assertEquals(
    difference({ name: "a" }, { name: "b" }),
    'Trees differ at .name: expected "b", got "a"',
  );
});

Deno.test("a failed assertion is an AssertionError whose stack begins at the caller", () => {
  const error = assertThrows(() => assertTensorsClose(1, 2), AssertionError);
  assertInstanceOf(error, Error);
  assertEquals(error.name, "AssertionError");
  const [, frame] = error.stack!.split("\n    at ");
  assertEquals(frame.includes("testing_test.ts"), true, frame);
});

Deno.test("cyclic trees and bad options are refused", () => {
  const cyclic: unknown[] = [tensor(1)];
  cyclic.push(cyclic);
  assertEquals(
    assertThrows(() => assertTensorsClose(cyclic, cyclic), TreeError).message,
    "Cannot flatten a tree that contains itself, at [1]",
  );
  const [even, odd]: unknown[][] = [[tensor(1)], [tensor(2)]];
  even.push(odd);
  odd.unshift(even);
  assertEquals(
    assertThrows(() => assertTensorsClose({ a: odd }, { a: odd }), TreeError).message,
    "Cannot compare a tree that is deeper than 1000 levels; is it cyclic?",
  );
  const message = (options: unknown) =>
    assertThrows(() => assertTensorsClose(1, 1, options as Options), ArgumentError).message;
  assertEquals(
    message({ rtol: -1 }),
    "Cannot compare: rtol must be a number and not negative, got -1",
  );
  assertEquals(
    message({ atol: NaN }),
    "Cannot compare: atol must be a number and not negative, got NaN",
  );
  assertEquals(message(1e-6), "Cannot compare: expected options such as { rtol }, got 0.000001");
  assertEquals(
    message({ tolerance: 1 }),
    'Cannot compare: there is no option "tolerance", the options are rtol, atol, message',
  );
});

Deno.test("values that are known under grad can be compared, unknown ones cannot", () => {
  grad((x) => {
    assertTensorsClose(x.mul(2), 6);
    return x;
  })(3);
  assertThrows(
    () =>
      vmap((x) => {
        assertTensorsClose(x, 1);
        return x;
      })(tensor([1, 2])),
    TraceError,
  );
});

Deno.test("right derivatives pass, over trees, with integers held fixed", () => {
  checkGrads(sin, [0.5]);
  checkGrads(sin, [tensor([[0.5, 1], [2, 3]])], { order: 3 });
  checkGrads(
    (params: { w: Tensor; b: Tensor }, x: Tensor, rows: Tensor) => ({
      y: dot(x, params.w).add(params.b).tanh(),
      loss: [x.mul(params.b).exp().sum(), rows],
    }),
    [
      { w: tensor([[0.1, 0.2], [0.3, 0.4]]), b: tensor([0.5, -0.5]) },
      tensor([[1, 2], [3, 4]]),
      tensor([0, 1], { dtype: "int32" }),
    ],
  );
  checkGrads((x) => x.square(), [tensor([1, 2])], { modes: ["reverse"] });
  checkGrads((x) => x.square(), [tensor([1, 2])], { modes: ["forward"] });
  checkGrads((_x) => tensor(1, { dtype: "float64" }), [1]);
});

/** A function with a wrong derivative rule: twice the true derivative. */
function lying(x: Tensor): Tensor {
  return x.mul(2).sub(stopGradient(x)).sin();
}

Deno.test("a wrong derivative is named with argument, result, order and mode", () => {
  const message = (f: () => void) => assertThrows(f, AssertionError).message;
  assertEquals(
    message(() => checkGrads(lying, [0.5])).replace(/expected .*$/, "…"),
    "The derivative of result by args[0] is wrong (order 1, forward): " +
      "against central differences, the values are not close (rtol 0.000001, atol 0.000001): …",
  );
  assertEquals(
    message(() =>
      checkGrads((p: { a: Tensor; b: Tensor }) => [p.a, { out: lying(p.b).mul(p.a) }], [
        { a: 2, b: tensor([1, 2]) },
      ])
    ).replace(/: first .*$/, ""),
    "The derivative of result[1].out by args[0].b is wrong (order 1, forward): " +
      "against central differences, 2 of 2 elements are not close (rtol 0.000001, atol 0.000001)",
  );
  assertEquals(
    message(() => checkGrads(lying, [0.5], { modes: ["reverse"] })).replace(/expected .*$/, "…"),
    "The derivative of result by args[0] is wrong (order 1, reverse): " +
      "against central differences, by inner products, " +
      "the values are not close (rtol 0.000001, atol 0.000001): …",
  );
  // Correct to the first order: the slope's own slope is hidden.
  const hidden = (x: Tensor) => x.mul(stopGradient(x)).mul(2).sub(stopGradient(x.square()));
  checkGrads(hidden, [0.5], { order: 1 });
  assertEquals(
    message(() => checkGrads(hidden, [0.5])).replace(/expected .*$/, "…"),
    "The derivative of the tangent of result by args[0] is wrong " +
      "(order 2, forward over forward): against central differences, " +
      "the values are not close (rtol 0.000001, atol 0.000001): …",
  );
  assertEquals(
    message(() => checkGrads(hidden, [0.5], { modes: ["reverse"] })).replace(/: against .*$/, ""),
    "The derivative of the gradient by args[0] by args[0] is wrong (order 2, reverse over reverse)",
  );
});

Deno.test("a kink and a derivative that is NaN are faults", () => {
  assertThrows(() => checkGrads((x) => maximum(x, 0.5), [0.5 + 1e-6]), AssertionError);
  const message = assertThrows(
    () => checkGrads((x) => where(x.greater(0), x, x.mul(-1).sqrt()), [tensor(1)]),
    AssertionError,
  ).message;
  assertEquals(
    message.replace(/expected .*, got/, "expected …, got"),
    "The derivative of result by args[0] is wrong (order 1, reverse): against forward mode, " +
      "by inner products, the values are not close (rtol 0.000001, atol 0.000001): " +
      "expected …, got NaN, difference NaN",
  );
});

Deno.test("what cannot be checked is refused", () => {
  const message = (f: () => void) => String(assertThrows(f, TypeError));
  assertEquals(
    message(() => checkGrads(sin, [tensor([1], { dtype: "int32" })])),
    "ArgumentError: Cannot check gradients: none of the arguments has a floating-point leaf",
  );
  assertEquals(
    message(() => checkGrads((x) => x.astype("float32"), [1])),
    "DtypeError: Cannot check gradients of a function that returns float32[] " +
      "for float64 arguments: expected float64; remove the conversion to float32",
  );
  assertEquals(
    message(() => checkGrads(sin, 1 as unknown as [number])),
    "ArgumentError: Cannot check gradients: expected a list with one entry per argument, got 1",
  );
  assertEquals(
    message(() => checkGrads(1 as unknown as typeof sin, [1])),
    "ArgumentError: Cannot apply checkGrads to 1: expected a function",
  );
  const options = (wrong: unknown) =>
    message(() => checkGrads(sin, [1], wrong as Parameters<typeof checkGrads>[2]));
  assertEquals(
    options({ order: 0 }),
    "ArgumentError: Cannot check gradients: order must be a positive integer, got 0",
  );
  assertEquals(
    options({ modes: ["backward"] }),
    "ArgumentError: Cannot check gradients: modes must be a list of " +
      '"forward" and "reverse", got ["backward"]',
  );
  assertEquals(
    options({ eps: 0 }),
    "ArgumentError: Cannot check gradients: eps must be a positive number, got 0",
  );
  assertThrows(() => checkGrads((x) => x.astype("float32"), [1]), DtypeError);
});
