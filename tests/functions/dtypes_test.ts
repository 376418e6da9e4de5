import {
  arange,
  bitcast,
  canCast,
  complex,
  finfo,
  fromBuffer,
  full,
  fullLike,
  grad,
  iinfo,
  io,
  isSubdtype,
  jit,
  linspace,
  oneHot,
  random,
  resultType,
  tensor,
  vmap,
  zeros,
} from "../../mod.ts";
import type { Dtype, DtypeFamily, Tensor } from "../../mod.ts";
import { ALL_DTYPES, byteSize, DTYPES, isFloat, isInteger } from "../../src/base/dtype.ts";
import { ArgumentError, DtypeError, ShapeError } from "../../src/base/errors.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertThrows } from "../support/std.ts";
import numerics from "../../docs/guide/numerics.md" with { type: "text" };
import fixture from "../fixtures/dtypes.json" with { type: "json" };

Deno.test("the limits of dtypes are those of NumPy and JAX", () => {
  for (const dtype of DTYPES) {
    if (isInteger(dtype)) {
      const { min, max } = iinfo(dtype);
      assertEquals({ min, max }, fixture.limits[dtype as "int8"], dtype);
      assertEquals(max - min + 1, 2 ** iinfo(dtype).bits);
    }
    if (!isFloat(dtype)) continue;
    const { tiny, smallest_subnormal, ...rest } = fixture.limits[dtype as "float32"];
    const expected = { ...rest, smallestNormal: tiny, smallestSubnormal: smallest_subnormal };
    assertEquals(finfo(dtype), expected, dtype);
  }
  assertEquals(finfo("complex64"), finfo("float32"));
  assertEquals(finfo("complex128"), finfo("float64"));
});

Deno.test("limits of other dtypes are refused with advice", () => {
  assertRefused(
    () => finfo("int8"),
    DtypeError,
    "Cannot give floating-point limits of int8: expected a floating-point or complex dtype; use iinfo",
  );
  assertRefused(
    () => iinfo("float16"),
    DtypeError,
    "Cannot give integer limits of float16: expected an integer dtype; use finfo",
  );
  assertRefused(
    () => iinfo("bool"),
    DtypeError,
    "Cannot give integer limits of bool: expected an integer dtype",
  );
});

Deno.test("conversions are safe where NumPy says so", () => {
  for (const from of ALL_DTYPES) {
    const safe = ALL_DTYPES.filter((to) => canCast(from, to));
    assertEquals(safe.toSorted(), fixture.casts[from].toSorted(), from);
  }
});

Deno.test("conversions are JAX's: floats become the nearest integers of the range, integers wrap", () => {
  for (const [name, { values, to }] of Object.entries(fixture.conversions)) {
    const x = tensor(values.map(Number), { dtype: name as Dtype });
    for (const [other, wanted] of Object.entries(to)) {
      const dtype = other as Dtype;
      for (const convert of [(x: Tensor) => x.astype(dtype), jit((x: Tensor) => x.astype(dtype))]) {
        const y = convert(x);
        assertEquals(y.dtype, dtype);
        assertEquals(
          Array.from(y.astype("float64").data()),
          wanted.map(Number),
          `${name} to ${other}`,
        );
      }
    }
  }
});

/** What makes a tensor of one given number, by name; `null` where a dtype is not for it. */
const creators: Record<string, (value: number, dtype: Dtype) => Tensor | null> = {
  tensor: (value, dtype) => tensor([value], { dtype }),
  "tensor of a number": (value, dtype) => tensor(value, { dtype }).reshape([1]),
  "tensor of a typed array": (value, dtype) => tensor(Float64Array.of(value), { dtype }),
  full: (value, dtype) => full([1], value, { dtype }),
  fullLike: (value, dtype) => fullLike(zeros([1], { dtype }), value),
  arange: (value, dtype) => dtype === "bool" ? null : arange(value, value + 1, 1, { dtype }),
  linspace: (value, dtype) => linspace(value, value, 1, { dtype }),
  randint: (value, dtype) =>
    isInteger(dtype) && dtype !== "uint32"
      ? random.randint(random.key(0), [1], value, value + 1, { dtype: dtype as "int8" })
      : null,
};

Deno.test("every creator makes numbers of every dtype up to its ends, and refuses what lies beyond", () => {
  for (const [name, create] of Object.entries(creators)) {
    for (const dtype of DTYPES) {
      const place = `${name} of ${dtype}`;
      if (create(1, dtype) === null) continue;
      const read = (value: number) => create(value, dtype)!.astype("float64").at(0).item();
      if (!isInteger(dtype)) {
        assertEquals([create(1, dtype)!.dtype, read(0), read(1)], [dtype, 0, 1], place);
        continue;
      }
      const { min, max } = iinfo(dtype);
      assertEquals([create(1, dtype)!.dtype, read(min), read(max)], [dtype, min, max], place);
      const refuse = (make: () => unknown, place: string) => {
        const error = assertThrows(make, Error, undefined, place);
        assertEquals(error instanceof DtypeError || error instanceof ArgumentError, true, place);
      };
      const refused = [min - 1, max + 1, NaN, Infinity, ...(name === "linspace" ? [] : [1.5])];
      for (const value of refused) {
        refuse(() => create(value, dtype), place);
      }
    }
  }
});

Deno.test("what has no given numbers makes every dtype as well", () => {
  for (const dtype of DTYPES) {
    const x = tensor([[0, 1], [1, 0]], { dtype });
    assertEquals(oneHot([1, 0], 2, { dtype }).equal(x).all().item<boolean>(), true);
    assertEquals(fromBuffer(x.data(), dtype).reshape([2, 2]).equal(x).all().item<boolean>(), true);
    const file = io.readNpy(io.writeNpy(x));
    assertEquals([file.dtype, file.equal(x).all().item<boolean>()], [dtype, true]);
  }
});

Deno.test("evenly spaced integers are those of the dtype alone", () => {
  const line = linspace(0, 256, 256, { endpoint: false, dtype: "uint8" });
  assertEquals(line.equal(arange(256, { dtype: "int32" })).all().item<boolean>(), true);
  assertRefused(
    () => linspace(0, 256, 3, { dtype: "uint8" }),
    DtypeError,
    "Cannot make evenly spaced numbers of uint8 from 0 to 256: they must lie from 0 to 255",
  );
  assertEquals(linspace(0, 256, 1, { dtype: "uint8" }).toArray(), [0]);
  assertEquals(linspace(0, 256, 0, { dtype: "uint8" }).shape, [0]);
});

Deno.test("what is converted safely comes back", () => {
  for (const from of DTYPES) {
    if (from === "bool") continue;
    const { min, max } = isFloat(from) ? finfo(from) : iinfo(from);
    const values = isFloat(from) ? [min, max, finfo(from).smallestSubnormal, 1 / 3] : [min, max];
    const x = tensor(values, { dtype: "float64" }).astype(from);
    for (const to of DTYPES) {
      const isKept = x.astype(to).astype(from).equal(x).all().item<boolean>();
      if (canCast(from, to)) assertEquals(isKept, true, `${from} to ${to}`);
    }
  }
});

Deno.test("dtypes belong to the families that they have in NumPy", () => {
  for (const [family, members] of Object.entries(fixture.families)) {
    const own = ALL_DTYPES.filter((dtype) => isSubdtype(dtype, family as DtypeFamily));
    assertEquals(own.toSorted(), members.toSorted(), family);
  }
  assertEquals(ALL_DTYPES.filter((dtype) => isSubdtype(dtype, "bool")), ["bool"]);
  assertRefused(
    () => isSubdtype("int8", "float" as DtypeFamily),
    ArgumentError,
    'Cannot look for int8 in "float": expected one of bool, signedInteger, unsignedInteger, ' +
      "integer, floating, complexFloating, inexact, number",
  );
});

Deno.test("arguments meet in the dtype of their sum", () => {
  for (const a of DTYPES) {
    for (const b of DTYPES) {
      const expected = fixture.promotion[a][b];
      if (expected === "int64") continue;
      assertEquals(resultType(a, b), expected as Dtype);
      const [x, y] = [tensor([1], { dtype: a }), tensor([0], { dtype: b })];
      assertEquals(resultType(x, y), expected as Dtype);
      if (a !== "bool" || b !== "bool") assertEquals(x.add(y).dtype, expected as Dtype);
    }
  }
  assertEquals(resultType("int8", 100), "int8");
  assertEquals(resultType("int8", 0.5), "float32");
  assertEquals(resultType("bfloat16", [1, 2]), "bfloat16");
  assertEquals(resultType(1), "float32");
  assertEquals(resultType("complex64", "float64"), "complex128");
  assertRefused(
    () => resultType(),
    ArgumentError,
    "Cannot find the dtype of no arguments: expected at least one",
  );
  assertRefused(
    () => resultType("uint32", "int8"),
    DtypeError,
    "Cannot find the dtype of uint32 and int8: no integer dtype holds both; convert one with astype",
  );
});

/** The dtype of every sum of two dtypes, or of a dtype and a number, as a table in Markdown. */
function promotionTable(): string {
  const short = (dtype: Dtype) =>
    dtype === "bool" ? dtype : dtype.replace(/^(b?[a-z])[a-z]+/, "$1");
  const meet = (a: Dtype, b: Dtype | number) => {
    try {
      return short(resultType(a, b));
    } catch (error) {
      if (error instanceof DtypeError) return "-";
      throw error;
    }
  };
  const others = [...ALL_DTYPES, 1, 0.5];
  const head = [
    "",
    ...others.map((other) => typeof other === "string" ? short(other) : `${other}`),
  ];
  const rows = ALL_DTYPES.map((a) => [short(a), ...others.map((b) => meet(a, b))]);
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
  const rule = widths.map((width) => "-".repeat(width));
  const line = (row: string[]) => `| ${row.map((x, i) => x.padEnd(widths[i])).join(" | ")} |`;
  return [head, rule, ...rows].map(line).join("\n");
}

Deno.test("the table of dtypes that meet is that of resultType", () => {
  const start = numerics.indexOf("\n|      |") + 1;
  assertEquals(numerics.slice(start, numerics.indexOf("\n\n", start)), promotionTable());
  for (const dtype of ALL_DTYPES) {
    for (const number of [1, 0.5]) {
      assertEquals(tensor(0, { dtype }).add(number).dtype, resultType(dtype, number), dtype);
    }
  }
});

Deno.test("bits as other dtypes are those of the bytes, compiled, mapped and of splats too", () => {
  const dtypes = DTYPES.filter((dtype) => dtype !== "bool");
  const bytes = Uint8Array.from({ length: 48 }, (_, i) => 37 * i + 11);
  for (const from of dtypes) {
    for (const to of dtypes) {
      const ratio = byteSize(to) / byteSize(from);
      const flat = fromBuffer(bytes, from);
      const x = ratio > 1 ? flat.reshape([-1, ratio]) : flat;
      const shape = ratio < 1 ? [flat.size, 1 / ratio] : [flat.size / Math.max(ratio, 1)];
      const cast = (x: Tensor) => bitcast(x, to);
      const rows = x.reshape([2, -1, ...x.shape.slice(1)]);
      for (const y of [cast(x), jit(cast)(x), vmap(cast)(rows).reshape(shape)]) {
        assertEquals([y.dtype, y.shape], [to, shape]);
        const held = y.data();
        assertEquals(new Uint8Array(held.buffer, held.byteOffset, held.byteLength), bytes);
      }
      const ones = full(x.shape, 1, { dtype: from });
      assertTensorsClose(
        bitcast(ones, to),
        bitcast(fromBuffer(ones.data(), from).reshape(x.shape), to),
      );
    }
  }
  assertEquals(grad((x: Tensor) => bitcast(bitcast(x, "int32"), "float32"))(tensor(2)).item(), 0);
});

Deno.test("bits that are none of a dtype are refused", () => {
  assertRefused(
    () => bitcast(tensor([1, 2, 3]), "float64"),
    ShapeError,
    "Cannot take the bits of float32[3] as float64: expected a last axis of length 2, " +
      "the elements of one float64",
  );
  assertRefused(
    () => bitcast(tensor(1), "bool"),
    DtypeError,
    "Cannot take the bits of float32[] as bool: expected real numbers; convert with astype",
  );
  assertRefused(
    () => bitcast(complex([1, 2]), "uint32"),
    DtypeError,
    "Cannot take the bits of complex64[2] as uint32: expected real numbers; " +
      "take real(x) and imag(x) by themselves",
  );
});
