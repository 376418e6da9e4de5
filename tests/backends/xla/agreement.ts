/**
 * What a device computes beside what the evaluator does.
 *
 * @module
 */
import { makeProgram, shard } from "../../../mod.ts";
import type { Mesh, Sharding, Tensor } from "../../../mod.ts";
import type { Dtype } from "../../../src/base/dtype.ts";
import type { Shape } from "../../../src/base/shape.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import { dense } from "../../../src/core/tensor.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { assertTypes } from "../../laws/assertions.ts";
import type { Flat } from "../../laws/laws.ts";
import { assert } from "../../support/std.ts";
import { devices } from "./support.ts";

/** How far results may lie off, relative to the largest element. */
const TOLERANCES: Partial<Record<Dtype, number>> = {
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
  float32: 3e-6,
  float64: 2e-13,
};

function assertAgrees(actual: readonly Concrete[], expected: readonly Concrete[], law: string) {
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

/** How tensors of a shape may be divided over a mesh into equal parts, by chance. */
export function anySharding(mesh: Mesh, shape: Shape, random: () => number): Sharding {
  const spec: string[][] = shape.map(() => []);
  const parts = shape.map(() => 1);
  const names = Object.keys(mesh.axes).sort(() => random() - 0.5);
  for (const name of names) {
    const axis = Math.floor(random() * (shape.length + 1));
    const length = mesh.axes[name];
    if (axis === shape.length || shape[axis] % (parts[axis] * length) !== 0) continue;
    spec[axis].push(name);
    parts[axis] *= length;
  }
  return shard(mesh, ...spec);
}

/** Holds that a mesh gives what the evaluator does, to rounding, however arguments are divided. */
export function checkOnMesh(
  f: Flat,
  args: readonly Concrete[],
  mesh: Mesh,
  random: () => number,
  law: string,
): void {
  const program = optimize(makeProgram((...xs: Tensor[]) => [...f(xs)])(...args));
  const shardings = args.map(({ shape }) => anySharding(mesh, shape, random));
  const compiled = backendOf(mesh).compile(program, {
    place: mesh,
    shardings,
    isDonated: args.map(() => false),
  });
  const results = compiled.run(args);
  const label = `${law}, arguments as ${shardings.map((one) => JSON.stringify(one.spec))}`;
  assertAgrees(results, makeRunner(program)(args), label);
}

/** Holds that a device gives what the evaluator does, to rounding. */
export function checkOnDevice(f: Flat, args: readonly Concrete[], law: string): void {
  const program = optimize(makeProgram((...xs: Tensor[]) => [...f(xs)])(...args));
  const [device] = devices();
  const compiled = backendOf(device).compile(program, {
    place: device,
    shardings: [],
    isDonated: args.map(() => false),
  });
  assertAgrees(compiled.run(args), makeRunner(program)(args), law);
}
