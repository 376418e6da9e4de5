/**
 * Interpolation between points.
 *
 * @example The slope of a curve through points
 * ```ts
 * import { grad, interpolate } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const f = interpolate.cubicSpline([0, 1, 2, 3], [0, 1, 8, 27]);
 * assertTensorsClose(grad(f)(2.5), 18.75);
 * ```
 *
 * @module
 */
export { cubicSpline } from "./interpolate/cubic_spline.ts";
export type { CubicSplineOptions, Ends } from "./interpolate/cubic_spline.ts";
export { regularGrid } from "./interpolate/regular_grid.ts";
export type { RegularGridOptions } from "./interpolate/regular_grid.ts";
