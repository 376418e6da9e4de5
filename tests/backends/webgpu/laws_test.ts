/**
 * Every primitive of the law table, with its derivatives, as a WebGPU device computes it: what the
 * evaluator gives, to rounding.
 *
 * @module
 */
import { testLaws } from "../agreement.ts";
import { device, gpuTest } from "./support.ts";

testLaws(gpuTest, device, "float32");
