/**
 * Memories and the instructions on blocks of them.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { unsigned } from "./encode.ts";
import { checkOperands, type Effect, Expression } from "./expression.ts";

/** The size of a memory in pages of 64 KiB. */
export interface Limits {
  /** The initial number of pages. Accesses that surely fall inside them need no bounds check. */
  readonly minimum: number;
  /** The maximum number of pages; required for a shared memory. */
  readonly maximum?: number;
  /** Whether it is shared between threads. */
  readonly shared?: boolean;
}

/** Limits in the binary format. */
export function encodeLimits({ minimum, maximum, shared = false }: Limits): number[] {
  const most = maximum ?? 65536;
  if (!(minimum <= most && most <= 65536)) {
    throw internalError(`Cannot make a memory of ${minimum} to ${most} pages: 65536 are the limit`);
  }
  if (shared && maximum === undefined) {
    throw internalError("Cannot share a memory without a maximum");
  }
  const flags = (maximum === undefined ? 0 : 1) | (shared ? 2 : 0);
  return [flags, ...unsigned(minimum), ...(maximum === undefined ? [] : unsigned(maximum))];
}

/**
 * A memory of a module, or a part of one, in which addresses are relative to the start of the part.
 */
export class Memory {
  readonly index: number;
  readonly owner: object;
  /** The start of the part. */
  readonly #base: Expression<"i32"> | undefined;

  /** Made by `Module.memory` and `Module.importMemory`. */
  constructor(index: number, owner: object, base?: Expression<"i32">) {
    this.index = index;
    this.owner = owner;
    this.#base = base;
  }

  /** The part of this memory from `base` on, as a memory. */
  from(base: Expression<"i32">): Memory {
    return new Memory(this.index, this.owner, base);
  }

  /**
   * Operands of an instruction, the first of which is an address here, converted to an address of
   * the whole memory.
   */
  within(operands: readonly Expression[]): readonly Expression[] {
    if (this.#base === undefined) return operands;
    const [address, ...rest] = operands;
    const isZero = address.bytes[0] === 0x41 && address.bytes[1] === 0;
    const place = isZero
      ? this.#base
      : new Expression("i32", [0x6a], [this.#base, address], this.owner);
    return [place, ...rest];
  }

  /** Its size in pages. */
  size(): Expression<"i32"> {
    return new Expression("i32", [0x3f, ...unsigned(this.index)], [], this.owner);
  }

  /** Adds pages; leaves the previous size, or -1 if it cannot grow that far. */
  grow(pages: Expression<"i32">): Expression<"i32"> {
    checkOperands("grow", ["i32"], [pages]);
    return new Expression("i32", [0x40, ...unsigned(this.index)], [pages], this.owner);
  }

  /** Sets `length` bytes to the lowest byte of `value`. */
  fill(
    address: Expression<"i32">,
    value: Expression<"i32">,
    length: Expression<"i32">,
  ): Effect {
    const operands = [address, value, length];
    checkOperands("fill", ["i32", "i32", "i32"], operands);
    const bytes = [0xfc, 11, ...unsigned(this.index)];
    return new Expression("none", bytes, this.within(operands), this.owner);
  }

  /** Copies `length` bytes into this memory, also within one memory and between overlapping blocks. */
  copy(
    address: Expression<"i32">,
    source: Expression<"i32">,
    length: Expression<"i32">,
    from: Memory = this,
  ): Effect {
    const operands = [address, source, length];
    checkOperands("copy", ["i32", "i32", "i32"], operands);
    const bytes = [0xfc, 10, ...unsigned(this.index), ...unsigned(from.index)];
    const [read] = from.within([source]);
    return new Expression("none", bytes, this.within([address, read, length]), this.owner);
  }
}
