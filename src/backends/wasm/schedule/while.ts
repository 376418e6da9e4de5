/**
 * The kernel of a loop that continues while a condition holds.
 *
 * @module
 */
import { typeOf } from "../../../core/program.ts";
import { advance, type Pointer, times } from "../kernels/addresses.ts";
import { type Builder, chunksOf } from "../kernels/kernel.ts";
import type { Code } from "../assembler/code.ts";
import type { Local } from "../assembler/expression.ts";
import { i32, select } from "../assembler/operations.ts";
import type { ControlEquation, WhileParams } from "../../../passes/control.ts";
import {
  carriedInPlace,
  divideOperands,
  isShared,
  type LoopKernel,
  type LoopOperands,
  type LoopOptions,
  loopStage,
  type Operands,
  planSpares,
  type Spare,
  within,
} from "./loop.ts";
import { copyValue, type Pointers, Region } from "./region.ts";

/** The kernel of a loop; `null` if part of it must be left to the evaluator. */
export function emitWhile(
  builder: Builder,
  { params, inputs, outputs }: ControlEquation & { readonly kind: "while" },
  { scheduleInner, sharedFrom, isInner }: LoopOptions,
): LoopKernel | null {
  const { conditionConsts, bodyConsts } = params;
  const condition = Region.make(builder, params.condition, scheduleInner);
  const body = Region.make(builder, params.body, scheduleInner, (i) => bodyConsts + i);
  if (condition === null || body === null) return null;
  const isOpen = isShared(condition, sharedFrom) || isShared(body, sharedFrom);
  // Chunks of an unknown number of rounds cannot be numbered within other rounds.
  if (isOpen && isInner) return null;
  const types = params.body.results.map(typeOf);
  const flag = Math.max(condition.workspace, body.workspace);
  const { spares, end } = planSpares(types, (i) => !body.takesOver(i), flag + 64);
  const operands = inputs.length + outputs.length + 1;
  const first = conditionConsts + bodyConsts;
  const loop: Loop = { builder, params, condition, body, spares, flag };
  const placesOf = (all: Operands) => divideOperands(all, inputs.length, outputs.length);
  // Even without a step in the body, one step ends the loop.
  const done = body.parts.length > 0 ? body.parts : [1];
  const order = { asked: [...condition.parts, 1], done };
  const stage = isOpen
    ? loopStage(
      builder,
      "while",
      operands,
      { chunks: chunksOf({ rounds: 1, parts: [...order.asked, ...done] }), openOrder: order },
      (code, all, chunk, counter) => writeChunk(code, loop, placesOf(all), chunk, counter),
    )
    : loopStage(
      builder,
      "while",
      operands,
      { chunks: 1 },
      (code, all) => writeLoop(code, loop, placesOf(all)),
    );
  return {
    stages: [stage],
    workspaces: [end],
    operations: condition.operations + body.operations,
    bytes: condition.bytes + body.bytes,
    inside: [...within(condition), ...within(body)],
    inPlace: carriedInPlace(body, first, inputs.length, outputs.length),
  };
}

/** A loop and the locations of its values. */
interface Loop {
  readonly builder: Builder;
  readonly params: WhileParams;
  readonly condition: Region;
  readonly body: Region;
  readonly spares: readonly Spare[];
  /** The offset of the condition's result in the working memory. */
  readonly flag: number;
}

/** The pointers of the two programs, for the given locations of carried values. */
function pointersOf(
  { params: { conditionConsts, bodyConsts } }: Loop,
  { inputs, workspace }: LoopOperands,
  goes: Pointer,
  current: (i: number) => Pointer,
  next: (i: number) => Pointer,
): { readonly asked: Pointers; readonly done: Pointers } {
  return {
    asked: {
      argument: (i) => i < conditionConsts ? inputs[i] : current(i - conditionConsts),
      result: () => goes,
      workspace,
    },
    done: {
      argument: (i) => i < bodyConsts ? inputs[conditionConsts + i] : current(i - bodyConsts),
      result: next,
      workspace,
    },
  };
}

/** Copies the last carried values to the results, if they are elsewhere. */
function writeResults(
  code: Code,
  { builder, spares }: Loop,
  { outputs }: LoopOperands,
  current: (i: number) => Pointer,
): void {
  spares.forEach(({ type }, i) => {
    code.if(i32.ne(current(i), outputs[i]), () => {
      copyValue(builder, code, type, outputs[i], current(i));
    });
  });
}

/** Writes the whole loop on one thread. */
function writeLoop(code: Code, loop: Loop, places: LoopOperands): void {
  const { params, condition, body, spares, flag } = loop;
  const { inputs, outputs, workspace } = places;
  const first = params.conditionConsts + params.bodyConsts;
  const current = spares.map((_, i) => code.let(inputs[first + i]));
  const next = spares.map(({ offset }, i) =>
    code.let(offset === null ? outputs[i] : advance(workspace, offset))
  );
  const goes = code.let(advance(workspace, flag));
  const spare = code.local("i32");
  const round = code.local("i32");
  const { asked, done } = pointersOf(loop, places, goes, (i) => current[i], (i) => next[i]);
  code.block((exit) => {
    code.loop((again) => {
      condition.write(code, asked);
      code.branchIf(exit, i32.eqz(i32.load8U(goes)));
      body.write(code, done);
      spares.forEach(({ offset }, i) => {
        if (offset === null) return code.set(current[i], next[i]);
        code.set(spare, select(round, current[i], outputs[i]));
        code.set(current[i], next[i]);
        code.set(next[i], spare);
      });
      code.set(round, i32.const(1));
      code.branch(again);
    });
  });
  writeResults(code, loop, places, (i) => current[i]);
}

/** Writes one chunk of a loop: one of the condition, the test of its result, one of the body, or the end. */
function writeChunk(
  code: Code,
  loop: Loop,
  places: LoopOperands,
  chunk: Local<"i32">,
  counter: Local<"i32">,
): void {
  const { params, condition, body, spares, flag } = loop;
  const { inputs, outputs, workspace } = places;
  const first = params.conditionConsts + params.bodyConsts;
  const asking = chunksOf({ rounds: 1, parts: condition.parts });
  const doing = Math.max(1, chunksOf({ rounds: 1, parts: body.parts }));
  const perRound = asking + 1 + doing;
  const round = code.let(i32.divU(chunk, i32.const(perRound)));
  const inRound = code.let(i32.sub(chunk, times(round, perRound)));
  const isOdd = code.let(i32.and(round, i32.const(1)));
  // The first round writes to the second buffer, the next one to the result's own buffer.
  const written = (i: number, isOwn: Pointer): Pointer => {
    const { offset } = spares[i];
    return offset === null ? outputs[i] : select(isOwn, outputs[i], advance(workspace, offset));
  };
  const current = (i: number): Pointer =>
    select(i32.eqz(round), inputs[first + i], written(i, i32.eqz(isOdd)));
  const goes = code.let(advance(workspace, flag));
  const { asked, done } = pointersOf(loop, places, goes, current, (i) => written(i, isOdd));
  condition.writeChunk(code, asked, inRound);
  code.if(i32.eq(inRound, i32.const(asking)), () => {
    code.do(i32.store(counter, i32.add(round, i32.ne(i32.load8U(goes), i32.const(0)))));
    code.return();
  });
  code.if(i32.leU(i32.load(counter), round), () => {
    writeResults(code, loop, places, current);
    code.return();
  });
  code.set(chunk, i32.sub(inRound, i32.const(asking + 1)));
  body.writeChunk(code, done, chunk);
}
