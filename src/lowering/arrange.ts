/**
 * Allocation of areas in one memory for values with known lifetimes.
 *
 * @module
 */

/** The steps during which an area is in use. */
export interface Life {
  first: number;
  last: number;
}

/**
 * Assigns addresses after `start` to areas, so that areas that are in use at the same time do not
 * overlap. Addresses are sums of lengths.
 */
export function arrange(
  areas: readonly number[],
  bytes: readonly number[],
  lives: readonly (Life | null)[],
  steps: number,
  start: number,
): { readonly offsets: ReadonlyMap<number, number>; readonly end: number } {
  const offsets = new Map<number, number>();
  const starting: number[][] = Array.from({ length: steps + 2 }, () => []);
  const ending: number[][] = Array.from({ length: steps + 2 }, () => []);
  for (const area of areas) {
    const { first, last } = lives[area]!;
    starting[first + 1].push(area);
    if (last < steps) ending[last + 1].push(area);
  }
  let free: { from: number; to: number }[] = [];
  let end = start;
  for (let step = 0; step < starting.length; step++) {
    for (const area of starting[step].sort((a, b) => bytes[b] - bytes[a])) {
      const length = bytes[area];
      let best = -1;
      for (let i = 0; i < free.length; i++) {
        const room = free[i].to - free[i].from;
        if (room >= length && (best < 0 || room < free[best].to - free[best].from)) best = i;
      }
      if (best >= 0) {
        offsets.set(area, free[best].from);
        free[best].from += length;
        if (free[best].from === free[best].to) free.splice(best, 1);
        continue;
      }
      // A free area at the end is extended instead of being left behind.
      const last = free.at(-1);
      const from = last !== undefined && last.to === end ? free.pop()!.from : end;
      offsets.set(area, from);
      end = from + length;
    }
    for (const area of ending[step]) {
      const from = offsets.get(area)!;
      free.push({ from, to: from + bytes[area] });
    }
    free = join(free);
  }
  return { offsets, end };
}

function join(free: { from: number; to: number }[]): { from: number; to: number }[] {
  free.sort((a, b) => a.from - b.from);
  const joined: { from: number; to: number }[] = [];
  for (const range of free) {
    const last = joined.at(-1);
    if (last !== undefined && last.to === range.from) last.to = range.to;
    else joined.push(range);
  }
  return joined;
}
