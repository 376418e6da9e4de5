/**
 * Kernels of loop nests: elementwise work, data movement and reductions.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import type { Builder, Kernel, Rows, Stage } from "../kernel.ts";
import type { Affine, Nest } from "../../../../lowering/nest.ts";
import { type Pieces, piecesOf } from "./pieces.ts";
import { blockOf, makePlan, type Plan } from "./plan.ts";
import { roundsOf } from "./cost.ts";
import { product, simplify } from "../../../../lowering/simplify_nest.ts";
import { writeNest } from "./writer.ts";

export { canEmit } from "./operations.ts";

/**
 * The numbers of rows that a nest's result can be divided into: the products of its leading kept
 * loops, from the outermost alone to all of them.
 */
export function rowsOf({ lengths, reduced }: Nest): readonly number[] {
  const kept = lengths.slice(0, lengths.length - reduced);
  return kept.map((_, i) => product(kept.slice(0, i + 1)));
}

/**
 * The preferred granularity of rows of a nest: chunks of a multiple of it need no partly filled
 * vectors. It is 1 where rows are long.
 *
 * @param count The number of all rows, one of `rowsOf`.
 */
export function rowUnit(nest: Nest, count: number): number {
  if (product(nest.lengths) === 0) return 1;
  const plan = makePlan(simplify(nest), { count, perChunk: 1 });
  const { loops, count: rounds } = plan.split;
  if (loops.length === 0) return 1;
  const block = blockOf(plan, loops[loops.length - 1]);
  return block / greatestCommonDivisor(block, rounds / count);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The name of a nest, derived from its work. */
function nameOf(nest: Nest): string {
  const names = nest.nodes.flatMap((node) =>
    node.kind === "map" || node.kind === "reduce" ? [node.operation] : []
  );
  const shown = [...new Set(names)].slice(0, 4);
  return shown.length === 0 ? "copy" : shown.join(" ");
}

/** The number of elements that an access may reach. */
function reach({ strides }: Affine, lengths: readonly number[]): number {
  return product(lengths.filter((_, i) => strides[i] !== 0));
}

function estimates(nest: Nest): Pick<Kernel, "operations" | "bytes"> {
  const { lengths, nodes, stores, buffers } = nest;
  const rounds = roundsOf(nest);
  const operations = nodes.reduce(
    (sum, { kind }, i) => kind === "map" || kind === "reduce" ? sum + rounds[i] : sum,
    0,
  );
  const accesses = [
    ...nodes.flatMap((node) => node.kind === "load" ? [node.from] : []),
    ...stores.map(({ to }) => to),
  ];
  const bytes = accesses.map((access) => reach(access, lengths) * byteSize(buffers[access.buffer]));
  return { operations, bytes: bytes.reduce((sum, part) => sum + part, 0) };
}

/** Buffers that nests read or write, in order. */
function operandsOf(...nests: readonly Nest[]): readonly number[] {
  const buffers = nests.flatMap(({ nodes, stores }) => [
    ...nodes.flatMap((node) => node.kind === "load" ? [node.from.buffer] : []),
    ...stores.map(({ to }) => to.buffer),
  ]);
  return [...new Set(buffers)].sort((a, b) => a - b);
}

type ChunkFunction = FunctionReference<readonly "i32"[], "none">;

type ChunkBody = (code: Code, addresses: readonly Local<"i32">[], chunk: Local<"i32">) => void;

/** A function of the addresses of operands and the number of a chunk. */
function chunkFunction(
  { module }: Builder,
  name: string,
  operands: readonly number[],
  body: ChunkBody,
): ChunkFunction {
  const parameters = Array.from({ length: operands.length + 1 }, () => "i32" as const);
  return module.function(name, parameters, "none", (code, ...locals) => {
    const addresses: Local<"i32">[] = [];
    operands.forEach((operand, i) => addresses[operand] = locals[i]);
    body(code, addresses, locals[operands.length]);
  });
}

/** A nest and the requirements on its chunks. */
interface Chunks {
  /** The nest, simplified. */
  readonly nest: Nest;
  /** The rows that each chunk must do, if they are prescribed. */
  readonly rows: Rows | undefined;
}

/** A function that does a chunk of a nest, and the number of chunks. */
function emitChunks(
  builder: Builder,
  { nest, rows }: Chunks,
): { readonly run: ChunkFunction; readonly split: Plan["split"] } {
  const plan = makePlan(nest, rows);
  const run = chunkFunction(builder, nameOf(nest), operandsOf(nest), (code, addresses, chunk) => {
    writeNest(builder, code, plan, addresses, chunk);
  });
  return { run, split: plan.split };
}

/** A stage that does the whole of a simplified nest. */
function wholeStage(builder: Builder, nest: Nest, rows: Rows | undefined): Stage {
  const operands = operandsOf(nest);
  const name = nameOf(nest);
  const { run, split: { chunks, count, perChunk, isRows } } = builder.once(emitChunks, {
    nest,
    rows,
  });
  const known = rows ?? (isRows ? { count, perChunk } : undefined);
  return { name, run: run as unknown as FunctionReference, operands, chunks, rows: known };
}

/** A function that does nothing. */
function emitNothing(builder: Builder): ChunkFunction {
  return chunkFunction(builder, "nothing", [], () => {});
}

/** A stage without work. */
function emptyStage(builder: Builder, nest: Nest, { count, perChunk }: Rows): Stage {
  const run = builder.once(emitNothing);
  const chunks = Math.ceil(count / perChunk);
  const name = nameOf(nest);
  return {
    name,
    run: run as unknown as FunctionReference,
    operands: [],
    chunks,
    rows: { count, perChunk },
  };
}

/** The nests of the pieces of a reduction: the first computes all pieces but the last. */
type PieceNests = Pick<Pieces, "parts" | "full">;

/** A function that does a piece of a reduction. */
function emitPieces(builder: Builder, { parts, full }: PieceNests): ChunkFunction {
  const operands = operandsOf(parts[0]);
  const runs = parts.map((nest, i) =>
    builder.once(emitChunks, { nest, rows: { count: i === 0 ? full : 1, perChunk: 1 } }).run
  );
  if (runs.length === 1) return runs[0];
  return chunkFunction(builder, nameOf(parts[0]), operands, (code, addresses, chunk) => {
    const given = operands.map((operand) => addresses[operand]);
    code.if(
      i32.ltU(chunk, i32.const(full)),
      () => code.do(runs[0].call(...given, chunk)),
      () => code.do(runs[1].call(...given, i32.const(0))),
    );
  });
}

/** The pieces of a reduction: one chunk for each. */
function pieceStage(builder: Builder, pieces: Pieces): Stage {
  const parts = pieces.parts.map(simplify);
  const { full } = pieces;
  const run = builder.once(emitPieces, { parts, full });
  const chunks = full + parts.length - 1;
  const name = nameOf(parts[0]);
  const operands = operandsOf(parts[0]);
  return { name, run: run as unknown as FunctionReference, operands, chunks };
}

/** A function that does all rows of nests, one nest after the other. */
function emitSequence(
  builder: Builder,
  { nests, rows }: { readonly nests: readonly Nest[]; readonly rows: Rows },
): ChunkFunction {
  const own = nests.map((nest) => operandsOf(nest));
  const operands = operandsOf(...nests);
  const runs = nests.map((nest) => builder.once(emitChunks, { nest, rows }).run);
  return chunkFunction(builder, nameOf(nests[0]), operands, (code, addresses, chunk) => {
    runs.forEach((run, i) =>
      code.do(run.call(...own[i].map((operand) => addresses[operand]), chunk))
    );
  });
}

/** Computes the results of a reduction from those of its pieces, in a single chunk. */
function lastStage(builder: Builder, { last, results }: Pieces): Stage {
  const nests = last.map(simplify);
  const rows = { count: results, perChunk: results };
  if (nests.length === 1) return wholeStage(builder, nests[0], rows);
  const run = builder.once(emitSequence, { nests, rows });
  return {
    name: nameOf(nests[0]),
    run: run as unknown as FunctionReference,
    operands: operandsOf(...nests),
    chunks: 1,
    rows,
  };
}

/**
 * The kernel of a nest; its buffers are the operands.
 *
 * @param rows The rows that each chunk must do, which results in a single stage; `rows.count` is
 *   one of `rowsOf`. By default, the kernel chooses the division.
 */
export function emitNest(builder: Builder, nest: Nest, rows?: Rows): Kernel {
  const figures = estimates(nest);
  if (product(nest.lengths.slice(0, nest.lengths.length - nest.reduced)) === 0) {
    const stages = rows === undefined ? [] : [emptyStage(builder, nest, rows)];
    return { stages, workspaces: [], ...figures };
  }
  const simple = simplify(nest);
  const pieces = rows === undefined ? piecesOf(simple) : undefined;
  if (pieces === undefined) {
    return { stages: [wholeStage(builder, simple, rows)], workspaces: [], ...figures };
  }
  return {
    stages: [pieceStage(builder, pieces), lastStage(builder, pieces)],
    workspaces: pieces.workspaces.map(([dtype, elements]) => elements * byteSize(dtype)),
    ...figures,
  };
}
