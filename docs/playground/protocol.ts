/**
 * The messages between the page, the worker that runs programs and the TypeScript worker.
 *
 * @module
 */
import type { Display } from "../gallery/show.ts";

/** The device on which a program runs. */
export type Backend = "wasm" | "webgpu";

/** The message that starts a program. */
export interface RunRequest {
  /** JavaScript with the same lines as the TypeScript from which it was made. */
  readonly code: string;
  readonly backend: Backend;
  /** Whether to read through a canvas on WebGPU adapters in software, too, for which browsers need flags. */
  readonly canvas: boolean;
}

/** A printed tensor. */
export interface TensorValue {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The result of `String(tensor)`. */
  readonly text: string;
  /** The elements, if it is a vector or matrix that is small enough. */
  readonly elements: readonly (number | boolean)[] | null;
}

/** A picture, as a data URL. */
export interface PictureValue {
  readonly picture: string;
}

/** One argument of `console.log`. */
export type Printed = string | TensorValue | PictureValue;

/** The methods of `console` that print. */
export type Level = "log" | "info" | "warn" | "error" | "debug";

/** An error, and its location in the program. */
export interface Failure {
  readonly message: string;
  /** The lines of the program that were running, the innermost first, counted from 1. */
  readonly lines: readonly number[];
}

/** The messages of a running program. */
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

/** A completion at the cursor. */
export interface Completion {
  readonly label: string;
  readonly kind: string;
  /** The module from which it can be imported, if it is not imported yet. */
  readonly source?: string;
}

/** Information about a name. */
export interface Hover {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly documentation: string;
}

/** The JavaScript of a program, or the reason why there is none. */
export type Transpiled = { readonly code: string } | { readonly mistakes: readonly Mistake[] };

/** The requests to the TypeScript worker; each receives the program's text first. */
export interface Language {
  mistakes(text: string): readonly Mistake[];
  /** Completions at position `at`, and the start of the word that they complete. */
  completions(text: string, at: number): {
    readonly from: number;
    readonly entries: readonly Completion[];
  } | null;
  /** The signature and documentation of a completion, and the edits that import it. */
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
