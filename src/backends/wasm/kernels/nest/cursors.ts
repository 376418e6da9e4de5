/**
 * Cursors: local variables that follow the counters of loops, as addresses of accesses or as the
 * numbers that guards and `index` nodes are made of. Accesses that move in the same way share a
 * cursor.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import { i32 } from "../../assembler/operations.ts";
import type { Access, Affine, Nest } from "../../../../lowering/nest.ts";

/** A number that follows the counters. */
export interface Cursor {
  /** The increment of one step of each loop. */
  readonly strides: readonly number[];
  /** Its initial value: the address of a buffer, if there is one, plus a number. */
  readonly buffer: number | undefined;
  start: number;
  /** The variable that holds it at the current point of the code. */
  current: Local<"i32">;
}

/** A cursor and an offset to add to it. */
export interface Position {
  readonly cursor: Cursor;
  readonly bytes: number;
}

/** `value` plus a constant. */
export function plus(value: Expression<"i32">, amount: number): Expression<"i32"> {
  return amount === 0 ? value : i32.add(value, i32.const(amount | 0));
}

/** The cursors of a nest. */
export class Cursors {
  readonly #all = new Map<string, Cursor>();
  readonly #nest: Nest;
  readonly #code: Code;

  /** The cursors' variables at the first round, from the address of each buffer. */
  constructor(code: Code, nest: Nest, addresses: readonly Local<"i32">[]) {
    this.#code = code;
    this.#nest = nest;
    const accesses: (readonly [Access, boolean])[] = nest.stores.map(({ to }) => [to, false]);
    for (const node of nest.nodes) {
      if (node.kind === "index") this.#count(node.of);
      if (node.kind !== "load") continue;
      const guards = node.guards ?? [];
      guards.forEach((guard) => this.#count(guard));
      accesses.push([node.from, guards.length > 0]);
    }
    for (const [access, isGuarded] of accesses) {
      const start = this.#bytes(access, access.offset);
      const strides = access.strides.map((stride) => this.#bytes(access, stride));
      const key = accessKey(access, isGuarded);
      const cursor = this.#all.get(key);
      // If all accesses lie in the buffer, they are addressed relative to the first of them.
      if (cursor === undefined) this.#add(key, strides, access.buffer, start);
      else cursor.start = Math.min(cursor.start, start);
    }
    for (const cursor of this.#all.values()) {
      const { buffer, start } = cursor;
      cursor.current = buffer === undefined
        ? code.let(i32.const(start | 0))
        : start === 0
        ? addresses[buffer]
        : code.let(plus(addresses[buffer], start));
    }
  }

  #bytes({ buffer }: Access, elements: number): number {
    return elements * byteSize(this.#nest.buffers[buffer]);
  }

  #count(affine: Affine): void {
    const key = countKey(affine);
    if (!this.#all.has(key)) this.#add(key, affine.strides, undefined, affine.offset);
  }

  #add(key: string, strides: readonly number[], buffer: number | undefined, start: number): void {
    this.#all.set(key, { strides, buffer, start, current: undefined as unknown as Local<"i32"> });
  }

  /** The current address of an access. */
  ofAccess(access: Access, isGuarded: boolean): Position {
    const cursor = this.#all.get(accessKey(access, isGuarded))!;
    return { cursor, bytes: this.#bytes(access, access.offset) - cursor.start };
  }

  /** The number that a guard or an `index` node uses. */
  ofCount(affine: Affine): Cursor {
    return this.#all.get(countKey(affine))!;
  }

  /**
   * Runs `body` with copies of the cursors that a loop moves.
   *
   * @param from The counter's first value.
   */
  within(
    loop: number,
    from: Expression<"i32"> | number,
    body: (moved: readonly Cursor[]) => void,
  ): void {
    const moved = [...this.#all.values()].filter(({ strides }) => strides[loop] !== 0);
    const saved = moved.map(({ current }) => current);
    for (const cursor of moved) {
      const { current, strides } = cursor;
      const begin = typeof from === "number"
        ? plus(current, from * strides[loop])
        : i32.add(current, scaled(from, strides[loop]));
      cursor.current = this.#code.let(begin);
    }
    body(moved);
    moved.forEach((cursor, i) => cursor.current = saved[i]);
  }

  /** Advances copies by a number of steps of a loop. */
  step(moved: readonly Cursor[], loop: number, steps: number): void {
    for (const { current, strides } of moved) {
      this.#code.set(current, plus(current, strides[loop] * steps));
    }
  }
}

/** `value` times a constant. */
export function scaled(value: Expression<"i32">, factor: number): Expression<"i32"> {
  return factor === 1 ? value : i32.mul(value, i32.const(factor | 0));
}

/** Guarded accesses may lie outside the buffer, so they share no cursor. */
function accessKey({ buffer, strides, offset }: Access, isGuarded: boolean): string {
  return `${buffer}:${strides}:${isGuarded ? offset : ""}`;
}

function countKey({ strides, offset }: Affine): string {
  return `count:${strides}:${offset}`;
}
