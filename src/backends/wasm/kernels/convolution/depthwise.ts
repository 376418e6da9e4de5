/**
 * Depthwise convolutions, whose filters read one channel each, and their adjoints. Vectors run
 * along the lines; the filters, or their gradient, stay in registers.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, i8x16, v128 } from "../../assembler/operations.ts";
import {
  emitFrames,
  type FrameAxis,
  frameLength,
  frameOffset,
  frameStrides,
  isBare,
} from "./frame.ts";
import { type Framed, type FramedPart, indicesOf, partsOf, type Plan } from "./plan.ts";
import type { ConvolutionSize } from "./size.ts";
import type { Builder, Stage } from "../kernel.ts";
import {
  addLanes,
  advance,
  lanesOf,
  multiplyAdd,
  type Number,
  storeLanes,
  VECTOR,
} from "../panels.ts";
import { loadSplat } from "../lanes.ts";
import { eachUnit, partition } from "../partition.ts";

/** Sums that stay in registers, in addition to their operands. */
const SUMS = 10;

/**
 * Nanoseconds for a vector of results and for each factor of it, and for a vector of cotangents and each
 * factor of the gradient, on one core of an AMD EPYC (Zen 3) with Deno 2.9.6.
 * `deno bench bench/thresholds_bench.ts` measures them again in the group "time: depthwise".
 */
const TIMES = { result: 1, factor: 0.25, gradient: 0.3 };

/** The maximum number of factors kept in registers. */
const MOST_HELD = 49;

/** The maximum number of positions of a kernel for which code is written. */
const MOST_TAPS = 128;

/** Whether every computed channel depends on a single channel. */
export function isDepthwise({ summed, rows, kernel }: Framed): boolean {
  return summed === 1 && rows === 1 && sizeOf(kernel) <= MOST_HELD;
}

/** Stores the first lanes of a vector at a given distance in bytes. */
function storeApart(
  code: Code,
  dtype: Number,
  to: Local<"i32">,
  value: Local<"v128">,
  count: number,
  offset: number,
  apart: number,
): void {
  const size = byteSize(dtype);
  if (apart === size) {
    code.do(...storeLanes(dtype, to, value, count, offset));
    return;
  }
  const store = size === 8 ? v128.store64Lane : v128.store32Lane;
  for (const lane of range(count)) {
    code.do(store(to, value, lane, { offset: offset + lane * apart }));
  }
}

/**
 * Computes all columns of a part of a plane, from its frame at `x` and its filter, in the type in
 * memory, at `w`.
 */
function emitPart(
  code: Code,
  dtype: Number,
  held: Number,
  { elements, offsets, counts, steps, first }: FramedPart,
  strides: readonly number[],
  x: Local<"i32">,
  w: Local<"i32">,
  y: Local<"i32">,
): void {
  const size = byteSize(dtype);
  const lanes = lanesOf(dtype);
  const factors = elements.map((at) =>
    code.let(loadSplat(code, held, w, at * byteSize(held), lanes))
  );
  const last = counts.length - 1;
  const apart = steps[last] * size;

  /** Computes a number of adjacent vectors; of the last one perhaps only some lanes. */
  function vectors(from: Local<"i32">, to: Local<"i32">, count: number, rest: number): void {
    const sums = range(count).map(() => code.let(v128.const([0])));
    factors.forEach((factor, k) => {
      sums.forEach((sum, v) => {
        const place = { offset: offsets[k] * size + v * VECTOR, align: 4 };
        code.set(sum, multiplyAdd(dtype, v128.load(from, place), factor, sum));
      });
    });
    sums.forEach((sum, v) => {
      const some = v === count - 1 ? rest : lanes;
      storeApart(code, dtype, to, sum, some, v * lanes * apart, apart);
    });
  }

  function lines(axis: number, from: Local<"i32">, to: Local<"i32">): void {
    const [p, q] = [code.let(from), code.let(to)];
    if (axis < last) {
      code.for({ below: counts[axis] }, () => {
        lines(axis + 1, p, q);
        code.set(p, advance(p, strides[axis] * size));
        code.set(q, advance(q, steps[axis] * size));
      });
      return;
    }
    const side = 2 * lanes;
    const whole = Math.floor(counts[last] / side);
    code.for({ below: whole }, () => {
      vectors(p, q, 2, lanes);
      code.set(p, advance(p, 2 * VECTOR));
      code.set(q, advance(q, side * apart));
    });
    const rest = counts[last] - whole * side;
    const count = Math.ceil(rest / lanes);
    if (count > 0) vectors(p, q, count, rest - (count - 1) * lanes);
  }

  lines(0, x, code.let(advance(y, first * size)));
}

/** The stages of sums over framed images, operand 0, of one channel each; the filters are operand 1. */
export function planDepthwise(
  builder: Builder,
  { size, framed }: { readonly size: ConvolutionSize; readonly framed: Framed },
): Plan {
  const { dtype, batch, groups, held } = size;
  const { name, images, frame, filters } = framed;
  const parts = partsOf(framed);
  const results = sizeOf(framed.lengths);
  const element = byteSize(dtype);
  const lanes = lanesOf(dtype);
  const length = frameLength(frame);
  const strides = frameStrides(frame);
  const planes = batch * groups;
  const taps = parts.reduce((most, { offsets }) => Math.max(most, offsets.length), 0);
  const { perChunk, chunks } = partition(
    planes,
    results / lanes * (taps * TIMES.factor + TIMES.result),
  );

  const one = builder.module.function(
    "depthwise",
    ["i32", "i32", "i32"],
    "none",
    (code, x, w, y) => {
      for (const part of parts) emitPart(code, dtype, held.w, part, strides, x, w, y);
    },
  );
  const run: FunctionReference = builder.module.function(
    "depthwise",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, x, w, y, chunk) => {
      eachUnit(code, { count: planes, perChunk }, chunk, (plane) => {
        const group = i32.remU(plane, i32.const(groups));
        code.do(one.call(
          i32.add(x, i32.mul(plane, i32.const(length * element))),
          i32.add(w, i32.mul(group, i32.const(filters.group * byteSize(held.w)))),
          i32.add(y, i32.mul(plane, i32.const(results * element))),
        ));
      });
    },
  );
  const rows = { count: planes, perChunk };
  const bare = isBare(frame, held[images]);
  const stage = { name, run, operands: [bare ? 0 : 3, 1, 2], chunks, rows };
  if (bare) return { stages: [stage], workspaces: [] };
  return {
    stages: [
      builder.once(emitFrames, {
        held: held[images],
        images: planes,
        axes: frame,
        operands: [0, 3],
      }),
      stage,
    ],
    workspaces: [planes * length * element],
  };
}

/** Adds up the lanes of a vector; the sum is in all lanes. */
function sumLanes(code: Code, dtype: Number, vector: Local<"v128">): Local<"v128"> {
  let sum = vector;
  for (let bytes = VECTOR / 2; bytes >= byteSize(dtype); bytes /= 2) {
    const lanes = range(VECTOR).map((i) => (i + bytes) % VECTOR);
    sum = code.let(addLanes(dtype, sum, i8x16.shuffle(sum, sum, lanes)));
  }
  return sum;
}

/** `w` from `x`, operand 0, and `y`, operand 1, if its filters read one channel each. */
export function planDepthwiseFilter(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const { dtype, held, batch, groups, inPerGroup, outPerGroup, axes, taps } = size;
  if (inPerGroup !== 1 || taps > MOST_TAPS) return undefined;
  const element = byteSize(dtype);
  const lanes = lanesOf(dtype);
  const last = axes.length - 1;
  // Lines of whole vectors: the cotangent is padded with zeros.
  const windows = axes.map(({ output }, i) =>
    i === last ? Math.ceil(output / lanes) * lanes : output
  );
  const frame = axes.map(({ stride, dilation, padLow, input, kernel }, i): FrameAxis => {
    const reach = (kernel - 1) * dilation;
    return {
      length: input,
      low: padLow,
      stride,
      phases: Math.min(stride, reach + 1),
      steps: windows[i] + Math.floor(reach / stride),
    };
  });
  const cotangent = axes.map(({ output }, i): FrameAxis => ({
    length: output,
    low: 0,
    stride: 1,
    phases: 1,
    steps: windows[i],
  }));
  const [lengthX, lengthY] = [frame, cotangent].map(frameLength);
  const [stridesX, stridesY] = [frame, cotangent].map(frameStrides);
  const offsets = indicesOf(axes.map(({ kernel }) => kernel)).map((positions) =>
    frameOffset(frame, positions.map((position, i) => position * axes[i].dilation)) * element
  );
  const channels = groups * outPerGroup;
  const vectors = batch * lengthY / lanes;
  const { perChunk, chunks } = partition(channels, vectors * taps * TIMES.gradient);

  /** Adds the products of all lines of an image to the sums. */
  function lines(
    code: Code,
    axis: number,
    x: Local<"i32">,
    y: Local<"i32">,
    body: (x: Local<"i32">, y: Local<"i32">) => void,
  ): void {
    if (axis === last) {
      const end = code.let(advance(y, windows[last] * element));
      const from = code.let(x);
      code.for({ from: y, below: end, step: VECTOR }, (at) => {
        body(from, at);
        code.set(from, advance(from, VECTOR));
      });
      return;
    }
    const [p, q] = [code.let(x), code.let(y)];
    code.for({ below: windows[axis] }, () => {
      lines(code, axis + 1, p, q, body);
      code.set(p, advance(p, stridesX[axis] * element));
      code.set(q, advance(q, stridesY[axis] * element));
    });
  }

  const one = builder.module.function(
    "depthwise filter",
    ["i32", "i32", "i32"],
    "none",
    (code, x, y, w) => {
      for (let first = 0; first < taps; first += SUMS) {
        const some = offsets.slice(first, first + SUMS);
        const sums = some.map(() => code.let(v128.const([0])));
        const [p, q] = [code.let(x), code.let(y)];
        code.for({ below: batch }, () => {
          lines(code, 0, p, q, (from, at) => {
            const factor = code.let(v128.load(at, { align: 4 }));
            sums.forEach((sum, i) => {
              const value = v128.load(from, { offset: some[i], align: 4 });
              code.set(sum, multiplyAdd(dtype, value, factor, sum));
            });
          });
          code.set(p, advance(p, groups * lengthX * element));
          code.set(q, advance(q, channels * lengthY * element));
        });
        sums.forEach((sum, i) => {
          code.do(
            ...storeLanes(dtype, w, sumLanes(code, dtype, sum), 1, (first + i) * element),
          );
        });
      }
    },
  );
  const run: FunctionReference = builder.module.function(
    "depthwise filter",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, x, y, w, chunk) => {
      eachUnit(code, { count: channels, perChunk }, chunk, (channel) => {
        const group = i32.divU(channel, i32.const(outPerGroup));
        code.do(one.call(
          i32.add(x, i32.mul(group, i32.const(lengthX * element))),
          i32.add(y, i32.mul(channel, i32.const(lengthY * element))),
          i32.add(w, i32.mul(channel, i32.const(taps * element))),
        ));
      });
    },
  );

  const stages: Stage[] = [];
  const workspaces: number[] = [];
  const place = (
    count: number,
    axes: readonly FrameAxis[],
    operand: number,
    held: Number,
  ): number => {
    if (isBare(axes, held)) return operand;
    const workspace = 2 + workspaces.push(count * frameLength(axes) * element);
    stages.push(
      builder.once(emitFrames, { held, images: count, axes, operands: [operand, workspace] }),
    );
    return workspace;
  };
  const operands = [
    place(batch * groups, frame, 0, held.x),
    place(batch * channels, cotangent, 1, held.y),
    2,
  ];
  stages.push({
    name: "convolveFilter",
    run,
    operands,
    chunks,
    rows: { count: channels, perChunk },
  });
  return { stages, workspaces };
}
