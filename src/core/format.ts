/**
 * Tensors as text, by the rules by which PyTorch 2 prints them.
 *
 * @module
 */
import { defaultFloat, isFloat, partDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { range, sizeOf, stridesOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";

/** Decimals of numbers that are not integers. */
const PRECISION = 4;
/** Tensors of more elements than this are elided. */
const ELISION_SIZE = 1000;
/** The number of positions shown at each end of an elided axis. */
const EDGE = 3;
/** Fewer positions are shown if a tensor of many axes would show more elements than this. */
const MOST_SHOWN = 10_000;
/** The maximum length of lines. */
const LINE_WIDTH = 80;
/** Numbers whose magnitudes differ by more than this are printed with exponents. */
const LARGEST_RATIO = 1000;
/** Numbers above this are printed with exponents. */
const LARGEST_FIXED = 1e8;
/** Numbers below this, when not whole, are printed with exponents. */
const SMALLEST_FIXED = 1e-4;

/** A number halfway between two numbers of `PRECISION` decimals, where the lower one is even. */
const EVEN_TIE = /^(\d+\.\d{3}[02468])50*(e.*)?$/;

const PREFIX = "tensor(";

/** The text printed in place of omitted positions. */
const GAP = "...";

/** An axis's printed positions; `null` is the gap between its ends. */
type Positions = readonly (number | null)[];

/**
 * `tensor([1., 2.])`: the elements of a tensor as text. Only the elements that are shown are read.
 *
 * @param elements In row-major order; a single element represents all of them.
 * @param type Their dtype and shape.
 * @param imaginary The imaginary parts, where `elements` are the real parts of complex numbers.
 */
export function formatTensor(
  elements: ArrayLike<number>,
  type: { readonly dtype: Dtype; readonly shape: Shape },
  imaginary?: ArrayLike<number>,
): string {
  const { dtype, shape } = type;
  const notes: string[] = [];
  const shapeNote = `shape=[${shape.join(", ")}]`;
  if (sizeOf(shape) === 0) {
    if (shape.length !== 1) notes.push(shapeNote);
    if (dtype !== defaultFloat()) notes.push(`dtype=${dtype}`);
    return withNotes("[]", notes);
  }
  const axes = shownAxes(shape);
  const strides = stridesOf(shape);
  const read = (elements: ArrayLike<number>): number[] => {
    const values: number[] = [];
    const step = elements.length === 1 ? 0 : 1;
    visit(axes, strides, (index) => values.push(elements[index * step]));
    return values;
  };
  const texts = imaginary === undefined
    ? showElements(read(elements), dtype)
    : showComplex(read(elements), read(imaginary), dtype);
  const width = texts.reduce((widest, text) => Math.max(widest, text.length), 0);
  let next = 0;
  const body = nest(axes, 0, () => texts[next++].padStart(width), width);
  if (texts.length === 0) notes.push(shapeNote);
  if (dtype !== defaultFloat() && dtype !== "bool") notes.push(`dtype=${dtype}`);
  return withNotes(body, notes);
}

/** The positions that are shown, on each axis. */
function shownAxes(shape: Shape): Positions[] {
  for (let edge = sizeOf(shape) > ELISION_SIZE ? EDGE : Infinity;; edge--) {
    const axes = shape.map((length) => shownPositions(length, edge));
    const shown = axes.reduce((count, axis) => count * axis.filter((i) => i !== null).length, 1);
    if (shown <= MOST_SHOWN) return axes;
  }
}

/** The positions of an axis that are shown: all of them, or `edge` at each end. */
function shownPositions(length: number, edge: number): Positions {
  if (length <= 2 * edge) return range(length);
  return [...range(edge), null, ...range(length - edge, length)];
}

/** Calls `f` with the flat position of each shown element, in order. */
function visit(axes: readonly Positions[], strides: readonly number[], f: (i: number) => void) {
  const walk = (axis: number, index: number): void => {
    if (axis === axes.length) return f(index);
    for (const i of axes[axis]) if (i !== null) walk(axis + 1, index + i * strides[axis]);
  };
  walk(0, 0);
}

/** Brackets around the positions of `axis` and of the axes inside it; `element` returns the next text. */
function nest(
  axes: readonly Positions[],
  axis: number,
  element: () => string,
  width: number,
): string {
  if (axis === axes.length) return element();
  const indent = " ".repeat(PREFIX.length + axis + 1);
  const inner = axes.length - axis - 1;
  const parts = axes[axis].map((i) => i === null ? GAP : nest(axes, axis + 1, element, width));
  if (inner > 0) return `[${parts.join(`,${"\n".repeat(inner)}${indent}`)}]`;
  const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent.length + 1) / (width + 2)));
  const lines: string[] = [];
  const spaced = parts.map((part) => part === GAP ? ` ${GAP}` : part);
  for (let i = 0; i < spaced.length; i += perLine) {
    lines.push(spaced.slice(i, i + perLine).join(", "));
  }
  return `[${lines.join(`,\n${indent}`)}]`;
}

/** `tensor(body, notes)`; a note goes on a new line where it would make the last line too long. */
/** `tensor(<on a closed device>, shape=[2])`: a tensor whose elements cannot be shown, with the reason. */
export function formatHidden(
  why: string,
  { dtype, shape }: { readonly dtype: Dtype; readonly shape: Shape },
): string {
  const notes = [`shape=[${shape.join(", ")}]`];
  if (dtype !== defaultFloat()) notes.push(`dtype=${dtype}`);
  return withNotes(`<${why}>`, notes);
}

function withNotes(body: string, notes: readonly string[]): string {
  let text = PREFIX + body;
  for (const note of notes) {
    const used = text.length - (text.lastIndexOf("\n") + 1);
    const fits = used + ", ".length + note.length + ")".length <= LINE_WIDTH;
    text += fits ? `, ${note}` : `,\n${" ".repeat(PREFIX.length)}${note}`;
  }
  return `${text})`;
}

/** Complex numbers as text, as in `1.+2.i`. */
export function showComplex(
  re: readonly number[],
  im: readonly number[],
  dtype: Dtype,
): string[] {
  const texts = showElements([...re, ...im], partDtype(dtype));
  return re.map((_, i) => {
    const second = texts[re.length + i];
    return `${texts[i]}${second.startsWith("-") ? "" : "+"}${second}i`;
  });
}

/** Elements as text, all in the same style. */
export function showElements(values: readonly number[], dtype: Dtype): string[] {
  if (dtype === "bool") return values.map((value) => value !== 0 ? "true" : "false");
  if (!isFloat(dtype)) return values.map(String);
  const magnitudes = values.map(Math.abs).filter((value) => value > 0 && value < Infinity);
  const largest = Math.max(...magnitudes);
  const smallest = Math.min(...magnitudes);
  const isWhole = magnitudes.every(Number.isInteger);
  const isScientific = magnitudes.length > 0 && (
    largest / smallest > LARGEST_RATIO || largest > LARGEST_FIXED ||
    (!isWhole && smallest < SMALLEST_FIXED)
  );
  return values.map((value) => {
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
    const sign = value < 0 || Object.is(value, -0) ? "-" : "";
    return sign + showMagnitude(Math.abs(value), isScientific, isWhole);
  });
}

/** A finite non-negative number; ties are rounded to even, whereas JavaScript rounds them up. */
function showMagnitude(value: number, isScientific: boolean, isWhole: boolean): string {
  if (!isScientific && isWhole) return `${value}.`;
  const print = (digits: number) =>
    isScientific ? value.toExponential(digits) : value.toFixed(digits);
  // A double that agrees with the tie in 60 digits is the tie.
  const tie = EVEN_TIE.exec(print(60));
  const text = tie === null ? print(PRECISION) : `${tie[1]}${tie[2] ?? ""}`;
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
