/**
 * The kernel of a switch: contains the steps of each branch, one of which is selected by an index in memory.
 *
 * @module
 */
import type { Pointer } from "../kernels/addresses.ts";
import { type Builder, chunksOf, type Order } from "../kernels/kernel.ts";
import { i32 } from "../assembler/operations.ts";
import type { ControlEquation } from "../../../passes/control.ts";
import { heirsOf } from "../../../passes/heirs.ts";
import {
  divideOperands,
  isShared,
  type LoopKernel,
  type LoopOptions,
  loopStage,
  MOST_CHUNKS,
  within,
} from "./loop.ts";
import { type Pointers, Region } from "./region.ts";

/** The kernel of a switch; `null` if part of it must be left to the evaluator. */
export function emitSwitch(
  builder: Builder,
  { params: { branches }, inputs, outputs }: ControlEquation & { readonly kind: "switch" },
  { scheduleInner, sharedFrom }: LoopOptions,
): LoopKernel | null {
  const regions: Region[] = [];
  const heirs = heirsOf(branches);
  for (const branch of branches) {
    const region = Region.make(builder, branch, scheduleInner, (i) => heirs[i]);
    if (region === null) return null;
    regions.push(region);
  }
  const workspace = Math.max(...regions.map((region) => region.workspace));
  const workspaces = workspace > 0 ? [workspace] : [];
  const operands = inputs.length + outputs.length + workspaces.length;
  // The chunks of all branches are numbered; those of branches that are not selected do nothing.
  const order: Order = { rounds: 1, parts: regions.flatMap((region) => region.parts) };
  const isDivided = regions.some((region) => isShared(region, sharedFrom)) &&
    chunksOf(order) <= MOST_CHUNKS;
  const name = `switch of ${branches.length}`;
  const chunks = isDivided ? { chunks: chunksOf(order), order } : { chunks: 1 };
  const stage = loopStage(builder, name, operands, chunks, (code, all, chunk) => {
    const places = divideOperands(all, inputs.length, outputs.length);
    const [place, ...args] = places.inputs;
    const index = code.let(i32.load(place));
    const pointers: Pointers = {
      argument: (i) => args[i],
      result: (i) => places.outputs[i],
      workspace: places.workspace,
    };
    let first = 0;
    regions.forEach((region, i) => {
      const chosen = isChosen(index, i, regions.length);
      if (!isDivided) {
        code.if(chosen, () => region.write(code, pointers));
        return;
      }
      const end = first + chunksOf({ rounds: 1, parts: region.parts });
      const own = i32.and(i32.geU(chunk, i32.const(first)), i32.ltU(chunk, i32.const(end)));
      code.if(i32.and(own, chosen), () => {
        code.set(chunk, i32.sub(chunk, i32.const(first)));
        region.writeChunk(code, pointers, chunk);
      });
      first = end;
    });
  });
  return {
    stages: [stage],
    workspaces,
    operations: Math.max(...regions.map((region) => region.operations)),
    bytes: Math.max(...regions.map((region) => region.bytes)),
    inside: regions.flatMap(within),
    // Operands follow the index, and each branch must leave the memory in the expected state.
    inPlace: heirs.flatMap((heir, i) =>
      heir !== null && regions.every((region) => region.takesOver(i))
        ? [[1 + heir, inputs.length + i] as const]
        : []
    ),
  };
}

/** Whether an index, clamped to the valid range, selects branch `i` of `count`. */
function isChosen(index: Pointer, i: number, count: number): Pointer {
  if (count === 1) return i32.const(1);
  if (i === 0) return i32.leS(index, i32.const(0));
  if (i === count - 1) return i32.geS(index, i32.const(i));
  return i32.eq(index, i32.const(i));
}
