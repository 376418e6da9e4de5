/**
 * Storage of the elements of tensors: on the heap, or outside of it in memory used by compiled
 * programs. Since tensors are immutable, elements can move between the two transparently.
 *
 * @module
 */
import type { Elements } from "../base/dtype.ts";

/**
 * Elements that are stored outside of the heap, at least for now. A resident holds no reference to its
 * storage, and therefore receives the storage as an argument.
 */
export interface Resident {
  /** Calls `f` with the elements in their current location; they may move as soon as it has returned. */
  peek<T>(f: (elements: Elements) => T, storage: Storage): T;
  /** The elements on the heap, permanently; copied there at the first call. */
  elements(storage: Storage): Elements;
  /** The reason why the elements cannot be read without waiting; omitted, or `null`, if they can. */
  readonly hidden?: string | null;
  /** A promise for the work that computes the elements, if there is any. */
  ready?(): Promise<void>;
  /**
   * Moves the elements to where `peek` and `elements` can read them without waiting; omitted if they
   * can do so as soon as the work is done.
   */
  arrive?(storage: Storage): Promise<void>;
}

/**
 * The elements of one tensor, or of several that differ in shape alone. Only tensors refer to a
 * storage, so that it is garbage-collected with the last of them.
 */
export class Storage {
  /** The number of elements; one for a splat. */
  readonly length: number;
  /** The number of tensors that use it or may do so, less those that were donated. */
  sharers = 0;
  #elements: Elements | null = null;
  #resident: Resident | null = null;

  /** Wraps elements without a copy; a resident has `length` elements. */
  constructor(held: Elements);
  constructor(held: Resident, length: number);
  constructor(held: Elements | Resident, length?: number) {
    if (ArrayBuffer.isView(held)) {
      this.#elements = held;
      this.length = held.length;
    } else {
      this.#resident = held;
      this.length = length!;
    }
  }

  /** The owner of the elements after they have left the heap, which from then on tracks their location. */
  get resident(): Resident | null {
    return this.#resident;
  }

  /** Transfers the elements to `resident`, which already has a copy, and drops its own. */
  moveTo(resident: Resident): void {
    this.#resident = resident;
    this.#elements = null;
  }

  /** The elements on the heap; never written to. */
  get elements(): Elements {
    return this.#elements ?? this.#resident!.elements(this);
  }

  /** A promise for the work that computes the elements. */
  ready(): Promise<void> {
    return this.#resident?.ready?.() ?? Promise.resolve();
  }

  /** A promise for elements that can be read without waiting. */
  arrive(): Promise<void> {
    return this.#resident?.arrive?.(this) ?? this.ready();
  }

  /**
   * Calls `f` with the elements in their current location, without a copy; `f` must not keep or change
   * them.
   */
  peek<T>(f: (elements: Elements) => T): T {
    return this.#elements === null ? this.#resident!.peek(f, this) : f(this.#elements);
  }
}
