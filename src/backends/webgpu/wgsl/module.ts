/**
 * The frame of a shader: bindings, bases, and the entry point around a body.
 *
 * @module
 */
import { type Dtype, isFloat, rangeOf } from "../../../base/dtype.ts";
import { internalError } from "../../../base/errors.ts";
import { functionsOf } from "./math.ts";

/** What a word of a buffer is taken for. */
export type Held = "f32" | "i32" | "u32";

/**
 * How elements of a dtype are held on the device: one 32-bit word each, float32 for half floats and bool
 * as 0 and 1.
 */
export function heldType(dtype: Dtype): Held {
  if (dtype === "float64") throw internalError("float64 is not held on the device");
  if (isFloat(dtype)) return "f32";
  return rangeOf(dtype)[0] < 0 ? "i32" : "u32";
}

/** What a pass takes a word for. */
export type Word = Held | "atomic<u32>";

/** The bytes that so many elements take on the device, at least those of one. */
export function wordBytes(length: number): number {
  return 4 * Math.max(1, length);
}

/** What a shader is made of. */
export interface ModuleParts {
  /** What each operand holds, in the order of the pass. */
  readonly operands: readonly Word[];
  /** The statements of `main`. */
  readonly body: string;
  /** Invocations of a workgroup. */
  readonly workgroup: readonly [number, number, number];
  /** Declarations at the module's level, such as `var<workgroup> tile: array<f32, 64>;`. */
  readonly shared?: string;
  /** Names of the functions of `math.ts` that the body calls. */
  readonly functions?: Iterable<string>;
  /** How many numbers the program is given at each run. */
  readonly numbers?: number;
}

/** A word of the bases: one for each operand, and one more that is 0, which compilers cannot know. */
function wordOf(index: number): string {
  return `bases[${index >> 2}].${"xyzw"[index & 3]}`;
}

/** Where operand `k` begins. */
export function baseOf(k: number): string {
  return wordOf(k);
}

/** Element `index` of operand `k`, to be read or written: operands begin where their base says. */
export function element(k: number, index: string): string {
  return `b${k}[${wordOf(k)} + ${index}]`;
}

/** Number `index` of those that a program is given at each run, in a pass on so many operands. */
export function given(operands: number, index: number, dtype: Dtype): string {
  const word = wordOf(operands + 1 + index);
  if (dtype === "bool") return `(${word} != 0u)`;
  const held = heldType(dtype);
  return held === "u32" ? word : `bitcast<${held}>(${word})`;
}

/** How many bytes the bases of a pass on so many operands are, with so many given numbers. */
export function basesBytes(operands: number, numbers: number = 0): number {
  return Math.ceil((operands + 1 + numbers) / 4) * 16;
}

/** A 0 that is known at run time alone: compilers take products with others for 0, which NaN and infinities are not. */
export function zeroOf(held: Held): string {
  return `bitcast<${held}>(zero())`;
}

/**
 * The module. Operand `k` is the buffer `bK`, which `element(k, index)` reads and writes; a pass may bind
 * one memory several times as long as what it reads and writes there does not overlap. `main` knows
 * `id`, `local` (the number within the workgroup), `group` and `groups`; `zero()` is 0 at run time alone.
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

/** The most workgroups in one dimension. */
const MOST_GROUPS = 65535;

/** The number of an invocation, where `size` of them are a workgroup and `spread` has laid these out. */
export function invocation(size: number): string {
  return `((group.z * groups.y + group.y) * groups.x + group.x) * ${size}u + local`;
}

/**
 * At least so many workgroups, in as many dimensions as that takes: those beyond the end must return.
 */
export function spread(groups: number): [number, number, number] {
  if (groups <= MOST_GROUPS) return [groups, 1, 1];
  const y = Math.ceil(groups / MOST_GROUPS);
  if (y <= MOST_GROUPS) return [Math.ceil(groups / y), y, 1];
  throw internalError(`${groups} workgroups are too many`);
}
