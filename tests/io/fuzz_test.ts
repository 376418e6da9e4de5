/**
 * Files with bytes changed, removed and added: each is read, or refused by one of the library's own
 * errors, soon and without much memory.
 *
 * @module
 */
import { complex, io, random, tensor } from "../../mod.ts";
import files from "../fixtures/io.json" with { type: "json" };
import extra from "../fixtures/npz_idx.json" with { type: "json" };
import reference from "../fixtures/torch_files.json" with { type: "json" };
import { assert } from "../support/std.ts";
import { decodeBase64, runOrRefuse } from "./support.ts";

/** How many changed files of each kind are read. */
const RUNS = 1500;

/** How long any of them may take, in milliseconds: far longer than any does, far shorter than a hang. */
const MAX_TIME = 5000;

/** Integers below a bound, the same in every run. */
function makeDraw(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * bound);
  };
}

type Draw = ReturnType<typeof makeDraw>;

/** A copy with something wrong in it. */
function mutate(file: Uint8Array, draw: Draw): Uint8Array {
  const at = draw(file.length);
  switch (draw(5)) {
    case 0:
      return file.slice(0, at);
    case 1:
      return Uint8Array.from([...file.subarray(0, at), ...file.subarray(at + draw(20))]);
    case 2:
      return Uint8Array.from([...file.subarray(0, at), draw(256), ...file.subarray(at)]);
    default: {
      const changed = file.slice();
      const within = draw(2) === 0 ? file.length : Math.min(file.length, 400);
      const extremes = [0, 0xff, 0x7f, 0x80];
      for (let i = draw(4); i >= 0; i--) {
        changed[draw(within)] = draw(3) === 0 ? extremes[draw(4)] : draw(256);
      }
      return changed;
    }
  }
}

/** Says that entries have no checksums, so that what is wrong in them is found by those who read. */
function dropChecksums(file: Uint8Array): Uint8Array {
  for (let at = 0; at + 20 < file.length; at++) {
    const isEntry = [0x50, 0x4b, 1, 2].every((byte, i) => file[at + i] === byte);
    if (isEntry) file.fill(0, at + 16, at + 20);
  }
  return file;
}

function fuzz(
  name: string,
  inputs: readonly { readonly name: string; readonly base64: string }[],
  read: (file: Uint8Array) => unknown,
): void {
  Deno.test(`${name} reads or refuses whatever is made of its files`, () => {
    const draw = makeDraw(7);
    const originals = inputs.map(({ name, base64 }) => ({ name, file: decodeBase64(base64) }))
      .filter(({ file }) => file.length > 0);
    let refused = 0;
    for (let i = 0; i < RUNS; i++) {
      const original = originals[draw(originals.length)];
      const file = mutate(original.file, draw);
      const start = performance.now();
      const error = runOrRefuse(() => read(file));
      const time = performance.now() - start;
      assert(time < MAX_TIME, `run ${i}, on ${original.name}, takes ${time} ms`);
      if (error === undefined) continue;
      refused++;
      assert(error.message.startsWith("Cannot read "), error.message);
      assert(error.message.length < 1000, error.message);
    }
    assert(refused > RUNS / 4 && refused < RUNS, `${refused} refused`);
  });
}

Deno.test("a file that is cut short anywhere is refused", () => {
  const cut: readonly (readonly [string, (file: Uint8Array) => unknown])[] = [
    [reference.files["mlp_zip.pth"], (file) => io.readTorch(file)],
    [reference.files["mlp_legacy.pth"], (file) => io.readTorch(file)],
    [reference.files["good.safetensors"], (file) => io.readSafetensors(file)],
    [files.npy[0].base64, (file) => io.readNpy(file)],
    [files.npz[0].base64, (file) => io.readNpz(file)],
    [extra.npz.several, (file) => io.readNpz(file)],
    [extra.idx.int16, (file) => io.readIdx(file)],
    [savedTree.base64, (file) => io.loadTree(file)],
  ];
  for (const [base64, read] of cut) {
    const file = decodeBase64(base64);
    read(file);
    for (let length = 0; length < file.length; length++) {
      const error = runOrRefuse(() => read(file.subarray(0, length)));
      assert(error !== undefined, `${length} of ${file.length} bytes are read`);
    }
  }
});

const references = Object.entries(reference.files).map(([name, base64]) => ({ name, base64 }));
const torch = [
  ...files.torch,
  ...files.refusedTorch,
  ...references.filter(({ name }) => name.endsWith(".pth")),
];
const saved = io.saveTree({
  params: [{ w: tensor([[1, 2], [3, 4]]) }, complex(tensor([1]), tensor([2]))],
  key: random.key(0),
  step: 7,
  rest: [null, undefined, NaN, "text", true],
});
const savedTree = { name: "tree", base64: btoa(String.fromCharCode(...saved)) };
const idx = Object.entries(extra.idx).map(([name, base64]) => ({ name, base64 }));
const wide = { int64: "float64", convert: { float16: "float32", uint8: "bfloat16" } } as const;

fuzz("readTorch", torch, (file) => io.readTorch(file, wide));
fuzz(
  "readTorch without checksums",
  torch,
  (file) => io.readTorch(dropChecksums(file), wide),
);
fuzz(
  "readSafetensors",
  [...files.safetensors, ...references.filter(({ name }) => name.endsWith(".safetensors"))],
  (file) => io.readSafetensors(file, wide),
);
fuzz(
  "readNpy",
  [...files.npy, ...files.written.npy, ...files.refusedNpy],
  (file) => io.readNpy(file, wide),
);
fuzz("readNpz", files.npz, (file) => io.readNpz(file, wide));
fuzz("readIdx", idx, (file) => io.readIdx(file, wide));
fuzz("loadTree", [savedTree], (file) => io.loadTree(file));
