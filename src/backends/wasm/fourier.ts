/**
 * Rewrites Fourier transforms into forms that kernels can compute. Transforms get the tables of their
 * lengths as a further argument, a constant of the program. Transforms of lengths without radices become
 * convolutions. Transforms from and to real numbers of even length become complex transforms of half the
 * length.
 *
 * Sources: L. I. Bluestein, "A linear filtering approach to the computation of the discrete Fourier
 * transform", 1970; J. W. Cooley, P. A. W. Lewis and P. D. Welch, "The fast Fourier transform algorithm:
 * programming considerations in the calculation of sine, cosine and Laplace transforms", 1970.
 *
 * @module
 */
import type { FloatDtype } from "../../base/dtype.ts";
import { Recent } from "../../base/recent.ts";
import { range } from "../../base/shape.ts";
import { Program, RecordingTrace, typeOf } from "../../core/program.ts";
import type { Equation } from "../../core/program.ts";
import { allocateFor, Concrete } from "../../core/tensor.ts";
import type { Tensor } from "../../core/tensor.ts";
import { runUnder } from "../../core/trace.ts";
import { radicesOf } from "../../numeric/fft/lengths.ts";
import { rootOfUnity } from "../../numeric/fft/roots.ts";
import { chirpOf } from "../../numeric/fft/transform.ts";
import { withPrograms } from "../../passes/control.ts";
import { inline } from "../../passes/inline_calls.ts";
import { add, mul, scale, sub } from "../../primitives/arithmetic.ts";
import { fourier, type FourierParams, type RealParams } from "../../primitives/fourier.ts";
import { concatenate, flip, pad, sliceAxis } from "../../primitives/slicing.ts";
import { broadcast, constantLike, reshape } from "../../primitives/structure.ts";
import { fillTable, planOf } from "./kernels/fourier/plan.ts";

type Floats = Float32Array | Float64Array;

/** Constants by key, up to a total number of elements. */
const constants = new Recent<string, readonly Concrete[]>(
  2 ** 23,
  (tensors) => tensors.reduce((sum, { size }) => sum + size, 0),
);

/** Numbers as a constant of a dtype. */
function constant(dtype: FloatDtype, values: Floats): Concrete {
  const type = { dtype, shape: [values.length] };
  const elements = allocateFor(type) as Floats;
  elements.set(values);
  return new Concrete(dtype, type.shape, elements);
}

/** The program, with transforms in forms that kernels can compute. */
export function expandTransforms(program: Program): Program {
  const expanded = inline(program, (equation) => {
    const expand = expansionOf(equation);
    if (expand === null) return null;
    const trace = new RecordingTrace("jit", null);
    const args = equation.inputs.map(typeOf).map((type) => trace.newBinder(type));
    const results = runUnder(trace, () => expand(args));
    return { program: trace.finish(results), args: equation.inputs };
  });
  let hasChanged = expanded !== program;
  const equations = expanded.equations.map((equation) => {
    const own = withTable(withPrograms(equation, expandTransforms));
    if (own !== equation) hasChanged = true;
    return own;
  });
  return hasChanged ? new Program(expanded.binders, equations, expanded.results) : program;
}

/** A transform with its table. */
function withTable(equation: Equation): Equation {
  const { primitive: { name }, inputs } = equation;
  const real = REAL.get(name);
  if (real === undefined || inputs.length > (name === "fourierOfReal" ? 1 : 2)) return equation;
  const n = real === null ? rowLength(equation) : rowLength(equation) / 2;
  const { dtype } = typeOf(inputs[0]);
  const [table] = constants.get(`table ${dtype} ${n} ${real}`, () => {
    const { plan, elements } = planOf(dtype as FloatDtype, n, real);
    // A constant of one element would be treated as a number and be part of the code.
    const type = { dtype, shape: [Math.max(elements, 2)] };
    const values = allocateFor(type) as Floats;
    fillTable(values, dtype as FloatDtype, plan);
    return [new Concrete(dtype, type.shape, values)];
  });
  return { ...equation, inputs: [...inputs, table] };
}

/** The transforms; for those of real numbers, their direction. */
const REAL: ReadonlyMap<string, "from" | "back" | null> = new Map([
  ["fourier", null],
  ["fourierOfReal", "from"],
  ["realOfFourier", "back"],
]);

type Expand = (args: readonly Tensor[]) => readonly Tensor[];

/** The number of complex or real numbers in a row. */
function rowLength({ primitive: { name }, params, inputs: [x] }: Equation): number {
  if (name === "realOfFourier") return (params as RealParams).length;
  const { shape } = typeOf(x);
  return shape[shape.length - 1];
}

/** The expansion that replaces an equation, if there is one. */
function expansionOf(equation: Equation): Expand | null {
  const { primitive: { name }, params } = equation;
  const real = REAL.get(name);
  if (real === undefined) return null;
  const length = rowLength(equation);
  const n = real === null ? length : length / 2;
  if (Number.isInteger(n) && radicesOf(n) !== null) return null;
  if (real === "from") return ([x]) => ofReal(x);
  if (real === "back") return ([re, im]) => [toReal(re, im, length)];
  if (!(params as FourierParams).inverse) return ([re, im]) => byConvolution(re, im);
  return ([re, im]) => byConvolution(im, re).toReversed();
}

function lengthOf({ shape }: Tensor): number {
  return shape[shape.length - 1];
}

/** The elements of the last axis from `from` to `to` (exclusive). */
function cut(x: Tensor, from: number, to: number): Tensor {
  return from === 0 && to === lengthOf(x) ? x : sliceAxis(x, x.ndim - 1, from, to);
}

/** Pads the last axis with zeros at the end, up to a length. */
function extend(x: Tensor, length: number): Tensor {
  const none = x.shape.map(() => 0);
  const high = none.with(x.ndim - 1, length - lengthOf(x));
  return pad(x, none, high, none);
}

/** The last axis in reverse order. */
function reversed(x: Tensor): Tensor {
  return flip(x, [x.ndim - 1]);
}

/** Constants of a row, for each of the rows of `x`. */
function along(x: Tensor, name: string, make: () => readonly Floats[]): readonly Tensor[] {
  const dtype = x.dtype as FloatDtype;
  const rows = constants.get(
    `${name} ${dtype}`,
    () => make().map((values) => constant(dtype, values)),
  );
  return rows.map((row) => broadcast(row, [...x.shape.slice(0, -1), row.shape[0]], [x.ndim - 1]));
}

type Parts = readonly [re: Tensor, im: Tensor];

function times([a, b]: Parts, [c, d]: Parts): Parts {
  return [sub(mul(a, c), mul(b, d)), add(mul(a, d), mul(b, c))];
}

/** A transform as a convolution with a chirp. */
function byConvolution(re: Tensor, im: Tensor): Parts {
  const n = lengthOf(re);
  const numbers = along(re, `chirp ${n}`, () => {
    const { chirp, filter } = chirpOf(n);
    return [chirp.re, chirp.im, filter.re, filter.im];
  });
  const chirp: Parts = [numbers[0], numbers[1]];
  const filter: Parts = [numbers[2], numbers[3]];
  const length = lengthOf(numbers[2]);
  const turned = times([re, im], chirp);
  const there = fourier(extend(turned[0], length), extend(turned[1], length), { inverse: false });
  const filtered = times(there, filter);
  const back = fourier(filtered[0], filtered[1], { inverse: true });
  return times([cut(back[0], 0, n), cut(back[1], 0, n)], chirp);
}

/** Cosines and sines of `2π k / n`, for the first `count` numbers. */
function circle(n: number, count: number): readonly [cos: Float64Array, sin: Float64Array] {
  const [cos, sin] = [new Float64Array(count), new Float64Array(count)];
  for (const k of range(count)) [cos[k], sin[k]] = rootOfUnity(k, n);
  return [cos, sin];
}

/** The transform of real numbers: pairs of adjacent numbers are treated as complex numbers. */
function ofReal(x: Tensor): readonly Tensor[] {
  const n = lengthOf(x);
  const half = Math.floor(n / 2);
  if (n % 2 === 1) {
    return fourier(x, constantLike(x, 0), { inverse: false }).map((part) => cut(part, 0, half + 1));
  }
  const leading = x.shape.slice(0, -1);
  const pairs = reshape(x, [...leading, half, 2]);
  const [even, odd] = [0, 1].map((i) => reshape(cut(pairs, i, i + 1), [...leading, half]));
  const [a, b] = fourier(even, odd, { inverse: false })
    .map((part) => concatenate([part, cut(part, 0, 1)], part.ndim - 1));
  const [c, d] = [reversed(a), reversed(b)];
  // The transforms of the elements with odd indices and their rotation factors; half of each is needed.
  const [cos, sin] = along(
    a,
    `halves ${n}`,
    () => circle(n, half + 1).map((part) => part.map((value) => value / 2)),
  );
  const [re, im] = [add(b, d), sub(c, a)];
  return [
    add(scale(add(a, c), 0.5), add(mul(re, cos), mul(im, sin))),
    add(scale(sub(b, d), 0.5), sub(mul(im, cos), mul(re, sin))),
  ];
}

/** The transpose of that. */
function toReal(re: Tensor, im: Tensor, n: number): Tensor {
  if (n % 2 === 1) return fourier(extend(re, n), extend(im, n), { inverse: true })[0];
  const half = n / 2;
  const [a, b] = [re, im].map((part) => cut(part, 0, half));
  const [c, d] = [re, im].map((part) => reversed(cut(part, 1, half + 1)));
  const [weight, other, reCos, reSin, imCos, imSin] = along(a, `weights ${n}`, () => {
    const [cos, sin] = circle(n, half);
    // The imaginary part of the first number is ignored, and its real part has full weight.
    const weights = cos.map((_, k) => k === 0 ? 1 : 0.5);
    const others = cos.map((_, k) => k === 0 ? 0 : 0.5);
    const product = (x: Float64Array, y: Float64Array) => x.map((value, k) => value * y[k]);
    return [
      weights,
      others,
      ...[weights, others].flatMap((one) => [product(one, cos), product(one, sin)]),
    ];
  });
  const [oddRe, oddIm] = [sub(a, c), add(b, d)];
  const z = fourier(
    sub(mul(weight, add(a, c)), add(mul(oddRe, reSin), mul(oddIm, imCos))),
    add(mul(other, sub(b, d)), sub(mul(oddRe, reCos), mul(oddIm, imSin))),
    { inverse: true },
  );
  const pairs = z.map((part) => reshape(part, [...part.shape, 1]));
  return reshape(concatenate(pairs, pairs[0].ndim - 1), [...a.shape.slice(0, -1), n]);
}
