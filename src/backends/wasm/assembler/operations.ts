/**
 * WebAssembly's instructions as functions on expressions, typed by the table of their opcodes. A name
 * is the specification's in camelCase: `i32.trunc_sat_f32_s` is `i32.truncSatF32S`,
 * `f32x4.relaxed_madd` is `f32x4.relaxedMadd`, `i32.atomic.rmw.add` is `i32.atomicRmwAdd`.
 *
 * Opcodes: https://webassembly.github.io/spec/core/appendix/index-instructions.html, and the
 * proposals "threads" and "relaxed SIMD".
 *
 * Those on scalars are in `scalars.ts`, those on vectors in `vectors.ts`; the others are here.
 *
 * @module
 */
import { checkOperands, type Effect, Expression } from "./expression.ts";
import type { ValueType } from "./expression.ts";
import { access, ATOMIC, wholeFirstMemory } from "./families.ts";
import type { Access } from "./families.ts";

export type { Access } from "./families.ts";
export { f32, f64, i32, i64 } from "./scalars.ts";
export { f32x4, f64x2, i16x8, i32x4, i64x2, i8x16, v128 } from "./vectors.ts";

/** The first value if the condition is not zero, the second otherwise; both are computed. */
export function select<T extends ValueType>(
  condition: Expression<"i32">,
  ifTrue: Expression<T>,
  ifFalse: Expression<NoInfer<T>>,
): Expression<T> {
  const operands = [ifTrue, ifFalse, condition];
  checkOperands("select", [ifTrue.type, ifTrue.type, "i32"], operands);
  return new Expression(ifTrue.type, [0x1b], operands);
}

/**
 * Sleeps while the address holds `expected`, until notified or for at most `timeout` nanoseconds
 * (forever, if negative). Leaves 0 if notified, 1 if the value was different, 2 after a timeout.
 */
export function atomicWait32(
  address: Expression<"i32">,
  expected: Expression<"i32">,
  timeout: Expression<"i64">,
  place: Access = wholeFirstMemory,
): Expression<"i32"> {
  const operands = [address, expected, timeout];
  checkOperands("atomicWait32", ["i32", "i32", "i64"], operands);
  return access("i32", [ATOMIC, 0x01], 4, place, operands);
}

/** Wakes at most `count` threads that sleep at the address, and leaves the number woken. */
export function atomicNotify(
  address: Expression<"i32">,
  count: Expression<"i32">,
  place: Access = wholeFirstMemory,
): Expression<"i32"> {
  checkOperands("atomicNotify", ["i32", "i32"], [address, count]);
  return access("i32", [ATOMIC, 0x00], 4, place, [address, count]);
}

/** A memory fence: orders the accesses before it and after it, for all threads. */
export function atomicFence(): Effect {
  return new Expression("none", [ATOMIC, 0x03, 0x00]);
}
