/**
 * Programs as lines: equations one after the other, with nested programs as loops and branches.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import { insertAt, range } from "../base/shape.ts";
import { exchangedAxes, runWithin } from "../core/axes.ts";
import { programsIn, typeOf } from "../core/program.ts";
import type { Atom, Equation, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { asControl, constantsOf, placesOf, someEquation } from "../passes/control.ts";
import type { PlacesParams, ScanParams, SwitchParams, WhileParams } from "../passes/control.ts";
import { hasIndices } from "../passes/kinds.ts";
import { optimize } from "../passes/mod.ts";
import type { Builder } from "./builder.ts";
import { anyPlace, collectiveOf } from "./collectives.ts";
import { ruleOf } from "./table.ts";
import type { Value, ValueType } from "./writer.ts";

/** Values for tensors that are not part of the text. */
export type Hoisted = ReadonlyMap<Concrete, Value>;

/** A written program: its results, and a flag that is true if it has none after all. */
export interface Written {
  readonly results: readonly Value[];
  readonly flag: Value | null;
}

/** Whether some index of a program may be out of range. */
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

/** The first operation of an equation, or of nested programs, that has no rule; `null` if all have one. */
export function lackingIn(equation: Equation, isInPlaces = false): string | null {
  const { primitive: { name }, params } = equation;
  const places = placesOf(equation);
  if (places === null && asControl(equation) === null) {
    const rule = (isInPlaces ? collectiveOf(name) : null) ?? ruleOf(name);
    return rule === null ? name : null;
  }
  for (const { equations } of programsIn(params)) {
    for (const inner of equations) {
      const lacking = lackingIn(inner, isInPlaces || places !== null);
      if (lacking !== null) return lacking;
    }
  }
  return null;
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
  const places = placesOf(equation);
  if (places !== null) return writePlaces(b, places, inputs, types, hoisted, fail);
  const { primitive: { name }, params } = equation;
  const rule = (b.places === null ? null : collectiveOf(name)) ?? ruleOf(name);
  if (rule === null) throw internalError(`${name} has no rule`);
  return rule(b, inputs, { params, types, fail });
}

/**
 * A program at every position of the mesh; without such a mesh, or at one position of another, its
 * definition.
 */
function writePlaces(
  b: Builder,
  params: PlacesParams,
  inputs: readonly Value[],
  types: readonly ValueType[],
  hoisted: Hoisted,
  fail: (flag: Value) => void,
): readonly Value[] {
  const { mesh, axes, ins, outs, local } = params;
  if (mesh !== b.mesh || b.places !== null) {
    const { results, flag } = writeProgram(b, wholeOf(params), inputs, hoisted);
    if (flag !== null && mayFail(local)) fail(flag);
    return results;
  }
  const whole = mesh.sharding([]);
  const captured = new Set(constantsOf(local));
  const constants = [...hoisted].filter(([constant]) => captured.has(constant));
  const operands = [...inputs, ...constants.map(([, value]) => value)];
  const parts = [...local.binders.map(typeOf), ...constants.map(([, value]) => value)];
  const fails = mayFail(local);
  const results = b.inPlaces(
    operands,
    [...ins, ...constants.map(() => whole)],
    fails ? [...outs, mesh.sharding([axes.map(({ name }) => name)])] : outs,
    parts,
    fails ? [...types, { dtype: "bool", shape: [mesh.size] }] : types,
    axes,
    (args) => {
      const own = args.slice(inputs.length);
      const within = new Map(constants.map(([constant], i) => [constant, own[i]]));
      const { results, flag } = runWithin(
        axes,
        () => writeProgram(b, local, args.slice(0, inputs.length), within),
      );
      return flag === null ? results : [...results, b.reshape(flag, [1])];
    },
  );
  if (!fails) return results;
  fail(b.any(results[results.length - 1]));
  return results.slice(0, -1);
}

const wholes = new WeakMap<Program, Program>();

/** The program on whole values, after all passes. */
function wholeOf({ program }: PlacesParams): Program {
  let whole = wholes.get(program);
  if (whole === undefined) wholes.set(program, whole = optimize(program));
  return whole;
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
  // Positions that exchange values continue together: finished ones are unchanged.
  const isShared = b.places !== null &&
    exchangedAxes([condition, body]).some(({ axisName }) =>
      b.places!.some(({ id }) => id === axisName)
    );
  if (!isTested && !mayFail(body) && !isShared) {
    return b.while(
      initial,
      (values) => test(values).results[0],
      (values) => writeProgram(b, body, [...known, ...values], hoisted).results,
    );
  }
  // The condition is carried with its flag: the region that tests whether to continue has no other result.
  const first = test(initial);
  const flag = first.flag ?? b.scalar(0, "bool");
  const goesOn = (own: Value, flag: Value) => {
    const goes = b.and(own, b.not(flag));
    return isShared ? anyPlace(b, goes) : goes;
  };
  const count = initial.length;
  const results = b.while(
    [...initial, first.results[0], flag, goesOn(first.results[0], flag)],
    (values) => values[count + 2],
    (values) => {
      const carried = values.slice(0, count);
      const [own, failed] = values.slice(count);
      const step = writeProgram(b, body, [...known, ...carried], hoisted);
      const kept = isShared
        ? step.results.map((value, i) =>
          b.select(b.spread(own, value.shape, range(value.shape.length)), value, carried[i])
        )
        : step.results;
      const next = test(kept);
      const flags = [...withFlag(step.flag), ...withFlag(next.flag)];
      const flag = flags.reduce((all, one) => b.or(all, one), failed);
      return [...kept, next.results[0], flag, goesOn(next.results[0], flag)];
    },
  );
  if (isTested || mayFail(body)) fail(results[count + 1]);
  return results.slice(0, count);
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
