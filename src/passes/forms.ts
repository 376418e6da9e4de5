/**
 * The form of a program: the program without its constants. Programs of the same form share a module.
 * Tensors become arguments, since code depends only on their types. Numbers are part of the code until
 * a program of the same form with other numbers is compiled: the numbers that differ are then passed to
 * the code at each run (`Given`).
 *
 * @module
 */
import { encode, identityOf } from "../base/data.ts";
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { asControl, withPrograms } from "./control.ts";
import { liftConstants } from "./lift_constants.ts";

/** One number everywhere, passed to the program at each run: number `index` of its numbers. */
export class Given extends Variable {
  readonly index: number;

  constructor(type: Type, index: number) {
    super(type);
    this.index = index;
  }
}

/** Larger programs are slow to compare, and are rarely created twice. */
const LARGEST = 2000;

/** The form of a program, with its constants. */
export interface Form {
  /** A text that is equal for programs of the same form only; `null` if no program will equal this one. */
  readonly key: string | null;
  /** The constants with elements of their own, in order of appearance. */
  readonly tensors: readonly Concrete[];
  /** The constants that are one number everywhere. */
  readonly numbers: readonly Concrete[];
  /** The program with binders for tensors after its own, and with some of the numbers passed at each run. */
  open(isGiven: readonly boolean[]): Program;
}

/** The form of an optimised program. */
export function formOf(optimized: Program): Form {
  const program = new Program(
    optimized.binders,
    optimized.equations.map(liftConstants),
    optimized.results,
  );
  const reader = new Reader();
  const key = program.equations.length > LARGEST ? null : reader.read(program);
  const tensors: Concrete[] = [];
  const numbers: Concrete[] = [];
  for (const constant of constantsOf(program)) {
    (isNumber(constant) ? numbers : tensors).push(constant);
  }
  return {
    key: reader.isUnheardOf ? null : key,
    tensors,
    numbers,
    open: (isGiven) => open(program, tensors, numbers, isGiven),
  };
}

/** Whether a constant is one number everywhere. */
function isNumber(constant: Concrete): boolean {
  return constant.held === 1;
}

/** The constants of a program and of the bodies in it, each once, in order. */
function constantsOf(program: Program): ReadonlySet<Concrete> {
  const found = new Set<Concrete>();
  const visit = ({ equations, results }: Program): void => {
    for (const equation of equations) {
      for (const atom of equation.inputs) if (atom instanceof Concrete) found.add(atom);
      for (const body of bodiesOf(equation)) visit(body);
    }
    for (const atom of results) if (atom instanceof Concrete) found.add(atom);
  };
  visit(program);
  return found;
}

/** The programs that an equation of control flow holds. */
function bodiesOf(equation: Equation): readonly Program[] {
  const control = asControl(equation);
  switch (control?.kind) {
    case "scan":
      return [control.params.body];
    case "while":
      return [control.params.condition, control.params.body];
    case "switch":
      return control.params.branches;
    default:
      return [];
  }
}

function open(
  program: Program,
  tensors: readonly Concrete[],
  numbers: readonly Concrete[],
  isGiven: readonly boolean[],
): Program {
  const values = new Map<Atom, Atom>();
  const binders = tensors.map((tensor) => new Variable(tensor));
  tensors.forEach((tensor, i) => values.set(tensor, binders[i]));
  numbers.forEach((number, i) => {
    if (isGiven[i]) values.set(number, new Given(number, i));
  });
  const replace = ({ binders, equations, results }: Program): Program => {
    const read = (atom: Atom): Atom => values.get(atom) ?? atom;
    return new Program(
      binders,
      equations.map((equation) => {
        const own = asControl(equation) === null ? equation : withPrograms(equation, replace);
        return { ...own, inputs: own.inputs.map(read) };
      }),
      results.map(read),
    );
  };
  const { equations, results } = values.size === 0 ? program : replace(program);
  return new Program([...program.binders, ...binders], equations, results);
}

/** Functions and objects that appeared in parameters before. */
const met = new WeakSet<WeakKey>();

/** Writes programs as text. */
class Reader {
  /** Whether the program contains functions or objects that have not appeared before. */
  isUnheardOf = false;
  readonly #variables = new Map<Variable, number>();
  readonly #constants = new Map<Atom, number>();

  read({ binders, equations, results }: Program): string {
    const lines = [binders.map((variable) => this.#bind(variable)).join(" ")];
    for (const equation of equations) {
      const { primitive, inputs, params, outputs } = equation;
      const isControl = asControl(equation) !== null;
      lines.push(
        `${identityOf(primitive)}(${inputs.map((atom) => this.#atom(atom)).join(" ")})` +
          outputs.map((variable) => this.#bind(variable)).join(" ") +
          (params === null ? "" : encode(params, (value) => this.#other(value, isControl))),
      );
    }
    lines.push(results.map((atom) => this.#atom(atom)).join(" "));
    return lines.join("\n");
  }

  #bind(variable: Variable): string {
    this.#variables.set(variable, this.#variables.size);
    return showType(variable.type);
  }

  #atom(atom: Atom): string {
    if (atom instanceof Variable) return String(this.#variables.get(atom));
    let number = this.#constants.get(atom);
    if (number === undefined) this.#constants.set(atom, number = this.#constants.size);
    return `${isNumber(atom as Concrete) ? "$" : "@"}${number}:${showType(atom)}`;
  }

  /**
   * The values in parameters that are compared by identity; the bodies of control flow are written
   * instead.
   */
  #other(value: WeakKey, isControl: boolean): string {
    if (value instanceof Program && isControl) return `{${this.read(value)}}`;
    if (!met.has(value)) this.isUnheardOf = true;
    met.add(value);
    return identityOf(value);
  }
}

function showType({ dtype, shape }: Type): string {
  return `${dtype}[${shape}]`;
}
