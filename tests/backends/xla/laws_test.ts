/**
 * Every primitive of the law table, with its derivatives, as XLA computes it: what the evaluator gives,
 * to rounding.
 *
 * @module
 */
import { jvp } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { isFloat } from "../../../src/base/dtype.ts";
import type { Dtype } from "../../../src/base/dtype.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
import { bind } from "../../../src/core/trace.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { primitives } from "../../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../../src/primitives/mod.ts";
import type { Case, Flat, Row } from "../../laws/laws.ts";
import { table } from "../../laws/table.ts";
import { between, fromValues, makeRandom, seedOf } from "../../laws/values.ts";
import type { Random } from "../../laws/values.ts";
import { checkOnDevice } from "./agreement.ts";
import { xlaTest } from "./support.ts";

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

for (const name of Object.keys(primitives) as PrimitiveName[]) {
  const row = table[name] as Row<unknown>;
  const primitive = primitives[name] as Primitive<unknown>;
  xlaTest(`${name} on a device is what the evaluator makes of it`, () => {
    const random = makeRandom(seedOf(name));
    for (const dtype of row.dtypes) {
      row.cases.forEach((one, i) => {
        const law = `${name} of ${dtype}, case ${i}`;
        const f: Flat = row.through ?? ((xs) => bind(primitive, xs, one.params));
        const args = draw(one, dtype, random);
        checkOnDevice(f, args, law);
        // The derivatives are made of primitives that have rows of their own.
        if (dtype === "float64" && i === 0) {
          checkOnDevice(tangentsOf(f, args, random), args, `${law}, tangents`);
        }
      });
    }
  });
}
