/**
 * The origin of operations: whether they compute values, tangents or cotangents, and, while results are
 * inspected, the user's line that called them. Recorded equations store it.
 *
 * @module
 */
import { userLocation } from "../base/errors.ts";
import type { Primitive } from "./primitive.ts";
import type { Concrete } from "./tensor.ts";

/**
 * The purpose of an operation: values, tangents computed along with them, or the backward pass of a
 * gradient, including the factors that are computed for it alone.
 *
 * @category Inspection
 */
export type Part = "forward" | "tangent" | "backward";

/**
 * The origin of an operation.
 *
 * @category Inspection
 */
export interface Origin {
  /** Its purpose. */
  readonly part: Part;
  /** The user's line, as `file:line:column`; recorded only while results are inspected. */
  readonly location: string | null;
  /** The operation whose derivative it belongs to; recorded only while results are inspected. */
  readonly derivativeOf: string | null;
  /** The scopes in which it was called, the outermost first: `attention/scores`. */
  readonly scope: string | null;
}

const plain: Readonly<Record<Part, Origin>> = {
  forward: Object.freeze({ part: "forward", location: null, derivativeOf: null, scope: null }),
  tangent: Object.freeze({ part: "tangent", location: null, derivativeOf: null, scope: null }),
  backward: Object.freeze({ part: "backward", location: null, derivativeOf: null, scope: null }),
};

/** Inspects the results of an operation; it may throw. */
export type Inspector = (
  primitive: Primitive,
  args: readonly Concrete[],
  results: readonly Concrete[],
) => void;

let origin: Origin = plain.forward;
let inspector: Inspector | null = null;

/** The inspector of every operation's results, if there is one. */
export function currentInspector(): Inspector | null {
  return inspector;
}

/**
 * Whether every operation's results are inspected. If so, nothing is compiled, so that operations are
 * executed one at a time, each at the line where the user wrote it.
 */
export function isInspecting(): boolean {
  return inspector !== null;
}

/** Installs `chosen` as the inspector of every operation's results; returns the previous one. */
export function installInspector(chosen: Inspector | null): Inspector | null {
  const before = inspector;
  inspector = chosen;
  return before;
}

/** The origin of the current work, for `restoreOrigin`. */
export function currentOrigin(): Origin {
  return origin;
}

/** Restores the value returned by `currentOrigin` or one of the functions below. */
export function restoreOrigin(before: Origin): void {
  origin = before;
}

/** The functions that run recorded equations, whose lines are known. */
const RUNNERS = ["evaluateProgram", "transposeProgram"];

/** The origin of an equation that is recorded now, with the user's line if it is needed. */
export function noteOrigin(): Origin {
  if (inspector === null) return origin;
  if (origin.location === null) return { ...origin, location: userLocation() };
  // A user-defined rule has lines of its own.
  const location = userLocation(RUNNERS);
  return location === null ? origin : { ...origin, location };
}

/** The same origin in a scope. */
function within(own: Origin, scope: string | null): Origin {
  return own.scope === scope ? own : { ...own, scope };
}

/** Enters a scope of this name within the current ones; returns the previous state. */
export function enterScope(name: string): Origin {
  const before = origin;
  origin = within(origin, before.scope === null ? name : `${before.scope}/${name}`);
  return before;
}

/** Begins work for the derivative of an operation; returns the previous state. */
export function enterDerivative(part: Part, { name }: { readonly name: string }): Origin {
  const before = origin;
  origin = inspector === null
    ? within(plain[part], before.scope)
    : { ...origin, part, derivativeOf: name };
  return before;
}

/** Begins the transposition of an equation that was recorded at `own`; returns the previous state. */
export function enterTransposed(own: Origin | undefined): Origin {
  const before = origin;
  const scope = own?.scope ?? origin.scope;
  origin = inspector === null ? within(plain.backward, scope) : {
    part: "backward",
    location: own?.location ?? origin.location,
    derivativeOf: own?.derivativeOf ?? origin.derivativeOf,
    scope,
  };
  return before;
}

/** Begins an equation that was recorded at `own`, in a program that is run at `outer`. */
export function enterEquation(own: Origin | undefined, outer: Origin): void {
  if (inspector === null) origin = outer.part === "forward" ? own ?? outer : outer;
  else {
    origin = {
      part: outer.part === "forward" ? own?.part ?? "forward" : outer.part,
      location: own?.location ?? outer.location,
      derivativeOf: own?.derivativeOf ?? outer.derivativeOf,
      scope: own?.scope ?? outer.scope,
    };
  }
}

/** Runs `f` as forward work, whatever the current purpose: for programs that are cached for other uses. */
export function runForward<T>(f: () => T): T {
  const before = origin;
  origin = plain.forward;
  try {
    return f();
  } finally {
    origin = before;
  }
}
