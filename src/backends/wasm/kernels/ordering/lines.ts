/**
 * The lines of elements to sort, and their records of a key and the element's index. Keys are
 * unsigned integers in the order of the elements, with NaN as the largest; a descending sort
 * inverts them. A short key and its index share 64 bits, so no two records are equal.
 *
 * @module
 */
import { byteSize, type Dtype, isHalf, rangeOf } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import { f32, f64, i32, i64, select } from "../../assembler/operations.ts";
import { type Pointer, times } from "../addresses.ts";

/** Bytes of an index in the result. */
export const INDEX = 4;

/** Lines of elements to sort. */
export interface Lines {
  readonly dtype: Dtype;
  readonly descending: boolean;
  /** The number of lines. */
  readonly count: number;
  /** The length of each line. */
  readonly length: number;
  /** The distance in elements along a line, which is the number of interleaved lines. */
  readonly stride: number;
}

/** Bytes of a record: a long key is stored next to its index. */
export function recordBytes(dtype: Dtype): number {
  return dtype === "float64" ? 16 : 8;
}

/** The offset of the index in a record. */
export function indexOffset(dtype: Dtype): number {
  return dtype === "float64" ? 8 : 0;
}

/** The addresses of a line's first element and of its first index. */
export function lineStarts(
  code: Code,
  { dtype, length, stride }: Lines,
  x: Pointer,
  out: Pointer,
  line: Local<"i32">,
): { readonly from: Local<"i32">; readonly to: Local<"i32"> } {
  const start = code.let(
    stride === 1 ? times(line, length) : i32.add(
      times(i32.divU(line, i32.const(stride)), length * stride),
      i32.remU(line, i32.const(stride)),
    ),
  );
  return {
    from: code.let(i32.add(x, times(start, byteSize(dtype)))),
    to: code.let(i32.add(out, times(start, INDEX))),
  };
}

/** The key of the 64-bit element at an address. */
export function readLongKey(code: Code, descending: boolean, at: Pointer): Expression<"i64"> {
  // Adding zero converts negative zero to positive zero, which it is equal to.
  const value = code.let(f64.add(f64.load(at), f64.const(0)));
  const bits = code.let(i64.reinterpretF64(value));
  const flips = i64.or(i64.shrS(bits, i64.const(63)), i64.const(-(2n ** 63n)));
  const key = select(f64.eq(value, value), i64.xor(bits, flips), i64.const(-1));
  return descending ? i64.xor(key, i64.const(-1)) : key;
}

/** The key of a shorter element at an address; bits that its dtype does not have are all the same. */
export function readShortKey(
  code: Code,
  dtype: Exclude<Dtype, "float64">,
  descending: boolean,
  at: Pointer,
): Expression<"i32"> {
  const key = ascendingKey(code, dtype, at);
  return descending ? i32.xor(key, i32.const(-1)) : key;
}

function ascendingKey(
  code: Code,
  dtype: Exclude<Dtype, "float64">,
  at: Pointer,
): Expression<"i32"> {
  const bits = 8 * byteSize(dtype);
  if (isHalf(dtype)) {
    const held = code.let(i32.load16U(at));
    const size = code.let(i32.and(held, i32.const(0x7fff)));
    const flips = select(
      i32.and(i32.ne(size, i32.const(0)), i32.ne(held, size)),
      i32.const(0xffff),
      i32.const(0x8000),
    );
    const endless = i32.const(dtype === "float16" ? 0x7c00 : 0x7f80);
    const value = select(i32.eqz(size), size, held);
    return select(i32.gtU(size, endless), i32.const(0xffff), i32.xor(value, flips));
  }
  if (dtype === "float32") {
    const value = code.let(f32.add(f32.load(at), f32.const(0)));
    const held = code.let(i32.reinterpretF32(value));
    const flips = i32.or(i32.shrS(held, i32.const(31)), i32.const(-(2 ** 31)));
    return select(f32.eq(value, value), i32.xor(held, flips), i32.const(-1));
  }
  const held = bits === 8 ? i32.load8U(at) : bits === 16 ? i32.load16U(at) : i32.load(at);
  const isSigned = dtype !== "bool" && rangeOf(dtype)[0] < 0;
  return isSigned ? i32.xor(held, i32.const((2 ** (bits - 1)) | 0)) : held;
}
