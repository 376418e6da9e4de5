/**
 * Arguments and results of functions with user-defined derivative rules.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, dtypeError, internalError, shapeError, treeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showType } from "../base/shape.ts";
import { leafToTensor } from "../core/convert.ts";
import { sameType, Tensor } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { checkAlive, currentTrace, isEvaluating, Tracer, WeakScalar } from "../core/trace.ts";
import { firstDifference, flatten, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { AnyFunction } from "../core/tree_types.ts";
import { flattenTensors, primalOf } from "../transforms/flatten_function.ts";

/**
 * Options of `customVjp` and `customJvp`.
 *
 * @category Custom rules
 */
export interface CustomRuleOptions {
  /**
   * The positions, counted from 0, of arguments that are not differentiated, which may be any values:
   * functions, strings, numbers that determine shapes. They are the first arguments of rules.
   */
  readonly nondiffArgnums?: number | readonly number[];
}

/** Reads the options; `what` is the start of messages: "Cannot apply customVjp". */
export function readNondiff(what: string, options: CustomRuleOptions | undefined): number[] {
  const { nondiffArgnums = [] } = readOptions(what, options, ["nondiffArgnums"]);
  const list: unknown = typeof nondiffArgnums === "number" ? [nondiffArgnums] : nondiffArgnums;
  const misfit = () =>
    argumentError(
      `${what} with nondiffArgnums ${describeValue(nondiffArgnums)}: ` +
        `expected positions of arguments, counted from 0`,
    );
  if (!Array.isArray(list)) throw misfit();
  return Array.from(list, (n) => {
    if (Number.isSafeInteger(n) && n >= 0) return n;
    throw misfit();
  });
}

/** Throws unless `rule`, the rule of this name, is a function. */
export function checkRule(rule: unknown, what: string, name: string): asserts rule is AnyFunction {
  if (typeof rule === "function") return;
  throw argumentError(`${what}: ${name} must be a function, got ${describeValue(rule)}`);
}

/** The arguments of one call of a function with a rule. */
export class RuleArguments {
  /** The arguments that are not differentiated, in order. */
  readonly nondiff: readonly unknown[];
  /** The structure of each of the others. */
  readonly structures: readonly Structure[];
  /**
   * The leaves of the others: tensors, and JavaScript numbers and booleans, which are passed to the
   * function unchanged.
   */
  readonly leaves: readonly (Tensor | number | boolean)[];
  readonly #count: number;
  readonly #positions: readonly number[];

  /** Reads `args`; `what` is the start of messages: "Cannot call a function with customVjp". */
  constructor(args: readonly unknown[], positions: readonly number[], what: string) {
    this.#count = args.length;
    this.#positions = positions;
    this.nondiff = args.filter((_, i) => positions.includes(i));
    const structures: Structure[] = [];
    const leaves: (Tensor | number | boolean)[] = [];
    args.forEach((arg, i) => {
      if (positions.includes(i)) return;
      const flat = flatten(arg);
      structures.push(flat.structure);
      flat.leaves.forEach((leaf, k) => {
        if (typeof leaf === "number" || typeof leaf === "boolean" || leaf instanceof Tensor) {
          leaves.push(leaf);
          return;
        }
        const path = [i, ...leafPaths(flat.structure)[k]];
        leaves.push(
          leafToTensor(leaf, path, `${what} (nondiffArgnums names arguments that are no tensors)`),
        );
      });
    });
    this.structures = structures;
    this.leaves = leaves;
  }

  /** Whether the call is not traced, so that only the function itself is needed. */
  get isPlain(): boolean {
    return isEvaluating() && !this.leaves.some((leaf) => leaf instanceof Tracer);
  }

  /** The tensors among the leaves, numbers in double precision. */
  get inputs(): Tensor[] {
    return this.leaves.flatMap((leaf) => leaf instanceof Tensor ? [primalOf(leaf)] : []);
  }

  /**
   * One entry per differentiated argument, with `values` in place of the inputs; if the input is a
   * number, so is the value. `constants` replace leaves that are not inputs.
   */
  fill(values: readonly unknown[], constants: readonly unknown[] = this.leaves): unknown[] {
    let next = 0;
    const filled = this.leaves.map((leaf, i) => {
      if (!(leaf instanceof Tensor)) return constants[i];
      const value = values[next++];
      const isNumber = leaf instanceof WeakScalar && value instanceof Tensor;
      return isNumber ? leaf.within(currentTrace(), value) : value;
    });
    return unflatten({ kind: "array", children: this.structures }, filled) as unknown[];
  }

  /** All arguments in order, with `values` in place of the inputs. */
  args(values: readonly Tensor[]): unknown[] {
    const filled = this.fill(values);
    const [free, own] = [this.nondiff.values(), filled.values()];
    return Array.from(
      { length: this.#count },
      (_, i) => (this.#positions.includes(i) ? free : own).next().value,
    );
  }
}

/** A result as flat tensors, checked to be like an earlier one, if there was one. */
export class ResultShape {
  #known: { readonly structure: Structure; readonly types: readonly Type[] } | null = null;

  /** The structure of the results. */
  get structure(): Structure {
    return this.#get().structure;
  }

  /** The types of the results. */
  get types(): readonly Type[] {
    return this.#get().types;
  }

  #get(): { readonly structure: Structure; readonly types: readonly Type[] } {
    if (this.#known === null) throw internalError("The structure of a result is not known yet");
    return this.#known;
  }

  /**
   * The leaves of `tree`. `what` is the start of messages, `expected` describes the tree that it must
   * match.
   */
  read(tree: unknown, what: string, expected: string): Tensor[] {
    if (tree instanceof Promise) {
      tree.catch(() => {});
      throw treeError(
        `${what}: expected a tree of tensors, got a Promise; do not use async functions`,
      );
    }
    const { leaves, structure } = flattenTensors(tree, what);
    for (const leaf of leaves) checkAlive(leaf, "the result of a derivative rule");
    if (this.#known === null) {
      this.note(structure, leaves);
      return leaves;
    }
    const difference = firstDifference(this.#known.structure, structure);
    if (difference !== null) throw treeError(`${what}: it must be like ${expected}; ${difference}`);
    checkTypes(structure, this.#known.types, leaves, what, expected);
    return leaves;
  }

  /** Records the structure and types of results. */
  note(structure: Structure, types: readonly Type[]): void {
    this.#known ??= { structure, types: types.map(({ dtype, shape }) => ({ dtype, shape })) };
  }
}

/** Throws unless values have these types. */
function checkTypes(
  structure: Structure,
  types: readonly Type[],
  values: readonly Type[],
  what: string,
  expected: string,
): void {
  const wrong = types.findIndex((type, i) => !sameType(type, values[i]));
  if (wrong < 0) return;
  const path = leafPaths(structure)[wrong];
  const place = path.length === 0 ? "" : ` at ${showPath(path)}`;
  const message = `${what}: it must be like ${expected}; ` +
    `expected ${showType(types[wrong])}${place}, got ${showType(values[wrong])}`;
  throw sameShape(types[wrong].shape, values[wrong].shape)
    ? dtypeError(`${message}; convert with astype`)
    : shapeError(message);
}
