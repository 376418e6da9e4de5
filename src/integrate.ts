/**
 * Differential equations, as compiled loops.
 *
 * @example The decay of a quantity, and how it depends on the rate
 * ```ts
 * import { grad, index, integrate, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const after = (rate: Tensor) => index(integrate.odeint((y) => y.mul(rate).neg(), 1, [0, 2]), 1);
 * assertTensorsClose(after(tensor(0.5)), Math.exp(-1), { rtol: 1e-3 });
 * assertTensorsClose(grad(after)(tensor(0.5)), -2 * Math.exp(-1), { rtol: 1e-3 });
 * ```
 *
 * @module
 */
export { odeint } from "./integrate/odeint.ts";
export type { OdeintOptions } from "./integrate/odeint.ts";
