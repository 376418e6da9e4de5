/**
 * Gradients of filters as sums over windows.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import { type Blocks, emitBlocks, type Loop, segmentsOf } from "./blocks.ts";
import { emitFrames, frameLength, frameStrides, isBare, shrinkFrame } from "./frame.ts";
import { emitPatches, type Patches } from "./patches.ts";
import { dot, type Plan, product } from "./plan.ts";
import { type ConvolutionSize, distancesOf, estimateTime, MOST_TAPS } from "./size.ts";
import { LONGEST } from "./tiles.ts";
import type { Builder } from "../kernel.ts";

/** Bytes of windows that are copied before they are used. */
const MOST_COPIED = 2 ** 20;

/** Otherwise, the number of elements of windows that are copied together. */
const MOST_COLUMNS = 147;

/** The location of the windows of `x`, operand 0: the operand, or frames made by a stage. */
interface Windows extends Plan {
  readonly source: number;
  /** All windows `[groups, batch, window, element]`. */
  readonly patches: Patches;
  /** Elements of a framed channel. */
  readonly length: number;
}

function findWindows(builder: Builder, size: ConvolutionSize): Windows {
  const { dtype, held, batch, groups, inPerGroup, axes } = size;
  const frame = shrinkFrame(axes.map(({ stride, dilation, padLow, input, kernel, output }) => ({
    length: input,
    low: padLow,
    stride: 1,
    phases: 1,
    steps: (output - 1) * stride + (kernel - 1) * dilation + 1,
  })));
  const length = frameLength(frame);
  const strides = frameStrides(frame);
  const patches = {
    dtype,
    units: [
      { count: groups, step: inPerGroup * length },
      { count: batch, step: groups * inPerGroup * length },
    ],
    windows: axes.map(({ output, stride }, i) => ({ count: output, step: stride * strides[i] })),
    channels: { count: inPerGroup, step: length },
    taps: product(axes.map(distancesOf)).map((some) => dot(some, strides)),
  };
  if (isBare(frame, held.x)) return { stages: [], workspaces: [], source: 0, patches, length };
  const count = batch * groups * inPerGroup;
  return {
    stages: [
      builder.once(emitFrames, { held: held.x, images: count, axes: frame, operands: [0, 3] }),
    ],
    workspaces: [count * length * byteSize(dtype)],
    source: 3,
    patches,
    length,
  };
}

/** The windows as rows, in a workspace of the given number. */
export function copyWindows(
  builder: Builder,
  size: ConvolutionSize,
): Plan & { readonly rows: number } {
  const { dtype, batch, groups, inPerGroup, taps, outputs } = size;
  const { stages, workspaces, source, patches } = findWindows(builder, size);
  const rows = 3 + workspaces.length;
  const bytes = groups * batch * outputs * inPerGroup * taps * byteSize(dtype);
  return {
    stages: [...stages, builder.once(emitPatches, { patches, operands: [source, rows] })],
    workspaces: [...workspaces, bytes],
    rows,
  };
}

/**
 * Channels whose windows are copied together: a divisor of all channels, with about this many
 * elements.
 */
function channelsTogether(channels: number, taps: number, elements: number): number {
  const most = Math.max(1, Math.floor(elements / taps));
  for (let count = Math.min(most, channels); count > 1; count--) {
    if (channels % count === 0) return count;
  }
  return 1;
}

/** `w` from `x` and `y`. */
export function planFilter(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const { dtype, batch, groups, inPerGroup, outPerGroup, taps, outputs } = size;
  if (taps > MOST_TAPS) return undefined;
  // If there are too many windows to store, they are copied where they are needed, some channels at
  // a time.
  const all = batch * outputs * groups * inPerGroup * taps * byteSize(dtype);
  const inPlace = all > MOST_COPIED && taps > 1;
  const together = inPlace ? channelsTogether(inPerGroup, taps, MOST_COLUMNS) : inPerGroup;
  const columns = together * taps;
  const step = inPlace ? 1 : columns;
  const images: Loop<"a" | "b"> = {
    count: batch,
    step: { a: groups * outPerGroup * outputs, b: outputs * step },
  };
  const windows: Loop<"a" | "b"> = { count: outputs, step: { a: 1, b: step } };
  const start = { a: 0, b: 0 };
  const segments = outputs <= LONGEST / 2
    ? segmentsOf({
      elements: range(outputs),
      offsets: range(outputs).map((p) => p * step),
      start,
    }, images)
    : segmentsOf({ elements: [0], offsets: [0], start }, windows, [images]);
  const blocks: Blocks = {
    name: "convolveFilter",
    dtype,
    held: size.held.y,
    rows: outPerGroup,
    units: [
      {
        count: groups,
        step: {
          a: outPerGroup * outputs,
          b: batch * outputs * columns,
          c: outPerGroup * inPerGroup * taps,
        },
      },
      { count: inPerGroup / together, step: { a: 0, b: 0, c: columns } },
    ],
    row: { a: outputs, c: inPerGroup * taps },
    regions: [{
      segments,
      start: { b: 0, c: 0 },
      outer: [],
      lines: { count: 1, step: { b: 0, c: 0 } },
      columns,
      apart: 1,
    }],
    together: inPlace,
    block: inPlace ? columns + 16 : 96,
    // Windows are copied again for every chunk of rows.
    least: inPlace ? Math.max(32, outPerGroup * inPerGroup / together / 8) : 16,
    nanoseconds: estimateTime(size) / groups / (inPerGroup / together),
  };
  if (!inPlace) {
    const { stages, workspaces, rows } = copyWindows(builder, size);
    return withBlocks(builder, blocks, rows, { stages, workspaces });
  }
  const { stages, workspaces, source, patches, length } = findWindows(builder, size);
  const [outer, inner] = blocks.units;
  const packed: Blocks = {
    ...blocks,
    units: [
      { ...outer, step: { ...outer.step, b: inPerGroup * length } },
      { ...inner, step: { ...inner.step, b: together * length } },
    ],
    pack: {
      ...patches,
      units: patches.units.slice(1),
      channels: { count: together, step: length },
    },
  };
  return withBlocks(builder, packed, source, { stages, workspaces });
}

/** Some stages, then sums over their operand `b`. */
function withBlocks(
  builder: Builder,
  blocks: Blocks,
  b: number,
  { stages, workspaces }: Plan,
): Plan {
  const [stage, work] = builder.once(emitBlocks, {
    blocks,
    operands: [1, b, 2],
    workspace: 3 + workspaces.length,
  });
  return {
    stages: [...stages, stage],
    workspaces: work > 0 ? [...workspaces, work] : workspaces,
  };
}
