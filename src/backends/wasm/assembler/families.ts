/**
 * Instructions of one form, as functions on expressions made from a table of their opcodes.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { unsigned } from "./encode.ts";
import { engine } from "../engine.ts";
import { checkOperands, type Effect, Expression, type Expressions } from "./expression.ts";
import type { Result, ValueType } from "./expression.ts";
import type { Memory } from "./memory.ts";

/** The prefix of an opcode. */
export const PLAIN = 0;
export const SATURATING = 0xfc;
export const SIMD = 0xfd;
export const ATOMIC = 0xfe;

type Prefix = typeof PLAIN | typeof SATURATING | typeof SIMD | typeof ATOMIC;

/** The bytes of an instruction. */
export function opcode(prefix: Prefix, code: number): number[] {
  return prefix === PLAIN ? [code] : [prefix, ...unsigned(code)];
}

/** `record` with each value mapped; the keys keep their types. */
export function mapRecord<N extends string, V, W>(
  record: Readonly<Record<N, V>>,
  map: (value: V, name: string) => W,
): Readonly<Record<N, W>> {
  const mapped: Partial<Record<N, W>> = {};
  for (const name in record) mapped[name] = map(record[name], name);
  return mapped as Record<N, W>;
}

type Family<N extends string, P extends readonly ValueType[], R extends ValueType> = Readonly<
  Record<N, (...operands: Expressions<P>) => Expression<R>>
>;

/** Instructions without immediates, of one signature. */
export function family<N extends string, const P extends readonly ValueType[], R extends ValueType>(
  operandTypes: P,
  result: R,
  prefix: Prefix,
  codes: Readonly<Record<N, number>>,
): Family<N, P, R> {
  return mapRecord(codes, (code, name) => {
    const bytes = opcode(prefix, code);
    return (...operands) => {
      checkOperands(name, operandTypes, operands);
      return new Expression(result, bytes, operands);
    };
  });
}

type Vectors = readonly "v128"[];

/**
 * Instructions on vectors whose results in some cases are implementation-defined. Each has a
 * replacement for engines without it, which gives one of the permitted results.
 */
export function relaxed<N extends string, const P extends Vectors>(
  operandTypes: P,
  codes: Readonly<
    Record<N, readonly [code: number, strict: (...operands: Expressions<P>) => Expression<"v128">]>
  >,
): Family<N, P, "v128"> {
  return mapRecord(codes, ([code, strict], name) => {
    const bytes = opcode(SIMD, code);
    return (...operands) => {
      checkOperands(name, operandTypes, operands);
      return engine().relaxedSimd ? new Expression("v128", bytes, operands) : strict(...operands);
    };
  });
}

/** The location that an instruction accesses, in addition to its address. */
export interface Access {
  /** A constant number of bytes added to the address, without wrapping around. */
  readonly offset?: number;
  /** The memory, if it is not the module's first. */
  readonly memory?: Memory | undefined;
  /** A hint: the address is a multiple of this power of two. The width of the access by default. */
  readonly align?: number;
}

export const wholeFirstMemory: Access = {};

/** An instruction on memory: its code, then its alignment, its memory and its offset. */
export function access<R extends Result>(
  result: R,
  instruction: readonly number[],
  width: number,
  { offset = 0, memory, align = width }: Access,
  operands: readonly Expression[],
  ...immediates: readonly number[]
): Expression<R> {
  const exponent = Math.log2(align);
  if (!Number.isInteger(exponent) || align < 1 || align > width) {
    throw internalError(`Cannot align ${align}: a power of two up to ${width} is needed`);
  }
  const place = memory === undefined || memory.index === 0
    ? [exponent]
    : [exponent | 0x40, ...unsigned(memory.index)];
  const bytes = [...instruction, ...place, ...unsigned(offset), ...immediates];
  return new Expression(result, bytes, memory?.within(operands) ?? operands, memory?.owner);
}

/** Codes by name, each with the width in bytes of the access. */
export type Accesses<N extends string> = Readonly<
  Record<N, readonly [code: number, width: number]>
>;

type Loads<N extends string, T extends ValueType> = Readonly<
  Record<N, (address: Expression<"i32">, place?: Access) => Expression<T>>
>;

export function loads<T extends ValueType, N extends string>(
  type: T,
  prefix: Prefix,
  codes: Accesses<N>,
): Loads<N, T> {
  return mapRecord(codes, ([code, width], name) => {
    const instruction = opcode(prefix, code);
    return (address, place = wholeFirstMemory) => {
      checkOperands(name, ["i32"], [address]);
      return access(type, instruction, width, place, [address]);
    };
  });
}

type Stores<N extends string, T extends ValueType> = Readonly<
  Record<N, (address: Expression<"i32">, value: Expression<T>, place?: Access) => Effect>
>;

export function stores<T extends ValueType, N extends string>(
  type: T,
  prefix: Prefix,
  codes: Accesses<N>,
): Stores<N, T> {
  return mapRecord(codes, ([code, width], name) => {
    const instruction = opcode(prefix, code);
    return (address, value, place = wholeFirstMemory) => {
      checkOperands(name, ["i32", type], [address, value]);
      return access("none", instruction, width, place, [address, value]);
    };
  });
}

type Updates<N extends string, T extends ValueType> = Readonly<
  Record<N, (address: Expression<"i32">, value: Expression<T>, place?: Access) => Expression<T>>
>;

/** Atomic instructions that combine memory with a value and leave the previous value. */
export function updates<T extends ValueType, N extends string>(
  type: T,
  width: number,
  codes: Readonly<Record<N, number>>,
): Updates<N, T> {
  return mapRecord(codes, (code, name) => {
    const instruction = opcode(ATOMIC, code);
    return (address, value, place = wholeFirstMemory) => {
      checkOperands(name, ["i32", type], [address, value]);
      return access(type, instruction, width, place, [address, value]);
    };
  });
}

/**
 * Atomic compare-and-exchange: writes `replacement` if the memory holds `expected`, and leaves the
 * previous value.
 */
type CompareExchange<T extends ValueType> = (
  address: Expression<"i32">,
  expected: Expression<T>,
  replacement: Expression<T>,
  place?: Access,
) => Expression<T>;

export function compareExchange<T extends ValueType>(
  type: T,
  width: number,
  code: number,
): CompareExchange<T> {
  const instruction = opcode(ATOMIC, code);
  return (address, expected, replacement, place = wholeFirstMemory) => {
    const operands = [address, expected, replacement];
    checkOperands("atomicRmwCmpxchg", ["i32", type, type], operands);
    return access(type, instruction, width, place, operands);
  };
}
