/**
 * WebAssembly's instructions as functions on expressions, typed by the table of their opcodes. A name
 * is the specification's in camelCase: `i32.trunc_sat_f32_s` is `i32.truncSatF32S`,
 * `f32x4.relaxed_madd` is `f32x4.relaxedMadd`, `i32.atomic.rmw.add` is `i32.atomicRmwAdd`.
 *
 * Opcodes: https://webassembly.github.io/spec/core/appendix/index-instructions.html, and the
 * proposals "threads" and "relaxed SIMD".
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { float32, float64, signed32, signed64, unsigned } from "./encode.ts";
import { engine } from "../engine.ts";
import { checkOperands, type Effect, Expression, type Expressions } from "./expression.ts";
import type { Result, ValueType } from "./expression.ts";
import type { Memory } from "./memory.ts";

const PLAIN = 0;
const SATURATING = 0xfc;
const SIMD = 0xfd;
const ATOMIC = 0xfe;

type Prefix = typeof PLAIN | typeof SATURATING | typeof SIMD | typeof ATOMIC;

function opcode(prefix: Prefix, code: number): number[] {
  return prefix === PLAIN ? [code] : [prefix, ...unsigned(code)];
}

/** `record` with each value mapped; the keys keep their types. */
function mapRecord<N extends string, V, W>(
  record: Readonly<Record<N, V>>,
  map: (value: V, name: string) => W,
): Readonly<Record<N, W>> {
  const entries = Object.entries<V>(record).map(([name, value]) => [name, map(value, name)]);
  return Object.fromEntries(entries);
}

type Family<N extends string, P extends readonly ValueType[], R extends ValueType> = Readonly<
  Record<N, (...operands: Expressions<P>) => Expression<R>>
>;

/** Instructions without immediates, of one signature. */
function family<N extends string, const P extends readonly ValueType[], R extends ValueType>(
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
 * Instructions on vectors that leave some cases to the machine, each with what takes its place in an
 * engine without them: one of the results that the machine may choose.
 */
function relaxed<N extends string, const P extends Vectors>(
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

/** Where in memory an instruction reads or writes, besides its address. */
export interface Access {
  /** A constant number of bytes added to the address, without wrapping around. */
  readonly offset?: number;
  /** The memory, if it is not the module's first. */
  readonly memory?: Memory | undefined;
  /** A hint: the address is a multiple of this power of two. Left out: of the width accessed. */
  readonly align?: number;
}

const wholeFirstMemory: Access = {};

/** An instruction on memory: its code, then its alignment, its memory and its offset. */
function access<R extends Result>(
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

/** Codes by name, each with the width in bytes of what it reads or writes. */
type Accesses<N extends string> = Readonly<Record<N, readonly [code: number, width: number]>>;

type Loads<N extends string, T extends ValueType> = Readonly<
  Record<N, (address: Expression<"i32">, place?: Access) => Expression<T>>
>;

function loads<T extends ValueType, N extends string>(
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

function stores<T extends ValueType, N extends string>(
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

/** Atomic instructions that change memory by a value and leave what stood there before. */
function updates<T extends ValueType, N extends string>(
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
 * Atomic compare-and-exchange: writes `replacement` where `expected` stands, and leaves what stood
 * there before.
 */
type CompareExchange<T extends ValueType> = (
  address: Expression<"i32">,
  expected: Expression<T>,
  replacement: Expression<T>,
  place?: Access,
) => Expression<T>;

function compareExchange<T extends ValueType>(
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

/** Instructions on 32-bit integers; a condition is one of them, true unless zero. */
export const i32 = {
  /** A constant, of either reading: -2^31 to 2^32 - 1. */
  const: (value: number): Expression<"i32"> => new Expression("i32", [0x41, ...signed32(value)]),
  ...family(["i32"], "i32", PLAIN, {
    eqz: 0x45,
    clz: 0x67,
    ctz: 0x68,
    popcnt: 0x69,
    extend8S: 0xc0,
    extend16S: 0xc1,
  }),
  ...family(["i32", "i32"], "i32", PLAIN, {
    eq: 0x46,
    ne: 0x47,
    ltS: 0x48,
    ltU: 0x49,
    gtS: 0x4a,
    gtU: 0x4b,
    leS: 0x4c,
    leU: 0x4d,
    geS: 0x4e,
    geU: 0x4f,
    add: 0x6a,
    sub: 0x6b,
    mul: 0x6c,
    divS: 0x6d,
    divU: 0x6e,
    remS: 0x6f,
    remU: 0x70,
    and: 0x71,
    or: 0x72,
    xor: 0x73,
    shl: 0x74,
    shrS: 0x75,
    shrU: 0x76,
    rotl: 0x77,
    rotr: 0x78,
  }),
  ...family(["i64"], "i32", PLAIN, { wrapI64: 0xa7 }),
  ...family(["f32"], "i32", PLAIN, { truncF32S: 0xa8, truncF32U: 0xa9, reinterpretF32: 0xbc }),
  ...family(["f64"], "i32", PLAIN, { truncF64S: 0xaa, truncF64U: 0xab }),
  ...family(["f32"], "i32", SATURATING, { truncSatF32S: 0, truncSatF32U: 1 }),
  ...family(["f64"], "i32", SATURATING, { truncSatF64S: 2, truncSatF64U: 3 }),
  ...loads("i32", PLAIN, {
    load: [0x28, 4],
    load8S: [0x2c, 1],
    load8U: [0x2d, 1],
    load16S: [0x2e, 2],
    load16U: [0x2f, 2],
  }),
  ...stores("i32", PLAIN, { store: [0x36, 4], store8: [0x3a, 1], store16: [0x3b, 2] }),
  ...loads("i32", ATOMIC, { atomicLoad: [0x10, 4] }),
  ...stores("i32", ATOMIC, { atomicStore: [0x17, 4] }),
  ...updates("i32", 4, {
    atomicRmwAdd: 0x1e,
    atomicRmwSub: 0x25,
    atomicRmwAnd: 0x2c,
    atomicRmwOr: 0x33,
    atomicRmwXor: 0x3a,
    atomicRmwXchg: 0x41,
  }),
  atomicRmwCmpxchg: compareExchange("i32", 4, 0x48),
};

/** Instructions on 64-bit integers. */
export const i64 = {
  /** A constant, of either reading: -2^63 to 2^64 - 1. */
  const: (value: bigint | number): Expression<"i64"> =>
    new Expression("i64", [0x42, ...signed64(BigInt(value))]),
  ...family(["i64"], "i32", PLAIN, { eqz: 0x50 }),
  ...family(["i64", "i64"], "i32", PLAIN, {
    eq: 0x51,
    ne: 0x52,
    ltS: 0x53,
    ltU: 0x54,
    gtS: 0x55,
    gtU: 0x56,
    leS: 0x57,
    leU: 0x58,
    geS: 0x59,
    geU: 0x5a,
  }),
  ...family(["i64"], "i64", PLAIN, {
    clz: 0x79,
    ctz: 0x7a,
    popcnt: 0x7b,
    extend8S: 0xc2,
    extend16S: 0xc3,
    extend32S: 0xc4,
  }),
  ...family(["i64", "i64"], "i64", PLAIN, {
    add: 0x7c,
    sub: 0x7d,
    mul: 0x7e,
    divS: 0x7f,
    divU: 0x80,
    remS: 0x81,
    remU: 0x82,
    and: 0x83,
    or: 0x84,
    xor: 0x85,
    shl: 0x86,
    shrS: 0x87,
    shrU: 0x88,
    rotl: 0x89,
    rotr: 0x8a,
  }),
  ...family(["i32"], "i64", PLAIN, { extendI32S: 0xac, extendI32U: 0xad }),
  ...family(["f32"], "i64", PLAIN, { truncF32S: 0xae, truncF32U: 0xaf }),
  ...family(["f64"], "i64", PLAIN, { truncF64S: 0xb0, truncF64U: 0xb1, reinterpretF64: 0xbd }),
  ...family(["f32"], "i64", SATURATING, { truncSatF32S: 4, truncSatF32U: 5 }),
  ...family(["f64"], "i64", SATURATING, { truncSatF64S: 6, truncSatF64U: 7 }),
  ...loads("i64", PLAIN, {
    load: [0x29, 8],
    load8S: [0x30, 1],
    load8U: [0x31, 1],
    load16S: [0x32, 2],
    load16U: [0x33, 2],
    load32S: [0x34, 4],
    load32U: [0x35, 4],
  }),
  ...stores("i64", PLAIN, {
    store: [0x37, 8],
    store8: [0x3c, 1],
    store16: [0x3d, 2],
    store32: [0x3e, 4],
  }),
  ...loads("i64", ATOMIC, { atomicLoad: [0x11, 8] }),
  ...stores("i64", ATOMIC, { atomicStore: [0x18, 8] }),
  ...updates("i64", 8, {
    atomicRmwAdd: 0x1f,
    atomicRmwSub: 0x26,
    atomicRmwAnd: 0x2d,
    atomicRmwOr: 0x34,
    atomicRmwXor: 0x3b,
    atomicRmwXchg: 0x42,
  }),
  atomicRmwCmpxchg: compareExchange("i64", 8, 0x49),
};

/** Instructions on floats. */
export const f32 = {
  /** A constant, rounded to the nearest float. */
  const: (value: number): Expression<"f32"> => new Expression("f32", [0x43, ...float32(value)]),
  ...family(["f32", "f32"], "i32", PLAIN, {
    eq: 0x5b,
    ne: 0x5c,
    lt: 0x5d,
    gt: 0x5e,
    le: 0x5f,
    ge: 0x60,
  }),
  ...family(["f32"], "f32", PLAIN, {
    abs: 0x8b,
    neg: 0x8c,
    ceil: 0x8d,
    floor: 0x8e,
    trunc: 0x8f,
    nearest: 0x90,
    sqrt: 0x91,
  }),
  ...family(["f32", "f32"], "f32", PLAIN, {
    add: 0x92,
    sub: 0x93,
    mul: 0x94,
    div: 0x95,
    min: 0x96,
    max: 0x97,
    copysign: 0x98,
  }),
  ...family(["i32"], "f32", PLAIN, { convertI32S: 0xb2, convertI32U: 0xb3, reinterpretI32: 0xbe }),
  ...family(["i64"], "f32", PLAIN, { convertI64S: 0xb4, convertI64U: 0xb5 }),
  ...family(["f64"], "f32", PLAIN, { demoteF64: 0xb6 }),
  ...loads("f32", PLAIN, { load: [0x2a, 4] }),
  ...stores("f32", PLAIN, { store: [0x38, 4] }),
};

/** Instructions on doubles. */
export const f64 = {
  /** A constant. */
  const: (value: number): Expression<"f64"> => new Expression("f64", [0x44, ...float64(value)]),
  ...family(["f64", "f64"], "i32", PLAIN, {
    eq: 0x61,
    ne: 0x62,
    lt: 0x63,
    gt: 0x64,
    le: 0x65,
    ge: 0x66,
  }),
  ...family(["f64"], "f64", PLAIN, {
    abs: 0x99,
    neg: 0x9a,
    ceil: 0x9b,
    floor: 0x9c,
    trunc: 0x9d,
    nearest: 0x9e,
    sqrt: 0x9f,
  }),
  ...family(["f64", "f64"], "f64", PLAIN, {
    add: 0xa0,
    sub: 0xa1,
    mul: 0xa2,
    div: 0xa3,
    min: 0xa4,
    max: 0xa5,
    copysign: 0xa6,
  }),
  ...family(["i32"], "f64", PLAIN, { convertI32S: 0xb7, convertI32U: 0xb8 }),
  ...family(["i64"], "f64", PLAIN, { convertI64S: 0xb9, convertI64U: 0xba, reinterpretI64: 0xbf }),
  ...family(["f32"], "f64", PLAIN, { promoteF32: 0xbb }),
  ...loads("f64", PLAIN, { load: [0x2b, 8] }),
  ...stores("f64", PLAIN, { store: [0x39, 8] }),
};

/** The `i`th of `count` lanes as an immediate. */
function laneByte(lane: number, count: number): number {
  if (Number.isInteger(lane) && lane >= 0 && lane < count) return lane;
  throw internalError(`Cannot use lane ${lane}: lanes are 0 to ${count - 1}`);
}

type Extract<T extends ValueType> = (vector: Expression<"v128">, lane: number) => Expression<T>;

function extract<T extends ValueType>(type: T, code: number, lanes: number): Extract<T> {
  const instruction = opcode(SIMD, code);
  return (vector, lane) => {
    checkOperands("extractLane", ["v128"], [vector]);
    return new Expression(type, [...instruction, laneByte(lane, lanes)], [vector]);
  };
}

type Replace<T extends ValueType> = (
  vector: Expression<"v128">,
  lane: number,
  value: Expression<T>,
) => Expression<"v128">;

function replace<T extends ValueType>(type: T, code: number, lanes: number): Replace<T> {
  const instruction = opcode(SIMD, code);
  return (vector, lane, value) => {
    checkOperands("replaceLane", ["v128", type], [vector, value]);
    return new Expression("v128", [...instruction, laneByte(lane, lanes)], [vector, value]);
  };
}

/** A constant vector from the bytes of its lanes; a single lane stands for all. */
function vectorConstant(lanes: readonly (readonly number[])[], count: number): Expression<"v128"> {
  if (lanes.length !== 1 && lanes.length !== count) {
    throw internalError(
      `Cannot fill a vector from ${lanes.length} lanes: 1 or ${count} are needed`,
    );
  }
  const bytes = lanes.length === 1 ? Array<readonly number[]>(count).fill(lanes[0]) : lanes;
  return new Expression("v128", [SIMD, 0x0c, ...bytes.flat()]);
}

/** The lowest bytes of a two's complement integer, lowest first. */
function integerBytes(value: bigint, length: number): number[] {
  return Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Instructions on vectors of 128 bits, whatever their lanes are. */
export const v128 = {
  /** A constant of 16 bytes, lowest first. */
  const: (bytes: readonly number[]): Expression<"v128"> =>
    vectorConstant(bytes.map((byte) => [byte & 0xff]), 16),
  ...family(["v128"], "v128", SIMD, { not: 0x4d }),
  ...family(["v128", "v128"], "v128", SIMD, { and: 0x4e, andnot: 0x4f, or: 0x50, xor: 0x51 }),
  /** The bits of the first vector where the mask's are one, of the second elsewhere. */
  ...family(["v128", "v128", "v128"], "v128", SIMD, { bitselect: 0x52 }),
  ...family(["v128"], "i32", SIMD, { anyTrue: 0x53 }),
  ...loads("v128", SIMD, {
    load: [0x00, 16],
    load8x8S: [0x01, 8],
    load8x8U: [0x02, 8],
    load16x4S: [0x03, 8],
    load16x4U: [0x04, 8],
    load32x2S: [0x05, 8],
    load32x2U: [0x06, 8],
    load8Splat: [0x07, 1],
    load16Splat: [0x08, 2],
    load32Splat: [0x09, 4],
    load64Splat: [0x0a, 8],
    load32Zero: [0x5c, 4],
    load64Zero: [0x5d, 8],
  }),
  ...stores("v128", SIMD, { store: [0x0b, 16] }),
  ...loadLanes({
    load8Lane: [0x54, 1],
    load16Lane: [0x55, 2],
    load32Lane: [0x56, 4],
    load64Lane: [0x57, 8],
  }),
  ...storeLanes({
    store8Lane: [0x58, 1],
    store16Lane: [0x59, 2],
    store32Lane: [0x5a, 4],
    store64Lane: [0x5b, 8],
  }),
};

type LaneLoads<N extends string> = Readonly<
  Record<
    N,
    (
      address: Expression<"i32">,
      vector: Expression<"v128">,
      lane: number,
      place?: Access,
    ) => Expression<"v128">
  >
>;

function loadLanes<N extends string>(codes: Accesses<N>): LaneLoads<N> {
  return mapRecord(codes, ([code, width], name) => {
    const instruction = opcode(SIMD, code);
    return (address, vector, lane, place = wholeFirstMemory) => {
      const operands = [address, vector];
      checkOperands(name, ["i32", "v128"], operands);
      return access("v128", instruction, width, place, operands, laneByte(lane, 16 / width));
    };
  });
}

type LaneStores<N extends string> = Readonly<
  Record<
    N,
    (
      address: Expression<"i32">,
      vector: Expression<"v128">,
      lane: number,
      place?: Access,
    ) => Effect
  >
>;

function storeLanes<N extends string>(codes: Accesses<N>): LaneStores<N> {
  return mapRecord(codes, ([code, width], name) => {
    const instruction = opcode(SIMD, code);
    return (address, vector, lane, place = wholeFirstMemory) => {
      const operands = [address, vector];
      checkOperands(name, ["i32", "v128"], operands);
      return access("none", instruction, width, place, operands, laneByte(lane, 16 / width));
    };
  });
}

const { swizzle } = family(["v128", "v128"], "v128", SIMD, { swizzle: 0x0e });

/** Instructions on 16 lanes of 8 bits. */
export const i8x16 = {
  /** A constant; a single lane stands for all. */
  const: (...lanes: readonly number[]): Expression<"v128"> =>
    vectorConstant(lanes.map((lane) => integerBytes(BigInt(lane), 1)), 16),
  /** Lanes of two vectors: 0 to 15 name the first one's, 16 to 31 the second one's. */
  shuffle: (
    x: Expression<"v128">,
    y: Expression<"v128">,
    lanes: readonly number[],
  ): Expression<"v128"> => {
    checkOperands("shuffle", ["v128", "v128"], [x, y]);
    if (lanes.length !== 16) {
      throw internalError(`Cannot shuffle into ${lanes.length} lanes: 16 are needed`);
    }
    const immediates = lanes.map((lane) => laneByte(lane, 32));
    return new Expression("v128", [SIMD, 0x0d, ...immediates], [x, y]);
  },
  ...family(["i32"], "v128", SIMD, { splat: 0x0f }),
  extractLaneS: extract("i32", 0x15, 16),
  extractLaneU: extract("i32", 0x16, 16),
  replaceLane: replace("i32", 0x17, 16),
  ...family(["v128"], "v128", SIMD, { abs: 0x60, neg: 0x61, popcnt: 0x62 }),
  ...family(["v128"], "i32", SIMD, { allTrue: 0x63, bitmask: 0x64 }),
  ...family(["v128", "i32"], "v128", SIMD, { shl: 0x6b, shrS: 0x6c, shrU: 0x6d }),
  swizzle,
  ...family(["v128", "v128"], "v128", SIMD, {
    eq: 0x23,
    ne: 0x24,
    ltS: 0x25,
    ltU: 0x26,
    gtS: 0x27,
    gtU: 0x28,
    leS: 0x29,
    leU: 0x2a,
    geS: 0x2b,
    geU: 0x2c,
    narrowI16x8S: 0x65,
    narrowI16x8U: 0x66,
    add: 0x6e,
    addSatS: 0x6f,
    addSatU: 0x70,
    sub: 0x71,
    subSatS: 0x72,
    subSatU: 0x73,
    minS: 0x76,
    minU: 0x77,
    maxS: 0x78,
    maxU: 0x79,
    avgrU: 0x7b,
  }),
  ...relaxed(["v128", "v128"], { relaxedSwizzle: [0x100, swizzle] }),
  ...relaxed(["v128", "v128", "v128"], { relaxedLaneselect: [0x109, v128.bitselect] }),
};

/** Instructions on 8 lanes of 16 bits. */
export const i16x8 = {
  /** A constant; a single lane stands for all. */
  const: (...lanes: readonly number[]): Expression<"v128"> =>
    vectorConstant(lanes.map((lane) => integerBytes(BigInt(lane), 2)), 8),
  ...family(["i32"], "v128", SIMD, { splat: 0x10 }),
  extractLaneS: extract("i32", 0x18, 8),
  extractLaneU: extract("i32", 0x19, 8),
  replaceLane: replace("i32", 0x1a, 8),
  ...family(["v128"], "v128", SIMD, {
    extaddPairwiseI8x16S: 0x7c,
    extaddPairwiseI8x16U: 0x7d,
    abs: 0x80,
    neg: 0x81,
    extendLowI8x16S: 0x87,
    extendHighI8x16S: 0x88,
    extendLowI8x16U: 0x89,
    extendHighI8x16U: 0x8a,
  }),
  ...family(["v128"], "i32", SIMD, { allTrue: 0x83, bitmask: 0x84 }),
  ...family(["v128", "i32"], "v128", SIMD, { shl: 0x8b, shrS: 0x8c, shrU: 0x8d }),
  ...family(["v128", "v128"], "v128", SIMD, {
    eq: 0x2d,
    ne: 0x2e,
    ltS: 0x2f,
    ltU: 0x30,
    gtS: 0x31,
    gtU: 0x32,
    leS: 0x33,
    leU: 0x34,
    geS: 0x35,
    geU: 0x36,
    q15mulrSatS: 0x82,
    narrowI32x4S: 0x85,
    narrowI32x4U: 0x86,
    add: 0x8e,
    addSatS: 0x8f,
    addSatU: 0x90,
    sub: 0x91,
    subSatS: 0x92,
    subSatU: 0x93,
    mul: 0x95,
    minS: 0x96,
    minU: 0x97,
    maxS: 0x98,
    maxU: 0x99,
    avgrU: 0x9b,
    extmulLowI8x16S: 0x9c,
    extmulHighI8x16S: 0x9d,
    extmulLowI8x16U: 0x9e,
    extmulHighI8x16U: 0x9f,
  }),
  ...relaxed(["v128", "v128", "v128"], { relaxedLaneselect: [0x10a, v128.bitselect] }),
};

const truncations = family(["v128"], "v128", SIMD, {
  truncSatF32x4S: 0xf8,
  truncSatF32x4U: 0xf9,
  truncSatF64x2SZero: 0xfc,
  truncSatF64x2UZero: 0xfd,
});

/** Instructions on 4 lanes of 32 bits. */
export const i32x4 = {
  /** A constant; a single lane stands for all. */
  const: (...lanes: readonly number[]): Expression<"v128"> =>
    vectorConstant(lanes.map((lane) => integerBytes(BigInt(lane), 4)), 4),
  ...family(["i32"], "v128", SIMD, { splat: 0x11 }),
  extractLane: extract("i32", 0x1b, 4),
  replaceLane: replace("i32", 0x1c, 4),
  ...family(["v128"], "v128", SIMD, {
    extaddPairwiseI16x8S: 0x7e,
    extaddPairwiseI16x8U: 0x7f,
    abs: 0xa0,
    neg: 0xa1,
    extendLowI16x8S: 0xa7,
    extendHighI16x8S: 0xa8,
    extendLowI16x8U: 0xa9,
    extendHighI16x8U: 0xaa,
  }),
  ...truncations,
  ...relaxed(["v128"], {
    relaxedTruncF32x4S: [0x101, truncations.truncSatF32x4S],
    relaxedTruncF32x4U: [0x102, truncations.truncSatF32x4U],
    relaxedTruncF64x2SZero: [0x103, truncations.truncSatF64x2SZero],
    relaxedTruncF64x2UZero: [0x104, truncations.truncSatF64x2UZero],
  }),
  ...family(["v128"], "i32", SIMD, { allTrue: 0xa3, bitmask: 0xa4 }),
  ...family(["v128", "i32"], "v128", SIMD, { shl: 0xab, shrS: 0xac, shrU: 0xad }),
  ...family(["v128", "v128"], "v128", SIMD, {
    eq: 0x37,
    ne: 0x38,
    ltS: 0x39,
    ltU: 0x3a,
    gtS: 0x3b,
    gtU: 0x3c,
    leS: 0x3d,
    leU: 0x3e,
    geS: 0x3f,
    geU: 0x40,
    add: 0xae,
    sub: 0xb1,
    mul: 0xb5,
    minS: 0xb6,
    minU: 0xb7,
    maxS: 0xb8,
    maxU: 0xb9,
    dotI16x8S: 0xba,
    extmulLowI16x8S: 0xbc,
    extmulHighI16x8S: 0xbd,
    extmulLowI16x8U: 0xbe,
    extmulHighI16x8U: 0xbf,
  }),
  ...relaxed(["v128", "v128", "v128"], { relaxedLaneselect: [0x10b, v128.bitselect] }),
};

/** Instructions on 2 lanes of 64 bits. */
export const i64x2 = {
  /** A constant; a single lane stands for both. */
  const: (...lanes: readonly (bigint | number)[]): Expression<"v128"> =>
    vectorConstant(lanes.map((lane) => integerBytes(BigInt(lane), 8)), 2),
  ...family(["i64"], "v128", SIMD, { splat: 0x12 }),
  extractLane: extract("i64", 0x1d, 2),
  replaceLane: replace("i64", 0x1e, 2),
  ...family(["v128"], "v128", SIMD, {
    abs: 0xc0,
    neg: 0xc1,
    extendLowI32x4S: 0xc7,
    extendHighI32x4S: 0xc8,
    extendLowI32x4U: 0xc9,
    extendHighI32x4U: 0xca,
  }),
  ...family(["v128"], "i32", SIMD, { allTrue: 0xc3, bitmask: 0xc4 }),
  ...family(["v128", "i32"], "v128", SIMD, { shl: 0xcb, shrS: 0xcc, shrU: 0xcd }),
  ...family(["v128", "v128"], "v128", SIMD, {
    add: 0xce,
    sub: 0xd1,
    mul: 0xd5,
    eq: 0xd6,
    ne: 0xd7,
    ltS: 0xd8,
    gtS: 0xd9,
    leS: 0xda,
    geS: 0xdb,
    extmulLowI32x4S: 0xdc,
    extmulHighI32x4S: 0xdd,
    extmulLowI32x4U: 0xde,
    extmulHighI32x4U: 0xdf,
  }),
  ...relaxed(["v128", "v128", "v128"], { relaxedLaneselect: [0x10c, v128.bitselect] }),
};

/**
 * What relaxed arithmetic on floats is made of, and that arithmetic: `relaxedMadd(x, y, z)` is
 * `x * y + z`, `relaxedNmadd(x, y, z)` is `z - x * y`, each rounded once or twice.
 */
function arithmetic(
  codes: Readonly<
    Record<
      | "neg"
      | "add"
      | "mul"
      | "min"
      | "max"
      | "relaxedMin"
      | "relaxedMax"
      | "relaxedMadd"
      | "relaxedNmadd",
      number
    >
  >,
) {
  const { neg } = family(["v128"], "v128", SIMD, { neg: codes.neg });
  const { add, mul, min, max } = family(["v128", "v128"], "v128", SIMD, {
    add: codes.add,
    mul: codes.mul,
    min: codes.min,
    max: codes.max,
  });
  return {
    neg,
    add,
    mul,
    min,
    max,
    ...relaxed(["v128", "v128"], {
      relaxedMin: [codes.relaxedMin, min],
      relaxedMax: [codes.relaxedMax, max],
    }),
    // Operands are computed in the order in which they are given.
    ...relaxed(["v128", "v128", "v128"], {
      relaxedMadd: [codes.relaxedMadd, (x, y, z) => add(mul(x, y), z)],
      relaxedNmadd: [codes.relaxedNmadd, (x, y, z) => add(neg(mul(x, y)), z)],
    }),
  };
}

const f32x4Arithmetic = arithmetic({
  neg: 0xe1,
  add: 0xe4,
  mul: 0xe6,
  min: 0xe8,
  max: 0xe9,
  relaxedMin: 0x10d,
  relaxedMax: 0x10e,
  relaxedMadd: 0x105,
  relaxedNmadd: 0x106,
});

/** Instructions on 4 floats. */
export const f32x4 = {
  /** A constant; a single lane stands for all. */
  const: (...lanes: readonly number[]): Expression<"v128"> => vectorConstant(lanes.map(float32), 4),
  ...family(["f32"], "v128", SIMD, { splat: 0x13 }),
  extractLane: extract("f32", 0x1f, 4),
  replaceLane: replace("f32", 0x20, 4),
  ...family(["v128"], "v128", SIMD, {
    demoteF64x2Zero: 0x5e,
    ceil: 0x67,
    floor: 0x68,
    trunc: 0x69,
    nearest: 0x6a,
    abs: 0xe0,
    sqrt: 0xe3,
    convertI32x4S: 0xfa,
    convertI32x4U: 0xfb,
  }),
  ...family(["v128", "v128"], "v128", SIMD, {
    eq: 0x41,
    ne: 0x42,
    lt: 0x43,
    gt: 0x44,
    le: 0x45,
    ge: 0x46,
    sub: 0xe5,
    div: 0xe7,
    pmin: 0xea,
    pmax: 0xeb,
  }),
  ...f32x4Arithmetic,
};

const f64x2Arithmetic = arithmetic({
  neg: 0xed,
  add: 0xf0,
  mul: 0xf2,
  min: 0xf4,
  max: 0xf5,
  relaxedMin: 0x10f,
  relaxedMax: 0x110,
  relaxedMadd: 0x107,
  relaxedNmadd: 0x108,
});

/** Instructions on 2 doubles. */
export const f64x2 = {
  /** A constant; a single lane stands for both. */
  const: (...lanes: readonly number[]): Expression<"v128"> => vectorConstant(lanes.map(float64), 2),
  ...family(["f64"], "v128", SIMD, { splat: 0x14 }),
  extractLane: extract("f64", 0x21, 2),
  replaceLane: replace("f64", 0x22, 2),
  ...family(["v128"], "v128", SIMD, {
    promoteLowF32x4: 0x5f,
    ceil: 0x74,
    floor: 0x75,
    trunc: 0x7a,
    nearest: 0x94,
    abs: 0xec,
    sqrt: 0xef,
    convertLowI32x4S: 0xfe,
    convertLowI32x4U: 0xff,
  }),
  ...family(["v128", "v128"], "v128", SIMD, {
    eq: 0x47,
    ne: 0x48,
    lt: 0x49,
    gt: 0x4a,
    le: 0x4b,
    ge: 0x4c,
    sub: 0xf1,
    div: 0xf3,
    pmin: 0xf6,
    pmax: 0xf7,
  }),
  ...f64x2Arithmetic,
};

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
 * Sleeps while `expected` stands at the address, until notified or for at most `timeout` nanoseconds
 * (for ever, if negative). Leaves 0 when notified, 1 when another value stood there, 2 after the
 * time.
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

/** Wakes at most `count` sleepers at the address and leaves the number of those woken. */
export function atomicNotify(
  address: Expression<"i32">,
  count: Expression<"i32">,
  place: Access = wholeFirstMemory,
): Expression<"i32"> {
  checkOperands("atomicNotify", ["i32", "i32"], [address, count]);
  return access("i32", [ATOMIC, 0x00], 4, place, [address, count]);
}

/** Orders what stands before it against what follows, for all threads. */
export function atomicFence(): Effect {
  return new Expression("none", [ATOMIC, 0x03, 0x00]);
}
