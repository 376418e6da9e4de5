/**
 * The gradient of 3x3 filters by the adjoint of Winograd's convolution:
 * `G^T [Σ (A y A^T) ⊙ (B^T x B)] G`, summed over all tiles of all images.
 *
 * Source: S. Winograd, "Arithmetic complexity of computations", 1980; A. Lavin and S. Gray, "Fast
 * algorithms for convolutional neural networks", 2016.
 *
 * @module
 */
import { isNarrow } from "../../../../../base/dtype.ts";
import { range } from "../../../../../base/shape.ts";
import type { FunctionReference } from "../../../assembler/module.ts";
import { i32, v128 } from "../../../assembler/operations.ts";
import { partOf, rowTiles } from "../division.ts";
import { emitFrames, type FrameAxis, frameLength } from "../frame.ts";
import type { Plan } from "../plan.ts";
import type { ConvolutionSize } from "../size.ts";
import { emitTiles, emitWriteSteps, FREE, LONGEST, placeOfSums } from "../tiles.ts";
import { apart, emitInput, isFor, loadPoints, locate } from "./mod.ts";
import { filterAdjoint, INPUTS, outputAdjoint, OUTPUTS, transformBoth } from "./transforms.ts";
import { type Builder, SCRATCH_BYTES, type Stage } from "../../kernel.ts";
import { advance, emitRows, storeLanes, transposeLanes, VECTOR } from "../../panels.ts";
import { eachUnit, partition } from "../../partition.ts";

const FLOAT = 4;
const LANES = 4;
const POINTS = INPUTS * INPUTS;
const TAPS = 9;
const dtype = "float32";

// The costs that follow were measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6. The rates
// of `deno bench bench/convolution_bench.ts` show the effect of each choice.

/** Operations per nanosecond of the products of transformed tiles, and of the sums themselves. */
const PRODUCT_RATE = 50;
const DIRECT_RATE = 46;

/** Nanoseconds for the transform of four results, and of four channels of a tile. */
const RESULT = 25;
const TRANSFORM = 20;

/** Nanoseconds for each product that is read and written again after a piece of a sum. */
const TRAFFIC = 0.4;

/** The minimum number of nanoseconds that must be saved. */
const MARGIN = 15_000;

/** The maximum number of bytes of transformed tiles. */
const MOST_BYTES = 2 ** 25;

/** A function of a tile of the result's cotangent and of the address for its transforms. */
function emitOutput(
  builder: Builder,
  { channels, length, pitch, next }: {
    readonly channels: number;
    readonly length: number;
    readonly pitch: number;
    readonly next: number;
  },
): FunctionReference<readonly ["i32", "i32"], "none"> {
  return builder.module.function("winograd cotangent", ["i32", "i32"], "none", (code, from, d) => {
    const transform = outputAdjoint(code);
    const end = code.let(advance(d, channels * FLOAT));
    code.for({ from: d, below: end, step: VECTOR }, (to) => {
      const rows = range(OUTPUTS).map((y) =>
        transposeLanes(
          code,
          dtype,
          range(LANES).map((channel) => {
            const offset = (channel * length + y * pitch) * FLOAT;
            return code.let(v128.load(from, { offset, align: 4 }));
          }),
        ).map((value) => code.let(value))
      );
      transformBoth(transform, rows).flat().forEach((value, point) => {
        code.do(v128.store(to, value, { offset: point * next }));
      });
      code.set(from, advance(from, LANES * length * FLOAT));
    });
  });
}

/** A function of a row of products, for all points, and of the row of the result to write. */
function emitResult(
  builder: Builder,
  { channels, next }: { readonly channels: number; readonly next: number },
): FunctionReference<readonly ["i32", "i32"], "none"> {
  return builder.module.function("winograd filter", ["i32", "i32"], "none", (code, m, w) => {
    const transform = filterAdjoint(code);
    const end = code.let(advance(m, channels * FLOAT));
    code.for({ from: m, below: end, step: VECTOR }, (from) => {
      const points = loadPoints(builder, code, from, next);
      const taps = transformBoth(transform, points).flat().map((value) => code.let(value));
      const [first, second] = [taps.slice(0, 4), taps.slice(4, 8)].map((four) =>
        transposeLanes(code, dtype, four).map((value) => code.let(value))
      );
      for (const channel of range(LANES)) {
        const offset = channel * TAPS * FLOAT;
        code.do(...storeLanes(dtype, w, first[channel], LANES, offset));
        code.do(...storeLanes(dtype, w, second[channel], LANES, offset + VECTOR));
        code.do(v128.store32Lane(w, taps[8], channel, { offset: offset + 2 * VECTOR }));
      }
      code.set(w, advance(w, LANES * TAPS * FLOAT));
    });
  });
}

/** `w` from `x`, operand 0, and `y`, operand 1, if that is faster than the sums themselves. */
export function planWinogradFilter(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const { batch, inPerGroup: inputs, outPerGroup: outputs, axes, held } = size;
  const { scratch, tile } = builder;
  const width = tile.vectors * LANES;
  if (!isFor(size) || inputs % width > 0 || outputs % LANES > 0) return undefined;
  const counts = axes.map(({ output }) => Math.ceil(output / OUTPUTS));
  const perImage = counts.reduce((all, count) => all * count, 1);
  const tiles = batch * perImage;
  const depth = partOf(tiles, LONGEST);

  const perPoint = (SCRATCH_BYTES - 2 ** 16) / POINTS - 256;
  const most = Math.floor(perPoint / inputs / FLOAT / tile.rows) * tile.rows;
  if (most < tile.rows) return undefined;
  const products = 2 * POINTS * tiles * inputs * outputs / PRODUCT_RATE;
  const results = inputs * outputs / LANES * RESULT;
  const transforms = tiles * (inputs + outputs) / LANES * TRANSFORM;
  // The time of products with short sums is mostly reading and writing.
  const traffic = inputs * outputs * POINTS * TRAFFIC * Math.ceil(tiles / LONGEST);
  const direct = 2 * TAPS * size.outputs * batch * inputs * outputs / DIRECT_RATE;
  const room = POINTS * tiles * (inputs + outputs) * FLOAT;
  if (room > MOST_BYTES || products + results + transforms + traffic + MARGIN > direct) {
    return undefined;
  }

  const { perChunk: wanted } = partition(
    Math.ceil(outputs / tile.rows),
    (products + results) / outputs * tile.rows,
  );
  const rows = Math.min(most, Math.max(2, wanted) * tile.rows, outputs);
  const panels = inputs / width;
  const [nextInput, nextOutput] = [inputs, outputs].map((count) => apart(count * tiles * FLOAT));
  const nextProduct = apart(rows * inputs * FLOAT);

  const frame = counts.map((count, i): FrameAxis => ({
    length: axes[i].input,
    low: axes[i].padLow,
    stride: 1,
    phases: 1,
    steps: count * OUTPUTS + INPUTS - OUTPUTS,
  }));
  const ragged = axes.some(({ output }) => output % OUTPUTS > 0);
  const isFramed = ragged || isNarrow(held.y);
  const cotangent = axes.map(({ output }, i): FrameAxis => ({
    length: output,
    low: 0,
    stride: 1,
    phases: 1,
    steps: ragged ? counts[i] * OUTPUTS : output,
  }));
  const [lengthX, lengthY] = [frame, cotangent].map(frameLength);
  const [pitchX, pitchY] = [frame[1].steps, cotangent[1].steps];

  // Tiles become columns of panels of inputs, and rows of outputs.
  const { perChunk, chunks } = partition(tiles, transforms / tiles);
  const toInput = builder.once(emitInput, {
    channels: inputs,
    length: lengthX,
    pitch: pitchX,
    target: {
      place: "memory",
      point: nextInput,
      panel: tiles * width * FLOAT,
    },
  });
  const toOutput = builder.once(emitOutput, {
    channels: outputs,
    length: lengthY,
    pitch: pitchY,
    next: nextOutput,
  });
  const transform: FunctionReference = builder.module.function(
    "winograd tiles",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (
      code,
      x,
      y,
      v,
      d,
      chunk,
    ) => {
      eachUnit(code, { count: tiles, perChunk }, chunk, (number) => {
        const [image, row, column] = locate(code, { perImage, counts }, number);
        const at = (channels: number, length: number, pitch: number) => {
          const inside = i32.add(
            i32.mul(row, i32.const(OUTPUTS * pitch)),
            i32.mul(column, i32.const(OUTPUTS)),
          );
          const all = i32.add(i32.mul(image, i32.const(channels * length)), inside);
          return i32.shl(all, i32.const(2));
        };
        code.do(toInput.call(
          i32.add(x, at(inputs, lengthX, pitchX)),
          i32.add(v, i32.mul(number, i32.const(width * FLOAT))),
        ));
        code.do(toOutput.call(
          i32.add(y, at(outputs, lengthY, pitchY)),
          i32.add(d, i32.mul(number, i32.const(outputs * FLOAT))),
        ));
      });
    },
  );

  const sumBytes = POINTS * nextProduct;
  const inMemory = placeOfSums(builder) === "memory";
  const parameters = range(inMemory ? 5 : 4).map(() => "i32" as const);
  const finish = builder.once(emitResult, { channels: inputs, next: nextProduct });
  const multiply: FunctionReference = builder.module.function(
    "winograd filter products",
    parameters,
    "none",
    (
      code,
      v,
      d,
      w,
      ...others
    ) => {
      const chunk = others[others.length - 1];
      const sums = code.let(
        inMemory
          ? i32.add(others[0], i32.mul(chunk, i32.const(sumBytes)))
          : i32.const(Math.ceil((FREE + 4 * panels) / 64) * 64),
      );
      const first = code.let(i32.mul(chunk, i32.const(rows)));
      const count = Math.min(depth, tiles);
      code.do(builder.once(emitWriteSteps, { offsets: [0], count, next: width * FLOAT }).call());
      const base = code.local("i32");
      code.for({ from: FREE, below: FREE + 4 * panels, step: 4 }, (slot) => {
        code.do(i32.store(slot, base, { memory: scratch }));
        code.set(base, advance(base, tiles * width * FLOAT));
      });
      const whole = Math.floor(tiles / depth);
      const rest = tiles - whole * depth;
      const m = code.let(sums);
      code.set(d, i32.add(d, i32.shl(first, i32.const(2))));
      code.for({ below: POINTS }, () => {
        const [a, b] = [code.let(d), code.let(v)];
        const fresh = code.let(i32.const(1));
        function block(some: number): void {
          const [from, to] = [code.let(a), code.let(m)];
          for (const { rows: height, count } of rowTiles(rows, tile.rows)) {
            const load = emitRows(builder, {
              held: dtype,
              rows: height,
              depth: some,
              rowStride: 1,
              depthStride: outputs,
            });
            const add = builder.once(emitTiles, {
              dtype,
              rows: height,
              vectors: tile.vectors,
              split: false,
              depth: some,
              from: "memory",
              to: placeOfSums(builder),
            });
            code.for({ below: count }, () => {
              code.do(load(from));
              code.do(add.call(
                i32.const(FREE),
                i32.const(FREE + 4 * panels),
                b,
                to,
                i32.const(inputs * FLOAT),
                fresh,
              ));
              code.set(from, advance(from, height * FLOAT));
              code.set(to, advance(to, height * inputs * FLOAT));
            });
          }
          code.set(fresh, i32.const(0));
          code.set(a, advance(a, some * outputs * FLOAT));
          code.set(b, advance(b, some * width * FLOAT));
        }
        code.for({ below: whole }, () => block(depth));
        if (rest > 0) block(rest);
        code.set(d, advance(d, nextOutput));
        code.set(v, advance(v, nextInput));
        code.set(m, advance(m, nextProduct));
      });
      const end = code.let(advance(first, rows));
      code.if(i32.gtU(end, i32.const(outputs)), () => code.set(end, i32.const(outputs)));
      code.set(m, sums);
      code.set(w, i32.add(w, i32.mul(first, i32.const(inputs * TAPS * FLOAT))));
      code.for({ from: first, below: end }, () => {
        code.do(finish.call(m, w));
        code.set(m, advance(m, inputs * FLOAT));
        code.set(w, advance(w, inputs * TAPS * FLOAT));
      });
    },
  );

  const stages: Stage[] = [
    builder.once(emitFrames, {
      held: held.x,
      images: batch * inputs,
      axes: frame,
      operands: [0, 3],
    }),
  ];
  // The last chunk reads whole tiles of rows, beyond the last one.
  const cotangents = POINTS * nextOutput + rows * FLOAT;
  const workspaces = [batch * inputs * lengthX * FLOAT, POINTS * nextInput, cotangents];
  if (isFramed) {
    stages.push(
      builder.once(emitFrames, {
        held: held.y,
        images: batch * outputs,
        axes: cotangent,
        operands: [1, 6],
      }),
    );
    workspaces.push(batch * outputs * lengthY * FLOAT);
  }
  const blocks = Math.ceil(outputs / rows);
  const work = 3 + workspaces.length;
  if (inMemory) workspaces.push(blocks * sumBytes);
  stages.push(
    { name: "tiles", run: transform, operands: [3, isFramed ? 6 : 1, 4, 5], chunks },
    {
      name: "convolveFilter",
      run: multiply,
      operands: inMemory ? [4, 5, 2, work] : [4, 5, 2],
      chunks: blocks,
      rows: { count: outputs, perChunk: rows },
    },
  );
  return { stages, workspaces };
}
