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

/** A memory of a module. */
export class Memory {
  readonly index: number;
  readonly owner: object;

  /** Made by `Module.memory` and `Module.importMemory`. */
  constructor(index: number, owner: object) {
    this.index = index;
    this.owner = owner;
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
    return new Expression("none", [0xfc, 11, ...unsigned(this.index)], operands, this.owner);
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
    return new Expression("none", bytes, operands, this.owner);
  }
}
