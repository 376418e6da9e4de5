import {
  grad,
  jit,
  scatterMax,
  scatterMin,
  scatterMul,
  segmentMax,
  segmentMin,
  segmentProd,
  tensor,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { randomNumbers } from "../backends/wasm/kernels/against_reference.ts";

const ids = new Int32Array([0, 0, 2, 0, 2, -1, 5]);
const x = tensor([1, 3, NaN, 3, 2, 9, 9]);
const options = { numSegments: 3 } as const;

Deno.test("extremes of segments share the derivative evenly; NaN is the extreme and gets none", () => {
  type Map = (x: Tensor) => Tensor;
  for (const compile of [(f: Map): Map => f, (f: Map): Map => jit(f)]) {
    const most = compile((x: Tensor) => segmentMax(x, ids, options));
    assertTensorsClose(most(x), [3, -Infinity, NaN]);
    const rate = compile(grad((x: Tensor) => segmentMax(x, ids, options).mul([5, 7, 0]).sum()));
    assertTensorsClose(rate(x), [0, 2.5, 0, 2.5, 0, 0, 0]);
    const least = compile(grad((x: Tensor) => segmentMin(x, ids, options).mul([5, 7, 0]).sum()));
    assertTensorsClose(least(x), [5, 0, 0, 0, 0, 0, 0]);
  }
});

Deno.test("products of half floats are rounded once", () => {
  const x = tensor([300, 300, 0.125, 0.125, 3], { dtype: "float16" });
  const ids = new Int32Array([0, 0, 0, 0, 1]);
  const prod = (x: Tensor) => segmentProd(x, ids, { numSegments: 2 });
  for (const f of [prod, jit(prod)]) {
    assertTensorsClose(f(x), tensor([1406, 3], { dtype: "float16" }));
  }
  const ones = tensor([1, 1], { dtype: "float16" });
  assertTensorsClose(scatterMul(ones, ids, x), tensor([1406, 3], { dtype: "float16" }));
});

Deno.test("elements and updates that are equal share the derivative of a scattered extreme", () => {
  const places = new Int32Array([0, 0, 1]);
  for (const [scatter, values] of [[scatterMax, [4, 1, 7]], [scatterMin, [4, 9, 7]]] as const) {
    const f = (x: Tensor, updates: Tensor) => scatter(x, places, updates).mul([6, 1, 1]).sum();
    const [own, others] = grad(f, { argnums: [0, 1] })(tensor(values), tensor([4, 4, 5]));
    assertTensorsClose(own, [2, 0, 1]);
    assertTensorsClose(others, [2, 2, 1]);
  }
});

Deno.test("extremes of many segments are those of a loop, compiled and in batches", () => {
  const random = randomNumbers(3);
  const [count, length] = [40, 5000];
  const rows = tensor(Float32Array.from({ length: 2 * length }, () => random() - 0.5)).reshape([
    2,
    length,
  ]);
  const of = tensor(Int32Array.from({ length: 2 * length }, () => Math.floor(random() * count)))
    .reshape([2, length]);
  const expected = new Float32Array(2 * count).fill(-Infinity);
  const [values, places] = [rows.data(), of.data()];
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(i / length) * count + places[i];
    expected[at] = Math.max(expected[at], values[i]);
  }
  const f = vmap((x: Tensor, of: Tensor) => segmentMax(x, of, { numSegments: count }));
  const wanted = tensor(expected).reshape([2, count]);
  assertTensorsClose(f(rows, of), wanted);
  assertTensorsClose(jit(f)(rows, of), wanted);
});
