/**
 * Numbers as colours.
 *
 * @module
 */
import type { Pixels } from "./png.ts";

/** The colours of numbers of one sign: matplotlib's viridis, by S. van der Walt and N. Smith (CC0). */
const SEQUENTIAL = "440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725";

/** The colours of numbers of both signs, white for zero: RdBu of ColorBrewer, by C. Brewer. */
const DIVERGING = "2166ac 67a9cf f7f7f7 ef8a62 b2182b";

/** Numbers that are not finite are magenta, cyan and lime, after the other colours of the palette. */
const NOT_FINITE = "ff00ff 00ffff 00ff00";
const [NAN, MINUS_INFINITY, INFINITY] = [253, 254, 255];
const SHADES = 253;

function parse(colours: string): number[][] {
  return colours.split(" ").map((text) =>
    [0, 2, 4].map((at) => Number.parseInt(text.slice(at, at + 2), 16))
  );
}

/** The colours of a ramp, interpolated, and those of numbers that are not finite. */
function paletteOf(ramp: string): Uint8Array<ArrayBuffer> {
  const anchors = parse(ramp);
  const shades = Array.from({ length: SHADES }, (_, i) => {
    const place = i / (SHADES - 1) * (anchors.length - 1);
    const first = Math.min(Math.floor(place), anchors.length - 2);
    return anchors[first].map((low, channel) =>
      Math.round(low + (place - first) * (anchors[first + 1][channel] - low))
    );
  });
  return Uint8Array.from([...shades, ...parse(NOT_FINITE)].flat());
}

/** Summary statistics of numbers. */
export interface Summary {
  /** The smallest and the largest finite number; `Infinity` and `-Infinity` if there is none. */
  readonly least: number;
  readonly greatest: number;
  /** The number of NaN, and the number of infinities. */
  readonly nan: number;
  readonly infinite: number;
}

/** Counts the numbers that are not finite, and finds the range of the others. */
export function summarize(values: ArrayLike<number>): Summary {
  let [least, greatest, nan, infinite] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else {
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  return { least, greatest, nan, infinite };
}

/** A number in captions: four digits. */
function showNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** A summary in words: `-1 to 2.5, 3 nan`. */
export function showSummary({ least, greatest, nan, infinite }: Summary): string {
  return [
    ...(least <= greatest ? [`${showNumber(least)} to ${showNumber(greatest)}`] : []),
    ...(nan > 0 ? [`${nan} nan`] : []),
    ...(infinite > 0 ? [`${infinite} infinite`] : []),
  ].join(", ");
}

/**
 * A matrix as an image of one pixel for each element. If the numbers have both signs, negative ones are
 * blue and positive ones red; otherwise the colours go from dark to light.
 */
export function heatMap(values: ArrayLike<number>, width: number, summary: Summary): Pixels {
  const { least, greatest } = summary;
  const isDiverging = least < 0 && greatest > 0;
  const high = isDiverging ? Math.max(-least, greatest) : greatest;
  const low = isDiverging ? -high : least;
  // Halves, since the difference of two finite numbers may not be finite.
  const span = high / 2 - low / 2;
  const bytes = Uint8Array.from(values, (value) => {
    if (Number.isNaN(value)) return NAN;
    if (!Number.isFinite(value)) return value < 0 ? MINUS_INFINITY : INFINITY;
    const share = span > 0 ? (value / 2 - low / 2) / span : 0.5;
    return Math.round(share * (SHADES - 1));
  });
  const palette = paletteOf(isDiverging ? DIVERGING : SEQUENTIAL);
  return { width, height: bytes.length / width, channels: 1, bytes, palette };
}
