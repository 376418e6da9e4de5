import { assertEquals, assertThrows } from "../support/std.ts";
import { ArgumentError, DtypeError, ShapeError } from "../../src/base/errors.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import * as functions from "../../src/functions/mod.ts";
import { full, ones, tensor, zeros } from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vjp } from "../../src/transforms/linearize.ts";
import { float64, numbers, sections } from "./fixture.ts";
import type { Written } from "./fixture.ts";

type Unary = (x: TensorLike) => Tensor;
type Binary = (x: TensorLike, y: TensorLike) => Tensor;

const unary = functions as unknown as Record<string, Unary>;
const binary = functions as unknown as Record<string, Binary>;

/**
 * Where a value or derivative is not PyTorch's, and on purpose: at NaN we give NaN, as NumPy and JAX
 * do; at negative zero and outside the domain only the sign of an infinite derivative differs.
 */
const ours: Readonly<Record<string, (x: number) => boolean>> = {
  sign: Number.isNaN,
  abs: Number.isNaN,
  rsqrt: (x) => Object.is(x, -0),
  acosh: (x) => x === -1,
};

for (const { name, x, y, dx } of sections.unary) {
  const points = numbers(x) as number[];
  const isOurs = ours[name] ?? (() => false);

  Deno.test(`${name} has PyTorch's values and derivatives in float64`, () => {
    const at = tensor(points, { dtype: "float64" });
    const [actual, pullback] = vjp(unary[name], at);
    const [slope] = pullback(ones(at.shape, { dtype: "float64" })) as Tensor[];
    const [values, slopes] = [actual, slope].map((z) => z.toArray() as number[]);
    const expected = numbers(y) as number[];
    points.forEach((point, i) => {
      if (isOurs(point)) return;
      const message = `${name} at ${point}`;
      assertTensorsClose(values[i], expected[i], { rtol: 1e-14, atol: 1e-300, message });
      const wanted = (dx as readonly Written[])[i];
      if (wanted === null) return;
      const rtol = name === "digamma" ? 1e-9 : 1e-13;
      assertTensorsClose(slopes[i], numbers(wanted), { rtol, atol: 2e-15, message });
    });
  });

  Deno.test(`${name} in float32 is the rounded value`, () => {
    const at = tensor(points);
    const exact = unary[name](at.astype("float64"));
    assertEquals(unary[name](at).dtype, "float32");
    assertTensorsClose(unary[name](at), exact.astype("float32"), { rtol: 0, atol: 0 });
  });
}

for (const { name, x } of sections.unary) {
  Deno.test(`${name} has the derivative of float64 in float32`, () => {
    const moderate = (numbers(x) as number[]).map(Math.fround).filter((v) => Math.abs(v) < 13);
    const slopes = (["float32", "float64"] as const).map((dtype) => {
      const at = tensor(moderate, { dtype });
      return vjp(unary[name], at)[1](ones(at.shape, { dtype }))[0] as Tensor;
    });
    const [single, double] = slopes;
    assertEquals(single.dtype, "float32");
    const known = double.abs().less(1e5);
    const masked = slopes.map((slope) => functions.where(known, slope.astype("float64"), 0));
    assertTensorsClose(masked[0], masked[1], { rtol: 2e-6, atol: 2e-7, message: String(single) });
  });
}

/** Where PyTorch divides an infinity, or by zero, to get a derivative of mod. */
function isPole(name: string, y: number): boolean {
  return name === "mod" && !Number.isFinite(y);
}

/** Where a power is 0 for an infinite exponent; PyTorch multiplies that by infinity for its slope. */
function isFlat(name: string, y: number, exponent: number): boolean {
  return name === "pow" && y === 0 && Math.abs(exponent) === Infinity;
}

for (const { name, a, b, y, da, db } of sections.binary) {
  Deno.test(`${name} has PyTorch's values and derivatives in float64`, () => {
    const [left, right] = [float64(a), float64(b)];
    const [actual, pullback] = vjp(binary[name], left, right);
    const slopes = pullback(ones(left.shape, { dtype: "float64" })) as Tensor[];
    const values = numbers(y) as number[];
    const rows: readonly [Written, Tensor, string][] = [
      [y, actual, "value"],
      [da, slopes[0], "derivative by the first"],
      [db, slopes[1], "derivative by the second"],
    ];
    for (const [wanted, computed, what] of rows) {
      const list = computed.toArray() as number[];
      (numbers(wanted) as number[]).forEach((torch, i) => {
        if (isPole(name, values[i]) && wanted === db) return;
        const [base, exponent] = [a, b].map((side) => (numbers(side) as number[])[i]);
        const isZero = isFlat(name, values[i], exponent) &&
          (wanted === da || (wanted === db && base === Infinity));
        const expected = isZero ? 0 : torch;
        const message = `${what} at ${(a as Written[])[i]}, ${(b as Written[])[i]}`;
        assertTensorsClose(list[i], expected, { rtol: 1e-13, atol: 1e-300, message });
      });
    }
  });

  Deno.test(`${name} in float32 is the rounded value`, () => {
    const [left, right] = [float64(a).astype("float32"), float64(b).astype("float32")];
    const exact = binary[name](left.astype("float64"), right.astype("float64"));
    assertEquals(binary[name](left, right).dtype, "float32");
    assertTensorsClose(binary[name](left, right), exact.astype("float32"), { rtol: 0, atol: 0 });
  });
}

Deno.test("methods and free functions give the same", () => {
  const x = tensor([0.25, 0.5]);
  const y = tensor([0.75, 0.125]);
  type Methods = Record<string, (other?: TensorLike) => Tensor>;
  for (const { name } of sections.unary) {
    assertTensorsClose((x as unknown as Methods)[name](), unary[name](x), { message: name });
  }
  for (const { name } of sections.binary) {
    assertTensorsClose((x as unknown as Methods)[name](y), binary[name](x, y), { message: name });
  }
});

const integers: readonly Dtype[] = ["bool", "int32", "uint32"];
const allDtypes: readonly Dtype[] = [...integers, "float32", "float64"];
const rounding = ["floor", "ceil", "round", "trunc"];
const exactlyTyped = ["neg", "abs", "sign", "square", ...rounding];

Deno.test("functions of floats turn integers and bools into float32", () => {
  for (const { name } of sections.unary) {
    if (exactlyTyped.includes(name)) continue;
    for (const dtype of allDtypes) {
      const result = unary[name](ones([2], { dtype }));
      const expected = dtype === "float64" ? "float64" : "float32";
      assertEquals(showType(result), `${expected}[2]`, `${name} of ${dtype}`);
    }
  }
});

Deno.test("functions of numbers keep the dtype", () => {
  for (const name of exactlyTyped) {
    for (const dtype of allDtypes) {
      if (dtype === "bool") continue;
      assertEquals(unary[name](ones([2], { dtype })).dtype, dtype, `${name} of ${dtype}`);
    }
  }
  const whole = tensor([1, -2], { dtype: "int32" });
  for (const name of rounding) assertTensorsClose(unary[name](whole), whole);
});

Deno.test("functions of numbers refuse bools and say what to do", () => {
  const message = (name: string) =>
    assertThrows(() => unary[name](tensor([true, false])), DtypeError).message;
  assertEquals(
    message("neg"),
    "Cannot negate bool[2]: expected numbers; use logicalNot, or convert with astype",
  );
  assertEquals(
    message("abs"),
    "Cannot take the absolute value of bool[2]: expected numbers; convert with astype",
  );
  assertEquals(message("floor"), "Cannot round bool[2]: expected numbers; convert with astype");
  for (const name of exactlyTyped) message(name);
});

Deno.test("two dtypes meet as in PyTorch", () => {
  // Rows and columns: bool, int32, uint32, float32, float64.
  const expected: readonly (readonly (Dtype | null)[])[] = [
    ["bool", "int32", "uint32", "float32", "float64"],
    ["int32", "int32", null, "float32", "float64"],
    ["uint32", null, "uint32", "float32", "float64"],
    ["float32", "float32", "float32", "float32", "float64"],
    ["float64", "float64", "float64", "float64", "float64"],
  ];
  allDtypes.forEach((first, i) =>
    allDtypes.forEach((second, j) => {
      const [x, y] = [ones([2], { dtype: first }), ones([2], { dtype: second })];
      const meeting = expected[i][j];
      if (meeting === null) {
        assertEquals(
          assertThrows(() => functions.add(x, y), DtypeError).message,
          `Cannot add ${first} and ${second}: no integer dtype holds both; ` +
            `convert one with astype`,
        );
        return;
      }
      assertEquals(functions.add(x, y).dtype, meeting);
      assertEquals(functions.maximum(x, y).dtype, meeting);
      const float = meeting === "float64" ? "float64" : "float32";
      for (const f of [functions.div, functions.atan2, functions.logaddexp]) {
        assertEquals(f(x, y).dtype, float);
      }
    })
  );
});

Deno.test("a JavaScript value adopts the dtype of the tensor that it meets", () => {
  const cases: readonly (readonly [number | boolean, readonly (Dtype | null)[]])[] = [
    // Beside bool, int32, uint32, float32, float64.
    [true, ["bool", "int32", "uint32", "float32", "float64"]],
    [2, ["int32", "int32", "uint32", "float32", "float64"]],
    [-2, ["int32", "int32", null, "float32", "float64"]],
    [0.5, ["float32", "float32", "float32", "float32", "float64"]],
    [2 ** 31, [null, null, "uint32", "float32", "float64"]],
    [NaN, ["float32", "float32", "float32", "float32", "float64"]],
  ];
  for (const [scalar, expected] of cases) {
    allDtypes.forEach((dtype, i) => {
      const x = ones([2, 3], { dtype });
      if (expected[i] === null) {
        for (const y of [scalar, [Number(scalar)]]) {
          assertThrows(() => functions.add(x, y), DtypeError, `Cannot add ${dtype} and ${scalar}:`);
        }
        return;
      }
      assertEquals(showType(functions.add(x, scalar)), `${expected[i]}[2,3]`);
      assertEquals(showType(functions.add(scalar, x)), `${expected[i]}[2,3]`);
      assertEquals(showType(x.add(scalar)), `${expected[i]}[2,3]`);
      if (typeof scalar === "number") {
        assertEquals(showType(functions.add(x, [[scalar]])), `${expected[i]}[2,3]`);
      }
    });
  }
  assertEquals(functions.add(1, 2).dtype, "float32");
  assertEquals(functions.add(1, true).dtype, "float32");
  assertEquals(functions.add(true, false).dtype, "bool");
});

Deno.test("numbers keep their digits beside float64", () => {
  const x = zeros([2], { dtype: "float64" });
  assertEquals(functions.add(x, 0.1).toArray(), [0.1, 0.1]);
  assertEquals(functions.add(x, [0.1, 0.2]).toArray(), [0.1, 0.2]);
  assertEquals(functions.div(1, full([1], 3, { dtype: "float64" })).toArray(), [1 / 3]);
});

Deno.test("bools are added by or and multiplied by and", () => {
  const [p, q] = [tensor([true, true, false, false]), tensor([true, false, true, false])];
  assertTensorsClose(p.add(q), tensor([true, true, true, false]));
  assertTensorsClose(p.mul(q), tensor([true, false, false, false]));
  assertTensorsClose(p.maximum(q), tensor([true, true, true, false]));
  assertEquals(
    assertThrows(() => p.sub(q), DtypeError).message,
    "Cannot subtract bool[4] and bool[4]: expected numbers; use logicalXor, or convert with astype",
  );
  assertEquals(
    assertThrows(() => p.pow(q), DtypeError).message,
    "Cannot take the power of bool[4] and bool[4]: expected numbers; convert with astype",
  );
});

Deno.test("integer arithmetic wraps, divides into floats and raises to whole powers", () => {
  const x = tensor([7, -7, 2147483647], { dtype: "int32" });
  assertTensorsClose(x.add(1), tensor([8, -6, -2147483648], { dtype: "int32" }));
  assertTensorsClose(x.mod(3), tensor([1, 2, 1], { dtype: "int32" }));
  assertTensorsClose(x.mod(0), tensor([0, 0, 0], { dtype: "int32" }));
  assertTensorsClose(x.div(2), tensor([3.5, -3.5, 1073741823.5]));
  assertTensorsClose(x.at([0, 2]).pow(3), tensor([343, -343], { dtype: "int32" }));
  assertTensorsClose(x.at([0, 2]).pow(-1), tensor([0, 0], { dtype: "int32" }));
  assertTensorsClose(x.at([0, 1]).pow(0.5), tensor([Math.sqrt(7)]));
  assertEquals(tensor([1], { dtype: "uint32" }).sub(2).toArray(), [4294967295]);
});

Deno.test("a power with a constant exponent has an exact derivative", () => {
  const x = tensor([-3, 0, 2], { dtype: "float64" });
  const slope = (exponent: number) => grad((z) => z.pow(exponent).sum())(x);
  assertTensorsClose(slope(2), [-6, 0, 4], { rtol: 0, atol: 0 });
  assertTensorsClose(slope(3), [27, 0, 12], { rtol: 0, atol: 0 });
  assertTensorsClose(slope(1), [1, 1, 1], { rtol: 0, atol: 0 });
  assertTensorsClose(slope(0), [0, 0, 0], { rtol: 0, atol: 0 });
  assertTensorsClose(grad((z) => z.pow(2).sum())(tensor([0.1])), tensor([0.2]), { atol: 0 });
});

Deno.test("numbers beside a tensor record neither a broadcast nor a conversion", () => {
  const int = zeros([2, 3], { dtype: "int32" });
  const text = (f: (x: Tensor) => Tensor, x: Tensor) =>
    String(makeProgram(f)(x)).match(/= (\w+)\(/g);
  assertEquals(text((x) => x.mul(2).add(1), zeros([2, 3])), ["= mul(", "= add("]);
  assertEquals(text((x) => x.div(2), int), ["= convert(", "= div("]);
  assertEquals(text((x) => x.mul(0.5), int), ["= convert(", "= mul("]);
});

Deno.test("broadcasting spreads values and sums derivatives", () => {
  const x = tensor([[1], [2]], { dtype: "float64" });
  const y = tensor([3, 4, 5], { dtype: "float64" });
  assertTensorsClose(x.mul(y), [[3, 4, 5], [6, 8, 10]]);
  checkGrads((a, b) => a.mul(b), [x, y]);
  checkGrads((a, b) => a.div(b).pow(b), [x, y]);
  checkGrads((a, b) => functions.atan2(a, b), [x, y]);
});

Deno.test("shapes that do not broadcast are named with the axis", () => {
  const message = (f: Binary, ...shapes: [number[], number[]]) =>
    assertThrows(() => f(zeros(shapes[0]), zeros(shapes[1])), ShapeError).message;
  assertEquals(
    message(functions.add, [2, 3], [4]),
    "Cannot add float32[2,3] and float32[4]: shapes must broadcast, axis -1 has lengths 3 and 4",
  );
  assertEquals(
    message(functions.div, [2, 3, 4], [5, 1, 4]),
    "Cannot divide float32[2,3,4] and float32[5,1,4]: shapes must broadcast, " +
      "axis -3 has lengths 2 and 5",
  );
  assertEquals(
    message(functions.sub, [0], [2]),
    "Cannot subtract float32[0] and float32[2]: shapes must broadcast, axis -1 has lengths 0 and 2",
  );
});

Deno.test("what is no tensor is refused with the function's verb", () => {
  const bad = undefined as unknown as TensorLike;
  assertEquals(
    assertThrows(() => functions.sin(bad), ArgumentError).message,
    "Cannot take the sine: expected a tensor, number, boolean, nested array or typed array, " +
      "got undefined",
  );
  assertEquals(
    assertThrows(() => functions.mul(zeros(2), bad), ArgumentError).message,
    "Cannot multiply: expected a tensor, number, boolean, nested array or typed array, " +
      "got undefined",
  );
});

Deno.test("tensors without elements pass through", () => {
  for (const { name } of sections.unary) {
    assertEquals(unary[name](zeros([0, 3])).shape, [0, 3]);
  }
  assertEquals(functions.add(zeros([0, 3]), ones([3])).shape, [0, 3]);
  assertEquals(functions.add(zeros([0, 1]), ones([1, 3])).shape, [0, 3]);
  assertEquals(functions.mul(zeros([0]), 3).shape, [0]);
});
