/**
 * Instructions on scalars: integers and floats of 32 and 64 bits.
 *
 * @module
 */
import { float32, float64, signed32, signed64 } from "./encode.ts";
import { Expression } from "./expression.ts";
import {
  ATOMIC,
  compareExchange,
  family,
  loads,
  PLAIN,
  SATURATING,
  stores,
  updates,
} from "./families.ts";

/** Instructions on 32-bit integers; a condition is one of them, true unless zero. */
export const i32 = {
  /** A constant, signed or unsigned: -2^31 to 2^32 - 1. */
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
  /** A constant, signed or unsigned: -2^63 to 2^64 - 1. */
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
