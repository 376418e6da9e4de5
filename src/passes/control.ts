/**
 * What the compiler knows of the primitives that hold programs: control flow, by their names and the
 * shape of their parameters.
 *
 * @module
 */
import { Program, programsIn, remake } from "../core/program.ts";
import type { Equation } from "../core/program.ts";

/** Parameters of `scan`: a program run once for each element of sequences. */
export interface ScanParams {
  /** From constants, carried values and elements to carried values and elements of results. */
  readonly body: Program;
  /** The number of steps. */
  readonly length: number;
  /** Whether sequences are read, and written, from the last element to the first. */
  readonly reverse: boolean;
  /** How many of the first arguments are the same in every step. */
  readonly consts: number;
  /** How many of the next are carried; all others are sequences. */
  readonly carry: number;
}

/** Parameters of `while`: a program run for as long as another one says. */
export interface WhileParams {
  /** From its constants and the carried values to one bool. */
  readonly condition: Program;
  /** From its constants and the carried values to the next ones. */
  readonly body: Program;
  /** How many of the first arguments are constants of the condition. */
  readonly conditionConsts: number;
  /** How many of the next are constants of the body; all others are carried. */
  readonly bodyConsts: number;
}

/** Parameters of `switch`: one of several programs, by the first argument. */
export interface SwitchParams {
  /** Programs of the other arguments. */
  readonly branches: readonly Program[];
}

/** An equation of control flow, its parameters typed by its name. */
export type ControlEquation =
  | (Equation & { readonly kind: "scan"; readonly params: ScanParams })
  | (Equation & { readonly kind: "while"; readonly params: WhileParams })
  | (Equation & { readonly kind: "switch"; readonly params: SwitchParams });

/** The equation as one of control flow, or `null` if it is none. */
export function asControl(equation: Equation): ControlEquation | null {
  const kind = equation.primitive.name;
  if (kind !== "scan" && kind !== "while" && kind !== "switch") return null;
  return { ...equation, kind } as ControlEquation;
}

/** The equation, with its programs replaced; `change` sees each of them. */
export function withPrograms(
  equation: Equation,
  change: (program: Program) => Program,
): Equation {
  const { params } = equation;
  if (programsIn(params).length === 0) return equation;
  let hasChanged = false;
  const replace = (value: unknown): unknown => {
    if (!(value instanceof Program)) return value;
    const changed = change(value);
    if (changed !== value) hasChanged = true;
    return changed;
  };
  const entries = Object.entries(params as object).map(([name, value]) =>
    [name, Array.isArray(value) ? value.map(replace) : replace(value)] as const
  );
  return hasChanged ? { ...equation, params: remake(params as object, entries) } : equation;
}

/** Whether some equation of a program, or of the programs within it, has a property. */
export function someEquation(program: Program, test: (equation: Equation) => boolean): boolean {
  return program.equations.some((equation) =>
    test(equation) || programsIn(equation.params).some((inner) => someEquation(inner, test))
  );
}
