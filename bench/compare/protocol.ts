/**
 * The protocol between `run.ts` and contenders: lines of JSON. A contender first describes itself, then
 * answers each request with one line, and exits at the end of its input. Other lines of its standard
 * output are ignored.
 *
 * @module
 */
import type { Work } from "./works.ts";

/** The first line of a contender: its versions, or why it cannot run here. */
export type Hello =
  | { readonly versions: Readonly<Record<string, string>>; readonly notes?: readonly string[] }
  | { readonly unavailable: string };

/** A request for a measurement; the first one for a work prepares it, later ones continue with it. */
export interface Request {
  readonly work: Work;
  /** The duration of the measurement, in seconds. */
  readonly seconds: number;
  /** If a first call takes more seconds than this, it is the only one; 30 by default. */
  readonly longest?: number;
}

/** A measurement, or the reason why there is none. */
export type Answer =
  | {
    readonly work: string;
    readonly median_ms: number;
    /** The time of the very first call, if this request made it. */
    readonly first_ms?: number;
    /** The result of the first call, or a number that checks it, if any: it should be equal for all contenders. */
    readonly result?: number;
    readonly samples: number;
  }
  | { readonly work: string; readonly missing: string };
