/**
 * Denormal numbers are numbers: compiled products and convolutions neither lose those that they are
 * given nor those that they give.
 */
import { conv, jit, matmul, tensor } from "../../../mod.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { dense } from "../../../src/core/tensor.ts";
import type { Concrete, Tensor } from "../../../src/core/tensor.ts";
import { assert } from "../../support/std.ts";

const kinds = [
  { dtype: "float32", denormal: 2 ** -140, large: 2 ** 100, least: 2 ** -149, unit: 2 ** -23 },
  { dtype: "float64", denormal: 2 ** -1060, large: 2 ** 1000, least: 2 ** -1074, unit: 2 ** -52 },
] as const;

type Kind = (typeof kinds)[number];

/** Whole numbers up to `most`, times `scale`: exact however small. */
function values({ dtype }: Kind, shape: readonly number[], most: number, scale: number): Tensor {
  const list = Float64Array.from(
    { length: sizeOf(shape) },
    (_, i) => (1 + (i * 7919) % most) * scale,
  );
  return tensor(list, { dtype }).reshape(shape);
}

/**
 * Fails unless `f` of factors so scaled is `f` of whole numbers, scaled. So many `roundings` of the
 * denormal factor to multiples of the least number may add up.
 */
function checkScaled(
  kind: Kind,
  f: (x: Tensor, y: Tensor) => Tensor,
  shapes: readonly (readonly number[])[],
  roundings: number = 0,
): void {
  const compiled = jit(f);
  const whole = dense(compiled(...inputs(kind, shapes, 1, 1)) as Concrete);
  for (const [left, right] of scalings(kind)) {
    const actual = dense(compiled(...inputs(kind, shapes, left, right)) as Concrete);
    const other = Math.max(left, right);
    whole.forEach((value, i) => {
      const expected = value * left * right;
      const error = Math.abs(actual[i] - expected);
      assert(
        error <= 64 * kind.unit * expected + kind.least * (1 + roundings * other),
        `${actual[i]} instead of ${expected}: ${kind.dtype} ${JSON.stringify(shapes)}`,
      );
    });
  }
}

/** Denormals by what is large, on either side, and by what is not, so that sums are denormal. */
function scalings({ denormal, large }: Kind): (readonly [number, number])[] {
  return [[denormal, large], [large, denormal], [denormal, 1], [1, denormal]];
}

function inputs(
  kind: Kind,
  [x, y]: readonly (readonly number[])[],
  left: number,
  right: number,
): [Tensor, Tensor] {
  return [values(kind, x, 5, left), values(kind, y, 3, right)];
}

Deno.test("products of denormals are products", () => {
  for (const kind of kinds) {
    for (
      const [m, k, n] of [[2, 3, 4], [1, 300, 40], [40, 300, 1], [70, 50, 90], [200, 150, 180]]
    ) {
      checkScaled(kind, (x, y) => matmul(x, y), [[m, k], [k, n]]);
      checkScaled(kind, (x, y) => matmul(x, y.transpose()), [[m, k], [n, k]]);
      checkScaled(kind, (x, y) => matmul(x.transpose(), y), [[k, m], [k, n]]);
    }
  }
});

Deno.test("a product keeps what denormal elements give beside larger ones", () => {
  const x = tensor([[1e-40, 1], [1e-40, 0]]);
  const y = tensor([[1e30, 0], [0, 1]]);
  const [, , third] = dense(jit((x: Tensor, y: Tensor) => matmul(x, y))(x, y) as Concrete);
  assert(Math.abs(third - 1e-10) < 1e-15, `${third} instead of 1e-10`);
});

Deno.test("convolutions of denormals are convolutions", () => {
  for (const kind of kinds) {
    for (const [channels, filters, size] of [[1, 2, 6], [8, 8, 12], [16, 32, 14]]) {
      for (const window of [1, 3, 5]) {
        const shapes = [[2, channels, size, size], [filters, channels, window, window]];
        // Winograd's transforms round a factor, and weigh it by up to 8 in either direction.
        const roundings = window === 3 ? 8 * channels * window ** 2 : 0;
        checkScaled(kind, (x, y) => conv(x, y, { padding: 1 }), shapes, roundings);
      }
    }
  }
});
