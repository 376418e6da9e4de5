/**
 * Minimisation of functions, as compiled loops. Steps on noisy gradients are in `optim`.
 *
 * @example The nearest point of a plane
 * ```ts
 * import { optimize, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const { x, fun } = optimize.minimize((x) => x.sub([1, 2]).square().sum(), tensor([0, 0]));
 * assertTensorsClose(x, [1, 2], { atol: 1e-4 });
 * assertTensorsClose(fun, 0, { atol: 1e-6 });
 * ```
 *
 * @module
 */
export { minimize } from "./optimize/minimize.ts";
export type {
  LimitedMemoryResults,
  MinimizeOptions,
  OptimizeResults,
} from "./optimize/minimize.ts";
