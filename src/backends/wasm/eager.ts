/**
 * Single operations outside of compiled functions: large ones run on the same kernels, compiled once
 * for each kind; small ones are not worth the way there and stay with the evaluator.
 *
 * @module
 */
import { encode } from "../../base/data.ts";
import { InternalError, MemoryError } from "../../base/errors.ts";
import { showType, sizeOf } from "../../base/shape.ts";
import type { Primitive } from "../../core/primitive.ts";
import { Program, Variable } from "../../core/program.ts";
import { type Concrete, isSplat } from "../../core/tensor.ts";
import type { Type } from "../../core/tensor.ts";
import type { ContractParams } from "../../primitives/contraction.ts";
import type { ConvParams } from "../../primitives/window.ts";
import { assembleOpen, type OpenProgram } from "./executable.ts";
import { expandTransforms } from "./fourier.ts";
import { formOf, Given } from "../../passes/forms.ts";
import { ruleOf } from "../../lowering/rules.ts";
import { isHeavy } from "../../passes/kinds.ts";
import { expandComposites } from "../../passes/expand_composites.ts";
import { widen } from "../../passes/widen.ts";

/** How many kinds of operations are kept; the one that was used longest ago makes room. */
const MOST_KINDS = 256;

// Where kernels pay: measured on two cores of an AMD EPYC (Zen 3) with Deno 2.9.6, and to be measured
// again by the groups "operation" of `deno bench bench/thresholds_bench.ts`.

/**
 * Elements from which on elementwise work, reductions and the like are worth a kernel. Kernels are
 * faster from some thousand on, and take about a millisecond to write. The size alone decides, so that
 * the same operation always gives the same bits.
 */
const LARGE = 32768;

/** The same for functions that take long for each element. */
const LARGE_HEAVY = 4096;

/** Elements from which on it does not fit well into linear memory. */
const LARGEST = 2 ** 27;

/** Multiplications from which on a product or a convolution is worth a kernel. */
const LARGE_PRODUCT = 2 ** 17;

/** Multiplications from which on a factorisation, or what is solved by one, is. */
const LARGE_MATRIX = 2 ** 19;

/** The operations on matrices that have a kernel of their own. */
const matrixNames: ReadonlySet<string> = new Set([
  "cholesky",
  "triangularSolve",
  "lu",
  "luSolve",
  "qr",
  "complement",
  "eigh",
  "svd",
]);

/** The transforms, which take long for each element. */
const transformNames: ReadonlySet<string> = new Set(["fourier", "fourierOfReal", "realOfFourier"]);

/** Operations by kind: `null` for those that have no kernel. */
const kinds = new Map<string, OpenProgram | null>();

/** Whether an operation is large enough for a kernel. */
function isLarge(
  { name }: Primitive,
  args: readonly Concrete[],
  params: unknown,
  [type]: readonly Type[],
): boolean {
  const rule = ruleOf(name);
  // Where a part begins changes from call to call, and a kernel would be written for each place.
  if (name === "slice" || name === "pad") return false;
  if (rule.kind === "alias" || rule.kind === "iota" || args.every(isSplat)) return false;
  const size = sizeOf(type.shape);
  // What fills the linear memory by itself would only drive everything else out of it.
  if (size > LARGEST || args.some((arg) => arg.size > LARGEST)) return false;
  if (name === "contract") {
    const { contract } = params as ContractParams;
    const { shape } = args[0];
    return size * sizeOf(contract[0].map((axis) => shape[axis])) >= LARGE_PRODUCT;
  }
  if (name.startsWith("convolve")) {
    const { kernel, output } = params as ConvParams;
    // At least one product for each channel pair of a group, image and position.
    return Math.max(args[0].size * args[1].shape[0], size) * sizeOf(kernel) >= LARGE_PRODUCT &&
      sizeOf(output) > 0;
  }
  if (matrixNames.has(name)) {
    // As many for each element of the largest argument as the matrices have rows.
    const { shape } = args[0];
    return Math.max(size, args[0].size) * shape[shape.length - 1] >= LARGE_MATRIX;
  }
  if (transformNames.has(name)) return size >= LARGE_HEAVY;
  const most = Math.max(size, ...args.map((arg) => arg.size));
  return most >= (isHeavy(name) ? LARGE_HEAVY : LARGE);
}

/** Runs an operation on a kernel of its own, or gives `null` when the evaluator is to do it. */
export function evaluate(
  primitive: Primitive,
  args: readonly Concrete[],
  params: unknown,
  types: readonly Type[],
): readonly Concrete[] | null {
  if (primitive.derivative.kind === "program" || types.length === 0) return null;
  if (!isLarge(primitive, args, params, types)) return null;
  // A splat is a number that the program is given, and its shape costs nothing.
  const key = `${primitive.name}|${encode(params)}|${
    args.map((arg) => isSplat(arg) ? `${showType(arg)}=` : showType(arg))
  }`;
  let compiled = kinds.get(key);
  if (compiled === undefined) {
    compiled = compileOne(primitive, args, params, types);
    if (kinds.size >= MOST_KINDS) kinds.delete(kinds.keys().next().value!);
  } else kinds.delete(key);
  kinds.set(key, compiled);
  if (compiled === null) return null;
  try {
    return compiled.run(args.filter((arg) => !isSplat(arg)), args.filter(isSplat));
  } catch (error) {
    // What does not fit into linear memory may well fit on the heap, and where a kernel stops, at an
    // index out of range, the evaluator says why.
    if (error instanceof MemoryError || error instanceof InternalError) return null;
    throw error;
  }
}

function compileOne(
  primitive: Primitive,
  args: readonly Concrete[],
  params: unknown,
  types: readonly Type[],
): OpenProgram | null {
  const numbers = args.filter(isSplat).map((arg, i) => new Given(arg, i));
  const binders = args.filter((arg) => !isSplat(arg)).map((arg) => new Variable(arg));
  const left = { numbers: [...numbers], binders: [...binders] };
  const inputs = args.map((arg) => (isSplat(arg) ? left.numbers : left.binders).shift()!);
  const outputs = types.map((type) => new Variable(type));
  const program = new Program(binders, [{ primitive, inputs, params, outputs }], outputs);
  // What an expansion has captured becomes an argument of every run.
  const { tensors, open } = formOf(expandTransforms(expandComposites(widen(program))));
  const compiled = assembleOpen(open([]), numbers.length);
  if (compiled.schedule.steps.some((step) => "task" in step)) return null;
  return {
    run: (args, given) => compiled.run([...args, ...tensors], given),
    schedule: compiled.schedule,
  };
}
