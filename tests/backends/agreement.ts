/**
 * What a device computes beside what the evaluator does.
 *
 * @module
 */
import { div, iinfo, jit, jvp, makeProgram, tensor, toDevice } from "../../mod.ts";
import type { Device, Tensor } from "../../mod.ts";
import { DTYPES, isFloat } from "../../src/base/dtype.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { backendOf } from "../../src/backends/devices.ts";
import { makeRunner } from "../../src/backends/evaluator.ts";
import type { Primitive } from "../../src/core/primitive.ts";
import { dense } from "../../src/core/tensor.ts";
import type { Concrete } from "../../src/core/tensor.ts";
import { bind } from "../../src/core/trace.ts";
import { optimize } from "../../src/passes/mod.ts";
import { primitives } from "../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../src/primitives/mod.ts";
import { assertIdentical, assertTypes } from "../laws/assertions.ts";
import type { Case, Flat, Row } from "../laws/laws.ts";
import { table } from "../laws/table.ts";
import { between, fromValues, makeRandom, seedOf } from "../laws/values.ts";
import type { Random } from "../laws/values.ts";
import { assert } from "../support/std.ts";

/** How far results may lie off, relative to the largest element. */
const TOLERANCES: Partial<Record<Dtype, number>> = {
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
  float32: 3e-6,
  float64: 2e-13,
};

/** Holds that results are what is expected, to rounding. */
export function assertAgrees(
  actual: readonly Concrete[],
  expected: readonly Concrete[],
  law: string,
) {
  assertTypes(actual, expected, law);
  expected.forEach((x, i) => {
    const [given, wanted] = [dense(actual[i]), dense(x)];
    const finite = wanted.filter((value) => Number.isFinite(value)).map(Math.abs);
    const tolerance = (TOLERANCES[x.dtype] ?? 0) * Math.max(1, ...finite);
    for (let k = 0; k < wanted.length; k++) {
      const isNear = Object.is(given[k], wanted[k]) || given[k] === wanted[k] ||
        Math.abs(given[k] - wanted[k]) <= tolerance;
      assert(isNear, `${law}: result ${i}, element ${k} is ${given[k]}, expected ${wanted[k]}`);
    }
  });
}

/** What a device gives, and the evaluator; `isWhole` says whether the device does all of it. */
export function resultsOf(
  device: Device,
  f: Flat,
  args: readonly Concrete[],
): {
  readonly isWhole: boolean;
  readonly actual: () => readonly Concrete[];
  readonly expected: () => readonly Concrete[];
} {
  const program = optimize(makeProgram((...xs: Tensor[]) => [...f(xs)])(...args));
  const compiled = backendOf(device).compile(program, {
    place: device,
    shardings: [],
    isDonated: args.map(() => false),
  });
  return {
    isWhole: compiled.isWhole,
    actual: () => compiled.run(args),
    expected: () => makeRunner(program)(args),
  };
}

/** Holds that a device gives what the evaluator does, to rounding. */
export function checkOnDevice(
  device: Device,
  f: Flat,
  args: readonly Concrete[],
  law: string,
): void {
  const { actual, expected } = resultsOf(device, f, args);
  assertAgrees(actual(), expected(), law);
}

function draw(one: Case<unknown>, dtype: Dtype, random: Random): Concrete[] {
  return one.args.map(({ shape, domain, dtype: own = dtype }) =>
    fromValues(domain(random, sizeOf(shape)), own, shape)
  );
}

/** The tangents of `f` along random directions. */
function tangentsOf(f: Flat, args: readonly Concrete[], random: Random): Flat {
  const directions = args.map(({ dtype, shape }) =>
    isFloat(dtype) ? fromValues(between(-1, 1)(random, sizeOf(shape)), dtype, shape) : null
  );
  return (xs) =>
    (jvp((...ys: Tensor[]) => f(ys), [...xs], directions)[1] as (Tensor | null)[])
      .filter((tangent) => tangent !== null);
}

/** A function that a device is to compute, with arguments. */
export interface Sample {
  readonly law: string;
  readonly f: Flat;
  readonly args: readonly Concrete[];
}

/**
 * The cases of a primitive in the law table. Derivatives, which are made of primitives that have rows of
 * their own, are those of the first case in `dtype`.
 */
export function* samplesOf(name: PrimitiveName, dtype: Dtype): Generator<Sample> {
  const row = table[name] as Row<unknown>;
  const primitive = primitives[name] as Primitive<unknown>;
  const random = makeRandom(seedOf(name));
  for (const own of row.dtypes) {
    for (const [i, one] of row.cases.entries()) {
      const law = `${name} of ${own}, case ${i}`;
      const f: Flat = row.through ?? ((xs) => bind(primitive, xs, one.params));
      const args = draw(one, own, random);
      yield { law, f, args };
      if (own === dtype && i === 0) {
        yield { law: `${law}, tangents`, f: tangentsOf(f, args, random), args };
      }
    }
  }
}

/** Every primitive of the law table, as a device computes it, with derivatives of `dtype`. */
export function testLaws(
  test: (name: string, run: () => void) => void,
  deviceOf: () => Device,
  dtype: Dtype,
): void {
  for (const name of Object.keys(primitives) as PrimitiveName[]) {
    test(`${name} on a device is what the evaluator makes of it`, () => {
      for (const { law, f, args } of samplesOf(name, dtype)) {
        checkOnDevice(deviceOf(), f, args, law);
      }
    });
  }
}

/** Holds that a device converts dtypes as the evaluator does. */
export function checkConversions(device: Device): void {
  const floats = [
    0,
    -0,
    0.5,
    -0.5,
    1.5,
    -2.5,
    NaN,
    Infinity,
    -Infinity,
    1e10,
    -1e10,
    3.4e38,
    1e300,
  ];
  const halves = [65504, 65519, 65520, -65536, 3.3e38, 2 ** -25, 3e-8, 6e-8, 1.5e-5, 1.0009765625];
  // Ties, and numbers above them by less than float32 can tell.
  const ties = [1 + 2 ** -9 + 2 ** -40, 1 + 2 ** -12 + 2 ** -40, -1 - 2 ** -9];
  const bounds = [127, 128, -129, 255, 256, 32768, -32769, 65536, 2 ** 30 + 2 ** 22 + 1, 16777217];
  for (const from of DTYPES) {
    const values = isFloat(from) ? [...floats, ...halves, ...ties, ...bounds] : bounds;
    const x = fromValues(values, from, [values.length]);
    for (const to of DTYPES) {
      const result = jit((y: Tensor) => y.astype(to))(toDevice(x as Tensor, device));
      assertIdentical([result], [x.astype(to)], `${from} to ${to}`);
    }
  }
}

/** Holds that a device rounds quotients of integers as the evaluator does. */
export function checkQuotients(device: Device): void {
  for (const dtype of ["int8", "int16", "int32", "uint8", "uint32"] satisfies Dtype[]) {
    const { min, max } = iinfo(dtype);
    const ends = [min, min + 1, Math.max(min, -1), 0, 1, 2, max];
    const [x, y] = [tensor(ends.map((end) => [end]), { dtype }), tensor(ends, { dtype })];
    for (const roundingMode of ["floor", "trunc"] as const) {
      const f = (x: Tensor, y: Tensor) => div(x, y, { roundingMode });
      const result = jit(f)(toDevice(x, device), toDevice(y, device));
      assertIdentical([result], [f(x, y)], `${dtype}, ${roundingMode}`);
    }
  }
}
