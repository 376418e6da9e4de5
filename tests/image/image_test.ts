import fixture from "../fixtures/image.json" with { type: "json" };
import { ArgumentError, image, jit, ShapeError, tensor, zeros } from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkBatch, checkFirstOrder, checkJit, checkSecondOrder } from "../laws/laws.ts";
import type { Flat } from "../laws/laws.ts";
import { between, fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import type { Domain } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";

// PyTorch's and JAX's values; `image.py` beside the file says what is in it.

interface FixtureCase {
  readonly name: string;
  readonly args: readonly NestedArray[];
  readonly rest: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly result: NestedArray;
}

const cases = fixture.cases as unknown as readonly FixtureCase[];
// deno-lint-ignore no-explicit-any
const functions = image as unknown as Record<string, (...args: any[]) => Tensor>;

for (const name of new Set(cases.map((one) => one.name))) {
  Deno.test(`${name} is PyTorch's or JAX's`, () => {
    for (const { name: own, args, rest, options, result } of cases) {
      if (own !== name) continue;
      const list = Object.keys(options).length > 0 ? [...rest, options] : rest;
      const run = (...xs: Tensor[]) => functions[name](...xs, ...list);
      const tensors = args.map((x) => tensor(x, { dtype: "float64" }));
      const expected = tensor(result, { dtype: "float64" });
      const close = { rtol: 0, atol: 1e-12 };
      const isSlow = name === "resize" && options.antialias === false;
      // deno-lint-ignore no-explicit-any
      for (const f of isSlow ? [run] : [run, jit(run as any) as typeof run]) {
        try {
          assertTensorsClose(f(...tensors), expected, close);
        } catch (error) {
          throw new Error(`${JSON.stringify({ rest, options })}: ${(error as Error).message}`);
        }
      }
    }
  });
}

type Case = readonly [f: Flat, ...args: readonly (readonly [readonly number[], Domain])[]];

const laws: Readonly<Record<string, Case>> = {
  resize: [([x]) => [image.resize(x, [4, 5], { method: "cubic" })], [[9, 2], real]],
  scaleAndTranslate: [
    ([x]) => [image.scaleAndTranslate(x, [4], [0], [1.5], [0.5])],
    [[5], real],
  ],
  "scaleAndTranslate by tensors": [
    ([x, scale, move]) => [
      image.scaleAndTranslate(x, [4, 5], [0, 1], scale, move, { method: "cubic" }),
    ],
    [[5, 4], real],
    [[2], between(0.6, 1.4)],
    [[], between(0.2, 0.8)],
  ],
  interpolate: [
    ([x]) => [image.interpolate(x, { size: [3, 5], mode: "bicubic" })],
    [[1, 2, 4, 3], real],
  ],
  mapCoordinates: [
    ([x, at]) => [image.mapCoordinates(x, at, 1, { mode: "mirror" })],
    [[3, 4], real],
    [[2, 5], between(0.1, 0.9)],
  ],
  gridSample: [
    ([x, at]) => [image.gridSample(x, at, { mode: "bicubic", paddingMode: "border" })],
    [[1, 2, 3, 4], real],
    [[1, 2, 2, 2], between(0.05, 0.2)],
  ],
  affineGrid: [([theta]) => [image.affineGrid(theta, [2, 1, 2, 2])], [[2, 2, 3], real]],
  pixelShuffle: [([x]) => [image.pixelShuffle(x, 2)], [[8, 1, 2], real]],
  pixelUnshuffle: [([x]) => [image.pixelUnshuffle(x, 2)], [[1, 2, 4], real]],
  unfold: [([x]) => [image.unfold(x, 2, { padding: 1, stride: 2 })], [[1, 2, 3, 3], real]],
  fold: [([x]) => [image.fold(x, [3, 3], 2)], [[1, 8, 4], real]],
};

Deno.test("steps that are tensors give what numbers give", () => {
  const x = fromValues(real(makeRandom(5), 24), "float64", [4, 6]);
  const doubles = (values: number[]) => tensor(values, { dtype: "float64" });
  for (
    const method of ["linear", "cubic", "cubic-pytorch", "lanczos3", "lanczos5", "area"] as const
  ) {
    for (
      const [scale, move] of [[[0.6, 1.7], [0.3, -1.2]], [[2, 0.5], [0, 0]], [[1, 1], [9, 0.5]]]
    ) {
      const resized = (scale: number[] | Tensor, move: number[] | Tensor) =>
        image.scaleAndTranslate(x, [3, 7], [0, 1], scale, move, { method });
      const wanted = resized(scale, move);
      const found = jit(resized)(doubles(scale), doubles(move));
      assertTensorsClose(found, wanted, { rtol: 0, atol: 1e-12 });
    }
  }
});

for (const [name, [f, ...args]] of Object.entries(laws)) {
  Deno.test(`${name} obeys the laws of derivatives, batches and compilation`, () => {
    const random = makeRandom(seedOf(name));
    const make = () =>
      args.map(([shape, domain]) => fromValues(domain(random, sizeOf(shape)), "float64", shape));
    const values = make();
    checkFirstOrder(f, values, random, name);
    checkSecondOrder(f, values, random, name);
    checkBatch(f, make, random, 1e-12, name);
    checkJit(f, make, random, name);
  });
}

// deno-lint-ignore no-explicit-any
const loose = image as any;

// deno-lint-ignore no-explicit-any
type ErrorClass = abstract new (...args: any[]) => Error;

const refusals: readonly (readonly [() => unknown, ErrorClass, string])[] = [
  [
    () => loose.resize(zeros([2, 2]), [4]),
    ShapeError,
    "Cannot resize float32[2,2] to [4]: expected as many axes",
  ],
  [
    () => loose.resize(zeros([2]), [4], { method: "best" }),
    ArgumentError,
    'Cannot resize: method must be one of "nearest", "linear", "cubic", "cubic-pytorch", "lanczos3", ' +
    '"lanczos5", "area", got "best"',
  ],
  [
    () => loose.scaleAndTranslate(zeros([2]), [4], [0], [0], [1]),
    ArgumentError,
    "Cannot scale and translate float32[2] to [4]: expected positive scales and finite translations, " +
    "got [0] and [1]",
  ],
  [
    () => loose.scaleAndTranslate(zeros([2]), [4], [0], zeros([2]), 1),
    ShapeError,
    "Cannot scale and translate float32[2] to [4]: expected 1 real numbers as scale, or one, " +
    "got float32[2]",
  ],
  [
    () => loose.interpolate(zeros([2, 2]), { size: 3 }),
    ShapeError,
    "Cannot interpolate float32[2,2]: expected [batch, channels, ...space] with one to three axes of space",
  ],
  [
    () => loose.interpolate(zeros([1, 1, 2]), { size: 3, scaleFactor: 2 }),
    ArgumentError,
    "Cannot interpolate float32[1,1,2]: expected either size or scaleFactor",
  ],
  [
    () => loose.interpolate(zeros([1, 1, 2]), { size: 3, mode: "bilinear" }),
    ArgumentError,
    'Cannot interpolate float32[1,1,2]: mode "bilinear" is for 2 axes of space, not 1',
  ],
  [
    () => loose.interpolate(zeros([1, 1, 2]), { size: 3, alignCorners: true }),
    ArgumentError,
    'Cannot interpolate float32[1,1,2]: mode "nearest" has no alignCorners',
  ],
  [
    () => loose.mapCoordinates(zeros([2, 2]), zeros([1, 3]), 1),
    ShapeError,
    "Cannot map coordinates float32[1,3] in float32[2,2]: expected one coordinate for each axis",
  ],
  [
    () => loose.mapCoordinates(zeros([2]), zeros([1, 3]), 3),
    ArgumentError,
    "Cannot map coordinates float32[1,3] in float32[2]: order must be 0 or 1, got 3",
  ],
  [
    () => loose.gridSample(zeros([1, 1, 2, 2]), zeros([1, 2, 3])),
    ShapeError,
    "Cannot sample float32[1,1,2,2] at float32[1,2,3]: expected [batch, channels, height, width] and " +
    "[batch, ...lengths, 2], or one more of each",
  ],
  [
    () => loose.affineGrid(zeros([1, 2, 2]), [1, 1, 2, 2]),
    ShapeError,
    "Cannot make a grid by float32[1,2,2] for images [1,1,2,2]: expected [batch, 2, 3] and four " +
    "lengths, or [batch, 3, 4] and five",
  ],
  [
    () => loose.pixelShuffle(zeros([3, 1, 1]), 2),
    ShapeError,
    "Cannot shuffle the elements of float32[3,1,1] by 2: expected channels that are a multiple of 4",
  ],
  [
    () => loose.unfold(zeros([1, 1, 2, 2]), 3),
    ShapeError,
    "Cannot take patches of float32[1,1,2,2]: no patch fits into space [2,2], padded by [0,0]",
  ],
  [
    () => loose.fold(zeros([1, 3, 2]), [2, 2], 2),
    ShapeError,
    "Cannot add up patches of float32[1,3,2]: expected a multiple of 4 rows and 1 columns",
  ],
];

refusals.forEach(([call, type, message]) => {
  Deno.test(`refused: ${message}`, () => {
    assertRefused(call, type, message);
  });
});
