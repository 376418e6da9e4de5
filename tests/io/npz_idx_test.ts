import {
  arange,
  ArgumentError,
  DtypeError,
  greater,
  io,
  jit,
  tensor,
  TraceError,
  zeros,
} from "../../mod.ts";
import { Budget } from "../../src/io/bytes.ts";
import { readZipDirectory, readZipEntry } from "../../src/io/zip.ts";
import { writeZip } from "../../src/io/zip_writer.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import fixture from "../fixtures/npz_idx.json" with { type: "json" };
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertThrows } from "../support/std.ts";
import { decodeBase64 } from "./support.ts";

const grid = arange(6).reshape(2, 3);
const exact = { rtol: 0, atol: 0 };

Deno.test("archives are written as numpy.savez writes them", () => {
  const several = {
    b: grid.astype("float64"),
    a: grid.astype("int32"),
    h: grid.astype("float16"),
    z: grid.astype("complex64"),
    t: greater(grid, 2),
    s: 1.5,
    e: zeros([0, 3], { dtype: "uint8" }),
  };
  const names = {
    "layers/0.weight": grid.astype("int8"),
    "é☃": grid.astype("uint16"),
    "": grid.astype("uint32"),
  };
  assertEquals(io.writeNpz({}), decodeBase64(fixture.npz.none));
  assertEquals(io.writeNpz(several), decodeBase64(fixture.npz.several));
  assertEquals(io.writeNpz(names), decodeBase64(fixture.npz.names));
  const read = io.readNpz(io.writeNpz(several));
  assertEquals(Object.keys(read), Object.keys(several));
  assertTensorsClose(read.z, several.z, exact);
});

Deno.test("zip files with fields of 64 bits are read back", () => {
  const entries = ["a", "b", "c"].map((name, i) => ({
    name,
    data: new Uint8Array(40 * i).fill(i),
  }));
  // Each limit moves other fields: sizes, places, those of the directory.
  for (const limit of [0, 50, 100, 150, 200, 300]) {
    const file = writeZip(entries, "Cannot write", limit);
    const read = [...readZipDirectory(file, "Cannot read").values()].map((entry) => ({
      name: entry.name,
      data: readZipEntry(file, entry, new Budget(file.length, ""), "Cannot read"),
    }));
    assertEquals(read, entries);
  }
  const many = Array.from({ length: 65536 }, (_, i) => ({ name: `${i}`, data: new Uint8Array(0) }));
  assertEquals(readZipDirectory(writeZip(many, "Cannot write"), "Cannot read").size, many.length);
});

Deno.test("what no archive can hold is refused", () => {
  assertRefused(
    () => io.writeNpz([1] as never),
    ArgumentError,
    "Cannot write npz: expected an object with names, got [1]",
  );
  for (const name of ["a\0b", "\ud800"]) {
    assertRefused(
      () => io.writeNpz({ [name]: 1 }),
      ArgumentError,
      "Cannot write npz: expected a name of valid Unicode without zeros, of at most 65535 bytes, " +
        `got ${JSON.stringify(`${name}.npy`)}`,
    );
  }
  const error = assertThrows(() => io.writeNpz({ x: "text" as never })) as Error;
  assertEquals(error.message.slice(0, 26), 'Cannot write npz: array "x');
  assertThrows(() => jit((x) => (io.writeNpz({ x }), x))(grid), TraceError);
});

for (const [dtype, text] of Object.entries(fixture.idx)) {
  Deno.test(`an IDX file of ${dtype} is read`, () => {
    const read = io.readIdx(decodeBase64(text));
    assertEquals(read.dtype, dtype);
    assertTensorsClose(read, tensor(fixture.values, { dtype: read.dtype }), exact);
  });
}

Deno.test("IDX files become what the option convert says", () => {
  const read = io.readIdx(decodeBase64(fixture.idx.uint8), { convert: { uint8: "float32" } });
  assertTensorsClose(read, tensor(fixture.values, { dtype: "float32" }), exact);
  assertEquals(io.readIdx(Uint8Array.of(0, 0, 9, 0, 255)).toArray(), -1);
});

Deno.test("IDX files are refused unless they hold what they say", () => {
  const refuse = (bytes: number[], fault: string, type: typeof ArgumentError = ArgumentError) =>
    assertRefused(() => io.readIdx(Uint8Array.from(bytes)), type, `Cannot read idx: ${fault}`);
  refuse([0, 0, 8], "expected at least 4 bytes, got 3; the file may be cut short");
  refuse([0, 1, 8, 0], "expected two zeros at its beginning, got 0 and 1");
  refuse(
    [0, 0, 10, 0],
    "expected elements of type 8, 9, 11, 12, 13, 14, got type 10",
    DtypeError as never,
  );
  refuse([0, 0, 8, 1, 0], "it ends within the lengths of its 1 axes; the file may be cut short");
  refuse(
    [0, 0, 11, 1, 0, 0, 0, 2, 0, 0],
    "shape [2] takes 4 bytes, 2 follow; the file may be cut short",
  );
  refuse([0, 0, 8, 1, 0, 0, 0, 0, 7], "shape [0] takes 0 bytes, 1 follow");
  refuse(
    [0x1f, 0x8b, 8, 0],
    'it is compressed; unpack it first with new DecompressionStream("gzip")',
  );
});

Deno.test("a compressed IDX file is unpacked as the documentation says", async () => {
  const file = decodeBase64(fixture.idx.int16);
  const through = (
    transform: CompressionStream | DecompressionStream,
    data: Uint8Array<ArrayBuffer>,
  ) => new Response(new Blob([data]).stream().pipeThrough(transform)).bytes();
  const packed = await through(new CompressionStream("gzip"), file);
  assertThrows(() => io.readIdx(packed), ArgumentError);
  const unpacked = await through(new DecompressionStream("gzip"), packed);
  assertTensorsClose(io.readIdx(unpacked), io.readIdx(file), exact);
});
