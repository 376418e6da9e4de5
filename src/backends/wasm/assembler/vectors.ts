/**
 * Instructions on vectors of 128 bits.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { float32, float64 } from "./encode.ts";
import { checkOperands, type Effect, Expression } from "./expression.ts";
import type { ValueType } from "./expression.ts";
import {
  access,
  family,
  loads,
  mapRecord,
  opcode,
  relaxed,
  SIMD,
  stores,
  wholeFirstMemory,
} from "./families.ts";
import type { Access, Accesses } from "./families.ts";

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

/** A constant vector from the bytes of its lanes; a single lane is used for all. */
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

/** Instructions on vectors of 128 bits, independent of their lanes. */
export const v128 = {
  /** A constant of 16 bytes, lowest first. */
  const: (bytes: readonly number[]): Expression<"v128"> =>
    vectorConstant(bytes.map((byte) => [byte & 0xff]), 16),
  ...family(["v128"], "v128", SIMD, { not: 0x4d }),
  ...family(["v128", "v128"], "v128", SIMD, { and: 0x4e, andnot: 0x4f, or: 0x50, xor: 0x51 }),
  /** Selects bits: those of the first vector where the mask is one, those of the second elsewhere. */
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

const swizzle = family(["v128", "v128"], "v128", SIMD, { swizzle: 0x0e }).swizzle;

/** Instructions on 16 lanes of 8 bits. */
export const i8x16 = {
  /** A constant; a single lane is used for all. */
  const: (...lanes: readonly number[]): Expression<"v128"> =>
    vectorConstant(lanes.map((lane) => integerBytes(BigInt(lane), 1)), 16),
  /** Lanes of two vectors: 0 to 15 select from the first, 16 to 31 from the second. */
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
  /** A constant; a single lane is used for all. */
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
  /** A constant; a single lane is used for all. */
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
  /** A constant; a single lane is used for both. */
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
 * Relaxed arithmetic on floats and the operations that replace it: `relaxedMadd(x, y, z)` is
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
    // Operands are evaluated in the given order.
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
  /** A constant; a single lane is used for all. */
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
  /** A constant; a single lane is used for both. */
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
