/**
 * What plain `deno test` leaves out. Where one check is made of very many cases, it takes a fixed part of
 * them; `deno task ok`, other runtimes and `deno test FILES -- --whole` take all.
 *
 * @module
 */

const { Deno: deno } = globalThis as { readonly Deno?: { readonly args: readonly string[] } };

/** Whether nothing is left out. */
export const isWhole: boolean = deno === undefined || deno.args.includes("--whole");

/** How many of `count` random cases are checked, the first ones: all, or a third. */
export function partOf(count: number): number {
  return isWhole ? count : Math.ceil(count / 3);
}

/** One of the items, by a number that chooses it; in a whole run all. */
export function oneOf<T>(items: readonly T[], choice: number): readonly T[] {
  return isWhole || items.length === 0 ? items : [items[choice % items.length]];
}
