/**
 * Transforms of complex and real tensors beside NumPy's, and their derivatives.
 *
 * @module
 */
import {
  abs,
  complex,
  conj,
  fft,
  grad,
  imag,
  jit,
  jvp,
  ones,
  real,
  tensor,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import fixture from "../fixtures/fft.json" with { type: "json" };
import { assertEquals, assertThrows } from "../support/std.ts";

type Name = (typeof names)[number];
const names = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"] as const;

function double(values: unknown): Tensor {
  return tensor(values as number[], { dtype: "float64" });
}

const [re, im] = fixture.input.map(double);
const input = complex(re, im);
const close = { rtol: 1e-13, atol: 1e-14 };

function parts(x: Tensor): Tensor[] {
  return [real(x), imag(x)];
}

Deno.test("transforms are NumPy's, of every norm, length and axis, compiled or not", () => {
  for (const { name, options, shape, y } of fixture.transforms) {
    const run = fft[name as Name] as (x: Tensor, options: object) => Tensor;
    const takesReal = name.startsWith("rfft") || name === "ihfft";
    const x = takesReal ? re : input;
    const own = (x: Tensor): Tensor => run(x, options);
    for (const f of [own, jit(own)]) {
      const result = f(x);
      assertEquals(result.shape, shape, name);
      const isReal = name.startsWith("irfft") || name === "hfft";
      assertEquals(result.dtype, isReal ? "float64" : "complex128", name);
      parts(result).forEach((part, i) => assertTensorsClose(part, double(y[i]), close));
    }
  }
});

Deno.test("single precision stays it, and real numbers may stand for complex ones", () => {
  const x = ones([2, 4]);
  assertEquals(fft.fft(x).dtype, "complex64");
  assertEquals(fft.irfft(x).dtype, "float32");
  assertEquals(fft.rfft([1, 2]).dtype, "complex64");
  assertEquals(fft.fft(tensor([1, 2], { dtype: "bfloat16" })).dtype, "complex64");
  assertEquals(fft.fft(tensor([1, 2], { dtype: "int32" })).dtype, "complex64");
  assertTensorsClose(fft.fft2(x), complex([[8, 0, 0, 0], [0, 0, 0, 0]]));
});

Deno.test("transforms are linear: jvp is the transform, and vjp its transpose", () => {
  const tangent = complex(im, re);
  const [, pushed] = jvp((z: Tensor) => fft.fft(z), [input], [tangent]);
  parts(pushed as Tensor).forEach((part, i) =>
    assertTensorsClose(part, parts(fft.fft(tangent))[i], close)
  );
  // The matrix is symmetric.
  const [, pullback] = vjp((z: Tensor) => fft.fft(z), input);
  const [pulled] = pullback(tangent) as Tensor[];
  parts(pulled).forEach((part, i) => assertTensorsClose(part, parts(fft.fft(tangent))[i], close));
  // What is computed twice is conserved once: the sum of squares.
  const energy = (z: Tensor) => abs(fft.fftn(z, { norm: "ortho" })).square().sum();
  parts(grad(energy)(input)).forEach((part, i) =>
    assertTensorsClose(part, parts(conj(input).mul(2))[i], { rtol: 1e-12, atol: 1e-12 })
  );
  for (const n of [5, 6]) {
    const size = (x: Tensor) => abs(fft.rfft(x, { n })).add(1).log().sum();
    checkGrads(size, [re]);
    const back = (x: Tensor, y: Tensor) => fft.irfft(complex(x, y), { n }).sin().sum();
    checkGrads(back, [re, im]);
  }
});

Deno.test("vmap is one axis more", () => {
  const each = vmap((z: Tensor) => fft.fft2(z))(input) as Tensor;
  parts(each).forEach((part, i) => assertTensorsClose(part, parts(fft.fft2(input))[i], close));
  const rows = vmap((x: Tensor) => fft.rfft(x, { n: 5, axis: 0 }), 1, 1)(re) as Tensor;
  const whole = fft.rfft(re, { n: 5, axis: 0 });
  parts(rows).forEach((part, i) => assertTensorsClose(part, parts(whole)[i], close));
});

Deno.test("what cannot be transformed is told", () => {
  const message = (f: () => unknown): string => assertThrows(f, Error).message;
  assertEquals(
    message(() => fft.rfft(complex([1, 2]))),
    "Cannot transform complex64[2]: expected real numbers; fft takes complex ones",
  );
  assertEquals(
    message(() => fft.fft(complex([1, 2]), { axis: 1 })),
    "Cannot transform complex64[2]: axis 1 is out of range, expected -1 to 0",
  );
  assertEquals(
    message(() => fft.fft(5)),
    "Cannot transform float32[]: axis -1 is out of range, a scalar has no axes",
  );
  assertEquals(
    message(() => fft.fft(ones([2, 0]))),
    "Cannot transform float32[2,0]: axis 1 has too few elements; give the length of its transform",
  );
  assertEquals(
    message(() => fft.irfft([1])),
    "Cannot transform float32[1]: axis 0 has too few elements; give the length of its transform",
  );
  assertEquals(
    message(() => fft.ifft([1, 2], { n: 1.5 })),
    "Cannot transform float32[2]: n must be a positive integer, got 1.5",
  );
  assertEquals(
    message(() => fft.fft2([1, 2])),
    "Cannot transform float32[2]: axis -2 is out of range, expected -1 to 0",
  );
  assertEquals(
    message(() => fft.fftn(ones([2, 2]), { axes: [0, -2] })),
    "Cannot transform float32[2,2]: axis 0 is named twice in [0, -2]",
  );
  assertEquals(
    message(() => fft.fftn(ones([2, 2]), { s: [2], axes: [0, 1] })),
    "Cannot transform float32[2,2]: s must have a length for each axis, got 1 for 2",
  );
  assertEquals(
    message(() => fft.fftn(5)),
    "Cannot transform float32[]: expected at least one axis",
  );
});
