/**
 * Programs over a batch in which only some examples participate: those that selected a branch, or those
 * for which a loop continues. The others must have no effect: neither an error or an endless loop nor a
 * NaN in a derivative.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { insertAt, removeAt } from "../base/shape.ts";
import { inlinePlainCalls } from "../passes/inline_calls.ts";
import { asControl, withPrograms } from "../passes/control.ts";
import { bindsAxis, mentionsAxis } from "../core/axes.ts";
import { isInspecting } from "../core/origin.ts";
import type { BatchAxis, Batched, Primitive } from "../core/primitive.ts";
import { evaluateProgram, hasEffects, Program, programsIn, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { axisIndexPrimitive } from "../primitives/collective.ts";
import { broadcastAxis, iota, moveAxis } from "../primitives/structure.ts";
import { canonical } from "./canonical.ts";
import { changesOf, partProgram } from "./few_places.ts";
import { batchProgram, keyOfFlags, memoize, record } from "./programs.ts";
import { scanPrimitive } from "./scan_primitive.ts";

/** A program over a batch in which only some examples participate. */
export interface ConfinedProgram {
  /**
   * From the flags of the participating examples (`bool[size]`) and the arguments to the results. The
   * results for other examples are undefined.
   */
  readonly program: Program;
  /** Whether it may run if no example participates. */
  readonly isTotal: boolean;
  /**
   * For each result the number of the argument of which it is a version with changes to few elements;
   * for examples that do not participate it is that argument, unchanged. `null` for all other results.
   */
  readonly changes: readonly (number | null)[];
}

const confinedPrograms = memoize<ConfinedProgram>();

/**
 * The program over a batch for the participating examples. Results for which `isForced` holds are
 * mapped along axis 0, the others along any axis.
 *
 * The derivatives of examples that do not participate are cut off where arguments are read, by
 * selection: in reverse mode their cotangents are zeros there even if a zero was multiplied by an
 * infinity within the program (as in JAX; see its issues 1052 and 5658). If the program might fail, run
 * forever, or mix the derivatives of examples, these examples also read the arguments of one that
 * participates. An argument of which few elements are read or changed is not read as a whole: see
 * `few_places.ts`. `mayChange` names the argument of which a result may be a version with changes to
 * few elements.
 *
 * A program with a collective over the examples' axis computes with all of them, unchanged.
 */
export function confineProgram(
  given: Program,
  axes: readonly BatchAxis[],
  size: number,
  axisName: string | undefined,
  isForced: readonly boolean[],
  mayChange: readonly (number | null)[],
): ConfinedProgram {
  const name = JSON.stringify(axisName);
  const key = `${axes.map(String)}/${size}/${keyOfFlags(isForced)}/${
    mayChange.map(String)
  }/${name}`;
  return confinedPrograms(given, key, () => {
    const program = inlinePlainCalls(given);
    if (axisName !== undefined && collectsOver(program, axisName)) {
      const { program: inner } = batchProgram(program, axes, size, axisName, isForced);
      const flags = { dtype: "bool", shape: [size] } as const;
      const types = inner.binders.map(({ type }) => type);
      const all = record([flags, ...types], ([_takes, ...args]) => evaluateProgram(inner, args));
      const changes = program.results.map(() => null);
      return { program: all, isTotal: isTotalProgram(program), changes };
    }
    const isOwn = ownScalars(program, axes);
    const isTotal = isTotalProgram(program) && !sharesFloats(program, axes, isOwn);
    const innerAxes = axes.map((axis, i) => isOwn[i] ? 0 : axis);
    const changes = changesOf(program, mayChange);
    const parting = partProgram(program, changes, isTotal);
    const inner = batchProgram(parting, [0, ...innerAxes], size, axisName, isForced).program;
    const types = program.binders.map(({ type: { dtype, shape } }, i) => {
      const axis = axes[i];
      return { dtype, shape: axis === null ? shape : insertAt(shape, axis, size) };
    });
    const flags = { dtype: "bool", shape: [size] } as const;
    const confined = record([flags, ...types], ([takes, ...args]) =>
      evaluateProgram(inner, [
        takes,
        ...args.map((arg, i) => isOwn[i] ? broadcastAxis(arg, 0, size) : arg),
      ]));
    return { program: confined, isTotal, changes };
  });
}

/** Whether a program combines values along the axis `id`: a collective other than `axisIndex`. */
function collectsOver({ equations }: Program, id: string): boolean {
  return equations.some(({ primitive, params }) =>
    (primitive.axisOf?.(params).axisName === id && primitive !== axisIndexPrimitive as Primitive) ||
    (!bindsAxis(primitive, params, id) &&
      programsIn(params).some((inner) => collectsOver(inner, id)))
  );
}

/** Whether all operations of a program return a result for all operands. */
function isTotalProgram({ equations }: Program): boolean {
  return equations.every(({ primitive, params }) =>
    primitive.isTotal === true && programsIn(params).every(isTotalProgram)
  );
}

/**
 * The atoms read by equations whose results are the same for all examples, and those read by the other
 * equations.
 */
function readsOf(
  { binders, equations }: Program,
  axes: readonly BatchAxis[],
): { readonly shared: ReadonlySet<Atom>; readonly own: ReadonlySet<Atom> } {
  const mapped = new Set<Atom>(binders.filter((_, i) => axes[i] !== null));
  const [shared, own] = [new Set<Atom>(), new Set<Atom>()];
  for (const { inputs, outputs } of equations) {
    const isMapped = inputs.some((atom) => mapped.has(atom));
    inputs.forEach((atom) => (isMapped ? own : shared).add(atom));
    if (isMapped) outputs.forEach((variable) => mapped.add(variable));
  }
  return { shared, own };
}

/**
 * Scalars that are shared by all examples and only combined with values that differ between them: each
 * example gets its own copy, so that its derivative can be cut off before the sum over all of them.
 */
function ownScalars(program: Program, axes: readonly BatchAxis[]): readonly boolean[] {
  const { shared, own } = readsOf(program, axes);
  return program.binders.map((binder, i) =>
    axes[i] === null && isFloat(binder.type.dtype) && binder.type.shape.length === 0 &&
    own.has(binder) && !shared.has(binder)
  );
}

/** Whether the derivative with respect to a value that examples share is a sum over all of them. */
function sharesFloats(
  program: Program,
  axes: readonly BatchAxis[],
  isOwn: readonly boolean[],
): boolean {
  const { shared, own } = readsOf(program, axes);
  return program.binders.some((binder, i) =>
    axes[i] === null && !isOwn[i] && isFloat(binder.type.dtype) &&
    (shared.has(binder) || own.has(binder))
  );
}

/** The equation with one more argument before the constants of its programs, or `null`. */
function withNumber(equation: Equation, number: Variable, id: string): Equation | null {
  const control = asControl(equation);
  const { primitive: { name }, inputs } = equation;
  const programs = new Map<Program, Program | null>();
  const { params } = withPrograms(equation, (program) => {
    const changed = numbered(program, id);
    programs.set(program, changed);
    return changed ?? program;
  });
  if ([...programs.values()].includes(null)) return null;
  switch (control?.kind) {
    case "scan":
      return {
        ...equation,
        inputs: [number, ...inputs],
        params: { ...params as object, consts: control.params.consts + 1 },
      };
    case "while": {
      const { conditionConsts, bodyConsts } = control.params;
      const own = inputs.slice(0, conditionConsts);
      return {
        ...equation,
        inputs: [number, ...own, number, ...inputs.slice(conditionConsts)],
        params: {
          ...params as object,
          conditionConsts: conditionConsts + 1,
          bodyConsts: bodyConsts + 1,
        },
      };
    }
    case "switch":
      return { ...equation, inputs: [inputs[0], number, ...inputs.slice(1)], params };
  }
  const isCall = name === "call" || name === "checkpoint";
  return isCall ? { ...equation, inputs: [number, ...inputs], params } : null;
}

/**
 * The program with one more argument at the front: the example's number along the axis `id`, for
 * operations that read it. `null` if another operation needs the axis.
 */
function numbered({ binders, equations, results }: Program, id: string): Program | null {
  const number = new Variable({ dtype: "int32", shape: [] });
  const names = new Map<Atom, Atom>();
  const read = (atom: Atom): Atom => names.get(atom) ?? atom;
  const changed: Equation[] = [];
  for (const equation of equations) {
    const { primitive, params, outputs } = equation;
    const current = { ...equation, inputs: equation.inputs.map(read) };
    if (primitive.axisOf?.(params).axisName === id) {
      if (primitive !== axisIndexPrimitive as Primitive) return null;
      names.set(outputs[0], number);
    } else if (programsIn(params).length > 0) {
      const inner = withNumber(current, number, id);
      if (inner === null) return null;
      changed.push(inner);
    } else changed.push(current);
  }
  return new Program([number, ...binders], changed, results.map(read));
}

/**
 * Applies an operation to one example after the other if they must not be processed together: if its
 * programs have side effects, these happen for each example separately; and while results are
 * inspected, only the computations of participating examples are run. Returns `null` if they can be
 * processed together.
 */
export function oneByOne<P>(
  primitive: Primitive<P>,
  args: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  params: P,
  axisName: string | undefined,
): readonly Batched[] | null {
  if (!isInspecting() && !programsIn(params).some(hasEffects)) return null;
  const inputs = args.map(({ dtype, shape }, i) => {
    const axis = axes[i];
    return new Variable({ dtype, shape: axis === null ? shape : removeAt(shape, axis) });
  });
  const types = inputs.map(({ type }) => type);
  const outputs = primitive.type(types, params).map((type) => new Variable(type));
  const equation: Equation = { primitive: primitive as Primitive, inputs, params, outputs };
  const isShared = (_: unknown, i: number) => axes[i] === null;
  const isMapped = (_: unknown, i: number) => axes[i] !== null;
  const consts = args.filter(isShared);
  const xs = args.flatMap((arg, i) => axes[i] === null ? [] : [moveAxis(arg, axes[i], 0)]);
  let body = new Program(
    [...inputs.filter(isShared), ...inputs.filter(isMapped)],
    [equation],
    outputs,
  );
  if (axisName !== undefined && mentionsAxis(primitive, params, axisName)) {
    const own = numbered(body, axisName);
    if (own === null) return null;
    const [number, ...others] = own.binders;
    body = new Program([...others, number], own.equations, own.results);
    xs.push(iota(size));
  }
  const results = bind(scanPrimitive, [...consts, ...xs], {
    body: canonical(body),
    length: size,
    reverse: false,
    consts: consts.length,
    carry: 0,
  });
  return results.map((result) => [result, 0]);
}
