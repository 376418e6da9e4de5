/**
 * The gradient of filters that see one channel each, as in depthwise convolutions: every element is a
 * sum of products of the cotangent and the image, moved by a position of the kernel. The sums of many
 * positions stay in registers, vectors running along the lines.
 *
 * @module
 */
import { byteSize } from "../base/dtype.ts";
import { range } from "../base/shape.ts";
import type { Code } from "../wasm/code.ts";
import type { Local } from "../wasm/expression.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { i32, i8x16, v128 } from "../wasm/operations.ts";
import {
  emitFrames,
  type FrameAxis,
  frameLength,
  frameOffset,
  frameStrides,
  isBare,
} from "./convolution_frame.ts";
import { indicesOf, type Plan } from "./convolution_plan.ts";
import type { ConvolutionSize } from "./convolution_size.ts";
import type { Builder, Stage } from "./kernel.ts";
import {
  addLanes,
  advance,
  lanesOf,
  multiplyAdd,
  type Number,
  storeLanes,
  VECTOR,
} from "./panels.ts";
import { partition } from "./partition.ts";

/** Sums that stay in registers, beside what they are made of. */
const SUMS = 10;

/** The most positions of a kernel that code is written for. */
const MOST_TAPS = 128;

/** Adds up the lanes of a vector, into all of them. */
function sumLanes(code: Code, dtype: Number, vector: Local<"v128">): Local<"v128"> {
  let sum = vector;
  for (let bytes = VECTOR / 2; bytes >= byteSize(dtype); bytes /= 2) {
    const lanes = range(VECTOR).map((i) => (i + bytes) % VECTOR);
    sum = code.let(addLanes(dtype, sum, i8x16.shuffle(sum, sum, lanes)));
  }
  return sum;
}

/** `w` from `x`, operand 0, and `y`, operand 1, if its filters see one channel each. */
export function planDepthwiseFilter(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const { dtype, batch, groups, inPerGroup, outPerGroup, axes, taps } = size;
  if (inPerGroup !== 1 || taps > MOST_TAPS) return undefined;
  const element = byteSize(dtype);
  const lanes = lanesOf(dtype);
  const last = axes.length - 1;
  // Lines of whole vectors: where the cotangent has nothing there are zeros.
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
  const { perChunk, chunks } = partition(channels, vectors * taps * 0.3);
  const key = `depthwise filter ${JSON.stringify({ size, perChunk })}`;

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

  const one = builder.once(
    `${key} channel`,
    () =>
      builder.module.function(
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
      ),
  );
  const run: FunctionReference = builder.once(
    key,
    () =>
      builder.module.function(key, ["i32", "i32", "i32", "i32"], "none", (code, x, y, w, chunk) => {
        const begin = code.let(i32.mul(chunk, i32.const(perChunk)));
        const end = code.let(advance(begin, perChunk));
        code.if(i32.gtU(end, i32.const(channels)), () => code.set(end, i32.const(channels)));
        code.for({ from: begin, below: end }, (channel) => {
          const group = i32.divU(channel, i32.const(outPerGroup));
          code.do(one.call(
            i32.add(x, i32.mul(group, i32.const(lengthX * element))),
            i32.add(y, i32.mul(channel, i32.const(lengthY * element))),
            i32.add(w, i32.mul(channel, i32.const(taps * element))),
          ));
        });
      }),
  );

  const stages: Stage[] = [];
  const workspaces: number[] = [];
  const place = (count: number, axes: readonly FrameAxis[], operand: number): number => {
    if (isBare(axes)) return operand;
    const workspace = 2 + workspaces.push(count * frameLength(axes) * element);
    stages.push(emitFrames(builder, dtype, count, axes, [operand, workspace]));
    return workspace;
  };
  const operands = [
    place(batch * groups, frame, 0),
    place(batch * channels, cotangent, 1),
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
