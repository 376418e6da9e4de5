/**
 * The type of rules, which write the text of one primitive.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import type { Type } from "../core/tensor.ts";
import type { Builder } from "./builder.ts";
import type { Value } from "./writer.ts";

/** The inputs of a rule besides the values. */
export interface Context<P> {
  /** The parameters of the equation. */
  readonly params: P;
  /** The types of its results. */
  readonly types: readonly Type[];
  /** Records that the program has no result if this flag, a scalar, is set. */
  readonly fail: (flag: Value) => void;
}

/** Writes one equation and returns its results. */
export type Rule<P> = (
  b: Builder,
  args: readonly Value[],
  context: Context<P>,
) => readonly Value[];

/** The parameters of a primitive. */
export type ParamsOf<T> = T extends Primitive<infer P> ? P : never;

/** A rule with one result, from the arguments alone. */
export function one(write: (b: Builder, ...args: readonly Value[]) => Value): Rule<unknown> {
  return (b, args) => [write(b, ...args)];
}
