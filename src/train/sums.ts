/**
 * Means of metrics, which are read while the device works on.
 *
 * @module
 */
import { describeValue, isHalf } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { convert } from "../primitives/structure.ts";

/** Metrics by their names, as numbers. */
export type Numbers = { readonly [name: string]: number };

/** Sums of metrics by their names, as they are saved, each with the weight of the steps that have it. */
export type SavedSums = {
  readonly [name: string]: { readonly total: number; readonly weight: number };
};

/**
 * How many steps may be under way: so many are behind the newest when their metrics are awaited, so that the
 * device always has work and its memory stays bounded.
 */
const UNDER_WAY = 4;

/** A metric as a number, or the promise of it. */
function readNumber(value: unknown, name: string, what: string): number | Promise<number> {
  if (typeof value === "number") return value;
  if (value instanceof Tensor && value.size === 1) {
    const wide = isHalf(value.dtype) ? convert(value, "float32") : value;
    return wide.read().then(([element]) => Number(element));
  }
  throw argumentError(
    `${what}: expected a scalar or a number as the metric ${JSON.stringify(name)}, got ` +
      (value instanceof Tensor ? showType(value) : describeValue(value)),
  );
}

/** Sums of metrics over steps, each with its weight. */
export class Sums {
  readonly #sums: Map<string, SavedSums[string]>;
  readonly #what: string;
  /** What is still read, in the order of the steps: sums have the same bits whenever it comes. */
  readonly #pending: { readonly numbers: Promise<[string, number][]>; readonly weight: number }[] =
    [];

  constructor(what: string, saved: SavedSums = {}) {
    this.#what = what;
    this.#sums = new Map(Object.entries(saved));
  }

  /** Adds the metrics of one step, and waits if too many steps are under way. */
  async add(metrics: unknown, weight = 1): Promise<void> {
    if (Object(metrics) !== metrics || Array.isArray(metrics) || metrics instanceof Tensor) {
      throw argumentError(
        `${this.#what}: expected metrics by their names, such as { loss }, got ` +
          describeValue(metrics),
      );
    }
    const read = Object.entries(metrics as object).map(
      ([name, value]) => [name, readNumber(value, name, this.#what)] as const,
    );
    const numbers = Promise.all(
      read.map(async ([name, value]): Promise<[string, number]> => [name, await value]),
    );
    // An error is that of the step whose turn it is.
    numbers.catch(() => {});
    this.#pending.push({ numbers, weight });
    while (this.#pending.length > UNDER_WAY) await this.#take();
  }

  async #take(): Promise<void> {
    const { numbers, weight } = this.#pending.shift()!;
    for (const [name, value] of await numbers) {
      const sum = this.#sums.get(name) ?? { total: 0, weight: 0 };
      // A batch without examples has no mean, and adds nothing.
      const total = weight === 0 ? sum.total : sum.total + weight * value;
      this.#sums.set(name, { total, weight: sum.weight + weight });
    }
  }

  /** The sums so far. */
  async save(): Promise<SavedSums> {
    while (this.#pending.length > 0) await this.#take();
    return Object.fromEntries(this.#sums);
  }

  /** The means so far, each over the steps that have the metric. */
  async means(): Promise<Numbers> {
    return Object.fromEntries(
      Object.entries(await this.save()).map(([name, { total, weight }]) => [name, total / weight]),
    );
  }
}
