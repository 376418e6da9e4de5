/**
 * Division of sums and rows.
 *
 * @module
 */

/**
 * The length of the parts into which a sum is divided, at most the longest: a divisor if there is
 * one.
 */
export function partOf(length: number, most: number): number {
  if (length <= most) return length;
  for (let part = most; part > most / 2; part--) if (length % part === 0) return part;
  return most;
}

/** Rows divided into tiles that differ by one at most. */
export function rowTiles(
  rows: number,
  most: number,
): { readonly rows: number; readonly count: number }[] {
  const tiles = Math.ceil(rows / most);
  const larger = rows % tiles;
  const size = Math.floor(rows / tiles);
  const all = [{ rows: size + 1, count: larger }, { rows: size, count: tiles - larger }];
  return all.filter(({ count }) => count > 0);
}
