/**
 * Loops and switches on a device give what the evaluator gives, and nothing of them is left to it.
 *
 * @module
 */
import { jvp, stack, vjp, vmap } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { isFloat } from "../../../src/base/dtype.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { subjectsOf } from "../../control/subjects.ts";
import type { Flat } from "../../laws/laws.ts";
import { makeRandom } from "../../laws/values.ts";
import { assert } from "../../support/std.ts";
import { assertAgrees, resultsOf } from "../agreement.ts";
import { device, gpuTest } from "./support.ts";

/** Holds that the device computes all of a function, as the evaluator does. */
function checkWhole(f: Flat, args: readonly Concrete[], law: string): void {
  const { isWhole, actual, expected } = resultsOf(device(), f, args);
  assert(isWhole, `${law}: a part is left to the evaluator`);
  assertAgrees(actual(), expected(), law);
}

/** The tangents of `f` along its arguments themselves. */
function pushed(f: Flat): Flat {
  return (xs) => {
    const tangents = xs.map((x) => isFloat(x.dtype) ? x : null);
    const [, out] = jvp((...ys: Tensor[]) => [...f(ys)], [...xs], tangents);
    return (out as (Tensor | null)[]).filter((one) => one !== null);
  };
}

/** What cotangents of `f`, its results themselves, amount to for its arguments. */
function pulled(f: Flat): Flat {
  return (xs) => {
    const moving = xs.filter((x) => isFloat(x.dtype));
    const all = (ys: readonly Tensor[]) => {
      let next = 0;
      return xs.map((x) => isFloat(x.dtype) ? ys[next++] : x);
    };
    const of = (...ys: Tensor[]) => f(all(ys)).filter(({ dtype }) => isFloat(dtype));
    const [values, pull] = vjp(of, ...moving);
    return pull(values as never) as unknown as Tensor[];
  };
}

for (const [name, { f, make }] of Object.entries(subjectsOf("float32"))) {
  gpuTest(`${name} runs on a device, with its derivatives and over batches`, () => {
    const random = makeRandom(name.length);
    const lists = [make(random), make(random), make(random)];
    const args = lists[0];
    checkWhole(f, args, name);
    checkWhole(pushed(f), args, `${name}: tangents`);
    checkWhole(pulled(f), args, `${name}: cotangents`);
    checkWhole(pushed(pulled(f)), args, `${name}: tangents of cotangents`);
    const batch = args.map((_, i) => stack(lists.map((list) => list[i])) as Concrete);
    const over = (g: Flat): Flat => (xs) =>
      vmap((...ys: Tensor[]) => [...g(ys)])(...xs) as Tensor[];
    checkWhole(over(f), batch, `${name}: vmap`);
    checkWhole(over(pulled(f)), batch, `${name}: vmap of cotangents`);
  });
}
