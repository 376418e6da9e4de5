/**
 * The kernel that finds the largest element of each window: argmaxWindow.
 *
 * On each axis, the elements of a window that lie inside the input depend only on the position of
 * the window, and are the same for whole ranges of positions. Windows over planes are searched row
 * by row, by code made for each pair of such ranges: it has no tests and no divisions, and
 * processes several windows at once. Windows of many elements or axes are searched one by one.
 *
 * @module
 */
import { byteSize, type Dtype, wideDtype } from "../../../base/dtype.ts";
import { sizeOf } from "../../../base/shape.ts";
import type { WindowParams } from "../../../primitives/window.ts";
import type { Code } from "../assembler/code.ts";
import type { Local } from "../assembler/expression.ts";
import type { FunctionReference } from "../assembler/module.ts";
import { i32, i32x4, i8x16, v128 } from "../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR, type Vector } from "./addresses.ts";
import { chooseElements, chooseVectors } from "./choices.ts";
import type { Buffer, Builder, Kernel, Stage } from "./kernel.ts";
import { gathered, lanesLoader, loadElement, loadLane } from "./lanes.ts";
import { chunkEnd, partition } from "./partition.ts";

/** Bytes of a position. */
const POSITION = 4;

/** The most elements of a window that are written out without a loop. */
const UNROLLED = 64;

/** The value stored for a window without elements. */
const NOWHERE = -1;

/** The windows along one axis. */
interface Axis {
  readonly stride: number;
  readonly dilation: number;
  readonly padLow: number;
  readonly input: number;
  readonly kernel: number;
  readonly output: number;
}

/** An axis with a single window of a single element. */
const POINT: Axis = { stride: 1, dilation: 1, padLow: 0, input: 1, kernel: 1, output: 1 };

/** The axes of windows; at least two. */
function axesOf(params: WindowParams): Axis[] {
  const { stride, dilation, padLow, input, kernel, output } = params;
  const axes = input.map((_, i) => ({
    stride: stride[i],
    dilation: dilation[i],
    padLow: padLow[i],
    input: input[i],
    kernel: kernel[i],
    output: output[i],
  }));
  while (axes.length < 2) axes.unshift(POINT);
  return axes;
}

/** Neighbouring windows whose elements inside the input are the same. */
interface Range {
  /** The first window. */
  readonly from: number;
  /** The number after the last one. */
  readonly to: number;
  /** The first element inside the input. */
  readonly first: number;
  /** The number after the last one; not below `first`. */
  readonly end: number;
}

/** The ranges of windows on an axis, in order. */
function rangesOf({ stride, dilation, padLow, input, kernel, output }: Axis): Range[] {
  const ranges: Range[] = [];
  for (let window = 0; window < output; window++) {
    const start = window * stride - padLow;
    const reach = (to: number) => Math.min(kernel, Math.max(0, Math.ceil((to - start) / dilation)));
    const [first, end] = [reach(0), reach(input)];
    const last = ranges.at(-1);
    if (last?.first === first && last.end === end) {
      ranges[ranges.length - 1] = { ...last, to: window + 1 };
    } else ranges.push({ from: window, to: window + 1, first, end });
  }
  return ranges;
}

/** A function of a plane's address, the window's number on the first axis, and where to store. */
type RowSearch = FunctionReference<readonly ["i32", "i32", "i32"], "none">;

/** The kernel of `argmaxWindow`: `x` to flat positions. */
export function emitArgmaxWindow(
  builder: Builder,
  [x]: readonly Buffer[],
  params: WindowParams,
  output: Buffer,
): Kernel {
  const axes = axesOf(params);
  const { dtype, shape: [outer] } = x;
  const element = byteSize(dtype);
  const rows = axes[0].output;
  const rowLength = sizeOf(axes.slice(1).map((axis) => axis.output));
  const taps = sizeOf(axes.map((axis) => axis.kernel));
  const isUnrolled = axes.length === 2 && taps <= UNROLLED;
  const lanes = isUnrolled ? chooseVectors(dtype, "max")?.lanes ?? 1 : 1;
  const time = rowLength * (2 + taps * (isUnrolled ? 3 / lanes : 4));
  const parts = partition(rowLength === 0 ? 0 : outer * rows, time);
  if (parts.chunks === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const searches = isUnrolled
    ? rangesOf(axes[0]).map((range) => ({
      ...range,
      search: builder.once(emitRow, { dtype, axes, range }),
    }))
    : [{ from: 0, to: rows, search: builder.once(emitSlowRow, { dtype, axes }) }];
  const run = builder.module.function(
    "argmaxWindow",
    ["i32", "i32", "i32"],
    "none",
    (code, x, out, chunk) => {
      const planeBytes = sizeOf(params.input) * element;
      const first = code.let(times(chunk, parts.perChunk));
      const end = code.let(chunkEnd(parts, chunk));
      const image = code.let(i32.divU(first, i32.const(rows)));
      const row = code.let(i32.sub(first, times(image, rows)));
      const plane = code.let(i32.add(x, times(image, planeBytes)));
      const to = code.let(i32.add(out, times(first, rowLength * POSITION)));
      code.for({ from: first, below: end }, () => {
        chooseRange(code, row, searches, ({ search }) => code.do(search.call(plane, row, to)));
        code.set(to, advance(to, rowLength * POSITION));
        code.set(row, advance(row, 1));
        code.if(i32.eq(row, i32.const(rows)), () => {
          code.set(row, i32.const(0));
          code.set(plane, advance(plane, planeBytes));
        });
      });
    },
  );
  const stage: Stage = {
    name: "argmaxWindow",
    run,
    operands: [0, 1],
    chunks: parts.chunks,
    rows: { count: parts.count, perChunk: parts.perChunk },
  };
  return {
    stages: [stage],
    workspaces: [],
    operations: sizeOf(output.shape) * taps,
    bytes: sizeOf(x.shape) * element + sizeOf(output.shape) * POSITION,
  };
}

/** Writes code that selects the choice whose range contains `value`; the longest is tried first. */
function chooseRange<R extends Pick<Range, "from" | "to">>(
  code: Code,
  value: Local<"i32">,
  ranges: readonly R[],
  take: (range: R) => void,
): void {
  const [range, ...others] = ranges.toSorted((a, b) => (b.to - b.from) - (a.to - a.from));
  if (others.length === 0) {
    take(range);
    return;
  }
  const { from, to } = range;
  const isInside = i32.ltU(advance(value, -from), i32.const(to - from));
  code.if(isInside, () => take(range), () => chooseRange(code, value, others, take));
}

/** Stores the marker of windows without elements for a number of windows. */
function storeNowhere({ memory }: Builder, code: Code, to: Pointer, windows: number): void {
  code.do(memory.fill(to, i32.const(NOWHERE), i32.const(windows * POSITION)));
}

/** Searches one row of windows over a plane, whose position on the first axis lies in a range. */
function emitRow(
  builder: Builder,
  { dtype, axes: [rows, columns], range: { first, end } }: {
    readonly dtype: Dtype;
    readonly axes: readonly Axis[];
    readonly range: Range;
  },
): RowSearch {
  return builder.module.function("row", ["i32", "i32", "i32"], "none", (code, plane, row, to) => {
    if (first >= end) {
      storeNowhere(builder, code, to, columns.output);
      return;
    }
    const element = byteSize(dtype);
    // The position of the first element on the first line of the row.
    const line = code.let(
      times(
        advance(times(row, rows.stride), first * rows.dilation - rows.padLow),
        columns.input,
      ),
    );
    const start = code.let(i32.add(plane, times(line, element)));
    for (const range of rangesOf(columns)) {
      const target = code.let(advance(to, range.from * POSITION));
      if (range.first >= range.end) {
        storeNowhere(builder, code, target, range.to - range.from);
        continue;
      }
      const column = range.from * columns.stride - columns.padLow +
        range.first * columns.dilation;
      const shifts: number[] = [];
      for (let i = first; i < end; i++) {
        for (let j = range.first; j < range.end; j++) {
          const lines = (i - first) * rows.dilation;
          shifts.push(lines * columns.input + (j - range.first) * columns.dilation);
        }
      }
      searchWindows(code, dtype, {
        count: range.to - range.from,
        stride: columns.stride,
        shifts,
        from: code.let(advance(start, column * element)),
        position: code.let(advance(line, column)),
        to: target,
      });
    }
  });
}

/** Adjacent windows that have the same elements. */
interface Windows {
  readonly count: number;
  /** Elements from one window to the next. */
  readonly stride: number;
  /** The offset of each element of a window from its first one, which is at 0. */
  readonly shifts: readonly number[];
  /** The address of the first window's first element; changed. */
  readonly from: Local<"i32">;
  /** The position of that element in its plane; changed. */
  readonly position: Local<"i32">;
  /** Where to store; changed. */
  readonly to: Local<"i32">;
}

/** Writes code that searches windows by vectors if there are enough, otherwise one by one. */
function searchWindows(code: Code, dtype: Dtype, windows: Windows): void {
  const { count, stride, from, position, to } = windows;
  const element = byteSize(dtype);
  const lanes = chooseVectors(dtype, "max")?.lanes ?? Infinity;
  const isWide = count >= lanes;
  const step = isWide ? lanes : 1;
  const search = isWide ? emitSeveral(code, dtype, windows) : emitSingle(code, dtype, windows);
  function move(by: number): void {
    code.set(from, advance(from, by * stride * element));
    code.set(position, advance(position, by * stride));
    code.set(to, advance(to, by * POSITION));
  }
  const rounds = Math.floor(count / step);
  const end = code.let(advance(to, rounds * step * POSITION));
  code.loop((again) => {
    search();
    move(step);
    code.branchIf(again, i32.ltU(to, end));
  });
  const rest = count - rounds * step;
  if (rest > 0) {
    // The last vector overlaps the one before it.
    move(rest - step);
    search();
  }
}

/** Prepares the search of one window; the result writes the code. */
function emitSingle(code: Code, dtype: Dtype, { shifts, from, position, to }: Windows): () => void {
  const element = byteSize(dtype);
  const single = chooseElements(dtype, "max");
  return () => {
    const best = code.let(loadElement(code, dtype, from));
    const place = code.let(i32.const(0));
    for (const shift of shifts.slice(1)) {
      const value = code.let(loadElement(code, dtype, from, shift * element));
      code.if(single.wins(value, best), () => {
        code.set(best, value);
        code.set(place, i32.const(shift));
      });
    }
    code.do(i32.store(to, i32.add(position, place)));
  };
}

/** Prepares the search of a vector of windows; the result writes the code. */
function emitSeveral(
  code: Code,
  dtype: Dtype,
  { shifts, stride, from, position, to }: Windows,
): () => void {
  const several = chooseVectors(dtype, "max")!;
  const { lanes } = several;
  const places = shifts.map((shift) => code.let(several.places(i32.const(shift))));
  const own = i32x4.const(...[0, 1, 2, 3].map((lane) => lane * stride));
  const load = lanesLoader(code, dtype);
  return () => {
    const read = loadStrided(code, dtype, from, stride, load);
    const best = code.let(read(0));
    const place = code.let(places[0]);
    shifts.slice(1).forEach((shift, i) => {
      const value = code.let(read(shift));
      const wins = code.let(several.wins(value, best));
      code.set(best, v128.bitselect(value, best, wins));
      code.set(place, v128.bitselect(places[i + 1], place, wins));
    });
    const here = i32x4.add(i32x4.splat(position), own);
    const result = i32x4.add(here, several.narrow(place));
    code.do(
      lanes === 4
        ? v128.store(to, result, { align: POSITION })
        : v128.store64Lane(to, result, 0, { align: POSITION }),
    );
  };
}

/**
 * Makes a reader of vectors of elements that are `stride` apart, at an offset in elements from an
 * address. With a stride of two, a vector that has been read is reused for the elements in between.
 */
function loadStrided(
  code: Code,
  dtype: Dtype,
  from: Pointer,
  stride: number,
  load: ReturnType<typeof lanesLoader>,
): (shift: number) => Vector {
  const [element, wide] = [byteSize(dtype), byteSize(wideDtype(dtype))];
  const lanes = wide === 8 ? 2 : 4;
  if (stride === 1) return (shift) => load(from, shift * element);
  if (stride === 2) {
    const pairs = new Map<number, readonly [Vector, Vector]>();
    return (shift) => {
      const before = pairs.get(shift - 1);
      const pair = before ?? [
        code.let(load(from, shift * element)),
        code.let(load(from, (shift + lanes) * element)),
      ] as const;
      if (before === undefined) pairs.set(shift, pair);
      const bytes = Array.from({ length: VECTOR }, (_, i) => {
        const lane = 2 * Math.floor(i / wide) + (before === undefined ? 0 : 1);
        return lane * wide + i % wide;
      });
      return i8x16.shuffle(pair[0], pair[1], bytes);
    };
  }
  return (shift) => {
    let vector: Vector = i32x4.const(0);
    for (let lane = 0; lane < lanes; lane++) {
      const place = (shift + lane * stride) * element;
      vector = loadLane(dtype, from, place, vector, lane, lanes);
    }
    return gathered(code, dtype, vector, lanes);
  };
}

/** Searches windows that are the same on the first axis one by one, looking at every element. */
function emitSlowRow(
  builder: Builder,
  { dtype, axes }: { readonly dtype: Dtype; readonly axes: readonly Axis[] },
): RowSearch {
  return builder.module.function("row", ["i32", "i32", "i32"], "none", (code, plane, row, to) => {
    const element = byteSize(dtype);
    const single = chooseElements(dtype, "max");
    const starts = axes.map(() => code.local("i32"));
    const best = code.local(single.type);
    const place = code.local("i32");

    function searchElements(i: number, position: Pointer): void {
      if (i === axes.length) {
        const address = i32.add(plane, times(position, element));
        const value = code.let(loadElement(code, dtype, address));
        const isFirst = i32.eq(place, i32.const(NOWHERE));
        code.if(i32.or(isFirst, single.wins(value, best)), () => {
          code.set(best, value);
          code.set(place, position);
        });
        return;
      }
      const { kernel, dilation, input } = axes[i];
      const coordinate = code.let(starts[i]);
      code.for({ below: kernel }, () => {
        code.if(i32.ltU(coordinate, i32.const(input)), () => {
          searchElements(i + 1, code.let(i32.add(times(position, input), coordinate)));
        });
        code.set(coordinate, advance(coordinate, dilation));
      });
    }

    function searchEach(i: number): void {
      if (i === axes.length) {
        code.set(place, i32.const(NOWHERE));
        searchElements(0, i32.const(0));
        code.do(i32.store(to, place));
        code.set(to, advance(to, POSITION));
        return;
      }
      const { output, stride, padLow } = axes[i];
      code.set(starts[i], i32.const(-padLow));
      code.for({ below: output }, () => {
        searchEach(i + 1);
        code.set(starts[i], advance(starts[i], stride));
      });
    }

    const { stride, padLow } = axes[0];
    code.set(starts[0], advance(times(row, stride), -padLow));
    searchEach(1);
  });
}
