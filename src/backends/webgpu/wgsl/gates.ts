/**
 * Passes that control later passes: they write the workgroup counts of these, 0 if there is nothing to do.
 *
 * @module
 */
import type { Pass } from "./kernel.ts";
import { element, moduleOf } from "./module.ts";

/** A pass that may have nothing to do. */
export interface Entry {
  /** Its index in the table of counts, three words each. */
  readonly index: number;
  /** Its number of workgroups along x. */
  readonly groups: number;
  /** The index of the condition that enables it. */
  readonly branch: number;
}

/** The parts of a gate. */
export interface GateParts {
  /** The number of operands after the table. */
  readonly operands: number;
  /** Statements before the conditions. */
  readonly before?: string;
  /** The condition of each branch, as an expression. */
  readonly conditions: readonly string[];
  /** Statements after the conditions, which may use `on0`, `on1`, … */
  readonly after?: string;
  /** The passes that it controls. */
  readonly entries: readonly Entry[];
}

/** Word `index` of operand `k` of a gate; operand 0 is the table of counts. */
export function word(k: number, index: number): string {
  return element(k, `${index}u`);
}

/** The pass; its operands are the table of counts, followed by those that the statements use. */
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
