import { complex, io, tensor } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import fixture from "../fixtures/complex_io.json" with { type: "json" };
import { assertEquals, assertThrows } from "../support/std.ts";

const [re, im] = [fixture.re, fixture.im].map((part) => tensor(part, { dtype: "float64" }));
const wide = complex(re, im);
const narrow = wide.astype("complex64");

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}

function expected(name: string): Tensor {
  return name === "complex64" ? narrow : wide;
}

for (const [name, text] of Object.entries(fixture.npy)) {
  Deno.test(`an array of complex numbers is read: ${name}`, () => {
    assertTensorsClose(io.readNpy(bytesOf(text)), expected(name), { rtol: 0, atol: 0 });
  });
}

Deno.test("arrays of complex numbers are written as NumPy writes them", () => {
  for (const name of ["complex64", "complex128"] as const) {
    assertEquals(io.writeNpy(expected(name)), bytesOf(fixture.npy[name]));
  }
  assertTensorsClose(io.readNpz(bytesOf(fixture.npz)).x, wide, { rtol: 0, atol: 0 });
});

for (const [name, text] of Object.entries(fixture.torch)) {
  Deno.test(`a checkpoint of complex numbers is read: ${name}`, () => {
    const { x } = io.readTorch<io.TensorDict>(bytesOf(text));
    assertTensorsClose(x, expected(name), { rtol: 0, atol: 0 });
  });
}

Deno.test("safetensors hold complex64, and no complex128", () => {
  const read = io.readSafetensors(io.writeSafetensors({ a: tensor([1, 2, 3]), x: narrow }));
  assertTensorsClose(read.x, narrow, { rtol: 0, atol: 0 });
  assertTensorsClose(read.a, [1, 2, 3]);
  const error = assertThrows(() => io.writeSafetensors({ x: wide })) as Error;
  assertEquals(
    error.message,
    'Cannot write safetensors: tensor "x" is of dtype complex128, which the format lacks; ' +
      "convert with astype",
  );
});
