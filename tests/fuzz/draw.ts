/**
 * Successive choices inside a fast-check property, which records and shrinks them.
 *
 * @module
 */
import fc from "fast-check";

/** The arbitraries for integers from `low` to `high`, cached so that equal ranges share one. */
const makers = new Map<string, () => fc.Arbitrary<number>>();

/** The arbitrary for a range. `fc.gen` looks up its records by identity at once, and slowly by arguments. */
function makerOf(min: number, max: number): () => fc.Arbitrary<number> {
  const key = `${min} ${max}`;
  let maker = makers.get(key);
  if (maker === undefined) makers.set(key, maker = () => fc.integer({ min, max }));
  return maker;
}

/** A source of choices. */
export class Draw {
  readonly #generate: fc.GeneratorValue;

  /** Choices recorded by `generate`, a value of `fc.gen()`. */
  constructor(generate: fc.GeneratorValue) {
    this.#generate = generate;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return this.#generate(makerOf(low, high));
  }

  /** Whether an event of this probability, in percent, happens. */
  chance(percent: number): boolean {
    return this.integer(0, 99) >= 100 - percent;
  }

  /** One of several values. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer(0, list.length - 1)];
  }

  /** A list of `low` to `high` values. */
  list<T>(low: number, high: number, make: (i: number) => T): T[] {
    return Array.from({ length: this.integer(low, high) }, (_, i) => make(i));
  }
}
