/**
 * What the ways of computing convolutions share.
 *
 * @module
 */
import { range } from "../base/shape.ts";
import type { Kernel } from "./kernel.ts";

/** What makes up a kernel. */
export type Plan = Pick<Kernel, "stages" | "workspaces">;

/** All combinations of one entry of each list, the last list's the fastest. */
export function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>(
    (all, list) => all.flatMap((some) => list.map((entry) => [...some, entry])),
    [[]],
  );
}

/** All indices of arrays of some lengths, in order. */
export function indicesOf(lengths: readonly number[]): number[][] {
  return product(lengths.map((length) => range(length)));
}
