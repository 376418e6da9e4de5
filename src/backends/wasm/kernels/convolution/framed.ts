/**
 * Convolutions and the gradients of their inputs as sums over tiles of framed images.
 *
 * - A convolution is a sum over channels and positions of the kernel.
 * - The gradient of the input is a sum over channels and the positions of the kernel that fall on
 *   it. These positions are the same for inputs that are one stride of the windows apart. Each such
 *   class is a convolution of the framed cotangent, without strides.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import { type Blocks, emitBlocks, type Loop, type Region, segmentsOf } from "./blocks.ts";
import { isDepthwise, planDepthwise } from "./depthwise.ts";
import {
  emitFrames,
  emitInterleaved,
  frameLength,
  frameStrides,
  isBare,
  shrinkFrame,
} from "./frame.ts";
import { type Framed, type FramedPart, partsOf, type Plan, splitColumns } from "./plan.ts";
import { type Axis, type ConvolutionSize, distancesOf, estimateTime, MOST_TAPS } from "./size.ts";
import type { Builder, Stage } from "../kernel.ts";
import { lanesOf } from "../panels.ts";

// Chosen on an AMD EPYC (Zen 3) with Deno 2.9.6; the rates of
// `deno bench bench/convolution_bench.ts` show the effect of other values.

/** The fraction of all sums up to which leaving out the padding pays off. */
const WORTH_SPLITTING = 0.75;

/**
 * How much less full vectors of several images may be than those of one image with few, or many,
 * columns.
 */
const TOGETHER = { few: 0.5, many: 1, columns: 64 };

/** The number of elements of filters from which short, distant pieces of rows are slow to read. */
const LARGE_FILTERS = 2 ** 18;

/** The maximum number of kinds of columns for which code is written. */
const MOST_CLASSES = 16;

/** Loops over all axes of a region but the last. */
function regionLoops(
  counts: readonly number[],
  b: readonly number[],
  c: readonly number[],
): Pick<Region, "outer" | "lines"> {
  const loops = counts.slice(0, -1).map((count, i): Loop<"b" | "c"> => ({
    count,
    step: { b: b[i], c: c[i] },
  }));
  const lines = loops.at(-1) ?? { count: 1, step: { b: 0, c: 0 } };
  return { outer: loops.slice(0, -1), lines };
}

/**
 * Elements from one channel to the next. If channels are read at the same position, one after
 * another, these addresses must not all fall on the same few lines of a cache.
 */
function pitchOf(length: number, channels: number, element: number): number {
  const close = channels >= 16 && length * element % 512 === 0;
  return close ? length + 64 / element : length;
}

/** The fraction of the computed columns of tiles that are used. */
function usedPart(columns: number, width: number): number {
  return columns / (Math.ceil(columns / width) * width);
}

/**
 * The columns without the positions of the kernel that read only zeros, if there are many of these.
 */
function withoutPadding(framed: Framed): FramedPart[] {
  const { columns, frame, every } = framed;
  const whole = partsOf(framed);
  const split = {
    ...framed,
    columns: columns.map((some, i) => splitColumns(some, frame[i], every[i])),
  };
  const parts = partsOf(split);
  const work = (list: readonly FramedPart[]) =>
    list.reduce((sum, { counts, elements }) => sum + sizeOf(counts) * elements.length, 0);
  return parts.length <= MOST_CLASSES && work(parts) < WORTH_SPLITTING * work(whole)
    ? parts
    : whole;
}

/** The stages of sums over framed images, operand 0 of the kernel, with filters, operand 1. */
function planFramed(builder: Builder, size: ConvolutionSize, framed: Framed): Plan {
  const { dtype, batch, groups } = size;
  const { name, summed, rows, frame, filters, lengths } = framed;
  const held = size.held[framed.images];
  const element = byteSize(dtype);
  if (isDepthwise(framed)) return builder.once(planDepthwise, { size, framed });
  const width = builder.tile.vectors * lanesOf(dtype);
  const counts = framed.columns.map(([{ count }]) => count);
  const lines = counts[counts.length - 1];
  const columns = sizeOf(counts);
  const results = sizeOf(lengths);
  // Images that are too narrow for tiles, or too small to pay for reading the filters, are
  // interleaved: the columns of a tile are then the same column of several images.
  const together = batch > 1 &&
    usedPart(batch, width) > (columns < TOGETHER.columns ? TOGETHER.few : TOGETHER.many) *
        usedPart(lines, width / 2);
  const lanes = together ? batch : 1;
  const whole = frameLength(frame) * lanes;
  const length = pitchOf(whole, summed, element);
  const strides = [...frameStrides(frame).map((step) => step * lanes), ...(together ? [1] : [])];
  const perImage = groups * rows * results;
  const inner = {
    count: summed,
    step: { a: filters.channel, b: length },
  };
  const regions = (together ? withoutPadding(framed) : partsOf(framed)).map((part): Region => {
    const counts = [...part.counts, ...(together ? [batch] : [])];
    const steps = [...part.steps, ...(together ? [perImage] : [])];
    const list = {
      elements: part.elements,
      offsets: part.offsets.map((at) => at * lanes),
      start: { a: 0, b: 0 },
    };
    return {
      segments: segmentsOf(list, inner),
      start: { b: part.from * lanes, c: part.first },
      ...regionLoops(counts, strides, steps),
      columns: counts[counts.length - 1],
      apart: steps[steps.length - 1],
    };
  });
  const blocks: Blocks = {
    name,
    dtype,
    held: size.held.w,
    rows,
    units: [
      {
        count: together ? 1 : batch,
        step: { a: 0, b: groups * summed * length, c: perImage },
      },
      { count: groups, step: { a: filters.group, b: summed * length, c: rows * results } },
    ],
    row: { a: filters.row, c: results },
    regions,
    together,
    block: 320,
    least: filters.channel > filters.row && summed * filters.channel > LARGE_FILTERS
      ? 32
      : builder.tile.rows,
    nanoseconds: estimateTime(size) / groups / (together ? 1 : batch),
  };
  if (isBare(frame, held) && !together && length === whole) {
    const [stage, work] = builder.once(emitBlocks, { blocks, operands: [1, 0, 2], workspace: 3 });
    return { stages: [stage], workspaces: work > 0 ? [work] : [] };
  }
  const [stage, work] = builder.once(emitBlocks, { blocks, operands: [1, 3, 2], workspace: 4 });
  const stages: Stage[] = [
    together
      ? builder.once(emitInterleaved, {
        held,
        batch,
        channels: groups * summed,
        axes: frame,
        operands: [0, 3],
        pitch: length,
      })
      : builder.once(emitFrames, {
        held,
        images: batch * groups * summed,
        axes: frame,
        operands: [0, 3],
        pitch: length,
      }),
    stage,
  ];
  const images = together ? 1 : batch;
  const frames = images * groups * summed * length * element;
  return { stages, workspaces: work > 0 ? [frames, work] : [frames] };
}

/** `y` from `x` and `w`. */
export function planConvolve(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const { inPerGroup, outPerGroup, axes, taps } = size;
  if (taps > MOST_TAPS) return undefined;
  const frame = shrinkFrame(axes.map(({ stride, dilation, padLow, input, kernel, output }) => {
    const reach = (kernel - 1) * dilation;
    return {
      length: input,
      low: padLow,
      stride,
      phases: Math.min(stride, reach + 1),
      steps: output + Math.floor(reach / stride),
    };
  }));
  return planFramed(builder, size, {
    name: "convolve",
    images: "x",
    summed: inPerGroup,
    rows: outPerGroup,
    frame,
    filters: { row: inPerGroup * taps, channel: taps, group: outPerGroup * inPerGroup * taps },
    kernel: axes.map(({ kernel }) => kernel),
    lengths: axes.map(({ output }) => output),
    columns: axes.map((axis) => [{
      from: 0,
      first: 0,
      count: axis.output,
      taps: distancesOf(axis).map((distance, tap) => ({ tap, distance })),
    }]),
    every: axes.map(() => 1),
  });
}

/** Positions of the input, along one axis, on which the same positions of the kernel fall. */
interface Class {
  /** The first position, and their number, one stride apart. */
  readonly first: number;
  readonly count: number;
  /** Positions of the kernel, and the difference in the first window's number for each. */
  readonly taps: readonly { readonly tap: number; readonly shift: number }[];
}

function classesOf({ stride, dilation, padLow, input, kernel }: Axis): Class[] {
  return range(Math.min(stride, input)).map((first) => ({
    first,
    count: Math.floor((input - 1 - first) / stride) + 1,
    taps: range(kernel)
      .map((tap) => ({ tap, shift: (first + padLow - tap * dilation) / stride }))
      .filter(({ shift }) => Number.isInteger(shift)),
  }));
}

/** `x` from `y` and `w`. */
export function planInput(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const { inPerGroup, outPerGroup, axes, taps } = size;
  const classes = axes.map(classesOf);
  const combinations = classes.reduce((all, list) => all * list.length, 1);
  if (taps > MOST_TAPS || combinations > MOST_CLASSES) return undefined;
  const frame = shrinkFrame(axes.map(({ output }, i) => {
    const shifts = classes[i].flatMap((some) => some.taps.map(({ shift }) => shift));
    const ends = classes[i].flatMap((some) => some.taps.map(({ shift }) => shift + some.count));
    const low = Math.max(0, ...shifts.map((shift) => -shift));
    return {
      length: output,
      low,
      stride: 1,
      phases: 1,
      steps: Math.max(1, low + Math.max(...ends)),
    };
  }));
  return planFramed(builder, size, {
    name: "convolveInput",
    images: "y",
    summed: outPerGroup,
    rows: inPerGroup,
    frame,
    filters: { row: taps, channel: inPerGroup * taps, group: outPerGroup * inPerGroup * taps },
    kernel: axes.map(({ kernel }) => kernel),
    lengths: axes.map(({ input }) => input),
    columns: classes.map((list, i) =>
      list.map(({ first, count, taps }) => ({
        from: 0,
        first,
        count,
        taps: taps.map(({ tap, shift }) => ({ tap, distance: shift + frame[i].low })),
      }))
    ),
    every: axes.map(({ stride }) => stride),
  });
}
