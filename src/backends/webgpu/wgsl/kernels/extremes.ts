/**
 * The positions of extremes along an axis.
 *
 * @module
 */
import { sizeOf } from "../../../../base/shape.ts";
import type { AxisParams } from "../../../../primitives/reduction.ts";
import type { Kernel, Operand } from "../kernel.ts";
import { heldType } from "../module.ts";
import { keyFunction, type KeyOrder } from "./keys.ts";
import { at } from "./passes.ts";
import { reduceSlices } from "./slices.ts";

/** The kernel of `argmax`. */
export function emitArgmax(
  inputs: readonly Operand[],
  params: AxisParams,
  outputs: readonly Operand[],
): Kernel {
  return emitExtreme(inputs, params, outputs, "ascending");
}

/** The kernel of `argmin`. */
export function emitArgmin(
  inputs: readonly Operand[],
  params: AxisParams,
  outputs: readonly Operand[],
): Kernel {
  return emitExtreme(inputs, params, outputs, "smallest");
}

function emitExtreme(
  [x]: readonly Operand[],
  { axis }: AxisParams,
  [output]: readonly Operand[],
  order: KeyOrder,
): Kernel {
  const length = x.shape[axis];
  const behind = sizeOf(x.shape.slice(axis + 1));
  const outputs = sizeOf(output.shape);
  const operations = sizeOf(x.shape);
  if (outputs === 0) return { passes: [], scratch: [], operations };
  const source = `((o / ${behind}u) * ${length}u + p) * ${behind}u + o % ${behind}u`;
  const search = reduceSlices({
    bound: [[0, "u32"], [1, "i32"]],
    outputs,
    length,
    along: behind === 1,
    // A key and its position; the first of equal keys is chosen.
    type: "vec2<u32>",
    empty: "vec2<u32>(0u, 0xffffffffu)",
    step: `state = better(state, vec2<u32>(key_of(${at(0, source)}), p));`,
    combine: (a, b) => `better(${a}, ${b})`,
    store: `${at(1, "o")} = i32(state.y);`,
    shared: `${keyFunction(heldType(x.dtype), order)}
fn better(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));
}`,
  });
  return { passes: [search], scratch: [], operations };
}
