/**
 * Types of transformed trees.
 *
 * @module
 */
import type { Tensor } from "./tensor.ts";
import type { TypedArray } from "./methods.ts";

/**
 * The values that a caller may pass where a transformed function takes a tensor.
 *
 * @category Types of functions and trees
 */
export type Leaf = Tensor | number | boolean | TypedArray;

/**
 * The arguments of a function of trees: of any types, since the contents of a tree are checked only at
 * run time. A type parameter `Args extends AnyArgs` is inferred from the given function.
 *
 * @category Types of functions and trees
 */
// deno-lint-ignore no-explicit-any
export type AnyArgs = any[];

/**
 * Any function.
 *
 * @category Types of functions and trees
 */
export type AnyFunction = (...args: AnyArgs) => unknown;

/**
 * Whether `T` is `any`, which is left unchanged.
 *
 * @category Types of functions and trees
 */
export type IsAny<T> = 0 extends 1 & T ? true : false;

/**
 * The result of a function that is differentiated: a tree of tensors. A JavaScript number cannot depend
 * on the arguments, and is rejected.
 *
 * @category Types of functions and trees
 */
export type Differentiable = object | null;

/**
 * A tree type with tensors at its leaves: numbers become tensors, nodes are unchanged.
 *
 * @category Types of functions and trees
 */
export type TensorsOf<T> = IsAny<T> extends true ? T
  : [Tensor] extends [T] ? Tensor
  : T extends number | boolean | TypedArray ? Tensor
  : T extends null | undefined | string | AnyFunction ? T
  : { [K in keyof T]: TensorsOf<T[K]> };

/**
 * `Value` for a tree type with numbers or typed arrays at its leaves, `never` for a tree of tensors and
 * for a type that is still generic. The first overload of a function takes the former, and its result
 * has tensors where the argument has numbers. The other overloads return the type of their argument, so
 * that generic functions can wrap them.
 *
 * @category Types of functions and trees
 */
export type WithNumbers<T, Value = T> = [T] extends [TensorsOf<T>] ? never : Value;

/**
 * A tree type that also takes numbers where the original has tensors.
 *
 * @category Types of functions and trees
 */
export type LeavesOf<T> = T | Loosened<T>;

/**
 * A tree type with numbers allowed in place of tensors.
 *
 * @category Types of functions and trees
 */
export type Loosened<T> = IsAny<T> extends true ? T
  : [T] extends [Tensor] ? Leaf
  : [Tensor] extends [T] ? T | Leaf
  : T extends null | undefined | number | boolean | string | Tensor | TypedArray | AnyFunction ? T
  : { [K in keyof T]: Loosened<T[K]> };

/**
 * The parameters of a transformed function.
 *
 * @category Types of functions and trees
 */
export type LooseArgs<Args extends readonly unknown[]> = { [K in keyof Args]: LeavesOf<Args[K]> };

/**
 * A tree of the results' types.
 *
 * @category Types of functions and trees
 */
export type ResultArgs<Args extends readonly unknown[]> = { [K in keyof Args]: TensorsOf<Args[K]> };

/**
 * In a union with a type that is being inferred, makes the compiler infer tuples for array literals.
 * Its only own values are empty trees.
 *
 * @category Types of functions and trees
 */
export type TupleHint = [] | readonly TupleHint[] | { readonly [key: string]: TupleHint };

/**
 * The same list of types, excluded from inference.
 *
 * @category Types of functions and trees
 */
export type EachNoInfer<List extends readonly unknown[]> = {
  [K in keyof List]: NoInfer<List[K]>;
};
