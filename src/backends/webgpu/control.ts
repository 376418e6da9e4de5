/**
 * Loops and switches as commands: all of them run on the device. A carried value is updated in place if the
 * body only changes some of its elements. All other carried values have two alternating buffers.
 *
 * @module
 */
import { sizeOf } from "../../base/shape.ts";
import { type Atom, type Equation, type Program, typeOf } from "../../core/program.ts";
import { Concrete } from "../../core/tensor.ts";
import type { KernelTask } from "../../lowering/tasks.ts";
import type { ControlEquation } from "../../passes/control.ts";
import { ancestorOf, heirsOf } from "../../passes/heirs.ts";
import type { View } from "./commands.ts";
import type { Frame, Goal, Guard, PlanControl, Planner } from "./planner.ts";
import { word } from "./wgsl/gates.ts";
import { wordBytes } from "./wgsl/module.ts";

type Of<Kind extends ControlEquation["kind"]> = ControlEquation & { readonly kind: Kind };

/** Plans an equation that contains programs. */
export const planControl: PlanControl = (planner, frame, equation, task, number) => {
  switch (equation.kind) {
    case "scan":
      return planScan(planner, frame, equation, task, number);
    case "while":
      return planWhile(planner, frame, equation, task, number);
    case "switch":
      return planSwitch(planner, frame, equation, task, number);
  }
};

/** A carried value: the location that a round reads, and the location for the next value. */
interface Carried {
  readonly current: View;
  readonly next: Goal;
}

/** Whether a round only changes some elements of carried value `k`, whose binder has number `first + k`. */
function changesPlaces(body: Program, first: number, k: number): boolean {
  return ancestorOf(body, body.results[k]) === first + k;
}

/** Assigns a location to a carried result: that of the initial value if it may be overwritten and is free. */
function placeCarried(
  frame: Frame,
  { inputs, outputs }: KernelTask,
  number: number,
  initial: number,
  k: number,
  isChanged: boolean,
): View {
  const isFreed = isChanged && frame.isFreed(inputs[initial], number, inputs);
  return frame.place(outputs[k], number, isFreed ? inputs[initial] : null);
}

function planScan(
  planner: Planner,
  frame: Frame,
  { params }: Of<"scan">,
  task: KernelTask,
  number: number,
): void {
  const { body, length, reverse, consts, carry } = params;
  const given = task.inputs.map((buffer) => frame.viewOf(buffer));
  const isChanged = body.results.map((_, k) => k < carry && changesPlaces(body, consts, k));
  const results = body.results.map((_, k) =>
    placeCarried(frame, task, number, consts + k, k, isChanged[k])
  );
  const words = (k: number): number => sizeOf(typeOf(body.results[k]).shape);
  for (let k = 0; k < carry; k++) {
    if ((isChanged[k] || length === 0) && results[k] !== given[consts + k]) {
      planner.copy(given[consts + k], results[k], words(k));
    }
  }
  if (length === 0) return;
  const spares = results.map((view, k) =>
    k >= carry || isChanged[k] || length === 1 ? view : planner.newMemory(wordBytes(words(k)))
  );
  planner.loop(`scan of ${length}`, length, null, (loop) => {
    const elementOf = (of: View, step: number): View => ({
      kind: "element",
      of,
      loop,
      first: reverse ? (length - 1) * step : 0,
      step: reverse ? -step : step,
    });
    const carried = results.slice(0, carry).map((view, k): Carried => {
      if (isChanged[k]) return { current: view, next: { view, heir: consts + k } };
      // The last round writes to the result's own location.
      const turns = length % 2 === 1 ? [view, spares[k]] as const : [spares[k], view] as const;
      return {
        current: { kind: "turn", loop, turns, ahead: 1, start: given[consts + k] },
        next: { view: { kind: "turn", loop, turns, ahead: 0, start: null }, heir: null },
      };
    });
    const binders = given.map((view, i) =>
      i < consts
        ? view
        : i < consts + carry
        ? carried[i - consts].current
        : elementOf(view, sizeOf(body.binders[i].type.shape))
    );
    const goals = results.map((view, k): Goal =>
      k < carry ? carried[k].next : { view: elementOf(view, words(k)), heir: null }
    );
    planner.inner(body, binders, goals);
  });
}

/** Whether an outer guard is open, with the operand that must be bound to test it, as operand `operand`. */
function askOuter(
  outer: Guard | null,
  operand: number,
): { readonly views: readonly View[]; readonly condition: string } {
  if (outer === null) return { views: [], condition: "true" };
  return { views: [outer.state], condition: `${word(operand, outer.index)} != 0u` };
}

/**
 * The maximum number of rounds of a loop whose condition holds only while a carried counter, which starts
 * with a constant, is less than another constant: loops with `maxSteps` have this form. `Infinity` for
 * others.
 */
function boundOf({ params, inputs }: Of<"while">): number {
  const { condition, body, conditionConsts, bodyConsts } = params;
  const numberOf = (atom: Atom | undefined): number | null =>
    atom instanceof Concrete && atom.held === 1 ? atom.elements[0] : null;
  const producerOf = ({ equations }: Program, atom: Atom): Equation | undefined =>
    equations.find(({ outputs }) => outputs.some((output) => output === atom));
  const boundBy = (atom: Atom): number => {
    const { primitive, inputs: [a, b] } = producerOf(condition, atom) ??
      { primitive: null, inputs: [] };
    if (primitive?.name === "and") return Math.min(boundBy(a), boundBy(b));
    const k = condition.binders.findIndex((binder) => binder === a) - conditionConsts;
    const [start, end] = [numberOf(inputs[conditionConsts + bodyConsts + k]), numberOf(b)];
    if (primitive?.name !== "less" || k < 0 || start === null || end === null) return Infinity;
    const next = producerOf(body, body.results[k]);
    const counts = next?.primitive.name === "add" &&
      next.inputs[0] === body.binders[bodyConsts + k] &&
      numberOf(next.inputs[1]) === 1;
    return counts ? Math.max(0, Math.ceil(end - start)) : Infinity;
  };
  return boundBy(condition.results[0]);
}

function planWhile(
  planner: Planner,
  frame: Frame,
  equation: Of<"while">,
  task: KernelTask,
  number: number,
): void {
  const { condition, body, conditionConsts, bodyConsts } = equation.params;
  const given = task.inputs.map((buffer) => frame.viewOf(buffer));
  const first = conditionConsts + bodyConsts;
  const isChanged = body.results.map((_, k) => changesPlaces(body, bodyConsts, k));
  const words = body.results.map((result) => sizeOf(typeOf(result).shape));
  const results = body.results.map((_, k) =>
    placeCarried(frame, task, number, first + k, k, isChanged[k])
  );
  results.forEach((view, k) => {
    if (view !== given[first + k]) planner.copy(given[first + k], view, words[k]);
  });
  const spares = results.map((view, k) =>
    isChanged[k] ? view : planner.newMemory(wordBytes(words[k]))
  );
  // Whether to continue, and the number of rounds so far.
  const state = planner.newMemory(8);
  const goes = planner.newMemory(4);
  const guard = { state, index: 0 };
  const outer = askOuter(planner.guard, 2);
  const begin = planner.reserveGate([state, ...outer.views]);
  const turning = results.map((view, k) => ({ view, spare: spares[k], words: words[k] }))
    .filter((_, k) => !isChanged[k]);
  planner.loop("while", boundOf(equation), state, (loop) => {
    const carried = results.map((view, k): Carried => {
      if (isChanged[k]) return { current: view, next: { view, heir: bodyConsts + k } };
      const turns = [view, spares[k]] as const;
      return {
        current: { kind: "turn", loop, turns, ahead: 0, start: null },
        next: { view: { kind: "turn", loop, turns, ahead: 1, start: null }, heir: null },
      };
    });
    const current = carried.map(({ current }) => current);
    let decide: ReturnType<Planner["reserveGate"]>;
    const entries = planner.entriesOf(() => {
      planner.within(guard, () => {
        const own = given.slice(0, conditionConsts);
        planner.inner(condition, [...own, ...current], [{ view: goes, heir: null }]);
      });
      decide = planner.reserveGate([state, goes]);
      planner.within(guard, () => {
        const consts = given.slice(conditionConsts, first);
        planner.inner(body, [...consts, ...current], carried.map(({ next }) => next));
      });
    });
    decide!({
      conditions: [`${word(1, 0)} != 0u && ${word(2, 0)} != 0u`],
      after: `${word(1, 0)} = select(0u, 1u, on0); ${word(1, 1)} += select(0u, 1u, on0);`,
      entries,
    });
    begin({
      conditions: [outer.condition],
      after: `${word(1, 0)} = select(0u, 1u, on0); ${word(1, 1)} = 0u;`,
      entries,
    });
  });
  if (turning.length === 0) return;
  // After an odd number of rounds, values are in their second location.
  const end = planner.reserveGate([state]);
  const entries = planner.entriesOf(() => {
    planner.within(guard, () => {
      for (const { view, spare, words } of turning) planner.copy(spare, view, words);
    });
  });
  end({ conditions: [`(${word(1, 1)} & 1u) != 0u`], entries });
}

function planSwitch(
  planner: Planner,
  frame: Frame,
  { params: { branches } }: Of<"switch">,
  task: KernelTask,
  number: number,
): void {
  const [index, ...operands] = task.inputs;
  const given = operands.map((buffer) => frame.viewOf(buffer));
  const heirs = heirsOf(branches);
  const goals = task.outputs.map((output, k): Goal => {
    const heir = heirs[k];
    const isFreed = heir !== null && frame.isFreed(operands[heir], number, task.inputs);
    const view = frame.place(output, number, isFreed ? operands[heir] : null);
    return { view, heir: heir !== null && view === given[heir] ? heir : null };
  });
  const count = branches.length;
  const state = planner.newMemory(4 * count);
  const outer = askOuter(planner.guard, 3);
  const choose = planner.reserveGate([state, frame.viewOf(index), ...outer.views]);
  planner.branches(`switch of ${count}`, () => {
    const entries = planner.entriesOf(() => {
      branches.forEach((branch, i) => {
        planner.within({ state, index: i }, () => planner.inner(branch, given, goals));
      });
    });
    choose({
      before: `let chosen = clamp(bitcast<i32>(${word(2, 0)}), 0, ${count - 1});`,
      conditions: branches.map((_, i) => `${outer.condition} && chosen == ${i}`),
      after: branches.map((_, i) => `${word(1, i)} = select(0u, 1u, on${i});`).join(" "),
      entries,
    });
  });
}
