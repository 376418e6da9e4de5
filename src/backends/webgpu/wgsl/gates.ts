/**
 * Passes that decide what those behind them do: they write the numbers of workgroups of these, 0 where there
 * is nothing to do.
 *
 * @module
 */
import type { Pass } from "./kernel.ts";
import { element, moduleOf } from "./module.ts";

/** A pass that may have nothing to do. */
export interface Entry {
  /** Its place in the table of counts, three words for each. */
  readonly index: number;
  /** How many workgroups it has along x. */
  readonly groups: number;
  /** On which of several conditions it does something. */
  readonly branch: number;
}

/** What a gate is made of. */
export interface GateParts {
  /** How many operands there are behind the table. */
  readonly operands: number;
  /** Statements in front. */
  readonly before?: string;
  /** The condition of each branch: an expression. */
  readonly conditions: readonly string[];
  /** Statements behind these, which may use `on0`, `on1`, … */
  readonly after?: string;
  /** The passes that it decides on. */
  readonly entries: readonly Entry[];
}

/** Word `index` of operand `k` of a gate; operand 0 is the table of counts. */
export function word(k: number, index: number): string {
  return element(k, `${index}u`);
}

/** The pass; its operands are the table of counts, then those that statements read and write. */
export function gatePass(
  { operands, before = "", conditions, after = "", entries }: GateParts,
): Pass {
  const lines = [
    before,
    ...conditions.map((condition, i) => `let on${i} = ${condition};`),
    after,
    ...entries.map(({ index, groups, branch }) =>
      `${word(0, 3 * index)} = select(0u, ${groups}u, on${branch});`
    ),
  ].filter((line) => line !== "");
  const count = operands + 1;
  return {
    code: moduleOf({
      operands: Array.from({ length: count }, () => "u32" as const),
      body: lines.map((line) => `  ${line}`).join("\n"),
      workgroup: [1, 1, 1],
    }),
    operands: Array.from({ length: count }, (_, i) => i),
    workgroups: [1, 1, 1],
  };
}
