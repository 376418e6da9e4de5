/**
 * Convolutions of one image with few windows: reading the filters takes most of the time, and each
 * is read once, in place.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range, stridesOf } from "../../../../base/shape.ts";
import type { Expression } from "../../assembler/expression.ts";
import { f32, f64, i32 } from "../../assembler/operations.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { indicesOf, type Plan } from "./plan.ts";
import type { ConvolutionSize } from "./size.ts";
import type { Builder, Kernel, Stage } from "../kernel.ts";
import { advance, type Number, type Pointer } from "../panels.ts";
import { chunkEnd, partition } from "../partition.ts";
import { emitProduct } from "../product/mod.ts";

// Measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6, about: the groups "stage" of
// `deno bench bench/convolution_ways_bench.ts` measure it again.

/**
 * Nanoseconds for an element of a window that is added to the image; the best measured time was a
 * third of it.
 */
const FOLD_TIME = 1;

/** The maximum number of windows, and the maximum number of elements of all windows of a channel. */
const MOST_WINDOWS = 16;
const MOST_ELEMENTS = 512;

/** Whether this module should compute a convolution. */
export function hasFewWindows({ batch, taps, outputs }: ConvolutionSize): boolean {
  return batch === 1 && outputs <= MOST_WINDOWS && outputs * taps <= MOST_ELEMENTS;
}

/** The stages of a product with its operands and workspaces renumbered. */
function renumber(
  { stages, workspaces }: Kernel,
  operands: readonly [number, number, number],
  place: number,
): Plan {
  const numbers = [...operands, ...workspaces.map((_, i) => place + i)];
  return {
    stages: stages.map((stage): Stage => ({
      ...stage,
      operands: stage.operands.map((operand) => numbers[operand]),
      rows: undefined,
    })),
    workspaces: [...workspaces],
  };
}

/** `y` from the rows of windows, operand `patches`, and the filters. */
export function planFewConvolve(
  builder: Builder,
  convolution: ConvolutionSize,
  patches: number,
  place: number,
): Plan {
  const { dtype, held, groups, inPerGroup, outPerGroup, taps, outputs } = convolution;
  const length = inPerGroup * taps;
  const rows = { batch: outputs * length, window: length, element: 1 };
  const filters = { batch: outPerGroup * length, channel: length, element: 1 };
  const y = { batch: outPerGroup * outputs, channel: outputs, window: 1 };
  const size = { dtype, batch: groups, k: length };
  const product = emitProduct(builder, {
    ...size,
    m: outputs,
    n: outPerGroup,
    a: { batch: rows.batch, row: rows.window, column: rows.element },
    b: { batch: filters.batch, row: filters.element, column: filters.channel, held: held.w },
    c: { batch: y.batch, row: y.window, column: y.channel },
  });
  return renumber(product, [patches, 1, 2], place);
}

type Scalar = Expression<"f32"> | Expression<"f64"> | Expression<"i32">;

/** The sum of elements at given offsets, zero for none, written to an address. */
function storeSum(
  dtype: Number,
  from: Pointer,
  offsets: readonly number[],
  to: Pointer,
  at: number,
): Expression<"none"> {
  function sum<T extends Scalar>(
    load: (p: Pointer, place: { offset: number }) => T,
    add: (x: T, y: T) => T,
    zero: T,
  ): T {
    const [first, ...others] = offsets.map((offset) => load(from, { offset }));
    return first === undefined ? zero : others.reduce((total, part) => add(total, part), first);
  }
  const place = { offset: at };
  if (dtype === "float32") return f32.store(to, sum(f32.load, f32.add, f32.const(0)), place);
  if (dtype === "float64") return f64.store(to, sum(f64.load, f64.add, f64.const(0)), place);
  return i32.store(to, sum(i32.load, i32.add, i32.const(0)), place);
}

/** `x` from `y` and the filters, with workspaces numbered from `place` on. */
export function planFewInput(
  builder: Builder,
  { size, place }: { readonly size: ConvolutionSize; readonly place: number },
): Plan {
  const { dtype, held, groups, inPerGroup, outPerGroup, axes, taps, inputs, outputs } = size;
  const element = byteSize(dtype);
  const length = inPerGroup * taps;
  const product = emitProduct(builder, {
    dtype,
    batch: groups,
    m: outputs,
    n: length,
    k: outPerGroup,
    a: { batch: outPerGroup * outputs, row: 1, column: outputs, held: held.y },
    b: { batch: outPerGroup * length, row: length, column: 1, held: held.w },
    c: { batch: outputs * length, row: length, column: 1 },
  });
  const first = renumber(product, [0, 1, place], place + 1);

  // The positions in a channel's windows of the element that falls on each position of the input.
  const falling = range(inputs).map((): number[] => []);
  const strides = stridesOf(axes.map(({ input }) => input));
  indicesOf(axes.map(({ output }) => output)).forEach((windows, p) => {
    indicesOf(axes.map(({ kernel }) => kernel)).forEach((positions, q) => {
      const at = axes.map(({ stride, dilation, padLow }, i) =>
        windows[i] * stride + positions[i] * dilation - padLow
      );
      if (at.some((position, i) => position < 0 || position >= axes[i].input)) return;
      falling[at.reduce((sum, position, i) => sum + position * strides[i], 0)]
        .push((p * length + q) * element);
    });
  });
  const channels = groups * inPerGroup;
  const { perChunk, chunks } = partition(channels, outputs * taps * FOLD_TIME);
  const run: FunctionReference = builder.module.function(
    "fold",
    ["i32", "i32", "i32"],
    "none",
    (code, columns, x, chunk) => {
      const begin = code.let(i32.mul(chunk, i32.const(perChunk)));
      const end = code.let(chunkEnd({ count: channels, perChunk }, chunk));
      code.set(x, i32.add(x, i32.mul(begin, i32.const(inputs * element))));
      code.for({ from: begin, below: end }, (channel) => {
        const group = code.let(i32.divU(channel, i32.const(inPerGroup)));
        const own = i32.sub(channel, i32.mul(group, i32.const(inPerGroup)));
        const at = i32.add(
          i32.mul(group, i32.const(outputs * length * element)),
          i32.mul(own, i32.const(taps * element)),
        );
        const from = code.let(i32.add(columns, at));
        falling.forEach((offsets, i) => code.do(storeSum(dtype, from, offsets, x, i * element)));
        code.set(x, advance(x, inputs * element));
      });
    },
  );
  return {
    stages: [...first.stages, {
      name: "fold",
      run,
      operands: [place, 2],
      chunks,
      rows: { count: channels, perChunk },
    }],
    workspaces: [groups * outputs * length * element, ...first.workspaces],
  };
}
