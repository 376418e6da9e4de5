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

/** Sums of metrics, as they are saved. */
export type SavedSums = { readonly totals: Numbers; readonly weight: number };

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
  #totals: Record<string, number>;
  #weight: number;
  readonly #what: string;
  /** What is still read, in the order of the steps: sums have the same bits whenever it comes. */
  readonly #pending: { readonly numbers: Promise<[string, number][]>; readonly weight: number }[] =
    [];

  constructor(what: string, { totals, weight }: SavedSums = { totals: {}, weight: 0 }) {
    this.#what = what;
    this.#totals = { ...totals };
    this.#weight = weight;
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
      this.#totals[name] = (this.#totals[name] ?? 0) + weight * value;
    }
    this.#weight += weight;
  }

  /** The sums so far. */
  async save(): Promise<SavedSums> {
    while (this.#pending.length > 0) await this.#take();
    return { totals: { ...this.#totals }, weight: this.#weight };
  }

  /** The means so far. */
  async means(): Promise<Numbers> {
    const { totals, weight } = await this.save();
    return Object.fromEntries(
      Object.entries(totals).map(([name, total]) => [name, total / weight]),
    );
  }
}
