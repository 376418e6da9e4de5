import { assert, assertEquals, assertThrows } from "../support/std.ts";
import { ArgumentError, AxisError, ShapeError } from "../../src/base/errors.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import type { AxisArgument } from "../../src/base/shape.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import * as functions from "../../src/functions/mod.ts";
import {
  all,
  any,
  argmax,
  argmin,
  full,
  logsumexp,
  max,
  mean,
  min,
  norm,
  prod,
  stack,
  std,
  sum,
  tensor,
  variance,
  zeros,
} from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { hessian } from "../../src/transforms/jacobian.ts";
import { jit } from "../../src/jit.ts";
import { allFinite } from "../../src/primitives/reduction.ts";
import * as random from "../../src/random/mod.ts";
import { vjp } from "../../src/transforms/linearize.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { float64, numbers, sections } from "./fixture.ts";
import type { ReductionCase } from "./fixture.ts";

type Reduction = (x: TensorLike, axis?: AxisArgument, options?: object) => Tensor;

const reductions = functions as unknown as Record<string, Reduction>;
const isRunning = (name: string) => name.startsWith("cum");

/** A call of the fixture, without options that are left out. */
function call({ name, options }: ReductionCase, x: Tensor): Tensor {
  const { axis, ord, ...rest } = options;
  const known = ord === undefined ? rest : { ...rest, ord: numbers(ord) };
  return reductions[name](x, axis, Object.keys(known).length === 0 ? undefined : known);
}

sections.reductions.filter(({ name }) => !isRunning(name)).forEach((row, i) => {
  const { name, options, x, y, cotangent, dx } = row;
  const shown = JSON.stringify(options);

  Deno.test(`${name} ${shown} has PyTorch's values and derivatives, case ${i}`, () => {
    const at = float64(x);
    const [actual, pullback] = vjp((z) => call(row, z), at);
    assertTensorsClose(actual, float64(y), { rtol: 1e-14, atol: 1e-15 });
    assertTensorsClose(pullback(float64(cotangent))[0], float64(dx), { rtol: 1e-13, atol: 1e-15 });
  });

  Deno.test(`${name} ${shown} in float32 is close to float64, case ${i}`, () => {
    const at = float64(x).astype("float32");
    const [actual, pullback] = vjp((z) => call(row, z), at);
    assertEquals(actual.dtype, "float32");
    assertTensorsClose(actual, float64(y).astype("float32"));
    const [slope] = pullback(float64(cotangent).astype("float32")) as Tensor[];
    assertTensorsClose(slope, float64(dx).astype("float32"), { atol: 1e-6 });
  });
});

sections.selections.forEach((row, i) => {
  const { name, options, x, y } = row;
  Deno.test(`${name} ${JSON.stringify(options)} has PyTorch's values, case ${i}`, () => {
    const isIndex = name.startsWith("arg");
    const expected = isIndex ? tensor(numbers(y), { dtype: "int32" }) : tensor(y as boolean[]);
    for (const dtype of ["float32", "float64"] as const) {
      assertTensorsClose(call(row, float64(x).astype(dtype)), expected);
    }
  });
});

const x = tensor([[1, 2, 3], [4, 5, 7]]);
const names = [
  ...["sum", "mean", "prod", "max", "min", "any", "all", "variance", "std", "logsumexp", "norm"],
];

Deno.test("axes may be one, several, negative or all", () => {
  const cube = functions.arange(24).reshape([2, 3, 4]);
  for (const name of names) {
    const f = reductions[name];
    assertEquals(f(cube).shape, [], name);
    assertEquals(f(cube, null).shape, []);
    assertEquals(f(cube, []).shape, [2, 3, 4]);
    assertEquals(f(cube, 1).shape, [2, 4]);
    assertEquals(f(cube, -1).shape, [2, 3]);
    assertEquals(f(cube, [2, 0]).shape, [3]);
    assertEquals(f(cube, [0, -1], { keepdims: true }).shape, [1, 3, 1]);
    assertEquals(f(cube, null, { keepdims: true }).shape, [1, 1, 1]);
    assertTensorsClose(f(cube, [2, 0]), f(cube, [0, 2]));
    const method = (cube as unknown as Record<string, (axis: number) => Tensor>)[name];
    assertTensorsClose(method.call(cube, 1), f(cube, 1));
  }
  assertTensorsClose(sum(cube, [0, 2]), [60, 92, 124]);
});

Deno.test("reductions have their dtypes", () => {
  const all5: readonly Dtype[] = ["bool", "int32", "uint32", "float32", "float64"];
  const same = ["bool", "int32", "uint32", "float32", "float64"];
  const counted = ["int32", "int32", "uint32", "float32", "float64"];
  const float = ["float32", "float32", "float32", "float32", "float64"];
  const expected: Readonly<Record<string, readonly string[]>> = {
    sum: counted,
    prod: counted,
    max: same,
    min: same,
    mean: float,
    variance: float,
    std: float,
    logsumexp: float,
    norm: float,
    any: Array(5).fill("bool"),
    all: Array(5).fill("bool"),
    argmax: Array(5).fill("int32"),
    argmin: Array(5).fill("int32"),
  };
  for (const [name, dtypes] of Object.entries(expected)) {
    all5.forEach((dtype, i) => {
      const result = reductions[name](tensor([[1, 0], [1, 1]], { dtype }), 1);
      assertEquals(showType(result), `${dtypes[i]}[2]`, `${name} of ${dtype}`);
    });
  }
});

Deno.test("bools are counted and integers wrap", () => {
  assertTensorsClose(sum([[true, true], [false, true]], 0), new Int32Array([1, 2]));
  assertTensorsClose(mean([true, false, true, true]), 0.75);
  assertEquals(sum(tensor([2 ** 31 - 1, 1], { dtype: "int32" })).item(), -(2 ** 31));
  assertEquals(prod(tensor([2 ** 16, 2 ** 16, 3], { dtype: "int32" })).item(), 0);
  assertEquals(prod(tensor([true, true])).item(), 1);
});

Deno.test("float32 sums are added up in double precision", () => {
  assertEquals(sum(tensor([2 ** 24, ...Array(8).fill(1)])).item(), 2 ** 24 + 8);
  assertEquals(mean(full([2 ** 24 + 2], 1)).item(), 1);
});

Deno.test("of nothing, the sum is 0, the product 1, the mean NaN, and so on", () => {
  const empty = zeros([0, 2]);
  assertTensorsClose(sum(empty, 0), [0, 0]);
  assertTensorsClose(prod(empty, 0), [1, 1]);
  assertTensorsClose(mean(empty, 0), [NaN, NaN]);
  assertTensorsClose(variance(empty, 0), [NaN, NaN]);
  assertTensorsClose(std(empty, 0), [NaN, NaN]);
  assertTensorsClose(logsumexp(empty, 0), [-Infinity, -Infinity]);
  assertTensorsClose(norm(empty, 0), [0, 0]);
  assertTensorsClose(norm(empty, 0, { ord: 0.5 }), [0, 0]);
  assertTensorsClose(any(empty, 0), [false, false]);
  assertTensorsClose(all(empty, 0), [true, true]);
  assertTensorsClose(any(empty, 0, { keepdims: true }), [[false, false]]);
  for (const name of [...names, "argmax", "argmin"]) {
    assertEquals(reductions[name](zeros([0, 2]), 1).shape, [0], name);
  }
});

Deno.test("there is no largest or smallest of nothing", () => {
  const message = (f: () => unknown) => assertThrows(f, ShapeError).message;
  const reason = "expected at least one element to choose from, current number is 0";
  assertEquals(
    message(() => max(zeros([0, 3]), 0)),
    `Cannot take the max of float32[0,3] over axis 0: ${reason}`,
  );
  assertEquals(
    message(() => min(zeros([2, 0, 3]))),
    `Cannot take the min of float32[2,0,3] over axes [0,1,2]: ${reason}`,
  );
  assertEquals(
    message(() => argmax(zeros([2, 0]), 1)),
    `Cannot take the argmax of float32[2,0] over axis 1: ${reason}`,
  );
  message(() => argmin(zeros([0])));
  message(() => norm(zeros([0]), 0, { ord: Infinity }));
});

Deno.test("positions are those of the first extreme, NaN before all", () => {
  assertEquals(argmax([1, 3, 3]).item(), 1);
  assertEquals(argmin([1, 0, 0]).item(), 1);
  assertEquals(argmax([1, NaN, 3]).item(), 1);
  assertEquals(argmin([1, NaN, 0]).item(), 1);
  assertEquals(argmax(5).item(), 0);
  assertEquals(argmax(x).item(), 5);
  assertTensorsClose(argmax(x, null, { keepdims: true }), tensor([[5]], { dtype: "int32" }));
  assertTensorsClose(x.argmin(-1, { keepdims: true }), tensor([[0], [0]], { dtype: "int32" }));
  assertEquals(argmax([false, true]).item(), 1);
});

Deno.test("bad axes and options are refused", () => {
  const message = (f: () => unknown) => String(assertThrows(f, Error));
  assertEquals(
    message(() => sum(x, 2)),
    "AxisError: Cannot sum float32[2,3]: axis 2 is out of range, expected -2 to 1",
  );
  assertEquals(
    message(() => mean(x, [0, -2])),
    "AxisError: Cannot take the mean of float32[2,3]: axis 0 is named twice in [0, -2]",
  );
  assertEquals(
    message(() => max(3, 1)),
    "AxisError: Cannot take the max of float32[]: axis 1 is out of range, a scalar has no axes",
  );
  assertEquals(
    message(() => norm(x, NaN)),
    "AxisError: Cannot take the norm of float32[2,3]: expected an integer axis, got NaN",
  );
  assertEquals(
    message(() => argmax(x, 0.5)),
    "AxisError: Cannot take the argmax of float32[2,3]: expected an integer axis, got 0.5",
  );
  assertEquals(
    message(() => sum(x, { keepdims: true } as unknown as number)),
    "AxisError: Cannot sum float32[2,3]: expected an integer axis, got object",
  );
  assertEquals(
    message(() => sum(x, 0, true as unknown as object)),
    "ArgumentError: Cannot sum: expected options such as { keepdims }, got true",
  );
  assertEquals(
    message(() => sum(x, 0, { keepDims: true } as object)),
    'ArgumentError: Cannot sum: there is no option "keepDims", the options are keepdims',
  );
  assertEquals(
    message(() => variance(x, 0, { correction: NaN })),
    "ArgumentError: Cannot take the variance of float32[2,3]: " +
      "correction must be a finite number, got NaN",
  );
  assertEquals(
    message(() => norm(x, 0, { ord: "fro" as unknown as number })),
    "ArgumentError: Cannot take the norm of float32[2,3]: " +
      'ord must be a number or an infinity, got "fro"',
  );
  assertThrows(() => any(x, 7), AxisError);
  assertThrows(() => std(x, 0, { correction: "1" as unknown as number }), ArgumentError);
  assertThrows(() => sum("x" as unknown as number), ArgumentError);
});

Deno.test("derivatives are right to the second order", () => {
  const point = tensor([[0.5, -1.25, 2], [1.5, 0.75, -0.25]]);
  const options: readonly (readonly [AxisArgument, object | undefined])[] = [
    [null, undefined],
    [1, undefined],
    [0, { keepdims: true }],
  ];
  for (const [axis, more] of options) {
    for (const name of ["sum", "mean", "prod", "max", "variance", "std", "logsumexp", "norm"]) {
      checkGrads((z: Tensor) => reductions[name](z, axis, more), [point]);
    }
  }
  for (const ord of [-2, 0, 0.5, 1, 1.5, 3, 4, Infinity, -Infinity]) {
    checkGrads((z: Tensor) => norm(z, 1, { ord }), [point]);
  }
  checkGrads((z: Tensor) => variance(z, 0, { correction: 1 }), [point]);
});

Deno.test("the product has exact second derivatives beside zeros", () => {
  const at = tensor([2, 0, 3, 0], { dtype: "float64" });
  assertTensorsClose(hessian((z) => z.prod())(at), [
    [0, 0, 0, 0],
    [0, 0, 0, 6],
    [0, 0, 0, 0],
    [0, 6, 0, 0],
  ]);
});

Deno.test("logsumexp is stable, and its second derivative at large values is right", () => {
  const at = tensor([1000, 1000], { dtype: "float64" });
  assertTensorsClose(logsumexp(at), 1000 + Math.LN2);
  assertTensorsClose(grad((z) => logsumexp(z))(at), [0.5, 0.5]);
  assertTensorsClose(hessian((z) => logsumexp(z))(at), [[0.25, -0.25], [-0.25, 0.25]]);
  assertTensorsClose(logsumexp([[-Infinity, -Infinity], [0, -Infinity]], 1), [-Infinity, 0]);
  assertTensorsClose(logsumexp([Infinity, 0]), Infinity);
  assertTensorsClose(logsumexp([-1e30, -1e30]), -1e30);
});

Deno.test("norm and std are flat at zero, to every order", () => {
  const zero = tensor([0, 0], { dtype: "float64" });
  for (const ord of [0, 0.5, 1, 1.5, 2, 3, Infinity, -Infinity]) {
    const f = (z: Tensor) => norm(z, null, { ord });
    assertTensorsClose(f(zero), 0);
    assertTensorsClose(grad(f)(zero), [0, 0], { message: `ord ${ord}` });
    assertTensorsClose(hessian(f)(zero), [[0, 0], [0, 0]], { message: `ord ${ord}` });
  }
  assertTensorsClose(norm(zero, null, { ord: -1 }), 0);
  assertTensorsClose(grad((z) => norm(z, null, { ord: -1 }))(zero), [0, 0]);
  assertTensorsClose(norm(tensor([0, 2]), null, { ord: -1 }), 0);
  const constant = tensor([3, 3], { dtype: "float64" });
  assertTensorsClose(grad((z) => std(z))(constant), [0, 0]);
  assertTensorsClose(hessian((z) => std(z))(constant), [[0, 0], [0, 0]]);
});

Deno.test("the second derivative of the norm does not stop at elements that are 0", () => {
  const at = tensor([3, 0, 4], { dtype: "float64" });
  // (I - u uᵀ) / |x|, where u = x / |x|.
  assertTensorsClose(hessian((z) => norm(z))(at), [
    [(1 - 9 / 25) / 5, 0, -12 / 125],
    [0, 1 / 5, 0],
    [-12 / 125, 0, (1 - 16 / 25) / 5],
  ]);
});

Deno.test("reductions work under vmap", () => {
  const batch = tensor([[[1, 2], [3, 4]], [[5, 6], [7, 9]]]);
  for (const name of [...names, "argmax", "argmin"]) {
    const f = reductions[name];
    const expected = functions.stack([f(batch.at(0), 1), f(batch.at(1), 1)]);
    assertTensorsClose(vmap((z: Tensor) => f(z, 1))(batch), expected, { message: name });
    assertTensorsClose(
      vmap((z: Tensor) => f(z, 1), 2, 1)(batch.moveaxis(0, 2)),
      expected.transpose(),
    );
  }
});

Deno.test("equal numbers sum to the same bits, however they are stored", () => {
  for (const value of [0.1, -0, 1 / 3, NaN, Infinity, 1e300, 3]) {
    const held = full([7, 10], value, { dtype: "float64" });
    const stored = tensor(new Float64Array(70).fill(value)).reshape([7, 10]);
    for (const axis of [0, 1, undefined]) {
      const [a, b] = [sum(held, axis).data(), sum(stored, axis).data()];
      assertEquals([...a].every((x, i) => Object.is(x, b[i])), true, `${value} over ${axis}`);
    }
  }
});

/** How many units in the last place of a float32 a number is away from the exact one. */
function unitsApart(actual: number, exact: number): number {
  return Math.abs(actual - exact) / 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 23);
}

Deno.test("sums of float32 are added up in double precision, compiled or not", () => {
  const shape = [64, 40, 101];
  const x = random.normal(random.key(3), shape);
  const elements = x.data();
  const axesOf = [[0, 1, 2], [2], [0], [1], [0, 2], [0, 1], [1, 2]];
  for (const axes of axesOf) {
    const kept = [0, 1, 2].filter((axis) => !axes.includes(axis));
    const size = kept.reduce((product, axis) => product * shape[axis], 1);
    const sums = new Float64Array(size);
    elements.forEach((value, i) => {
      const place = [Math.floor(i / 4040), Math.floor(i / 101) % 40, i % 101];
      sums[kept.reduce((at, axis) => at * shape[axis] + place[axis], 0)] += value;
    });
    const count = x.size / size;
    const f = (z: Tensor) => z.sum(axes);
    const g = (z: Tensor) => z.mul(1).mean(axes);
    for (
      const [way, bound, divisor] of [
        [f, 0.5001, 1],
        [jit(f), 0.5001, 1],
        // The quotient is rounded as well.
        [g, 1.51, count],
        [jit(g), 1.51, count],
      ] as const
    ) {
      way(x).data().forEach((value, i) => {
        const apart = unitsApart(value, sums[i] / divisor);
        assert(apart <= bound, `axes ${axes}: ${value}, ${apart} units from ${sums[i] / divisor}`);
      });
    }
  }
});

Deno.test("whether all elements are finite is one answer for all examples", () => {
  const rows = tensor([[1, 2], [3, Infinity]]);
  for (const f of [allFinite, jit(allFinite)]) {
    assertTensorsClose(f(rows), false);
    assertTensorsClose(f(rows.at(0)), true);
    assertTensorsClose(f(tensor([NaN])), false);
    assertTensorsClose(f(zeros([0, 2])), true);
    assertTensorsClose(vmap(f, 0, null)(rows), false);
    assertTensorsClose(vmap(vmap(f), 0, 0)(stack([rows, rows])), [[false, false], [false, false]]);
    assertTensorsClose(vmap(f, 0, null)(stack([rows.at(0), rows.at(0)])), true);
  }
});

Deno.test("sums of float64 are right to a few units in the last place, however many are added", () => {
  const unit = 2 ** -53;
  const check = (actual: number, expected: number, units: number, what: string) =>
    assert(
      Math.abs(actual - expected) <= units * unit * Math.abs(expected),
      `${what}: ${(actual - expected) / expected / unit} units`,
    );
  for (const value of [0.1, -2.7e-5]) {
    for (const count of [3, 17, 100, 4097, 2 ** 18 + 3]) {
      const splat = full([count], value, { dtype: "float64" });
      const list = tensor(new Float64Array(count).fill(value));
      const columns = tensor(new Float64Array(6 * count).fill(value)).reshape([count, 3, 2]);
      const rows = columns.reshape([3, 2, count]);
      const inner = columns.reshape([2, count, 3]);
      for (const run of [<F>(f: F): F => f, jit] as (typeof jit)[]) {
        const f = run((splat: Tensor, list: Tensor, ...stacks: Tensor[]) => [
          mean(splat),
          mean(list),
          sum(list).div(count),
          mean(list.mul(1)),
          mean(stacks[0], 0).at(1, 1),
          mean(stacks[1], 2).at(2, 0),
          mean(stacks[2], [1, 2]).at(1),
          sum(stacks[0], [0, 2]).at(1).div(2 * count),
          mean(stacks[2], 1).at(0, 2),
        ]);
        f(splat, list, columns, rows, inner).forEach((result, i) => {
          check(result.item() as number, value, 8, `mean ${i} of ${count} times ${value}`);
        });
      }
    }
  }
  // Numbers of any size, against their exact sum.
  const x = random.exponential(random.key(5), [2 ** 17], { dtype: "float64" });
  const exact = Array.from(x.data(), (value) => BigInt(Math.round(value * 2 ** 40)));
  const total = Number(exact.reduce((a, b) => a + b)) / 2 ** 40;
  const rounded = tensor(Float64Array.from(exact, (value) => Number(value) / 2 ** 40));
  const split = (x: Tensor) => sum(x.reshape([2 ** 15, 4]), 0).sum();
  for (const f of [sum, split, jit((x: Tensor) => sum(x)), jit(split)]) {
    check(f(rounded).item() as number, total, 6, "random numbers");
  }
});

Deno.test("infinities and NaN are summed as such, however many numbers there are", () => {
  const base = new Float64Array(5000).fill(0.5);
  const cases: [readonly number[], number][] = [
    [[Infinity], Infinity],
    [[-Infinity], -Infinity],
    [[Infinity, -Infinity], NaN],
    [[NaN], NaN],
    [[1e308, 1e308], Infinity],
    [[-0], 2499.5],
  ];
  for (const [places, expected] of cases) {
    const x = tensor(base.map((value, i) => places[i / 1250 - 1] ?? value));
    for (const f of [(x: Tensor) => sum(x), (x: Tensor) => sum(x.reshape([2500, 2]), 0).sum()]) {
      for (const g of [f, jit(f)]) assertEquals(g(x).item(), expected);
    }
  }
});
