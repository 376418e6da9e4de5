/**
 * Every primitive of the law table, and random programs, over a mesh, with arguments that are divided by
 * chance: what the evaluator gives, to rounding.
 *
 * @module
 */
import fc from "fast-check";
import { jvp, mesh } from "../../../mod.ts";
import type { Mesh, Tensor } from "../../../mod.ts";
import { isFloat } from "../../../src/base/dtype.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { openXla } from "../../../src/backends/xla/mod.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
import { typeOf } from "../../../src/core/program.ts";
import { bind } from "../../../src/core/trace.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { primitives } from "../../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../../src/primitives/mod.ts";
import type { Flat, Row } from "../../laws/laws.ts";
import { table } from "../../laws/table.ts";
import { between, fromValues, makeRandom, seedOf } from "../../laws/values.ts";
import { checkResults, growProgram } from "../wasm/random_programs.ts";
import { anySharding, checkOnMesh } from "./agreement.ts";
import { xlaTest } from "./support.ts";

const SEED = 20_261_130;

/** How many times as many cases are tried. */
const LONGER = Number(Deno.args.find((arg) => arg.startsWith("--longer="))?.slice(9) ?? 1);

let opened: Mesh | null = null;

/** Six devices: axes of the lengths 2, 3 and 6 are divisible, and those of 4. */
function machines(): Mesh {
  return opened ??= mesh({ pair: 2, triple: 3 }, openXla({ options: { cpu_device_count: 6 } }));
}

for (const name of Object.keys(primitives) as PrimitiveName[]) {
  const row = table[name] as Row<unknown>;
  const primitive = primitives[name] as Primitive<unknown>;
  xlaTest(`${name} over a mesh is what the evaluator makes of it`, () => {
    const random = makeRandom(seedOf(name));
    row.cases.forEach((one, i) => {
      if (i >= 3 * LONGER) return;
      const dtype = row.dtypes[i % row.dtypes.length];
      const law = `${name} of ${dtype}, case ${i}`;
      const f: Flat = row.through ?? ((xs) => bind(primitive, xs, one.params));
      const args: Concrete[] = one.args.map(({ shape, domain, dtype: own = dtype }) =>
        fromValues(domain(random, sizeOf(shape)), own, shape)
      );
      checkOnMesh(f, args, machines(), random, law);
      if (i > 0 || !isFloat(dtype)) return;
      const directions = args.map(({ dtype, shape }) =>
        isFloat(dtype) ? fromValues(between(-1, 1)(random, sizeOf(shape)), dtype, shape) : null
      );
      const tangents: Flat = (xs) =>
        (jvp((...ys: Tensor[]) => f(ys), [...xs], directions)[1] as (Tensor | null)[])
          .filter((tangent) => tangent !== null);
      checkOnMesh(tangents, args, machines(), random, `${law}, tangents`);
    });
  });
}

xlaTest("random programs give over a mesh what the evaluator gives", () => {
  const own = machines();
  const lists = fc.array(fc.nat({ max: 65535 }), { minLength: 40, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(lists, (list) => {
      const sample = growProgram(list, { extremes: false });
      const { program, args } = sample;
      const optimized = optimize(program);
      const random = makeRandom(list[0]);
      const shardings = optimized.binders.map((binder) =>
        anySharding(own, typeOf(binder).shape, random)
      );
      const isDonated = args.map(() => false);
      const options = { place: own, shardings, isDonated };
      const results = backendOf(own).compile(optimized, options).run(args);
      checkResults(results, sample);
    }),
    { seed: SEED, numRuns: 15 * LONGER, endOnFailure: true },
  );
});
