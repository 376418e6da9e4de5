import fc from "fast-check";
import type { Dtype } from "../../../../src/base/dtype.ts";
import { isFloat } from "../../../../src/base/dtype.ts";
import { sizeOf, withoutAxes } from "../../../../src/base/shape.ts";
import { type Concrete, dense } from "../../../../src/core/tensor.ts";
import {
  emitGather,
  emitLastOf,
  emitScatterAdd,
  emitScatterMax,
  emitScatterMin,
  emitScatterOnto,
  emitScatterSet,
} from "../../../../src/backends/wasm/kernels/indexing/mod.ts";
import type { Kernel } from "../../../../src/backends/wasm/kernels/kernel.ts";
import {
  gatherPrimitive,
  lastOfPrimitive,
  scatterAddPrimitive,
  scatterMaxPrimitive,
  scatterMinPrimitive,
  scatterOntoPrimitive,
  scatterSetPrimitive,
} from "../../../../src/primitives/indexing.ts";
import { assert, assertEquals, assertThrows } from "../../../support/std.ts";
import { assertNear, assertSame, fillTensor, randomNumbers, runBoth } from "./against_reference.ts";
import { runKernel, testBuilder } from "./support.ts";

const dtypes: readonly Dtype[] = ["float32", "float64", "int32", "uint32", "bool"];
const numbers: readonly Dtype[] = ["float32", "float64", "int32", "uint32"];
const indexDtypes = ["int32", "uint32"] as const;

const random = randomNumbers(1);

function valuesOf(dtype: Dtype, shape: readonly number[]): Concrete {
  const value = isFloat(dtype)
    ? () => random() * 2 - 1
    : dtype === "bool"
    ? () => random() < 0.5 ? 1 : 0
    : () => (random() - 0.5) * 2 ** 32;
  return fillTensor(dtype, shape, value);
}

function indicesOf(dtype: Dtype, shape: readonly number[], below: number): Concrete {
  return fillTensor(dtype, shape, () => Math.floor(random() * below));
}

/** Batches, rows, slots and the shape of a row. */
interface Sizes {
  readonly batch: readonly number[];
  /** Which axes of the batches the indices do not have. */
  readonly outer?: readonly number[];
  readonly rows: readonly number[];
  readonly slots: number;
  readonly rest: readonly number[];
}

function checkGather(dtype: Dtype, { batch, outer = [], rows, slots, rest }: Sizes): void {
  const shared = withoutAxes(batch, outer);
  for (const indexDtype of indexDtypes) {
    const x = valuesOf(dtype, [...batch, slots, ...rest]);
    const indices = indicesOf(indexDtype, [...shared, ...rows], slots);
    assertSame(emitGather, gatherPrimitive, [x, indices], { batch: shared.length, outer });
  }
}

/** Sums may differ by the roundings of as many additions as there are rows. */
function checkScatterAdd(dtype: Dtype, { batch, outer = [], rows, slots, rest }: Sizes): void {
  const shared = withoutAxes(batch, outer);
  const updates = valuesOf(dtype, [...batch, ...rows, ...rest]);
  const indices = indicesOf("int32", [...shared, ...rows], slots);
  const params = { batch: shared.length, outer, size: slots };
  const inputs = [updates, indices];
  const { actual, expected } = runBoth(emitScatterAdd, scatterAddPrimitive, inputs, params);
  const roundings = sizeOf(rows) / Math.max(1, slots) * 4 + 4;
  const unit = dtype === "float32" ? 2 ** -24 : dtype === "float64" ? 2 ** -53 : 0;
  // Every update is at most one, so that sums of as many are at most as large.
  assertNear(actual, expected, () => unit * roundings * roundings);
}

function checkLastOf({ batch, rows, slots }: Sizes): void {
  for (const dtype of indexDtypes) {
    const indices = indicesOf(dtype, [...batch, ...rows], slots);
    const params = { batch: batch.length, size: slots };
    assertSame(emitLastOf, lastOfPrimitive, [indices], params);
  }
}

function checkRows(dtype: Dtype, { batch, outer = [], rows, slots, rest }: Sizes): void {
  const x = valuesOf(dtype, [...batch, slots, ...rest]);
  const updates = valuesOf(dtype, [...batch, ...rows, ...rest]);
  const shared = withoutAxes(batch, outer);
  const indices = indicesOf("int32", [...shared, ...rows], slots);
  const params = { batch: shared.length, outer };
  assertSame(emitScatterSet, scatterSetPrimitive, [x, updates, indices], params);
  if (dtype === "bool") return;
  assertSame(emitScatterOnto, scatterOntoPrimitive, [x, updates, indices], params);
  assertSame(emitScatterMax, scatterMaxPrimitive, [x, updates, indices], params);
  assertSame(emitScatterMin, scatterMinPrimitive, [x, updates, indices], params);
}

/** Sizes on every path: single elements, short rows, long rows, many and few batches. */
const samples: readonly Sizes[] = [
  { batch: [], rows: [], slots: 3, rest: [2] },
  { batch: [], rows: [37], slots: 11, rest: [] },
  { batch: [], rows: [5], slots: 1000, rest: [3] },
  { batch: [], rows: [40], slots: 50, rest: [7, 3] },
  { batch: [], rows: [9], slots: 4, rest: [33] },
  { batch: [], rows: [6], slots: 5, rest: [301] },
  { batch: [], rows: [6], slots: 8, rest: [16, 64] },
  { batch: [13], rows: [], slots: 10, rest: [] },
  { batch: [300], rows: [], slots: 10, rest: [4] },
  { batch: [3, 2], rows: [2, 7], slots: 6, rest: [] },
  { batch: [4], rows: [9], slots: 5, rest: [5] },
  { batch: [2], rows: [300], slots: 7, rest: [] },
  { batch: [12], rows: [200], slots: 3, rest: [2] },
  { batch: [7], outer: [0], rows: [], slots: 10, rest: [] },
  { batch: [7], outer: [0], rows: [9], slots: 10, rest: [] },
  { batch: [3, 5], outer: [0], rows: [4], slots: 6, rest: [3] },
  { batch: [3, 5], outer: [1], rows: [2, 2], slots: 6, rest: [] },
  { batch: [2, 3, 4], outer: [0, 2], rows: [3], slots: 5, rest: [] },
  { batch: [2, 3, 2, 2], outer: [1, 2], rows: [20], slots: 5, rest: [2] },
  { batch: [12], outer: [0], rows: [200], slots: 3, rest: [2] },
];

/** Sizes that are worth many chunks. */
const large: readonly Sizes[] = [
  { batch: [], rows: [100_000], slots: 1000, rest: [] },
  { batch: [], rows: [3001], slots: 5000, rest: [64] },
  { batch: [], rows: [1000], slots: 500, rest: [130] },
  { batch: [], rows: [40_001], slots: 10, rest: [3] },
  { batch: [60_001], rows: [], slots: 5, rest: [] },
  { batch: [101], rows: [17, 29], slots: 900, rest: [] },
  { batch: [99], rows: [1500], slots: 9, rest: [] },
  { batch: [3], rows: [30_000], slots: 20_000, rest: [] },
  { batch: [2001], outer: [0], rows: [19], slots: 20, rest: [] },
  { batch: [40, 3, 30], outer: [0, 2], rows: [5, 4], slots: 6, rest: [] },
  { batch: [99], outer: [0], rows: [1500], slots: 9, rest: [] },
];

/** Sizes where something is empty. */
const empty: readonly Sizes[] = [
  { batch: [], rows: [0], slots: 3, rest: [2] },
  { batch: [], rows: [0], slots: 0, rest: [] },
  { batch: [0], rows: [4], slots: 3, rest: [2] },
  { batch: [2], rows: [4], slots: 3, rest: [0] },
  { batch: [2], rows: [0, 4], slots: 3, rest: [2] },
];

Deno.test("gather copies rows of every dtype, length and number", () => {
  for (const sizes of [...samples, ...empty]) {
    for (const dtype of dtypes) checkGather(dtype, sizes);
  }
  for (const sizes of large) checkGather("float32", sizes);
});

Deno.test("scatterAdd sums rows of every dtype, length and number", () => {
  for (const sizes of [...samples, ...empty]) {
    for (const dtype of numbers) checkScatterAdd(dtype, sizes);
  }
  for (const sizes of large) for (const dtype of numbers) checkScatterAdd(dtype, sizes);
});

Deno.test("lastOf finds the last row of each slot", () => {
  for (const sizes of [...samples, ...large, ...empty]) checkLastOf(sizes);
});

Deno.test("scatterSet, scatterOnto, scatterMax and scatterMin change rows one after the other", () => {
  for (const sizes of [...samples, ...empty]) for (const dtype of dtypes) checkRows(dtype, sizes);
  for (const sizes of large.slice(0, 5)) checkRows("float32", sizes);
});

Deno.test("kernels of indices agree with the evaluator on random sizes", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 2 });
  const sizes = fc.record({
    batch: lengths,
    outer: fc.constantFrom([], [0], [1], [0, 1]),
    rows: lengths,
    slots: fc.integer({ min: 1, max: 9 }),
    rest: fc.oneof(lengths, fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 1 })),
  });
  fc.assert(
    fc.property(sizes, fc.constantFrom(...dtypes), (chosen, dtype) => {
      const outer = chosen.outer.filter((axis) => axis < chosen.batch.length);
      const sizes = { ...chosen, outer };
      checkGather(dtype, sizes);
      if (dtype !== "bool") checkScatterAdd(dtype, sizes);
      checkLastOf(sizes);
      checkRows(dtype, sizes);
    }),
    { numRuns: 60, seed: 3 },
  );
});

Deno.test("slots that are hit often are summed in double precision", () => {
  const updates = fillTensor("float32", [50_000], () => 0.1);
  const indices = fillTensor("int32", [50_000], () => 1);
  const { actual, expected } = runBoth(
    emitScatterAdd,
    scatterAddPrimitive,
    [updates, indices],
    { batch: 0, size: 2 },
  );
  assertNear(actual, expected, () => 0);
});

Deno.test("an index outside its axis stops the kernel", () => {
  const cases = [
    ["int32", -1],
    ["int32", 5],
    ["int32", -(2 ** 31)],
    ["uint32", 5],
    ["uint32", 2 ** 32 - 1],
  ] as const;
  for (const [dtype, wrong] of cases) {
    for (const rows of [1, 3, 40]) {
      for (const width of [0, 1, 2, 40]) {
        for (const place of [0, rows - 1]) {
          let next = 0;
          const indices = fillTensor(dtype, [rows], () => next++ === place ? wrong : 2);
          const outputs = [{ dtype: "float32" as const, length: 5 * width }];
          const rowsOf = valuesOf("float32", [rows, width]);
          const slots = valuesOf("float32", [5, width]);
          assertThrows(
            () =>
              runKernel(
                (builder) => emitGather(builder, [slots, indices], { batch: 0 }, rowsOf),
                [dense(slots), dense(indices)],
                [{ dtype: "float32", length: rows * width }],
              ),
            WebAssembly.RuntimeError,
          );
          assertThrows(
            () =>
              runKernel(
                (b) => emitScatterAdd(b, [rowsOf, indices], { batch: 0, size: 5 }, slots),
                [dense(rowsOf), dense(indices)],
                outputs,
              ),
            WebAssembly.RuntimeError,
          );
          assertThrows(
            () =>
              runKernel(
                (b) => emitLastOf(b, [indices], { batch: 0, size: 5 }),
                [dense(indices)],
                [{ dtype: "bool", length: rows }],
              ),
            WebAssembly.RuntimeError,
          );
          for (const emit of [emitScatterSet, emitScatterOnto]) {
            assertThrows(
              () =>
                runKernel(
                  (b) => emit(b, [slots, rowsOf, indices], { batch: 0 }),
                  [dense(slots), dense(rowsOf), dense(indices)],
                  outputs,
                ),
              WebAssembly.RuntimeError,
            );
          }
        }
      }
    }
  }
});

Deno.test("work that is large enough is divided into chunks", () => {
  const float = (...shape: number[]) => ({ dtype: "float32" as const, shape });
  const index = (...shape: number[]) => ({ dtype: "int32" as const, shape });
  function chunksOf({ stages }: Kernel): number[] {
    return stages.map(({ chunks }) => chunks);
  }
  const builder = testBuilder();
  const few = emitGather(builder, [float(9, 4), index(30)], { batch: 0 }, float(30, 4));
  assertEquals(chunksOf(few), [1]);
  const many = [
    emitGather(builder, [float(9000, 64), index(9000)], { batch: 0 }, float(9000, 64)),
    emitScatterAdd(
      builder,
      [float(4096, 256), index(4096)],
      { batch: 0, size: 5000 },
      float(5000, 256),
    ),
    emitScatterAdd(
      builder,
      [float(64, 256), index(64, 256)],
      { batch: 1, size: 1024 },
      float(64, 1024),
    ),
    emitScatterAdd(builder, [float(90_000), index(90_000)], { batch: 0, size: 9 }, float(9)),
  ];
  for (const kernel of many) assert(Math.max(...chunksOf(kernel)) >= 4);
});
