/**
 * The kernel of a loop that goes on while a condition holds, on one thread.
 *
 * @module
 */
import { typeOf } from "../core/program.ts";
import { advance } from "../kernels/addresses.ts";
import type { Builder } from "../kernels/kernel.ts";
import { i32, select } from "../wasm/operations.ts";
import type { ControlEquation } from "./control.ts";
import {
  carriedInPlace,
  divideOperands,
  isShared,
  type LoopKernel,
  type LoopOptions,
  loopStage,
  planSpares,
  within,
} from "./loop_kernel.ts";
import { copyValue, type Pointers, Region } from "./region.ts";

/** The kernel of a loop; `null` if part of it must be left to the evaluator. */
export function emitWhile(
  builder: Builder,
  { params, inputs, outputs }: ControlEquation & { readonly kind: "while" },
  { scheduleInner, sharedFrom }: LoopOptions,
): LoopKernel | null {
  const { conditionConsts, bodyConsts } = params;
  const condition = Region.make(params.condition, scheduleInner);
  const body = Region.make(params.body, scheduleInner, (i) => bodyConsts + i);
  if (condition === null || body === null) return null;
  // How many rounds there will be is not known, so threads cannot number their chunks.
  if (isShared(condition, sharedFrom) || isShared(body, sharedFrom)) return null;
  const types = params.body.results.map(typeOf);
  const flag = Math.max(condition.workspace, body.workspace);
  const { spares, end } = planSpares(types, (i) => !body.takesOver(i), flag + 64);
  const operands = inputs.length + outputs.length + 1;
  const first = conditionConsts + bodyConsts;
  const stage = loopStage(builder, "while", operands, { chunks: 1 }, (code, all) => {
    const places = divideOperands(all, inputs.length, outputs.length);
    const { workspace } = places;
    const current = outputs.map((_, i) => code.let(places.inputs[first + i]));
    const next = spares.map(({ offset }, i) =>
      code.let(offset === null ? places.outputs[i] : advance(workspace, offset))
    );
    const goes = code.let(advance(workspace, flag));
    const spare = code.local("i32");
    const round = code.local("i32");
    const asked: Pointers = {
      argument: (i) => i < conditionConsts ? places.inputs[i] : current[i - conditionConsts],
      result: () => goes,
      workspace,
    };
    const done: Pointers = {
      argument: (i) =>
        i < bodyConsts ? places.inputs[conditionConsts + i] : current[i - bodyConsts],
      result: (i) => next[i],
      workspace,
    };
    code.block((exit) => {
      code.loop((again) => {
        condition.write(code, asked);
        code.branchIf(exit, i32.eqz(i32.load8U(goes)));
        body.write(code, done);
        spares.forEach(({ offset }, i) => {
          if (offset === null) return code.set(current[i], next[i]);
          code.set(spare, select(round, current[i], places.outputs[i]));
          code.set(current[i], next[i]);
          code.set(next[i], spare);
        });
        code.set(round, i32.const(1));
        code.branch(again);
      });
    });
    types.forEach((type, i) => {
      code.if(i32.ne(current[i], places.outputs[i]), () => {
        copyValue(builder, code, type, places.outputs[i], current[i]);
      });
    });
  });
  return {
    stages: [stage],
    workspaces: [end],
    operations: condition.operations + body.operations,
    bytes: condition.bytes + body.bytes,
    inside: [...within(condition), ...within(body)],
    inPlace: carriedInPlace(body, first, inputs.length, outputs.length),
  };
}
