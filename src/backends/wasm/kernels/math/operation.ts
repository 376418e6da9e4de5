/**
 * The type of elementwise operations for the code that fuses them: functions from vectors to a
 * vector.
 *
 * @module
 */
import type { Code } from "../../assembler/code.ts";
import type { Vector } from "../addresses.ts";

export type { Vector } from "../addresses.ts";

/**
 * Called with the code of a function and the primitive's parameters, it puts its constants into
 * locals of that function, so it must be called outside loops. The function that it returns writes
 * the computation of one vector at each call; the inputs are locals, or cheap to repeat.
 */
export type Operation = (code: Code, params: unknown) => (...inputs: readonly Vector[]) => Vector;
