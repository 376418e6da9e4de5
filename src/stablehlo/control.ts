/**
 * Programs as lines: equations one after the other, and those that hold programs as loops and branches.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import { insertAt } from "../base/shape.ts";
import { typeOf } from "../core/program.ts";
import type { Atom, Equation, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { asControl, someEquation } from "../passes/control.ts";
import type { ScanParams, SwitchParams, WhileParams } from "../passes/control.ts";
import { hasIndices } from "../passes/kinds.ts";
import type { Builder } from "./builder.ts";
import { ruleOf } from "./table.ts";
import type { Value, ValueType } from "./writer.ts";

/** Values for tensors that are not part of the text. */
export type Hoisted = ReadonlyMap<Concrete, Value>;

/** What a program has become: its results, and whether it has none after all. */
export interface Written {
  readonly results: readonly Value[];
  readonly flag: Value | null;
}

/** Whether some index of a program may lie outside of its axis. */
export function mayFail(program: Program): boolean {
  return someEquation(program, ({ primitive }) => hasIndices(primitive.name));
}

/** Writes the equations of a program. */
export function writeProgram(
  b: Builder,
  program: Program,
  args: readonly Value[],
  hoisted: Hoisted,
): Written {
  const values = new Map<Atom, Value>();
  program.binders.forEach((variable, i) => values.set(variable, args[i]));
  const read = (atom: Atom): Value => {
    const known = values.get(atom);
    if (known !== undefined) return known;
    if (!(atom instanceof Concrete)) throw internalError("A variable is read before it is bound");
    return hoisted.get(atom) ?? b.constant(atom.elements, atom);
  };
  let flag: Value | null = null;
  const fail = (one: Value) => flag = flag === null ? one : b.or(flag, one);
  for (const equation of program.equations) {
    const inputs = equation.inputs.map(read);
    const outputs = writeEquation(b, equation, inputs, hoisted, fail);
    equation.outputs.forEach((variable, i) => values.set(variable, outputs[i]));
  }
  const results = program.results.map(read);
  return { results, flag: flag ?? (mayFail(program) ? b.scalar(0, "bool") : null) };
}

function writeEquation(
  b: Builder,
  equation: Equation,
  inputs: readonly Value[],
  hoisted: Hoisted,
  fail: (flag: Value) => void,
): readonly Value[] {
  const control = asControl(equation);
  const types = equation.outputs.map(typeOf);
  switch (control?.kind) {
    case "scan":
      return writeScan(b, control.params, inputs, types, hoisted, fail);
    case "while":
      return writeWhile(b, control.params, inputs, hoisted, fail);
    case "switch":
      return writeSwitch(b, control.params, inputs, types, hoisted, fail);
  }
  const { primitive: { name }, params } = equation;
  const rule = ruleOf(name);
  if (rule === null) throw internalError(`${name} has no rule`);
  return rule(b, inputs, { params, types, fail });
}

/** A flag among the values of a loop, if there is one. */
function withFlag(flag: Value | null): readonly Value[] {
  return flag === null ? [] : [flag];
}

function writeScan(
  b: Builder,
  { body, length, reverse, consts, carry }: ScanParams,
  inputs: readonly Value[],
  types: readonly ValueType[],
  hoisted: Hoisted,
  fail: (flag: Value) => void,
): readonly Value[] {
  const known = inputs.slice(0, consts);
  const carried = inputs.slice(consts, consts + carry);
  const sequences = inputs.slice(consts + carry);
  const outputs = types.slice(carry).map((type) => b.splat(0, type));
  if (length === 0) return [...carried, ...outputs];
  const fails = mayFail(body);
  const start = fails ? [b.scalar(0, "bool")] : [];
  const results = b.repeat(length, [...carried, ...outputs, ...start], (i, values) => {
    const at = reverse ? b.sub(b.scalar(length - 1, "int32"), i) : i;
    const zero = b.scalar(0, "int32");
    const starts = (x: ValueType) => insertAt(x.shape.slice(1).map(() => zero), 0, at);
    const elements = sequences.map((xs) => {
      const shape = xs.shape.slice(1);
      return b.reshape(b.dynamicSlice(xs, starts(xs), [1, ...shape]), shape);
    });
    const { results, flag } = writeProgram(
      b,
      body,
      [...known, ...values.slice(0, carry), ...elements],
      hoisted,
    );
    const written = results.slice(carry).map((y, k) => {
      const whole = values[carry + k];
      return b.updateSlice(whole, b.reshape(y, [1, ...y.shape]), starts(whole));
    });
    const next = flag === null ? null : b.or(values[values.length - 1], flag);
    return [...results.slice(0, carry), ...written, ...withFlag(next)];
  });
  if (!fails) return results;
  fail(results[results.length - 1]);
  return results.slice(0, -1);
}

function writeWhile(
  b: Builder,
  { condition, body, conditionConsts, bodyConsts }: WhileParams,
  inputs: readonly Value[],
  hoisted: Hoisted,
  fail: (flag: Value) => void,
): readonly Value[] {
  const own = inputs.slice(0, conditionConsts);
  const known = inputs.slice(conditionConsts, conditionConsts + bodyConsts);
  const initial = inputs.slice(conditionConsts + bodyConsts);
  const test = (values: readonly Value[]) =>
    writeProgram(b, condition, [...own, ...values], hoisted);
  const isTested = mayFail(condition);
  if (!isTested && !mayFail(body)) {
    return b.while(
      initial,
      (values) => test(values).results[0],
      (values) => writeProgram(b, body, [...known, ...values], hoisted).results,
    );
  }
  // The condition is carried with its flag: the region that asks whether to go on has no other result.
  const first = test(initial);
  const flag = first.flag ?? b.scalar(0, "bool");
  const results = b.while(
    [...initial, first.results[0], flag],
    (values) => b.and(values[values.length - 2], b.not(values[values.length - 1])),
    (values) => {
      const carried = values.slice(0, -2);
      const step = writeProgram(b, body, [...known, ...carried], hoisted);
      const next = test(step.results);
      const flags = [...withFlag(step.flag), ...withFlag(next.flag)];
      return [
        ...step.results,
        next.results[0],
        flags.reduce((all, one) => b.or(all, one), values[values.length - 1]),
      ];
    },
  );
  fail(results[results.length - 1]);
  return results.slice(0, -2);
}

function writeSwitch(
  b: Builder,
  { branches }: SwitchParams,
  [index, ...args]: readonly Value[],
  types: readonly ValueType[],
  hoisted: Hoisted,
  fail: (flag: Value) => void,
): readonly Value[] {
  const fails = branches.some(mayFail);
  const clamped = b.max(b.min(index, branches.length - 1), 0);
  const flagType: ValueType = { dtype: "bool", shape: [] };
  const results = b.generic(
    "stablehlo.case",
    [clamped],
    "",
    fails ? [...types, flagType] : types,
    branches.map((branch) => ({
      types: [],
      write: () => {
        const { results, flag } = writeProgram(b, branch, args, hoisted);
        return fails ? [...results, flag ?? b.scalar(0, "bool")] : results;
      },
    })),
  );
  if (!fails) return results;
  fail(results[results.length - 1]);
  return results.slice(0, -1);
}
