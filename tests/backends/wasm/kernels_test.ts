import { DTYPES, isNarrow } from "../../../src/base/dtype.ts";
import type { Dtype } from "../../../src/base/dtype.ts";
import { kernelNames } from "../../../src/backends/wasm/kernels/table.ts";
import { kinds } from "../../../src/passes/kinds.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
import { canEmit } from "../../../src/backends/wasm/kernels/nest/mod.ts";
import { SPECIAL } from "../../../src/primitives/special_names.ts";
import { primitives } from "../../../src/primitives/mod.ts";
import { assertEquals } from "../../support/std.ts";

// Little is left to the evaluator: every other primitive is loops or a kernel, for every dtype.

/** What is left to the evaluator on purpose. */
const HOST: readonly string[] = [
  "randomGamma",
  "randomGammaSlope",
  "pseudoInverse",
  "complexLu",
  "complexComplement",
  "complexEigh",
  "complexSvd",
  "eig",
  "schur",
  "complexSchur",
  ...SPECIAL,
];

const parameters: Readonly<Record<string, unknown>> = {
  convert: { dtype: "float32" },
  polygamma: { order: 1 },
};

/** Whether an elementwise primitive takes arguments of a dtype. */
function takes(name: keyof typeof primitives, dtype: Dtype): boolean {
  const primitive = primitives[name] as unknown as Primitive<unknown>;
  const one = { dtype, shape: [2] };
  const lists = [[one], [one, one], [{ dtype: "bool", shape: [2] } as const, one, one]];
  return lists.some((args) => {
    try {
      return primitive.type(args, parameters[name] ?? null).length > 0;
    } catch {
      return false;
    }
  });
}

Deno.test("every elementwise primitive has code for every dtype that it takes", () => {
  let count = 0;
  for (const name of Object.keys(primitives) as (keyof typeof primitives)[]) {
    if (kinds[name].kind !== "map") continue;
    const own = DTYPES.filter((dtype) => takes(name, dtype) && !isNarrow(dtype));
    assertEquals(own.filter((dtype) => !canEmit(name, dtype)), [], name);
    count += own.length;
  }
  assertEquals(count > 120, true, `${count} pairs of primitives and dtypes`);
});

Deno.test("every primitive that is not loops has a kernel", () => {
  const wanted = Object.entries(kinds).flatMap(([name, { kind }]) =>
    kind === "kernel" ? [name] : []
  );
  assertEquals(kernelNames.toSorted(), wanted.toSorted());
});

Deno.test("the evaluator is left nothing but what is meant for it", () => {
  const left = Object.entries(kinds).flatMap(([name, { kind }]) => kind === "host" ? [name] : []);
  assertEquals(left.toSorted(), HOST.toSorted());
});
