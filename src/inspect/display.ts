/**
 * Tensors and programs as rich output in notebooks: a table, and a picture. Deno's Jupyter kernel asks
 * every value for a bundle of the forms that it has, by media type, through the method
 * `Symbol.for("Jupyter.display")`, and awaits it.
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
import { toSvg } from "./svg.ts";

/** One value in several forms, by media type. */
export type MediaBundle = { readonly [mediaType: string]: string };

const DISPLAY = Symbol.for("Jupyter.display");
const INSPECT = Symbol.for("Deno.customInspect");

/** Tables of more rows or columns are elided. */
const LONGEST = 20;

/** How many rows and columns are shown at each end of an elided table. */
const EDGE = 5;

/** Programs of more equations have no picture: its layout would take too long. */
const MOST_EQUATIONS = 150;

/** The text that `console.log` shows. */
function textOf(value: object): string {
  return (value as { [INSPECT](): string })[INSPECT]();
}

/**
 * A tensor as text and, where its elements are known, as a table: rows and columns for two axes, one
 * row for one, and the printed text for more.
 */
export function displayTensor(tensor: Tensor): MediaBundle {
  const text = textOf(tensor);
  const plain = { "text/plain": text };
  const isDonated = text.startsWith("tensor(<donated>");
  if (!(tensor instanceof Concrete) || isDonated) return plain;
  const caption = `<div style="opacity:0.7">${escapeHtml(showType(tensor))}</div>`;
  const hasTable = (tensor.ndim === 1 || tensor.ndim === 2) && tensor.size > 0;
  const body = hasTable ? tableOf(tensor) : `<pre>${escapeHtml(text)}</pre>`;
  return { ...plain, "text/html": `<div>${caption}${body}</div>` };
}

/** The positions of an axis that are shown; `null` is the gap between its ends. */
function shownPositions(length: number): (number | null)[] {
  if (length <= LONGEST) return range(length);
  return [...range(EDGE), null, ...range(length - EDGE, length)];
}

function tableOf(tensor: Concrete): string {
  const { shape } = tensor;
  const columns = shape[shape.length - 1];
  const [down, across] = [
    shownPositions(shape.length === 2 ? shape[0] : 1),
    shownPositions(columns),
  ];
  const places = down.flatMap((i) =>
    i === null ? [] : across.flatMap((j) => j === null ? [] : [i * columns + j])
  );
  const values = tensor.peek((elements) =>
    places.map((place) => elements[elements.length === 1 ? 0 : place])
  );
  const texts = showElements(values, tensor.dtype);
  let next = 0;
  const gap = `<td>...</td>`;
  const heads = across.map((j) => `<th>${j ?? "..."}</th>`).join("");
  const rows = down.map((i) => {
    const cells = across.map((j) => {
      if (i === null || j === null) return gap;
      return `<td style="text-align:right">${escapeHtml(texts[next++])}</td>`;
    });
    const head = shape.length === 2 ? `<th>${i ?? "..."}</th>` : "";
    return `<tr>${head}${cells.join("")}</tr>`;
  });
  const corner = shape.length === 2 ? "<th></th>" : "";
  return `<table><thead><tr>${corner}${heads}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** A program as text and, where it is not too large and Graphviz is there, as a picture. */
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

/** Gives a class the method that notebooks call. */
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
