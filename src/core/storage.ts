/**
 * Where the elements of tensors live: on the heap, or outside of it in memory that compiled programs
 * work on. Since tensors never change, elements can move between the two without being noticed.
 *
 * @module
 */
import type { Elements } from "../base/dtype.ts";

/**
 * Elements that are kept outside of the heap, at least for now. What belongs to a storage does not
 * refer to it, so it is told which one it is.
 */
export interface Resident {
  /** Gives `f` the elements where they are; they may move as soon as it has returned. */
  peek<T>(f: (elements: Elements) => T, storage: Storage): T;
  /** The elements on the heap, for good; copied there at the first call. */
  elements(storage: Storage): Elements;
  /** Why the elements cannot be read without waiting, in words; left out, or `null`, where they can. */
  readonly hidden?: string | null;
  /** A promise for the work that computes the elements, where there is such work. */
  ready?(): Promise<void>;
  /**
   * Brings the elements to where `peek` and `elements` give them without waiting; left out where they do
   * so as soon as the work is done.
   */
  arrive?(storage: Storage): Promise<void>;
}

/**
 * The elements of one tensor, or of several that differ in shape alone. Nothing refers to a storage
 * but its tensors, so that it is collected with the last of them.
 */
export class Storage {
  /** How many elements there are; one for a splat. */
  readonly length: number;
  /** How many tensors have been made of it or may be, less those that were given up. */
  sharers = 0;
  #elements: Elements | null = null;
  #resident: Resident | null = null;

  /** Wraps elements without a copy; those of a resident are `length` many. */
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

  /** What keeps the elements, once they have left the heap; from then on it knows where they are. */
  get resident(): Resident | null {
    return this.#resident;
  }

  /** Hands the elements to `resident`, which has them already, and lets go of them. */
  moveTo(resident: Resident): void {
    this.#resident = resident;
    this.#elements = null;
  }

  /** The elements on the heap; never written to. */
  get elements(): Elements {
    return this.#elements ?? this.#resident!.elements(this);
  }

  /** A promise for the work behind the elements. */
  ready(): Promise<void> {
    return this.#resident?.ready?.() ?? Promise.resolve();
  }

  /** A promise for elements that can be read without waiting. */
  arrive(): Promise<void> {
    return this.#resident?.arrive?.(this) ?? this.ready();
  }

  /** Gives `f` the elements where they are, without a copy; it must not keep or change them. */
  peek<T>(f: (elements: Elements) => T): T {
    return this.#elements === null ? this.#resident!.peek(f, this) : f(this.#elements);
  }
}
