import fc from "fast-check";
import type { Dtype } from "../../../../src/base/dtype.ts";
import { dense } from "../../../../src/core/tensor.ts";
import {
  emitAddSlice,
  emitDynamicSlice,
  emitUpdateSlice,
} from "../../../../src/backends/wasm/kernels/indexing/slicing.ts";
import {
  addSlicePrimitive,
  dynamicSlicePrimitive,
  updateSlicePrimitive,
} from "../../../../src/primitives/dynamic_slicing.ts";
import { assertThrows } from "../../../support/std.ts";
import { assertSame, fillTensor, randomNumbers } from "./against_reference.ts";
import { runKernel } from "./support.ts";

const random = randomNumbers(7);

function check(
  dtype: Dtype,
  axes: readonly (readonly [length: number, size: number, known: boolean])[],
) {
  const shape = axes.map(([length]) => length);
  const sizes = axes.map(([length, size]) => Math.min(length, size));
  const fill = (lengths: readonly number[]) =>
    fillTensor(dtype, lengths, () => dtype === "bool" ? random() < 0.5 ? 1 : 0 : 100 * random());
  const firsts = shape.map((length, i) => Math.floor(random() * (length - sizes[i] + 1)));
  const start = axes.map(([, , known], i) => known ? firsts[i] : null);
  const starts = firsts.filter((_, i) => !axes[i][2]).map((first) =>
    fillTensor("int32", [], () => first)
  );
  const [x, update] = [fill(shape), fill(sizes)];
  assertSame(emitDynamicSlice, dynamicSlicePrimitive, [x, ...starts], { start, sizes });
  assertSame(emitUpdateSlice, updateSlicePrimitive, [x, update, ...starts], { start });
  if (dtype !== "bool") {
    assertSame(emitAddSlice, addSlicePrimitive, [x, update, ...starts], { start });
  }
}

Deno.test("blocks are taken, replaced and added like the evaluator does it", () => {
  const length = fc.integer({ min: 0, max: 40 });
  const axis = fc.tuple(length, fc.oneof(length, fc.constant(1), fc.constant(99)), fc.boolean());
  const dtypes = fc.constantFrom<Dtype>("float32", "float64", "int32", "uint32", "bool");
  fc.assert(
    fc.property(dtypes, fc.array(axis, { maxLength: 4 }), (dtype, axes) => {
      const sizes = axes.map(([length]) => length || 1).reduce((a, b) => a * b, 1);
      if (sizes <= 5000) check(dtype, axes);
    }),
    { numRuns: 150, seed: 5 },
  );
  check("float32", [[3, 2, false], [5000, 4000, false]]);
});

Deno.test("a block that does not lie inside stops the kernel", () => {
  for (const first of [-1, 4, 2 ** 31 - 1, -(2 ** 31)]) {
    const at = fillTensor("int32", [], () => first);
    const x = fillTensor("float32", [5, 3], () => 1);
    const update = fillTensor("float32", [2, 3], () => 1);
    const start = [null, 0];
    const output = { dtype: "float32" as const, length: 15 };
    assertThrows(
      () =>
        runKernel(
          (b) => emitDynamicSlice(b, [x, at], { start, sizes: [2, 3] }),
          [dense(x), dense(at)],
          [{ ...output, length: 6 }],
        ),
      WebAssembly.RuntimeError,
    );
    for (const emit of [emitUpdateSlice, emitAddSlice]) {
      assertThrows(
        () =>
          runKernel(
            (b) => emit(b, [x, update, at], { start }),
            [x, update, at].map(dense),
            [output],
          ),
        WebAssembly.RuntimeError,
      );
    }
  }
});
