/**
 * Repairs sums of products in which an element is missing in one of the matrices. Zeros replace the missing
 * elements, but their partners may be infinite or NaN: sums that are not finite are computed again, without
 * such products.
 *
 * @module
 */
import { baseOf } from "../module.ts";
import type { Product } from "./matrices.ts";
import { at } from "./passes.ts";

/** Whether sums may have to be computed again. */
export function isMended({ held, skips, left, right }: Product): boolean {
  return skips && held === "f32" && (left.walk.isTested || right.walk.isTested);
}

/**
 * The function `mended`: a sum of positions from `first` to `end` or, if it is not finite, the sum of those
 * positions at which both matrices have an element.
 */
export function mendingFunction(product: Product): string {
  if (!isMended(product)) return "";
  const { held, loops, length, left, right } = product;
  const last = loops.length;
  const names = [["a", left.walk], ["c", right.walk]] as const;
  const tests = names.flatMap(([name, { isTested }]) => isTested ? [`in${name}_${last}`] : []);
  const position = loops.reduce((value, length, k) => `(${value} * ${length}u + d${k})`, "0u");
  const enter = loops.map((length, k) =>
    `for (var d${k} = 0u; d${k} < ${length}u; d${k}++) {
${names.map(([name, walk]) => walk.loop(name, k)).join("\n")}`
  );
  return `fn mended(sum: f32, t: u32, i: u32, j: u32, first: u32, end: u32) -> f32 {
if ((bitcast<u32>(sum) & 0x7f800000u) != 0x7f800000u) { return sum; }
var whole = 0.0f;
${names.map(([name, walk], k) => walk.enter(name, "ij"[k], baseOf(k))).join("\n")}
${enter.join("\n")}
let p = ${position};
if ((p >= first) & (p < min(end, ${length}u)) & ${tests.join(" & ")}) {
whole += ${held}(b0[oa_${last}]) * ${held}(b1[oc_${last}]);
}
${loops.map(() => "}").join("\n")}
return whole;
}`;
}

/**
 * Statements that repair a block of sums, which are already in the result; `i` and `j` are those of sum `n`.
 */
export function mendBlock(
  product: Product,
  sums: readonly string[],
  [i, j]: readonly [string, string],
  place: string,
  [first, end]: readonly [string, string],
): string {
  if (!isMended(product)) return "";
  const { rows, columns } = product;
  const sizes = sums.map((sum) => `bitcast<u32>(${sum}) & 0x7f800000u`);
  return `var largest = 0u;
${sizes.map((size) => `largest = max(largest, ${size});`).join("\n")}
if (largest == 0x7f800000u) {
for (var n = 0u; n < ${sums.length}u; n++) {
let i = ${i};
let j = ${j};
if (i < ${rows}u && j < ${columns}u) {
${at(2, place)} = mended(${at(2, place)}, t, i, j, ${first}, ${end});
}
}
}`;
}
