import { ArgumentError } from "../../mod.ts";
import { Budget } from "../../src/io/bytes.ts";
import { crc32 } from "../../src/base/crc32.ts";
import { inflate } from "../../src/io/inflate.ts";
import { readZipDirectory, readZipEntry } from "../../src/io/zip.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";
import { join, uint, zip } from "./build.ts";
import type { EntryOptions, ZipOptions } from "./build.ts";

const what = "Cannot read it";
const data = new TextEncoder().encode("hello, hello, hello");
const crc = crc32(data);

function contentsOf(file: Uint8Array): Record<string, Uint8Array> {
  const budget = new Budget(file.length, what);
  return Object.fromEntries(
    [...readZipDirectory(file, what)].map((
      [name, entry],
    ) => [name, readZipEntry(file, entry, budget, what)]),
  );
}

function assertZipRefused(file: Uint8Array, fault: string): void {
  assertRefused(() => contentsOf(file), ArgumentError, `${what}: ${fault}`);
}

/** What the runtime's own compressor makes of `bytes`. */
async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function fail(fault: string): Error {
  return new ArgumentError(fault);
}

/** Bytes that repeat themselves now and then; the same in every run. */
function makeText(length: number, letters: number): Uint8Array<ArrayBuffer> {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) % letters;
  });
}

Deno.test("the checksum is the one of zip files", () => {
  // The check value of the catalogues of checksums.
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assertEquals(crc32(new Uint8Array(0)), 0);
});

Deno.test("entries are read with and without fields of 64 bits, descriptors and comments", () => {
  const entries: EntryOptions[] = [{ name: "a", data, crc }, { name: "b/c", data: join(), crc: 0 }];
  const forms: ZipOptions[] = [
    {},
    { wide: true },
    { descriptors: true },
    { comment: "PK\x05\x06 is how an end begins" },
    { wide: true, descriptors: true, comment: "x" },
  ];
  for (const form of forms) {
    assertEquals(contentsOf(zip(entries, form)), { "a": data, "b/c": join() });
  }
});

Deno.test("stored entries are views of the file", () => {
  const file = zip([{ name: "a", data, crc }]);
  assertEquals(contentsOf(file).a.buffer === file.buffer, true);
});

Deno.test("compressed entries are decompressed", async () => {
  const packed = await deflate(data);
  const entry = { name: "a", data: packed, crc, method: 8, size: data.length };
  assertEquals(contentsOf(zip([entry])), { a: data });
});

Deno.test("what the runtime compresses is decompressed to the same bytes", async () => {
  const texts = [
    join(),
    Uint8Array.of(7),
    new Uint8Array(100_000),
    makeText(70_000, 256),
    makeText(200_000, 3),
    makeText(50_000, 20),
    join(makeText(3000, 60), makeText(3000, 60), makeText(40_000, 200), makeText(3000, 60)),
  ];
  for (const bytes of texts) {
    assertEquals(inflate(await deflate(bytes), bytes.length, fail), bytes);
  }
});

Deno.test("blocks of all kinds are decompressed", () => {
  // Stored: last block, kind 0, the length and its complement.
  const stored = join(1, uint(5, 2), uint(0xffff - 5, 2), "hello");
  assertEquals(inflate(stored, 5, fail), new TextEncoder().encode("hello"));
  // Fixed codes: nothing but the end of the block.
  assertEquals(inflate(Uint8Array.of(3, 0), 0, fail), join());
});

Deno.test("broken compressed data is refused", async () => {
  const packed = await deflate(makeText(5000, 20));
  const refuse = (bytes: Uint8Array, size: number, fault: string) =>
    assertRefused(() => inflate(bytes, size, fail), ArgumentError, fault);
  refuse(packed.subarray(0, packed.length >> 1), 5000, "its compressed data is broken");
  refuse(packed, 4999, "it holds more than 4999 bytes");
  refuse(packed, 5001, "it holds 5000 bytes instead of 5001");
  refuse(
    packed,
    2 ** 40,
    `its ${packed.length} compressed bytes cannot hold the ${2 ** 40} announced`,
  );
  // A block of the kind that there is not; a copy from before the beginning.
  refuse(Uint8Array.of(7), 1, "its compressed data is broken");
  refuse(Uint8Array.of(0x03, 0x02, 0x00), 3, "its compressed data is broken");
  // A stored block whose length and complement disagree.
  refuse(join(1, uint(5, 2), uint(5, 2), "hello"), 5, "its compressed data is broken");
});

Deno.test("broken zip files are refused", () => {
  const file = zip([{ name: "a", data, crc }]);
  assertZipRefused(
    file.subarray(0, -1),
    "it has no zip directory at its end; the file may be cut short",
  );
  assertZipRefused(join(), "it has no zip directory at its end; the file may be cut short");
  assertZipRefused(file.subarray(1), "its zip directory lies outside of the file");
  assertZipRefused(zip([{ name: "a", data, flags: 1 }]), 'entry "a" is encrypted');
  assertZipRefused(
    zip([{ name: "a", data, method: 12 }]),
    'entry "a" is compressed by method 12, expected 0 (stored) or 8 (deflated)',
  );
  assertZipRefused(
    zip([{ name: "a", data, size: 5 }]),
    'entry "a" is stored, but its two sizes differ',
  );
  assertZipRefused(
    zip([{ name: "a", data, size: 5000, packed: 5000 }]),
    'entry "a" lies outside of the file',
  );
  assertZipRefused(zip([{ name: "a", data }, { name: "a", data }]), 'it has two entries "a"');
  assertZipRefused(
    zip([{ name: "a", data, crc: 1 }]),
    'entry "a" cannot be used, its checksum is wrong; the file is damaged',
  );
  assertZipRefused(
    zip([{ name: "a", data, method: 8, size: 2 ** 20 }]),
    `entry "a" cannot be used, its ${data.length} compressed bytes cannot hold the ${2 ** 20} ` +
      `announced`,
  );
});

Deno.test("entries that unfold to more than their file may are refused before they do", () => {
  // As much as its size allows, but more than a file of this size may take.
  const data = new Uint8Array(2 ** 19);
  assertZipRefused(
    zip([{ name: "a", data, method: 8, size: 1000 * 2 ** 19 }]),
    `it unfolds to more than ${2 ** 28 + 16 * (2 ** 19 + 100)} bytes, the most for a file of its ` +
      `size; save it without compression and without expanded or repeated tensors`,
  );
});

Deno.test("a directory that claims more than the file holds is refused", () => {
  const file = zip([{ name: "a", data, crc }]);
  const end = file.length - 22;
  const withField = (field: number, value: number, width: number) => {
    const changed = file.slice();
    changed.set(uint(value, width), end + field);
    return changed;
  };
  const outside = "its zip directory lies outside of the file";
  assertZipRefused(withField(10, 0xffff, 2), outside);
  assertZipRefused(withField(12, 0xfffffff0, 4), outside);
  assertZipRefused(withField(16, 0xfffffff0, 4), outside);
  assertZipRefused(withField(16, 1, 4), "entry 0 of its zip directory is broken");
  const wide = zip([{ name: "a", data, crc }], { wide: true });
  wide.set(uint(2n ** 60n, 8), wide.length - 22 - 20 + 8);
  assertZipRefused(wide, "the end of its zip directory is broken");
});
