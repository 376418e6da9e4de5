/**
 * Numbers as keys: words whose order as unsigned integers is that of the numbers. NaN is the largest. Bits
 * are compared, so the result does not depend on the driver.
 *
 * @module
 */
import type { Held } from "../module.ts";

/** `"descending"` reverses the whole order, `"smallest"` only that of numbers: NaN remains the largest. */
export type KeyOrder = "ascending" | "descending" | "smallest";

/** The function `key_of` of a word with a number; if zeros are ordered, -0 is less than 0. */
export function keyFunction(
  held: Held,
  order: KeyOrder,
  zeros: "equal" | "ordered" = "equal",
): string {
  const turned = (key: string): string => order === "ascending" ? key : `~(${key})`;
  if (held !== "f32") {
    const key = held === "i32" ? "word ^ 0x80000000u" : "word";
    return `fn key_of(word: u32) -> u32 { return ${turned(key)}; }`;
  }
  return `fn key_of(word: u32) -> u32 {
  let size = word & 0x7fffffffu;
  if (size > 0x7f800000u) { return ${order === "descending" ? "0u" : "0xffffffffu"}; }
  let key = select(word | 0x80000000u, ~word, (word >> 31u) == 1u${
    zeros === "equal" ? " && size != 0u" : ""
  });
  return ${turned("key")};
}`;
}

/** The function `word_of`, the inverse of `key_of` with ordered zeros; it returns a single NaN. */
export function wordFunction(held: Held, order: "ascending" | "smallest"): string {
  const turned = order === "ascending" ? "key" : "~key";
  if (held !== "f32") {
    const word = held === "i32" ? `(${turned}) ^ 0x80000000u` : turned;
    return `fn word_of(key: u32) -> u32 { return ${word}; }`;
  }
  return `fn word_of(key: u32) -> u32 {
  if (key == 0xffffffffu) { return 0x7fc00000u; }
  let ascending = ${turned};
  return select(~ascending, ascending & 0x7fffffffu, (ascending >> 31u) == 1u);
}`;
}
