/**
 * Winograd's convolution of images by 3x3 filters without strides, for single precision: a quarter of
 * the multiplications. The transformed tiles of a block, and their products with the transformed
 * filters, stay in the scratch memory.
 *
 * Source: S. Winograd, "Arithmetic complexity of computations", 1980; A. Lavin and S. Gray, "Fast
 * algorithms for convolutional neural networks", 2016.
 *
 * @module
 */
import { byteSize } from "../../../../../base/dtype.ts";
import { range } from "../../../../../base/shape.ts";
import type { Code } from "../../../assembler/code.ts";
import type { Local } from "../../../assembler/expression.ts";
import type { FunctionReference } from "../../../assembler/module.ts";
import { i32, v128 } from "../../../assembler/operations.ts";
import { partOf, rowTiles } from "../division.ts";
import { emitFrames, type FrameAxis, frameLength } from "../frame.ts";
import type { Plan } from "../plan.ts";
import type { ConvolutionSize } from "../size.ts";
import { emitLoad, emitTiles, emitWriteSteps, FREE, LONGEST, placeOfSums } from "../tiles.ts";
import {
  filterTransform,
  INPUTS,
  inputTransform,
  OUTPUTS,
  outputTransform,
  transformBoth,
} from "./transforms.ts";
import { type Builder, SCRATCH_BYTES, type Stage } from "../../kernel.ts";
import {
  advance,
  lanesLoader,
  type Number,
  type Place,
  type Pointer,
  storeLanes,
  transposeLanes,
  VECTOR,
  type Vector,
} from "../../panels.ts";
import { gathered, loadLane } from "../../lanes.ts";
import { chunkEnd, eachUnit, partition } from "../../partition.ts";

const FLOAT = 4;
const LANES = 4;
const POINTS = INPUTS * INPUTS;
const dtype = "float32";

/** The operands of a convolution; distances are in elements. */
export interface Winograd {
  readonly name: string;
  /** The types of images and filters in memory. */
  readonly held: Readonly<Record<"images" | "filters", Number>>;
  readonly batch: number;
  /** Summed channels, and computed channels. */
  readonly summed: number;
  readonly channels: number;
  /** Distances in the filters between computed channels, and between summed channels. */
  readonly filters: Readonly<Record<"channel" | "summed", number>>;
  /** Whether the kernel is reversed. */
  readonly reversed: boolean;
  /** The images' lengths, their padding, and the results' lengths. */
  readonly input: readonly number[];
  readonly low: readonly number[];
  readonly output: readonly number[];
}

/** Bytes between the arrays of two points: they must not map to the same sets of a cache. */
export function apart(bytes: number): number {
  return Math.ceil(bytes / 64) * 64 + 64;
}

/** The division of a convolution. */
interface Division {
  /** Tiles along each axis, of each image, and of all. */
  readonly counts: readonly number[];
  readonly perImage: number;
  readonly tiles: number;
  /** Tiles of a block, and the number of parts of the computed channels. */
  readonly block: number;
  readonly parts: number;
  /** Bytes from one point to the next of the filters, of the block's inputs, and its products. */
  readonly filters: number;
  readonly inputs: number;
  readonly products: number;
  /** Its time in nanoseconds. */
  readonly cost: number;
}

// The costs that follow were measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6, and
// decide by sizes alone. `deno bench bench/convolution_ways_bench.ts` compares both methods around
// the sizes at which the choice changes, and the rates of `bench/convolution_bench.ts` show the
// speed of each.

/** Operations per nanosecond of the products of transformed tiles. */
const PRODUCT_RATE = 55;

/** Operations per nanosecond of the sums themselves. */
const DIRECT_RATE = 52;

/** The part of the products' time that grows with partly filled tiles of rows. */
const RAGGED_PART = 0.2;

/** Rows of such a tile. */
const TILE_ROWS = 6;

/** Bytes of transformed filters up to which they stay in the nearest caches. */
const NEAR_FILTERS = 700_000;

/** Nanoseconds to read a byte of them for a block, from the nearest caches and from further away. */
const READ = { near: 0.005, far: 0.014 };

/** Nanoseconds for each block and part of the channels, regardless of its work. */
const BLOCK = 1000;

/** Bytes of transformed filters from which writing them exceeds the nearest caches. */
const FAR_FILTERS = 2 ** 20;

/** Nanoseconds to compute and write a byte of them, in the nearest caches and further away. */
const WRITE = { near: 0.03, far: 0.06 };

/** Nanoseconds to transform a vector of filters. */
const FILTER_TRANSFORM = 30;

/** The minimum number of nanoseconds that must be saved. */
const MARGIN = 10_000;

/** Nanoseconds for the forward and inverse transforms of four channels of a tile. */
const TRANSFORM = 18;

/** Nanoseconds to move a row of a block of inputs to where products read it. */
const LOAD = 9;

/** The minimum time of a chunk if there is more than one, in nanoseconds. */
const SHARE = 60_000;

/** The best division according to the estimated costs, found by trying. */
function divide(builder: Builder, winograd: Winograd): Division | undefined {
  const { batch, summed, channels, output } = winograd;
  const width = builder.tile.vectors * LANES;
  const counts = output.map((length) => Math.ceil(length / OUTPUTS));
  const perImage = counts.reduce((all, count) => all * count, 1);
  const tiles = batch * perImage;
  const products = 2 * POINTS * tiles * summed * channels / PRODUCT_RATE;
  const wanted = Math.min(8, Math.ceil(products / SHARE));
  const filters = apart(summed * channels * FLOAT);
  // Filters that exceed the nearest caches are read again for every block.
  const read = filters * POINTS > NEAR_FILTERS ? READ.far : READ.near;
  let best: Division | undefined;
  for (const parts of [1, 2, 3, 4, 6, 8]) {
    if (channels / width % parts !== 0) continue;
    const most = Math.floor(
      ((SCRATCH_BYTES - 2 ** 16) / POINTS - 256) / (summed + channels / parts) / FLOAT,
    );
    const blocks = Math.max(Math.ceil(wanted / parts), Math.ceil(tiles / Math.max(1, most)));
    // Blocks of whole images write whole rows of the result.
    const some = Math.max(1, Math.ceil(tiles / blocks));
    const whole = Math.max(1, Math.round(some / perImage)) * perImage;
    const block = whole <= most && whole < 2 * some ? whole : some;
    if (block > most) continue;
    const cost = products * TILE_ROWS * Math.ceil(block / TILE_ROWS) / block * RAGGED_PART +
      products * (1 - RAGGED_PART) +
      tiles * (parts * summed + channels) / LANES * TRANSFORM +
      tiles * parts * POINTS * Math.ceil(summed / LONGEST) * LOAD +
      Math.ceil(tiles / block) * filters * POINTS * read + Math.ceil(tiles / block) * parts * BLOCK;
    if (best !== undefined && best.cost <= cost) continue;
    best = {
      counts,
      perImage,
      tiles,
      block,
      parts,
      filters,
      inputs: apart(block * summed * FLOAT),
      products: apart(block * channels / parts * FLOAT),
      cost,
    };
  }
  return best;
}

/** Whether it is faster than the sums themselves, according to the estimates. */
export function isFaster(builder: Builder, winograd: Winograd): boolean {
  const division = divide(builder, winograd);
  if (division === undefined) return false;
  const { batch, summed, channels, output } = winograd;
  const outputs = batch * output.reduce((all, length) => all * length, 1);
  const filters = POINTS * summed * channels * FLOAT;
  const direct = 2 * 9 * outputs * summed * channels / DIRECT_RATE;
  return division.cost + filters * (filters < FAR_FILTERS ? WRITE.near : WRITE.far) + MARGIN <
    direct;
}

/** The filters, transformed, in panels for each point: a function of the filters and these. */
function emitFilters(
  builder: Builder,
  { winograd, division: { filters: next }, operands }: {
    readonly winograd: Winograd;
    readonly division: Division;
    readonly operands: readonly number[];
  },
): Stage {
  const { summed, channels, filters, reversed, held: { filters: held } } = winograd;
  const size = byteSize(held);
  const { vectors } = builder.tile;
  const panels = channels / vectors / LANES;
  const { perChunk, chunks } = partition(panels, FILTER_TRANSFORM * summed * vectors);
  const panelBytes = summed * vectors * VECTOR;
  const one = builder.module.function("winograd filters", ["i32", "i32"], "none", (code, w, u) => {
    const transform = filterTransform(code);
    const load = lanesLoader(code, held);
    const end = code.let(advance(u, panelBytes));
    code.for({ from: u, below: end, step: vectors * VECTOR }, (to) => {
      for (const v of range(vectors)) {
        const rows = range(LANES).map((lane) => (v * LANES + lane) * filters.channel * size);
        const four = (at: number) =>
          transposeLanes(
            code,
            dtype,
            rows.map((row) => code.let(load(w, row + at * size))),
          );
        const lanes = range(LANES).reduce<Vector>(
          (vector, lane) => loadLane(held, w, rows[lane] + 8 * size, vector, lane, LANES),
          v128.const([0]),
        );
        const last = gathered(code, held, lanes, LANES);
        const taps = [...four(0), ...four(4), last].map((tap) => code.let(tap));
        if (reversed) taps.reverse();
        const kernel = range(3).map((y) => taps.slice(3 * y, 3 * y + 3));
        transformBoth(transform, kernel).flat().forEach((value, point) => {
          code.do(v128.store(to, value, { offset: point * next + v * VECTOR }));
        });
      }
      code.set(w, advance(w, filters.summed * size));
    });
  });
  const run: FunctionReference = builder.module.function(
    "winograd filters",
    ["i32", "i32", "i32"],
    "none",
    (code, w, u, chunk) => {
      eachUnit(code, { count: panels, perChunk }, chunk, (panel) => {
        const rows = vectors * LANES * filters.channel * size;
        code.do(one.call(
          i32.add(w, i32.mul(panel, i32.const(rows))),
          i32.add(u, i32.mul(panel, i32.const(panelBytes))),
        ));
      });
    },
  );
  return { name: "filters", run, operands, chunks };
}

/** The location of the transforms of a tile's inputs; distances are in bytes. */
export interface Target {
  readonly place: Place;
  /** From one point to the next. */
  readonly point: number;
  /** From the vectors of one panel of channels to those of the next. */
  readonly panel: number;
}

/**
 * A function of a tile of framed images with a given number of channels, and of the address to
 * write.
 */
export function emitInput(
  builder: Builder,
  { channels, length, pitch, target: { place, point: next, panel } }: {
    readonly channels: number;
    readonly length: number;
    readonly pitch: number;
    readonly target: Target;
  },
): FunctionReference<readonly ["i32", "i32"], "none"> {
  const { vectors } = builder.tile;
  const memory = place === "scratch" ? builder.scratch : undefined;
  const unroll = channels % (vectors * LANES) === 0 ? vectors : 1;
  return builder.module.function("winograd input", ["i32", "i32"], "none", (code, from, to) => {
    const transform = inputTransform(code);
    code.for({ below: channels / LANES, step: unroll }, () => {
      for (const vector of range(unroll)) {
        const rows = range(INPUTS).map((y) => {
          const four = (x: number) =>
            transposeLanes(
              code,
              dtype,
              range(LANES).map((channel) => {
                const offset = (channel * length + y * pitch + x) * FLOAT;
                return code.let(v128.load(from, { offset, align: 4 }));
              }),
            );
          return [...four(0), ...four(4).slice(0, 2)].map((value) => code.let(value));
        });
        transformBoth(transform, rows).flat().forEach((value, point) => {
          const offset = point * next + vector * VECTOR;
          code.do(v128.store(to, value, { offset, memory }));
        });
        code.set(from, advance(from, LANES * length * FLOAT));
      }
      code.set(to, advance(to, unroll === vectors ? panel : VECTOR));
    });
  });
}

/** Four channels of a tile's products, by rows of points a given number of bytes apart. */
export function loadPoints(builder: Builder, code: Code, from: Pointer, next: number): Vector[][] {
  const memory = placeOfSums(builder) === "scratch" ? builder.scratch : undefined;
  return range(INPUTS).map((i) =>
    range(INPUTS).map((j) => code.let(v128.load(from, { offset: (i * INPUTS + j) * next, memory })))
  );
}

/** A function of a tile's products and of its position in the result, of which it writes a part. */
function emitOutput(
  builder: Builder,
  { winograd: { channels, output }, division: { products: next, parts }, rows, columns }: {
    readonly winograd: Winograd;
    readonly division: Division;
    readonly rows: number;
    readonly columns: number;
  },
): FunctionReference<readonly ["i32", "i32"], "none"> {
  const own = channels / parts;
  const [height, width] = output;
  return builder.module.function("winograd output", ["i32", "i32"], "none", (code, m, y) => {
    const transform = outputTransform(code);
    const end = code.let(advance(m, own * FLOAT));
    code.for({ from: m, below: end, step: VECTOR }, (from) => {
      const points = loadPoints(builder, code, from, next);
      transformBoth(transform, points).slice(0, rows).forEach((line, row) => {
        transposeLanes(code, dtype, line).forEach((value, channel) => {
          const offset = (channel * height * width + row * width) * FLOAT;
          code.do(...storeLanes(dtype, y, code.let(value), columns, offset));
        });
      });
      code.set(y, advance(y, LANES * height * width * FLOAT));
    });
  });
}

/**
 * The products of a block's transformed inputs with the transformed filters: a function of these,
 * and of the address for the products.
 */
function emitProducts(
  builder: Builder,
  { winograd: { summed, channels }, division, inputs }: {
    readonly winograd: Winograd;
    readonly division: Division;
    readonly inputs: number;
  },
): FunctionReference<readonly ["i32", "i32"], "none"> {
  const { block, parts } = division;
  const { scratch, tile } = builder;
  const own = channels / parts;
  const width = tile.vectors * LANES;
  const panels = own / width;
  const depth = partOf(summed, LONGEST);
  return builder.module.function("winograd products", ["i32", "i32"], "none", (code, u, m) => {
    code.do(
      builder.once(emitWriteSteps, { offsets: [0], count: depth, next: width * FLOAT }).call(),
    );
    const base = code.local("i32");
    code.for({ from: FREE, below: FREE + 4 * panels, step: 4 }, (slot) => {
      code.do(i32.store(slot, base, { memory: scratch }));
      code.set(base, advance(base, summed * width * FLOAT));
    });
    const load = builder.once(emitLoad, {
      held: dtype,
      steps: { elements: range(depth), count: 1 },
      from: "scratch",
    });
    const v = code.let(i32.const(inputs));
    code.for({ below: POINTS }, () => {
      const [a, b] = [code.let(v), code.let(u)];
      const fresh = code.let(i32.const(1));
      code.for({ below: summed / depth }, () => {
        const [row, to] = [code.let(a), code.let(m)];
        for (const { rows, count } of rowTiles(block, tile.rows)) {
          const add = builder.once(emitTiles, {
            dtype,
            rows,
            vectors: tile.vectors,
            split: false,
            depth,
            from: "memory",
            to: placeOfSums(builder),
          });
          code.for({ below: count }, () => {
            code.do(load.call(row, i32.const(rows), i32.const(summed * FLOAT), i32.const(0)));
            code.do(add.call(
              i32.const(FREE),
              i32.const(FREE + 4 * panels),
              b,
              to,
              i32.const(own * FLOAT),
              fresh,
            ));
            code.set(row, advance(row, rows * summed * FLOAT));
            code.set(to, advance(to, rows * own * FLOAT));
          });
        }
        code.set(fresh, i32.const(0));
        code.set(a, advance(a, depth * FLOAT));
        code.set(b, advance(b, depth * width * FLOAT));
      });
      code.set(u, advance(u, division.filters));
      code.set(v, advance(v, division.inputs));
      code.set(m, advance(m, division.products));
    });
  });
}

/** The number of a tile split into its image and its position in the image along both axes. */
export function locate(
  code: Code,
  { perImage, counts }: Pick<Division, "perImage" | "counts">,
  tile: Pointer,
): readonly [image: Local<"i32">, y: Local<"i32">, x: Local<"i32">] {
  const image = code.let(i32.divU(tile, i32.const(perImage)));
  const rest = code.let(i32.sub(tile, i32.mul(image, i32.const(perImage))));
  const y = code.let(i32.divU(rest, i32.const(counts[1])));
  return [image, y, code.let(i32.sub(rest, i32.mul(y, i32.const(counts[1]))))];
}

/** The result from images, operand 0, and filters, operand 1; workspaces are numbered from 3 on. */
export function planWinograd(builder: Builder, winograd: Winograd): Plan | undefined {
  const { name, batch, summed, channels, input, low, output } = winograd;
  const { vectors } = builder.tile;
  const division = divide(builder, winograd);
  if (division === undefined) return undefined;
  const depth = partOf(summed, LONGEST);
  if (summed % LANES > 0 || summed % depth > 0 || channels % (vectors * LANES) > 0) {
    return undefined;
  }
  const { counts, perImage, tiles, block, parts } = division;
  const own = channels / parts;
  const frame = counts.map((count, i): FrameAxis => ({
    length: input[i],
    low: low[i],
    stride: 1,
    phases: 1,
    steps: count * OUTPUTS + INPUTS - OUTPUTS,
  }));
  const length = frameLength(frame);
  const pitch = frame[1].steps;
  const inputs = Math.ceil((FREE + 4 * channels) / 64) * 64;
  const room = POINTS * division.products;
  const inMemory = placeOfSums(builder) === "memory";
  const parameters = range(inMemory ? 5 : 4).map(() => "i32" as const);
  const toInput = builder.once(emitInput, {
    channels: summed,
    length,
    pitch,
    target: {
      place: "scratch",
      point: division.inputs,
      panel: vectors * VECTOR,
    },
  });
  const multiply = builder.once(emitProducts, { winograd, division, inputs });
  const [height, width] = output;
  const rests = output.map((length) => length % OUTPUTS);
  const run: FunctionReference = builder.module.function("winograd", parameters, "none", (
    code,
    frames,
    filters,
    result,
    ...others
  ) => {
    const chunk = others[others.length - 1];
    const products = code.let(
      inMemory
        ? i32.add(others[0], i32.mul(chunk, i32.const(room)))
        : i32.const(inputs + POINTS * division.inputs),
    );
    const number = parts === 1 ? chunk : code.let(i32.divU(chunk, i32.const(parts)));
    if (parts > 1) {
      const part = code.let(i32.sub(chunk, i32.mul(number, i32.const(parts))));
      code.set(filters, i32.add(filters, i32.mul(part, i32.const(summed * own * FLOAT))));
      const rows = i32.mul(part, i32.const(own * height * width * FLOAT));
      code.set(result, i32.add(result, rows));
    }
    const first = code.let(i32.mul(number, i32.const(block)));
    const end = code.let(chunkEnd({ count: tiles, perChunk: block }, number));
    const place = code.let(i32.const(inputs));
    code.for({ from: first, below: end }, (tile) => {
      const [image, y, x] = locate(code, division, tile);
      const at = i32.add(
        i32.mul(image, i32.const(summed * length)),
        i32.add(i32.mul(y, i32.const(OUTPUTS * pitch)), i32.mul(x, i32.const(OUTPUTS))),
      );
      code.do(toInput.call(i32.add(frames, i32.shl(at, i32.const(2))), place));
      code.set(place, advance(place, summed * FLOAT));
    });
    code.do(multiply.call(filters, products));
    code.set(place, products);
    code.for({ from: first, below: end }, (tile) => {
      const [image, y, x] = locate(code, division, tile);
      const at = i32.add(
        i32.mul(image, i32.const(channels * height * width)),
        i32.add(i32.mul(y, i32.const(OUTPUTS * width)), i32.mul(x, i32.const(OUTPUTS))),
      );
      const to = code.let(i32.add(result, i32.shl(at, i32.const(2))));
      const write = (rows: number, columns: number) =>
        code.do(builder.once(emitOutput, { winograd, division, rows, columns }).call(place, to));
      const columns = (rows: number) => {
        if (rests[1] === 0) return write(rows, OUTPUTS);
        code.if(
          i32.eq(x, i32.const(counts[1] - 1)),
          () => write(rows, rests[1]),
          () => write(rows, OUTPUTS),
        );
      };
      if (rests[0] === 0) columns(OUTPUTS);
      else {
        code.if(
          i32.eq(y, i32.const(counts[0] - 1)),
          () => columns(rests[0]),
          () => columns(OUTPUTS),
        );
      }
      code.set(place, advance(place, own * FLOAT));
    });
  });
  const whole = parts === 1 ? block % perImage === 0 : block === perImage;
  const chunks = Math.ceil(tiles / block) * parts;
  const stages: Stage[] = [
    builder.once(emitFrames, {
      held: winograd.held.images,
      images: batch * summed,
      axes: frame,
      operands: [0, 3],
    }),
    builder.once(emitFilters, { winograd, division, operands: [1, 4] }),
    {
      name,
      run,
      operands: inMemory ? [3, 4, 2, 5] : [3, 4, 2],
      chunks,
      rows: whole ? { count: batch * channels, perChunk: block / perImage * own } : undefined,
    },
  ];
  const workspaces = [batch * summed * length * FLOAT, POINTS * division.filters];
  return { stages, workspaces: inMemory ? [...workspaces, chunks * room] : workspaces };
}

/** `y` from `x` and `w`, or nothing if this module does not support it. */
export function winogradConvolve(size: ConvolutionSize): Winograd | undefined {
  const { batch, inPerGroup, outPerGroup, axes } = size;
  if (!isFor(size)) return undefined;
  return {
    name: "convolve",
    held: { images: size.held.x, filters: size.held.w },
    batch,
    summed: inPerGroup,
    channels: outPerGroup,
    filters: { channel: 9 * inPerGroup, summed: 9 },
    reversed: false,
    input: axes.map(({ input }) => input),
    low: axes.map(({ padLow }) => padLow),
    output: axes.map(({ output }) => output),
  };
}

/** `x` from `y` and `w`: the convolution by the reversed kernel. */
export function winogradInput(size: ConvolutionSize): Winograd | undefined {
  const { batch, inPerGroup, outPerGroup, axes } = size;
  if (!isFor(size)) return undefined;
  return {
    name: "convolveInput",
    held: { images: size.held.y, filters: size.held.w },
    batch,
    summed: outPerGroup,
    channels: inPerGroup,
    filters: { channel: 9, summed: 9 * inPerGroup },
    reversed: true,
    input: axes.map(({ output }) => output),
    low: axes.map(({ padLow }) => 2 - padLow),
    output: axes.map(({ input }) => input),
  };
}

/** Whether it is a convolution of single precision by 3x3 filters, one step apart. */
export function isFor({ dtype, groups, axes }: ConvolutionSize): boolean {
  return dtype === "float32" && groups === 1 && axes.length === 2 &&
    axes.every(({ kernel, stride, dilation }) => kernel === 3 && stride === 1 && dilation === 1);
}
