/**
 * Learning curves as an image, by Observable Plot.
 *
 * @module
 */
import * as Plot from "npm:@observablehq/plot@^0.6";
import { parseHTML } from "npm:linkedom@^0.18";

/** The document in which Plot creates its elements. */
const { document } = parseHTML("<html></html>") as unknown as { readonly document: never };

/** A point of a curve. */
export interface Point {
  readonly step: number;
  readonly value: number;
  /** The name of the curve. */
  readonly curve: string;
}

/** Curves over steps, as an SVG file. */
export function drawCurves(points: readonly Point[]): string {
  const figure = Plot.plot({
    document,
    marginRight: 70,
    y: { grid: true },
    marks: [
      Plot.lineY(points, { x: "step", y: "value", stroke: "curve" }),
      Plot.text(
        points,
        Plot.selectLast({
          x: "step",
          y: "value",
          z: "curve",
          text: "curve",
          textAnchor: "start",
          dx: 4,
        }),
      ),
    ],
  });
  // Outside HTML, the namespace must be given.
  return figure.outerHTML.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ');
}
