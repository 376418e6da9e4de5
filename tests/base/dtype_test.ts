import {
  ALL_DTYPES,
  allocate,
  allocateStored,
  byteSize,
  categoryOf,
  checkDtype,
  describeValue,
  DTYPES,
  epsilonOf,
  isFloat,
  isInteger,
  isNarrow,
  leastNormal,
  numberKind,
  promoteDtypes,
  rangeOf,
  scalarDtype,
  wideDtype,
} from "../../src/base/dtype.ts";
import type { Dtype, RealDtype } from "../../src/base/dtype.ts";
import { DtypeError } from "../../src/base/errors.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";
import data from "../fixtures/dtypes.json" with { type: "json" };

interface Limits {
  readonly min: number;
  readonly max: number;
  readonly eps?: number;
  readonly tiny?: number;
}

/** What JAX and NumPy say; `tests/fixtures/dtypes.py` has written it. */
const fixture: {
  readonly promotion: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly limits: Readonly<Record<string, Limits>>;
} = data;

/** uint32 and signed integers, which do not meet. */
function isMixed(...dtypes: Dtype[]): boolean {
  return dtypes.includes("uint32") &&
    dtypes.some((dtype) => dtype === "int8" || dtype === "int16" || dtype === "int32");
}

Deno.test("two dtypes meet as in JAX, where there is a dtype for both", () => {
  for (const a of DTYPES) {
    for (const b of DTYPES) {
      const expected = fixture.promotion[a][b];
      if (!isMixed(a, b)) assertEquals(promoteDtypes(a, b), expected, `${a} and ${b}`);
      else {
        assertEquals(expected, "int64");
        assertRefused(
          () => promoteDtypes(a, b, "Cannot add"),
          DtypeError,
          `Cannot add ${a} and ${b}: no integer dtype holds both; convert one with astype`,
        );
      }
    }
  }
});

Deno.test("promotion is commutative, associative, and keeps a dtype that meets itself", () => {
  for (const a of DTYPES) {
    assertEquals(promoteDtypes(a, a), a);
    for (const b of DTYPES) {
      if (isMixed(a, b)) continue;
      assertEquals(promoteDtypes(a, b), promoteDtypes(b, a));
      for (const c of DTYPES) {
        if (isMixed(a, b, c)) continue;
        assertEquals(
          promoteDtypes(promoteDtypes(a, b), c),
          promoteDtypes(a, promoteDtypes(b, c)),
          `${a}, ${b}, ${c}`,
        );
      }
    }
  }
});

Deno.test("a number takes the dtype of the tensor that it meets, if that can hold it", () => {
  const cases: [number | boolean, Dtype, Dtype][] = [
    [1, "float32", "float32"],
    [0.1, "float64", "float64"],
    [NaN, "float64", "float64"],
    [7, "int32", "int32"],
    [7, "uint32", "uint32"],
    [0xffffffff, "uint32", "uint32"],
    [0x7fffffff, "int32", "int32"],
    [-0x80000000, "int32", "int32"],
    [1.5, "int32", "float32"],
    [Infinity, "int32", "float32"],
    [NaN, "bool", "float32"],
    [2, "bool", "int32"],
    [1.5, "bool", "float32"],
    [true, "bool", "bool"],
    [true, "int32", "int32"],
    [false, "float64", "float64"],
    [255, "uint8", "uint8"],
    [-128, "int8", "int8"],
    [1.5, "int8", "float32"],
    [1e6, "float16", "float16"],
    [300, "bfloat16", "bfloat16"],
  ];
  for (const [scalar, dtype, expected] of cases) {
    assertEquals(scalarDtype(scalar, dtype), expected, `${scalar} beside ${dtype}`);
  }
  const refused: [number, Dtype, string][] = [
    [-7, "uint32", "uint32 holds integers from 0 to 4294967295"],
    [2 ** 32, "uint32", "uint32 holds integers from 0 to 4294967295"],
    [0xffffffff, "int32", "int32 holds integers from -2147483648 to 2147483647"],
    [128, "int8", "int8 holds integers from -128 to 127"],
    [-1, "uint16", "uint16 holds integers from 0 to 65535"],
    [-0x80000001, "bool", "int32 holds integers from -2147483648 to 2147483647"],
  ];
  for (const [scalar, dtype, reason] of refused) {
    assertRefused(
      () => scalarDtype(scalar, dtype, "Cannot add"),
      DtypeError,
      `Cannot add ${dtype} and ${scalar}: ${reason}; convert the tensor with astype`,
    );
  }
});

Deno.test("each dtype has its category, its size, its typed array, and that of its numbers", () => {
  const facts: Record<RealDtype, [string, number, string, string, Dtype]> = {
    bool: ["bool", 1, "Uint8Array", "Uint8Array", "bool"],
    int8: ["integer", 1, "Int8Array", "Int8Array", "int32"],
    uint8: ["integer", 1, "Uint8Array", "Uint8Array", "int32"],
    int16: ["integer", 2, "Int16Array", "Int16Array", "int32"],
    uint16: ["integer", 2, "Uint16Array", "Uint16Array", "int32"],
    int32: ["integer", 4, "Int32Array", "Int32Array", "int32"],
    uint32: ["integer", 4, "Uint32Array", "Uint32Array", "uint32"],
    float16: ["float", 2, "Uint16Array", "Float64Array", "float32"],
    bfloat16: ["float", 2, "Uint16Array", "Float64Array", "float32"],
    float32: ["float", 4, "Float32Array", "Float32Array", "float32"],
    float64: ["float", 8, "Float64Array", "Float64Array", "float64"],
  };
  for (const dtype of DTYPES) {
    const [category, bytes, stored, numbers, wide] = facts[dtype];
    assertEquals(categoryOf(dtype), category);
    assertEquals(byteSize(dtype), bytes);
    assertEquals(allocateStored(dtype, 3).constructor.name, stored);
    assertEquals(allocateStored(dtype, 3).BYTES_PER_ELEMENT, bytes);
    assertEquals(allocate(dtype, 3).constructor.name, numbers);
    assertEquals(Array.from(allocate(dtype, 3)), [0, 0, 0]);
    assertEquals([isFloat(dtype), isInteger(dtype)], [
      category === "float",
      category === "integer",
    ]);
    assertEquals([wideDtype(dtype), isNarrow(dtype)], [wide, wide !== dtype]);
  }
});

Deno.test("the limits of each dtype are those of NumPy", () => {
  for (const dtype of DTYPES) {
    if (dtype === "bool") continue;
    const known = fixture.limits[dtype];
    assertEquals(rangeOf(dtype), [known.min, known.max], dtype);
    if (!isFloat(dtype)) continue;
    assertEquals(epsilonOf(dtype), known.eps, dtype);
    assertEquals(leastNormal(dtype), known.tiny, dtype);
  }
});

Deno.test("a number's kind tells all ranges apart where small integers are met", () => {
  assertEquals(numberKind(5, false), "an integer from 0 to 2147483647");
  assertEquals(numberKind(5, true), "an integer from 0 to 127");
  assertEquals(numberKind(-129, true), "an integer from -32768 to -129");
  assertEquals(numberKind(-129, false), "an integer from -2147483648 to -1");
  assertEquals(numberKind(2 ** 32, true), "an integer beyond 32 bits");
  assertEquals(numberKind(-(2 ** 31) - 1, false), "an integer beyond 32 bits");
  assertEquals(numberKind(2 ** 32 - 1, true), "an integer from 2147483648 to 4294967295");
  assertEquals(numberKind(0.5, true), "not an integer");
});

Deno.test("a name that is no dtype is refused with the list of dtypes", () => {
  const expected = (shown: string) =>
    `Cannot use ${shown} as a dtype: expected one of ${ALL_DTYPES.join(", ")}`;
  assertRefused(() => checkDtype("float8"), DtypeError, expected('"float8"'));
  assertRefused(() => checkDtype(undefined), DtypeError, expected("undefined"));
  assertRefused(() => checkDtype(["float32"]), DtypeError, expected('["float32"]'));
  assertRefused(() => checkDtype("constructor"), DtypeError, expected('"constructor"'));
  for (const dtype of DTYPES) checkDtype(dtype);
});

Deno.test("any value has a short form for messages", () => {
  class Model {}
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const cases: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    [true, "true"],
    [NaN, "NaN"],
    [-0, "-0"],
    [1e21, "1e+21"],
    [3n, "3n"],
    ["two", '"two"'],
    ["x".repeat(50), `"${"x".repeat(40)}…"`],
    [Symbol("s"), "Symbol(s)"],
    [Math.sin, "function sin"],
    [() => 1, "function (anonymous)"],
    [[1, "a", [2]], '[1, "a", […]]'],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9], "array of 9"],
    [cyclic, "[[…]]"],
    [new Float32Array(2), "Float32Array"],
    [{ a: 1 }, "object"],
    [Object.create(null), "object"],
    [{ dtype: "int32", shape: [2, 3] }, "int32[2,3]"],
    [[{ dtype: "bool", shape: [] }, 1], "[bool[], 1]"],
    [{ dtype: "long", shape: [2, 3] }, "object"],
    [new Model(), "Model"],
    [new Map(), "Map"],
    [Promise.resolve(), "Promise"],
  ];
  for (const [value, expected] of cases) assertEquals(describeValue(value), expected);
});
