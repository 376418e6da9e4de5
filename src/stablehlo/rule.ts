/**
 * What a rule is: how the text of one primitive is written.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import type { Type } from "../core/tensor.ts";
import type { Builder } from "./builder.ts";
import type { Value } from "./writer.ts";

/** What a rule is given besides the values. */
export interface Context<P> {
  /** The parameters of the equation. */
  readonly params: P;
  /** The types of its results. */
  readonly types: readonly Type[];
  /** Notes that the program has no result where this flag, a scalar, is set. */
  readonly fail: (flag: Value) => void;
}

/** Writes one equation and gives its results. */
export type Rule<P> = (
  b: Builder,
  args: readonly Value[],
  context: Context<P>,
) => readonly Value[];

/** The parameters of a primitive. */
export type ParamsOf<T> = T extends Primitive<infer P> ? P : never;

/** A rule that gives one result, from the arguments alone. */
export function one(write: (b: Builder, ...args: readonly Value[]) => Value): Rule<unknown> {
  return (b, args) => [write(b, ...args)];
}
