/**
 * What passes between `run.ts` and contenders: lines of JSON. A contender first says what it is, then
 * answers each request with one line, and ends when its input does. Anything else that it prints to
 * its standard output is ignored.
 *
 * @module
 */
import type { Work } from "./works.ts";

/** The first line of a contender: its versions, or why it cannot run here. */
export type Hello =
  | { readonly versions: Readonly<Record<string, string>>; readonly notes?: readonly string[] }
  | { readonly unavailable: string };

/** Asks for a measurement; the first one for a work prepares it, a later one goes on with it. */
export interface Request {
  readonly work: Work;
  /** How long to measure, in seconds. */
  readonly seconds: number;
  /** After how many seconds a first call is not followed by others; 30 when left out. */
  readonly longest?: number;
}

/** A measurement, or why there is none. */
export type Answer =
  | {
    readonly work: string;
    readonly median_ms: number;
    /** The first call of all, where this request made it. */
    readonly first_ms?: number;
    /** The number that the first call gave, or that checks it, if any: all contenders should give it. */
    readonly result?: number;
    readonly samples: number;
  }
  | { readonly work: string; readonly missing: string };
