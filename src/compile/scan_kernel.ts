/**
 * The kernel of a scan: elements of sequences are read and written where they are, and carried values
 * alternate between two places; nothing else is done between two rounds.
 *
 * @module
 */
import { typeOf } from "../core/program.ts";
import { advance, type Pointer, times } from "../kernels/addresses.ts";
import { type Builder, chunksOf, type Order, type Rows, type Stage } from "../kernels/kernel.ts";
import { eachUnit } from "../kernels/partition.ts";
import type { Code } from "../wasm/code.ts";
import type { Local } from "../wasm/expression.ts";
import { i32, select } from "../wasm/operations.ts";
import type { ControlEquation, ScanParams } from "./control.ts";
import {
  carriedInPlace,
  divideOperands,
  isShared,
  type LoopKernel,
  type LoopOperands,
  type LoopOptions,
  loopStage,
  MOST_CHUNKS,
  planSpares,
  type Spare,
  within,
} from "./loop_kernel.ts";
import { bytesOf, copyValue, Region } from "./region.ts";

/** Into how many chunks rounds are divided that do not depend on each other. */
const MOST_PIECES = 16;

/** The most bytes of working memory for these, all together. */
const MOST_WORKSPACE = 2 ** 26;

/** The kernel of a scan; `null` if part of it must be left to the evaluator. */
export function emitScan(
  builder: Builder,
  { params, inputs, outputs }: ControlEquation & { readonly kind: "scan" },
  { scheduleInner, sharedFrom }: LoopOptions,
): LoopKernel | null {
  const { body, length, consts, carry } = params;
  const region = Region.make(body, scheduleInner, (i) => i < carry ? consts + i : null);
  if (region === null) return null;
  const types = body.results.slice(0, carry).map(typeOf);
  const { spares, end } = planSpares(
    types,
    (i) => length > 1 && !region.takesOver(i),
    region.workspace,
  );
  const pieces = piecesOf(region, params, end, sharedFrom);
  const workspaces = end > 0 ? [end * pieces] : [];
  const operands = inputs.length + outputs.length + workspaces.length;
  const name = `scan of ${length}`;
  const stageOf = (
    chunks: Pick<Stage, "chunks" | "order" | "rows">,
    write: (code: Code, places: LoopOperands, chunk: Local<"i32">) => void,
  ): Stage =>
    loopStage(builder, name, operands, chunks, (code, all, chunk) => {
      write(code, divideOperands(all, inputs.length, outputs.length), chunk);
    });
  const order: Order = { rounds: length, parts: region.parts };
  const isDivided = isShared(region, sharedFrom) && length > 0 && chunksOf(order) <= MOST_CHUNKS;
  let stage: Stage;
  if (pieces > 1) {
    const rows = { count: length, perChunk: Math.ceil(length / pieces) };
    const chunks = Math.ceil(length / rows.perChunk);
    stage = stageOf({ chunks, rows }, (code, places, chunk) => {
      writePiece(code, region, params, places, chunk, rows, end);
    });
  } else if (isDivided) {
    stage = stageOf({ chunks: chunksOf(order), order }, (code, places, chunk) => {
      writeScanChunk(code, region, params, spares, places, chunk);
    });
  } else {
    stage = stageOf({ chunks: 1 }, (code, places) => {
      if (length > 0) return writeScan(code, region, params, spares, places);
      types.forEach((type, i) => {
        copyValue(builder, code, type, places.outputs[i], places.inputs[consts + i]);
      });
    });
  }
  return {
    stages: [stage],
    workspaces,
    operations: length * region.operations,
    bytes: length * region.bytes,
    inside: within(region),
    inPlace: carriedInPlace(region, consts, inputs.length, carry),
  };
}

/**
 * Into how many chunks the rounds of a scan are divided that carries nothing, so that they can be
 * done in any order; 1 where they cannot, or are not worth it.
 */
function piecesOf(
  region: Region,
  { length, carry }: ScanParams,
  workspace: number,
  sharedFrom: number,
): number {
  if (carry > 0 || length < 2) return 1;
  const work = length * (region.operations + region.bytes);
  if (work < 2 * sharedFrom || work === 0) return 1;
  const pieces = Math.min(MOST_PIECES, length, Math.floor(work / sharedFrom));
  return pieces * workspace <= MOST_WORKSPACE ? pieces : 1;
}

/** The rounds of one chunk, in working memory of its own. */
function writePiece(
  code: Code,
  region: Region,
  { body, consts }: ScanParams,
  { inputs, outputs, workspace }: LoopOperands,
  chunk: Local<"i32">,
  rows: Rows,
  bytes: number,
): void {
  const moving: { readonly pointer: Local<"i32">; readonly stride: number }[] = [];
  const first = code.let(times(chunk, rows.perChunk));
  const elementOf = (base: Local<"i32">, stride: number): Pointer => {
    if (stride === 0) return base;
    const pointer = code.let(i32.add(base, times(first, stride)));
    moving.push({ pointer, stride });
    return pointer;
  };
  const own = code.let(i32.add(workspace, times(chunk, bytes)));
  const args = inputs.map((input, i) =>
    i < consts ? input : elementOf(input, strideOf(body.binders, i))
  );
  const results = outputs.map((output, i) => elementOf(output, strideOf(body.results, i)));
  eachUnit(code, rows, chunk, () => {
    region.write(code, { argument: (i) => args[i], result: (i) => results[i], workspace: own });
    for (const { pointer, stride } of moving) code.set(pointer, advance(pointer, stride));
  });
}

/** Bytes from one element of a sequence to the next; `index` counts all arguments, or results. */
function strideOf(atoms: ScanParams["body"]["results"], index: number): number {
  return bytesOf(typeOf(atoms[index]));
}

/** All rounds of a scan, on one thread. */
function writeScan(
  code: Code,
  region: Region,
  { body, length, reverse, consts, carry }: ScanParams,
  spares: readonly Spare[],
  { inputs, outputs, workspace }: LoopOperands,
): void {
  // A sequence's pointer moves from element to element.
  const moving: { readonly pointer: Local<"i32">; readonly stride: number }[] = [];
  const elementOf = (base: Local<"i32">, stride: number): Pointer => {
    if (stride === 0) return base;
    const pointer = code.let(reverse ? advance(base, (length - 1) * stride) : base);
    moving.push({ pointer, stride: reverse ? -stride : stride });
    return pointer;
  };
  const current = spares.map((_, i) => code.let(inputs[consts + i]));
  // The last round writes to the result's own place, those before alternate.
  const next = spares.map(({ offset }, i) =>
    code.let(offset === null || length % 2 === 1 ? outputs[i] : advance(workspace, offset))
  );
  const args = inputs.map((input, i) =>
    i < consts
      ? input
      : i < consts + carry
      ? current[i - consts]
      : elementOf(input, strideOf(body.binders, i))
  );
  const results = outputs.map((output, i) =>
    i < carry ? next[i] : elementOf(output, strideOf(body.results, i))
  );
  const spare = code.local("i32");
  code.for({ below: length }, (round) => {
    region.write(code, { argument: (i) => args[i], result: (i) => results[i], workspace });
    for (const { pointer, stride } of moving) code.set(pointer, advance(pointer, stride));
    spares.forEach(({ offset }, i) => {
      if (offset === null) return code.set(current[i], next[i]);
      // Behind the first round, what comes free is the initial value, which is not ours.
      const other = length % 2 === 1 ? advance(workspace, offset) : outputs[i];
      code.set(spare, select(i32.eqz(round), other, current[i]));
      code.set(current[i], next[i]);
      code.set(next[i], spare);
    });
  });
}

/** One chunk of a scan: its round follows from its number, and so does where everything is. */
function writeScanChunk(
  code: Code,
  region: Region,
  { body, length, reverse, consts, carry }: ScanParams,
  spares: readonly Spare[],
  { inputs, outputs, workspace }: LoopOperands,
  chunk: Local<"i32">,
): void {
  const perRound = chunksOf({ rounds: 1, parts: region.parts });
  const round = code.let(i32.divU(chunk, i32.const(perRound)));
  const inRound = code.let(i32.sub(chunk, times(round, perRound)));
  const element = reverse ? code.let(i32.sub(i32.const(length - 1), round)) : round;
  const isOdd = code.let(i32.and(i32.sub(i32.const(length - 1), round), i32.const(1)));
  const known = new Map<string, Pointer>();
  const once = (key: string, make: () => Pointer): Pointer => {
    let pointer = known.get(key);
    if (pointer === undefined) known.set(key, pointer = make());
    return pointer;
  };
  const elementOf = (base: Local<"i32">, stride: number): Pointer =>
    stride === 0 ? base : i32.add(base, times(element, stride));
  // Written to the result's own place in the last round, the one before the last to the other.
  const written = (i: number, parity: Pointer): Pointer => {
    const { offset } = spares[i];
    return offset === null ? outputs[i] : select(parity, advance(workspace, offset), outputs[i]);
  };
  const makeArgument = (i: number): Pointer => {
    if (i < consts) return inputs[i];
    if (i >= consts + carry) return elementOf(inputs[i], strideOf(body.binders, i));
    const before = written(i - consts, i32.eqz(isOdd));
    return select(i32.eqz(round), inputs[i], before);
  };
  region.writeChunk(code, {
    argument: (i) => once(`argument ${i}`, () => makeArgument(i)),
    result: (i) =>
      once(
        `result ${i}`,
        () => i < carry ? written(i, isOdd) : elementOf(outputs[i], strideOf(body.results, i)),
      ),
    workspace,
  }, inRound);
}
