import { decodeHalves, encodeHalves, roundTo } from "../../src/base/half.ts";
import type { HalfDtype } from "../../src/base/dtype.ts";
import { largestFinite } from "../../src/base/dtype.ts";
import { assert, assertEquals } from "../support/std.ts";
import fixture from "../fixtures/dtypes.json" with { type: "json" };

const DTYPES: readonly HalfDtype[] = ["float16", "bfloat16"];

const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

/** The number behind the bits of a half, by the definition of IEEE 754. */
function valueOf(bits: number, dtype: HalfDtype): number {
  const [fractionBits, bias] = dtype === "float16" ? [10, 15] : [7, 127];
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits & 0x7fff) >> fractionBits;
  const fraction = bits & (2 ** fractionBits - 1);
  if (exponent === 2 * bias + 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits);
}

for (const dtype of DTYPES) {
  Deno.test(`all bits of ${dtype} are the numbers that the format says`, () => {
    const values = decodeHalves(all, dtype);
    for (const bits of all) {
      if (!Object.is(values[bits], valueOf(bits, dtype))) {
        assertEquals([bits, values[bits]], [bits, valueOf(bits, dtype)]);
      }
    }
  });

  Deno.test(`every number of ${dtype} keeps its bits, from float32 and from float64`, () => {
    const values = decodeHalves(all, dtype);
    const isNan = (bits: number) => Number.isNaN(values[bits]);
    for (const given of [values, Float64Array.from(values)]) {
      const bits = encodeHalves(given, dtype);
      assertEquals(all.find((at) => !isNan(at) && bits[at] !== at), undefined);
      assert(all.every((at) => !isNan(at) || Number.isNaN(valueOf(bits[at], dtype))));
    }
  });

  Deno.test(`numbers between two of ${dtype} go to the nearest, ties to even`, () => {
    const last = encodeHalves([Infinity], dtype)[0];
    const from: number[] = [];
    const to: number[] = [];
    for (let bits = 0; bits < last; bits++) {
      const low = valueOf(bits, dtype);
      // The step beyond the largest number is as long as the one before it.
      const high = bits + 1 < last ? valueOf(bits + 1, dtype) : 2 * low - valueOf(bits - 1, dtype);
      const middle = low + (high - low) / 2;
      const little = (high - low) * 2 ** -13;
      const even = bits % 2 === 0 ? bits : bits + 1;
      from.push(middle, middle - little, middle + little, low + little);
      to.push(even, bits, bits + 1, bits);
    }
    for (const sign of [0, 0x8000]) {
      const signed = from.map((value) => sign === 0 ? value : -value);
      for (const given of [Float32Array.from(signed), Float64Array.from(signed)]) {
        const bits = encodeHalves(given, dtype);
        const wrong = to.findIndex((expected, i) => bits[i] !== (expected | sign));
        assertEquals(wrong < 0 ? null : [given[wrong], bits[wrong]], null);
      }
      assertEquals(
        signed.map((value) => roundTo(value, dtype)),
        to.map((bits) => valueOf(bits | sign, dtype)),
      );
    }
  });

  Deno.test(`numbers of float64 become ${dtype} in one rounding`, () => {
    // Above a tie by less than a float32 can tell.
    const [low, high] = [valueOf(0x3c00, dtype), valueOf(0x3c01, dtype)];
    const middle = low + (high - low) / 2;
    assertEquals(Math.fround(middle * (1 + 2 ** -40)), middle);
    assertEquals(encodeHalves([middle], dtype)[0], 0x3c00);
    assertEquals(encodeHalves([middle * (1 + 2 ** -40)], dtype)[0], 0x3c01);
    assertEquals(encodeHalves([-middle * (1 + 2 ** -40)], dtype)[0], 0xbc01);
    assertEquals(roundTo(middle * (1 + 2 ** -40), dtype), high);
  });

  Deno.test(`${dtype} overflows half a step beyond its largest number, and keeps signs and NaN`, () => {
    const largest = largestFinite(dtype);
    const [inf, negative] = encodeHalves([Infinity, -Infinity], dtype);
    assertEquals([valueOf(inf, dtype), valueOf(negative, dtype)], [Infinity, -Infinity]);
    assertEquals(valueOf(inf - 1, dtype), largest);
    assertEquals(
      encodeHalves([1e300, -1e300, 1e-300, -1e-300], dtype),
      Uint16Array.of(inf, negative, 0, 0x8000),
    );
    assertEquals([roundTo(1e300, dtype), roundTo(-1e300, dtype)], [Infinity, -Infinity]);
    assert(Object.is(roundTo(-0, dtype), -0) && Object.is(roundTo(-1e-300, dtype), -0));
    assert(Number.isNaN(roundTo(NaN, dtype)));
    assert(Number.isNaN(valueOf(encodeHalves([NaN], dtype)[0], dtype)));
  });

  Deno.test(`float32 becomes ${dtype} as in NumPy`, () => {
    const { values, ...bits } = fixture.halves;
    assertEquals(encodeHalves(Float32Array.from(values), dtype), Uint16Array.from(bits[dtype]));
    assertEquals(encodeHalves(values, dtype), Uint16Array.from(bits[dtype]));
  });
}

Deno.test("numbers are rounded to float32 as Math.fround does", () => {
  const { values } = fixture.halves;
  for (const value of values) {
    for (const near of [value, value * (1 + 2 ** -24), value * (1 + 3 * 2 ** -26), value / 3]) {
      assert(Object.is(roundTo(near, "float32"), Math.fround(near)), `${near}`);
    }
  }
});
