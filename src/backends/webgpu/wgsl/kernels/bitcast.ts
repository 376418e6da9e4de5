/**
 * Reinterprets bytes as another dtype. Each element of any dtype is stored in its own word, half floats as
 * float32: their bits are computed from the float32, and the float32 from the bits.
 *
 * @module
 */
import { byteSize, type Dtype, isFloat, isHalf, rangeOf } from "../../../../base/dtype.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import type { Kernel, Operand } from "../kernel.ts";
import { at, each } from "./passes.ts";

/**
 * The function `to_bits` for half floats: from the bits of a float32 that is a float16 to those of the
 * float16.
 */
const TO_HALF = `fn to_bits(word: u32) -> u32 {
  let sign = (word >> 16u) & 0x8000u;
  let size = word & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u | ((size >> 13u) & 0x3ffu); }
  if (size >= 0x47800000u) { return sign | 0x7c00u; }
  if (size >= 0x38800000u) { return sign | ((size - 0x38000000u) >> 13u); }
  if (size < 0x33800000u) { return sign; }
  return sign | (((size & 0x7fffffu) | 0x800000u) >> (126u - (size >> 23u)));
}`;

/** The function `from_bits`, its inverse. */
const FROM_HALF = `fn from_bits(bits: u32) -> u32 {
  let sign = (bits & 0x8000u) << 16u;
  let exponent = (bits >> 10u) & 31u;
  let fraction = bits & 0x3ffu;
  if (exponent == 31u) { return sign | 0x7f800000u | (fraction << 13u); }
  if (exponent != 0u) { return sign | ((exponent + 112u) << 23u) | (fraction << 13u); }
  if (fraction == 0u) { return sign; }
  let shift = countLeadingZeros(fraction) - 21u;
  return sign | ((113u - shift) << 23u) | (((fraction << shift) & 0x3ffu) << 13u);
}`;

/** The function `to_bits`, which returns the bits of the element stored in a word. */
function toBits(dtype: Dtype): string {
  if (dtype === "float16") return TO_HALF;
  const bits = 8 * byteSize(dtype);
  const own = dtype === "bfloat16"
    ? "word >> 16u"
    : bits === 32
    ? "word"
    : `word & ${2 ** bits - 1}u`;
  return `fn to_bits(word: u32) -> u32 { return ${own}; }`;
}

/** The function `from_bits`, which returns the word that stores an element with these bits. */
function fromBits(dtype: Dtype): string {
  if (dtype === "float16") return FROM_HALF;
  const bits = 8 * byteSize(dtype);
  const isSigned = !isFloat(dtype) && rangeOf(dtype)[0] < 0;
  const word = isHalf(dtype)
    ? "bits << 16u"
    : bits === 32 || !isSigned
    ? "bits"
    : `bitcast<u32>(bitcast<i32>(bits << ${32 - bits}u) >> ${32 - bits}u)`;
  return `fn from_bits(bits: u32) -> u32 { return ${word}; }`;
}

/** The kernel of `bitcast`. */
export function emitBitcast(
  [x]: readonly Operand[],
  _params: unknown,
  [output]: readonly Operand[],
): Kernel {
  const size = sizeOf(output.shape);
  if (size === 0) return { passes: [], scratch: [], operations: 0 };
  const [own, other] = [byteSize(x.dtype), byteSize(output.dtype)];
  const ratio = Math.max(own, other) / Math.min(own, other);
  const read = (index: string): string => `to_bits(${at(0, index)})`;
  const bits = own >= other
    ? `(${read(`i / ${ratio}u`)} >> (${8 * other}u * (i % ${ratio}u))) & ${2 ** (8 * other) - 1}u`
    : range(ratio).map((k) => `(${read(`i * ${ratio}u + ${k}u`)} << ${8 * own * k}u)`).join(" | ");
  const pass = each([[0, "u32"], [1, "u32"]], size, `${at(1, "i")} = from_bits(${bits});`, {
    shared: `${toBits(x.dtype)}\n${fromBits(output.dtype)}`,
  });
  return { passes: [pass], scratch: [], operations: size };
}
