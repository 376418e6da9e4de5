/**
 * Numbers as keys: words whose order as unsigned integers is that of the numbers. NaN is the largest, and
 * zeros are equal; bits are compared, so that no driver has a say in it.
 *
 * @module
 */
import type { Held } from "../module.ts";

/** `"descending"` turns the whole order round, `"smallest"` that of numbers alone: NaN stays the largest. */
export type KeyOrder = "ascending" | "descending" | "smallest";

/** The function `key_of` of a word that holds a number. */
export function keyFunction(held: Held, order: KeyOrder): string {
  const turned = (key: string): string => order === "ascending" ? key : `~(${key})`;
  if (held !== "f32") {
    const key = held === "i32" ? "word ^ 0x80000000u" : "word";
    return `fn key_of(word: u32) -> u32 { return ${turned(key)}; }`;
  }
  return `fn key_of(word: u32) -> u32 {
  let size = word & 0x7fffffffu;
  if (size > 0x7f800000u) { return ${order === "descending" ? "0u" : "0xffffffffu"}; }
  let key = select(word | 0x80000000u, ~word, (word >> 31u) == 1u && size != 0u);
  return ${turned("key")};
}`;
}
