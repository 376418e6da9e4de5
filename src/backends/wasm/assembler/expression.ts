/**
 * Expressions: typed, immutable trees of code. An expression is code, not a value: it is evaluated
 * each time that it is written into a function. An expression that is needed twice belongs in a
 * local (`Code.let`).
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { unsigned } from "./encode.ts";

/** The types of values. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** The result of an expression: a value, or nothing. */
export type Result = ValueType | "none";

/** The binary format's code of each type; `none` is the type of a block without a value. */
export const typeCodes: Readonly<Record<Result, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  none: 0x40,
};

/** Code that leaves a value of type `T`: the code of its operands, then its own bytes. */
export class Expression<out T extends Result = Result> {
  readonly type: T;
  readonly bytes: readonly number[];
  readonly operands: readonly Expression[];
  readonly owner: object | undefined;

  /**
   * @param type The type of the value that the code leaves.
   * @param bytes The instruction, with its immediates.
   * @param operands Its operands, in the order of evaluation.
   * @param owner The function or module that the bytes belong to, if they refer to part of it.
   */
  constructor(
    type: T,
    bytes: readonly number[],
    operands: readonly Expression[] = [],
    owner?: object,
  ) {
    this.type = type;
    this.bytes = bytes;
    this.operands = operands;
    this.owner = owner;
  }
}

/** Code that leaves no value: a store, a call of a function without a result. */
export type Effect = Expression<"none">;

/** One expression for each type in a list. */
export type Expressions<P extends readonly ValueType[]> = {
  readonly [K in keyof P]: Expression<P[K]>;
};

/** Throws unless the operands are of the given types: TypeScript cannot check types that are data. */
export function checkOperands(
  name: string,
  types: readonly ValueType[],
  operands: readonly Expression[],
): void {
  let fits = types.length === operands.length;
  for (let i = 0; fits && i < types.length; i++) fits = operands[i].type === types[i];
  if (fits) return;
  const given = operands.map((operand) => operand.type).join(", ") || "nothing";
  throw internalError(
    `Cannot apply ${name} to ${given}: it takes ${types.join(", ") || "nothing"}`,
  );
}

/** A local variable or a parameter; as an expression, its value where the expression is written. */
export class Local<out T extends ValueType = ValueType> extends Expression<T> {
  /** The function that the variable belongs to. */
  override readonly owner: object;
  readonly index: number;

  /** Made by `Code.local` and `Module.function`. */
  constructor(type: T, index: number, owner: object) {
    super(type, [0x20, ...unsigned(index)]);
    this.index = index;
    this.owner = owner;
  }

  /** Assigns and leaves the value. */
  tee<U extends ValueType>(this: Local<U>, value: Expression<NoInfer<U>>): Expression<U> {
    checkOperands("tee", [this.type], [value]);
    return new Expression(this.type, [0x22, ...unsigned(this.index)], [value], this.owner);
  }
}

/** A global variable; as an expression, its value. */
export class Global<out T extends ValueType = ValueType> extends Expression<T> {
  /** The module that the variable belongs to. */
  override readonly owner: object;
  readonly index: number;
  readonly mutable: boolean;

  /** Made by `Module.global` and `Module.importGlobal`. */
  constructor(type: T, index: number, mutable: boolean, owner: object) {
    super(type, [0x23, ...unsigned(index)]);
    this.index = index;
    this.mutable = mutable;
    this.owner = owner;
  }
}
