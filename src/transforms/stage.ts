/**
 * Staging: a function's program, without running it.
 *
 * @module
 */
import { isComplex } from "../base/dtype.ts";
import { isComplexTensor, typePair } from "../core/complex.ts";
import { leafToTensor } from "../core/convert.ts";
import { RecordingTrace } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Tensor } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { TensorType } from "../core/tensor_type.ts";
import { runUnder } from "../core/trace.ts";
import { flatten, leafPaths, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import { checkFunction, flattenFunction } from "./flatten_function.ts";
import type { AnyFunction } from "../core/tree_types.ts";

/** A traced function: its program, and the structure of its result. */
export interface Staged {
  /** The program, on the flat leaves of the arguments. */
  readonly program: Program;
  /** The structure of the result. */
  readonly structure: Structure;
  /** The types of the result's leaves. */
  readonly types: readonly Type[];
  /** Which of them were JavaScript values, with descriptions. */
  readonly values: readonly (string | undefined)[];
}

/** Traces `f` for arguments of these types. */
export function stage(
  transform: string,
  f: AnyFunction,
  structure: Structure,
  types: readonly Type[],
): Staged {
  const flat = flattenFunction(f, structure, transform);
  const trace = new RecordingTrace(transform, null);
  try {
    const results = runUnder(trace, () => flat.call(types.map((type) => trace.newBinder(type))));
    const program = trace.finish(results);
    return {
      program,
      structure: flat.resultStructure(),
      types: results.map(({ dtype, shape }) => ({ dtype, shape })),
      values: flat.resultValues(),
    };
  } finally {
    trace.alive = false;
  }
}

/** Traces `f` for example arguments. */
export function stageFor(transform: string, f: AnyFunction, args: readonly unknown[]): Staged {
  const given = flatten(args, isComplexTensor);
  const opened = given.leaves.map((leaf) =>
    leaf instanceof TensorType && isComplex(leaf.dtype) ? typePair(leaf) : leaf
  );
  const { leaves, structure } = flatten(unflatten(given.structure, opened));
  const paths = leafPaths(structure);
  const types = leaves.map((leaf, i): Type =>
    leaf instanceof Tensor || leaf instanceof TensorType
      ? leaf
      : leafToTensor(leaf, paths[i], `Cannot trace ${transform} with these arguments`)
  );
  return stage(transform, f, structure, types);
}

/**
 * The program that a function runs for arguments like the given ones. Nothing is computed; equations
 * that the result does not depend on are omitted.
 *
 * @category Programs
 * @param f A pure function of trees of tensors.
 * @returns A function that takes example arguments (tensors, numbers, or `TensorType`s, in trees) and
 * returns the program, which prints readably.
 *
 * @example The program of a derivative
 * ```ts
 * import { grad, makeProgram, sin } from "@jacobi/jacobi";
 *
 * const program = makeProgram(grad((x) => sin(x)))(1);
 * if (!String(program).includes("cos(a)")) throw new Error(String(program));
 * ```
 */
export function makeProgram(f: AnyFunction): (...args: unknown[]) => Program {
  checkFunction(f, "makeProgram");
  return (...args) => stageFor("makeProgram", f, args).program;
}

/**
 * The shapes and dtypes of a function's output, without computing it.
 *
 * @category Programs
 * @param f A pure function of trees of tensors.
 * @returns A function that takes example arguments (tensors, numbers, or `TensorType`s, in trees) and
 * returns a tree of `TensorType`s like the output of `f`.
 *
 * @example Shapes without computation
 * ```ts
 * import { evalShape, matmul, TensorType } from "@jacobi/jacobi";
 *
 * const a = new TensorType("float32", [1000, 2000]);
 * const b = new TensorType("float32", [2000, 3000]);
 * const out = evalShape(matmul)(a, b);
 * if (String(out) !== "float32[1000,3000]") throw new Error(String(out));
 * ```
 */
export function evalShape(f: AnyFunction): (...args: unknown[]) => unknown {
  checkFunction(f, "evalShape");
  return (...args) => {
    const { structure, types } = stageFor("evalShape", f, args);
    return unflatten(structure, types.map(({ dtype, shape }) => new TensorType(dtype, shape)));
  };
}
