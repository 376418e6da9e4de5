/**
 * Control flow that is preserved by every transform, and user-defined derivative rules.
 *
 * @module
 */
export { associativeScan } from "./associative_scan.ts";
export type { AssociativeScanOptions } from "./associative_scan.ts";
export { checkpoint } from "./checkpoint.ts";
export type { CheckpointOptions, CheckpointPolicy } from "./checkpoint.ts";
export { cond, switchCase } from "./cond.ts";
export { customJvp } from "./custom_jvp.ts";
export type { CustomRuleOptions } from "./custom_rule.ts";
export { customVmap } from "./custom_vmap.ts";
export { customVjp } from "./custom_vjp.ts";
export { map, scan } from "./scan.ts";
export { shardMap } from "./shard_map.ts";
export type { Shardings, ShardMapOptions } from "./shard_map.ts";
export type { ScanOptions } from "./scan.ts";
export { foriLoop, whileLoop } from "./while_loop.ts";
export type { WhileOptions } from "./while_loop.ts";
export { applyAlongAxis, applyOverAxes, piecewise, vectorize } from "./vectorize.ts";
export type { VectorizeOptions } from "./vectorize.ts";
