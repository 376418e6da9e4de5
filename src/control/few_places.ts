/**
 * Programs in which an example may not participate, and arguments of which they read or change few
 * elements. Only the elements that are read are confined to participating examples, and for the others
 * a change writes back the old elements. No operation processes the whole argument.
 *
 * @module
 */
import { asControl, type ControlEquation } from "../passes/control.ts";
import { inlinePlainCalls } from "../passes/inline_calls.ts";
import { isUpdate } from "../passes/kinds.ts";
import { isFloat } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import { range } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { type Atom, type Equation, type Program, typeOf, type Variable } from "../core/program.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, bindOne } from "../core/trace.ts";
import { select } from "../primitives/comparison.ts";
import { type BlockStart, dynamicSlice } from "../primitives/dynamic_slicing.ts";
import { areFew, gather, type GatherParams } from "../primitives/indexing.ts";
import { argmax } from "../primitives/reduction.ts";
import { broadcast, moveAxis, stopGradient } from "../primitives/structure.ts";
import { keyOfFlags, memoize, record } from "./programs.ts";

/** Primitives that read a part of their first argument. */
const reads: ReadonlySet<string> = new Set(["dynamicSlice", "gather", "slice"]);

/** How a program uses its arguments. */
interface Uses {
  /**
   * For each result the number of the argument of which it is a version with changes to few elements,
   * or `null`.
   */
  readonly roots: readonly (number | null)[];
  /** Which arguments it reads as a whole. */
  readonly isWhole: readonly boolean[];
}

const uses = memoize<Uses>();

/** How a program uses its arguments, results aside. */
function usesOf(given: Program): Uses {
  return uses(given, "", () => {
    const program = inlinePlainCalls(given);
    const roots = new Map<Atom, number>(program.binders.map((binder, i) => [binder, i]));
    const whole = new Set<number>();
    const use = (atom: Atom): void => {
      const root = roots.get(atom);
      if (root !== undefined) whole.add(root);
    };
    const pass = (from: Atom, to: Variable): void => {
      const root = roots.get(from);
      if (root !== undefined) roots.set(to, root);
    };
    for (const equation of program.equations) {
      const { inputs: [first, ...others], outputs } = equation;
      const control = controlOf(equation);
      if (control !== null) {
        control.operands.forEach(({ atom, isWhole }) => isWhole && use(atom));
        control.changes.forEach((from, i) => from !== null && pass(from, outputs[i]));
        continue;
      }
      if (isFewUpdate(equation)) pass(first, outputs[0]);
      else if (equation.primitive.name === "reshape") pass(first, outputs[0]);
      else if (!reads.has(equation.primitive.name) && first !== undefined) use(first);
      others.forEach(use);
    }
    return {
      roots: program.results.map((atom) => roots.get(atom) ?? null),
      isWhole: program.binders.map((_, i) => whole.has(i)),
    };
  });
}

/** Whether an equation changes few elements of its first argument. */
function isFewUpdate({ primitive: { name }, inputs: [x, update] }: Equation): boolean {
  return isUpdate(name) && areFew(typeOf(update), typeOf(x));
}

/** An operand of an equation that holds programs. */
interface Operand {
  readonly atom: Atom;
  /** Whether it must be read as a whole before the equation. */
  readonly isWhole: boolean;
}

/** How control flow uses its operands. */
interface ControlUses {
  readonly operands: readonly Operand[];
  /** For each result, the operand of which it is a version with changes to few elements, or `null`. */
  readonly changes: readonly (Atom | null)[];
  /** The equation with one more operand, `takes`, which is true if the example participates. */
  run(takes: Tensor, operands: readonly Tensor[], isTotal: boolean): readonly Tensor[];
}

function controlOf(equation: Equation): ControlUses | null {
  const control = asControl(equation);
  switch (control?.kind) {
    case "switch":
      return switchUses(control);
    case "scan":
      return scanUses(control);
    case "while":
      return whileUses(control);
    default:
      return null;
  }
}

/** The arguments that a program with these uses must read as a whole, given its accepted results. */
function wholeOf({ roots, isWhole }: Uses, changes: readonly (number | null)[]): boolean[] {
  return isWhole.map((one, i) => one || roots.some((root, k) => root === i && changes[k] !== i));
}

function switchUses(
  { primitive, params, inputs: [index, ...operands] }: ControlEquation & { kind: "switch" },
): ControlUses {
  const { branches } = params;
  const changes = commonChanges(branches);
  const isWhole = operands.map((_, i) =>
    branches.some((branch) => wholeOf(usesOf(branch), changes)[i])
  );
  return {
    operands: [
      { atom: index, isWhole: true },
      ...operands.map((atom, i) => ({
        atom,
        isWhole: isWhole[i],
      })),
    ],
    changes: changes.map((place) => place === null ? null : operands[place]),
    run: (takes, [choice, ...args], isTotal) =>
      bind(primitive, [choice, takes, ...args], {
        branches: branches.map((branch) => partProgram(branch, changes, isTotal, isWhole)),
      }),
  };
}

/**
 * For each result of branches the argument of which it is, in all of them, a version with changes to
 * few elements.
 */
export function commonChanges(branches: readonly Program[]): readonly (number | null)[] {
  const [first, ...others] = branches.map(usesOf);
  const common = first.roots.map((root, i) =>
    others.every(({ roots }) => roots[i] === root) && first.roots.indexOf(root) === i ? root : null
  );
  return branches.reduce(
    (changes, branch) => changesOf(branch, changes),
    common as readonly (number | null)[],
  );
}

/** The carried values, the first of which is argument `first`, of which steps change few elements. */
function carriedChanges(body: Program, first: number, carry: number): readonly (number | null)[] {
  const { roots } = usesOf(body);
  const own = body.results.map((_, i) => i < carry && roots[i] === first + i ? first + i : null);
  return changesOf(body, own);
}

function scanUses(
  { primitive, params, inputs }: ControlEquation & { kind: "scan" },
): ControlUses {
  const { body, consts, carry } = params;
  const changes = carriedChanges(body, consts, carry);
  const whole = wholeOf(usesOf(body), changes);
  const isWhole = inputs.map((_, i) =>
    i < consts ? whole[i] : i >= consts + carry || changes[i - consts] === null
  );
  return {
    operands: inputs.map((atom, i) => ({ atom, isWhole: isWhole[i] })),
    changes: changes.map((place) => place === null ? null : inputs[place]),
    run: (takes, args, isTotal) =>
      bind(primitive, [takes, ...args], {
        ...params,
        body: partProgram(body, changes, isTotal, isWhole),
        consts: consts + 1,
      }),
  };
}

function whileUses(
  { primitive, params, inputs }: ControlEquation & { kind: "while" },
): ControlUses {
  const { condition, body, conditionConsts, bodyConsts } = params;
  const first = conditionConsts + bodyConsts;
  const asked = usesOf(condition).isWhole;
  const changes = carriedChanges(body, bodyConsts, body.results.length)
    .map((place, i) => asked[conditionConsts + i] ? null : place);
  const whole = wholeOf(usesOf(body), changes);
  const isWhole = inputs.map((_, i) =>
    i < conditionConsts
      ? asked[i]
      : i < first
      ? whole[i - conditionConsts]
      : changes[i - first] === null
  );
  const own = [...isWhole.slice(0, conditionConsts), ...isWhole.slice(first)];
  return {
    operands: inputs.map((atom, i) => ({ atom, isWhole: isWhole[i] })),
    changes: changes.map((place, i) => place === null ? null : inputs[first + i]),
    run: (takes, args, isTotal) =>
      bind(
        primitive,
        [takes, ...args.slice(0, conditionConsts), takes, ...args.slice(conditionConsts)],
        {
          ...params,
          condition: partProgram(condition, [null], isTotal, own),
          body: partProgram(body, changes, isTotal, isWhole.slice(conditionConsts)),
          conditionConsts: conditionConsts + 1,
          bodyConsts: bodyConsts + 1,
        },
      ),
  };
}

/**
 * For each result, the argument among the given ones of which it is a version with changes to few
 * elements, if the program does not also read that argument as a whole.
 */
export function changesOf(
  program: Program,
  mayChange: readonly (number | null)[],
): readonly (number | null)[] {
  const { roots } = usesOf(program);
  const wanted = mayChange.map((place, i) => place !== null && roots[i] === place ? place : null);
  const isWhole = wholeOf(usesOf(program), wanted);
  return wanted.map((place) => place !== null && isWhole[place] ? null : place);
}

const parted = memoize<Program>();

/**
 * The program with one more argument at the front, a bool that is true if the example participates. For
 * examples that do not, results in `changes` are the unchanged arguments, and the other results are
 * undefined. Arguments for which `isConfined` holds are already confined.
 */
export function partProgram(
  given: Program,
  changes: readonly (number | null)[],
  isTotal: boolean,
  isConfined: readonly boolean[] = [],
): Program {
  const key = `${changes.map(String)}/${keyOfFlags([isTotal], isConfined)}`;
  return parted(given, key, () => {
    const program = inlinePlainCalls(given);
    const isWhole = wholeOf(usesOf(given), changes);
    const flag = { dtype: "bool", shape: [] } as const;
    const types = program.binders.map(({ type }) => type);
    return record([flag, ...types], ([takes, ...args]) => {
      const own = (x: Tensor) => bindOne(ownPrimitive, [takes, x], { isTotal });
      /** Values of which few elements are read and changed, unchanged for all examples. */
      const raw = new Map<Atom, Tensor>();
      const values = new Map<Atom, Tensor>();
      const read = (atom: Atom): Tensor => {
        let value = values.get(atom);
        if (value === undefined) {
          const whole = raw.get(atom);
          values.set(atom, value = whole === undefined ? atom as Tensor : own(whole));
        }
        return value;
      };
      program.binders.forEach((binder, i) => {
        if (isConfined[i]) values.set(binder, args[i]);
        else if (isWhole[i]) values.set(binder, own(args[i]));
        else raw.set(binder, args[i]);
      });
      for (const equation of program.equations) {
        const { primitive, inputs, outputs, params } = equation;
        const whole = raw.get(inputs[0]);
        const others = () => inputs.slice(1).map(read);
        const control = controlOf(equation);
        if (control !== null) {
          const results = control.run(
            takes,
            control.operands.map(({ atom, isWhole }) =>
              isWhole ? read(atom) : raw.get(atom) ?? read(atom)
            ),
            isTotal,
          );
          results.forEach((result, i) => {
            const from = control.changes[i];
            (from !== null && raw.has(from) ? raw : values).set(outputs[i], result);
          });
        } else if (whole !== undefined && isFewUpdate(equation)) {
          raw.set(outputs[0], change(equation, takes, whole, others()));
        } else if (whole !== undefined && primitive.name === "reshape") {
          raw.set(outputs[0], bindOne(primitive, [whole], params));
        } else if (whole !== undefined && reads.has(primitive.name)) {
          values.set(outputs[0], own(bindOne(primitive, [whole, ...others()], params)));
        } else {
          const results = bind(primitive, inputs.map(read), params);
          outputs.forEach((output, i) => values.set(output, results[i]));
        }
      }
      return program.results.map((atom, i) =>
        changes[i] === null ? read(atom) : raw.get(atom) ?? read(atom)
      );
    });
  });
}

/** An update that changes nothing for an example that does not participate. */
function change(
  { primitive, params }: Equation,
  takes: Tensor,
  x: Tensor,
  [update, ...places]: readonly Tensor[],
): Tensor {
  const adds = primitive.name === "addSlice" || primitive.name === "scatterOnto";
  const { batch, outer } = params as GatherParams;
  const before = adds
    // Adding 0 would turn -0 into 0.
    ? splat(isFloat(x.dtype) ? -0 : 0, x.dtype, update.shape)
    : primitive.name === "updateSlice"
    ? dynamicSlice(x, (params as BlockStart).start, places, update.shape)
    : gather(x, places[0], batch, outer);
  const chosen = select(broadcast(takes, update.shape, []), update, before);
  return bindOne(primitive, [x, chosen, ...places], params);
}

/** Parameters of `own`. */
interface OwnParams {
  /** Whether examples that do not participate may compute with their own values. */
  readonly isTotal: boolean;
}

/**
 * The value that an example reads, depending on whether it participates. In a batch, examples that do
 * not participate read the value of one that does, as a constant. The primitive exists only between the
 * change of a program and its batching.
 */
const ownPrimitive: Primitive<OwnParams> = {
  name: "own",
  narrow: "own",
  isTotal: true,
  type: ([, x]) => [{ dtype: x.dtype, shape: x.shape }],
  evaluate: ([, x]) => [x],
  batch([takes, x], [axisTakes, axis], size, { isTotal }) {
    if (axis === null || axisTakes === null) {
      if (axisTakes === null) return [[bindOne(ownPrimitive, [takes, x], { isTotal }), axis]];
      return [[x, null]];
    }
    if (isTotal && !isFloat(x.dtype)) return [[x, axis]];
    // A replacement for values that are not selected; by default, only a constant.
    const stand = isTotal || size === 0 ? x : standIn(x, axis, argmax(takes, 0));
    const flags = broadcast(takes, x.shape, [axis]);
    return [[select(flags, x, stopGradient(stand, "unused")), axis]];
  },
  derivative: {
    kind: "linear",
    transpose() {
      throw internalError("Programs are batched before they are differentiated");
    },
  },
};

/** The value of example `first` for all examples of `x` along `axis`. */
function standIn(x: Tensor, axis: number, first: Tensor): Tensor {
  const row = gather(moveAxis(x, axis, 0), first);
  return broadcast(row, x.shape, range(x.ndim).filter((i) => i !== axis));
}
