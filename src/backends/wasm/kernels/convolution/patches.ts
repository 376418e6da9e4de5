/**
 * The windows of images as rows of a matrix, for gradients of filters: their sums run over the
 * windows, and the elements of one window are adjacent.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { Memory } from "../../assembler/memory.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, i32, i64, v128 } from "../../assembler/operations.ts";
import type { Builder, Stage } from "../kernel.ts";
import { lanesOf, type Number, type Place, type Pointer, VECTOR } from "../panels.ts";
import { eachUnit, partition } from "../partition.ts";

// Measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6, about: the groups "stage" of
// `deno bench bench/convolution_ways_bench.ts` measure it again.

/** Nanoseconds to copy an element of a window. */
const ELEMENT_TIME = 0.25;

/** The positions of windows; distances are in elements. */
export interface Patches {
  readonly dtype: Number;
  /** Images or groups of their channels: their number and distance. */
  readonly units: readonly { readonly count: number; readonly step: number }[];
  /** Windows along each axis: their number and distance. */
  readonly windows: readonly { readonly count: number; readonly step: number }[];
  /** Channels: their number and distance. */
  readonly channels: { readonly count: number; readonly step: number };
  /** The positions of the elements of a channel's window. */
  readonly taps: readonly number[];
}

/** Copies `count` elements; except at the end, whole vectors may be written. */
function copyRun(
  code: Code,
  dtype: Number,
  from: Pointer,
  to: Pointer,
  offset: number,
  at: number,
  count: number,
  end: boolean,
  memory: Memory | undefined,
): void {
  const size = byteSize(dtype);
  const lanes = lanesOf(dtype);
  for (let i = 0; i < count;) {
    const source = { offset: (offset + i) * size, align: 4 };
    const target = { offset: (at + i) * size, align: 4, memory };
    const left = count - i;
    if (left >= lanes || !end) {
      code.do(v128.store(to, v128.load(from, source), target));
      i += lanes;
    } else if (lanes === 4 && left >= 2) {
      code.do(i64.store(to, i64.load(from, source), target));
      i += 2;
    } else {
      if (dtype === "float64") code.do(f64.store(to, f64.load(from, source), target));
      else if (dtype === "float32") code.do(f32.store(to, f32.load(from, source), target));
      else code.do(i32.store(to, i32.load(from, source), target));
      i++;
    }
  }
}

/** A function of a window's first channel and of the row to write. */
function emitPatch(
  builder: Builder,
  { patch: { dtype, channels, taps }, place }: {
    readonly patch: Pick<Patches, "dtype" | "channels" | "taps">;
    readonly place: Place;
  },
): FunctionReference<readonly ["i32", "i32"], "none"> {
  const size = byteSize(dtype);
  const memory = place === "scratch" ? builder.scratch : undefined;
  return builder.module.function("patch", ["i32", "i32"], "none", (code, from, to) => {
    code.for({ below: channels.count }, () => {
      for (let k = 0; k < taps.length;) {
        const run = taps.slice(k).findIndex((at, i) => at !== taps[k] + i);
        const count = run < 0 ? taps.length - k : run;
        // After the last run of the last channel there may be a row that another thread writes.
        const left = taps.length - k - count;
        copyRun(code, dtype, from, to, taps[k], k, count, left < VECTOR / size, memory);
        k += count;
      }
      code.set(from, i32.add(from, i32.const(channels.step * size)));
      code.set(to, i32.add(to, i32.const(taps.length * size)));
    });
  });
}

/** Moves a pointer to a window, by its number among all. */
function moveTo(
  code: Code,
  pointer: Local<"i32">,
  number: Pointer,
  loops: readonly { readonly count: number; readonly step: number }[],
  size: number,
): void {
  const rest = code.let(number);
  for (const i of range(loops.length).reverse()) {
    const loop = loops[i];
    if (loop.count === 1) continue;
    const next = code.let(i32.divU(rest, i32.const(loop.count)));
    const index = i32.sub(rest, i32.mul(next, i32.const(loop.count)));
    code.set(pointer, i32.add(pointer, i32.mul(index, i32.const(loop.step * size))));
    code.set(rest, next);
  }
}

/**
 * A function of the images, the number of the first window, a number of windows and an address:
 * copies these windows to rows at the address.
 */
export function emitPacking(
  builder: Builder,
  { patches, place }: { readonly patches: Patches; readonly place: Place },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const { dtype, units, windows, channels, taps } = patches;
  const size = byteSize(dtype);
  const length = channels.count * taps.length;
  const patch = builder.once(emitPatch, { patch: patches, place });
  return builder.module.function(
    "pack",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, from, first, count, to) => {
      const source = code.local("i32");
      code.for({ below: count }, (i) => {
        code.set(source, from);
        moveTo(code, source, i32.add(first, i), [...units, ...windows], size);
        code.do(patch.call(source, to));
        code.set(to, i32.add(to, i32.const(length * size)));
      });
    },
  );
}

/** The stage that copies all windows, one row for each: a function of the images and the rows. */
export function emitPatches(
  builder: Builder,
  { patches, operands }: {
    readonly patches: Patches;
    readonly operands: readonly [number, number];
  },
): Stage {
  const { dtype, units, windows, channels, taps } = patches;
  const size = byteSize(dtype);
  const patch = builder.once(emitPatch, { patch: patches, place: "memory" });
  const loops = [...units, ...windows];
  const count = loops.reduce((all, loop) => all * loop.count, 1);
  const length = channels.count * taps.length;
  const { perChunk, chunks } = partition(count, length * ELEMENT_TIME);
  const run: FunctionReference = builder.module.function(
    "patches",
    ["i32", "i32", "i32"],
    "none",
    (code, from, to, chunk) => {
      eachUnit(code, { count, perChunk }, chunk, (row) => {
        const source = code.let(from);
        moveTo(code, source, row, loops, size);
        code.do(patch.call(source, i32.add(to, i32.mul(row, i32.const(length * size)))));
      });
    },
  );
  return { name: "patches", run, operands, chunks };
}
