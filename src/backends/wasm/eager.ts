/**
 * Single operations outside compiled functions: large ones run on the same kernels, compiled once for each
 * kind. Small ones stay with the evaluator, because the overhead would exceed the gain.
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

/** The maximum number of cached kinds of operations; the least recently used one is removed. */
const MOST_KINDS = 256;

// Thresholds from which kernels are faster: measured on two cores of an AMD EPYC (Zen 3) with Deno 2.9.6. To
// measure them again, run the groups "operation" of `deno bench bench/thresholds_bench.ts`.

/**
 * The number of elements from which elementwise operations, reductions and similar ones use a kernel.
 * Kernels are faster from some thousand elements, and compiling one takes about a millisecond. The choice
 * depends only on the size, so the same operation always gives the same bits.
 */
const LARGE = 32768;

/** The same for functions that are expensive per element. */
const LARGE_HEAVY = 4096;

/** The number of elements above which a tensor does not fit well into linear memory. */
const LARGEST = 2 ** 27;

/** The number of multiplications from which a product or a convolution uses a kernel. */
const LARGE_PRODUCT = 2 ** 17;

/** The number of multiplications from which a factorisation, or a solver based on one, uses a kernel. */
const LARGE_MATRIX = 2 ** 19;

/** The matrix operations with their own kernels. */
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

/** The transforms, which are expensive per element. */
const transformNames: ReadonlySet<string> = new Set(["fourier", "fourierOfReal", "realOfFourier"]);

/** Compiled operations by kind: `null` for those without a kernel. */
const kinds = new Map<string, OpenProgram | null>();

/** Whether an operation is large enough for a kernel. */
function isLarge(
  { name }: Primitive,
  args: readonly Concrete[],
  params: unknown,
  [type]: readonly Type[],
): boolean {
  const rule = ruleOf(name);
  // The start of a slice changes from call to call, and each start would need its own kernel.
  if (name === "slice" || name === "pad") return false;
  if (rule.kind === "alias" || rule.kind === "iota" || args.every(isSplat)) return false;
  const size = sizeOf(type.shape);
  // A tensor that fills linear memory on its own would evict everything else.
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
    // For each element of the largest argument, as many multiplications as the matrices have rows.
    const { shape } = args[0];
    return Math.max(size, args[0].size) * shape[shape.length - 1] >= LARGE_MATRIX;
  }
  if (transformNames.has(name)) return size >= LARGE_HEAVY;
  const most = Math.max(size, ...args.map((arg) => arg.size));
  return most >= (isHeavy(name) ? LARGE_HEAVY : LARGE);
}

/** Runs an operation on its own kernel, or returns `null` to leave it to the evaluator. */
export function evaluate(
  primitive: Primitive,
  args: readonly Concrete[],
  params: unknown,
  types: readonly Type[],
): readonly Concrete[] | null {
  if (primitive.derivative.kind === "program" || types.length === 0) return null;
  if (!isLarge(primitive, args, params, types)) return null;
  // A splat is passed as a number, and reshaping it is free.
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
    // A tensor that does not fit into linear memory may fit on the heap. If a kernel aborts because an index
    // is out of range, the evaluator reports the error.
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
  // Tensors captured by an expansion become arguments of every run.
  const { tensors, open } = formOf(expandTransforms(expandComposites(widen(program))));
  const compiled = assembleOpen(open([]), numbers.length);
  if (compiled.schedule.steps.some((step) => "task" in step)) return null;
  return {
    run: (args, given) => compiled.run([...args, ...tensors], given),
    schedule: compiled.schedule,
  };
}
