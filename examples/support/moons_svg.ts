/**
 * The decision map of a classifier of points in the plane, and its loss, as an SVG image.
 *
 * @module
 */
import { tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

/** The contents of the drawing. */
export interface Moons {
  /** The points, `[n, 2]`. */
  readonly x: Tensor;
  /** Their classes, `[n]`: 0 or 1. */
  readonly y: Tensor;
  /** The probability of class 1 at each of `[m, 2]` points, `[m]`. */
  readonly score: (points: Tensor) => Tensor;
  /** The loss at each step. */
  readonly losses: readonly number[];
}

const MAP = { left: 40, top: 30, width: 420, height: 300 };
const PLOT = { left: 520, top: 30, width: 300, height: 300 };
const RANGE = { x: [-1.5, 2.5], y: [-1.1, 1.6] } as const;
const CELLS = { x: 70, y: 50 };

/** A position between two numbers, as a fraction. */
function fraction(value: number, [low, high]: readonly [number, number]): number {
  return (value - low) / (high - low);
}

/** Blue for class 0, orange for class 1, pale where the classifier is unsure. */
function colour(score: number): string {
  const blue = [66, 120, 190];
  const orange = [235, 140, 50];
  const sure = Math.abs(score - 0.5) * 2;
  const base = score > 0.5 ? orange : blue;
  const mixed = base.map((channel) => Math.round(255 - (255 - channel) * sure * 0.6));
  return `rgb(${mixed.join(",")})`;
}

function drawMap({ x, y, score }: Moons): string[] {
  const grid: number[][] = [];
  for (let row = 0; row < CELLS.y; row++) {
    for (let column = 0; column < CELLS.x; column++) {
      grid.push([
        RANGE.x[0] + (column + 0.5) / CELLS.x * (RANGE.x[1] - RANGE.x[0]),
        RANGE.y[1] - (row + 0.5) / CELLS.y * (RANGE.y[1] - RANGE.y[0]),
      ]);
    }
  }
  const scores = score(tensor(grid)).data();
  const [width, height] = [MAP.width / CELLS.x, MAP.height / CELLS.y];
  const cells = Array.from(scores, (value, i) => {
    const left = MAP.left + (i % CELLS.x) * width;
    const top = MAP.top + Math.floor(i / CELLS.x) * height;
    return `<rect x="${left.toFixed(2)}" y="${top.toFixed(2)}" width="${
      (width + 0.4).toFixed(2)
    }" ` +
      `height="${(height + 0.4).toFixed(2)}" fill="${colour(value)}"/>`;
  });
  const classes = y.data();
  const points = (x.toArray() as number[][]).map(([px, py], i) => {
    const left = MAP.left + fraction(px, RANGE.x) * MAP.width;
    const top = MAP.top + (1 - fraction(py, RANGE.y)) * MAP.height;
    const fill = classes[i] === 1 ? "rgb(200,95,10)" : "rgb(25,70,140)";
    return `<circle cx="${left.toFixed(1)}" cy="${top.toFixed(1)}" r="3" fill="${fill}" ` +
      `stroke="white" stroke-width="0.8"/>`;
  });
  return [...cells, ...points];
}

function drawLoss({ losses }: Moons): string[] {
  const logs = losses.map((loss) => Math.log10(loss));
  const low = Math.floor(Math.min(...logs));
  const high = Math.ceil(Math.max(...logs));
  const toTop = (log: number) => PLOT.top + (1 - fraction(log, [low, high])) * PLOT.height;
  const path = logs.map((log, i) => {
    const left = PLOT.left + i / Math.max(1, losses.length - 1) * PLOT.width;
    return `${i === 0 ? "M" : "L"}${left.toFixed(1)},${toTop(log).toFixed(1)}`;
  });
  const lines: string[] = [];
  for (let log = low; log <= high; log++) {
    const top = toTop(log).toFixed(1);
    lines.push(
      `<line x1="${PLOT.left}" x2="${PLOT.left + PLOT.width}" y1="${top}" y2="${top}" ` +
        `stroke="#ddd"/>`,
      `<text x="${PLOT.left - 6}" y="${top}" text-anchor="end" dominant-baseline="middle">` +
        `${log < 0 ? (10 ** log).toFixed(-log) : 10 ** log}</text>`,
    );
  }
  return [
    ...lines,
    `<path d="${path.join(" ")}" fill="none" stroke="rgb(25,70,140)" stroke-width="1.5"/>`,
    `<text x="${PLOT.left + PLOT.width / 2}" y="${PLOT.top + PLOT.height + 22}" ` +
    `text-anchor="middle">step (0 to ${losses.length - 1})</text>`,
  ];
}

/** The picture as text. */
export function drawMoons(moons: Moons): string {
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" width="850" height="370" ' +
    'font-family="sans-serif" font-size="12" fill="#333">',
    '<rect width="850" height="370" fill="white"/>',
    `<text x="${MAP.left}" y="20">What the network decides</text>`,
    `<text x="${PLOT.left}" y="20">Cross entropy</text>`,
    ...drawMap(moons),
    ...drawLoss(moons),
    "</svg>\n",
  ].join("\n");
}
