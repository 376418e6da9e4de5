/**
 * The kernels of cumsum and cumprod. Several lines are processed in parallel. Sums along few long
 * lines are cut into segments, whose totals are computed first.
 *
 * Source: G. Blelloch, "Prefix sums and their applications", 1990.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import type { AxisParams, CumsumParams } from "../../../../primitives/reduction.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { smaller, times, VECTOR } from "../addresses.ts";
import { lanesRunner, type Running, totalBytes } from "./cumulative_lanes.ts";
import { lineRunner } from "./cumulative_line.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import { chunkEnd, type Partition, partition } from "../partition.ts";

/** Lanes that are processed at once, if they are not adjacent. */
const SCATTERED = 4;

/** The shortest line that is summed vector by vector. */
const LINE = 16;

/** The minimum length of a segment of a long line, and the maximum number of segments. */
const SEGMENT = 8192;
const MOST_SEGMENTS = 256;

/** The number of pieces of work that keeps all threads busy. */
const ENOUGH = 8;

/** The lines of a buffer and their division. All of it is part of the key of the code. */
interface Lines extends Running {
  /** Whether lines are processed from their end. */
  readonly isReverse: boolean;
  /** Whether the elements of each line are adjacent, so that it is processed alone. */
  readonly isAlone: boolean;
  /** The number of groups of lines. */
  readonly groups: number;
  /** From one group to the next. */
  readonly groupBytes: number;
  /** The number of lines in a group. */
  readonly lanes: number;
  /** From one line of a group to the next. */
  readonly laneBytes: number;
  /** The lines of a group that are processed at once. */
  readonly width: number;
  /** The length of the lines. */
  readonly length: number;
  /** From one element of a line to the next. */
  readonly stepBytes: number;
  /** The length of the segments of a line; the last one may be shorter. */
  readonly segment: number;
}

/** The kernel of `cumsum`. */
export function emitCumsum(
  builder: Builder,
  [x]: readonly Buffer[],
  { axis, reverse }: CumsumParams,
  _outputs: readonly Buffer[],
): Kernel {
  return emitCumulative(builder, x, axis, reverse, "sum");
}

/** The kernel of `cumprod`. */
export function emitCumprod(
  builder: Builder,
  [x]: readonly Buffer[],
  { axis }: AxisParams,
  _outputs: readonly Buffer[],
): Kernel {
  return emitCumulative(builder, x, axis, false, "prod");
}

function emitCumulative(
  builder: Builder,
  x: Buffer,
  axis: number,
  isReverse: boolean,
  operation: Running["operation"],
): Kernel {
  const size = sizeOf(x.shape);
  if (size === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const lines = divide(x, axis, isReverse, operation);
  const { groups, lanes, length, segment, dtype } = lines;
  const segments = Math.ceil(length / segment);
  const bytes = 2 * size * byteSize(dtype);
  if (segments === 1) {
    const stages = [builder.once(emitStage, { lines, writes: true, operands: [0, 1] })];
    return { stages, workspaces: [], operations: size, bytes };
  }
  const stages = [
    builder.once(emitStage, { lines, writes: false, operands: [0, 2] }),
    builder.once(emitStage, { lines, writes: true, operands: [0, 1, 2] }),
  ];
  const workspace = groups * segments * lanes * totalBytes(dtype);
  return { stages, workspaces: [workspace], operations: 2 * size, bytes: 1.5 * bytes };
}

/** Divides the lines along an axis. */
function divide(
  { dtype, shape }: Buffer,
  axis: number,
  isReverse: boolean,
  operation: Running["operation"],
): Lines {
  const size = byteSize(dtype);
  const length = shape[axis];
  const before = sizeOf(shape.slice(0, axis));
  const behind = sizeOf(shape.slice(axis + 1));
  const isLast = behind === 1;
  const isAlone = isLast && operation === "sum" && length >= LINE;
  const lanes = isLast ? before : behind;
  const width = isAlone ? 1 : isLast ? SCATTERED : 4 * VECTOR / size;
  const groups = isLast ? 1 : before;
  // Products of segments may overflow where running products do not.
  const isCut = operation === "sum" && length >= 2 * SEGMENT &&
    groups * Math.ceil(lanes / width) < ENOUGH;
  return {
    dtype,
    operation,
    isReverse,
    isAlone,
    groups,
    groupBytes: length * behind * size,
    lanes,
    laneBytes: isLast ? length * size : size,
    width,
    length,
    stepBytes: behind * size,
    segment: isCut ? Math.max(SEGMENT, Math.ceil(length / MOST_SEGMENTS)) : length,
  };
}

/**
 * Nanoseconds for an element of a single line, of adjacent lines, and of lines that are apart, on
 * one core of an AMD EPYC (Zen 3) with Deno 2.9.6. The group "time: cumsum" of
 * `deno bench bench/thresholds_bench.ts` measures it again.
 */
const ELEMENT_TIME = { alone: 0.5, dense: 0.5, apart: 1 };

/** The number of pieces into which lines are divided, and the time of one piece. */
function piecesOf(lines: Lines): Partition {
  const { dtype, isAlone, groups, lanes, laneBytes, width, length, segment } = lines;
  const pieces = groups * Math.ceil(lanes / width) * Math.ceil(length / segment);
  const isDense = laneBytes === byteSize(dtype);
  const nanoseconds = isAlone
    ? ELEMENT_TIME.alone
    : width * (isDense ? ELEMENT_TIME.dense : ELEMENT_TIME.apart);
  return partition(pieces, segment * nanoseconds);
}

/** A stage that writes the results, or the totals of all segments. */
function emitStage(
  builder: Builder,
  { lines, writes, operands }: {
    readonly lines: Lines;
    readonly writes: boolean;
    readonly operands: readonly number[];
  },
): Stage {
  const parts = piecesOf(lines);
  const name = lines.operation === "sum" ? "cumsum" : "cumprod";
  const run = emitChunk(builder, name, lines, parts, writes, operands);
  const { groups, lanes, width, length, segment } = lines;
  // Chunks are rows if the lines are whole and along the last axis.
  const isByRows = writes && groups === 1 && lines.laneBytes === length * lines.stepBytes &&
    segment === length;
  const rows = isByRows ? { count: lanes, perChunk: parts.perChunk * width } : undefined;
  return { name: writes ? name : `${name} totals`, run, operands, chunks: parts.chunks, rows };
}

/** The location of a piece of work. */
interface Piece {
  /** The number of its lines among those that are processed at once. */
  readonly block: Local<"i32">;
  /** The number of its segment in the order of processing. */
  readonly segment: Local<"i32">;
  /** The length of its segment. */
  readonly steps: Local<"i32">;
  /** Bytes to its first element in the order of processing. */
  readonly offset: Local<"i32">;
  /** Bytes to the total of its group's first segment. */
  readonly total: Local<"i32">;
}

function emitChunk(
  builder: Builder,
  name: string,
  lines: Lines,
  parts: Partition,
  writes: boolean,
  operands: readonly number[],
): FunctionReference {
  const { lanes, width, length } = lines;
  const blocks = Math.ceil(lanes / width);
  const rest = lanes % width;
  const whole = lanes < width ? undefined : emitPiece(builder, name, lines, width, writes);
  const last = rest === 0 ? undefined : emitPiece(builder, name, lines, rest, writes);
  const parameters = range(operands.length + 1).map(() => "i32" as const);
  return builder.module.function(name, parameters, "none", (code, ...locals) => {
    const [x, out] = writes ? locals : [locals[0], i32.const(0)];
    const totals = lines.segment === length ? i32.const(0) : locals[operands.length - 1];
    const chunk = locals[operands.length];
    const end = code.let(chunkEnd(parts, chunk));
    code.for({ from: times(chunk, parts.perChunk), below: end }, (number) => {
      const { block, segment, steps, offset, total } = pieceAt(code, lines, number);
      const call = (run: PieceFunction) => {
        const [from, to] = [x, out].map((buffer) => i32.add(buffer, offset));
        code.do(run.call(from, to, i32.add(totals, total), segment, steps));
      };
      if (last === undefined) call(whole!);
      else if (whole === undefined) call(last);
      else {
        code.if(i32.eq(block, i32.const(blocks - 1)), () => call(last), () => call(whole));
      }
    });
  });
}

/** Finds a piece by its number: blocks of lines first, then segments, then groups. */
function pieceAt(code: Code, lines: Lines, number: Local<"i32">): Piece {
  const { lanes, width, length, isReverse } = lines;
  const blocks = Math.ceil(lanes / width);
  const segments = Math.ceil(length / lines.segment);
  const block = code.let(i32.remU(number, i32.const(blocks)));
  const row = code.let(i32.divU(number, i32.const(blocks)));
  const segment = code.let(i32.remU(row, i32.const(segments)));
  const group = code.let(i32.divU(row, i32.const(segments)));
  const first = code.let(times(segment, lines.segment));
  const left = code.let(i32.sub(i32.const(length), first));
  const position = isReverse ? i32.sub(i32.const(length - 1), first) : first;
  const lane = code.let(times(block, width));
  const start = i32.add(times(group, lines.groupBytes), times(lane, lines.laneBytes));
  const total = i32.add(times(group, segments * lanes), lane);
  return {
    block,
    segment,
    steps: code.let(smaller(left, i32.const(lines.segment))),
    offset: code.let(i32.add(start, times(position, lines.stepBytes))),
    total: code.let(times(total, totalBytes(lines.dtype))),
  };
}

const pieceParameters = ["i32", "i32", "i32", "i32", "i32"] as const;
type PieceFunction = FunctionReference<typeof pieceParameters, "none">;

/**
 * A function of the addresses of a piece's first element, of its first result and of the total of
 * its lanes in the first segment, and of the number and the length of its segment.
 */
function emitPiece(
  builder: Builder,
  name: string,
  lines: Lines,
  width: number,
  writes: boolean,
): PieceFunction {
  const { isAlone, lanes, length, dtype } = lines;
  const isCut = lines.segment < length;
  const stepBytes = lines.isReverse ? -lines.stepBytes : lines.stepBytes;
  const rowBytes = lanes * totalBytes(dtype);
  return builder.module.function(name, pieceParameters, "none", (code, ...locals) => {
    const [from, out, totals, segment, steps] = locals;
    const runner = isAlone
      ? lineRunner(code, lines)
      : lanesRunner(code, lines, width, lines.laneBytes);
    runner.reset();
    if (isCut && writes) {
      code.for({ below: segment }, () => {
        runner.addTotal(totals);
        code.set(totals, i32.add(totals, i32.const(rowBytes)));
      });
    }
    runner.pass({ from, to: writes ? out : undefined, steps, stepBytes });
    if (!writes) runner.saveTotal(code.let(i32.add(totals, times(segment, rowBytes))));
  });
}
