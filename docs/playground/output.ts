/**
 * The output of a program, as elements of the page.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Images, Picture, Plot, Table } from "../gallery/show.ts";
import type { Display } from "../gallery/show.ts";
import type { Failure, Level, Printed, TensorValue } from "./protocol.ts";

/** Matrices with more rows or columns are shown as heat maps. */
const MOST_CELLS = 12;

/** Vectors with more elements are shown as curves. */
const MOST_IN_ROW = 20;

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = "",
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

function figure(title: string | undefined, ...children: readonly (Node | string)[]): HTMLElement {
  const caption = title ? [element("figcaption", "", title)] : [];
  return element("figure", "", ...caption, ...children);
}

/** A number with the digits of float32. */
function numberText(x: number | boolean): string {
  if (typeof x === "boolean" || Number.isInteger(x) || !Number.isFinite(x)) return String(x);
  const text = String(Number(x.toPrecision(5)));
  return text.length > 9 ? x.toExponential(3) : text;
}

/** A number at a tick of an axis. */
function tickText(x: number): string {
  const size = Math.abs(x);
  if (size === 0 || (size >= 1e-3 && size < 1e5)) return String(Number(x.toPrecision(6)));
  return Number(x.toPrecision(3)).toExponential();
}

function tableOf(x: TensorValue): HTMLElement {
  const { shape, elements } = x;
  const columns = shape[shape.length - 1];
  const rows = shape.length === 2 ? shape[0] : 1;
  const body = Array.from({ length: rows }, (_, i) => {
    const cells = elements!.slice(i * columns, (i + 1) * columns);
    return element("tr", "", ...cells.map((cell) => element("td", "", numberText(cell))));
  });
  return element("div", "wide", element("table", "", element("tbody", "", ...body)));
}

function tensor(x: TensorValue): HTMLElement {
  const { shape, elements } = x;
  const type = element("div", "type", `${x.dtype}[${shape}]`);
  if (elements === null) return element("span", "tensor", x.text);
  const columns = shape[shape.length - 1];
  if (shape.length === 2 && (columns > MOST_CELLS || shape[0] > MOST_CELLS)) {
    const picture = {
      width: columns,
      height: shape[0],
      channels: 1,
      data: Float64Array.from(elements, Number),
    };
    return element("div", "tensor", type, ...heatMaps([picture], {}));
  }
  if (columns > MOST_IN_ROW) return element("span", "tensor", x.text);
  return element("div", "tensor", type, tableOf(x));
}

/** One call of `console.log` or a similar method. */
export function printed(level: Level, values: readonly Printed[]): HTMLElement {
  const isPassed = typeof values[0] === "string" && values[0].startsWith("✓");
  const line = element("div", `line ${level}${isPassed ? " passed" : ""}`);
  values.forEach((value, i) => {
    if (i > 0) line.append(" ");
    if (typeof value !== "string" && "picture" in value) {
      const picture = element("img", "picture");
      picture.src = value.picture;
      picture.alt = "A picture";
      return line.append(picture);
    }
    // Next to other values, a short vector is easier to read as text.
    const isText = typeof value !== "string" && values.length > 1 && value.shape.length === 1;
    line.append(typeof value === "string" ? value : isText ? value.text : tensor(value));
  });
  return line;
}

// Viridis, by S. van der Walt and N. Smith (matplotlib), sampled at nine points.
const viridis = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];
const scales = {
  viridis,
  gray: [[0, 0, 0], [255, 255, 255]],
  diverging: [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]],
};

function colourAt(scale: readonly (readonly number[])[], share: number): number[] {
  const at = Math.min(Math.max(share, 0), 1) * (scale.length - 1);
  const [low, rest] = [Math.min(Math.floor(at), scale.length - 2), at % 1];
  const weight = at === scale.length - 1 ? 1 : rest;
  return scale[low].map((value, i) => value + (scale[low + 1][i] - value) * weight);
}

function extent(lists: readonly ArrayLike<number>[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const values of lists) {
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) continue;
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
    }
  }
  return low > high ? [0, 1] : [low, high];
}

function canvasOf({ width, height, channels, data }: Picture, paint: (x: number) => number[]) {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const colour = channels === 3 || Number.isNaN(data[i]) ? null : paint(data[i]);
    for (let j = 0; j < 3; j++) {
      // Values outside 0 to 255 are clamped.
      image.data[4 * i + j] = channels === 3 ? 255 * data[3 * i + j] : colour?.[j] ?? 128;
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function heatMaps(images: readonly Picture[], options: Images["options"]): HTMLElement[] {
  const scale = scales[options.colors ?? "viridis"];
  const isColour = images[0].channels === 3;
  let [low, high] = options.range ?? extent(images.map(({ data }) => data));
  if (options.colors === "diverging" && options.range === undefined) {
    high = Math.max(Math.abs(low), Math.abs(high));
    low = -high;
  }
  const paint = (x: number) => colourAt(scale, high > low ? (x - low) / (high - low) : 0.5);
  const room = [320, 230, 156, 120][images.length - 1] ?? 88;
  const canvases = images.map((one) => {
    const canvas = canvasOf(one, paint);
    const most = Math.max(one.width, one.height);
    const zoom = Math.max(1, room / most);
    canvas.style.width = `${Math.round(one.width * zoom)}px`;
    return canvas;
  });
  const box = element("div", "images", ...canvases);
  if (isColour) return [box];
  const stops = Array.from({ length: 9 }, (_, i) => `rgb(${colourAt(scale, i / 8).join(" ")})`);
  const bar = element("i");
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  return [box, element("div", "legend", numberText(low), bar, numberText(high))];
}

const keys = [
  "#2f8f9d",
  "#e07b39",
  "#7b5ea7",
  "#c2506e",
  "#5b9a3c",
  "#9a7b2f",
  "#4f6fc4",
  "#888888",
];

/** Ticks of a logarithmic axis: powers of ten, and numbers between them if there are few. */
function logTicks(series: Plot["series"]): number[] {
  const [low, high] = extent(series.map(({ y }) => y.filter((value) => value > 0)));
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const step = Math.ceil((to - from) / 6);
  const factors = Math.log10(high / low) < 1.5 ? [1, 2, 5] : [1];
  const powers = Array.from(
    { length: Math.floor((to - from) / step) + 1 },
    (_, i) => from + i * step,
  );
  return powers.flatMap((power) => factors.map((factor) => factor * 10 ** power))
    .filter((value) => value >= low && value <= high);
}

async function plot({ series, dots, options }: Plot): Promise<HTMLElement> {
  const { axisX, axisY, dot, gridY, line, plot } = await import("@observablehq/plot");
  const isDense = series.some(({ x }) => x.length > 400);
  const marks = series.map(({ x, y }, i) => {
    const stroke = keys[i % keys.length];
    // A logarithmic axis cannot show values that are not positive.
    const heights = options.logY ? y.map((value) => value > 0 ? value : NaN) : y;
    const channels = { x, y: heights };
    return dots
      ? dot(heights, { ...channels, fill: stroke, r: isDense ? 1.6 : 2.6, fillOpacity: 0.75 })
      : line(heights, { ...channels, stroke, strokeWidth: 1.8 });
  });
  const ticks = options.logY ? logTicks(series) : 5;
  const chart = plot({
    width: 560,
    height: dots ? 420 : 260,
    marginLeft: 56,
    style: { background: "none", color: "currentColor", fontSize: "12px", maxWidth: "100%" },
    x: { label: options.xLabel ?? null },
    y: { label: options.yLabel ?? null, type: options.logY ? "log" : "linear" },
    marks: [
      gridY({ ticks, strokeOpacity: 0.12 }),
      axisX({}),
      axisY({ ticks, tickFormat: tickText }),
      ...marks,
    ],
  });
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", options.title ?? series.map(({ name }) => name).join(", "));
  const legend = element(
    "div",
    "keys",
    ...series.map(({ name }, i) => {
      const key = element("span", "", name);
      key.style.setProperty("--key", keys[i % keys.length]);
      return key;
    }),
  );
  return figure(options.title, legend, chart);
}

function table({ rows, title }: Table): HTMLElement {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const head = element("tr", "", ...names.map((name) => element("th", "", name)));
  const body = rows.map((row) =>
    element(
      "tr",
      "",
      ...names.map((name) => {
        const text = String(row[name] ?? "");
        return element("td", text === "" || Number.isNaN(Number(text)) ? "text" : "", text);
      }),
    )
  );
  const whole = element("table", "", element("thead", "", head), element("tbody", "", ...body));
  return figure(title, element("div", "wide", whole));
}

function drawing(svg: string, title: string): HTMLElement {
  // An image runs no scripts, whatever the drawing contains.
  const picture = element("img", "drawing");
  picture.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  picture.alt = title || "A drawing";
  return figure(title, picture);
}

/** The element for a display of `show.ts`. */
export async function shown(display: Display): Promise<HTMLElement> {
  switch (display.kind) {
    case "plot":
      return await plot(display);
    case "images":
      return figure(display.options.title, ...heatMaps(display.images, display.options));
    case "table":
      return table(display);
    case "svg":
      return drawing(display.svg, display.title);
  }
}

/** An error, with links to the lines that were running. */
export function failed(
  { message, lines }: Failure,
  goTo: (line: number) => void,
): HTMLElement {
  const places = [...new Set(lines)].slice(0, 4).flatMap((line) => {
    const link = element("a", "", `line ${line}`);
    link.href = "#";
    link.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(line);
    });
    return [element("br"), "at ", link];
  });
  return element("div", "failure", message, ...places);
}

/** A notice of the page. */
export function notice(text: string): HTMLElement {
  return element("div", "notice", text);
}
