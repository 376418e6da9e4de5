/**
 * Options of `jit` that name arguments by their positions.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";

/** The positions in an option. */
export function readArgnums(
  argnums: number | readonly number[],
  option: string,
): readonly number[] {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  const misfit = () =>
    argumentError(
      `Cannot apply jit with ${option} ${describeValue(argnums)}: ` +
        `expected positions of arguments, counted from 0, or from the end if negative`,
    );
  if (!Array.isArray(list)) throw misfit();
  return Array.from(list, (n) => {
    if (Number.isSafeInteger(n)) return n;
    throw misfit();
  });
}

/** Throws where an argument is both static and donated. */
export function checkDisjoint(statics: readonly number[], donated: readonly number[]): void {
  const both = statics.find((position) => donated.includes(position));
  if (both === undefined) return;
  throw argumentError(
    `Cannot apply jit with argument ${both} both static and donated: ` +
      `static arguments are part of the program and have no memory to give`,
  );
}

/** The positions in an option for a call with these arguments, counted from the front. */
export function placesIn(
  places: readonly number[],
  { length }: readonly unknown[],
  f: (...args: never[]) => unknown,
  option: string,
): readonly number[] {
  if (places.every((place) => place >= 0 && place < length)) return places;
  return places.map((place) => {
    // An argument with a default, or in a rest parameter, may be omitted.
    const isThere = place < length || place < f.length || takesMore(f);
    if (place < -length || !isThere) {
      throw argumentError(
        `Cannot call a jitted function whose ${option} names argument ${place}: ` +
          `expected the position of one of its arguments, ${length} of which are given`,
      );
    }
    return place < 0 ? place + length : place;
  });
}

/** Whether a function may take more arguments than its `length`, judged by its source text. */
function takesMore(f: (...args: never[]) => unknown): boolean {
  const text = String(f);
  const isArrow = !/^(async\s+)?function\b/.test(text) && text.includes("=>");
  const parameters = isArrow ? text.slice(0, text.indexOf("=>")) : text.split(/\)\s*\{/)[0];
  return /=|\.\.\.|\[native code\]/.test(parameters) || /\barguments\b/.test(text);
}
