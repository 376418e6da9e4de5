/**
 * Where operations come from: whether they compute values, tangents or cotangents, and, while results
 * are inspected, which line of the user's asked for them. Recorded equations keep it.
 *
 * @module
 */
import { userLocation } from "../base/errors.ts";
import type { Primitive } from "./primitive.ts";
import type { Concrete } from "./tensor.ts";

/**
 * What an operation is for: values, tangents that go along with them, or the way back of a gradient
 * together with the factors that are computed for it alone.
 *
 * @category Inspection
 */
export type Part = "forward" | "tangent" | "backward";

/**
 * Where an operation comes from.
 *
 * @category Inspection
 */
export interface Origin {
  /** What it is for. */
  readonly part: Part;
  /** The user's line, as `file:line:column`; known only of what happens while results are inspected. */
  readonly location: string | null;
  /** The operation whose derivative it belongs to; known only while results are inspected. */
  readonly derivativeOf: string | null;
  /** The scopes that it was asked for in, the outermost first: `attention/scores`. */
  readonly scope: string | null;
}

const plain: Readonly<Record<Part, Origin>> = {
  forward: Object.freeze({ part: "forward", location: null, derivativeOf: null, scope: null }),
  tangent: Object.freeze({ part: "tangent", location: null, derivativeOf: null, scope: null }),
  backward: Object.freeze({ part: "backward", location: null, derivativeOf: null, scope: null }),
};

/** Looks at what an operation has just given; it may throw. */
export type Inspector = (
  primitive: Primitive,
  args: readonly Concrete[],
  results: readonly Concrete[],
) => void;

let origin: Origin = plain.forward;
let inspector: Inspector | null = null;

/** Who looks at every operation's results, if anybody does. */
export function currentInspector(): Inspector | null {
  return inspector;
}

/**
 * Whether somebody looks at every operation's results: then nothing is compiled, so that operations
 * happen one at a time, each where the user wrote it.
 */
export function isInspecting(): boolean {
  return inspector !== null;
}

/** Has `chosen` look at every operation's results; gives the one that did before. */
export function installInspector(chosen: Inspector | null): Inspector | null {
  const before = inspector;
  inspector = chosen;
  return before;
}

/** Where what happens now comes from. To be put back by `restoreOrigin`. */
export function currentOrigin(): Origin {
  return origin;
}

/** Puts back what `currentOrigin` or one of the functions below gave. */
export function restoreOrigin(before: Origin): void {
  origin = before;
}

/** The functions that run recorded equations, which know their lines. */
const RUNNERS = ["evaluateProgram", "transposeProgram"];

/** Where an equation that is recorded now comes from, with the user's line where it is wanted. */
export function noteOrigin(): Origin {
  if (inspector === null) return origin;
  if (origin.location === null) return { ...origin, location: userLocation() };
  // A rule that the user gave has lines of its own.
  const location = userLocation(RUNNERS);
  return location === null ? origin : { ...origin, location };
}

/** The same origin in a scope. */
function within(own: Origin, scope: string | null): Origin {
  return own.scope === scope ? own : { ...own, scope };
}

/** Begins a scope of this name within the current ones; gives what was before. */
export function enterScope(name: string): Origin {
  const before = origin;
  origin = within(origin, before.scope === null ? name : `${before.scope}/${name}`);
  return before;
}

/** Begins work for the derivative of an operation; gives what was before. */
export function enterDerivative(part: Part, { name }: { readonly name: string }): Origin {
  const before = origin;
  origin = inspector === null
    ? within(plain[part], before.scope)
    : { ...origin, part, derivativeOf: name };
  return before;
}

/** Begins the transposition of an equation that was recorded at `own`; gives what was before. */
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

/** Begins an equation that was recorded at `own`, within a program that is run at `outer`. */
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

/** Runs `f` as work on values, whatever it is done for: for programs that are kept for other uses. */
export function runForward<T>(f: () => T): T {
  const before = origin;
  origin = plain.forward;
  try {
    return f();
  } finally {
    origin = before;
  }
}
