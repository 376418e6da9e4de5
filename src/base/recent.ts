/**
 * A cache of recently used values with limited capacity.
 *
 * @module
 */

/** Values by keys; the least recently used ones are removed to make space for others. */
export class Recent<K, V> {
  readonly #values = new Map<K, V>();
  readonly #sizeOf: (value: V) => number;
  readonly #room: number;
  #size = 0;

  /** `room` is the maximum total size, excluding the most recently used value. */
  constructor(room: number, sizeOf: (value: V) => number) {
    this.#room = room;
    this.#sizeOf = sizeOf;
  }

  /** The value of a key, created if there is none. */
  get(key: K, make: () => V): V {
    const known = this.#values.get(key);
    if (known !== undefined) this.#values.delete(key);
    const value = known ?? make();
    if (known === undefined) this.#size += this.#sizeOf(value);
    this.#values.set(key, value);
    for (const [oldest, other] of this.#values) {
      if (this.#size <= this.#room || other === value) break;
      this.#values.delete(oldest);
      this.#size -= this.#sizeOf(other);
    }
    return value;
  }
}
