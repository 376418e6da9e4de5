/**
 * Reductions that are not sums in a loop nest: running sums and products (`cumulative.ts`, along
 * vectors by `cumulative_lanes.ts` or along one line by `cumulative_line.ts`), and the positions of
 * extremes and of running extremes.
 *
 * @module
 */
export { emitCumprod, emitCumsum } from "./cumulative.ts";
export { emitArgmax, emitArgmin } from "./extremes.ts";
export { emitRunningExtreme } from "./running_extreme.ts";
