/**
 * Images with a frame of zeros: the positions that windows reach, those outside the image included.
 *
 * If windows are several steps apart, positions are grouped by phase: their distance from the start
 * of the last window. The elements that a position of the kernel reads in neighbouring windows are
 * then adjacent, as they are for windows one step apart.
 *
 * @module
 */
import { byteSize, isNarrow, wideDtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, i8x16, v128 } from "../../assembler/operations.ts";
import type { Builder, Stage } from "../kernel.ts";
import {
  advance,
  copyElement,
  lanesLoader,
  lanesOf,
  type Number,
  type Pointer,
  VECTOR,
} from "../panels.ts";
import { eachUnit, partition } from "../partition.ts";

// Measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6, about: the groups "stage" of
// `deno bench bench/convolution_ways_bench.ts` measure it again.

/**
 * Nanoseconds for an element of frames and of images, if the batch becomes innermost, and
 * otherwise.
 */
const ELEMENT_TIME = { transposed: 1, copied: 0.25 };

/** One axis of images and of their frames. */
export interface FrameAxis {
  /** Positions of the image. */
  readonly length: number;
  /** Positions of the frame before the image; negative if it begins inside the image. */
  readonly low: number;
  /** Positions from one window to the next. */
  readonly stride: number;
  /** The number of phases that are kept, at most `stride`. */
  readonly phases: number;
  /** Positions of each phase. */
  readonly steps: number;
}

/** Elements from one position of a phase to the next, along each axis. */
export function frameStrides(axes: readonly FrameAxis[]): number[] {
  return axes.map((_, i) => axes.slice(i + 1).reduce((all, { steps }) => all * steps, 1));
}

/** Elements of a framed image. */
export function frameLength(axes: readonly FrameAxis[]): number {
  return axes.reduce((all, { phases, steps }) => all * phases * steps, 1);
}

/** Elements from one phase to the next, along each axis. */
function phaseStrides(axes: readonly FrameAxis[]): number[] {
  const plane = axes.reduce((all, { steps }) => all * steps, 1);
  return axes.map((_, i) => axes.slice(i + 1).reduce((all, { phases }) => all * phases, plane));
}

/** The offset, in elements, of a position that lies a given distance after the start of a window. */
export function frameOffset(axes: readonly FrameAxis[], distances: readonly number[]): number {
  const steps = frameStrides(axes);
  const phases = phaseStrides(axes);
  return axes.reduce((sum, { stride }, i) => {
    const phase = distances[i] % stride;
    return sum + phase * phases[i] + (distances[i] - phase) / stride * steps[i];
  }, 0);
}

/**
 * Whether the frame is the image itself, which requires that it is stored in the type of the
 * computation.
 */
export function isBare(axes: readonly FrameAxis[], held: Number): boolean {
  return !isNarrow(held) &&
    axes.every(({ length, low, stride, steps }) => low === 0 && stride === 1 && steps === length);
}

/** Frames that are no larger than their images are the images themselves. */
export function shrinkFrame(axes: readonly FrameAxis[]): readonly FrameAxis[] {
  const inside = axes.every(({ length, low, stride, steps }) =>
    low === 0 && stride === 1 && steps <= length
  );
  return inside ? axes.map((axis) => ({ ...axis, steps: axis.length })) : axes;
}

/** Copies a known number of elements, perhaps the last ones twice. */
function copyRun(code: Code, held: Number, from: Pointer, to: Pointer, count: number): void {
  const [size, wide] = [byteSize(held), byteSize(wideDtype(held))];
  const lanes = lanesOf(held);
  if (count < lanes) {
    for (let i = 0; i < count; i++) {
      code.do(copyElement(code, held, to, { offset: i * wide }, from, i * size));
    }
    return;
  }
  const load = lanesLoader(code, held);
  const move = (p: Pointer, q: Pointer, first: number) =>
    v128.store(q, load(p, first * size), { offset: first * wide, align: 4 });
  const whole = Math.floor(count / lanes);
  if (whole <= 8) {
    for (let i = 0; i < whole; i++) code.do(move(from, to, i * lanes));
  } else {
    const p = code.let(from);
    const q = code.let(to);
    const end = code.let(advance(to, Math.floor(whole / 2) * 2 * VECTOR));
    code.loop((again) => {
      const pair = [0, 1].map((i) => code.let(load(p, i * lanes * size)));
      pair.forEach((value, i) => code.do(v128.store(q, value, { offset: i * VECTOR, align: 4 })));
      code.set(p, advance(p, 2 * lanes * size));
      code.set(q, advance(q, 2 * VECTOR));
      code.branchIf(again, i32.ltU(q, end));
    });
    if (whole % 2 === 1) code.do(move(from, to, (whole - 1) * lanes));
  }
  if (whole * lanes < count) code.do(move(from, to, count - lanes));
}

/** Copies a known number of elements that are `stride` apart. */
function copyApart(
  code: Code,
  held: Number,
  from: Pointer,
  to: Pointer,
  count: number,
  stride: number,
): void {
  const [size, wide] = [byteSize(held), byteSize(wideDtype(held))];
  const load = lanesLoader(code, held);
  const p = code.let(from);
  const q = code.let(to);
  const unroll = lanesOf(held);
  const whole = Math.floor(count / unroll);
  if (whole > 0) {
    const end = code.let(advance(to, whole * VECTOR));
    code.loop((again) => {
      if (stride === 2 && unroll === 4) {
        const low = load(p);
        // The last element read is the last element needed.
        const high = load(p, 3 * size);
        const lanes = [0, 1, 2, 3, 8, 9, 10, 11, 20, 21, 22, 23, 28, 29, 30, 31];
        code.do(v128.store(q, i8x16.shuffle(low, high, lanes), { align: 4 }));
      } else {
        for (let i = 0; i < unroll; i++) {
          code.do(copyElement(code, held, q, { offset: i * wide }, p, i * stride * size));
        }
      }
      code.set(p, advance(p, unroll * stride * size));
      code.set(q, advance(q, VECTOR));
      code.branchIf(again, i32.ltU(q, end));
    });
  }
  for (let i = 0; i < count % unroll; i++) {
    code.do(copyElement(code, held, q, { offset: i * wide }, p, i * stride * size));
  }
}

/**
 * The stage that copies images, in their type in memory, into interleaved frames, one for each
 * image of a batch: a function of the images `[batch, channels, ...]` and the frames
 * `[channels, ..., batch]`, whose channels begin a given number of elements apart.
 */
export function emitInterleaved(
  builder: Builder,
  {
    held,
    batch,
    channels,
    axes,
    operands,
    pitch,
  }: {
    readonly held: Number;
    readonly batch: number;
    readonly channels: number;
    readonly axes: readonly FrameAxis[];
    readonly operands: readonly [number, number];
    readonly pitch: number;
  },
): Stage {
  const [size, wide] = [byteSize(held), byteSize(wideDtype(held))];
  const length = frameLength(axes);
  const source = axes.reduce((all, axis) => all * axis.length, 1);
  const { perChunk, chunks } = partition(
    channels,
    batch * (length + source) * ELEMENT_TIME.transposed,
  );
  const steps = frameStrides(axes);
  const phases = phaseStrides(axes);

  /** Copies an axis of all images of the batch. */
  function nest(code: Code, axis: number, from: Pointer, to: Pointer): void {
    if (axis === axes.length) {
      const p = code.let(from);
      code.for({ from: to, below: advance(to, batch * wide), step: wide }, (q) => {
        code.do(copyElement(code, held, q, {}, p));
        code.set(p, advance(p, channels * source * size));
      });
      return;
    }
    const { length, low, stride, phases: kept } = axes[axis];
    const pitch = axes.slice(axis + 1).reduce((all, other) => all * other.length, size);
    const end = Math.min(length, axes[axis].steps * stride - low);
    code.for({ from: Math.max(0, -low), below: end }, (position) => {
      const p = code.let(i32.add(from, i32.mul(position, i32.const(pitch))));
      const at = advance(position, low);
      const step = code.let(stride === 1 ? at : i32.divU(at, i32.const(stride)));
      const phase = code.let(i32.sub(at, i32.mul(step, i32.const(stride))));
      const offset = i32.add(
        i32.mul(step, i32.const(steps[axis] * batch * wide)),
        i32.mul(phase, i32.const(phases[axis] * batch * wide)),
      );
      const q = code.let(i32.add(to, offset));
      code.if(i32.ltU(phase, i32.const(kept)), () => nest(code, axis + 1, p, q));
    });
  }

  const run: FunctionReference = builder.module.function(
    "interleaved",
    ["i32", "i32", "i32"],
    "none",
    (code, from, to, chunk) => {
      eachUnit(code, { count: channels, perChunk }, chunk, (channel) => {
        const bytes = length * batch * wide;
        const q = code.let(i32.add(to, i32.mul(channel, i32.const(pitch * wide))));
        code.do(builder.memory.fill(q, i32.const(0), i32.const(bytes)));
        nest(code, 0, code.let(i32.add(from, i32.mul(channel, i32.const(source * size)))), q);
      });
    },
  );
  return { name: "frame", run, operands, chunks };
}

/**
 * The stage that copies images, in their type in memory, into their frames, which begin a given
 * number of elements apart: a function of the images and the frames.
 */
export function emitFrames(
  builder: Builder,
  { held, images, axes, operands, pitch = frameLength(axes) }: {
    readonly held: Number;
    readonly images: number;
    readonly axes: readonly FrameAxis[];
    readonly operands: readonly [number, number];
    readonly pitch?: number;
  },
): Stage {
  const [size, wide] = [byteSize(held), byteSize(wideDtype(held))];
  const length = frameLength(axes);
  const source = axes.reduce((all, axis) => all * axis.length, 1);
  const { perChunk, chunks } = partition(images, (length + source) * ELEMENT_TIME.copied);
  const steps = frameStrides(axes);
  const phases = phaseStrides(axes);
  const last = axes.length - 1;

  function line(code: Code, from: Pointer, to: Pointer): void {
    const { length, low, stride, steps, phases: kept } = axes[last];
    for (let phase = 0; phase < kept; phase++) {
      const first = Math.max(0, Math.ceil((low - phase) / stride));
      const end = Math.min(steps, Math.floor((length + low - phase - 1) / stride) + 1);
      if (first >= end) continue;
      const p = advance(from, (first * stride + phase - low) * size);
      const q = advance(to, (phase * phases[last] + first) * wide);
      if (stride === 1) copyRun(code, held, code.let(p), code.let(q), end - first);
      else copyApart(code, held, p, q, end - first, stride);
    }
  }

  function nest(code: Code, axis: number, from: Pointer, to: Pointer): void {
    if (axis === last) return line(code, from, to);
    const { length, low, stride, phases: kept } = axes[axis];
    const pitch = axes.slice(axis + 1).reduce((all, other) => all * other.length, size);
    const first = Math.max(0, -low);
    const end = Math.min(length, axes[axis].steps * stride - low);
    code.for({ from: first, below: end }, (position) => {
      const p = code.let(i32.add(from, i32.mul(position, i32.const(pitch))));
      const at = advance(position, low);
      if (stride === 1) {
        nest(code, axis + 1, p, code.let(i32.add(to, i32.mul(at, i32.const(steps[axis] * wide)))));
        return;
      }
      const step = code.let(i32.divU(at, i32.const(stride)));
      const phase = code.let(i32.sub(at, i32.mul(step, i32.const(stride))));
      const offset = i32.add(
        i32.mul(step, i32.const(steps[axis] * wide)),
        i32.mul(phase, i32.const(phases[axis] * wide)),
      );
      const inside = () => nest(code, axis + 1, p, code.let(i32.add(to, offset)));
      if (kept === stride) inside();
      else code.if(i32.ltU(phase, i32.const(kept)), inside);
    });
  }

  const frame = builder.module.function(
    "frame",
    ["i32", "i32"],
    "none",
    (code, from: Local<"i32">, to) => {
      code.do(builder.memory.fill(to, i32.const(0), i32.const(length * wide)));
      nest(code, 0, from, to);
    },
  );
  const run: FunctionReference = builder.module.function(
    "frames",
    ["i32", "i32", "i32"],
    "none",
    (code, from, to, chunk) => {
      eachUnit(code, { count: images, perChunk }, chunk, (image) => {
        code.do(frame.call(
          i32.add(from, i32.mul(image, i32.const(source * size))),
          i32.add(to, i32.mul(image, i32.const(pitch * wide))),
        ));
      });
    },
  );
  return { name: "frame", run, operands, chunks };
}
