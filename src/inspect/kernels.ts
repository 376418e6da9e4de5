/**
 * Results of the compiler: passes, kernels and memory.
 *
 * @module
 */
import { backendOf } from "../backends/devices.ts";
import { executableOf } from "../backends/run.ts";
import type { MemoryUsage } from "../backends/backend.ts";
import { defaultDevice } from "../core/device.ts";
import type { Program } from "../core/program.ts";
import { passes as allPasses } from "../passes/mod.ts";
import { table } from "./table.ts";
import { checkIsProgram } from "./text.ts";

export type { MemoryUsage } from "../backends/backend.ts";

/**
 * One kernel of a compiled program.
 *
 * @category Inspection
 */
export interface KernelInfo {
  /** The operations in it, by the names of their primitives. */
  readonly name: string;
  /** The approximate number of arithmetic operations. */
  readonly operations: number;
  /** An estimate of the bytes that it reads and writes. */
  readonly bytes: number;
  /** The number of chunks into which it is divided, which threads share. */
  readonly chunks: number;
  /** Whether it runs within the chunks of the previous kernel, on data in cache. */
  readonly isFused: boolean;
  /**
   * The number of enclosing loops and switches. The figures are those of one iteration; the entry of
   * the loop, which precedes it, counts them for all iterations.
   */
  readonly depth: number;
}

/**
 * The compiled form of a program.
 *
 * @category Inspection
 */
export interface Compilation {
  /** The kernels, in the order in which they run. */
  readonly kernels: readonly KernelInfo[];
  /** The number of times that threads wait for each other, plus one. */
  readonly steps: number;
  /** Bytes of working memory of the program, excluding large arguments and results. */
  readonly workspace: number;
  /** Bytes of its WebAssembly module. */
  readonly code: number;
  /** A table of the kernels. */
  toString(): string;
}

/**
 * The kernels with which `jit` would run a program, with estimates of their work.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @returns The kernels; `String` of them is a table.
 * @throws {ArgumentError} when `program` is not a program.
 *
 * @example Elementwise operations become one kernel
 * ```ts
 * import { inspect, makeProgram, TensorType } from "@jacobi/jacobi";
 *
 * const x = new TensorType("float32", [100]);
 * const { kernels } = inspect.kernels(makeProgram((x) => x.mul(2).add(1).exp())(x));
 * if (kernels.length !== 1 || kernels[0].name !== "mul add exp") throw new Error(String(kernels));
 * ```
 */
export function kernels(program: Program): Compilation {
  checkIsProgram(program, "list the kernels of");
  const { kernels, steps, workspace, code } = executableOf(program).describe();
  const list = kernels.map(({ name, ...rest }): KernelInfo => ({
    name: name.replace(/^\+ /, ""),
    ...rest,
    isFused: name.startsWith("+ "),
  }));
  return {
    kernels: list,
    steps,
    workspace,
    code,
    toString() {
      const rows = list.map(({ name, operations, bytes, chunks, isFused, depth }) => [
        `${"  ".repeat(depth)}${isFused ? "  + " : ""}${name}`,
        operations.toLocaleString("en"),
        bytes.toLocaleString("en"),
        String(chunks),
      ]);
      return table([["kernel", "operations", "bytes", "chunks"], ...rows]) +
        `\n${steps} steps, ${workspace.toLocaleString("en")} bytes of workspace, ` +
        `${code.toLocaleString("en")} bytes of code`;
    },
  };
}

/**
 * A program after one pass of the compiler.
 *
 * @category Inspection
 */
export interface PassResult {
  /** The pass. */
  readonly name: string;
  /** The program after it. */
  readonly program: Program;
}

/**
 * The program after each pass of the compiler, in order.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @returns One entry for each pass; the last program is the result of `optimize`.
 * @throws {ArgumentError} when `program` is not a program.
 *
 * @example The passes by name
 * ```ts
 * import { inspect, makeProgram } from "@jacobi/jacobi";
 *
 * const steps = inspect.passes(makeProgram((x) => x.mul(1))(2));
 * console.log(steps.map(({ name, program }) => `${name}: ${program}`).join("\n"));
 * if (steps.at(-1)?.program.equations.length !== 0) throw new Error();
 * ```
 */
export function passes(program: Program): readonly PassResult[] {
  checkIsProgram(program, "optimize");
  let current = program;
  return allPasses.map(({ name, run }) => {
    current = run(current);
    return { name, program: current };
  });
}

/**
 * The linear memory used by tensors and compiled programs, in bytes.
 *
 * @category Inspection
 * @returns The memory in use, its maximum so far, the limit from which tensors are moved out, and the
 * number of tensors in it.
 *
 * @example After a compiled function has run
 * ```ts
 * import { inspect, jit, ones } from "@jacobi/jacobi";
 *
 * jit((x) => x.add(1))(ones([10000])).item;
 * const { held, limit } = inspect.memoryUsage();
 * if (!(held > 0 && held <= limit)) throw new Error(`${held} of ${limit}`);
 * ```
 */
export function memoryUsage(): MemoryUsage {
  return backendOf(defaultDevice()).memoryUsage();
}
