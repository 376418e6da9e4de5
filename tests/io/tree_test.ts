import fc from "fast-check";
import {
  ArgumentError,
  complex,
  io,
  jit,
  random,
  tensor,
  TraceError,
  tree,
  TreeError,
} from "../../mod.ts";
import { ComplexTensor } from "../../src/core/complex.ts";
import { DTYPES } from "../../src/base/dtype.ts";
import type { RealDtype } from "../../src/base/dtype.ts";
import { denseStored, Tensor } from "../../src/core/tensor.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertThrows } from "../support/std.ts";
import { safetensors } from "./build.ts";

/** A tree with the bits of its tensors in their places, and whatever equality would pass over. */
function expose(value: unknown): unknown {
  if (value instanceof ComplexTensor) return ["complex", expose(value.re), expose(value.im)];
  if (value instanceof Tensor) {
    const { buffer, byteOffset, byteLength } = denseStored(value.concrete("test"));
    const bits = [...new Uint8Array(buffer, byteOffset, byteLength)];
    return [value.dtype, [...value.shape], bits];
  }
  if (Array.isArray(value)) return ["array", ...value.map(expose)];
  if (typeof value === "object" && value !== null) {
    return ["object", ...Object.entries(value).map(([key, part]) => [key, expose(part)])];
  }
  return Object.is(value, -0) ? ["-0"] : value === undefined ? ["undefined"] : [value];
}

function assertKept(value: unknown): void {
  assertEquals(expose(io.loadTree(io.saveTree(value))), expose(value));
}

/** A tensor of any bits of its dtype. */
const tensors = fc.tuple(
  fc.constantFrom<RealDtype>(...DTYPES),
  fc.array(fc.nat(3), { maxLength: 3 }),
  fc.infiniteStream(fc.nat(255)),
).map(([dtype, shape, stream]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  if (dtype === "bool") {
    return tensor(Array.from({ length: size }, () => stream.next().value % 2 === 1), { dtype })
      .reshape(shape);
  }
  const name =
    { float16: "<f2", bfloat16: "V2", float32: "<f4", float64: "<f8" }[dtype as string] ??
      `${dtype.startsWith("u") ? "<u" : "<i"}${Number(/\d+/.exec(dtype)) / 8}`;
  const width = Number(name.at(-1));
  const head = `{'descr': '${name}', 'fortran_order': False, 'shape': (${
    shape.map((n) => `${n},`).join("")
  }), }`;
  const bytes = Uint8Array.from({ length: size * width }, () => stream.next().value);
  const start = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, head.length, 0);
  return io.readNpy(Uint8Array.of(...start, ...new TextEncoder().encode(head), ...bytes));
});

const { tree: trees } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: "small" }, tie("leaf"), tie("array"), tie("object")),
  array: fc.array(tie("tree"), { maxLength: 3 }),
  object: fc.dictionary(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.constantFrom(
        "__proto__",
        "__metadata__",
        "a.b",
        "a",
        "b",
        "re",
        "0",
        "kind",
        "toJSON",
        "\ud800",
      ),
    ),
    tie("tree"),
    { maxKeys: 4, noNullPrototype: true },
  ),
  leaf: fc.oneof(
    { weight: 4, arbitrary: tensors },
    tensors.filter(({ dtype }) => dtype === "float32" || dtype === "float64").map((x) =>
      new ComplexTensor(x, x)
    ),
    fc.double(),
    fc.constantFrom(null, undefined, -0, true, false, random.key(7)),
    fc.string({ unit: "binary" }),
  ),
}));

Deno.test("any tree is loaded as it was saved, bit for bit", () => {
  fc.assert(fc.property(trees, assertKept), { numRuns: 300, seed: 13 });
});

Deno.test("trees that are easily mistaken for others are kept", () => {
  assertKept(tensor(1));
  assertKept([]);
  assertKept({});
  assertKept(undefined);
  assertKept({ a: { b: tensor(1) }, "a.b": tensor(2), "": tensor(3), '"a.b"': tensor(4) });
  assertKept({ b: 1, a: 2, 1: 3, 0: 4 });
  assertKept(JSON.parse('{ "__proto__": { "x": 1 }, "__metadata__": 2, "kind": "tensor" }'));
  assertKept({ __metadata__: tensor([1]), kind: tensor(2) });
  assertKept({
    z: complex(tensor([NaN, -0]), tensor([Infinity, 1])),
    n: [NaN, -0, -Infinity, 5e-324],
  });
  assertKept(complex(tensor([1], { dtype: "float64" }), tensor([2], { dtype: "float64" })));
  const deep = Array.from({ length: 900 }).reduce<unknown>((inner) => [inner], tensor(1));
  assertKept(deep);
});

Deno.test("the tensors of a saved tree have their paths as names", () => {
  const file = io.saveTree({
    layers: [{ w: tensor([1]) }],
    z: complex(tensor(1), tensor(2)),
    "a b": tensor(3),
  });
  assertEquals(Object.keys(io.readSafetensors(file)).sort(), [
    '"a b"',
    "layers.0.w",
    "z.im",
    "z.re",
  ]);
  assertEquals(io.readSafetensorsMetadata(file).format, "jacobi.tree.1");
});

class Point {
  readonly x = 1;
}

class Registered {
  readonly x = 1;
}

Deno.test("a tree that no file can hold is refused, by its path", () => {
  const refuse = (value: unknown, fault: string) =>
    assertRefused(() => io.saveTree(value), TreeError, `Cannot save a tree: expected ${fault}`);
  const leaf = "a tensor, number, string or boolean at";
  refuse({ a: [1, new Point()] }, `${leaf} .a[1], got Point`);
  refuse({ a: new Float32Array(2) }, `${leaf} .a, got Float32Array; make it a tensor`);
  refuse([() => 1], `${leaf} [0], got function (anonymous); call it first`);
  refuse(3n, `${leaf} the root, got 3n; use Number(x) to convert it`);
  tree.register(Registered, { flatten: ({ x }) => [[x], null], unflatten: () => new Registered() });
  refuse(
    { p: new Registered() },
    "an array or a plain object at .p, got an instance of Registered; files name no classes: save " +
      "what it holds in a plain object",
  );
  const endless: unknown[] = [];
  endless.push(endless);
  assertThrows(() => io.saveTree(endless), TreeError);
  assertThrows(() => jit((x) => (io.saveTree({ x }), x))(tensor(1)), TraceError);
});

/** A file of one float32 called `w`, one float64 called `z.im`, and this structure. */
function fileOf(structure: unknown, format = "jacobi.tree.1"): Uint8Array {
  const text = typeof structure === "string" ? structure : JSON.stringify(structure);
  const header = {
    __metadata__: { format, structure: text },
    w: { dtype: "F32", shape: [], data_offsets: [0, 4] },
    "z.re": { dtype: "F32", shape: [], data_offsets: [4, 8] },
    "z.im": { dtype: "F64", shape: [], data_offsets: [8, 16] },
  };
  return safetensors(JSON.stringify(header), new Uint8Array(16));
}

Deno.test("files that saveTree did not write are refused", () => {
  const refuse = (file: Uint8Array, fault: string) =>
    assertRefused(() => io.loadTree(file), ArgumentError, `Cannot read a tree: ${fault}`);
  const foreign = "the file was not written by saveTree; use readSafetensors for its tensors";
  refuse(io.writeSafetensors({ w: tensor([1]) }), foreign);
  refuse(fileOf(1, "pt"), foreign);
  refuse(new Uint8Array(3), "expected at least 8 bytes, got 3; the file may be cut short");
  refuse(fileOf("{"), "its structure is not JSON");
  refuse(fileOf(null), 'tensor "w" has no place in its tree');
  const object = (entries: unknown) => ({ kind: "object", entries });
  refuse(fileOf(object({ a: { kind: "tensor" } })), "it has no tensor for .a");
  refuse(fileOf(object({ z: { kind: "complex" } })), "the parts at .z make no complex tensor");
  for (
    const broken of [{}, { kind: "date" }, { kind: "object", entries: [1] }, { kind: "object" }]
  ) {
    refuse(fileOf(object({ a: [broken] })), "its structure is broken at .a[0]");
  }
  refuse(fileOf("[".repeat(2000) + "]".repeat(2000)), "its tree is deeper than 1000 levels");
});
