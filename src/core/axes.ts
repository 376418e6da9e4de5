/**
 * Named axes, which collectives work across. A `vmap` with an axis name puts its axis in scope for as
 * long as its function runs; a program may mention axes that are in scope where it was traced.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import type { AxisUse, Primitive } from "./primitive.ts";
import { Program, programsIn } from "./program.ts";
import type { Equation } from "./program.ts";

/** An axis that has a name. */
export interface NamedAxis {
  /** The name that users give it. */
  readonly name: string;
  /**
   * An identifier that is unique within the scope, by which programs refer to the axis: its name,
   * followed by an apostrophe for each enclosing axis of the same name.
   */
  readonly id: string;
  /** Its length. */
  readonly size: number;
}

let scope: readonly NamedAxis[] = [];

/** The axes in scope, the innermost last. */
export function axesInScope(): readonly NamedAxis[] {
  return scope;
}

/** Whether every name has the same meaning in both scopes. */
export function sameScope(a: readonly NamedAxis[], b: readonly NamedAxis[]): boolean {
  return a === b ||
    (a.length === b.length && a.every(({ id, size }, i) => id === b[i].id && size === b[i].size));
}

/** A scope as text for messages: `"rows" of length 2, "columns" of length 3`. */
export function showScope(axes: readonly NamedAxis[]): string {
  if (axes.length === 0) return "none";
  return axes.map(({ name, size }) => `${describeValue(name)} of length ${size}`).join(", ");
}

/** The name that users gave to the axis with this `id`. */
export function nameOfAxis(id: string): string {
  return id.replace(/'+$/, "");
}

/** A new axis called `name`, with an identifier that differs from those in scope. */
export function newAxis(name: string, size: number): NamedAxis {
  let id = name;
  while (scope.some((axis) => axis.id === id)) id += "'";
  return { name, id, size };
}

/** Runs `f` with `axes` in scope, the outermost first; they shadow other axes of the same names. */
export function runWithin<T>(axes: readonly NamedAxis[], f: () => T): T {
  const outer = scope;
  scope = [...outer, ...axes];
  try {
    return f();
  } finally {
    scope = outer;
  }
}

/** Runs `f`, which works on the programs of an equation, with the axes in scope that these programs have. */
export function runInside<P, T>(primitive: Primitive<P>, params: P, f: () => T): T {
  const bound = primitive.boundAxes?.(params) ?? [];
  return runWithin(
    bound.map(({ axisName, axisSize }) => ({
      name: nameOfAxis(axisName),
      id: axisName,
      size: axisSize,
    })),
    f,
  );
}

/** Whether the programs of an operation use this id for an axis that the operation itself introduces. */
export function bindsAxis<P>(primitive: Primitive<P>, params: P, id: string): boolean {
  return primitive.boundAxes?.(params).some(({ axisName }) => axisName === id) === true;
}

/**
 * The axis with this name.
 *
 * @param what The start of the message when there is none: "Cannot psum".
 */
export function findAxis(name: unknown, what: string): NamedAxis {
  if (typeof name !== "string") {
    throw argumentError(
      `${what} over ${describeValue(name)}: expected the name of an axis, or a list of names`,
    );
  }
  const axis = scope.findLast((axis) => axis.name === name);
  if (axis !== undefined) return axis;
  const there = scope.length === 0 ? "no named axis is in scope" : `in scope are ${names()}`;
  throw argumentError(
    `${what} over the axis ${describeValue(name)}: ${there}; ` +
      `name the axis with vmap's option axisName, or run the function by shardMap over a mesh`,
  );
}

function names(): string {
  return [...new Set(scope.map(({ name }) => describeValue(name)))].join(", ");
}

/** The programs that an equation runs. */
function programsOf({ primitive, params }: Pick<Equation, "primitive" | "params">) {
  const own = programsIn(params);
  if (!primitive.isCall || primitive.boundAxes !== undefined) return own;
  // The program of a call may be created on access; it is not an own property then.
  const { program } = params as { readonly program?: unknown };
  return program instanceof Program && !own.includes(program) ? [...own, program] : own;
}

/** How a program uses a named axis. */
interface Mention extends AxisUse {
  /** Whether examples read each other's values, or only their own index. */
  readonly exchanges: boolean;
}

const mentionedBy = new WeakMap<Program, readonly Mention[]>();

/** The axes that a program mentions, in its own equations or in nested programs. */
function mentionsOf(program: Program): readonly Mention[] {
  let found = mentionedBy.get(program);
  if (found === undefined) {
    const byName = new Map<string, Mention>();
    const note = (mention: Mention): void => {
      const exchanges = mention.exchanges || byName.get(mention.axisName)?.exchanges === true;
      byName.set(mention.axisName, { ...mention, exchanges });
    };
    for (const equation of program.equations) {
      const { primitive, params } = equation;
      const use = primitive.axisOf?.(params);
      if (use !== undefined) note({ ...use, exchanges: primitive.derivative.kind !== "zero" });
      else if (primitive.derivative.kind === "program") {
        for (const inner of programsOf(equation)) {
          mentionsOf(inner).filter(({ axisName }) => !bindsAxis(primitive, params, axisName))
            .forEach(note);
        }
      }
    }
    mentionedBy.set(program, found = [...byName.values()]);
  }
  return found;
}

/** Whether an operation works across the axis, or runs a program that mentions it. */
export function mentionsAxis<P>(primitive: Primitive<P>, params: P, id: string): boolean {
  if (primitive.axisOf !== undefined) return primitive.axisOf(params).axisName === id;
  return primitive.derivative.kind === "program" &&
    !bindsAxis(primitive, params, id) &&
    programsOf({ primitive: primitive as Primitive, params }).some((program) =>
      mentionsOf(program).some(({ axisName }) => axisName === id)
    );
}

/** The axes along which examples read each other's values in these programs. */
export function exchangedAxes(programs: readonly Program[]): readonly AxisUse[] {
  const uses = programs.flatMap(mentionsOf).filter(({ exchanges }) => exchanges);
  return uses.filter((use, i) => uses.findIndex((one) => one.axisName === use.axisName) === i)
    .map(({ axisName, axisSize }) => ({ axisName, axisSize }));
}
