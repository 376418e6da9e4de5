/**
 * A pass that removes arithmetic on dtypes that are narrower than 32 bits: such values are only moved
 * and converted, and computations on them use their wide dtype.
 *
 * @module
 */
import { wideDtype } from "../base/dtype.ts";
import { computesNarrow, hasNarrow } from "../core/evaluation.ts";
import { RecordingTrace, typeOf } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { bind, runUnder } from "../core/trace.ts";
import { convert } from "../primitives/structure.ts";
import { inline } from "./inline_calls.ts";

/** Which operands of operations that only move elements are indices of any integer dtype. */
const INDEX_INPUTS: Readonly<Record<string, number>> = { gather: 1, scatterSet: 2 };

/**
 * Replaces operations on narrow dtypes by those on wide ones, between conversions. The results are
 * bitwise equal to those of the evaluator, which does the same (`src/core/evaluation.ts`).
 */
export function widen(program: Program): Program {
  return inline(program, ({ primitive, inputs, params, outputs }) => {
    const types = inputs.map(typeOf);
    const isNarrow = hasNarrow(types) || hasNarrow(outputs.map(typeOf));
    if (!isNarrow || computesNarrow(primitive)) return null;
    const isMoved = primitive.narrow === "moved";
    // Kernels read indices of 32 bits.
    const index = isMoved ? INDEX_INPUTS[primitive.name] ?? -1 : -1;
    if (isMoved && (index < 0 || !hasNarrow([types[index]]))) return null;
    const stays = (i: number): boolean => isMoved && i !== index;
    const trace = new RecordingTrace("jit", null);
    const args = types.map((type) => trace.newBinder(type));
    const results = runUnder(trace, () => {
      const wide = args.map((arg, i) => stays(i) ? arg : convert(arg, wideDtype(arg.dtype)));
      return bind(primitive, wide, params).map((result, i) =>
        convert(result, outputs[i].type.dtype)
      );
    });
    return { program: trace.finish(results), args: inputs };
  });
}
