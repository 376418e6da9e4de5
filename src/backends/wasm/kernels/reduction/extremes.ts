/**
 * Kernels that find the position of an extreme along an axis: argmax, argmin.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { AxisParams } from "../../../../primitives/reduction.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, v128 } from "../../assembler/operations.ts";
import { advance, times } from "../addresses.ts";
import { chooseElements, chooseVectors, type Direction } from "../choices.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import { lanesLoader, loadElement } from "../lanes.ts";
import { chunkEnd, partition } from "../partition.ts";

/** Bytes of a position. */
const PLACE = 4;

/** The number of vectors that are searched in parallel. */
const SIDE_BY_SIDE = 4;

/** The length from which lines along the last axis are searched by vectors. */
const LONG_LINE = 64;

/** A function of the address of a block of lines and of the address for their positions. */
type Search = FunctionReference<readonly ["i32", "i32"], "none">;

/**
 * Nanoseconds for a search regardless of its length, and four times those for a vector of a line,
 * or of adjacent lines, on one core of an AMD EPYC (Zen 3) with Deno 2.9.6. The group "time:
 * argmax" of `deno bench bench/thresholds_bench.ts` measures it again.
 */
const TIMES = { search: 2, line: 1.5, sideBySide: 2 };

/** The kernel of `argmax`. */
export function emitArgmax(
  builder: Builder,
  [x]: readonly Buffer[],
  { axis }: AxisParams,
  output: Buffer,
): Kernel {
  return emitExtreme(builder, x, axis, output, "max");
}

/** The kernel of `argmin`. */
export function emitArgmin(
  builder: Builder,
  [x]: readonly Buffer[],
  { axis }: AxisParams,
  output: Buffer,
): Kernel {
  return emitExtreme(builder, x, axis, output, "min");
}

function emitExtreme(
  builder: Builder,
  x: Buffer,
  axis: number,
  output: Buffer,
  direction: Direction,
): Kernel {
  const name = direction === "max" ? "argmax" : "argmin";
  const { dtype, shape } = x;
  const element = byteSize(dtype);
  const count = shape[axis];
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  const vectors = chooseVectors(dtype, direction);
  const spec: Lines = { dtype, direction, count, stride: inner * element };
  // Adjacent lines are searched in blocks, of which the last may be narrower.
  const full = Math.min(inner, SIDE_BY_SIDE * (vectors?.lanes ?? 1));
  const blocks = Math.ceil(inner / Math.max(1, full));
  const time = TIMES.search + count * full / (4 * (vectors?.lanes ?? 1)) *
      (inner === 1 ? TIMES.line : TIMES.sideBySide);
  const parts = partition(outer * blocks, time);
  if (parts.chunks === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const isLong = inner === 1 && vectors !== null && count >= LONG_LINE;
  const search = isLong
    ? builder.once(emitLine, spec)
    : builder.once(emitBlock, { spec, width: full });
  const rest = inner - (blocks - 1) * full;
  const last = rest === full ? search : builder.once(emitBlock, { spec, width: rest });
  const run = builder.module.function(
    name,
    ["i32", "i32", "i32"],
    "none",
    (code, x, out, chunk) => {
      const first = code.let(times(chunk, parts.perChunk));
      const end = code.let(chunkEnd(parts, chunk));
      const outer = code.let(blocks === 1 ? first : i32.divU(first, i32.const(blocks)));
      const block = code.let(i32.sub(first, times(outer, blocks)));
      const from = code.let(
        i32.add(
          i32.add(x, times(outer, count * inner * element)),
          times(block, full * element),
        ),
      );
      const to = code.let(
        i32.add(i32.add(out, times(outer, inner * PLACE)), times(block, full * PLACE)),
      );
      code.for({ from: first, below: end }, () => {
        if (blocks === 1) {
          code.do(search.call(from, to));
          code.set(from, advance(from, count * inner * element));
          code.set(to, advance(to, inner * PLACE));
          return;
        }
        code.if(i32.eq(block, i32.const(blocks - 1)), () => {
          code.do(last.call(from, to));
          code.set(block, i32.const(0));
          const before = (blocks - 1) * full;
          code.set(from, advance(from, (count * inner - before) * element));
          code.set(to, advance(to, rest * PLACE));
        }, () => {
          code.do(search.call(from, to));
          code.set(block, advance(block, 1));
          code.set(from, advance(from, full * element));
          code.set(to, advance(to, full * PLACE));
        });
      });
    },
  );
  const rows = blocks === 1 ? { count: parts.count, perChunk: parts.perChunk } : undefined;
  const stage: Stage = { name, run, operands: [0, 1], chunks: parts.chunks, rows };
  return {
    stages: [stage],
    workspaces: [],
    operations: sizeOf(shape),
    bytes: sizeOf(shape) * element + sizeOf(output.shape) * PLACE,
  };
}

/** Lines of elements. */
interface Lines {
  readonly dtype: Buffer["dtype"];
  readonly direction: Direction;
  /** The length of a line, at least one. */
  readonly count: number;
  /** Bytes from one element of a line to the next. */
  readonly stride: number;
}

/** Searches a number of adjacent lines. */
function emitBlock(
  builder: Builder,
  { spec, width }: { readonly spec: Lines; readonly width: number },
): Search {
  const { dtype, direction, count, stride } = spec;
  return builder.module.function("search", ["i32", "i32"], "none", (code, from, to) => {
    const element = byteSize(dtype);
    const single = chooseElements(dtype, direction);
    const several = chooseVectors(dtype, direction);
    const load = lanesLoader(code, dtype);
    const lanes = several?.lanes ?? 1;
    const vectors = several === null ? 0 : Math.floor(width / lanes);
    const groups = Array.from({ length: vectors }, (_, i) => ({
      offset: i * lanes * element,
      best: code.let(load(from, i * lanes * element)),
      places: code.local("v128"),
    }));
    const singles = Array.from({ length: width - vectors * lanes }, (_, i) => {
      const offset = (vectors * lanes + i) * element;
      return {
        offset,
        best: code.let(loadElement(code, dtype, from, offset)),
        place: code.local("i32"),
      };
    });
    for (const { place } of singles) code.set(place, i32.const(0));
    const p = code.let(from);
    code.for({ from: 1, below: count }, (i) => {
      code.set(p, advance(p, stride));
      if (several !== null && vectors > 0) {
        const here = code.let(several.places(i));
        const values = groups.map(({ offset }) => code.let(load(p, offset)));
        groups.forEach(({ best, places }, j) => {
          const wins = code.let(several.wins(values[j], best));
          code.set(best, v128.bitselect(values[j], best, wins));
          code.set(places, v128.bitselect(here, places, wins));
        });
      }
      for (const { offset, best, place } of singles) {
        const value = code.let(loadElement(code, dtype, p, offset));
        code.if(single.wins(value, best), () => {
          code.set(best, value);
          code.set(place, i);
        });
      }
    });
    groups.forEach(({ places }, j) => {
      const place = { offset: j * lanes * PLACE, align: 1 };
      const narrow = several!.narrow(places);
      code.do(
        lanes === 4 ? v128.store(to, narrow, place) : v128.store64Lane(to, narrow, 0, place),
      );
    });
    singles.forEach(({ place }, i) => {
      code.do(i32.store(to, place, { offset: (vectors * lanes + i) * PLACE }));
    });
  });
}

/** Searches one line of adjacent elements by vectors. */
function emitLine(builder: Builder, spec: Lines): Search {
  return builder.module.function("search", ["i32", "i32"], "none", (code, from, to) => {
    const { dtype, direction, count } = spec;
    const several = chooseVectors(dtype, direction)!;
    const { lanes } = several;
    const load = lanesLoader(code, dtype);
    const bytes = lanes * byteSize(dtype);
    const perRound = SIDE_BY_SIDE * lanes;
    const rounds = Math.floor(count / perRound);
    const single = chooseElements(dtype, direction);
    const p = code.let(from);
    // Each vector keeps the number of the round in which its values were found.
    const groups = Array.from({ length: SIDE_BY_SIDE }, (_, j) => ({
      best: code.let(load(p, j * bytes)),
      found: code.local("v128"),
    }));
    code.for({ from: 1, below: rounds }, (round) => {
      code.set(p, advance(p, SIDE_BY_SIDE * bytes));
      const here = code.let(several.places(round));
      const values = groups.map((_, j) => code.let(load(p, j * bytes)));
      groups.forEach(({ best, found }, j) => {
        const wins = code.let(several.wins(values[j], best));
        code.set(best, v128.bitselect(values[j], best, wins));
        code.set(found, v128.bitselect(here, found, wins));
      });
    });
    const best = code.let(several.element(groups[0].best, 0));
    const place = code.let(times(several.place(groups[0].found, 0), perRound));
    groups.forEach((group, j) => {
      for (let lane = 0; lane < lanes; lane++) {
        if (j === 0 && lane === 0) continue;
        const value = code.let(several.element(group.best, lane));
        const round = several.place(group.found, lane);
        const at = code.let(advance(times(round, perRound), j * lanes + lane));
        // Found in an order other than that of the line: among equal values the lower position is
        // selected.
        const isTie = i32.and(i32.eqz(single.wins(best, value)), i32.ltU(at, place));
        code.if(i32.or(single.wins(value, best), isTie), () => {
          code.set(best, value);
          code.set(place, at);
        });
      }
    });
    chooseRest(code, spec, { from, start: rounds * perRound, best, place });
    code.do(i32.store(to, place));
  });
}

/** Writes code that examines the elements of a line from `start` on. */
function chooseRest(
  code: Code,
  { dtype, direction, count }: Lines,
  { from, start, best, place }: {
    readonly from: Local<"i32">;
    readonly start: number;
    readonly best: Local;
    readonly place: Local<"i32">;
  },
): void {
  const single = chooseElements(dtype, direction);
  const element = byteSize(dtype);
  for (let i = start; i < count; i++) {
    const value = code.let(loadElement(code, dtype, from, i * element));
    code.if(single.wins(value, best), () => {
      code.set(best, value);
      code.set(place, i32.const(i));
    });
  }
}
