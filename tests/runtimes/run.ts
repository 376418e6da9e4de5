/**
 * What `deno task runtimes` runs in each runtime.
 *
 * @module
 */
import { report } from "./report.ts";
import type { Report } from "./report.ts";
import { parts } from "./smoke.ts";

/** Runs the smoke program and the sample of laws. */
export function run(): Promise<Report> {
  return report(parts);
}
