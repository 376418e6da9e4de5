/**
 * The JSON of file headers. Unlike `JSON.parse`, it refuses an object with equal keys; and numbers are
 * integers, written in digits alone, as lengths and offsets are.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { Scanner } from "./scanner.ts";

/** A JSON value; objects are maps, so that no key means anything. */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

/** How deep values may be nested. */
const MAX_DEPTH = 32;

const BLANK = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const DIGITS = /^(?:\d+|-[1-9]\d*)$/;
const WORD = /true|false|null/y;

/** A number in a message, which may be long. */
function describeNumber(number: string): string {
  return number.length > 40 ? `${number.slice(0, 40)}…` : number;
}

/**
 * Reads one JSON value (RFC 8259) whose numbers are integers in digits.
 *
 * @param fail Makes the error for a fault, which is described in words.
 * @throws what `fail` makes, for text that is not JSON, for keys that an object has twice, and for other
 * numbers.
 */
export function parseJson(text: string, fail: (fault: string) => Error): Json {
  const scanner = new Scanner(text, BLANK);

  function misfit(): Error {
    return fail(
      scanner.at < text.length
        ? `it is not JSON at character ${scanner.at}`
        : "its JSON ends too early",
    );
  }

  function readString(): string {
    scanner.skip();
    if (text[scanner.at] !== '"') throw misfit();
    let end = scanner.at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    try {
      const value: string = JSON.parse(text.slice(scanner.at, end + 1));
      scanner.at = end + 1;
      return value;
    } catch {
      throw misfit();
    }
  }

  function readObject(depth: number): Map<string, Json> {
    const entries = new Map<string, Json>();
    if (scanner.pass("}")) return entries;
    do {
      const key = readString();
      if (entries.has(key)) throw fail(`its JSON has the key ${describeValue(key)} twice`);
      if (!scanner.pass(":")) throw misfit();
      entries.set(key, readValue(depth + 1));
    } while (scanner.pass(","));
    if (!scanner.pass("}")) throw misfit();
    return entries;
  }

  function readArray(depth: number): Json[] {
    const items: Json[] = [];
    if (scanner.pass("]")) return items;
    do items.push(readValue(depth + 1)); while (scanner.pass(","));
    if (!scanner.pass("]")) throw misfit();
    return items;
  }

  function readValue(depth: number): Json {
    if (depth > MAX_DEPTH) throw fail(`its JSON is nested deeper than ${MAX_DEPTH} levels`);
    if (scanner.pass("{")) return readObject(depth);
    if (scanner.pass("[")) return readArray(depth);
    if (text[scanner.at] === '"') return readString();
    const number = scanner.take(NUMBER);
    if (number !== undefined && !DIGITS.test(number)) {
      throw fail(`its JSON has the number ${describeNumber(number)}, expected digits alone`);
    }
    const token = number ?? scanner.take(WORD);
    if (token === undefined) throw misfit();
    return JSON.parse(token);
  }

  const value = readValue(0);
  scanner.skip();
  if (scanner.at < text.length) throw misfit();
  return value;
}
