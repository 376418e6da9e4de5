import fc from "fast-check";
import {
  ArgumentError,
  DtypeError,
  grad,
  io,
  ShapeError,
  tensor,
  TraceError,
  tree,
  vmap,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { DTYPES } from "../../src/base/dtype.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";
import { safetensors } from "./build.ts";

const eight = new Uint8Array(8);

function assertFileRefused(
  file: Uint8Array,
  fault: string,
  type: typeof ArgumentError | typeof DtypeError | typeof ShapeError = ArgumentError,
): void {
  assertRefused(() => io.readSafetensors(file), type, `Cannot read safetensors${fault}`);
}

/** A file of eight bytes of elements, and a header of entries. */
function fileOf(...entries: readonly string[]): Uint8Array {
  return safetensors(`{${entries.join(",")}}`, eight);
}

function entry(name: string, dtype: string, shape: string, start: number, end: number): string {
  return `"${name}":{"dtype":"${dtype}","shape":${shape},"data_offsets":[${start},${end}]}`;
}

Deno.test("tensors may stand in any order and the header may end in blanks", () => {
  const file = safetensors(
    `{ ${entry("b", "F32", "[1]", 4, 8)} , ${entry("a", "F32", "[]", 0, 4)} }   \n`,
    new Uint8Array(Float32Array.of(1.5, 2.5).buffer),
  );
  const { a, b, ...rest } = io.readSafetensors(file);
  assertEquals([a.toArray(), b.toArray(), rest], [1.5, [2.5], {}]);
});

Deno.test("bytes may begin anywhere in their buffer", () => {
  const file = fileOf(entry("a", "F64", "[1]", 0, 8));
  const moved = new Uint8Array(file.length + 3);
  moved.set(file, 3);
  assertEquals(io.readSafetensors(moved.subarray(3)).a.toArray(), [0]);
  assertEquals(io.readSafetensors(moved.slice(3).buffer).a.toArray(), [0]);
});

Deno.test("files that do not hold what their header says are refused", () => {
  const whole = entry("a", "F64", "[1]", 0, 8);
  assertFileRefused(
    new Uint8Array(7),
    ": expected at least 8 bytes, got 7; the file may be cut short",
  );
  assertFileRefused(
    fileOf(whole).subarray(0, 20),
    ": its header of 54 bytes does not fit in the 12 that follow; the file may be cut short",
  );
  assertFileRefused(
    fileOf(whole).subarray(0, -1),
    ': tensor "a" ends at byte 8 of 7; the file may be cut short',
  );
  assertFileRefused(fileOf(entry("a", "F32", "[1]", 0, 4)), ": 4 bytes belong to no tensor");
  assertFileRefused(
    fileOf(entry("a", "F32", "[1]", 4, 8)),
    ': tensor "a" leaves a hole after the one before it: it starts at byte 4, expected 0',
  );
  assertFileRefused(
    fileOf(whole, entry("b", "F32", "[1]", 4, 8)),
    ': tensor "b" overlaps the one before it: it starts at byte 4, expected 8',
  );
  assertFileRefused(
    fileOf(entry("a", "F64", "[1]", 8, 0)),
    ': tensor "a" of dtype F64 and shape [1] takes 8 bytes, its offsets 8 and 0 span -8',
  );
});

Deno.test("headers that are none are refused", () => {
  const whole = entry("a", "F64", "[1]", 0, 8);
  assertFileRefused(safetensors("[]"), ": its header is not a JSON object");
  assertFileRefused(safetensors(" {}"), ": its header is not a JSON object");
  assertFileRefused(safetensors(""), ": its JSON ends too early");
  assertFileRefused(safetensors('{"a":'), ": its JSON ends too early");
  assertFileRefused(safetensors("{}x"), ": it is not JSON at character 2");
  assertFileRefused(safetensors('{"a":NaN}'), ": it is not JSON at character 5");
  assertFileRefused(safetensors('{"a\n":1}'), ": it is not JSON at character 1");
  assertFileRefused(safetensors(Uint8Array.of(0x7b, 0xff)), ": its header is not UTF-8 text");
  assertFileRefused(
    safetensors("[".repeat(1000)),
    ": its JSON is nested deeper than 32 levels",
  );
  assertFileRefused(fileOf(whole, whole), ': its JSON has the key "a" twice');
  assertFileRefused(
    fileOf(`"a":{"dtype":"F64","dtype":"F64","shape":[1],"data_offsets":[0,8]}`),
    ': its JSON has the key "dtype" twice',
  );
  assertFileRefused(
    fileOf('"__metadata__":{"x":1}', whole),
    ": its __metadata__ is not an object of strings",
  );
});

Deno.test("entries that describe no tensor are refused", () => {
  const incomplete = ': tensor "a" must have dtype, shape and data_offsets';
  assertFileRefused(fileOf('"a":1'), incomplete);
  assertFileRefused(fileOf('"a":{"dtype":"F64","shape":[1]}'), incomplete);
  assertFileRefused(fileOf('"a":{"dtype":1,"shape":[1],"data_offsets":[0,8]}'), incomplete);
  const offsets = ': tensor "a" must have two offsets that are non-negative integers';
  for (const given of ["[0]", "[0,8,8]", "[-8,0]", '["0","8"]', `[0,${"9".repeat(30)}]`]) {
    assertFileRefused(fileOf(`"a":{"dtype":"F64","shape":[1],"data_offsets":${given}}`), offsets);
  }
  // The reference reads lengths and offsets as integers: forms that only have integer values are none.
  for (const number of ["1e0", "1.0", "1E+0", "-0", "10e-1", "0.5", "1e300"]) {
    const message = `: its JSON has the number ${number}, expected digits alone`;
    assertFileRefused(fileOf(entry("a", "F64", `[${number}]`, 0, 8)), message);
    assertFileRefused(
      fileOf(`"a":{"dtype":"F64","shape":[1],"data_offsets":[0,${number}]}`),
      message,
    );
  }
  assertFileRefused(
    fileOf(entry("a", "F8_E4M3", "[8]", 0, 8)),
    ': tensor "a" has dtype "F8_E4M3", expected one of F64, F32, F16, BF16, I64, I32, I16, I8, ' +
      "U64, U32, U16, U8, BOOL, C64; convert it before saving",
    DtypeError,
  );
  assertFileRefused(
    fileOf(entry("a", "F64", "[-1]", 0, 8)),
    ': tensor "a": axis 0 must be a non-negative integer, got -1',
    ShapeError,
  );
  assertFileRefused(
    fileOf(entry("a", "F64", "[4294967296,4294967296]", 0, 8)),
    ': tensor "a": shape [4294967296,4294967296] has 18446744073709552000 elements, at most ' +
      "2147483647 fit",
    ShapeError,
  );
});

Deno.test("64-bit integers that do not fit are refused by name, or read as float64", () => {
  const file = safetensors(
    `{${entry("steps", "I64", "[1]", 0, 8)}}`,
    new Uint8Array(BigInt64Array.of(-(2n ** 40n)).buffer),
  );
  assertFileRefused(
    file,
    ': tensor "steps": element 0 is -1099511627776, which int32 does not hold; pass { int64: ' +
      '"float64" } to read 64-bit integers as float64',
    DtypeError,
  );
  const { steps } = io.readSafetensors(file, { int64: "float64" });
  assertEquals([steps.dtype, steps.toArray()], ["float64", [-(2 ** 40)]]);
});

Deno.test("tensors of any name are read and written, and change nothing else", () => {
  const names = ["__proto__", "constructor", "toString", "", "☃", '"', "a\nb", "0"];
  const dict = Object.fromEntries(names.map((name, i) => [name, tensor([i])]));
  const read = io.readSafetensors(io.writeSafetensors(dict));
  assertEquals(Object.keys(read).sort(), [...names].sort());
  for (const [i, name] of names.entries()) {
    assertEquals(Object.getOwnPropertyDescriptor(read, name)!.value.toArray(), [i]);
  }
  assertEquals(Object.getPrototypeOf(read), Object.prototype);
  assertEquals(tree.leaves(read).length, names.length);
});

Deno.test("tensors do not change with the bytes that they were read from", () => {
  const file = fileOf(entry("a", "F64", "[1]", 0, 8));
  const { a } = io.readSafetensors(file);
  file.fill(0xff);
  assertEquals(a.toArray(), [0]);
});

Deno.test("writing refuses what is no dictionary of tensors", () => {
  const refuse = (dict: unknown, options: unknown, message: string) =>
    assertRefused(
      () => io.writeSafetensors(dict as io.TensorDict, options as io.WriteSafetensorsOptions),
      ArgumentError,
      `Cannot write safetensors: ${message}`,
    );
  const a = tensor([1]);
  refuse(a, {}, "expected an object with names, got float32[1]");
  refuse([a], {}, "expected an object with names, got [float32[1]]");
  refuse(null, {}, "expected an object with names, got null");
  refuse(
    { __metadata__: a },
    {},
    "__metadata__ names no tensor; pass it as the option metadata",
  );
  refuse({ "\ud800": a }, {}, 'the name "\\ud800" is not valid Unicode');
  refuse(
    { a },
    { metadata: { x: 1 } },
    'metadata must be strings of valid Unicode, got 1 at "x"',
  );
  refuse(
    { a },
    { meta: {} },
    'there is no option "meta", the options are metadata',
  );
});

Deno.test("traced tensors are read under grad, where they have a value, and refused elsewhere", () => {
  const size = (x: Tensor) => (io.writeSafetensors({ x }), x.sum());
  assertEquals(grad(size)(tensor([1, 2])).toArray(), [1, 1]);
  assertRefused(
    () => vmap((x: Tensor) => (io.writeSafetensors({ x }), x))(tensor([1, 2])),
    TraceError,
    "Cannot write float32[] while vmap traces it: its value is not known yet; choose between " +
      "values with where, and between computations with cond or whileLoop",
  );
});

Deno.test("splats are written in full", () => {
  const { x } = io.readSafetensors(io.writeSafetensors({ x: zeros([2, 3]) }));
  assertEquals(x.toArray(), [[0, 0, 0], [0, 0, 0]]);
});

Deno.test("what is written is read, bit for bit", () => {
  const entries = fc.uniqueArray(
    fc.record({
      name: fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__"),
      dtype: fc.constantFrom(...DTYPES),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      first: fc.integer({ min: -10, max: 10 }),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  );
  const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true });
  fc.assert(
    fc.property(entries, metadata, (list, metadata) => {
      const dict = Object.fromEntries(list.map(({ name, dtype, shape, first }) => {
        const size = shape.reduce((product, length) => product * length, 1);
        const values = Float64Array.from({ length: size }, (_, i) => first + i / 3);
        return [name, tensor(values).reshape(shape).astype(dtype)];
      }));
      const file = io.writeSafetensors(dict, { metadata });
      assertEquals(file.length % 8 === 0 || Object.values(dict).length > 0, true);
      const read = io.readSafetensors(file);
      assertEquals(Object.keys(read).sort(), Object.keys(dict).sort());
      for (const { name, dtype, shape } of list) {
        assertEquals([read[name].dtype, read[name].shape], [dtype, shape]);
        assertEquals(read[name].data(), dict[name].data());
      }
      assertEquals({ ...io.readSafetensorsMetadata(file) }, { ...metadata });
      // The same tensors in another order give the same bytes.
      const reversed = Object.fromEntries(Object.entries(read).reverse());
      assertEquals(io.writeSafetensors(reversed, { metadata }), file);
    }),
    { seed: 20_240_501, numRuns: 60 },
  );
});
