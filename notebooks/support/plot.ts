/**
 * Observable Plot in notebooks.
 *
 * Source: https://observablehq.com/plot
 *
 * @module
 */
import * as Plot from "npm:@observablehq/plot@^0.6";
import { parseHTML } from "npm:linkedom@^0.18";
import type { Tensor } from "@jacobi/jacobi";

/** Where Plot makes its elements. */
const { document } = parseHTML("<html></html>") as unknown as { readonly document: never };

/** A line or points. */
export interface Curve {
  /** Its name in the legend. */
  readonly name: string;
  readonly x: Tensor | readonly number[];
  readonly y: Tensor | readonly number[];
  /** Points without a line between them. */
  readonly points?: boolean;
  /** A band around the line: how far it goes in each direction. */
  readonly band?: Tensor;
}

/** What an axis is called, and whether it is logarithmic. */
export interface PlotOptions {
  readonly x?: string;
  readonly y?: string;
  readonly log?: boolean;
}

const numbers = (
  values: Tensor | readonly number[],
): number[] => [...("data" in values ? values.data() : values)];

/** Curves in one plot, which notebooks show. */
export function plot(curves: readonly Curve[], options: PlotOptions = {}): object {
  const marks = curves.flatMap(({ name, x, y, points, band }) => {
    const ys = numbers(y);
    const widths = band === undefined ? [] : numbers(band);
    const rows = numbers(x).map((x, i) => ({
      x: rounded(x),
      y: rounded(ys[i]),
      low: rounded(ys[i] - widths[i]),
      high: rounded(ys[i] + widths[i]),
      name,
    }));
    const lines = points
      ? Plot.dot(rows, { x: "x", y: "y", stroke: "name", r: 2 })
      : Plot.lineY(rows, { x: "x", y: "y", stroke: "name" });
    if (band === undefined) return [lines];
    const area = { x: "x", y1: "low", y2: "high", fill: "name", fillOpacity: 0.2 };
    return [Plot.areaY(rows, area), lines];
  });
  const figure = Plot.plot({
    document,
    width: 560,
    height: 280,
    marginLeft: 50,
    marginRight: curves.length < 2 ? 20 : 130,
    color: { legend: false },
    x: { label: options.x ?? null },
    y: { label: options.y ?? null, grid: true, ...(options.log ? { type: "log" } : {}) },
    marks: [...marks, ...legend(curves)],
  });
  // Outside of HTML the name space must be said.
  const svg = figure.outerHTML.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ');
  const text = `plot of ${curves.map(({ name }) => name).join(", ")}`;
  return { [Symbol.for("Jupyter.display")]: () => ({ "text/plain": text, "image/svg+xml": svg }) };
}

/** Fewer digits, for smaller files. */
const rounded = (value: number): number => Number(value.toPrecision(4));

/** Names in the colours of their curves, to the right. */
function legend(curves: readonly Curve[]): Plot.Markish[] {
  if (curves.length < 2) return [];
  return curves.map(({ name }, i) =>
    Plot.text([name], {
      frameAnchor: "top-right",
      textAnchor: "start",
      dx: 8,
      dy: 14 * i,
      fill: [name],
      text: [name],
    })
  );
}
