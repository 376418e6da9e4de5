import {
  allocate,
  byteSize,
  categoryOf,
  checkDtype,
  describeValue,
  DTYPES,
  isFloat,
  isInteger,
  promoteDtypes,
  scalarDtype,
} from "../../src/base/dtype.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { DtypeError } from "../../src/base/errors.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

/** int32 and uint32, which do not meet. */
function isMixed(...dtypes: Dtype[]): boolean {
  return dtypes.includes("int32") && dtypes.includes("uint32");
}

Deno.test("two dtypes meet in the higher category, and in the wider type within one", () => {
  const table: Record<Dtype, Partial<Record<Dtype, Dtype>>> = {
    bool: {
      bool: "bool",
      int32: "int32",
      uint32: "uint32",
      float32: "float32",
      float64: "float64",
    },
    int32: {
      bool: "int32",
      int32: "int32",
      float32: "float32",
      float64: "float64",
    },
    uint32: {
      bool: "uint32",
      uint32: "uint32",
      float32: "float32",
      float64: "float64",
    },
    float32: {
      bool: "float32",
      int32: "float32",
      uint32: "float32",
      float32: "float32",
      float64: "float64",
    },
    float64: {
      bool: "float64",
      int32: "float64",
      uint32: "float64",
      float32: "float64",
      float64: "float64",
    },
  };
  for (const a of DTYPES) {
    for (const b of DTYPES) {
      if (!isMixed(a, b)) assertEquals(promoteDtypes(a, b), table[a][b], `${a} and ${b}`);
    }
  }
  assertRefused(
    () => promoteDtypes("int32", "uint32", "Cannot add"),
    DtypeError,
    "Cannot add int32 and uint32: no integer dtype holds both; convert one with astype",
  );
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
  ];
  for (const [scalar, dtype, expected] of cases) {
    assertEquals(scalarDtype(scalar, dtype), expected, `${scalar} beside ${dtype}`);
  }
  const refused: [number, Dtype, string][] = [
    [-7, "uint32", "uint32 holds integers from 0 to 4294967295"],
    [2 ** 32, "uint32", "uint32 holds integers from 0 to 4294967295"],
    [0xffffffff, "int32", "int32 holds integers from -2147483648 to 2147483647"],
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

Deno.test("each dtype has its category, its size and its typed array", () => {
  const facts: Record<Dtype, [string, number, string, boolean, boolean]> = {
    bool: ["bool", 1, "Uint8Array", false, false],
    int32: ["integer", 4, "Int32Array", false, true],
    uint32: ["integer", 4, "Uint32Array", false, true],
    float32: ["float", 4, "Float32Array", true, false],
    float64: ["float", 8, "Float64Array", true, false],
  };
  for (const dtype of DTYPES) {
    const [category, bytes, array, float, integer] = facts[dtype];
    assertEquals(categoryOf(dtype), category);
    assertEquals(byteSize(dtype), bytes);
    assertEquals(allocate(dtype, 3).constructor.name, array);
    assertEquals(allocate(dtype, 3).BYTES_PER_ELEMENT, bytes);
    assertEquals(Array.from(allocate(dtype, 3)), [0, 0, 0]);
    assertEquals([isFloat(dtype), isInteger(dtype)], [float, integer]);
  }
});

Deno.test("a name that is no dtype is refused with the list of dtypes", () => {
  const expected = (shown: string) =>
    `Cannot use ${shown} as a dtype: expected one of bool, int32, uint32, float32, float64`;
  assertRefused(() => checkDtype("float16"), DtypeError, expected('"float16"'));
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
