import fc from "fast-check";
import {
  ArgumentError,
  DtypeError,
  grad,
  io,
  jit,
  jvp,
  ShapeError,
  stack,
  tensor,
  vmap,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { DTYPES } from "../../src/base/dtype.ts";
import { crc32 } from "../../src/base/crc32.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";
import { join, uint, zip } from "./build.ts";

/** A file of this header and data. */
function npy(header: string, data: Uint8Array = new Uint8Array(0), version = 1): Uint8Array {
  const length = uint(header.length, version === 1 ? 2 : 4);
  return join(0x93, "NUMPY", version, 0, length, header, data);
}

function assertNpyRefused(
  file: Uint8Array,
  fault: string,
  type: typeof ArgumentError | typeof DtypeError | typeof ShapeError = ArgumentError,
): void {
  assertRefused(() => io.readNpy(file), type, `Cannot read npy: ${fault}`);
}

const header = (shape: string, descr = "'<f4'") =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;

Deno.test("headers are read as Python wrote them over the years", () => {
  const data = new Uint8Array(Float32Array.of(1, 2).buffer);
  const headers = [
    header("(2,)"),
    header("(2L,)"),
    `{"shape":(1, 2),"descr":"<f4","fortran_order":True}   \n`,
    `{'shape': (2 , 1), 'fortran_order': True, 'descr': '<f4'}\n`,
    header("(2,)", "'=f4'"),
    header("(2,)", "'f4'"),
  ];
  for (const text of headers) assertEquals([...io.readNpy(npy(text, data)).data()], [1, 2]);
  for (const version of [2, 3]) {
    assertEquals([...io.readNpy(npy(header("(2,)"), data, version)).data()], [1, 2]);
  }
});

Deno.test("headers are never evaluated, and refused unless they are what NumPy writes", () => {
  const refuse = (text: string, at: number) =>
    assertNpyRefused(npy(text), `its header is broken at character ${at}`);
  refuse("", 0);
  refuse("{'descr': print(1)}", 10);
  refuse("{'descr': '<f4', 'fortran_order': 1}", 34);
  refuse(header("(2)"), 52);
  refuse(header("(1e3,)"), 52);
  refuse(header("(-1,)"), 51);
  refuse(header("()") + "x", 55);
  refuse(header("()").slice(0, -1), 54);
  refuse("{'a\\x41': 1}", 3);
  const keys = "its header must have descr, fortran_order and shape";
  assertNpyRefused(npy("{}"), keys);
  assertNpyRefused(npy("{'descr': '<f4', }"), keys);
  assertNpyRefused(
    npy("{'descr': '<f4', 'descr': '<f4'}"),
    'its header has the key "descr" twice or for no reason',
  );
  assertNpyRefused(npy("{'x': 1}"), 'its header has the key "x" twice or for no reason');
  assertNpyRefused(
    npy(header("()", "'<f16'")),
    'dtype "<f16" (floating-point numbers of that size) is not supported; convert it with astype ' +
      "before saving",
    DtypeError,
  );
  assertNpyRefused(
    npy(header("()", "'constructor'")),
    'dtype "constructor" (complex numbers of that size) is not supported; convert it with astype ' +
      "before saving",
    DtypeError,
  );
});

Deno.test("files that do not hold what their header says are refused", () => {
  const file = io.writeNpy([1, 2, 3]);
  assertNpyRefused(
    file.subarray(0, -1),
    "shape [3] takes 12 bytes, 11 follow; the file may be cut short",
  );
  assertNpyRefused(join(file, 0), "shape [3] takes 12 bytes, 13 follow");
  assertNpyRefused(
    file.subarray(0, 60),
    "it ends within its header; the file may be cut short",
  );
  assertNpyRefused(file.subarray(0, 8), "it ends within its header; the file may be cut short");
  assertNpyRefused(file.subarray(1), "it does not begin as NumPy's files do");
  assertNpyRefused(zip([]), "it is a zip file; use readNpz");
  assertNpyRefused(npy("", undefined, 4), "it is of version 4.0, expected 1.0, 2.0 or 3.0");
  assertNpyRefused(
    join(0x93, "NUMPY", 2, 0, uint(2 ** 31, 4)),
    "its header of 2147483648 bytes is longer than the 10000 that are read",
  );
  assertNpyRefused(
    npy(header("(99999999999999999999,)")),
    "axis 0 must be a non-negative integer, got 100000000000000000000",
    ShapeError,
  );
  assertNpyRefused(
    npy(header("(65536, 65536)")),
    "shape [65536,65536] has 4294967296 elements, at most 2147483647 fit",
    ShapeError,
  );
});

Deno.test("64-bit integers that do not fit are refused, or read as float64", () => {
  const data = new Uint8Array(BigInt64Array.of(1n, 2n ** 31n).buffer);
  const file = npy(header("(2,)", "'<i8'"), data);
  assertNpyRefused(
    file,
    'element 1 is 2147483648, which int32 does not hold; pass { int64: "float64" } to read ' +
      "64-bit integers as float64",
    DtypeError,
  );
  const x = io.readNpy(file, { int64: "float64" });
  assertEquals([x.dtype, x.toArray()], ["float64", [1, 2 ** 31]]);
});

Deno.test("an archive is refused when anything in it is no array", () => {
  const data = new TextEncoder().encode("hello");
  const refuse = (file: Uint8Array, fault: string) =>
    assertRefused(() => io.readNpz(file), ArgumentError, `Cannot read npz${fault}`);
  refuse(zip([{ name: "a.txt", data, crc: crc32(data) }]), ': entry "a.txt" is no array');
  refuse(
    zip([{ name: "a.npy", data, crc: crc32(data) }]),
    ': array "a": it does not begin as NumPy\'s files do',
  );
  refuse(
    zip([{ name: "a.npy", data: io.writeNpy([1]) }]),
    ': entry "a.npy" cannot be used, its checksum is wrong; the file is damaged',
  );
  refuse(io.writeNpy([1]), ": it has no zip directory at its end; the file may be cut short");
});

Deno.test("arrays of any name are read from archives", () => {
  const names = ["__proto__", "arr_0", "", "a/b"];
  const entries = names.map((name, i) => {
    const data = io.writeNpy([i]);
    return { name: `${name}.npy`, data, crc: crc32(data) };
  });
  const read = io.readNpz(zip(entries));
  assertEquals(Object.entries(read).map(([name, x]) => [name, x.toArray()]), [
    ...names.map((name, i) => [name, [i]]),
  ]);
});

Deno.test("whatever becomes a tensor is written", () => {
  assertEquals(io.readNpy(io.writeNpy(2.5)).toArray(), 2.5);
  assertEquals(io.readNpy(io.writeNpy([true, false])).toArray(), [true, false]);
  assertEquals(io.readNpy(io.writeNpy(zeros([2, 2]))).toArray(), [[0, 0], [0, 0]]);
  assertRefused(
    () => io.writeNpy("x" as never),
    ArgumentError,
    'Cannot write npy: expected a tensor, number, boolean, nested array or typed array, got "x"',
  );
});

Deno.test("what is read is a constant under every transform", () => {
  const file = io.writeNpy([1, 2, 3]);
  const f = (x: Tensor) => io.readNpy(file).mul(x).sum();
  const x = tensor([2, 2, 2]);
  assertEquals(grad(f)(x).toArray(), [1, 2, 3]);
  assertEquals(jit(grad(f))(x).toArray(), [1, 2, 3]);
  assertEquals(vmap(f)(stack([x, x])).toArray(), [12, 12]);
  assertEquals(jvp(f, [x], [x])[1].toArray(), 12);
  assertEquals(vmap(jit(grad(f)))(stack([x, x])).toArray(), [[1, 2, 3], [1, 2, 3]]);
});

Deno.test("what is written is read, bit for bit", () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...DTYPES), shapes, fc.double(), (dtype, shape, first) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const values = Float64Array.from({ length: size }, (_, i) => first * (i + 1));
      const x = tensor(values).reshape(shape).astype(dtype);
      const read = io.readNpy(io.writeNpy(x));
      assertEquals([read.dtype, read.shape], [dtype, shape]);
      assertEquals(new Uint8Array(read.data().buffer), new Uint8Array(x.data().buffer));
    }),
    { seed: 20_240_501, numRuns: 100 },
  );
});
