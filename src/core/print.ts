/**
 * Programs as readable text.
 *
 * @module
 */
import { showType } from "../base/shape.ts";
import { Concrete, Tensor } from "./tensor.ts";
import type { Type } from "./tensor.ts";

/** A variable that an equation binds. */
interface Bound {
  readonly type: Type;
}

/** The parts of a program that are printed: the values read are tensors or bound variables. */
export interface Printable {
  /** The parameters. */
  readonly binders: readonly Bound[];
  /** The equations, in order. */
  readonly equations: readonly {
    readonly primitive: { readonly name: string };
    readonly inputs: readonly (Tensor | Bound)[];
    readonly params: unknown;
    readonly outputs: readonly Bound[];
    readonly origin?: { readonly scope: string | null };
  }[];
  /** The results. */
  readonly results: readonly (Tensor | Bound)[];
}

/** Prints a program, one equation per line, with variables named in binding order. */
export function printProgram(program: Printable): string {
  return printLines(program).join("\n");
}

function printLines(program: Printable): string[] {
  const names = new Map<Bound, string>();
  const bindName = (variable: Bound): string => {
    const name = letters(names.size);
    names.set(variable, name);
    return `${name}: ${showType(variable.type)}`;
  };
  const show = (atom: Tensor | Bound): string =>
    atom instanceof Tensor ? showConstant(atom) : names.get(atom) ?? "unbound";
  const lines = [`program(${program.binders.map(bindName).join(", ")}) {`];
  for (const equation of program.equations) {
    const call = `${equation.primitive.name}(${equation.inputs.map(show).join(", ")})`;
    const left = equation.outputs.map(bindName).join(", ");
    const scope = equation.origin?.scope ?? null;
    const line = `  ${left === "" ? "" : `${left} = `}${call}${showParams(equation.params)}`;
    lines.push(scope === null ? line : `${line} // ${scope}`);
  }
  lines.push(`  return (${program.results.map(show).join(", ")})`, "}");
  return lines;
}

/** The name of variable number `index`: a, b, …, z, aa, ab, …. */
export function letters(index: number): string {
  const last = String.fromCharCode(97 + index % 26);
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}

/** A captured constant: its value if it is a single number, its type otherwise. */
export function showConstant(value: Tensor): string {
  if (!(value instanceof Concrete) || value.held !== 1) {
    return `constant ${showType(value)}`;
  }
  const element = value.elements[0];
  return value.dtype === "bool" ? String(element !== 0) : showNumber(element, value.dtype);
}

/** A number in the shortest form that is exact in its dtype. */
export function showNumber(value: number, dtype: string): string {
  if (dtype !== "float32") return String(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

/** The parameters of an equation after a space; empty if there are none. */
export function showParams(params: unknown): string {
  if (params === undefined || params === null) return "";
  return ` ${showParam(params)}`;
}

export function showParam(param: unknown): string {
  if (Array.isArray(param)) return `[${param.map(showParam).join(", ")}]`;
  if (param !== null && typeof param === "object" && param.constructor === Object) {
    const entries = Object.entries(param).filter(([, value]) => value !== undefined);
    return `{ ${entries.map(([key, value]) => `${key}: ${showParam(value)}`).join(", ")} }`;
  }
  if (typeof param === "function") return `function ${param.name || "(anonymous)"}`;
  return String(param).replaceAll("\n", "\n  ");
}
