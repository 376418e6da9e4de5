/**
 * The operations of `map` nodes: those on bools, conversions and selection here, arithmetic from the
 * tables of each dtype.
 *
 * @module
 */
import type { Dtype } from "../../../../base/dtype.ts";
import { internalError } from "../../../../base/errors.ts";
import type { Code } from "../../assembler/code.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { v128 } from "../../assembler/operations.ts";
import { float32Operations } from "../math/float32/mod.ts";
import { float64Operations } from "../math/float64/mod.ts";
import { integerOperations } from "../math/integer.ts";
import type { Builder } from "../kernel.ts";
import type { Operation, Vector } from "../math/operation.ts";
import { convertVector, type Lanes, maskFor, widenMask } from "../lanes.ts";

type Table = Readonly<Partial<Record<string, Operation>>>;

/** Operations on masks. */
const boolOperations: Table = {
  not: () => (x) => v128.not(x),
  and: () => (x, y) => v128.and(x, y),
  or: () => (x, y) => v128.or(x, y),
  xor: () => (x, y) => v128.xor(x, y),
  maximum: () => (x, y) => v128.or(x, y),
  minimum: () => (x, y) => v128.and(x, y),
  equal: () => (x, y) => v128.not(v128.xor(x, y)),
  less: () => (x, y) => v128.andnot(y, x),
  lessEqual: () => (x, y) => v128.or(v128.not(x), y),
};

/** The operations of each dtype; narrower dtypes are only moved and converted. */
const tables: Readonly<Partial<Record<Dtype, Table>>> = {
  bool: boolOperations,
  int32: integerOperations.int32,
  uint32: integerOperations.uint32,
  float32: float32Operations,
  float64: float64Operations,
};

/** Operations that are the same for all dtypes. */
const generic: readonly string[] = ["convert", "select", "stopGradient", "join", "over"];

/**
 * Whether nests can compute an elementwise primitive.
 *
 * @param inputDtype The dtype of its last input.
 */
export function canEmit(operation: string, inputDtype: Dtype): boolean {
  return generic.includes(operation) || Object.hasOwn(tables[inputDtype] ?? {}, operation);
}

/** The operands of an operation. */
export interface Applied {
  readonly operation: string;
  readonly params: unknown;
  /** The dtype of each input. */
  readonly from: readonly Dtype[];
  /** The dtype of the result. */
  readonly to: Dtype;
  readonly lanes: Lanes;
}

/**
 * Writes the code that an operation needs before the loops, and returns a function that writes it
 * within them.
 */
export function prepareOperation(
  code: Code,
  { operation, params, from, to, lanes }: Applied,
): (...inputs: readonly Vector[]) => Vector {
  if (operation === "stopGradient") return (x) => x;
  if (operation === "convert") return (x) => convertVector(code, from[0], to, x, lanes);
  if (operation === "join") return (x, y) => v128.or(x, y);
  if (operation === "select") {
    return (mask, x, y) => v128.bitselect(x, y, maskFor(to, mask, lanes));
  }
  const write = tables[from[0]]?.[operation];
  if (write === undefined) throw internalError(`Cannot write ${operation} of ${from[0]}`);
  const apply = write(code, params);
  const isTest = to === "bool" && from[0] !== "bool" && from[0] !== "float64";
  return isTest ? (...inputs) => widenMask(apply(...inputs), lanes) : apply;
}

/** The same, as a call of a function shared by all nests of a module. */
export function callOperation(
  builder: Builder,
  applied: Applied,
): (...inputs: readonly Vector[]) => Vector {
  const write = builder.once(emitOperation, applied);
  return (...inputs) => write.call(...inputs);
}

/** A function of vectors that applies an operation. */
function emitOperation(
  { module }: Builder,
  applied: Applied,
): FunctionReference<readonly "v128"[], "v128"> {
  const parameters = applied.from.map(() => "v128" as const);
  return module.function(
    applied.operation,
    parameters,
    "v128",
    (code, ...inputs) => prepareOperation(code, applied)(...inputs),
  );
}
