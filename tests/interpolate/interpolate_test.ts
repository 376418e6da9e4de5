import fixture from "../fixtures/interpolate.json" with { type: "json" };
import { ArgumentError, interpolate, jit, ShapeError, tensor } from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { CubicSplineOptions, Ends } from "../../src/interpolate.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkBatch, checkFirstOrder, checkJit, checkSecondOrder } from "../laws/laws.ts";
import type { Flat } from "../laws/laws.ts";
import { between, fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import type { Domain } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";

// SciPy's values; `interpolate.py` beside the file says what is in it.

function read(value: unknown): Tensor {
  const numbers = (x: unknown): unknown => Array.isArray(x) ? x.map(numbers) : Number(x);
  return tensor(numbers(value) as NestedArray, { dtype: "float64" });
}

const close = { rtol: 0, atol: 1e-11 };

Deno.test("cubicSpline is SciPy's, compiled too", () => {
  for (const { x, y, bcType, at, results } of fixture.splines) {
    results.forEach((expected, order) => {
      const run = (x: Tensor, y: Tensor, at: Tensor) =>
        interpolate.cubicSpline(x, y, { bcType: bcType as Ends })(at, order);
      for (const f of order === 0 ? [run, jit(run)] : [run]) {
        const size = Math.max(1, ...expected.flat().map(Math.abs));
        assertTensorsClose(f(read(x), read(y), read(at)), read(expected), {
          rtol: 0,
          atol: 1e-12 * size,
        });
      }
    });
  }
});

Deno.test("regularGrid is SciPy's, compiled too", () => {
  for (const { points, values, at, result, ...options } of fixture.grids) {
    const own = options as interpolateOptions;
    const run = (values: Tensor, at: Tensor) =>
      interpolate.regularGrid(points.map(read), values, own)(at);
    for (const f of [run, jit(run)]) {
      assertTensorsClose(f(read(values), read(at)), read(result), close);
    }
  }
});

type interpolateOptions = Parameters<typeof interpolate.regularGrid>[2] & object;

Deno.test("a periodic spline begins anew", () => {
  const f = interpolate.cubicSpline([0, 1, 2.5, 4], [1, 2, 0, 1], { bcType: "periodic" });
  assertTensorsClose(f([0.3, 2]), f([4.3, -2]), { rtol: 1e-5, atol: 1e-5 });
});

type Case = readonly [f: Flat, ...args: readonly (readonly [readonly number[], Domain])[]];

/** Increasing points. */
function line(x: Tensor): Tensor {
  return x.add(Array.from({ length: x.size }, (_, i) => 2 * i));
}

function spline(options: CubicSplineOptions): Case {
  return [
    ([x, y, at]) => [interpolate.cubicSpline(line(x), y, options)(at)],
    [[5], between(-0.5, 0.5)],
    [[5, 2], real],
    [[4], between(2.1, 3.2)],
  ];
}

const laws: Readonly<Record<string, Case>> = {
  "a spline": spline({}),
  "a natural spline": spline({ bcType: "natural" }),
  regularGrid: [
    ([x, values, at]) => [interpolate.regularGrid([line(x), [0, 3]], values)(at)],
    [[3], between(-0.5, 0.5)],
    [[3, 2], real],
    [[4, 2], between(0.7, 1.3)],
  ],
};

for (const [name, [f, ...args]] of Object.entries(laws)) {
  Deno.test(`${name} obeys the laws of derivatives, batches and compilation`, () => {
    const random = makeRandom(seedOf(name));
    const make = () =>
      args.map(([shape, domain]) => fromValues(domain(random, sizeOf(shape)), "float64", shape));
    const values = make();
    checkFirstOrder(f, values, random, name);
    if (name !== "a natural spline") checkSecondOrder(f, values, random, name);
    checkBatch(f, make, random, 1e-12, name);
    checkJit(f, make, random, name);
  });
}

Deno.test("arguments of interpolation are refused with what was expected", () => {
  // deno-lint-ignore no-explicit-any
  const loose = interpolate as any;
  assertRefused(
    () => loose.cubicSpline([1], [1]),
    ShapeError,
    "Cannot make a spline through float32[1]: expected a vector of at least 2 points",
  );
  assertRefused(
    () => loose.cubicSpline([1, 2], [1, 2, 3]),
    ShapeError,
    "Cannot make a spline through float32[2]: float32[3] has not as many values",
  );
  assertRefused(
    () => loose.cubicSpline([1, 2], [1, 2], { bcType: "free" }),
    ArgumentError,
    'Cannot make a spline: bcType must be "not-a-knot", "natural", "clamped" or "periodic", got "free"',
  );
  assertRefused(
    () => loose.cubicSpline([1, 2], [1, 2])(1, -1),
    ArgumentError,
    "Cannot evaluate a spline: expected an order of a derivative, got -1",
  );
  assertRefused(
    () => loose.cubicSpline([0, 2, 1], [0, 1, 4]),
    ArgumentError,
    "Cannot make a spline through float32[3]: points must increase, got 2 before 1",
  );
  assertRefused(
    () => loose.regularGrid([[0, 0]], [0, 1]),
    ArgumentError,
    "Cannot interpolate on a grid of float32[2]: points must increase, got 0 before 0",
  );
  assertRefused(
    () => loose.regularGrid([[1, 2]], [1, 2, 3]),
    ShapeError,
    "Cannot interpolate on a grid of [2] points: float32[3] has other axes",
  );
  assertRefused(
    () => loose.regularGrid([[1, 2]], [1, 2])([[1, 2]]),
    ShapeError,
    "Cannot interpolate on a grid at float32[1,2]: expected 1 variables",
  );
  assertRefused(
    () => loose.regularGrid([[1, 2]], [1, 2], { method: "cubic" }),
    ArgumentError,
    'Cannot interpolate on a grid: method must be "linear" or "nearest", got "cubic"',
  );
});
