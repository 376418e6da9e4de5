/**
 * Tensors and programs as rich output in notebooks: tables, heat maps and pictures. Deno's Jupyter
 * kernel calls the method `Symbol.for("Jupyter.display")` of every value and awaits its result, a
 * bundle of the available forms by media type.
 *
 * Source: https://docs.deno.com/api/deno/~/Deno.jupyter.Displayable
 *
 * @module
 */
import { range, showType } from "../base/shape.ts";
import { escapeHtml } from "../core/description.ts";
import { showElements } from "../core/format.ts";
import { Program, programsIn } from "../core/program.ts";
import { Concrete, Tensor } from "../core/tensor.ts";
import { take } from "../functions/along_axis.ts";
import { heatMap, showSummary, summarize } from "./heat_map.ts";
import { encodePng, toBase64 } from "./png.ts";
import { toSvg } from "./svg.ts";

/** One value in several forms, by media type. */
export type MediaBundle = { readonly [mediaType: string]: string };

const DISPLAY = Symbol.for("Jupyter.display");
const INSPECT = Symbol.for("Deno.customInspect");

/**
 * Tables have at most this many rows and columns: longer vectors are elided, larger matrices become
 * heat maps.
 */
const LONGEST = 20;

/** The number of columns shown at each end of an elided table. */
const EDGE = 5;

/** The maximum number of rows and columns of a heat map, and its approximate size in pixels. */
const MOST_CELLS = 128;
const SIDE = 384;

/** Tensors of more elements have no summary, and are not copied from a device to be shown. */
const MOST_READ = 2 ** 20;

/** Programs of more equations have no picture: the layout would be too slow. */
const MOST_EQUATIONS = 150;

/** The text that `console.log` shows. */
function textOf(value: object): string {
  return (value as { [INSPECT](): string })[INSPECT]();
}

/**
 * A tensor as text and, if its elements are available, as a table of a vector or a small matrix, a heat
 * map of a larger matrix, or the printed text.
 */
export function displayTensor(tensor: Tensor): MediaBundle | Promise<MediaBundle> {
  const isKnown = tensor instanceof Concrete && !tensor.isDonated;
  return isKnown ? displayElements(tensor) : { "text/plain": textOf(tensor) };
}

async function displayElements(tensor: Concrete): Promise<MediaBundle> {
  const type = showType(tensor);
  const isFar = tensor.placement !== null && tensor.size > MOST_READ;
  if (!isFar) await tensor.arrive();
  const text = isFar
    ? `tensor(<on ${tensor.sharding?.mesh ?? tensor.device}>, ${type})`
    : textOf(tensor);
  const [caption, body] = await picture(tensor, text, isFar);
  const title = escapeHtml([type, ...caption].filter((part) => part !== "").join(", "));
  return {
    "text/plain": text,
    "text/html": `<div><div style="opacity:0.7">${title}</div>${body}</div>`,
  };
}

/** The caption next to the type of a tensor in HTML, and its display. */
async function picture(
  tensor: Concrete,
  text: string,
  isFar: boolean,
): Promise<[caption: string[], body: string]> {
  const { ndim, shape, size } = tensor;
  const printed = `<pre>${escapeHtml(text)}</pre>`;
  const isMatrix = ndim === 2 && size > 0;
  if (isMatrix && Math.max(...shape) > LONGEST) {
    const [caption, map] = await heatMapOf(tensor);
    return [caption, `${map}<details><summary>elements</summary>${printed}</details>`];
  }
  if (!isFar && (isMatrix || (ndim === 1 && size > 0))) return [[], tableOf(tensor)];
  const isLarge = size > LONGEST ** 2 && size <= MOST_READ;
  return [isLarge ? [tensor.peek((elements) => showSummary(summarize(elements)))] : [], printed];
}

/** A heat map of a matrix, with rows and columns sampled if there are many. */
async function heatMapOf(tensor: Concrete): Promise<[caption: string[], image: string]> {
  const places = tensor.shape.map((length) =>
    range(Math.min(length, MOST_CELLS)).map((i) =>
      length <= MOST_CELLS ? i : Math.floor((i + 0.5) * length / MOST_CELLS)
    )
  );
  const isWhole = places.every(({ length }, axis) => length === tensor.shape[axis]);
  // Only the shown elements are copied from the device.
  const cells = isWhole ? tensor : places.reduce<Tensor>(
    (rest, at, axis) => take(rest, Int32Array.from(at), axis),
    tensor,
  ).concrete("show");
  await cells.arrive();
  const values = cells.peek((elements) =>
    elements.length === cells.size
      ? Float64Array.from(elements)
      : new Float64Array(cells.size).fill(elements[0])
  );
  const summary = summarize(values);
  const [rows, columns] = cells.shape;
  const scale = Math.max(1, Math.floor(SIDE / Math.max(rows, columns)));
  const file = await encodePng(heatMap(values, columns, summary), scale);
  const part = isWhole ? [] : [`${rows} rows and ${columns} columns of it shown`];
  return [
    [showSummary(summary), ...part],
    `<img alt="heat map" src="data:image/png;base64,${toBase64(file)}">`,
  ];
}

/** The positions of an axis that are shown; `null` is the gap between its ends. */
function shownPositions(length: number): (number | null)[] {
  if (length <= LONGEST) return range(length);
  return [...range(EDGE), null, ...range(length - EDGE, length)];
}

/** A table of a vector, or of a matrix with few rows and columns. */
function tableOf(tensor: Concrete): string {
  const { shape, ndim } = tensor;
  const columns = shape[ndim - 1];
  const across = shownPositions(columns);
  const down = range(ndim === 2 ? shape[0] : 1);
  const places = down.flatMap((i) => across.flatMap((j) => j === null ? [] : [i * columns + j]));
  const values = tensor.peek((elements) =>
    places.map((place) => elements[elements.length === 1 ? 0 : place])
  );
  const texts = showElements(values, tensor.dtype);
  let next = 0;
  const heads = across.map((j) => `<th>${j ?? "..."}</th>`).join("");
  const rows = down.map((i) => {
    const cells = across.map((j) =>
      j === null
        ? `<td>...</td>`
        : `<td style="text-align:right;white-space:nowrap">${escapeHtml(texts[next++])}</td>`
    );
    const head = ndim === 2 ? `<th>${i}</th>` : "";
    return `<tr>${head}${cells.join("")}</tr>`;
  });
  const corner = ndim === 2 ? "<th></th>" : "";
  return `<table><thead><tr>${corner}${heads}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** A program as text and, if it is not too large and Graphviz is available, as a picture. */
export async function displayProgram(program: Program): Promise<MediaBundle> {
  const plain = { "text/plain": textOf(program) };
  if (countEquations(program) > MOST_EQUATIONS) return plain;
  try {
    return { ...plain, "image/svg+xml": await toSvg(program) };
  } catch {
    return plain;
  }
}

function countEquations({ equations }: Program): number {
  return equations.reduce(
    (count, { params }) =>
      programsIn(params).reduce((sum, inner) => sum + countEquations(inner), count + 1),
    0,
  );
}

/** Adds the method that notebooks call to a class. */
function install<T extends object>(
  prototype: T,
  display: (value: T) => MediaBundle | Promise<MediaBundle>,
): void {
  Object.defineProperty(prototype, DISPLAY, {
    value(this: T) {
      return display(this);
    },
    configurable: true,
    writable: true,
  });
}

install(Tensor.prototype, displayTensor);
install(Program.prototype, displayProgram);
