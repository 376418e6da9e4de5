import { jit, makeProgram, matmul, ones, scan, tensor, zeros } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assert, assertEquals } from "../support/std.ts";

Deno.test("a lowered function is text: buffers, then tasks, nests as loops", () => {
  const f = jit((x: Tensor) => x.square().sum(1).sqrt());
  const lowered = f.lower(ones([3, 4]));
  const { program } = lowered;
  const text = lowered.text();
  assertEquals(String(program), String(makeProgram((x) => x.square().sum(1).sqrt())(ones([3, 4]))));
  assertEquals(
    text,
    [
      "b0: float32[3,4], argument 0",
      "b1: float32[3]",
      "0: square sum sqrt",
      "  for i < 3 over j < 4",
      "    v0: float32 = b0[4*i + j]",
      "    v1: float32 = square(v0)",
      "    v2: float32 = sum of v1",
      "    v3: float32 = sqrt(v2)",
      "    b1[i] = v3",
      "return b1",
    ].join("\n"),
  );
});

Deno.test("lower counts work and memory, and runs nothing", () => {
  let traced = 0;
  const f = jit((a: Tensor, b: Tensor) => {
    traced++;
    return matmul(a, b);
  });
  const cost = f.lower(ones([32, 64]), ones([64, 16]));
  assert(cost.flops >= 2 * 32 * 64 * 16, `${cost.flops}`);
  assert(cost.bytes >= 4 * (32 * 64 + 64 * 16 + 32 * 16), `${cost.bytes}`);
  assert(cost.code > 0 && cost.workspace > 0);
  f(ones([32, 64]), ones([64, 16]));
  assertEquals(traced, 1);
});

Deno.test("loops, guards and straight code have text", () => {
  const loop = jit((xs: Tensor) => scan((c: Tensor, x: Tensor) => [c.add(x), c], zeros([]), xs));
  assert(loop.lower(ones([5])).text().includes("scan(b"));
  const padded = jit((x: Tensor) => x.pad([[1, 2]]).mul(2)).lower(tensor([1, 2])).text();
  assert(padded.includes("if 0 <= i - 1 < 2 else 0"), padded);
});
