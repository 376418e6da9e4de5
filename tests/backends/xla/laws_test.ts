/**
 * Every primitive of the law table, with its derivatives, as XLA computes it: what the evaluator gives,
 * to rounding.
 *
 * @module
 */
import { testLaws } from "../agreement.ts";
import { devices, xlaTest } from "./support.ts";

testLaws(xlaTest, () => devices()[0], "float64");
