/**
 * The header of NumPy's array files: the text of a Python dictionary, read and never evaluated.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { Scanner } from "./scanner.ts";
import type { StoredKind } from "./elements.ts";

/** The contents of a header. */
export interface NpyHeader {
  /** How the elements are stored. */
  readonly kind: StoredKind;
  /** Whether the most significant byte of each element comes first. */
  readonly bigEndian: boolean;
  /** Whether the first axis varies fastest. */
  readonly fortranOrder: boolean;
  /** The shape, not checked. */
  readonly shape: readonly number[];
}

/** NumPy's names of the dtypes that can be read, without byte order. */
export const NUMPY_KINDS: ReadonlyMap<string, StoredKind> = new Map([
  ["f8", "float64"],
  ["f4", "float32"],
  ["f2", "float16"],
  ["i8", "int64"],
  ["i4", "int32"],
  ["i2", "int16"],
  ["i1", "int8"],
  ["u8", "uint64"],
  ["u4", "uint32"],
  ["u2", "uint16"],
  ["u1", "uint8"],
  ["b1", "bool"],
  ["c8", "complex64"],
  ["c16", "complex128"],
]);

/** How NumPy names the dtypes of tensors. */
const NAMES: Readonly<Record<Dtype, string>> = {
  float64: "<f8",
  float32: "<f4",
  float16: "<f2",
  // NumPy itself has no such dtype: ml_dtypes, which adds it, writes this.
  bfloat16: "<V2",
  int32: "<i4",
  uint32: "<u4",
  int16: "<i2",
  uint16: "<u2",
  int8: "|i1",
  uint8: "|u1",
  bool: "|b1",
  complex64: "<c8",
  complex128: "<c16",
};

/** The meaning of the first letter of other dtypes. */
const REFUSED: Readonly<Record<string, string>> = {
  O: "Python objects",
  c: "complex numbers of that size",
  S: "bytes",
  a: "bytes",
  U: "strings",
  V: "raw data",
  M: "dates",
  m: "time spans",
  f: "floating-point numbers of that size",
};

/** Reads the text of a header. */
export function parseNpyHeader(text: string, what: string): NpyHeader {
  const fail = (fault: string) => argumentError(`${what}: ${fault}`);
  const scanner = new Scanner(text, /[ \t]*/y);

  function expect(sign: string): void {
    if (!scanner.pass(sign)) throw fail(`its header is broken at character ${scanner.at}`);
  }

  function readText(): string {
    const quote = scanner.pass("'") ? "'" : (expect('"'), '"');
    const inner = scanner.take(/[^'"\\\n]*/y) ?? "";
    expect(quote);
    return inner;
  }

  function readDescription(): string {
    scanner.skip();
    if (text[scanner.at] === "[" || text[scanner.at] === "(") {
      throw dtypeError(`${what}: structured dtypes are not supported; save each field on its own`);
    }
    return readText();
  }

  function readFlag(): boolean {
    scanner.skip();
    const word = scanner.take(/True|False/y);
    if (word === undefined) throw fail(`its header is broken at character ${scanner.at}`);
    return word === "True";
  }

  function readShape(): number[] {
    const shape: number[] = [];
    expect("(");
    while (!scanner.pass(")")) {
      scanner.skip();
      // Python 2 wrote an L after long integers.
      const digits = scanner.take(/\d{1,20}L?/y);
      if (digits === undefined) throw fail(`its header is broken at character ${scanner.at}`);
      shape.push(Number(digits.replace("L", "")));
      if (!scanner.pass(",")) {
        // A number in parentheses without a comma is no tuple.
        if (shape.length === 1) throw fail(`its header is broken at character ${scanner.at}`);
        expect(")");
        break;
      }
    }
    return shape;
  }

  let description: string | undefined;
  let fortranOrder: boolean | undefined;
  let shape: number[] | undefined;
  expect("{");
  while (!scanner.pass("}")) {
    const key = readText();
    expect(":");
    if (key === "descr" && description === undefined) description = readDescription();
    else if (key === "fortran_order" && fortranOrder === undefined) fortranOrder = readFlag();
    else if (key === "shape" && shape === undefined) shape = readShape();
    else throw fail(`its header has the key ${describeValue(key)} twice or for no reason`);
    if (!scanner.pass(",")) {
      expect("}");
      break;
    }
  }
  scanner.take(/\s*/y);
  if (scanner.at < text.length) throw fail(`its header is broken at character ${scanner.at}`);
  if (description === undefined || fortranOrder === undefined || shape === undefined) {
    throw fail("its header must have descr, fortran_order and shape");
  }
  return { ...parseDescription(description, what), fortranOrder, shape };
}

/** The meaning of a dtype's description, such as `<f4`. */
function parseDescription(
  description: string,
  what: string,
): { kind: StoredKind; bigEndian: boolean } {
  const [, order, name] = /^([<>|=]?)(.*)$/s.exec(description)!;
  // Raw data of two bytes is what ml_dtypes makes of its bfloat16.
  const kind = name === "V2" ? "bfloat16" : NUMPY_KINDS.get(name);
  if (kind !== undefined) return { kind, bigEndian: order === ">" };
  const meaning = Object.hasOwn(REFUSED, name[0] ?? "") ? ` (${REFUSED[name[0]]})` : "";
  throw dtypeError(
    `${what}: dtype ${describeValue(description)}${meaning} is not supported; convert it with ` +
      `astype before saving`,
  );
}

/** The number of digits that NumPy leaves room for, so that the first axis can grow in place. */
const GROWTH_DIGITS = 21;

/** The text of a header, as NumPy writes it: together with `before` bytes a multiple of 64. */
export function formatNpyHeader(dtype: Dtype, shape: readonly number[], before: number): string {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const growth = shape.length === 0 ? 0 : GROWTH_DIGITS - String(shape[0]).length;
  const text = `{'descr': '${NAMES[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }` +
    " ".repeat(growth);
  const length = Math.ceil((before + text.length + 1) / 64) * 64 - before;
  return `${text.padEnd(length - 1)}\n`;
}
