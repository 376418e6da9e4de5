/**
 * Tensors as pictures.
 *
 * @module
 */
import { describeValue, isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Concrete, TensorLike } from "../core/tensor.ts";
import { summarize } from "./heat_map.ts";
import { encodePng, toBase64 } from "./png.ts";
import type { Pixels } from "./png.ts";

const WHAT = "Cannot show an image";

/** The maximum number of pixels of a picture. */
const MOST_PIXELS = 2 ** 24;

/** Images are enlarged up to this number of pixels along their longer side; those of a grid less. */
const SIDE = 192;
const SIDE_IN_GRID = 64;

/** The number of images in one row of a grid. */
const COLUMNS = 10;

/** The colour of numbers that are not finite. */
const MAGENTA = [255, 0, 255];

/**
 * Options for the display of numbers by `inspect.image`.
 *
 * @category Inspection
 */
export interface ImageOptions {
  /**
   * The numbers that are shown as black and white; numbers outside of the range are clamped. `"auto"`
   * uses the smallest and the largest finite number. By default `[0, 1]` for floats and booleans, and
   * `[0, 255]` for `uint8`. The fourth channel, opacity, keeps its default.
   */
  readonly range?: readonly [black: number, white: number] | "auto";
  /** Each pixel becomes a square of this many pixels. By default small images are enlarged. */
  readonly scale?: number;
  /** The number of images in a row. By default 10. */
  readonly columns?: number;
}

/**
 * The result of `inspect.image`.
 *
 * @category Inspection
 */
export interface Picture {
  /** Its width in pixels. */
  readonly width: number;
  /** Its height in pixels. */
  readonly height: number;
  /** A PNG file. */
  png(): Promise<Uint8Array<ArrayBuffer>>;
  /** A PNG file as a URL, for the `src` of an `img` element. */
  dataUrl(): Promise<string>;
}

/** The layout of images in rows. */
interface Layout {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3 | 4;
  readonly columns: number;
  /** The number of pixels between two images. */
  readonly gap: number;
}

/** Images by their shape. */
function layoutOf(x: Concrete, columns: number | undefined): Layout {
  const { shape, ndim } = x;
  const isChannels = (length: number): length is 1 | 3 | 4 => [1, 3, 4].includes(length);
  const last = shape[ndim - 1];
  const hasChannels = ndim === 4 || (ndim === 3 && isChannels(last));
  const axes = hasChannels ? shape.slice(0, -1) : shape;
  const channels = hasChannels ? last : 1;
  if (axes.length < 2 || axes.length > 3 || !isChannels(channels) || x.size === 0) {
    throw shapeError(
      `${WHAT}: expected [height, width], [height, width, channels] or [count, height, width, ` +
        `channels] with 1, 3 or 4 channels and at least one pixel, got ${showType(x)}`,
    );
  }
  const [height, width] = axes.slice(-2);
  const count = axes.length === 3 ? axes[0] : 1;
  const gap = Math.max(1, Math.round(Math.max(height, width) / 16));
  return { count, height, width, channels, columns: Math.min(count, columns ?? COLUMNS), gap };
}

/** The numbers that are shown as black and white by default. */
function rangeOf(dtype: Dtype): readonly [number, number] | null {
  if (isFloat(dtype) || dtype === "bool") return [0, 1];
  return dtype === "uint8" ? [0, 255] : null;
}

/** The total size in pixels of all images and the gaps between them, vertically or horizontally. */
function lengthOf(count: number, length: number, gap: number): number {
  return count * (length + gap) - gap;
}

function sizesOf({ count, height, width, columns, gap }: Layout): [width: number, height: number] {
  return [lengthOf(columns, width, gap), lengthOf(Math.ceil(count / columns), height, gap)];
}

/** The bytes of the images at the positions of the layout. */
function draw(
  x: Concrete,
  layout: Layout,
  range: readonly [number, number] | "auto",
  opacity: readonly [number, number],
): Pixels {
  const { count, height, width, channels, columns, gap } = layout;
  const [across, down] = sizesOf(layout);
  return x.peek((elements) => {
    const step = elements.length === 1 ? 0 : 1;
    const colours = channels === 4
      ? (elements as Float64Array).filter((_, i) => i % 4 !== 3)
      : elements;
    const { least, greatest, nan, infinite } = summarize(colours);
    const [black, white] = range !== "auto" ? range : least < greatest
      ? [least, greatest]
      // If all numbers are equal, they are gray; if there are none, there is nothing to show.
      : least === greatest
      ? [least - Math.max(1, Math.abs(least)), least + Math.max(1, Math.abs(least))]
      : [0, 1];
    // A gray image cannot contain the colour of numbers that are not finite.
    const depth = channels === 1 && nan + infinite > 0 ? 3 : channels;
    const bytes = new Uint8Array(across * down * depth);
    if (depth < 4) bytes.fill(255);
    const shade = (value: number, [low, high]: readonly [number, number]): number =>
      Math.round(255 * Math.min(Math.max((value - low) / (high - low), 0), 1));
    for (let at = 0, from = 0; at < count * height * width; at++, from += channels) {
      const [image, row, column] = [
        Math.floor(at / (height * width)),
        Math.floor(at / width) % height,
        at % width,
      ];
      const top = Math.floor(image / columns) * (height + gap) + row;
      const left = (image % columns) * (width + gap) + column;
      const to = (top * across + left) * depth;
      let isFinite = true;
      for (let channel = 0; channel < depth; channel++) {
        const value = elements[(from + Math.min(channel, channels - 1)) * step];
        const isColour = channel < 3;
        isFinite &&= !isColour || Number.isFinite(value);
        bytes[to + channel] = shade(value, isColour ? [black, white] : opacity);
      }
      if (!isFinite) bytes.set(MAGENTA, to);
    }
    return { width: across, height: down, channels: depth, bytes };
  });
}

function checkCount(value: unknown, name: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && Number(value) >= 1)) return;
  throw argumentError(
    `${WHAT}: ${name} must be a whole number from 1 on, got ${describeValue(value)}`,
  );
}

function checkRange(value: unknown): void {
  if (value === undefined || value === "auto") return;
  const isPair = Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
  if (isPair && value[0] < value[1]) return;
  throw argumentError(
    `${WHAT}: range must be "auto" or two numbers, the smaller one first, got ${
      describeValue(value)
    }`,
  );
}

/**
 * A tensor as a picture, which notebooks display, and which is a PNG file elsewhere. Several images are
 * arranged in rows. Pixels with a number that is NaN or infinite are magenta. The elements are read
 * when the picture is created.
 *
 * @category Inspection
 * @param x Images: `[height, width]` is gray, `[height, width, channels]` has 1 (gray), 3 (RGB) or 4 (RGBA)
 * channels, `[count, height, width, channels]` is a grid, and so is `[count, height, width]` unless the
 * last axis may be channels. Floats from 0 to 1, `uint8` from 0 to 255, or booleans; other integers
 * with `range`.
 * @param options The range of the numbers, the size of a pixel, and the number of images in a row.
 * @returns The picture.
 * @throws {ShapeError} when `x` has another shape, or the picture more than 2^24 pixels.
 * @throws {ArgumentError} when integers have no range, or an option is not valid.
 * @throws {TraceError} when `x` is traced and has no concrete value.
 *
 * @example A red pixel next to a blue one
 * ```ts
 * import { inspect } from "@jacobi/jacobi";
 * import { deepStrictEqual, strictEqual } from "node:assert/strict";
 *
 * const picture = inspect.image([[[1, 0, 0], [0, 0, 1]]], { scale: 8 });
 * deepStrictEqual([picture.width, picture.height], [16, 8]);
 * strictEqual((await picture.dataUrl()).slice(0, 22), "data:image/png;base64,");
 * ```
 */
export function image(x: TensorLike, options?: ImageOptions): Picture {
  const { range, scale, columns } = readOptions(WHAT, options, ["range", "scale", "columns"]);
  checkRange(range);
  checkCount(scale, "scale");
  checkCount(columns, "columns");
  const images = toTensor(x, WHAT).concrete("show an image of");
  const usual = rangeOf(images.dtype);
  const shown = range ?? usual;
  if (shown === null) {
    throw argumentError(
      `${WHAT}: expected floats from 0 to 1, uint8 or bool, got ${showType(images)}; give a range`,
    );
  }
  const layout = layoutOf(images, columns);
  const side = layout.count === 1 ? SIDE : SIDE_IN_GRID;
  const times = scale ?? Math.max(1, Math.floor(side / Math.max(layout.height, layout.width)));
  const [width, height] = sizesOf(layout).map((length) => length * times);
  if (width * height > MOST_PIXELS) {
    throw shapeError(
      `${WHAT}: ${
        showType(images)
      } makes ${width} by ${height} pixels, more than ${MOST_PIXELS}; ` +
        `take fewer images, a smaller scale, or image.resize`,
    );
  }
  const opacity = usual ?? (shown === "auto" ? [0, 1] as const : shown);
  const png = async () => {
    await images.arrive();
    return encodePng(draw(images, layout, shown, opacity), times);
  };
  const text = `Picture(${showType(images)} as ${width} by ${height} pixels)`;
  const methods = {
    toString: () => text,
    [Symbol.for("Deno.customInspect")]: () => text,
    [Symbol.for("nodejs.util.inspect.custom")]: () => text,
    [Symbol.for("Jupyter.display")]: async () => ({
      "text/plain": text,
      "image/png": toBase64(await png()),
    }),
  };
  return {
    width,
    height,
    png,
    dataUrl: async () => `data:image/png;base64,${toBase64(await png())}`,
    ...methods,
  };
}
