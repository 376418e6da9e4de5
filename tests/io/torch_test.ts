import { ArgumentError, io, ShapeError, tree } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";
import { checkpoint, floats, int, join, storage, text, tuple, uint, zip } from "./build.ts";
import type { Part } from "./build.ts";

const four = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

/** A pickle of what these instructions push. */
function pickle(...parts: Part[]): Uint8Array {
  return join(0x80, 2, ...parts, ".");
}

function read(...parts: Part[]): unknown {
  return io.readTorch<unknown>(checkpoint(pickle(...parts), { 0: four }));
}

function assertTorchRefused(
  parts: readonly Part[],
  fault: string,
  type: typeof ArgumentError | typeof ShapeError = ArgumentError,
): void {
  assertRefused(() => read(...parts), type, `Cannot read this checkpoint: ${fault}`);
}

Deno.test("the instructions of the first protocols are read", () => {
  assertEquals(read("(I1\nI01\nI00\nL123456789012345678901L\nI-5\nU", 2, "abNl"), [
    1,
    true,
    false,
    123456789012345678901n,
    -5,
    "ab",
    null,
  ]);
  assertEquals(read("(", text("a"), int(1), "d"), { a: 1 });
  assertEquals(read("N(I1\nI2\n1"), null);
});

Deno.test("parameters as PyTorch wrote them before 0.4 are read", () => {
  const state = tuple(join(0x88), join(0x89), join("ccollections\nOrderedDict\n)R"));
  const data = floats(4, 0, [4], [1]);
  const value = read("ctorch.nn.parameter\nParameter\n", data, 0x85, "R", state, "b");
  assertEquals((value as Tensor).toArray(), [1, 2, 3, 4]);
  const tensor = [
    "ctorch._utils\n_rebuild_tensor\n",
    tuple(storage(4), int(1), tuple(int(2)), tuple(int(2))),
  ];
  assertEquals((read(...tensor, "R") as Tensor).toArray(), [2, 4]);
});

Deno.test("in the legacy format a storage may be part of another", () => {
  const legacy = (length: number, offset: number, size: number, shape: number) => {
    const type = join("ctorch\nFloatStorage\n");
    const view = tuple(text("9"), int(offset), int(size));
    const part = tuple(text("storage"), type, text("0"), text("cpu"), int(length), view);
    const data = tuple(join(part, "Q"), int(0), tuple(int(shape)), tuple(int(1)));
    return join(
      pickle(0x8a, 10, uint(0x1950a86a20f9469cfc6cn, 10)),
      pickle(int(1001)),
      pickle("}", text("little_endian"), 0x88, "s"),
      pickle("ctorch._utils\n_rebuild_tensor\n", data, "R"),
      pickle("](", text("0"), "e"),
      uint(4, 8),
      four,
    );
  };
  assertEquals(io.readTorch<Tensor>(legacy(4, 1, 3, 2)).toArray(), [2, 3]);
  const refuse = (file: Uint8Array, fault: string) =>
    assertRefused(() => io.readTorch(file), ArgumentError, `Cannot read this checkpoint: ${fault}`);
  refuse(legacy(4, 1, 4, 2), "it refers to what is no part of a storage");
  refuse(
    legacy(4, 1, 2, 3),
    "the tensor at the root: its elements 0 to 2 with shape [3] lie outside of its storage of 2",
  );
  refuse(legacy(5, 1, 3, 2), 'its storage "0" has 4 elements, expected 5');
});

Deno.test("numbers of NumPy are read from both of its names, little-endian alone", () => {
  const number = (core: string, order: string) => [
    `cnumpy.${core}.multiarray\nscalar\n(cnumpy\ndtype\n`,
    tuple(text("f8"), join(0x89), join(0x88)),
    "R",
    tuple(int(3), text(order), join("N"), join("N"), join("N"), int(-1), int(-1), int(0)),
    "bC",
    8,
    new Uint8Array(Float64Array.of(0.25).buffer),
    "tR",
  ];
  assertEquals(read(...number("core", "<")), 0.25);
  assertEquals(read(...number("_core", "<")), 0.25);
  assertTorchRefused(number("core", ">"), "its pickle sets attributes that are not supported");
  assertTorchRefused(
    ["cnumpy\ndtype\n", tuple(text("O8"), join(0x89), join(0x88)), "R"],
    "it calls numpy.dtype with arguments that are not supported",
  );
});

Deno.test("integers keep all of their digits", () => {
  assertEquals(read("(", int(-1), int(2n ** 53n - 1n), int(2n ** 53n), int(-(2n ** 63n)), "l"), [
    -1,
    2 ** 53 - 1,
    2n ** 53n,
    -(2n ** 63n),
  ]);
});

Deno.test("views lie inside of their storage", () => {
  assertEquals(String(read(floats(4, 0, [2, 2], [1, 2]))), "tensor([[1., 3.],\n        [2., 4.]])");
  const label = "the tensor at the root: ";
  const outside = (range: string, shape: string) =>
    `${label}its elements ${range} with shape ${shape} lie outside of its storage of 4`;
  assertTorchRefused([floats(4, 1, [4], [1])], outside("1 to 4", "[4]"));
  assertTorchRefused([floats(4, 4, [], [])], outside("4 to 4", "[]"));
  assertTorchRefused([floats(4, 0, [2, 2], [3, 1])], outside("0 to 4", "[2,2]"));
  const misfit = `${label}its offset and strides do not describe a view`;
  assertTorchRefused([floats(4, 0, [2], [-1])], misfit);
  assertTorchRefused([floats(4, -1, [2], [1])], misfit);
  assertTorchRefused([floats(4, 0, [2], [])], misfit);
  assertRefused(
    () => read(floats(4, 2n ** 60n, [2], [1])),
    ArgumentError,
    "Cannot read this checkpoint: the tensor at the root has a shape, strides or offset that are " +
      "no numbers",
  );
});

Deno.test("shapes beyond what tensors may have are refused", () => {
  const label = "the tensor at the root: ";
  assertTorchRefused(
    [floats(4, 0, [2 ** 20, 2 ** 20], [0, 0])],
    `${label}shape [1048576,1048576] has 1099511627776 elements, at most 2147483647 fit`,
    ShapeError,
  );
  assertTorchRefused(
    [floats(4, 0, [-1], [1])],
    `${label}axis 0 must be a non-negative integer, got -1`,
    ShapeError,
  );
  // However long its axes, what has an axis of length 0 is empty.
  const endless = Array.from({ length: 40 }, () => 2 ** 52);
  const empty = read(floats(4, 0, [...endless, 0], [...endless, 0])) as { size: number };
  assertEquals(empty.size, 0);
  // The most elements that there may be, all one.
  const { size } = read(floats(4, 0, [2 ** 31 - 1], [0])) as { size: number };
  assertEquals(size, 2 ** 31 - 1);
});

Deno.test("a storage that is not there, or shorter than stated, is refused", () => {
  assertTorchRefused(
    [floats(5, 0, [5], [1])],
    'its storage "0" has 16 bytes, expected 20; the file may be cut short',
  );
  assertRefused(
    () => io.readTorch(checkpoint(pickle(floats(4, 0, [4], [1])))),
    ArgumentError,
    'Cannot read this checkpoint: it lacks the storage "0"',
  );
});

Deno.test("names are refused in every way of writing them, called or not", () => {
  const fault =
    "it names os.system, and only tensors, numbers, strings and collections of them are read; " +
    "save a state_dict instead";
  assertTorchRefused(["cos\nsystem\n"], fault);
  assertTorchRefused([text("os"), text("system"), 0x93], fault);
  assertTorchRefused(["(ios\nsystem\n"], fault);
  assertTorchRefused(["c__builtin__\neval\n"], fault.replace("os.system", "__builtin__.eval"));
  assertTorchRefused(["cbuiltins\ngetattr\n"], fault.replace("os.system", "builtins.getattr"));
  assertTorchRefused(["c__proto__\nx\n"], fault.replace("os.system", "__proto__.x"));
  assertTorchRefused(["c\nconstructor\n"], fault.replace("os.system", ".constructor"));
  assertTorchRefused(["ca\x1b[2Jb\nc\n"], fault.replace("os.system", '"a\\u001b[2Jb.c"'));
});

Deno.test("values that stand for nothing are refused", () => {
  assertTorchRefused(["ctorch\nTensor\n"], "it has torch.Tensor as a value at the root");
  assertTorchRefused([tuple(int(1)), int(1), 0x85, "R"], "its pickle calls what is no function");
  assertTorchRefused([int(1), "Q"], "it refers to what is no storage");
  assertTorchRefused(
    ["ctorch._utils\n_rebuild_tensor_v2\n)R"],
    "it calls torch._utils._rebuild_tensor_v2 with arguments that are not supported",
  );
});

Deno.test("broken pickles are refused", () => {
  for (const part of ["", "0", "t", "a", "h\x05", "(", "]Ns", "}Ns", "}(Nu", "q\x00", "2", "NNR"]) {
    assertTorchRefused([part], "its pickle is broken");
  }
  assertTorchRefused(["NNb"], "its pickle sets attributes that are not supported");
  assertTorchRefused(["}Nb"], "its pickle sets attributes that are not supported");
  assertTorchRefused(
    ["Vabc\n"],
    "its pickle has the instruction 0x56 at byte 2, which is none or not supported",
  );
  assertTorchRefused([0x80, 6], "its pickle is of a protocol beyond 5");
});

Deno.test("what a pickle claims to hold is not allocated", () => {
  const early = "its pickle ends too early; the file may be cut short";
  assertTorchRefused(["X", uint(2 ** 28, 4)], early);
  assertTorchRefused(["B", uint(2 ** 32 - 1, 4)], early);
  assertTorchRefused([0x8e, uint(2n ** 64n - 1n, 8)], early);
  assertTorchRefused(
    [0x8d, uint(2n ** 63n, 8)],
    `its pickle has a text of ${2 ** 63} bytes`,
  );
  assertTorchRefused([0x8b, uint(2 ** 31 - 1, 4)], "its pickle has an integer of 2147483647 bytes");
  assertTorchRefused([0x8b, uint(2 ** 31, 4)], "its pickle has an integer of -2147483648 bytes");
  assertTorchRefused([`L${"9".repeat(5000)}L\n`], "its pickle has an integer that is none");
});

Deno.test("a list that is passed on again and again does not keep the reader busy", () => {
  const list = ["](", ...Array.from({ length: 1000 }, () => "N"), "eq", 0];
  const calls = Array.from({ length: 1000 }, () => join("c__builtin__\nset\nh", 0, 0x85, "R0"));
  assertTorchRefused([...list, ...calls], "its pickle uses the same data too often");
});

Deno.test("keys of every name are read, and change nothing but the result", () => {
  const value = read(
    "}(",
    text("__proto__"),
    "}",
    text("x"),
    int(1),
    "s",
    text("constructor"),
    "Nu",
  );
  assertEquals(Object.keys(value as object), ["__proto__", "constructor"]);
  assertEquals(Object.getPrototypeOf(value), Object.prototype);
  assertEquals(({} as { x?: number }).x, undefined);
  assertEquals(tree.paths(value), ["__proto__.x"]);
});

Deno.test("tensors do not change with the bytes that they were read from", () => {
  const file = checkpoint(pickle(floats(4, 0, [4], [1])), { 0: four });
  const x = io.readTorch<{ toArray(): unknown }>(file);
  file.fill(0xff);
  assertEquals(x.toArray(), [1, 2, 3, 4]);
});

Deno.test("checkpoints are read from fields of 64 bits, and from an ArrayBuffer", () => {
  const file = checkpoint(pickle(floats(4, 1, [2], [2])), { 0: four }, { wide: true });
  assertEquals(io.readTorch<{ toArray(): unknown }>(file.buffer).toArray(), [2, 4]);
});

Deno.test("what is no checkpoint is refused with a hint", () => {
  const refuse = (bytes: Uint8Array, fault: string) =>
    assertRefused(
      () => io.readTorch(bytes),
      ArgumentError,
      `Cannot read this checkpoint: ${fault}`,
    );
  refuse(io.writeNpy([1]), "it is a file of NumPy; use readNpy");
  refuse(io.writeSafetensors({}), "it looks like safetensors; use readSafetensors");
  refuse(
    new TextEncoder().encode("<html>"),
    "it is neither a zip file nor a legacy checkpoint of PyTorch",
  );
  refuse(pickle("N"), "it is a pickle, but none that torch.save wrote");
  refuse(
    zip([{ name: "x.npy", data: io.writeNpy([1]) }]),
    "it is a zip file without data.pkl; use readNpz for files of NumPy",
  );
  refuse(zip([]), "it is neither a zip file nor a legacy checkpoint of PyTorch");
});

Deno.test("arguments that are no bytes and options that are none are refused", () => {
  const refuse = (run: () => unknown, message: string) =>
    assertRefused(run, ArgumentError, `Cannot read this checkpoint: ${message}`);
  const misuse = (value: unknown) => () => io.readTorch(value as Uint8Array);
  refuse(
    misuse("a.pth"),
    'expected a Uint8Array or an ArrayBuffer, got "a.pth"; read the file first, with ' +
      "Deno.readFileSync",
  );
  refuse(
    misuse(Promise.resolve()),
    "expected a Uint8Array or an ArrayBuffer, got Promise; await it first",
  );
  refuse(misuse(null), "expected a Uint8Array or an ArrayBuffer, got null");
  refuse(
    () => io.readTorch(new Uint8Array(0), { int64: "int16" as "int32" }),
    'int64 must be "int32" or "float64", got "int16"',
  );
  refuse(
    () => io.readTorch(new Uint8Array(0), { strict: true } as never),
    'there is no option "strict", the options are int64, convert',
  );
  const moved = new ArrayBuffer(8);
  const view = new Uint8Array(moved);
  moved.transfer();
  assert(view.length === 0);
  refuse(
    () => io.readTorch(view),
    "the bytes were transferred elsewhere and can no longer be read",
  );
});
