/**
 * NaN among what is compared on a device.
 *
 * @module
 */
import { nn, tensor } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { checkOnDevice } from "./agreement.ts";
import { xlaTest } from "./support.ts";

xlaTest("extremes on a device are NaN where one of the elements is", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const x = tensor([[1, NaN, 2], [3, -1, Infinity], [NaN, NaN, NaN]], { dtype }) as Tensor;
    const y = tensor([[NaN, 1, 3], [4, NaN, -Infinity], [1, NaN, 0]], { dtype }) as Tensor;
    checkOnDevice(
      (
        [x, y],
      ) => [x.maximum(y), x.minimum(y), x.max(), x.min(), x.max(0), x.min(0), x.max(1), y.min(1)],
      [x as Concrete, y as Concrete],
      dtype,
    );
  }
});

xlaTest("rows with NaN are NaN after softmax, and no others", () => {
  for (const place of [0, 17, 99]) {
    const rows = Float32Array.from({ length: 300 }, (_, i) => i === 100 + place ? NaN : i % 7);
    const x = tensor(rows).reshape([3, 100]);
    checkOnDevice(
      ([x]) => [nn.softmax(x), nn.logSoftmax(x), nn.softmax(x, 0)],
      [x as Concrete],
      `NaN at ${place}`,
    );
  }
});
