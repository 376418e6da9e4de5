/**
 * Elementwise operations as expressions.
 *
 * @module
 */
import { type Dtype, isFloat, isInteger, rangeOf } from "../../../base/dtype.ts";
import { internalError } from "../../../base/errors.ts";
import type { PolygammaParams } from "../../../primitives/transcendental.ts";
import { transcendental } from "./transcendental.ts";
import { float } from "./source.ts";
import { heldType } from "./module.ts";
import { wideConstant } from "./wide.ts";

/** The type of a value in code; words of bool become true and false there. */
export function valueType(dtype: Dtype): string {
  if (dtype === "bool") return "bool";
  return dtype === "float64" ? "Wide" : heldType(dtype);
}

/** A number as an expression. */
export function constant(value: number, dtype: Dtype): string {
  switch (valueType(dtype)) {
    case "bool":
      return value === 0 ? "false" : "true";
    case "Wide":
      return wideConstant(value);
    case "f32":
      // Compilers replace `x * 0` by 0 and `x + 0` by `x`, so zeros are created at run time.
      if (value === 0) return `bitcast<f32>(${Object.is(value, -0) ? "0x80000000u | " : ""}zero())`;
      return float(value);
    case "u32":
      return `${value}u`;
    default:
      return `i32(${value})`;
  }
}

/** The value of an element that was read as a word. */
export function fromWord(word: string, dtype: Dtype): string {
  return dtype === "bool" ? `(${word} != 0u)` : word;
}

/** A value as a word to be written. */
export function toWord(value: string, dtype: Dtype): string {
  return dtype === "bool" ? `select(0u, 1u, ${value})` : value;
}

/** Writes expressions, and collects the functions that they call. */
export class Expressions {
  /** The names of the functions. */
  readonly functions: Set<string> = new Set();

  /** A call of a function. */
  call(name: string, ...args: readonly string[]): string {
    this.functions.add(name);
    return `${name}(${args.join(", ")})`;
  }

  /** A constant; records the functions that its dtype needs. */
  constant(value: number, dtype: Dtype): string {
    if (dtype === "float64") this.functions.add("Wide");
    return constant(value, dtype);
  }

  /** Converts a value of dtype `from` to `dtype`. */
  convert(x: string, from: Dtype, dtype: Dtype): string {
    if (from === dtype) return x;
    if (dtype === "float64") return this.call("wide", this.convert(x, from, "float32"));
    if (from === "float64") return this.convert(this.call("narrow", x), "float32", dtype);
    if (dtype === "bool") {
      return isFloat(from)
        ? `((bitcast<u32>(${x}) & 0x7fffffffu) != 0u)`
        : `(${x} != ${constant(0, from)})`;
    }
    if (from === "bool") return `select(${constant(0, dtype)}, ${constant(1, dtype)}, ${x})`;
    if (isFloat(dtype)) {
      if (dtype === "float32") return isFloat(from) ? x : `f32(${x})`;
      const round = dtype === "float16" ? "to_float16" : "to_bfloat16";
      if (isFloat(from)) return this.call(round, x);
      const isSigned = rangeOf(from)[0] < 0;
      return this.call(round, this.call(isSigned ? "signed_to_odd" : "unsigned_to_odd", x));
    }
    const [low, high] = rangeOf(dtype);
    const isSigned = low < 0;
    const isFull = high >= 2 ** 31 - 1;
    if (isFloat(from)) {
      const whole = this.call(isSigned ? "to_signed" : "to_unsigned", x);
      return isFull
        ? whole
        : isSigned
        ? `clamp(${whole}, ${low}, ${high})`
        : `min(${whole}, ${high}u)`;
    }
    const own = heldType(dtype);
    const word = heldType(from) === own ? x : `bitcast<${own}>(${x})`;
    if (isFull) return word;
    const spare = `${32 - Math.log2(high - low + 1)}u`;
    return `((${word} << ${spare}) >> ${spare})`;
  }

  /** Applies an operation to values. */
  apply(
    operation: string,
    args: readonly string[],
    from: readonly Dtype[],
    to: Dtype,
    params: unknown,
  ): string {
    const [x, y, z] = args;
    switch (operation) {
      case "stopGradient":
        return x;
      case "convert":
        return this.convert(x, from[0], to);
      case "select":
        return to === "float64" ? this.call("wide_select", x, y, z) : `select(${z}, ${y}, ${x})`;
      case "join": {
        if (to === "bool") return `(${x} || ${y})`;
        const type = valueType(to);
        return type === "f32"
          ? `bitcast<f32>(bitcast<u32>(${x}) | bitcast<u32>(${y}))`
          : `(${x} | ${y})`;
      }
      default: {
        const write = writerOf(operation, from[from.length - 1]);
        if (write === undefined) throw internalError(`Cannot write ${operation} of ${from[0]}`);
        return write(this, args, params);
      }
    }
  }
}

type Write = (expressions: Expressions, args: readonly string[], params: unknown) => string;
type Table = Readonly<Record<string, Write>>;

function infix(operator: string): Write {
  return (_, [x, y]) => `(${x} ${operator} ${y})`;
}

function prefix(operator: string): Write {
  return (_, [x]) => `(${operator}${x})`;
}

function calls(name: string): Write {
  return (expressions, args) => expressions.call(name, ...args);
}

/** A built-in function of the language. */
function builtin(name: string): Write {
  return (_, args) => `${name}(${args.join(", ")})`;
}

const itself: Write = (_, [x]) => x;

const bools: Table = {
  not: prefix("!"),
  and: infix("&&"),
  or: infix("||"),
  xor: infix("!="),
  maximum: infix("||"),
  minimum: infix("&&"),
  equal: infix("=="),
  less: (_, [x, y]) => `(!${x} && ${y})`,
  lessEqual: (_, [x, y]) => `(!${x} || ${y})`,
};

const integers: Table = {
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  square: (_, [x]) => `(${x} * ${x})`,
  floor: itself,
  ceil: itself,
  round: itself,
  trunc: itself,
  and: infix("&"),
  or: infix("|"),
  xor: infix("^"),
  not: prefix("~"),
  equal: infix("=="),
  less: infix("<"),
  lessEqual: infix("<="),
  maximum: builtin("max"),
  minimum: builtin("min"),
};

const signed: Table = {
  ...integers,
  neg: prefix("-"),
  abs: builtin("abs"),
  sign: builtin("sign"),
  mod: calls("signed_remainder"),
  gcd: (expressions, [x, y]) =>
    `bitcast<i32>(${
      expressions.call("common_divisor", `bitcast<u32>(abs(${x}))`, `bitcast<u32>(abs(${y}))`)
    })`,
  pow: calls("signed_power"),
  shiftLeft: (_, [x, y]) =>
    `select(0, ${x} << (bitcast<u32>(${y}) & 31u), bitcast<u32>(${y}) < 32u)`,
  shiftRight: (_, [x, y]) =>
    `select(0, bitcast<i32>(bitcast<u32>(${x}) >> (bitcast<u32>(${y}) & 31u)), bitcast<u32>(${y}) < 32u)`,
};

const unsigned: Table = {
  ...integers,
  neg: (_, [x]) => `(0u - ${x})`,
  abs: itself,
  sign: (_, [x]) => `min(${x}, 1u)`,
  mod: calls("unsigned_remainder"),
  gcd: calls("common_divisor"),
  pow: calls("whole_power"),
  shiftLeft: (_, [x, y]) => `select(0u, ${x} << (${y} & 31u), ${y} < 32u)`,
  shiftRight: (_, [x, y]) => `select(0u, ${x} >> (${y} & 31u), ${y} < 32u)`,
};

const floats: Table = {
  add: infix("+"),
  // Compilers replace `x - x` by 0, which is wrong for NaN and infinities.
  sub: (write, [x, y]) => `(${x} - ${write.call("opaque", y)})`,
  mul: infix("*"),
  div: infix("/"),
  neg: calls("negated"),
  abs: calls("magnitude"),
  square: (_, [x]) => `(${x} * ${x})`,
  reciprocal: (_, [x]) => `(1.0f / ${x})`,
  sqrt: builtin("sqrt"),
  rsqrt: (_, [x]) => `(1.0f / sqrt(${x}))`,
  sign: calls("sign_of"),
  binade: calls("binade"),
  floor: calls("floored"),
  ceil: calls("raised"),
  round: calls("rounded"),
  trunc: calls("truncated"),
  mod: calls("remainder"),
  maximum: calls("maximum"),
  minimum: calls("minimum"),
  equal: calls("equal"),
  less: calls("less"),
  lessEqual: calls("less_equal"),
  isNan: calls("is_nan"),
  erfinv: calls("erfinv"),
  lgamma: calls("lgamma_of"),
  polygamma(expressions, [x], params) {
    const { order } = params as PolygammaParams;
    return order === 0
      ? expressions.call("digamma_of", x)
      : expressions.call("polygamma_of", x, `${order}u`);
  },
  ...Object.fromEntries(Object.entries(transcendental).map(([name, own]) => [name, calls(own)])),
};

const wides: Table = {
  add: calls("wide_add"),
  sub: calls("wide_sub"),
  mul: calls("wide_mul"),
  div: calls("wide_div"),
  neg: calls("wide_neg"),
  abs: calls("wide_abs"),
  sqrt: calls("wide_sqrt"),
  less: calls("wide_less"),
};

/** The writer of an operation on operands of a dtype; undefined if there is none. */
function writerOf(operation: string, dtype: Dtype): Write | undefined {
  const table = dtype === "bool"
    ? bools
    : dtype === "float64"
    ? wides
    : isInteger(dtype)
    ? rangeOf(dtype)[0] < 0 ? signed : unsigned
    : floats;
  return Object.hasOwn(table, operation) ? table[operation] : undefined;
}

/** Whether compilers take long for an operation. */
export function isLong(operation: string): boolean {
  return operation === "polygamma" || operation === "lgamma";
}

/** Operations with a writer for all dtypes. */
const generic: readonly string[] = ["convert", "select", "stopGradient", "join", "over"];

/** Whether nests can compute an elementwise primitive whose last operand has this dtype. */
export function canWrite(operation: string, dtype: Dtype): boolean {
  return generic.includes(operation) || writerOf(operation, dtype) !== undefined;
}
