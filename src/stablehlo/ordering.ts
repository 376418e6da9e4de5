/**
 * Rules of sorting and of random bits.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import type { ArgsortParams } from "../primitives/ordering.ts";
import type { Builder } from "./builder.ts";
import type { Context } from "./rule.ts";
import type { Value, ValueType } from "./writer.ts";

type Args = readonly Value[];

/** The indices that sort; the sort is stable, and NaN is the largest. */
function argsort(
  b: Builder,
  [x]: Args,
  { params: { axis, descending }, types: [type] }: Context<ArgsortParams>,
): Args {
  if (x.shape.length === 0) return [b.splat(0, type)];
  const places = b.iota(type, axis);
  const scalars = [x, places].flatMap(({ dtype }): ValueType[] => [
    { dtype, shape: [] },
    { dtype, shape: [] },
  ]);
  const [, order] = b.generic(
    "stablehlo.sort",
    [x, places],
    `dimension = ${axis} : i64, is_stable = true`,
    [x, type],
    [{
      types: scalars,
      isIsolated: true,
      write: ([first, second]) => {
        const goesFirst = b.compare(descending ? "GT" : "LT", first, second);
        if (!isFloat(x.dtype as Dtype)) return [goesFirst];
        const [one, other] = descending ? [first, second] : [second, first];
        const byNan = b.and(b.isNan(one), b.not(b.isNan(other)));
        return [b.or(goesFirst, byNan)];
      },
    }],
  );
  return [order];
}

/** The rotations of the two halves of the rounds. */
const ROTATIONS = [[13, 15, 26, 6], [17, 29, 16, 24]] as const;

/** Twenty rounds of Threefry-2x32, the bits of `numeric/threefry.ts`. */
function threefry2x32(b: Builder, [k0, k1, x0, x1]: Args): Args {
  const xor = (x: Value, y: Value) => b.elementwise("stablehlo.xor", x, y);
  const rotated = (x: Value, by: number) =>
    b.or(
      b.elementwise("stablehlo.shift_left", x, by),
      b.elementwise("stablehlo.shift_right_logical", x, 32 - by),
    );
  const keys = [k0, k1, xor(xor(k0, k1), b.splat(0x1bd11bda, k0))];
  let [first, second] = [b.add(x0, keys[0]), b.add(x1, keys[1])];
  for (let group = 0; group < 5; group++) {
    for (const rotation of ROTATIONS[group % 2]) {
      first = b.add(first, second);
      second = xor(rotated(second, rotation), first);
    }
    first = b.add(first, keys[(group + 1) % 3]);
    second = b.add(b.add(second, keys[(group + 2) % 3]), group + 1);
  }
  return [first, second];
}

/** The rules, by primitive. */
export const ordering = { argsort, threefry2x32 } as const;
