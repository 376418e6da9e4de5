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
  /** The pages there are from the start. Accesses that surely fall inside them need no check. */
  readonly minimum: number;
  /** The pages it may grow to; a shared memory needs it. */
  readonly maximum?: number;
  /** Whether other threads see it. */
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

/** A memory of a module, or a part of one, in which addresses count from the beginning of the part. */
export class Memory {
  readonly index: number;
  readonly owner: object;
  /** Where the part begins. */
  readonly #base: Expression<"i32"> | undefined;

  /** Made by `Module.memory` and `Module.importMemory`. */
  constructor(index: number, owner: object, base?: Expression<"i32">) {
    this.index = index;
    this.owner = owner;
    this.#base = base;
  }

  /** What begins at `base` of this memory, as a memory of its own. */
  from(base: Expression<"i32">): Memory {
    return new Memory(this.index, this.owner, base);
  }

  /** Operands of an instruction, the first of which is an address here, as the whole memory has it. */
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

  /** Adds pages; leaves the size before, or -1 if it cannot grow so far. */
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

  /** Copies `length` bytes to here, also within one memory and where the blocks overlap. */
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
