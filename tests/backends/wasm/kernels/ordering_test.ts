import fc from "fast-check";
import { type Dtype, isFloat } from "../../../../src/base/dtype.ts";
import { emitArgsort } from "../../../../src/backends/wasm/kernels/ordering/mod.ts";
import { argsortPrimitive } from "../../../../src/primitives/ordering.ts";
import { assert } from "../../../support/std.ts";
import { assertSame, fillTensor, randomNumbers } from "./against_reference.ts";
import { testBuilder } from "./support.ts";

const dtypes: readonly Dtype[] = [
  ...["float32", "float64", "int32", "uint32", "bool"] as const,
  ...["float16", "bfloat16", "int8", "uint8", "int16", "uint16"] as const,
];

/** How elements are drawn: few values with many ties, many values, or special ones. */
type Kind = "few" | "many" | "special";
const kinds: readonly Kind[] = ["few", "many", "special"];

function drawer(dtype: Dtype, kind: Kind, random: () => number): () => number {
  const specials = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 2 ** -149, -(2 ** -149)];
  return () => {
    if (dtype === "bool") return random() < 0.5 ? 1 : 0;
    if (kind === "special" && isFloat(dtype)) {
      return specials[Math.floor(random() * specials.length)];
    }
    if (kind === "few") return Math.floor(random() * 8) - 4;
    return (random() - 0.5) * 2 ** 32 * (isFloat(dtype) ? random() ** 20 : 1);
  };
}

function check(dtype: Dtype, shape: readonly number[], kind: Kind, seed: number): void {
  const x = fillTensor(dtype, shape, drawer(dtype, kind, randomNumbers(seed)));
  for (let axis = 0; axis < shape.length; axis++) {
    for (const descending of [false, true]) {
      assertSame(emitArgsort, argsortPrimitive, [x], { axis, descending });
    }
  }
}

Deno.test("argsort orders lines of every length up to forty along both axes", () => {
  for (let length = 1; length <= 40; length++) {
    check(dtypes[length % dtypes.length], [3, length], kinds[length % 3], length);
  }
});

Deno.test("argsort keeps the order of equal elements, of zeros and of NaN", () => {
  for (const dtype of dtypes) for (const kind of kinds) check(dtype, [700], kind, 1);
});

Deno.test("argsort agrees with the evaluator on random shapes", () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...dtypes), shapes, fc.constantFrom(...kinds), fc.nat(), check),
    { numRuns: 30, seed: 5 },
  );
});

Deno.test("argsort of long lines by digits is divided among several threads", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const shape of [[40_000], [100_001], [2, 40_000], [20_001, 2]]) {
      const random = randomNumbers(shape[0]);
      for (const kind of ["few", "many"] as const) {
        const axis = shape.indexOf(Math.max(...shape));
        const x = fillTensor(dtype, shape, drawer(dtype, kind, random));
        const descending = kind === "few";
        assertSame(emitArgsort, argsortPrimitive, [x], { axis, descending });
        const { stages } = emitArgsort(testBuilder(), [x], { axis, descending }, x);
        assert(stages.length > 1 && stages.every(({ chunks }) => chunks >= 2));
      }
    }
  }
});

Deno.test("argsort by digits takes the bits in which elements differ", () => {
  // None, a few in the middle, those of one pass, and all.
  const random = randomNumbers(2);
  const values: readonly (() => number)[] = [
    () => 7,
    () => 64 + 8 * Math.floor(random() * 4),
    () => Math.floor(random() * 90),
  ];
  for (const dtype of dtypes) {
    for (const value of values) {
      const x = fillTensor(dtype, [17_000], value);
      assertSame(emitArgsort, argsortPrimitive, [x], { axis: 0, descending: false });
    }
    for (const kind of kinds) check(dtype, [17_000], kind, 3);
  }
});

Deno.test("argsort of many lines is divided into chunks", () => {
  const x = { dtype: "int32" as const, shape: [300, 900] };
  const { stages } = emitArgsort(testBuilder(), [x], { axis: 1, descending: false }, x);
  assert(stages.length === 1 && stages[0].chunks >= 4);
  check("int32", x.shape, "many", 8);
});
