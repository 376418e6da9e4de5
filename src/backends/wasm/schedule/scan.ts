/**
 * The kernel of a scan: elements of sequences are read and written in place, and carried values alternate
 * between two buffers. Nothing is copied between rounds.
 *
 * @module
 */
import { bytesOf } from "../../../base/shape.ts";
import { Program, typeOf } from "../../../core/program.ts";
import { advance, type Pointer, times } from "../kernels/addresses.ts";
import { type Builder, chunksOf, type Order, type Rows, type Stage } from "../kernels/kernel.ts";
import { eachUnit } from "../kernels/partition.ts";
import type { Code } from "../assembler/code.ts";
import type { Local } from "../assembler/expression.ts";
import { i32, select } from "../assembler/operations.ts";
import type { ControlEquation, ScanParams } from "../../../passes/control.ts";
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
} from "./loop.ts";
import { copyValue, Region } from "./region.ts";

/** The number of chunks into which independent rounds are divided. */
const MOST_PIECES = 16;

/** The maximum total working memory of these chunks in bytes. */
const MOST_WORKSPACE = 2 ** 26;

/**
 * A carried value that is also an element of a sequence of results and is stored there: as the element of
 * its own round, or of the next round.
 */
interface Link {
  readonly kind: "before" | "behind";
  /** The index of the sequence among all outputs. */
  readonly output: number;
  /** Bytes from one element to the next. */
  readonly stride: number;
}

/** A scan with a planned body. */
interface Scan {
  readonly builder: Builder;
  readonly params: ScanParams;
  readonly region: Region;
  /** The region's results, as indices of results of the body. */
  readonly results: readonly number[];
  /** The sequence of each carried value, if it has one. */
  readonly links: readonly (Link | null)[];
  /** The second buffer of each carried value. */
  readonly spares: readonly Spare[];
}

/** The sequences in which carried values are stored. */
function findLinks({ body, length, consts, carry }: ScanParams): (Link | null)[] {
  const taken = new Set<number>();
  return body.results.slice(0, carry).map((result, i): Link | null => {
    const stride = bytesOf(typeOf(result));
    if (stride === 0 || length === 0) return null;
    for (let output = carry; output < body.results.length; output++) {
      const atom = body.results[output];
      if (taken.has(output) || (atom !== result && atom !== body.binders[consts + i])) continue;
      taken.add(output);
      return { kind: atom === result ? "behind" : "before", output, stride };
    }
    return null;
  });
}

/** The kernel of a scan; `null` if part of it must be left to the evaluator. */
export function emitScan(
  builder: Builder,
  { params, inputs, outputs }: ControlEquation & { readonly kind: "scan" },
  { scheduleInner, sharedFrom }: LoopOptions,
): LoopKernel | null {
  const { body, length, consts, carry } = params;
  const links = findLinks(params);
  const linked = new Set(links.map((link) => link?.output));
  const results = body.results.map((_, i) => i).filter((i) => !linked.has(i));
  const inner = new Program(body.binders, body.equations, results.map((i) => body.results[i]));
  const region = Region.make(
    builder,
    inner,
    scheduleInner,
    (i) => i < carry && links[i] === null ? consts + i : null,
  );
  if (region === null) return null;
  const types = body.results.slice(0, carry).map(typeOf);
  const { spares, end } = planSpares(
    types,
    (i) => length > 1 && links[i] === null && !region.takesOver(i),
    region.workspace,
  );
  const scan: Scan = { builder, params, region, results, links, spares };
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
  const stages: Stage[] = [];
  if (pieces > 1) {
    const rows = { count: length, perChunk: Math.ceil(length / pieces) };
    const chunks = Math.ceil(length / rows.perChunk);
    stages.push(stageOf({ chunks, rows }, (code, places, chunk) => {
      writePiece(code, region, params, places, chunk, rows, end);
    }));
  } else if (isDivided) {
    stages.push(stageOf({ chunks: chunksOf(order), order }, (code, places, chunk) => {
      writeScanChunk(code, scan, places, chunk);
    }));
    if (links.some((link) => link?.kind === "behind")) {
      stages.push(copyStage(scan, name, inputs.length));
    }
  } else {
    stages.push(stageOf({ chunks: 1 }, (code, places) => {
      if (length > 0) return writeScan(code, scan, places);
      types.forEach((type, i) => {
        copyValue(builder, code, type, places.outputs[i], places.inputs[consts + i]);
      });
    }));
  }
  return {
    stages,
    workspaces,
    operations: length * region.operations,
    bytes: length * region.bytes,
    inside: within(region),
    inPlace: carriedInPlace(region, consts, inputs.length, carry),
  };
}

/** The address of a round's element in a sequence. */
function elementOfRound(
  { params: { length, reverse } }: Scan,
  base: Pointer,
  link: Link,
  round: number,
): Pointer {
  return advance(base, (reverse ? length - 1 - round : round) * link.stride);
}

/** Copies the last elements of sequences to the carried values that are equal to them. */
function copyStage(scan: Scan, name: string, inputs: number): Stage {
  const pairs = scan.links.flatMap((link, i) =>
    link?.kind === "behind" ? [{ link, type: scan.spares[i].type, output: i }] : []
  );
  const operands = pairs.flatMap(({ link, output }) => [inputs + output, inputs + link.output]);
  const { builder, params: { length } } = scan;
  const stage = loopStage(builder, name, operands.length, { chunks: 1 }, (code, all) => {
    pairs.forEach(({ link, type }, i) => {
      const last = elementOfRound(scan, all[2 * i + 1], link, length - 1);
      copyValue(builder, code, type, all[2 * i], last);
    });
  });
  return { ...stage, operands };
}

/**
 * The number of chunks into which the rounds of a scan without carried values are divided, so that they can
 * run in any order; 1 where that is impossible or does not pay off.
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

/** Writes the rounds of one chunk, which has its own working memory. */
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

/** The stride of a sequence in bytes; `index` counts all arguments or results. */
function strideOf(atoms: ScanParams["body"]["results"], index: number): number {
  return bytesOf(typeOf(atoms[index]));
}

/** Writes all rounds of a scan on one thread. */
function writeScan(code: Code, scan: Scan, { inputs, outputs, workspace }: LoopOperands): void {
  const { builder, params, region, links, spares } = scan;
  const { body, length, reverse, consts, carry } = params;
  // A sequence's pointer advances from element to element.
  const moving: { readonly pointer: Local<"i32">; readonly stride: number }[] = [];
  const elementOf = (base: Local<"i32">, stride: number): Pointer => {
    if (stride === 0) return base;
    const pointer = code.let(reverse ? advance(base, (length - 1) * stride) : base);
    moving.push({ pointer, stride: reverse ? -stride : stride });
    return pointer;
  };
  const current = spares.map((_, i) => code.let(inputs[consts + i]));
  const next = spares.map(({ offset, type }, i) => {
    const link = links[i];
    if (link === null) {
      // The last round writes to the result's own buffer; the rounds before alternate.
      const isOwn = offset === null || length % 2 === 1;
      return code.let(isOwn ? outputs[i] : advance(workspace, offset));
    }
    const first = elementOfRound(scan, outputs[link.output], link, 0);
    if (link.kind === "behind") return code.let(first);
    copyValue(builder, code, type, first, current[i]);
    return code.let(
      length === 1 ? outputs[i] : elementOfRound(scan, outputs[link.output], link, 1),
    );
  });
  const args = inputs.map((input, i) =>
    i < consts
      ? input
      : i < consts + carry
      ? current[i - consts]
      : elementOf(input, strideOf(body.binders, i))
  );
  const results = scan.results.map((i) =>
    i < carry ? next[i] : elementOf(outputs[i], strideOf(body.results, i))
  );
  const spare = code.local("i32");
  code.for({ below: length }, (round) => {
    region.write(code, { argument: (i) => args[i], result: (i) => results[i], workspace });
    for (const { pointer, stride } of moving) code.set(pointer, advance(pointer, stride));
    spares.forEach(({ offset }, i) => {
      const link = links[i];
      if (link !== null) {
        code.set(current[i], next[i]);
        const further = advance(current[i], reverse ? -link.stride : link.stride);
        const isLast = i32.eq(round, i32.const(length - 2));
        code.set(next[i], link.kind === "behind" ? further : select(isLast, outputs[i], further));
      } else if (offset === null) code.set(current[i], next[i]);
      else {
        // After the first round, the buffer that becomes free is the initial value, which must not be
        // overwritten.
        const other = length % 2 === 1 ? advance(workspace, offset) : outputs[i];
        code.set(spare, select(i32.eqz(round), other, current[i]));
        code.set(current[i], next[i]);
        code.set(next[i], spare);
      }
    });
  });
  links.forEach((link, i) => {
    if (link?.kind === "behind") {
      copyValue(builder, code, spares[i].type, outputs[i], current[i]);
    }
  });
}

/** Writes one chunk of a scan: its number determines the round and all addresses. */
function writeScanChunk(
  code: Code,
  scan: Scan,
  { inputs, outputs, workspace }: LoopOperands,
  chunk: Local<"i32">,
): void {
  const { builder, params, region, links, spares } = scan;
  const { body, length, reverse, consts, carry } = params;
  links.forEach((link, i) => {
    if (link?.kind !== "before") return;
    // The first round reads the initial value directly.
    code.if(i32.eqz(chunk), () => {
      const first = elementOfRound(scan, outputs[link.output], link, 0);
      copyValue(builder, code, spares[i].type, first, inputs[consts + i]);
    });
  });
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
  const elementOf = (base: Local<"i32">, stride: number, later = 0): Pointer =>
    stride === 0
      ? base
      : advance(i32.add(base, times(element, stride)), (reverse ? -later : later) * stride);
  // The last round writes to the result's own buffer, the one before to the second buffer.
  const written = (i: number, parity: Pointer): Pointer => {
    const { offset } = spares[i];
    return offset === null ? outputs[i] : select(parity, advance(workspace, offset), outputs[i]);
  };
  const argumentOf = (i: number): Pointer => {
    if (i < consts) return inputs[i];
    if (i >= consts + carry) return elementOf(inputs[i], strideOf(body.binders, i));
    const link = links[i - consts];
    const before = link === null
      ? written(i - consts, i32.eqz(isOdd))
      : elementOf(outputs[link.output], link.stride, link.kind === "before" ? 0 : -1);
    return select(i32.eqz(round), inputs[i], before);
  };
  const resultOf = (i: number): Pointer => {
    if (i >= carry) return elementOf(outputs[i], strideOf(body.results, i));
    const link = links[i];
    if (link === null) return written(i, isOdd);
    if (link.kind === "behind") return elementOf(outputs[link.output], link.stride);
    const isLast = i32.eq(round, i32.const(length - 1));
    return select(isLast, outputs[i], elementOf(outputs[link.output], link.stride, 1));
  };
  region.writeChunk(code, {
    argument: (i) => once(`argument ${i}`, () => argumentOf(i)),
    result: (i) => once(`result ${i}`, () => resultOf(scan.results[i])),
    workspace,
  }, inRound);
}
