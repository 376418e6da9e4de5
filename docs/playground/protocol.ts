/**
 * What the page, the worker that runs programs and the worker that knows TypeScript say to each other.
 *
 * @module
 */
import type { Display } from "../gallery/show.ts";

/** Where a program computes. */
export type Backend = "wasm" | "webgpu";

/** What starts a program. */
export interface RunRequest {
  /** JavaScript whose lines are those of the TypeScript that it was made from. */
  readonly code: string;
  readonly backend: Backend;
}

/** A tensor as it is printed. */
export interface TensorValue {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** What `String(tensor)` says. */
  readonly text: string;
  /** The elements of vectors and matrices that are small enough. */
  readonly elements: readonly (number | boolean)[] | null;
}

/** A picture, by the address of its data. */
export interface PictureValue {
  readonly picture: string;
}

/** One argument of `console.log`. */
export type Printed = string | TensorValue | PictureValue;

/** The methods of `console` that print. */
export type Level = "log" | "info" | "warn" | "error" | "debug";

/** What went wrong, and where in the program. */
export interface Failure {
  readonly message: string;
  /** The lines of the program that were running, the innermost first, counted from 1. */
  readonly lines: readonly number[];
}

/** What a running program says. */
export type RunMessage =
  | { readonly type: "loaded" }
  | { readonly type: "started"; readonly device: string }
  | { readonly type: "notice"; readonly text: string }
  | {
    readonly type: "print";
    readonly level: Level;
    readonly id: number;
    readonly values: readonly Printed[];
  }
  | { readonly type: "show"; readonly display: Display }
  | { readonly type: "failed"; readonly failure: Failure }
  | { readonly type: "done" };

/** A mistake, between two positions of the program. */
export interface Mistake {
  readonly from: number;
  readonly to: number;
  readonly message: string;
  readonly severity: "error" | "warning" | "info";
}

/** A name that may stand at the cursor. */
export interface Completion {
  readonly label: string;
  readonly kind: string;
  /** The module that it is imported from, where it is not imported yet. */
  readonly source?: string;
}

/** What is known of a name. */
export interface Hover {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly documentation: string;
}

/** JavaScript made of a program, or why there is none. */
export type Transpiled = { readonly code: string } | { readonly mistakes: readonly Mistake[] };

/** What can be asked of the worker that knows TypeScript; each gets the program's text first. */
export interface Language {
  mistakes(text: string): readonly Mistake[];
  /** Names for position `at`, and where the word begins that they complete. */
  completions(text: string, at: number): {
    readonly from: number;
    readonly entries: readonly Completion[];
  } | null;
  /** The signature and documentation of a completion, and edits that import it. */
  details(text: string, at: number, label: string, source: string | undefined): {
    readonly type: string;
    readonly documentation: string;
    readonly edits: readonly {
      readonly from: number;
      readonly to: number;
      readonly insert: string;
    }[];
  } | null;
  hover(text: string, at: number): Hover | null;
  transpile(text: string): Transpiled;
}
