/**
 * Conversion of algorithms on a batch of matrices to stages. Each matrix belongs to one chunk; or,
 * if there are few large matrices, each phase of the algorithm is a separate stage, which threads
 * share.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { Effect, Expression } from "../../assembler/expression.ts";
import { i32 } from "../../assembler/operations.ts";
import type { Pointer } from "../addresses.ts";
import type { Builder, Kernel, Stage } from "../kernel.ts";
import { offsetBy, roundUp } from "./blocks.ts";
import { chunkEnd } from "../partition.ts";

/** One step of an algorithm. */
export interface Phase {
  /** Its name in lists of kernels. */
  readonly name: string;
  /** The number of its parts, which can be done in any order. */
  readonly parts: number;
  /** The work of one part on one matrix, whose buffers and workspaces are at these addresses. */
  readonly run: (at: readonly Pointer[], part: Pointer) => Effect;
}

/** An algorithm on matrices of one size. */
export interface Algorithm {
  /** Its name. */
  readonly name: string;
  /** The number of matrices. */
  readonly count: number;
  /** Bytes of one matrix in each buffer. */
  readonly buffers: readonly number[];
  /** Bytes of each workspace for one matrix. */
  readonly workspaces: readonly number[];
  /** An estimate of the arithmetic operations for one matrix. */
  readonly operations: number;
  /** The steps, with parts of the best size for sharing between threads, or for a single thread. */
  readonly phases: (isShared: boolean) => readonly Phase[];
}

/** The number of matrices that keeps all threads busy. */
const MANY = 8;

/** The maximum number of chunks, each with separate workspaces. */
const MOST_CHUNKS = 16;

// Measured on two cores of an AMD EPYC (Zen 3) with Deno 2.9.6: compare the group "shared: cholesky" of
// `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`.

/** The number of operations of a matrix from which several threads share it. */
const LARGE = 5e6;

/** The number of operations that does not pay for a separate chunk. */
const SMALL = 2e4;

/** The stages of an algorithm. */
export function emitPhases(builder: Builder, algorithm: Algorithm): Kernel {
  const { name, count, buffers, workspaces, operations, phases } = algorithm;
  const bytes = count * buffers.reduce((sum, one) => sum + one, 0);
  const areas = workspaces.map((one) => roundUp(one, 64));
  const operands = range(buffers.length + workspaces.length);
  const total = count * operations;
  if (count < MANY && operations >= LARGE) {
    const stages = phases(true).map(({ name, parts, run }): Stage => ({
      name,
      run: builder.module.function(name, [...operands, 0].map(() => "i32" as const), "none", (
        code,
        ...locals
      ) => {
        const chunk = locals[operands.length];
        if (count === 1) return code.do(run(locals.slice(0, -1), chunk));
        const matrix = code.let(i32.divU(chunk, i32.const(parts)));
        const at = operands.map((operand) =>
          code.let(offsetBy(locals[operand], matrix, [...buffers, ...areas][operand]))
        );
        code.do(run(at, i32.remU(chunk, i32.const(parts))));
      }),
      operands,
      chunks: count * parts,
    }));
    return { stages, workspaces: areas.map((one) => count * one), operations: total, bytes };
  }
  const wanted = Math.min(MOST_CHUNKS, count, Math.max(1, Math.floor(total / SMALL)));
  const perChunk = Math.ceil(count / wanted);
  const chunks = Math.ceil(count / perChunk);
  const run = builder.module.function(name, [...operands, 0].map(() => "i32" as const), "none", (
    code,
    ...locals
  ) => {
    const chunk: Expression<"i32"> = locals[operands.length];
    const places = areas.map((area, i) =>
      code.let(offsetBy(locals[buffers.length + i], chunk, area))
    );
    const end = code.let(chunkEnd({ count, perChunk }, chunk));
    code.for({ from: i32.mul(chunk, i32.const(perChunk)), below: end }, (matrix) => {
      const at = [
        ...buffers.map((one, i) => code.let(offsetBy(locals[i], matrix, one))),
        ...places,
      ];
      for (const { parts, run } of phases(false)) {
        if (parts === 1) code.do(run(at, i32.const(0)));
        else code.for({ below: parts }, (part) => code.do(run(at, part)));
      }
    });
  });
  const stage: Stage = { name, run, operands, chunks };
  return {
    stages: [stage],
    workspaces: areas.map((one) => chunks * one),
    operations: total,
    bytes,
  };
}

/** The kernel of a result without elements. */
export const nothing: Kernel = { stages: [], workspaces: [], operations: 0, bytes: 0 };
