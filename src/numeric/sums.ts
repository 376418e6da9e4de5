/**
 * Sums of many numbers.
 *
 * @module
 */
import type { Elements } from "../base/dtype.ts";

/**
 * The sum of `x[start]` to `x[end - 1]`, rounded once up to a far smaller error: the rounding
 * errors of all steps are added up separately (T. Ogita, S. Rump and S. Oishi, "Accurate sum and
 * dot product", 2005, algorithm 4.4).
 */
export function floatSum(x: Elements, start: number, end: number): number {
  let sum = 0;
  let rest = 0;
  for (let at = start; at < end; at++) {
    const value = x[at];
    const next = sum + value;
    const taken = next - sum;
    rest += (sum - (next - taken)) + (value - taken);
    sum = next;
  }
  // For an infinite sum the rest is NaN.
  return Math.abs(sum) < Infinity ? sum + rest : sum;
}
