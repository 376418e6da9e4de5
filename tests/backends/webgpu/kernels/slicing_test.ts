import type { Dtype } from "../../../../src/base/dtype.ts";
import {
  addSlicePrimitive,
  dynamicSlicePrimitive,
  updateSlicePrimitive,
} from "../../../../src/primitives/dynamic_slicing.ts";
import { kernelFor } from "../../../../src/backends/webgpu/wgsl/table.ts";
import { assertEquals } from "../../../support/std.ts";
import { assertSame, fill, gpuTest, LIMITS, runBoth, tensorOf } from "./support.ts";

const starts = (...values: number[]) => values.map((value) => tensorOf("int32", [], [value]));

gpuTest("blocks on a device are taken, replaced and added to as by the evaluator", async () => {
  for (const dtype of ["float32", "bfloat16", "int32", "bool", "uint8"] as Dtype[]) {
    const x = fill(dtype, [5, 6, 7], 1);
    const block = fill(dtype, [2, 6, 3], 2);
    const sizes = [2, 6, 3];
    for (
      const [start, operands] of [
        [[null, 0, null], starts(3, 4)],
        [[null, null, null], starts(0, 0, 2)],
        [[1, 0, 2], []],
      ] as const
    ) {
      await assertSame(dynamicSlicePrimitive, [x, ...operands], { start, sizes });
      await assertSame(updateSlicePrimitive, [x, block, ...operands], { start });
      if (dtype !== "float32" && dtype !== "int32") continue;
      await assertSame(addSlicePrimitive, [x, block, ...operands], { start });
    }
  }
  const x = fill("float32", [3, 0], 1);
  await assertSame(dynamicSlicePrimitive, [x, ...starts(1)], { start: [null, 0], sizes: [2, 0] });
  await assertSame(updateSlicePrimitive, [x, x, ...starts(0)], { start: [null, 0] });
});

gpuTest("blocks on a device that lie outside set a flag", async () => {
  const x = fill("float32", [5, 6], 1);
  for (const first of [-1, 4, 2 ** 31 - 1, -(2 ** 31)]) {
    const start = [null, 1];
    const sizes = [2, 3];
    const cut = await runBoth(dynamicSlicePrimitive, [x, ...starts(first)], { start, sizes });
    const block = fill("float32", sizes, 2);
    const change = await runBoth(updateSlicePrimitive, [x, block, ...starts(first)], { start });
    assertEquals([cut.flag, change.flag], [1, 1]);
  }
});

Deno.test("a block of a matrix is taken by a shader of a few lines", () => {
  const [x, start, cut] = [[3, 4], [], [1, 4]].map((shape, i) => ({
    dtype: i === 1 ? "int32" as const : "float32" as const,
    shape,
  }));
  const params = { start: [null, 0], sizes: [1, 4] };
  const kernel = kernelFor("dynamicSlice", [x, start], params, [cut], LIMITS)!;
  assertEquals(kernel.passes.map(({ operands, workgroups }) => [operands, workgroups]), [
    [[0, 2, 3, 1], [1, 1, 1]],
  ]);
  assertEquals(
    kernel.passes[0].code,
    `@group(0) @binding(0) var<storage, read_write> b0: array<u32>;
@group(0) @binding(1) var<storage, read_write> b1: array<u32>;
@group(0) @binding(2) var<storage, read_write> b2: array<u32>;
@group(0) @binding(3) var<storage, read_write> b3: array<i32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].x; }
@compute @workgroup_size(256, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let i = ((group.z * groups.y + group.y) * groups.x + group.x) * 256u + local;
if (i >= 4u) { return; }
let first0 = b3[bases[0].w + (0u)];
let fits0 = first0 >= 0 && first0 <= 2;
let s0 = select(0u, u32(first0), fits0);
let s1 = 0u;
if (i == 0u && !(fits0)) { b2[bases[0].z + (0u)] = 1u; }
if (i < 4u) {
let c0 = 0u;
let c1 = (i);
b1[bases[0].y + (i)] = b0[bases[0].x + ((c0 + s0) * 4u + (c1 + s1) * 1u)];
}
}
`,
  );
});
