/**
 * The frame of a shader: bindings, bases, and the entry point with its body.
 *
 * @module
 */
import { type Dtype, isFloat, rangeOf } from "../../../base/dtype.ts";
import { internalError } from "../../../base/errors.ts";
import { functionsOf } from "./math.ts";

/** The type of a word of a buffer. */
export type Held = "f32" | "i32" | "u32";

/**
 * The storage type of elements of a dtype on the device: one 32-bit word each, float32 for half floats and 0
 * or 1 for bool.
 */
export function heldType(dtype: Dtype): Held {
  if (dtype === "float64") throw internalError("float64 is not held on the device");
  if (isFloat(dtype)) return "f32";
  return rangeOf(dtype)[0] < 0 ? "i32" : "u32";
}

/** The type in which a pass declares a word. */
export type Word = Held | "atomic<u32>";

/** The size of `length` elements on the device in bytes, at least that of one. */
export function wordBytes(length: number): number {
  return 4 * Math.max(1, length);
}

/** The parts of a shader. */
export interface ModuleParts {
  /** The word type of each operand, in the order of the pass. */
  readonly operands: readonly Word[];
  /** The statements of `main`. */
  readonly body: string;
  /** Invocations of a workgroup. */
  readonly workgroup: readonly [number, number, number];
  /** Declarations at module scope, such as `var<workgroup> tile: array<f32, 64>;`. */
  readonly shared?: string;
  /** Names of the functions of `math.ts` that the body calls. */
  readonly functions?: Iterable<string>;
  /** The number of numbers passed to the program at each run. */
  readonly numbers?: number;
}

/** A word of the bases: one for each operand, and one more that is 0, which compilers cannot assume. */
function wordOf(index: number): string {
  return `bases[${index >> 2}].${"xyzw"[index & 3]}`;
}

/** The base of operand `k`. */
export function baseOf(k: number): string {
  return wordOf(k);
}

/** Element `index` of operand `k`, to read or write: operands start at their base. */
export function element(k: number, index: string): string {
  return `b${k}[${wordOf(k)} + ${index}]`;
}

/** The number `index` of those passed to a program at each run, in a pass with this number of operands. */
export function given(operands: number, index: number, dtype: Dtype): string {
  const word = wordOf(operands + 1 + index);
  if (dtype === "bool") return `(${word} != 0u)`;
  const held = heldType(dtype);
  return held === "u32" ? word : `bitcast<${held}>(${word})`;
}

/** The size in bytes of the bases of a pass with these numbers of operands and of passed numbers. */
export function basesBytes(operands: number, numbers: number = 0): number {
  return Math.ceil((operands + 1 + numbers) / 4) * 16;
}

/**
 * A 0 that is only known at run time: compilers replace products with constant zeros by 0, although products
 * with NaN and infinities are not 0.
 */
export function zeroOf(held: Held): string {
  return `bitcast<${held}>(zero())`;
}

/**
 * The module. Operand `k` is the buffer `bK`, which `element(k, index)` reads and writes. A pass may bind
 * one memory several times if its reads and writes there do not overlap. `main` can use `id`, `local` (the
 * number within the workgroup), `group` and `groups`; `zero()` is a 0 that is only known at run time.
 */
export function moduleOf(
  { operands, body, workgroup, shared = "", functions = [], numbers = 0 }: ModuleParts,
): string {
  const [x, y, z] = workgroup;
  return [
    ...operands.map((held, k) =>
      `@group(0) @binding(${k}) var<storage, read_write> b${k}: array<${held}>;`
    ),
    `@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, ${
      basesBytes(operands.length, numbers) / 16
    }>;`,
    `fn zero() -> u32 { return ${wordOf(operands.length)}; }`,
    ...functionsOf(functions),
    ...(shared === "" ? [] : [shared]),
    `@compute @workgroup_size(${x}, ${y}, ${z})`,
    "fn main(",
    "  @builtin(global_invocation_id) id: vec3<u32>,",
    "  @builtin(local_invocation_index) local: u32,",
    "  @builtin(workgroup_id) group: vec3<u32>,",
    "  @builtin(num_workgroups) groups: vec3<u32>,",
    ") {",
    body,
    "}",
    "",
  ].join("\n");
}

/** The maximum number of workgroups in one dimension. */
const MOST_GROUPS = 65535;

/** The number of a workgroup in the layout of `spread`. */
export const WORKGROUP = "(group.z * groups.y + group.y) * groups.x + group.x";

/** The number of an invocation, for workgroups of `size` invocations in the layout of `spread`. */
export function invocation(size: number): string {
  return `(${WORKGROUP}) * ${size}u + local`;
}

/** At least this many workgroups, in as many dimensions as necessary: extra ones must return. */
export function spread(groups: number): [number, number, number] {
  if (groups <= MOST_GROUPS) return [groups, 1, 1];
  const y = Math.ceil(groups / MOST_GROUPS);
  if (y <= MOST_GROUPS) return [Math.ceil(groups / y), y, 1];
  throw internalError(`${groups} workgroups are too many`);
}
