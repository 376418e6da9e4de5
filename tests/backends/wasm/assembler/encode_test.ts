import * as fc from "fast-check";
import { InternalError } from "../../../../src/base/errors.ts";
import {
  Bytes,
  float32,
  float64,
  name,
  signed32,
  signed64,
  unsigned,
} from "../../../../src/backends/wasm/assembler/encode.ts";
import { assertEquals, assertThrows } from "../../../support/std.ts";

/** Reads LEB128, for either sign; the decoder shares nothing with the encoder. */
function decode(bytes: readonly number[], signed: boolean): bigint {
  let value = 0n;
  bytes.forEach((byte, i) => {
    assertEquals(byte >= 0x80, i < bytes.length - 1, "only the last byte ends the number");
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
  });
  return signed ? BigInt.asIntN(7 * bytes.length, value) : value;
}

/** Powers of two, their neighbours and their negatives, up to 2^`bits`. */
function edges(bits: number): bigint[] {
  const powers = Array.from({ length: bits + 1 }, (_, i) => 1n << BigInt(i));
  return [0n, ...powers.flatMap((p) => [p - 1n, p, p + 1n, -p - 1n, -p, 1n - p])];
}

Deno.test("unsigned integers decode to themselves, in as few bytes as can be", () => {
  for (const value of edges(32).filter((x) => x >= 0n && x < 1n << 32n)) {
    const bytes = unsigned(Number(value));
    assertEquals(decode(bytes, false), value);
    assertEquals(bytes.length, Math.max(1, Math.ceil(value.toString(2).length / 7)));
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
      assertEquals(decode(unsigned(value), false), BigInt(value));
    }),
    { seed: 1 },
  );
});

Deno.test("signed integers decode to themselves", () => {
  for (const value of edges(31).filter((x) => x >= -(1n << 31n) && x < 1n << 31n)) {
    assertEquals(decode(signed32(Number(value)), true), value);
  }
  for (const value of edges(63).filter((x) => x >= -(1n << 63n) && x < 1n << 63n)) {
    assertEquals(decode(signed64(value), true), value);
  }
  fc.assert(
    fc.property(fc.integer(), fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), (small, large) => {
      assertEquals(decode(signed32(small), true), BigInt(small));
      assertEquals(decode(signed64(large), true), large);
    }),
    { seed: 1 },
  );
});

Deno.test("signed encodings take the unsigned reading too", () => {
  assertEquals(signed32(0xffffffff), signed32(-1));
  assertEquals(signed32(0x80000000), signed32(-0x80000000));
  assertEquals(signed64((1n << 64n) - 1n), signed64(-1n));
});

Deno.test("encodings of the specification's examples", () => {
  assertEquals(unsigned(624485), [0xe5, 0x8e, 0x26]);
  assertEquals(signed32(-123456), [0xc0, 0xbb, 0x78]);
  assertEquals(signed32(63), [0x3f]);
  assertEquals(signed32(64), [0xc0, 0x00]);
  assertEquals(signed32(-64), [0x40]);
  assertEquals(signed32(-65), [0xbf, 0x7f]);
  assertEquals(float32(1), [0x00, 0x00, 0x80, 0x3f]);
  assertEquals(float64(-2), [0, 0, 0, 0, 0, 0, 0, 0xc0]);
  assertEquals(name("é!"), [3, 0xc3, 0xa9, 0x21]);
});

Deno.test("integers out of range are faults", () => {
  const suffix = " (this is a fault in Jacobi; please report it)";
  for (const value of [-1, 0.5, NaN, 2 ** 32, Infinity]) {
    assertThrows(
      () => unsigned(value),
      InternalError,
      `Cannot encode ${value}: an unsigned integer of 32 bits is needed${suffix}`,
    );
  }
  for (const value of [-(2 ** 31) - 1, 0.5, NaN, 2 ** 32]) {
    assertThrows(
      () => signed32(value),
      InternalError,
      `Cannot encode ${value}: an integer of 32 bits is needed${suffix}`,
    );
  }
  for (const value of [-(1n << 63n) - 1n, 1n << 64n]) {
    assertThrows(
      () => signed64(value),
      InternalError,
      `Cannot encode ${value}: an integer of 64 bits is needed${suffix}`,
    );
  }
});

Deno.test("bytes grow by appending lists and blocks", () => {
  const bytes = new Bytes();
  const expected: number[] = [];
  for (let i = 0; i < 300; i++) {
    const part = Array.from({ length: i % 7 }, (_, j) => (i + j) & 0xff);
    if (i % 2 === 0) bytes.append(part);
    else bytes.appendBlock(new Uint8Array(part));
    expected.push(...part);
  }
  bytes.appendBlock(new Uint8Array(5000).fill(9));
  expected.push(...Array<number>(5000).fill(9));
  assertEquals(bytes.length, expected.length);
  assertEquals([...bytes.view()], expected);
  assertEquals([...bytes.toUint8Array()], expected);
});
