/**
 * Choices made one after another inside a fast-check property, which remembers and shrinks them.
 *
 * @module
 */
import fc from "fast-check";

/** The makers of integers from `low` to `high`, each the same function whenever it is asked for. */
const makers = new Map<string, () => fc.Arbitrary<number>>();

/** The maker for a range. What `fc.gen` remembers is found at once by it, and slowly by arguments. */
function makerOf(min: number, max: number): () => fc.Arbitrary<number> {
  const key = `${min} ${max}`;
  let maker = makers.get(key);
  if (maker === undefined) makers.set(key, maker = () => fc.integer({ min, max }));
  return maker;
}

/** A source of choices. */
export class Draw {
  readonly #generate: fc.GeneratorValue;

  /** Choices that `generate`, a value of `fc.gen()`, remembers. */
  constructor(generate: fc.GeneratorValue) {
    this.#generate = generate;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return this.#generate(makerOf(low, high));
  }

  /** Whether something of this probability, in percent, happens. */
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
