import { allocate } from "../../src/base/dtype.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { sortRow } from "../../src/numeric/ordering.ts";
import { randomNumbers } from "../backends/wasm/kernels/against_reference.ts";
import { assertEquals } from "../support/std.ts";

const DTYPES: readonly Dtype[] = [
  "float32",
  "float64",
  "int32",
  "uint32",
  "int8",
  "uint16",
  "bool",
];

/** Whether one number comes before another. */
function isBefore(x: number, y: number): boolean {
  return x < y || (Number.isNaN(y) && !Number.isNaN(x));
}

Deno.test("rows of every length are in order, equal elements in their own, NaN as the largest", () => {
  const random = randomNumbers(1);
  const specials = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 2 ** -149, -(2 ** -1074), 2 ** -1074];
  const draws: readonly (() => number)[] = [
    () => Math.floor(random() * 8) - 4,
    () => (random() - 0.5) * 2 ** 32 * random() ** 20,
    () => specials[Math.floor(random() * specials.length)],
    () => 1,
  ];
  for (const length of [0, 1, 2, 50, 159, 160, 161, 700, 5000]) {
    for (const dtype of DTYPES) {
      for (const draw of draws) {
        const values = allocate(dtype, length).map(
          dtype === "bool" ? () => draw() > 0 ? 1 : 0 : draw,
        );
        for (const descending of [false, true]) {
          const order = new Int32Array(length);
          sortRow(order, values, descending);
          assertEquals(new Set(order).size, length);
          for (let i = 1; i < length; i++) {
            const [x, y] = [values[order[i - 1]], values[order[i]]];
            const isRight = descending ? isBefore(y, x) : isBefore(x, y);
            const isTie = !isBefore(x, y) && !isBefore(y, x);
            assertEquals(isRight || (isTie && order[i - 1] < order[i]), true);
          }
        }
      }
    }
  }
});
