/**
 * Files that PyTorch, safetensors and NumPy wrote, and what they hold.
 *
 * @module
 */
import { ArgumentError, DtypeError, io, nn, random, tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import files from "../fixtures/io.json" with { type: "json" };
import reference from "../fixtures/torch_files.json" with { type: "json" };
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertStrictEquals } from "../support/std.ts";
import { assertContents, decodeBase64 } from "./support.ts";

const { expected } = reference;

function referenceFile(name: keyof typeof reference.files): Uint8Array {
  return decodeBase64(reference.files[name]);
}

Deno.test("a state dictionary of PyTorch is read from both formats", () => {
  assertContents(io.readTorch(referenceFile("mlp_zip.pth")), expected.mlp);
  assertContents(io.readTorch(referenceFile("mlp_legacy.pth")), expected.mlp);
});

Deno.test("a network with the weights of a checkpoint computes what PyTorch did", () => {
  const model = nn.sequential(nn.linear(3, 4), nn.relu, nn.batchNorm(4), nn.linear(4, 2));
  const [template, templateState] = model.init(random.key(0));
  const weights = io.readTorch(referenceFile("mlp_zip.pth"));
  const [params, state] = nn.fromStateDict(weights, template, templateState);
  const { mlpInput, mlpOutput } = expected;
  const x = tensor(Float32Array.from(mlpInput.values)).reshape(mlpInput.shape);
  const y = tensor(Float32Array.from(mlpOutput.values)).reshape(mlpOutput.shape);
  assertTensorsClose(model.apply(params, state, x)[0], y, { rtol: 1e-5, atol: 1e-6 });
});

Deno.test("a nested checkpoint is read with its numbers, strings and lists", () => {
  const checkpoint = io.readTorch<{ model: io.TensorDict }>(referenceFile("checkpoint_zip.pth"));
  assertContents(checkpoint.model, expected.mlp);
  assertEquals({ ...checkpoint, model: null } as unknown, {
    epoch: 3,
    model: null,
    optimizer: {
      state: {},
      param_groups: [{
        lr: 0.1,
        momentum: 0.9,
        dampening: 0,
        weight_decay: 0,
        nesterov: false,
        maximize: false,
        foreach: null,
        differentiable: false,
        params: [0, 1, 2, 3, 4, 5],
      }],
    },
    note: "hello",
    history: [1.5, 2.5],
    pair: [1, null, true],
  });
});

Deno.test("all dtypes are read from both formats, views and shared storages among them", () => {
  for (const name of ["dtypes_zip.pth", "dtypes_legacy.pth"] as const) {
    const file = referenceFile(name);
    assertContents(io.readTorch(file, { int64: "float64" }), expected.dtypes, "float64");
    assertRefused(
      () => io.readTorch(file),
      DtypeError,
      "Cannot read this checkpoint: the tensor at .i64: element 2 is 1099511627776, which int32 " +
        'does not hold; pass { int64: "float64" } to read 64-bit integers as float64',
    );
  }
});

Deno.test("a safetensors file is read", () => {
  const { b, bf, s, e, ...rest } = io.readSafetensors(referenceFile("good.safetensors"));
  assertEquals(b.toArray(), [true, false]);
  assertEquals(bf.toArray(), [1.5, -3]);
  assertEquals(s.toArray(), 7);
  assertEquals(e.shape, [0, 3]);
  assertEquals(Object.keys(rest), ["a.weight", "h", "d", "i"]);
  assertEquals(rest["a.weight"].toArray(), [[1, 2, 3], [4, 5, 6]]);
});

Deno.test("hostile and broken files are refused", () => {
  const refusals: Readonly<Partial<Record<keyof typeof reference.files, string>>> = {
    "evil_zip.pth":
      "it names posix.system, and only tensors, numbers, strings and collections of them are " +
      "read; save a state_dict instead",
    "truncated_zip.pth": "it has no zip directory at its end; the file may be cut short",
    "truncated_legacy.pth": "it ends before its last storage; the file may be cut short",
    "overlap.safetensors":
      'tensor "a.weight" overlaps the one before it: it starts at byte 0, expected 4',
    "out_of_range.safetensors":
      'tensor "e" of dtype F32 and shape [0,3] takes 0 bytes, its offsets 1000 and 2000 span 1000',
    "wrong_size.safetensors":
      'tensor "a.weight" of dtype F32 and shape [2,4] takes 32 bytes, its offsets 0 and 24 span 24',
    "huge_header.safetensors":
      "its first bytes announce a header longer than the 100000000 bytes allowed; it may be a " +
      "file of another format",
    "not_json.safetensors": "it is not JSON at character 0",
  };
  for (const [name, fault] of Object.entries(refusals)) {
    const file = referenceFile(name as keyof typeof reference.files);
    const isTorch = name.endsWith(".pth");
    assertRefused(
      () => isTorch ? io.readTorch(file) : io.readSafetensors(file),
      ArgumentError,
      `Cannot read ${isTorch ? "this checkpoint" : "safetensors"}: ${fault}`,
    );
  }
});

for (const { name, base64, contents } of files.torch) {
  Deno.test(`a checkpoint is read: ${name}`, () => {
    const int64 = name.startsWith("wide") ? "float64" : "int32";
    assertContents(io.readTorch(decodeBase64(base64), { int64 }), contents, int64);
  });
}

const foreign = (name: string) =>
  `it names ${name}, and only tensors, numbers, strings and collections of them are read; ` +
  `save a state_dict instead`;
const unsupported = (name: string, kind: string) =>
  `it names ${name}, and ${kind} tensors are not supported; convert them before saving`;

const refusedTorch: Readonly<Record<string, string>> = {
  "module": foreign("torch.nn.modules.linear.Linear"),
  "complex": unsupported("torch.complex32", "half-precision complex"),
  "sparse": unsupported("torch._utils._rebuild_sparse_tensor", "sparse"),
  "quantised": unsupported("torch._utils._rebuild_qtensor", "quantised"),
  "float8": unsupported("torch.float8_e4m3fn", "8-bit floating-point"),
  "conjugate": "it calls torch._utils._rebuild_tensor_v2 with arguments that are not supported",
  "object": foreign("__main__.Foreign"),
  "numpy array": foreign("numpy._core.multiarray._reconstruct"),
  "meta": unsupported("torch._utils._rebuild_meta_tensor_no_storage", "wrapped or empty"),
  "long key":
    "it has a dictionary with a key that is no string, number or short tuple of them at the root",
  "two keys": 'it has two keys that read as "1" at the root',
  "float8 dtype and tensor": unsupported("torch.float8_e5m2", "8-bit floating-point"),
  "legacy module": foreign("torch.nn.modules.linear.Linear"),
  "endless list": "it has a collection that contains itself at [1]",
  "deep list": "it is nested deeper than 200 levels at [0][0][0][0][0][0][0][0][0][0][0][0]",
  "many values": "it unfolds to more than 4194304 values at [0][0][0][0][0][0][0][0][0][0][0][0]",
  "script": "it is a TorchScript archive, which holds code; save a state_dict instead",
  "tar":
    "it is a tar file, the format of PyTorch before 0.2; load and save it with a newer PyTorch",
  "big-endian": "it is big-endian, which is not supported; save it on a little-endian machine",
  "empty": "it is empty",
};

for (const { name, base64 } of files.refusedTorch) {
  Deno.test(`a checkpoint is refused: ${name}`, () => {
    const file = decodeBase64(base64);
    // More than fits memory, from a file of a few hundred bytes.
    const expanded =
      `it unfolds to more than ${2 ** 28 + 16 * file.length} bytes, the most for a file of its ` +
      `size; save it without compression and without expanded or repeated tensors`;
    assertRefused(
      () => io.readTorch(file),
      ArgumentError,
      `Cannot read this checkpoint: ${name === "expanded" ? expanded : refusedTorch[name]}`,
    );
  });
}

Deno.test("views of one storage that are equal are one tensor", () => {
  const find = (name: string) =>
    decodeBase64(files.torch.find((file) => file.name === name)!.base64);
  const tied = io.readTorch(find("tied, zip"));
  assertStrictEquals(tied.encoder, tied.decoder);
  const shared = io.readTorch(find("shared, legacy"));
  assertStrictEquals(shared.all, shared.again);
});

Deno.test("an expanded element is held as one", () => {
  const file = files.torch.find(({ name }) => name === "views, zip")!;
  const { expanded } = io.readTorch(decodeBase64(file.base64));
  assertEquals(expanded.concrete("count").held, 1);
  assertEquals(expanded.toArray(), [[7, 7, 7, 7], [7, 7, 7, 7], [7, 7, 7, 7]]);
});

for (const { name, base64, contents, metadata } of files.safetensors) {
  Deno.test(`safetensors are read: ${name}`, () => {
    const file = decodeBase64(base64);
    assertContents(io.readSafetensors(file), contents);
    assertEquals(io.readSafetensorsMetadata(file) as object, metadata);
  });
}

Deno.test("tensors are converted while they are read, by their dtypes in the file", () => {
  const read = (convert: NonNullable<io.ReadOptions["convert"]>) =>
    io.readSafetensors(decodeBase64(files.safetensors[0].base64), { convert });
  const kept = read({});
  const { bf16, f16, f32, u8, u16, i64 } = read({
    bfloat16: "float32",
    float16: "bfloat16",
    float32: "float16",
    uint8: "int8",
    uint16: "float64",
  });
  assertEquals(
    [bf16, f16, f32, u8, u16, i64].map(({ dtype }) => dtype),
    ["float32", "bfloat16", "float16", "int8", "float64", "int32"],
  );
  assertEquals(bf16.data(), kept.bf16.astype("float32").data());
  assertEquals(f16.data(), kept.f16.astype("bfloat16").data());
  assertEquals(f32.data(), kept.f32.astype("float16").data());
  assertEquals([u8.toArray(), u16.toArray()], [[-1], [65535]]);

  const npy = decodeBase64(files.npy.find(({ name }) => name === "uint8 >")!.base64);
  assertEquals(io.readNpy(npy, { convert: { uint8: "float32" } }).dtype, "float32");
  const npz = decodeBase64(files.npz[1].base64);
  assertEquals(io.readNpz(npz, { convert: { bool: "uint8" } }).mask.dtype, "uint8");
  const { expanded } = io.readTorch(
    decodeBase64(files.torch.find(({ name }) => name === "views, zip")!.base64),
    { convert: { float32: "bfloat16" } },
  );
  assertEquals([expanded.dtype, expanded.concrete("count").held], ["bfloat16", 1]);
});

Deno.test("conversions to or from what is no dtype are refused", () => {
  const file = io.writeNpy([1]);
  for (
    const [convert, shown] of [
      [{ float8: "float32" }, '"float8"'],
      [{ float16: "half" }, '"half"'],
      [{ float16: 32 }, "32"],
      [{ int64: "float64" }, '"int64"'],
      ["float32", '"float32"'],
      [null, "null"],
    ] as const
  ) {
    assertRefused(
      () => io.readNpy(file, { convert: convert as never }),
      ArgumentError,
      "Cannot read npy: convert must be an object from dtypes to dtypes, as { bfloat16: " +
        `"float32" }, got ${shown}`,
    );
  }
});

Deno.test("small elements take as much memory as in the file", () => {
  const images = io.readNpy(io.writeNpy(new Uint8Array(28 * 28 * 64)));
  assertEquals([images.dtype, images.data().byteLength], ["uint8", 28 * 28 * 64]);
  const weights = { w: tensor([1.5, -2]).astype("bfloat16"), h: tensor([0.1]).astype("float16") };
  const read = io.readSafetensors(io.writeSafetensors(weights));
  assertEquals([read.w.dtype, read.w.data()], ["bfloat16", Uint16Array.of(0x3fc0, 0xc000)]);
  assertEquals([read.h.dtype, read.h.toArray()], ["float16", weights.h.toArray()]);
});

for (const { name, base64, metadata } of files.safetensors.slice(1)) {
  Deno.test(`safetensors are written as the Python package writes them: ${name}`, () => {
    const file = decodeBase64(base64);
    const options = Object.keys(metadata).length > 0 ? { metadata: { format: "pt" } } : {};
    assertEquals(io.writeSafetensors(io.readSafetensors(file), options), file);
  });
}

for (const { name, base64, contents } of files.npy) {
  Deno.test(`an array is read: ${name}`, () => {
    assertContents(io.readNpy(decodeBase64(base64)), contents);
    assertContents(
      io.readNpy(decodeBase64(base64), { int64: "float64" }),
      contents,
      "float64",
    );
  });
}

for (const { name, base64, contents } of files.written.npy) {
  Deno.test(`an array is written as NumPy writes it: ${name}`, () => {
    const file = decodeBase64(base64);
    const x = io.readNpy(file);
    assertContents(x, contents);
    assertEquals(io.writeNpy(x), file);
  });
}

const refusedNpy: Readonly<Record<string, string>> = {
  "objects": '"|O" (Python objects)',
  "complex": '"<c32" (complex numbers of that size)',
  "strings": '"<U2" (strings)',
  "bytes": '"|S2" (bytes)',
  "dates": '"<M8[D]" (dates)',
};

for (const { name, base64 } of files.refusedNpy) {
  Deno.test(`an array is refused: ${name}`, () => {
    assertRefused(
      () => io.readNpy(decodeBase64(base64)),
      DtypeError,
      name === "structured"
        ? "Cannot read npy: structured dtypes are not supported; save each field on its own"
        : `Cannot read npy: dtype ${refusedNpy[name]} is not supported; convert it with astype ` +
          `before saving`,
    );
  });
}

for (const { name, base64, contents } of files.npz) {
  Deno.test(`an archive of arrays is read: ${name}`, () => {
    assertContents(io.readNpz(decodeBase64(base64)), contents);
  });
}
