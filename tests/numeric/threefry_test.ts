import { assert, assertEquals, assertThrows } from "../support/std.ts";
import { threefry2x32, threefry2x32Into } from "../../src/numeric/threefry.ts";
import random from "../fixtures/random.json" with { type: "json" };

// The published answers of Random123's `kat_vectors` for threefry2x32 with 20 rounds.
const KNOWN_ANSWERS = [
  { key: [0, 0], counter: [0, 0], answer: [0x6b200159, 0x99ba4efe] },
  {
    key: [0xffffffff, 0xffffffff],
    counter: [0xffffffff, 0xffffffff],
    answer: [0x1cb996fc, 0xbb002be7],
  },
  {
    key: [0x13198a2e, 0x03707344],
    counter: [0x243f6a88, 0x85a308d3],
    answer: [0xc4923a9c, 0x483df7a0],
  },
];

/** Words with no pattern that the function could share. */
function scrambled(length: number, seed: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => Math.imul(i + seed, 0x9e3779b1) ^ (seed << 7));
}

Deno.test("threefry2x32 gives Random123's known answers", () => {
  for (const { key, counter, answer } of KNOWN_ANSWERS) {
    assertEquals([...threefry2x32(key[0], key[1], counter[0], counter[1])], answer);
  }
});

Deno.test("threefry2x32Into gives Random123's known answers", () => {
  const column = (name: "key" | "counter" | "answer", i: number) =>
    Uint32Array.from(KNOWN_ANSWERS, (known) => known[name][i]);
  const out0 = new Uint32Array(3);
  const out1 = new Uint32Array(3);
  threefry2x32Into(
    out0,
    out1,
    column("key", 0),
    column("key", 1),
    column("counter", 0),
    column("counter", 1),
  );
  assertEquals([out0, out1], [column("answer", 0), column("answer", 1)]);
});

Deno.test("threefry2x32 under a seed's key splits and folds as JAX does", () => {
  for (const { key: [k0, k1], split, foldIn } of random.seeds) {
    const children = Array.from({ length: 6 }, (_, i) => threefry2x32(k0, k1, 0, i));
    assertEquals(children.flat(), split["2,3"]);
    for (const [data, key] of Object.entries(foldIn)) {
      assertEquals([...threefry2x32(k0, k1, 0, Number(data))], key);
    }
  }
});

Deno.test("threefry2x32Into repeats inputs of length 1 in every combination", () => {
  const size = 37;
  for (let combination = 0; combination < 16; combination++) {
    const [k0, k1, x0, x1] = [0, 1, 2, 3].map((i) =>
      scrambled((combination >> i) & 1 ? size : 1, 11 * i + 3)
    );
    const at = (values: Uint32Array, i: number) => values[values.length === 1 ? 0 : i];
    const out0 = new Uint32Array(size);
    const out1 = new Uint32Array(size);
    threefry2x32Into(out0, out1, k0, k1, x0, x1);
    for (let i = 0; i < size; i++) {
      const want = threefry2x32(at(k0, i), at(k1, i), at(x0, i), at(x1, i));
      assertEquals([out0[i], out1[i]], [...want]);
    }
  }
});

Deno.test("threefry2x32Into may write over its inputs", () => {
  const size = 9;
  const key = [scrambled(size, 1), scrambled(size, 2)];
  const counter = [scrambled(size, 3), scrambled(size, 4)];
  const want = [new Uint32Array(size), new Uint32Array(size)];
  threefry2x32Into(want[0], want[1], key[0], key[1], counter[0], counter[1]);
  threefry2x32Into(counter[0], counter[1], key[0], key[1], counter[0], counter[1]);
  assertEquals(counter, want);
  counter[0].set(scrambled(size, 3));
  counter[1].set(scrambled(size, 4));
  threefry2x32Into(key[1], key[0], key[0], key[1], counter[0], counter[1]);
  assertEquals([key[1], key[0]], want);
});

Deno.test("threefry2x32Into takes empty outputs", () => {
  const empty = new Uint32Array(0);
  const one = new Uint32Array(1);
  threefry2x32Into(empty, new Uint32Array(0), one, one, empty, one);
  assertEquals(one[0], 0);
});

Deno.test("threefry2x32Into refuses lengths that do not fit", () => {
  const [one, two, three] = [1, 2, 3].map((length) => new Uint32Array(length));
  assertThrows(
    () => threefry2x32Into(three, two, one, one, one, one),
    RangeError,
    "Cannot run Threefry: the outputs must have equal lengths, got 3 and 2",
  );
  assertThrows(
    () => threefry2x32Into(three, three, one, two, one, one),
    RangeError,
    "Cannot run Threefry: k1 must have length 1 or 3, got 2",
  );
  assertThrows(
    () => threefry2x32Into(three, three, one, one, three, new Uint32Array(0)),
    RangeError,
    "Cannot run Threefry: x1 must have length 1 or 3, got 0",
  );
});

Deno.test("one flipped bit of the counter changes about half of the output", () => {
  let flips = 0;
  let total = 0;
  for (let bit = 0; bit < 32; bit++) {
    for (let i = 0; i < 32; i++) {
      const [a0, a1] = threefry2x32(7, 42, 0, i);
      const [b0, b1] = threefry2x32(7, 42, 0, (i ^ (1 << bit)) >>> 0);
      for (const difference of [a0 ^ b0, a1 ^ b1]) {
        for (let rest = difference >>> 0; rest !== 0; rest &= rest - 1) flips++;
        total += 32;
      }
    }
  }
  assert(Math.abs(flips / total - 0.5) < 0.01, `${flips} of ${total} bits`);
});
