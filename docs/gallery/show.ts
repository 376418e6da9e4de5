/**
 * Pictures for the programs of the gallery: text in a terminal, graphics in the playground.
 *
 * Each function turns its arguments into a `Display`, plain data. A page that can draw sets `showHook`
 * on `globalThis`, and receives the display; without a hook it is printed as text.
 *
 * @module
 */
import { inspect, type Program, Tensor } from "@jacobi/jacobi";

/** Numbers: a tensor on any device, or an array. */
export type Values = Tensor | ArrayLike<number>;

/** One curve or one set of points. */
export interface Series {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** One image: `channels` is 1 (a heat map) or 3 (red, green, blue from 0 to 1). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Float64Array;
}

/** Curves or points in a coordinate system. */
export interface Plot {
  readonly kind: "plot";
  readonly series: readonly Series[];
  readonly dots: boolean;
  readonly options: PlotOptions;
}

/** Images side by side. */
export interface Images {
  readonly kind: "images";
  readonly images: readonly Picture[];
  readonly options: ImageOptions;
}

/** Rows with named columns. */
export interface Table {
  readonly kind: "table";
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly title: string;
}

/** A drawing. */
export interface Svg {
  readonly kind: "svg";
  readonly svg: string;
  readonly title: string;
}

/** A display, as plain data. */
export type Display = Plot | Images | Table | Svg;

/** Options of `plot` and `scatter`. */
export interface PlotOptions {
  readonly title?: string;
  /** The label of the horizontal axis. */
  readonly xLabel?: string;
  /** The label of the vertical axis. */
  readonly yLabel?: string;
  /** Whether the vertical axis is logarithmic. */
  readonly logY?: boolean;
}

/** Options of `image`. */
export interface ImageOptions {
  readonly title?: string;
  /** The values of the darkest and the brightest colour: the minimum and the maximum by default. */
  readonly range?: readonly [number, number];
  /** The colours of heat maps. */
  readonly colors?: "viridis" | "gray" | "diverging";
}

/** The key of the hook on `globalThis`. */
export const showHook: unique symbol = Symbol.for("jacobi.show");

type Hook = (display: Display) => void;

function hook(): Hook | undefined {
  return (globalThis as { [showHook]?: Hook })[showHook];
}

async function numbersOf(values: Values): Promise<number[]> {
  return Array.from(values instanceof Tensor ? await values.read() : values, Number);
}

/** Passes a display to the hook; without one, prints its text. */
function emit(display: Display, text: () => string): void {
  const draw = hook();
  if (draw !== undefined) return draw(display);
  const title = display.kind === "table" || display.kind === "svg"
    ? display.title
    : display.options.title;
  console.log((title ? `${title}\n` : "") + text());
}

/** A number with four digits. */
function short(x: number): string {
  return String(Number(x.toPrecision(4)));
}

const BARS = "▁▂▃▄▅▆▇█";
const SHADES = " .:-=+*#%@";

function level(x: number, low: number, high: number, count: number): number {
  const share = high > low ? (x - low) / (high - low) : 0.5;
  return Math.min(count - 1, Math.max(0, Math.floor(share * count)));
}

function extent(values: Iterable<number>): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const x of values) {
    if (Number.isFinite(x)) [low, high] = [Math.min(low, x), Math.max(high, x)];
  }
  return [low, high];
}

function sparkline({ name, y }: Series, log: boolean, columns = 60): string {
  const count = Math.min(columns, y.length);
  const picked = Array.from({ length: count }, (_, i) => y[Math.floor(i * y.length / count)]);
  const scale = (v: number) => log ? Math.log(v) : v;
  const [low, high] = extent(picked.map(scale));
  const bars = picked.map((v) =>
    Number.isFinite(scale(v)) ? BARS[level(scale(v), low, high, 8)] : " "
  );
  const [least, greatest] = extent(y);
  return `${name.padEnd(10)} ${bars.join("")} ${short(least)} to ${short(greatest)}`;
}

function dotGrid(series: readonly Series[], columns = 60, rows = 20): string {
  const [left, right] = extent(series.flatMap(({ x }) => x));
  const [bottom, top] = extent(series.flatMap(({ y }) => y));
  const grid = Array.from({ length: rows }, () => new Array<string>(columns).fill(" "));
  series.forEach(({ name, x, y }, i) => {
    const mark = series.length === 1 ? "o" : (name[0] ?? String(i));
    x.forEach((_, j) => {
      grid[rows - 1 - level(y[j], bottom, top, rows)][level(x[j], left, right, columns)] = mark;
    });
  });
  const lines = grid.map((line) => `  ${line.join("").trimEnd()}`);
  return [
    ...lines,
    `  x ${short(left)} to ${short(right)}, y ${short(bottom)} to ${short(top)}`,
  ].join("\n");
}

function shading({ width, height, channels, data }: Picture, range?: readonly [number, number]) {
  const [low, high] = range ?? extent(data);
  const columns = Math.min(width, 64);
  const rows = Math.max(1, Math.round(height * columns / width / 2));
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => {
      const at = Math.floor(i * height / rows) * width + Math.floor(j * width / columns);
      const mean = data.slice(channels * at, channels * (at + 1)).reduce((a, b) => a + b) /
        channels;
      return SHADES[level(mean, low, high, SHADES.length)];
    }).join("")).join("\n");
}

/**
 * Shows curves.
 *
 * @param series The values `[n]` of each curve, by name; the horizontal axis is their index.
 * @param options Title and labels; `x`: other horizontal values `[n]`.
 */
export async function plot(
  series: Readonly<Record<string, Values>>,
  { x, ...options }: PlotOptions & { readonly x?: Values } = {},
): Promise<void> {
  if (Object.keys(series).length === 0) throw new Error("Cannot plot: expected a curve, got none");
  const across = x === undefined ? undefined : await numbersOf(x);
  const read = await Promise.all(
    Object.entries(series).map(async ([name, values]): Promise<Series> => {
      const y = await numbersOf(values);
      return { name, x: across ?? y.map((_, i) => i), y };
    }),
  );
  emit(
    { kind: "plot", series: read, dots: false, options },
    () => read.map((one) => sparkline(one, options.logY ?? false)).join("\n"),
  );
}

/**
 * Shows points of the plane.
 *
 * @param series The points `[n, 2]` of each set, by name.
 * @param options Title and labels.
 */
export async function scatter(
  series: Readonly<Record<string, Tensor>>,
  options: PlotOptions = {},
): Promise<void> {
  if (Object.keys(series).length === 0) throw new Error("Cannot plot: expected points, got none");
  const read = await Promise.all(
    Object.entries(series).map(async ([name, points]): Promise<Series> => {
      const flat = await numbersOf(points);
      return {
        name,
        x: flat.filter((_, i) => i % 2 === 0),
        y: flat.filter((_, i) => i % 2 === 1),
      };
    }),
  );
  emit({ kind: "plot", series: read, dots: true, options }, () => dotGrid(read));
}

/**
 * Shows an image, or several of the same size side by side.
 *
 * @param x A heat map `[height, width]`, a colour image `[height, width, 3]`, or several heat maps
 *   `[count, height, width]`.
 * @param options Title, range and colours.
 */
export async function image(x: Tensor, options: ImageOptions = {}): Promise<void> {
  const { shape } = x;
  if (![2, 3].includes(shape.length) || x.size === 0) {
    throw new Error(
      `Cannot show an image: expected [height, width], [height, width, 3] or [count, height, width], ` +
        `got shape [${shape}]`,
    );
  }
  const channels = shape.length === 3 && shape[2] === 3 ? 3 : 1;
  const [height, width] = channels === 3 ? shape : shape.slice(-2);
  const data = Float64Array.from(await x.read() as ArrayLike<number>, Number);
  const size = height * width * channels;
  const images = Array.from({ length: data.length / size }, (_, i): Picture => ({
    width,
    height,
    channels,
    data: data.slice(i * size, (i + 1) * size),
  }));
  emit(
    { kind: "images", images, options },
    () => images.slice(0, 2).map((one) => shading(one, options.range)).join("\n\n"),
  );
}

/**
 * Shows rows with named columns.
 *
 * @param rows Each row's values, by column name.
 * @param title A line above.
 */
export function table(
  rows: readonly Readonly<Record<string, string | number>>[],
  title = "",
): Promise<void> {
  const shown = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, x]) => [name, typeof x === "number" ? short(x) : x]),
    )
  );
  const names = [...new Set(shown.flatMap((row) => Object.keys(row)))];
  const widths = names.map((name) =>
    Math.max(name.length, ...shown.map((row) => (row[name] ?? "").length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd();
  emit(
    { kind: "table", rows: shown, title },
    () =>
      [line(names), ...shown.map((row) => line(names.map((name) => row[name] ?? "")))].join("\n"),
  );
  return Promise.resolve();
}

/**
 * Shows the computation of a program: its graph, or its equations where nothing can be drawn.
 *
 * @param program A program of `makeProgram`.
 * @param title A line above.
 */
export async function graph(program: Program, title = ""): Promise<void> {
  const svg = hook() === undefined ? "" : await inspect.toSvg(program);
  emit({ kind: "svg", svg, title }, () => inspect.toText(program));
}

/**
 * Ends the program with an error unless a condition holds.
 *
 * @param holds The condition.
 * @param claim The claim, as text.
 */
export function check(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`Check failed: ${claim}`);
  console.log(`✓ ${claim}`);
}
