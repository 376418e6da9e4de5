/**
 * What devices of XLA compute beside what the evaluator does.
 *
 * @module
 */
import { makeProgram, shard } from "../../../mod.ts";
import type { Mesh, Sharding, Tensor } from "../../../mod.ts";
import type { Shape } from "../../../src/base/shape.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { optimize } from "../../../src/passes/mod.ts";
import type { Flat } from "../../laws/laws.ts";
import { assertAgrees, checkOnDevice as check } from "../agreement.ts";
import { devices } from "./support.ts";

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
  check(devices()[0], f, args, law);
}
