/**
 * Element types of PJRT.
 *
 * @module
 */
import { type Dtype, DTYPES, partDtype, type RealDtype } from "../../../base/dtype.ts";

/** The names of `PJRT_Buffer_Type`, by number. */
const NAMES = [
  "INVALID",
  "PRED",
  "S8",
  "S16",
  "S32",
  "S64",
  "U8",
  "U16",
  "U32",
  "U64",
  "F16",
  "F32",
  "F64",
  "BF16",
  "C64",
  "C128",
  "F8E5M2",
  "F8E4M3FN",
  "F8E4M3B11FNUZ",
  "F8E5M2FNUZ",
  "F8E4M3FNUZ",
  "S4",
  "U4",
  "TOKEN",
  "S2",
  "U2",
  "F8E4M3",
  "F8E3M4",
  "F8E8M0FNU",
  "F4E2M1FN",
] as const;

const OF_DTYPES: Readonly<Record<RealDtype, (typeof NAMES)[number]>> = {
  bool: "PRED",
  int8: "S8",
  uint8: "U8",
  int16: "S16",
  uint16: "U16",
  int32: "S32",
  uint32: "U32",
  float16: "F16",
  bfloat16: "BF16",
  float32: "F32",
  float64: "F64",
};

/** The PJRT number of a dtype. */
export function elementType(dtype: Dtype): number {
  return NAMES.indexOf(OF_DTYPES[partDtype(dtype)]);
}

/** The dtype of a PJRT number, or `null` if tensors do not support it. */
export function dtypeOfElementType(type: number): Dtype | null {
  return DTYPES.find((dtype) => elementType(dtype) === type) ?? null;
}

/** The PJRT name of an element type. */
export function nameOfElementType(type: number): string {
  return NAMES[type] ?? `number ${type}`;
}
