/**
 * Cosine transforms, frequencies and their order, beside SciPy's and NumPy's.
 *
 * @module
 */
import { complex, fft, grad, jit, ones, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import fixture from "../fixtures/fft.json" with { type: "json" };
import { assertEquals, assertThrows } from "../support/std.ts";

type Type = 1 | 2 | 3 | 4;
type Norm = "backward" | "ortho" | "forward";
const types: readonly Type[] = [1, 2, 3, 4];

Deno.test("cosine transforms are SciPy's, of every type, norm and length", () => {
  for (const one of fixture.cosines) {
    const options = { type: one.type as Type, norm: one.norm as Norm };
    for (const dtype of ["float64", "float32"] as const) {
      const x = tensor(one.x, { dtype });
      const close = { rtol: 0, atol: dtype === "float64" ? 1e-14 : 2e-6 };
      const label = JSON.stringify(options);
      assertTensorsClose(fft.dct(x, options), tensor(one.dct, { dtype }), close);
      assertTensorsClose(fft.idct(x, options), tensor(one.idct, { dtype }), close);
      assertTensorsClose(
        jit((y: Tensor) => fft.dct(y, options))(x),
        tensor(one.dct, { dtype }),
        close,
      );
      assertEquals(fft.dct(x, options).dtype, dtype, label);
    }
  }
});

Deno.test("cosine transforms take any axis and length, batches, and derivatives of any order", () => {
  const x = tensor([[1, -2, 4, 0.5], [3, 0, 1, 2], [-1, 5, 2, 2]], { dtype: "float64" });
  const close = { rtol: 1e-13, atol: 1e-13 };
  for (const type of types) {
    const columns = fft.dct(x, { type, axis: 0 });
    assertTensorsClose(columns, fft.dct(x.transpose(), { type }).transpose(), close);
    assertTensorsClose(
      vmap((row: Tensor) => fft.dct(row, { type }))(x),
      fft.dct(x, { type }),
      close,
    );
    const [cut] = x.split([3], 1);
    assertTensorsClose(fft.dct(x, { type, n: 3 }), fft.dct(cut, { type }), close);
    assertTensorsClose(
      fft.dct(x, { type, n: 6 }),
      fft.dct(x.pad([[0, 0], [0, 2]]), { type }),
      close,
    );
    assertTensorsClose(fft.idct(fft.dct(x, { type }), { type }), x, close);
    for (const norm of ["backward", "ortho"] as const) {
      checkGrads((y: Tensor) => fft.dct(y, { type, norm }).square().sum(), [x]);
      checkGrads((y: Tensor) => fft.idct(y, { type, norm }).sin().sum(), [x]);
    }
    // Orthogonal: lengths stay what they are.
    const energy = (y: Tensor) => fft.dct(y, { type, norm: "ortho" }).square().sum();
    assertTensorsClose(grad(energy)(x), x.mul(2), close);
  }
  assertEquals(fft.dct([1, 2]).dtype, "float32");
  const twice = fft.dct(complex([1, 2, 3], [0, 1, -1]));
  assertTensorsClose(twice, complex([12, -3.4641016, 0], [0, 1.7320508, -3]), { atol: 1e-5 });
  const half = fft.dct(tensor([1, 2, 4], { dtype: "bfloat16" }));
  assertEquals([half.dtype, half.toArray()], ["bfloat16", [14, -5.1875, 1]]);
});

Deno.test("frequencies are NumPy's", () => {
  for (const { n, d, fftfreq, rfftfreq } of fixture.frequencies) {
    const close = { rtol: 1e-15, atol: 0 };
    const options = { d, dtype: "float64" } as const;
    assertTensorsClose(fft.fftfreq(n, options), tensor(fftfreq, { dtype: "float64" }), close);
    assertTensorsClose(fft.rfftfreq(n, options), tensor(rfftfreq, { dtype: "float64" }), close);
  }
  assertEquals(fft.fftfreq(3).dtype, "float32");
});

Deno.test("shifts bring the frequency 0 to the middle of the named axes, and back", () => {
  assertEquals(fft.fftshift([0, 1, 2, 3, 4]).toArray(), [3, 4, 0, 1, 2]);
  assertEquals(fft.ifftshift([0, 1, 2, 3, 4]).toArray(), [2, 3, 4, 0, 1]);
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  assertEquals(fft.fftshift(x).toArray(), [[6, 4, 5], [3, 1, 2]]);
  assertEquals(fft.fftshift(x, { axes: 1 }).toArray(), [[3, 1, 2], [6, 4, 5]]);
  assertEquals(fft.ifftshift(fft.fftshift(x)).toArray(), x.toArray());
  assertEquals(fft.fftshift(5).item(), 5);
});

Deno.test("what cannot be transformed is told", () => {
  const message = (f: () => unknown): string => assertThrows(f, Error).message;
  const x = ones([2, 3]);
  assertEquals(
    message(() => fft.dct(5)),
    "Cannot transform float32[]: axis -1 is out of range, a scalar has no axes",
  );
  assertEquals(
    message(() => fft.dct(x, { axis: 2 })),
    "Cannot transform float32[2,3]: axis 2 is out of range, expected -2 to 1",
  );
  assertEquals(
    message(() => fft.dct(ones([2, 0]))),
    "Cannot transform float32[2,0]: axis 1 has no elements; give n for as many zeros",
  );
  assertEquals(
    message(() => fft.idct(x, { n: 0 })),
    "Cannot transform float32[2,3]: n must be a positive integer, got 0",
  );
  assertEquals(
    message(() => fft.dct([1], { type: 1 })),
    "Cannot transform float32[1]: type 1 needs two elements or more",
  );
  assertEquals(
    message(() => fft.dct(x, { type: 5 as Type })),
    "Cannot transform: type must be 1, 2, 3 or 4, got 5",
  );
  assertEquals(
    message(() => fft.dct(x, { norm: "both" as Norm })),
    'Cannot transform: norm must be "backward", "ortho" or "forward", got "both"',
  );
  assertEquals(
    message(() => fft.fftfreq(0)),
    "Cannot list frequencies: n must be a positive integer, got 0",
  );
  assertEquals(
    message(() => fft.rfftfreq(4, { d: 0 })),
    "Cannot list frequencies: d must be a finite number other than 0, got 0",
  );
  assertEquals(
    message(() => fft.fftshift(x, { axes: 3 })),
    "Cannot shift float32[2,3]: axis 3 is out of range, expected -2 to 1",
  );
});
