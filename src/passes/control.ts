/**
 * The compiler's view of the primitives that hold programs: control flow, recognised by name, with the
 * types of its parameters.
 *
 * @module
 */
import { Program, programsIn, remake } from "../core/program.ts";
import type { Equation } from "../core/program.ts";
import type { NamedAxis } from "../core/axes.ts";
import type { Mesh, Sharding } from "../core/sharding.ts";
import { Concrete } from "../core/tensor.ts";

/** Parameters of `scan`: a program run once for each element of sequences. */
export interface ScanParams {
  /** From constants, carried values and elements to carried values and elements of results. */
  readonly body: Program;
  /** The number of steps. */
  readonly length: number;
  /** Whether sequences are read, and written, from the last element to the first. */
  readonly reverse: boolean;
  /** The number of first arguments that are the same in every step. */
  readonly consts: number;
  /** The number of carried values, which follow; all others are sequences. */
  readonly carry: number;
}

/** Parameters of `while`: a program run while another program returns true. */
export interface WhileParams {
  /** From its constants and the carried values to one bool. */
  readonly condition: Program;
  /** From its constants and the carried values to the next ones. */
  readonly body: Program;
  /** The number of constants of the condition, which are the first arguments. */
  readonly conditionConsts: number;
  /** The number of constants of the body, which follow; all others are carried. */
  readonly bodyConsts: number;
}

/** Parameters of `switch`: one of several programs, selected by the first argument. */
export interface SwitchParams {
  /** Programs of the other arguments. */
  readonly branches: readonly Program[];
}

/** Parameters of `shardMap`: a program run at every position of a mesh. */
export interface PlacesParams {
  /** The mesh. */
  readonly mesh: Mesh;
  /** The mesh's axes. */
  readonly axes: readonly NamedAxis[];
  /** How arguments are divided. */
  readonly ins: readonly Sharding[];
  /** How results are divided. */
  readonly outs: readonly Sharding[];
  /** From parts of the arguments to parts of the results. */
  readonly local: Program;
  /** The same program on whole arguments and results. */
  readonly program: Program;
}

/** The parameters of an equation that runs a program at every position of a mesh, or `null`. */
export function placesOf({ primitive, params }: Equation): PlacesParams | null {
  return primitive.name === "shardMap" ? params as PlacesParams : null;
}

/** A part of an attention: an operand, or its output. */
export type AttentionPart = "query" | "key" | "value" | "allowed" | "bias" | "output";

/**
 * Parameters of `attention` and `attentionPull`: calls for which a backend may have a kernel. Leading axes
 * of `[..., L, E]`, `[..., S, E]`, `[..., S, V]` and of masks `[..., L, S]` broadcast.
 */
export interface AttentionParams {
  /** The same as a program. */
  readonly program: Program;
  /** The factor of the products of queries and keys. */
  readonly scale: number;
  /** Whether position `i` attends to positions up to `i` only. */
  readonly isCausal: boolean;
  /** The arguments; for `attentionPull`, `"output"` is the cotangent of the output. */
  readonly args: readonly AttentionPart[];
  /** The results: the output, or for `attentionPull`, the operands of which they are cotangents. */
  readonly results: readonly AttentionPart[];
}

/** An equation of control flow, its parameters typed by its name. */
export type ControlEquation =
  | (Equation & { readonly kind: "scan"; readonly params: ScanParams })
  | (Equation & { readonly kind: "while"; readonly params: WhileParams })
  | (Equation & { readonly kind: "switch"; readonly params: SwitchParams });

/** The equation as one of control flow, or `null` if it is not. */
export function asControl(equation: Equation): ControlEquation | null {
  const kind = equation.primitive.name;
  if (kind !== "scan" && kind !== "while" && kind !== "switch") return null;
  return { ...equation, kind } as ControlEquation;
}

/** The equation with its programs replaced; `change` is applied to each of them. */
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

/** Whether any equation of a program, or of nested programs, has a property. */
export function someEquation(program: Program, test: (equation: Equation) => boolean): boolean {
  return program.equations.some((equation) =>
    test(equation) || programsIn(equation.params).some((inner) => someEquation(inner, test))
  );
}

/** Every tensor in a program, and in nested programs. */
export function* constantsOf(program: Program): Generator<Concrete> {
  for (const { inputs, params } of program.equations) {
    for (const atom of inputs) if (atom instanceof Concrete) yield atom;
    for (const inner of programsIn(params)) yield* constantsOf(inner);
  }
  for (const atom of program.results) if (atom instanceof Concrete) yield atom;
}
