/**
 * The pictures of the page.
 */
/// <reference lib="dom" />

/** A point of an arm. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly arm: number;
}

const COLORS = [[225, 87, 89], [242, 179, 62], [78, 121, 167]] as const;

/** The predicted class at each point of a grid, and the data points over it. */
export function drawMap(
  canvas: HTMLCanvasElement,
  chances: ArrayLike<number>,
  grid: number,
  points: readonly Point[],
): void {
  const image = new ImageData(grid, grid);
  for (let i = 0; i < grid * grid; i++) {
    const mixed = [0, 1, 2].map((channel) =>
      COLORS.reduce((sum, color, arm) => sum + color[channel] * chances[COLORS.length * i + arm], 0)
    );
    // Blended with white, so that points are visible.
    image.data.set([...mixed.map((value) => (value + 255) / 2), 255], 4 * i);
  }
  const small = new OffscreenCanvas(grid, grid);
  small.getContext("2d")!.putImageData(image, 0, 0);
  const { width, height } = canvas;
  const context = canvas.getContext("2d")!;
  context.drawImage(small, 0, 0, width, height);
  context.lineWidth = 1.5;
  context.strokeStyle = "white";
  for (const { x, y, arm } of points) {
    context.beginPath();
    context.arc((x + 1) / 2 * width, (y + 1) / 2 * height, 6, 0, 2 * Math.PI);
    context.fillStyle = `rgb(${COLORS[arm].join(" ")})`;
    context.fill();
    context.stroke();
  }
}

/** The curve of losses so far, from 10 down to 0.001. */
export function drawLosses(
  canvas: HTMLCanvasElement,
  losses: readonly number[],
  steps: number,
): void {
  const [left, right, top, bottom] = [88, 24, 24, 64];
  const width = canvas.width - left - right;
  const height = canvas.height - top - bottom;
  const context = canvas.getContext("2d")!;
  const { color } = getComputedStyle(canvas);
  const placeOf = (loss: number) =>
    top + height * (1 - Math.log10(Math.min(10, Math.max(0.001, loss)))) / 4;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = "24px system-ui, sans-serif";
  context.fillStyle = color;
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of [10, 1, 0.1, 0.01, 0.001]) {
    context.globalAlpha = 0.8;
    context.fillText(String(value), left - 12, placeOf(value));
    context.globalAlpha = 0.2;
    context.strokeRect(left, placeOf(value), width, 0);
  }
  context.globalAlpha = 0.8;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (let step = 0; step <= steps; step += steps / 3) {
    context.fillText(String(step), left + width * step / steps, canvas.height - bottom + 12);
  }
  context.globalAlpha = 1;
  context.strokeStyle = `rgb(${COLORS[2].join(" ")})`;
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.beginPath();
  losses.forEach((loss, i) => context.lineTo(left + width * i / (steps - 1), placeOf(loss)));
  context.stroke();
}
