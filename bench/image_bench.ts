/**
 * Resizing of images of three channels and 512 by 512 elements, and sampling at the same number of points,
 * compiled, compared with PyTorch.
 *
 * Run it with `deno bench -A bench/image_bench.ts`; without permissions, or a Python with PyTorch, Jacobi runs
 * by itself. `deno bench -A bench/image_bench.ts -- 1` has one thread.
 *
 * @module
 */
import { configure, image, random } from "../mod.ts";
import type { image as types } from "../mod.ts";
import { bound, compare } from "./support/peer.ts";

const threads = Number(Deno.args[0] ?? navigator.hardwareConcurrency);
configure({ threads });

const x = random.uniform(random.key(0), [1, 3, 512, 512]);
const plane = random.uniform(random.key(1), [512, 512]);
const points = random.uniform(random.key(2), [2, 512 * 512], { minval: 0, maxval: 511 });
const grid = random.uniform(random.key(3), [1, 512, 512, 2], { minval: -1, maxval: 1 });

const interpolated = (options: types.InterpolateOptions) =>
  bound((x) => image.interpolate(x, options), x);

await compare(
  {
    "bilinear, twice": interpolated({ scaleFactor: 2, mode: "bilinear" }),
    "bilinear, to 700": interpolated({ size: 700, mode: "bilinear" }),
    "bilinear, to 224 with antialias": interpolated({
      size: 224,
      mode: "bilinear",
      antialias: true,
    }),
    "bicubic, twice": interpolated({ scaleFactor: 2, mode: "bicubic" }),
    "nearest, twice": interpolated({ scaleFactor: 2 }),
    "area, half": interpolated({ size: 256, mode: "area" }),
    "gridSample": bound((x, grid) => image.gridSample(x, grid), x, grid),
    "mapCoordinates": bound((x, points) => image.mapCoordinates(x, points, 1), plane, points),
  },
  "pytorch",
  `
import torch
import torch.nn.functional as F
torch.set_num_threads(${threads})
x, plane = torch.rand(1, 3, 512, 512), torch.rand(1, 1, 512, 512)
grid = torch.rand(1, 512, 512, 2) * 2 - 1
def interpolate(**options): return lambda: F.interpolate(x, **options)
works = {
    "bilinear, twice": interpolate(scale_factor=2, mode="bilinear"),
    "bilinear, to 700": interpolate(size=700, mode="bilinear"),
    "bilinear, to 224 with antialias": interpolate(size=224, mode="bilinear", antialias=True),
    "bicubic, twice": interpolate(scale_factor=2, mode="bicubic"),
    "nearest, twice": interpolate(scale_factor=2),
    "area, half": interpolate(size=256, mode="area"),
    "gridSample": lambda: F.grid_sample(x, grid, align_corners=False),
    "mapCoordinates": lambda: F.grid_sample(plane, grid, align_corners=True),
}
`,
);
