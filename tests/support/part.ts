/**
 * The reduction of plain `deno test` runs. A check with very many cases takes a fixed part of
 * them; `deno task ok`, other runtimes and `deno test FILES -- --whole` take all.
 *
 * @module
 */

const { Deno: deno } = globalThis as { readonly Deno?: { readonly args: readonly string[] } };

/** Whether all cases are run. */
export const isWhole: boolean = deno === undefined || deno.args.includes("--whole");

/** The number of random cases to check out of `count`, the first ones: all, or a third. */
export function partOf(count: number): number {
  return isWhole ? count : Math.ceil(count / 3);
}

/** One of the items, chosen by a number; in a whole run, all of them. */
export function oneOf<T>(items: readonly T[], choice: number): readonly T[] {
  return isWhole || items.length === 0 ? items : [items[choice % items.length]];
}
