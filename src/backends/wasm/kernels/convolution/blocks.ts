/**
 * Convolutions as sums over tiles: division of rows, columns and the steps of the sum into blocks
 * that stay in the caches.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { partOf, rowTiles } from "./division.ts";
import {
  emitLoad,
  emitStore,
  emitTiles,
  emitWriteSteps,
  FREE,
  LONGEST,
  placeOfSums,
  type TilesFunction,
} from "./tiles.ts";
import { emitPacking, type Patches } from "./patches.ts";
import { type Builder, SCRATCH_BYTES, type Stage } from "../kernel.ts";
import { advance, emitRows, lanesOf, type Number, type Pointer } from "../panels.ts";
import { partition } from "../partition.ts";

/** A loop over positions the same distance apart in several arrays; distances are in elements. */
export interface Loop<K extends string> {
  readonly count: number;
  readonly step: Readonly<Record<K, number>>;
}

/** Steps of the sum that have the same form: blocks of a list that is repeated `count` times. */
export interface Segment {
  /** The positions of the list's steps in A, ascending, and in B. */
  readonly elements: readonly number[];
  readonly offsets: readonly number[];
  /** How many times each block repeats the list, and the distances between repetitions. */
  readonly count: number;
  readonly next: Readonly<Record<"a" | "b", number>>;
  /** The position of the first block. */
  readonly start: Readonly<Record<"a" | "b", number>>;
  /** The blocks. */
  readonly loops: readonly Loop<"a" | "b">[];
}

/** Columns of the result that have the same steps. */
export interface Region {
  readonly segments: readonly Segment[];
  /** The position of the first column in B and in the result. */
  readonly start: Readonly<Record<"b" | "c", number>>;
  /** Loops around the lines. */
  readonly outer: readonly Loop<"b" | "c">[];
  readonly lines: Loop<"b" | "c">;
  /** Columns of a line, adjacent in B, and their distance in the result. */
  readonly columns: number;
  readonly apart: number;
}

/** `c[unit, row, column] = Σ a[unit, row, k] b[unit, column, k]`; distances are in elements. */
export interface Blocks {
  readonly name: string;
  /** The type that is computed with, and that of B and the result. */
  readonly dtype: Number;
  /** The type of A in memory. */
  readonly held: Number;
  /** Rows of each unit. */
  readonly rows: number;
  /** Units: images, or groups within them. */
  readonly units: readonly [outer: Loop<"a" | "b" | "c">, inner: Loop<"a" | "b" | "c">];
  readonly row: Readonly<Record<"a" | "c", number>>;
  readonly regions: readonly Region[];
  /** Whether the columns of a row lie in several images, so that rows are not contiguous. */
  readonly together: boolean;
  /**
   * The windows that B consists of, if they are not copied beforehand. B is then the positions of
   * the windows' first channels, and its distances, except those of units, are in windows.
   */
  readonly pack?: Patches;
  /** The approximate number of columns of a block: they stay in the nearest caches. */
  readonly block: number;
  /** The minimum number of rows of a chunk, if there are enough: they share the loads of B. */
  readonly least: number;
  /** How long a unit takes, in nanoseconds. */
  readonly nanoseconds: number;
}

/** A sum of `length` steps, `count` in each list, as segments. */
export function segmentsOf(
  list: Pick<Segment, "elements" | "offsets" | "start">,
  inner: Loop<"a" | "b">,
  outer: readonly Loop<"a" | "b">[] = [],
): Segment[] {
  const { elements, offsets, start } = list;
  if (elements.length === 0 || inner.count === 0) return [];
  if (elements.length > LONGEST) {
    // Long lists are divided; each part is a separate list.
    const part = partOf(elements.length, LONGEST);
    return range(Math.ceil(elements.length / part)).flatMap((i) =>
      segmentsOf(
        {
          elements: elements.slice(i * part, (i + 1) * part),
          offsets: offsets.slice(i * part, (i + 1) * part),
          start,
        },
        inner,
        outer,
      )
    );
  }
  const count = partOf(inner.count, Math.floor(LONGEST / elements.length));
  const blocks = Math.floor(inner.count / count);
  const rest = inner.count - blocks * count;
  const times = (by: number) => ({ a: inner.step.a * by, b: inner.step.b * by });
  const whole: Segment = {
    elements,
    offsets,
    count,
    next: inner.step,
    start,
    loops: [...outer, { count: blocks, step: times(count) }],
  };
  if (rest === 0) return [whole];
  const skip = times(blocks * count);
  return [whole, {
    ...whole,
    count: rest,
    start: { a: start.a + skip.a, b: start.b + skip.b },
    loops: outer,
  }];
}

/** Runs a body for all rounds of some loops, with their offsets in bytes for a given element size. */
function nest<K extends string>(
  code: Code,
  loops: readonly Loop<K>[],
  size: number | Readonly<Record<K, number>>,
  pointers: Readonly<Partial<Record<K, Local<"i32">>>>,
  body: () => void,
): void {
  const [loop, ...inner] = loops;
  if (loop === undefined) return body();
  if (loop.count === 1) return nest(code, inner, size, pointers, body);
  const keys = Object.keys(pointers) as K[];
  const saved = keys.map((key) => code.let(pointers[key]!));
  code.for({ below: loop.count }, () => {
    nest(code, inner, size, pointers, body);
    for (const key of keys) {
      const bytes = loop.step[key] * (typeof size === "number" ? size : size[key]);
      code.set(pointers[key]!, advance(pointers[key]!, bytes));
    }
  });
  keys.forEach((key, i) => code.set(pointers[key]!, saved[i]));
}

/**
 * The assumed cost, as a fraction of the time, if a chunk has twice or half the desired number of
 * rows. `deno bench bench/resnet18_bench.ts` shows the effect of other values.
 */
const DISTANCE_COST = 0.2;

/** The number of rows of a chunk: a divisor of the rows if one is near. */
function rowsPerChunk(rows: number, wanted: number, tile: number): number {
  if (wanted >= rows) return rows;
  // Both the distance from the desired number and partly filled tiles cost time.
  const cost = (count: number) =>
    DISTANCE_COST * Math.abs(Math.log2(count / wanted)) + Math.ceil(count / tile) * tile / count;
  const near = range(Math.ceil(wanted / 2), Math.min(rows, 2 * wanted) + 1)
    .filter((count) => rows % count === 0)
    .sort((x, y) => cost(x) - cost(y));
  return near[0] ?? Math.min(rows, Math.ceil(wanted / tile) * tile);
}

/** The plan of one region: lists, tiles and blocks of columns. */
interface Plan {
  readonly region: Region;
  /** Whether each half of a tile is a separate tile in the list of tiles. */
  readonly split: boolean;
  /** Columns of a tile. */
  readonly width: number;
  /** Tiles of a block's line, and lines of a block: one of the two divides the total. */
  readonly tiles: number;
  readonly lines: number;
  /** Loops around the lines that are part of a block. */
  readonly inside: readonly Loop<"b" | "c">[];
}

function planRegion(builder: Builder, blocks: Blocks, region: Region): Plan {
  const whole = builder.tile.vectors * lanesOf(blocks.dtype);
  const half = whole / 2;
  const around = region.outer.reduce((all, { count }) => all * count, 1);
  const used = (width: number) => region.columns / (Math.ceil(region.columns / width) * width);
  const own = Math.ceil(region.columns / half);
  const single = around * region.lines.count * own <= Math.floor(blocks.block / half);
  const split = builder.tile.vectors % 2 === 0 && used(half) > used(whole) &&
    (single || own * region.lines.count % 2 === 0);
  const width = split ? half : whole;
  const tiles = Math.ceil(region.columns / width);
  const most = Math.max(2, Math.floor(blocks.block / width));
  const shape = { region, split, width };
  if (around * region.lines.count * tiles <= most) {
    return { ...shape, tiles, lines: region.lines.count, inside: region.outer };
  }
  if (tiles > most) {
    const pieces = Math.ceil(tiles / most);
    // The last piece of a line may have any number of tiles: not all of them can be paired.
    return split
      ? planPieces(region, whole, Math.max(1, Math.floor(blocks.block / whole)))
      : { ...shape, tiles: Math.ceil(tiles / pieces), lines: 1, inside: [] };
  }
  const lines = Math.max(1, Math.floor(most / tiles));
  const fewer = Math.ceil(region.lines.count / Math.ceil(region.lines.count / lines));
  if (!split || own % 2 === 0) return { ...shape, tiles, lines: fewer, inside: [] };
  if (lines === 1) return planPieces(region, whole, tiles);
  const even = fewer % 2 === 0 ? fewer : fewer < lines ? fewer + 1 : fewer - 1;
  return { ...shape, tiles, lines: even, inside: [] };
}

/** Lines in pieces of whole tiles. */
function planPieces(region: Region, width: number, most: number): Plan {
  const tiles = Math.ceil(region.columns / width);
  const pieces = Math.ceil(tiles / most);
  return {
    region,
    split: false,
    width,
    tiles: Math.ceil(tiles / pieces),
    lines: 1,
    inside: [],
  };
}

/** Whether a block's tiles are contiguous elements of the result. */
function isDirect({ region, split, tiles, width, lines, inside }: Plan): boolean {
  const { segments, columns, apart, lines: { count } } = region;
  // The second half of the last tile may be unused.
  if (split && count * tiles % 2 !== 0) return false;
  if (segments.length === 0 || apart !== 1 || columns % width !== 0) return false;
  let length = columns;
  for (const { count, step } of [{ ...region.lines, count: lines }, ...inside.toReversed()]) {
    if (count > 1 && step.c !== length) return false;
    length *= count;
  }
  return true;
}

/** Tiles of a block; if they are halves, there may be one more than needed. */
function tilesOf({ split, tiles, lines, inside }: Plan): number {
  const count = inside.reduce((all, loop) => all * loop.count, tiles * lines);
  return split ? Math.ceil(count / 2) * 2 : count;
}

/** Bytes that some rows of a block need for their sums and for the copies of windows before these. */
function roomFor(plans: readonly Plan[], rows: number, { dtype, pack }: Blocks): number {
  const sums = plans.map((plan) => isDirect(plan) ? 0 : tilesOf(plan) * plan.width * rows);
  const elements = Math.max(0, ...sums) + (pack === undefined ? 0 : LONGEST * lengthOf(pack));
  return elements === 0 ? 0 : Math.ceil(elements * byteSize(dtype) / 64) * 64 + 128;
}

/** The end of the lists of tiles in the scratch memory. */
function endOfLists(plans: readonly Plan[]): number {
  return Math.ceil((FREE + 4 * Math.max(0, ...plans.map(tilesOf))) / 64) * 64;
}

/** Elements of a window. */
function lengthOf({ channels, taps }: Patches): number {
  return channels.count * taps.length;
}

/**
 * The stage that computes the result, of A, B and the result, and the bytes of its workspace, or 0;
 * the workspace has the given number.
 */
export function emitBlocks(
  builder: Builder,
  { blocks, operands, workspace }: {
    readonly blocks: Blocks;
    readonly operands: readonly [number, number, number];
    readonly workspace: number;
  },
): readonly [Stage, number] {
  const { name, dtype, held, rows, units, regions, nanoseconds } = blocks;
  const { module, tile } = builder;
  const sizes = { a: byteSize(held), b: byteSize(dtype), c: byteSize(dtype) };
  const count = units[0].count * units[1].count;
  const plans = regions.map((region) => planRegion(builder, blocks, region));
  const { perChunk: unitsPerChunk } = partition(count, nanoseconds);
  const { chunks: pieces } = partition(Math.ceil(rows / tile.rows), nanoseconds * tile.rows / rows);
  const wanted = unitsPerChunk > 1 || count >= 16
    ? rows
    : Math.max(blocks.least, Math.ceil(rows / Math.ceil(pieces / Math.ceil(Math.sqrt(count)))));
  let perChunk = rowsPerChunk(rows, wanted, tile.rows);
  const lists = endOfLists(plans);
  while (perChunk > 1 && lists + roomFor(plans, perChunk, blocks) > SCRATCH_BYTES) {
    perChunk = Math.max(1, Math.floor(perChunk / 2));
  }
  const divided = Math.ceil(rows / perChunk);
  const parts = [perChunk, rows - (divided - 1) * perChunk].map((some) =>
    builder.once(emitPart, { blocks, plans, rows: some })
  );
  const perUnit = divided > 1 ? 1 : unitsPerChunk;
  const room = roomFor(plans, perChunk, blocks);
  const inMemory = placeOfSums(builder) === "memory" && room > 0;
  const parameters = range(inMemory ? 5 : 4).map(() => "i32" as const);
  const run: FunctionReference = module.function(
    "",
    parameters,
    "none",
    (code, a, b, c, ...others) => {
      const chunk = others[others.length - 1];
      const work = code.let(
        inMemory ? i32.add(others[0], i32.mul(chunk, i32.const(room))) : i32.const(lists),
      );
      const [outer, inner] = units;
      const unit = code.let(divided > 1 ? i32.divU(chunk, i32.const(divided)) : chunk);
      const first = code.let(i32.mul(unit, i32.const(perUnit)));
      const end = code.let(advance(first, perUnit));
      code.if(i32.gtU(end, i32.const(count)), () => code.set(end, i32.const(count)));
      code.for({ from: first, below: end }, (i) => {
        const high = code.let(i32.divU(i, i32.const(inner.count)));
        const low = code.let(i32.sub(i, i32.mul(high, i32.const(inner.count))));
        function place(pointer: Pointer, key: "a" | "b" | "c"): Expression<"i32"> {
          const steps = i32.add(
            i32.mul(high, i32.const(outer.step[key] * sizes[key])),
            i32.mul(low, i32.const(inner.step[key] * sizes[key])),
          );
          return i32.add(pointer, steps);
        }
        const [pa, pb, pc] = [code.let(place(a, "a")), place(b, "b"), code.let(place(c, "c"))];
        if (divided === 1) {
          code.do(parts[0].call(pa, pb, pc, work));
          return;
        }
        const piece = code.let(i32.sub(chunk, i32.mul(unit, i32.const(divided))));
        const skip = (pointer: Pointer, key: "a" | "c") =>
          i32.add(pointer, i32.mul(piece, i32.const(perChunk * blocks.row[key] * sizes[key])));
        code.set(pa, skip(pa, "a"));
        code.set(pc, skip(pc, "c"));
        if (parts[0] === parts[1]) code.do(parts[0].call(pa, pb, pc, work));
        else {
          const q = code.let(pb);
          code.if(
            i32.eq(piece, i32.const(divided - 1)),
            () => code.do(parts[1].call(pa, q, pc, work)),
            () => code.do(parts[0].call(pa, q, pc, work)),
          );
        }
      });
    },
  );
  const even = rows % perChunk === 0 && !blocks.together;
  const chunks = divided > 1 ? count * divided : Math.ceil(count / perUnit);
  return [{
    name,
    run,
    operands: inMemory ? [...operands, workspace] : operands,
    chunks,
    rows: even ? { count: count * rows, perChunk: perChunk * perUnit } : undefined,
  }, inMemory ? chunks * room : 0];
}

/** A function of A, B, the result and free memory: computes some rows of a unit. */
function emitPart(
  builder: Builder,
  { blocks, plans, rows }: {
    readonly blocks: Blocks;
    readonly plans: readonly Plan[];
    readonly rows: number;
  },
): TilesPart {
  const { dtype, name } = blocks;
  const { module } = builder;
  return module.function(
    `${name} rows`,
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, a, b, c, work) => {
      const store = plans.map(({ region }) =>
        builder.once(emitStore, { dtype, step: region.apart, from: placeOfSums(builder) })
      );
      plans.forEach((plan, i) =>
        emitRegion(builder, code, blocks, plan, rows, { a, b, c, work }, store[i])
      );
    },
  );
}

type TilesPart = FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none">;

/** Computes all columns of a region. */
function emitRegion(
  builder: Builder,
  code: Code,
  blocks: Blocks,
  plan: Plan,
  rows: number,
  { a, b, c, work }: Readonly<Record<"a" | "b" | "c" | "work", Local<"i32">>>,
  store: ReturnType<typeof emitStore>,
): void {
  const { dtype, held, row, pack } = blocks;
  const { region, split, width, tiles, lines, inside } = plan;
  const { memory, scratch, tile } = builder;
  const { segments, start, outer, columns, apart } = region;
  const size = byteSize(dtype);
  const sizeA = byteSize(held);
  const tileBytes = width * size;
  const lineBytes = tiles * tileBytes;
  const direct = isDirect(plan);
  const pitch = direct ? row.c * size : tilesOf(plan) * tileBytes;
  const place = placeOfSums(builder);
  // Copies of windows are stored before the sums.
  const rowBytes = pack === undefined ? size : lengthOf(pack) * size;
  const packing = pack && builder.once(emitPacking, { patches: pack, place });
  const sums = packing === undefined
    ? work
    : code.let(advance(work, Math.ceil((LONGEST * rowBytes + 64) / 64) * 64));

  // The list of tiles is the same for all blocks.
  const slot = code.let(i32.const(FREE));
  const base = code.local("i32");
  code.set(base, i32.const(0));
  nest(code, [...inside, { ...region.lines, count: lines }], size, { b: base }, () => {
    const at = code.let(base);
    code.for({ below: tiles }, () => {
      code.do(i32.store(slot, at, { memory: scratch }));
      code.set(slot, advance(slot, 4));
      code.set(at, advance(at, tileBytes));
    });
  });

  if (split) code.do(i32.store(slot, i32.const(0), { memory: scratch }));

  const single = segments.length === 1;
  if (single) code.do(steps(segments[0]));
  const pb = code.let(advance(b, start.b * size));
  const pc = code.let(advance(c, start.c * size));
  const fresh = code.local("i32");
  const end = code.local("i32");
  const [pa, ps, from] = [code.local("i32"), code.local("i32"), code.local("i32")];

  function steps({ offsets, count, next }: Segment) {
    const steps = { offsets: offsets.map((at) => at * rowBytes), count, next: next.b * rowBytes };
    return builder.once(emitWriteSteps, steps).call();
  }

  function sumBlock(segment: Segment): void {
    const { elements, count, next, loops } = segment;
    if (!single) code.do(steps(segment));
    const depth = elements.length * count;
    // Lists that follow each other without a gap are one long list.
    const gapless = next.a === elements.length && elements.every((at, i) => at === i);
    const load = builder.once(
      emitLoad,
      { held, steps: gapless ? { elements: range(depth), count: 1 } : { elements, count } },
    );
    // Neighbouring rows of single elements are copied by transposing them.
    const transposed = row.a === 1 && elements.length === 1 && elements[0] === 0;
    code.set(pa, advance(a, segment.start.a * sizeA));
    const begin = segment.start.b * size;
    code.set(from, packing === undefined ? advance(pb, begin) : i32.const(begin));
    nest(code, loops, { a: sizeA, b: size }, { a: pa, b: from }, () => {
      if (packing !== undefined) {
        code.do(packing.call(pb, i32.divU(from, i32.const(size)), i32.const(depth), work));
      }
      const panel = packing === undefined ? from : work;
      code.set(ps, direct ? pc : sums);
      const line = code.let(pa);
      for (const { rows: some, count: times } of rowTiles(rows, tile.rows)) {
        const add: TilesFunction = builder.once(emitTiles, {
          dtype,
          rows: some,
          vectors: tile.vectors,
          split,
          depth,
          from: packing === undefined ? "memory" : place,
          to: direct ? "memory" : place,
        });
        const [number, apartA] = [i32.const(some), i32.const(row.a * sizeA)];
        code.for({ below: times }, () => {
          const rowsOfA = { held, rows: some, depth, rowStride: 1, depthStride: next.a };
          code.do(
            transposed
              ? emitRows(builder, rowsOfA)(line)
              : load.call(line, number, apartA, i32.const(next.a * sizeA)),
          );
          code.do(add.call(i32.const(FREE), end, panel, ps, i32.const(pitch), fresh));
          code.set(line, advance(line, some * row.a * sizeA));
          code.set(ps, advance(ps, some * pitch));
        });
      }
      code.set(fresh, i32.const(0));
    });
  }

  /** Computes a block of columns and writes it; `count` elements of each of `some` lines. */
  function block(some: Expression<"i32">, ofTiles: Expression<"i32">, count: Expression<"i32">) {
    const whole = inside.length > 0 || lines === region.lines.count && tiles * width >= columns;
    const all = whole ? i32.const(tilesOf(plan)) : i32.mul(some, ofTiles);
    code.set(end, i32.add(i32.const(FREE), i32.shl(all, i32.const(2))));
    code.set(fresh, i32.const(1));
    if (segments.length === 0) {
      const target = place === "scratch" ? scratch : memory;
      code.do(target.fill(sums, i32.const(0), i32.const(rows * pitch)));
    }
    for (const segment of segments) sumBlock(segment);
    if (direct) return;
    const from = code.let(sums);
    nest(code, inside, size, { c: pc }, () => {
      code.do(store.call(
        from,
        pc,
        i32.const(rows),
        i32.const(pitch),
        i32.const(row.c * size),
        some,
        i32.const(lineBytes),
        i32.const(region.lines.step.c * size),
        count,
      ));
      if (inside.length > 0) code.set(from, advance(from, lines * lineBytes));
    });
  }

  const whole = Math.ceil(columns / width);
  nest(code, inside.length > 0 ? [] : outer, size, { b: pb, c: pc }, () => {
    if (tiles < whole) {
      nest(code, [region.lines], size, { b: pb, c: pc }, () => {
        const [startB, startC] = [code.let(pb), code.let(pc)];
        const step = tiles * width;
        code.for({ below: columns, step }, (column) => {
          const count = code.let(i32.const(step));
          const rest = code.let(i32.sub(i32.const(columns), column));
          code.if(i32.ltU(rest, count), () => code.set(count, rest));
          const ofTiles = i32.divU(advance(count, width - 1), i32.const(width));
          block(i32.const(1), ofTiles, count);
          code.set(pb, advance(pb, step * size));
          code.set(pc, advance(pc, step * apart * size));
        });
        code.set(pb, startB);
        code.set(pc, startC);
      });
      return;
    }
    const [startB, startC] = [code.let(pb), code.let(pc)];
    code.for({ below: region.lines.count, step: lines }, (line) => {
      const some = code.let(i32.const(lines));
      const rest = code.let(i32.sub(i32.const(region.lines.count), line));
      code.if(i32.ltU(rest, some), () => code.set(some, rest));
      block(some, i32.const(tiles), i32.const(columns));
      code.set(pb, advance(pb, lines * region.lines.step.b * size));
      code.set(pc, advance(pc, lines * region.lines.step.c * size));
    });
    code.set(pb, startB);
    code.set(pc, startC);
  });
}
