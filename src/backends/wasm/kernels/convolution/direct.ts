/**
 * Convolutions by their definition, one element of the result after another, for cases that no
 * faster method supports.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Effect, Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, i32 } from "../../assembler/operations.ts";
import type { ConvolutionSize, Role } from "./size.ts";
import type { Builder, Stage } from "../kernel.ts";
import { loadElement } from "../lanes.ts";
import type { Number, Pointer } from "../panels.ts";
import { chunkEnd, partition } from "../partition.ts";

// Measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6, about: the groups "stage" of
// `deno bench bench/convolution_ways_bench.ts` measure it again.

/** Nanoseconds for a product and its addition to the sum. */
const PRODUCT_TIME = 3;

type Index = Expression<"i32">;

type Element = ReturnType<typeof loadElement>;

/** `address += x * y`. */
function accumulate(dtype: Number, address: Pointer, x: Element, y: Element): Effect {
  if (dtype === "float32") {
    const product = f32.mul(x as Expression<"f32">, y as Expression<"f32">);
    return f32.store(address, f32.add(f32.load(address), product));
  }
  if (dtype === "float64") {
    const product = f64.mul(x as Expression<"f64">, y as Expression<"f64">);
    return f64.store(address, f64.add(f64.load(address), product));
  }
  const product = i32.mul(x as Expression<"i32">, y as Expression<"i32">);
  return i32.store(address, i32.add(i32.load(address), product));
}

/** `x * scale + y`. */
function scaled(x: Index, scale: number, y: Index): Index {
  return i32.add(i32.mul(x, i32.const(scale)), y);
}

/** Nested loops. */
function nest(
  code: Code,
  lengths: readonly number[],
  body: (indices: readonly Local<"i32">[]) => void,
  outer: readonly Local<"i32">[] = [],
): void {
  if (outer.length === lengths.length) return body(outer);
  code.for({ below: lengths[outer.length] }, (i) => nest(code, lengths, body, [...outer, i]));
}

/** The number of an element among those of a channel. */
function flat(lengths: readonly number[], indices: readonly Index[]): Index {
  return indices.reduce((sum, index, axis) => scaled(sum, lengths[axis], index));
}

/** Runs `body` with the spatial indices of the third role, if they lie inside it. */
function derive(
  code: Code,
  { axes }: ConvolutionSize,
  result: Role,
  own: readonly Index[],
  summed: readonly Index[],
  body: (derived: readonly Index[]) => void,
): void {
  const inside: Index[] = [];
  const derived = axes.map(({ stride, dilation, padLow, input, output }, i) => {
    if (result === "x") {
      // If the position lies before all windows, the quotient is huge.
      const offset = i32.sub(i32.const(padLow), i32.mul(summed[i], i32.const(dilation)));
      const steps = code.let(i32.add(own[i], offset));
      const window = code.let(i32.divU(steps, i32.const(stride)));
      inside.push(i32.eq(i32.mul(window, i32.const(stride)), steps));
      inside.push(i32.ltU(window, i32.const(output)));
      return window;
    }
    const [p, q] = result === "y" ? [own[i], summed[i]] : [summed[i], own[i]];
    const at = i32.add(i32.mul(p, i32.const(stride)), i32.mul(q, i32.const(dilation)));
    const position = code.let(i32.sub(at, i32.const(padLow)));
    inside.push(i32.ltU(position, i32.const(input)));
    return position;
  });
  code.if(inside.reduce((all, some) => i32.and(all, some)), () => body(derived));
}

/** The stage that computes all elements of the result: a function of two operands and the result. */
export function emitDirect(
  builder: Builder,
  { size, result, operands }: {
    readonly size: ConvolutionSize;
    readonly result: Role;
    readonly operands: readonly number[];
  },
): Stage {
  const { dtype, held, batch, groups, inPerGroup, outPerGroup, axes, inputs, taps, outputs } = size;
  const element = byteSize(dtype);
  const [heldA, heldB] = {
    y: [held.x, held.w],
    x: [held.y, held.w],
    w: [held.x, held.y],
  }[result];
  const [inChannels, outChannels] = [groups * inPerGroup, groups * outPerGroup];
  const lengths = {
    x: axes.map(({ input }) => input),
    w: axes.map(({ kernel }) => kernel),
    y: axes.map(({ output }) => output),
  };
  const { rows, own, summed, terms } = {
    y: { rows: batch * outChannels, own: outputs, summed: lengths.w, terms: inPerGroup },
    x: { rows: batch * inChannels, own: inputs, summed: lengths.w, terms: outPerGroup },
    w: { rows: outChannels * inPerGroup, own: taps, summed: lengths.y, terms: batch },
  }[result];
  const work = own * terms * (result === "w" ? outputs : taps);
  const { perChunk, chunks } = partition(rows, work * PRODUCT_TIME);

  function body(code: Code, a: Index, b: Index, out: Index, row: Index): void {
    const address = code.let(scaled(row, own * element, out));
    const columns = { y: outChannels, x: inChannels, w: inPerGroup }[result];
    const first = code.let(i32.divU(row, i32.const(columns)));
    const second = code.let(i32.sub(row, i32.mul(first, i32.const(columns))));
    const [channel, perGroup] = {
      y: [second, outPerGroup] as const,
      x: [second, inPerGroup] as const,
      w: [first, outPerGroup] as const,
    }[result];
    const group = code.let(i32.divU(channel, i32.const(perGroup)));
    nest(code, lengths[result], (indices) => {
      code.for({ below: terms }, (term) => {
        const outer = {
          y: [
            scaled(first, inChannels, scaled(group, inPerGroup, term)),
            scaled(second, inPerGroup, term),
          ],
          x: [
            scaled(first, outChannels, scaled(group, outPerGroup, term)),
            scaled(
              scaled(group, outPerGroup, term),
              inPerGroup,
              i32.sub(second, i32.mul(group, i32.const(inPerGroup))),
            ),
          ],
          w: [
            scaled(term, inChannels, scaled(group, inPerGroup, second)),
            scaled(term, outChannels, first),
          ],
        }[result];
        const channels = outer.map((index) => code.let(index));
        nest(code, summed, (inner) => {
          derive(code, size, result, indices, inner, (derived) => {
            const [mine, theirs] = {
              y: [flat(lengths.x, derived), flat(lengths.w, inner)],
              x: [flat(lengths.y, derived), flat(lengths.w, inner)],
              w: [flat(lengths.x, derived), flat(lengths.y, inner)],
            }[result];
            const [left, right] = {
              y: [inputs, taps],
              x: [outputs, taps],
              w: [inputs, outputs],
            }[result];
            const load = (held: Number, at: Index, from: Index) =>
              loadElement(code, held, scaled(at, byteSize(held), from));
            const x = load(heldA, scaled(channels[0], left, mine), a);
            const y = load(heldB, scaled(channels[1], right, theirs), b);
            code.do(accumulate(dtype, address, x, y));
          });
        });
      });
      code.set(address, i32.add(address, i32.const(element)));
    });
  }

  const run: FunctionReference = builder.module.function(
    "convolution",
    ["i32", "i32", "i32", "i32"],
    "none",
    (
      code,
      a,
      b,
      out,
      chunk,
    ) => {
      const from = code.let(i32.mul(chunk, i32.const(perChunk)));
      const end = code.let(chunkEnd({ count: rows, perChunk }, chunk));
      const bytes = own * element;
      code.do(builder.memory.fill(
        scaled(from, bytes, out),
        i32.const(0),
        i32.mul(i32.sub(end, from), i32.const(bytes)),
      ));
      code.for({ from, below: end }, (row) => body(code, a, b, out, row));
    },
  );
  const name = { y: "convolve", x: "convolveInput", w: "convolveFilter" }[result];
  return { name, run, operands, chunks, rows: { count: rows, perChunk } };
}
