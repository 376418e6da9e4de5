/**
 * Stacks of matrix products: the choice of the method.
 *
 * @module
 */
import { byteSize, isNarrow } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Builder, Kernel } from "../kernel.ts";
import {
  A,
  B,
  bytesIn,
  C,
  heldOf,
  type Matrix,
  type Parts,
  type Product,
  type StackAxis,
  stackSize,
  WORKSPACE,
} from "./blocks.ts";
import { emitCopy, emitSum, emitZeros } from "./copy.ts";
import { emitDots } from "./dots.ts";
import { emitLocal } from "./local.ts";
import { emitShared } from "./shared.ts";
import { emitStrips } from "./strips.ts";

// The sizes at which one method becomes faster than another: measured on one core of an AMD EPYC
// (Zen 3) with Deno 2.9.6. The groups "product" of `deno bench bench/thresholds_bench.ts` compare
// the methods, `deno bench bench/product_bench.ts` measures those that are chosen.

/** The number of arithmetic operations from which a product is large. */
const LARGE = 4e6;

/**
 * The number of rows of C from which packing B as a whole is worth a stage, if the product is
 * large.
 */
const MANY_ROWS = 24;

/** The number of rows up to which the right operand is read in place. */
const FEW_ROWS = 32;

/** Bytes of a right operand that is small enough to be read in place for any number of rows. */
const SMALL_BYTES = 2 ** 17;

/** The number of rows up to which dot products are used. */
const DOT_ROWS = 16;

/** The same for a right operand whose elements take long to convert. */
const SLOW_ROWS = { dots: 4, strips: 16 };

/** The length of an axis from which iterating along it pays off. */
const LONG = 32;

/** The number of elements of a result that is too small to be divided. */
const FEW_RESULTS = 4096;

/** The length of an axis up to which dividing it does not pay off. */
const SHORT = 256;

/** The minimum length of a piece of a sum. */
const SLICE = 512;

/** The maximum number of pieces of a sum. */
const MOST_SLICES = 32;

/** `C = A B` for a stack of any number of axes; A and B are operands 0 and 1, C is 2. */
export function emitProducts(builder: Builder, product: Product): Kernel {
  const { stack, m, n, k } = product;
  const count = stackSize(stack);
  const operations = 2 * count * m * n * k;
  const bytes = count * (bytesIn(product, "a", m * k) + bytesIn(product, "b", k * n) +
    bytesIn(product, "c", m * n));
  const parts = count * m * n === 0 ? { stages: [], workspaces: [] } : emitParts(builder, product);
  return { ...parts, operations, bytes };
}

function emitParts(builder: Builder, product: Product): Parts {
  const spec = normalise(product);
  if (spec.k === 0) return { stages: emitZeros(builder, spec, C), workspaces: [] };
  const slices = slicesOf(spec);
  if (slices > 1) return emitSliced(builder, spec, slices);
  const unpacked = emitUnpacked(builder, spec);
  if (unpacked !== undefined) return unpacked;
  if (spec.c.column !== 1) {
    return spec.c.row === 1
      ? exchange(emitParts(builder, flip(spec)))
      : emitScattered(builder, spec);
  }
  const each = 2 * spec.m * spec.n * spec.k;
  return spec.m >= MANY_ROWS && each > LARGE
    ? builder.once(emitShared, spec)
    : builder.once(emitLocal, spec);
}

/**
 * The number of pieces that sums are cut into: several if only the sums are long, to have enough
 * chunks.
 */
function slicesOf({ stack, m, n, k }: Product): number {
  if (stack.length > 0 || m * n > FEW_RESULTS || Math.max(m, n) > SHORT) return 1;
  if (2 * m * n * k < LARGE) return 1;
  const most = Math.min(MOST_SLICES, Math.floor(k / SLICE));
  return range(1, most + 1).findLast((slices) => k % slices === 0) ?? 1;
}

/** The products of pieces of the sums, which are then added up. */
function emitSliced(builder: Builder, product: Product, slices: number): Parts {
  const { dtype, m, n, a, b } = product;
  const k = product.k / slices;
  const axis = { length: slices, a: k * a.column, b: k * b.row, c: m * n };
  const c = { row: n, column: 1 };
  const inner = emitParts(builder, { ...product, k, c, stack: [axis] });
  const sum = emitSum(builder, product, slices);
  const results = WORKSPACE + inner.workspaces.length;
  const rowMajor = product.c.row === n && product.c.column === 1;
  const first = inner.stages.map((stage) => ({
    ...stage,
    operands: stage.operands.map((i) => i === C ? results : i),
    rows: undefined,
  }));
  const then = sum.stages.map((stage) => ({
    ...stage,
    operands: stage.operands.map((i) => i === 0 ? results : i === 1 ? C : results - 1 + i),
    rows: rowMajor ? stage.rows : undefined,
  }));
  return {
    stages: [...first, ...then],
    workspaces: [...inner.workspaces, slices * m * n * byteSize(dtype), ...sum.workspaces],
  };
}

/** A product that is faster without packing the right operand, or the left one if exchanged. */
function emitUnpacked(builder: Builder, product: Product): Parts | undefined {
  const flipped = flip(product);
  const [thin, other] = product.n < product.m ? [flipped, product] : [product, flipped];
  for (const choice of [thin, other]) {
    const parts = emitInPlace(builder, choice);
    if (parts !== undefined) return choice === product ? parts : exchange(parts);
  }
  return undefined;
}

function emitInPlace(builder: Builder, product: Product): Parts | undefined {
  const { m, n, k, a, b, c } = product;
  const held = heldOf(product, "b");
  // Elements read in place are converted again for every few rows.
  const most = held === "float16" ? SLOW_ROWS : { dots: DOT_ROWS, strips: FEW_ROWS };
  if (b.row === 1 && (m <= 4 && k >= LONG || m <= most.dots && k >= 4 * LONG)) {
    const isReady = a.column === 1 && (m === 1 || !isNarrow(heldOf(product, "a")));
    return isReady ? builder.once(emitDots, product) : emitCopied(builder, product);
  }
  const small = m <= most.strips || !isNarrow(held) && k * n * byteSize(held) <= SMALL_BYTES;
  const strips = b.column === 1 && c.column === 1 && n >= LONG && small;
  return strips ? builder.once(emitStrips, product) : undefined;
}

/**
 * Dot products whose left operand, the smaller one, is first copied, so that it is contiguous along
 * the sums and its elements are converted only once.
 */
function emitCopied(builder: Builder, product: Product): Parts {
  const { stack, m, k, a } = product;
  const held = heldOf(product, "a");
  const left = stack.filter((axis) => axis.a !== 0);
  const length = stackSize(left) * m * k;
  let step = length;
  const dense = stack.map((axis) => axis.a === 0 ? axis : { ...axis, a: step /= axis.length });
  const { stages, workspaces } = builder.once(emitDots, {
    ...product,
    stack: dense,
    a: { row: k, column: 1 },
  });
  const copied = WORKSPACE + workspaces.length;
  const axes = [
    ...stack.map((axis, i) => ({ length: axis.length, from: axis.a, to: dense[i].a })),
    { length: m, from: a.row, to: k },
    { length: k, from: a.column, to: 1 },
  ].filter(({ to }) => to !== 0);
  return {
    stages: [
      ...emitCopy(builder, held, axes, [A, copied]),
      ...stages.map((stage) => ({
        ...stage,
        operands: stage.operands.map((i) => i === A ? copied : i),
      })),
    ],
    workspaces: [...workspaces, length * byteSize(product.dtype)],
  };
}

/** The same product with as few axes as possible, and with strides of one where they do not matter. */
function normalise(product: Product): Product {
  const { m, n, k, a, b, c } = product;
  const stack: StackAxis[] = [];
  for (const axis of product.stack) {
    if (axis.length === 1) continue;
    const outer = stack.at(-1);
    const { length } = axis;
    if (
      outer !== undefined && outer.a === length * axis.a && outer.b === length * axis.b &&
      outer.c === length * axis.c
    ) stack[stack.length - 1] = { ...axis, length: outer.length * length };
    else stack.push(axis);
  }
  const last = stack.at(-1);
  if (last?.b === 0 && last.a === m * a.row && last.c === m * c.row) {
    return normalise({ ...product, stack: stack.slice(0, -1), m: last.length * m });
  }
  return {
    ...product,
    stack,
    a: { ...a, row: m === 1 ? k : a.row, column: k === 1 ? 1 : a.column },
    b: { ...b, row: k === 1 ? n : b.row, column: n === 1 ? 1 : b.column },
    c: { row: m === 1 ? n : c.row, column: n === 1 ? 1 : c.column },
  };
}

/** `Cᵀ = Bᵀ Aᵀ`. */
function flip({ dtype, stack, m, n, k, a, b, c }: Product): Product {
  const turn = <M extends Matrix>(matrix: M): M => ({
    ...matrix,
    row: matrix.column,
    column: matrix.row,
  });
  return {
    dtype,
    stack: stack.map((axis) => ({ ...axis, a: axis.b, b: axis.a })),
    m: n,
    n: m,
    k,
    a: turn(b),
    b: turn(a),
    c: turn(c),
  };
}

/** Stages written for the flipped product, adapted to the product. */
function exchange({ stages, workspaces }: Parts): Parts {
  return {
    stages: stages.map((stage) => ({
      ...stage,
      operands: stage.operands.map((i) => i === A ? B : i === B ? A : i),
    })),
    workspaces,
  };
}

/** A product whose elements are not adjacent: computed in a workspace, then copied. */
function emitScattered(builder: Builder, product: Product): Parts {
  const { dtype, stack, m, n, c } = product;
  const count = stackSize(stack);
  let step = count * m * n;
  const dense = stack.map((axis) => ({ ...axis, c: step /= axis.length }));
  const inner = emitParts(builder, { ...product, stack: dense, c: { row: n, column: 1 } });
  const result = WORKSPACE + inner.workspaces.length;
  const axes = [
    ...stack.map((axis, i) => ({ length: axis.length, from: dense[i].c, to: axis.c })),
    { length: m, from: n, to: c.row },
    { length: n, from: 1, to: c.column },
  ];
  const stages = inner.stages.map((stage) => ({
    ...stage,
    operands: stage.operands.map((i) => i === C ? result : i),
    rows: undefined,
  }));
  return {
    stages: [...stages, ...emitCopy(builder, dtype, axes, [result, C])],
    workspaces: [...inner.workspaces, count * m * n * byteSize(dtype)],
  };
}
