/**
 * The laws that every primitive obeys, as functions that throw if a law is violated. The derivative,
 * batching and program laws take any function on flat lists of tensors, so they also apply to
 * compositions.
 *
 * @module
 */
import "../support/quiet.ts";
import {
  allocateStored,
  DTYPES,
  epsilonOf,
  isFloat,
  isHalf,
  isNarrow,
} from "../../src/base/dtype.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { roundTo } from "../../src/base/half.ts";
import { evaluate } from "../../src/core/evaluation.ts";
import { DtypeError, InternalError, ShapeError } from "../../src/base/errors.ts";
import { insertAt, sizeOf } from "../../src/base/shape.ts";
import type { Shape } from "../../src/base/shape.ts";
import { checkProgram } from "../../src/core/check.ts";
import { backendOf, openDevice } from "../../src/backends/devices.ts";
import { runInside } from "../../src/core/axes.ts";
import { cpu } from "../../src/core/device.ts";
import { optimize, passes } from "../../src/passes/mod.ts";
import { makeRunner } from "../../src/backends/evaluator.ts";
import type { Primitive } from "../../src/core/primitive.ts";
import { evaluateProgram, Program, programsIn, typeOf } from "../../src/core/program.ts";
import { Concrete, dense, splat, zerosOf } from "../../src/core/tensor.ts";
import type { Tensor, Type } from "../../src/core/tensor.ts";
import { bind, installDispatcher } from "../../src/core/trace.ts";
import { flatten } from "../../src/core/tree.ts";
import { scan } from "../../src/control/scan.ts";
import { index } from "../../src/functions/indexing.ts";
import { stack as joined } from "../../src/functions/joining.ts";
import { jit } from "../../src/jit.ts";
import { jvp } from "../../src/transforms/jvp.ts";
import { vjp } from "../../src/transforms/linearize.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import type { primitives } from "../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../src/primitives/mod.ts";
import {
  assertIdentical,
  assertNear,
  assertRounded,
  assertSums,
  assertTypes,
} from "./assertions.ts";
import {
  between,
  fromValues,
  innerProduct,
  makeRandom,
  numbersOf,
  seedOf,
  shifted,
  stack,
  wild,
} from "./values.ts";
import type { Domain, Random } from "./values.ts";
import { isWhole, oneOf } from "../support/part.ts";

/** One argument of a primitive: its shape, the source of its elements, and its dtype if fixed. */
export interface Argument {
  /** Its shape. */
  readonly shape: Shape;
  /** The source of its elements. */
  readonly domain: Domain;
  /** Its dtype; left out when it runs through the row's dtypes. */
  readonly dtype?: Dtype;
}

/** Arguments and parameters under which the laws are checked. */
export interface Case<P> {
  /** The arguments. */
  readonly args: readonly Argument[];
  /** The static parameters. */
  readonly params: P;
}

/** The entry of the law table for a primitive. */
export interface Row<P> {
  /** The dtypes of the arguments whose dtype is not fixed; all others must be refused. */
  readonly dtypes: readonly Dtype[];
  /** At least one case. */
  readonly cases: readonly Case<P>[];
  /** Whether all arguments have one shape, and each result element depends only on the elements at its position. */
  readonly elementwise?: true;
  /** Whether the derivative is defined as zero although the function is not constant. */
  readonly stops?: true;
  /**
   * Whether results are random draws: each dtype has its own, and their derivatives are those of the
   * distribution instead of the algorithm, so they cannot be compared with finite differences.
   */
  readonly draws?: true;
  /** Whether arguments outside the domains are errors, such as indices out of range. */
  readonly tame?: true;
  /**
   * The application of the primitive, if some of its arguments must be derived from others: a function of
   * the arguments of the cases, for which the laws hold instead.
   */
  readonly through?: Flat;
  /**
   * The relative tolerance between a batched float64 result and the loop's; 0, the default, means bit
   * for bit. For sums whose order depends on the layout.
   */
  readonly batchTolerance?: number;
  /**
   * The relative tolerance between float32 and splat results and those of float64 and dense arguments.
   */
  readonly roundingTolerance?: number;
}

/** The static parameters of a primitive. */
type ParamsOf<T> = T extends Primitive<infer P> ? P : never;

/** One row per primitive, by name: a missing row does not compile. */
export type Table = {
  readonly [Name in PrimitiveName]: Row<ParamsOf<(typeof primitives)[Name]>>;
};

/** A function on flat lists of tensors. */
export type Flat = (args: readonly Tensor[]) => readonly Tensor[];

/** The function `f`, taking its tensors one by one. */
function spread(f: Flat): (...args: Tensor[]) => readonly Tensor[] {
  return (...args) => f(args);
}

/** The largest machine epsilon of the floating-point dtypes among these types. */
function coarsest(types: readonly Type[]): number {
  return Math.max(0, ...types.map(({ dtype }) => isFloat(dtype) ? epsilonOf(dtype) : 0));
}

/** The relative tolerance between derivatives and finite differences. */
function differenceTolerance(types: readonly Type[]): number {
  return types.some(({ dtype }) => dtype === "float32") ? 1e-3 : 1e-7;
}

/** The relative tolerance between two methods for the same derivative. */
function identityTolerance(types: readonly Type[]): number {
  return types.some(({ dtype }) => dtype === "float32") ? 1e-5 : 1e-10;
}

/** Random tensors of these types: the directions and weights of derivative laws. */
function directions(types: readonly Type[], random: Random): Concrete[] {
  const domain = between(-1, 1);
  return types.map(({ dtype, shape }) => fromValues(domain(random, sizeOf(shape)), dtype, shape));
}

/** Every choice of one entry per list. */
function choices<T>(options: readonly (readonly T[])[]): T[][] {
  return options.reduce<T[][]>(
    (all, list) => all.flatMap((chosen) => list.map((entry) => [...chosen, entry])),
    [[]],
  );
}

/** Every nonempty set of these positions; for more than three, the single ones and all together. */
function subsets(positions: readonly number[]): number[][] {
  if (positions.length > 3) return [...positions.map((p) => [p]), [...positions]];
  return choices(positions.map((p) => [[p], []] as number[][])).map((parts) => parts.flat())
    .filter((set) => set.length > 0);
}

function floatPositions(values: readonly Type[]): number[] {
  return values.flatMap(({ dtype }, i) => isFloat(dtype) ? [i] : []);
}

/** `list` with the entries at `positions` replaced, in order. */
function replaced<T>(list: readonly T[], positions: readonly number[], values: readonly T[]): T[] {
  const copy = [...list];
  positions.forEach((position, k) => copy[position] = values[k]);
  return copy;
}

/** The floating-point results of `f` as a function of the arguments at `positions`. */
function floatsOf(f: Flat, args: readonly Tensor[], positions: readonly number[]): Flat {
  return (some) => f(replaced(args, positions, some)).filter(({ dtype }) => isFloat(dtype));
}

/** The derivative of `f` along `tangents`: central differences, extrapolated twice (Richardson). */
function differences(f: Flat, args: readonly Tensor[], tangents: readonly Tensor[]): Concrete[] {
  const central = (h: number): Concrete[] => {
    const above = f(args.map((x, i) => shifted(x, h, tangents[i])));
    const below = f(args.map((x, i) => shifted(x, -h, tangents[i])));
    return above.map((y, k) => shifted(zerosOf(y), 0.5 / h, shifted(y, -1, below[k])));
  };
  const combine = (fine: Concrete[], coarse: Concrete[], weight: number): Concrete[] =>
    fine.map((x, k) => shifted(x, 1 / (weight - 1), shifted(x, -1, coarse[k])));
  const step = 4e-3;
  const [coarse, middle, fine] = [central(step), central(step / 2), central(step / 4)];
  return combine(combine(fine, middle, 4), combine(middle, coarse, 4), 16);
}

/** The expected tangents of jvp: slopes of the function itself, zero, or slopes of another function. */
export type Slope = "differences" | "zero" | "unknown";

/**
 * The first-order laws at `args`, whose floats are float64: for every set of moving arguments, the
 * primal output of jvp is the plain output, its tangent agrees with finite differences, and
 * ⟨J v, w⟩ = ⟨v, Jᵀ w⟩.
 */
export function checkFirstOrder(
  f: Flat,
  args: readonly Tensor[],
  random: Random,
  law: string,
  slope: Slope = "differences",
): void {
  const plain = f(args);
  const tangents = directions(args, random);
  const weights = directions(plain.filter(({ dtype }) => isFloat(dtype)), random);
  const fullWeights = replaced<Tensor | null>(
    plain.map(() => null),
    floatPositions(plain),
    weights,
  );
  for (const moving of subsets(floatPositions(args))) {
    const place = `${law}, by arguments ${moving}`;
    const direction = args.map((_, i) => moving.includes(i) ? tangents[i] : null);
    const [out, outTangents] = jvp(spread(f), [...args], direction);
    assertIdentical(out as Tensor[], plain, `${place}: jvp's output`);
    const pushed = (outTangents as (Tensor | null)[]).filter((t) => t !== null);
    assertTypes(pushed, weights, `${place}: jvp's tangents`);
    const floats = floatsOf(f, args, moving);
    const points = moving.map((i) => args[i]);
    const velocities = moving.map((i) => tangents[i]);
    if (slope !== "unknown") {
      const numeric = slope === "zero"
        ? weights.map((w) => zerosOf(w))
        : differences(floats, points, velocities);
      assertNear(pushed, numeric, differenceTolerance(plain), `${place}: jvp against differences`);
    }
    const [, pullback] = vjp(spread(floats), ...points);
    const pulled = pullback(weights) as Tensor[];
    assertTypes(pulled, points, `${place}: vjp's cotangents`);
    assertSums(
      innerProduct(pushed, weights),
      innerProduct(velocities, pulled),
      identityTolerance(plain),
      `${place}: ⟨J v, w⟩ = ⟨v, Jᵀ w⟩`,
    );
    const [, wholePullback] = vjp(spread(f), ...args);
    const whole = wholePullback(fullWeights) as (Tensor | null)[];
    whole.forEach((cotangent, i) => {
      if ((cotangent !== null) !== isFloat(args[i].dtype)) {
        throw new Error(`${place}: vjp gave ${cotangent} for argument ${i}`);
      }
    });
    const same = moving.map((i) => whole[i]!);
    assertNear(
      same,
      pulled,
      identityTolerance(plain),
      `${place}: vjp by all and by some arguments`,
    );
  }
}

/** The gradients of the weighted sum of `f`'s results, as a function of all arguments. */
export function gradientOf(f: Flat, args: readonly Tensor[], random: Random): Flat {
  const plain = f(args);
  const weights = directions(plain.filter(({ dtype }) => isFloat(dtype)), random);
  const fullWeights = replaced<Tensor | null>(
    plain.map(() => null),
    floatPositions(plain),
    weights,
  );
  return (values) => {
    const [, pullback] = vjp(spread(f), ...values);
    return (pullback(fullWeights) as (Tensor | null)[]).filter((ct) => ct !== null);
  };
}

/**
 * The second-order laws: the first-order ones for the gradient, a symmetric Hessian, and the same
 * second derivatives from forward over reverse, reverse over forward and forward over forward.
 */
export function checkSecondOrder(
  f: Flat,
  args: readonly Tensor[],
  random: Random,
  law: string,
  slope: Slope = "differences",
): void {
  const moving = floatPositions(args);
  const plain = f(args);
  const weights = directions(plain.filter(({ dtype }) => isFloat(dtype)), random);
  if (moving.length === 0 || weights.length === 0) return;
  const floats = floatsOf(f, args, moving);
  const points = moving.map((i) => args[i]);
  const gradient: Flat = (values) => vjp(spread(floats), ...values)[1](weights) as Tensor[];
  checkFirstOrder(gradient, points, random, `${law}, gradient`, slope);
  const v = directions(points, random);
  const u = directions(points, random);
  const [, forV] = jvp(spread(gradient), points, v) as unknown as [Tensor[], Tensor[]];
  const [, forU] = jvp(spread(gradient), points, u) as unknown as [Tensor[], Tensor[]];
  assertSums(
    innerProduct(forV, u),
    innerProduct(forU, v),
    identityTolerance(plain),
    `${law}: the Hessian is symmetric`,
  );
  const alongV: Flat = (values) => jvp(spread(floats), [...values], v)[1] as unknown as Tensor[];
  const reversed = vjp(spread(alongV), ...points)[1](weights) as Tensor[];
  assertNear(reversed, forV, identityTolerance(plain), `${law}: vjp of jvp and jvp of vjp`);
  const [, curvature] = jvp(spread(alongV), points, u) as unknown as [Tensor[], Tensor[]];
  assertSums(
    innerProduct(curvature, weights),
    innerProduct(forV, u),
    identityTolerance(plain),
    `${law}: jvp of jvp and jvp of vjp`,
  );
}

/** f(a x + b y) = a f(x) + b f(y) in the arguments at `positions` together, and f(0) = 0. */
export function checkLinear(
  f: Flat,
  args: readonly Tensor[],
  positions: readonly number[],
  random: Random,
  law: string,
): void {
  const part = floatsOf(f, args, positions);
  const x = directions(positions.map((i) => args[i]), random);
  const y = directions(x, random);
  const zeros = x.map((value) => zerosOf(value));
  const [a, b] = [1.5, -0.75];
  const mixed = x.map((value, i) => shifted(shifted(zeros[i], a, value), b, y[i]));
  const [fx, fy] = [part(x), part(y)];
  const linearTolerance = fx.some(({ dtype }) => dtype === "float32") ? 1e-6 : 1e-12;
  const expected = fx.map((value, k) => shifted(shifted(zerosOf(value), a, value), b, fy[k]));
  assertNear(part(mixed), expected, linearTolerance, `${law}: linear in arguments ${positions}`);
  const atZero = part(zeros);
  assertNear(atZero, atZero.map((value) => zerosOf(value)), 0, `${law}: zero at zero`);
}

/** The construction of arguments for a batching law. */
export type Maker = (random: Random) => Concrete[];

/** The possible batch axes of an argument with this number of axes, `null` for an unmapped argument. */
function axisOptions(ndim: number, sparing: boolean): (number | null)[] {
  const all = Array.from({ length: ndim + 1 }, (_, axis) => axis);
  return [null, ...all.filter((axis) => !sparing || axis === 0 || axis === ndim)];
}

/** The choices of mapped axes to check: all of them for up to three arguments. */
function axisChoices(sample: readonly Type[]): (number | null)[][] {
  const options = sample.map((x) => axisOptions(x.shape.length, sample.length > 2));
  if (sample.length <= 3) {
    return choices(options).filter((axes) => axes.some((axis) => axis !== null));
  }
  const single = sample.flatMap((_, k) =>
    options[k].filter((axis) => axis !== null).map((axis) =>
      sample.map((_, i) => i === k ? axis : null)
    )
  );
  return [...single, sample.map(() => 0), sample.map((x) => x.shape.length)];
}

/** `f` over lists of arguments, one result list per example, stacked at the front. */
function loop(f: Flat, examples: readonly (readonly Tensor[])[]): Concrete[] {
  const results = examples.map((args) => f(args));
  return results[0].map((_, k) => stack(results.map((result) => result[k]), 0));
}

/** The arguments of each of `count` examples, the unmapped ones shared. */
function makeExamples(
  make: Maker,
  isMapped: readonly boolean[],
  count: number,
  random: Random,
): Concrete[][] {
  const shared = make(random);
  return Array.from({ length: count }, () => {
    const own = make(random);
    return shared.map((value, i) => isMapped[i] ? own[i] : value);
  });
}

function batchArguments(
  examples: readonly (readonly Concrete[])[],
  axes: readonly (number | null)[],
): Concrete[] {
  return axes.map((axis, i) =>
    axis === null ? examples[0][i] : stack(examples.map((args) => args[i]), axis)
  );
}

function near(
  actual: readonly Tensor[],
  expected: readonly Tensor[],
  tolerance: number,
  law: string,
) {
  if (tolerance === 0) assertIdentical(actual, expected, law);
  else assertNear(actual, expected, tolerance, law);
}

/** vmap of `f` equals the loop, for every choice of mapped axes and of the result's axis. */
export function checkBatch(
  f: Flat,
  make: Maker,
  random: Random,
  tolerance: number,
  law: string,
): void {
  const sample = make(random);
  for (const axes of axisChoices(sample)) {
    const place = `${law}, axes ${JSON.stringify(axes)}`;
    const examples = makeExamples(make, axes.map((axis) => axis !== null), 2, random);
    const batched = batchArguments(examples, axes);
    unchanged(batched, place, () => {
      const actual = vmap(spread(f), axes)(...batched) as unknown as Tensor[];
      near(actual, loop(f, examples), tolerance, place);
    });
  }
  const zeros = sample.map(() => 0);
  const examples = makeExamples(make, sample.map(() => true), 2, random);
  const last = vmap(spread(f), zeros, -1)(
    ...batchArguments(examples, zeros),
  ) as unknown as Tensor[];
  const results = examples.map((args) => f(args));
  const expected = results[0].map((y, k) => stack(results.map((result) => result[k]), y.ndim));
  near(last, expected, tolerance, `${law}, outAxes -1`);
  const one = vmap(spread(f), zeros)(...batchArguments([sample], zeros)) as unknown as Tensor[];
  near(one, loop(f, [sample]), tolerance, `${law}, a batch of one`);
  const empty = sample.map((x) => zerosOf({ dtype: x.dtype, shape: [0, ...x.shape] }));
  const none = vmap(spread(f), zeros)(...empty) as unknown as Tensor[];
  const types = f(sample).map(({ dtype, shape }) => ({ dtype, shape: [0, ...shape] }));
  assertTypes(none, types, `${law}, a batch of none`);
}

/** vmap of vmap equals two loops, with each argument mapped by the outer, the inner, or both. */
export function checkNestedBatch(
  f: Flat,
  make: Maker,
  random: Random,
  tolerance: number,
  law: string,
): void {
  const sample = make(random);
  const count = sample.length;
  const every = <T>(value: T) => sample.map(() => value);
  const only = (k: number, axis: number) => sample.map((_, i) => i === k ? axis : null);
  const plans: { outer: (number | null)[]; inner: (number | null)[] }[] = [
    { outer: every(0), inner: every(0) },
    { outer: sample.map((x) => x.ndim + 1), inner: every(0) },
    { outer: every(0), inner: sample.map((x) => x.ndim) },
  ];
  for (let k = 0; k < count && count > 1; k++) {
    plans.push({ outer: only(k, 0), inner: only((k + 1) % count, 0) });
    plans.push({ outer: only(k, 0), inner: only(k, sample[k].ndim) });
  }
  for (const { outer, inner } of plans) {
    const place = `${law}, axes ${JSON.stringify(outer)} of ${JSON.stringify(inner)}`;
    // Arguments vary with both loops, with one of them, or with none.
    const byOuter = makeExamples(make, outer.map((axis) => axis !== null), 2, random);
    const byInner = makeExamples(make, inner.map((axis) => axis !== null), 3, random);
    const grid = byOuter.map((row) =>
      byInner.map((column) => {
        const own = make(random);
        return row.map((value, i) =>
          outer[i] === null ? column[i] : inner[i] === null ? value : own[i]
        );
      })
    );
    const rows = grid.map((row) => batchArguments(row, inner));
    const batched = batchArguments(rows, outer);
    const mapped = vmap(vmap(spread(f), inner) as (...args: Tensor[]) => Tensor[], outer);
    const actual = mapped(...batched) as unknown as Tensor[];
    const loops = grid.map((row) => loop(f, row));
    const expected = loops[0].map((_, k) => stack(loops.map((row) => row[k]), 0));
    near(actual, expected, tolerance, place);
  }
}

/** jvp as a function of the arguments followed by one tangent per floating-point argument. */
function pushforwardOf(f: Flat, sample: readonly Type[]): Flat {
  const floats = floatPositions(sample);
  return (values) => {
    const primals = values.slice(0, sample.length);
    const none: (Tensor | null)[] = sample.map(() => null);
    const tangents = replaced(none, floats, values.slice(sample.length));
    return flatten<Tensor>(jvp(spread(f), primals, tangents)).leaves;
  };
}

/** vjp as a function of the arguments followed by one cotangent per floating-point result. */
function pullbackOf(f: Flat, sample: readonly Tensor[]): Flat {
  const plain = f(sample);
  const none: (Tensor | null)[] = plain.map(() => null);
  return (values) => {
    const cotangents = replaced(none, floatPositions(plain), values.slice(sample.length));
    const [, pullback] = vjp(spread(f), ...values.slice(0, sample.length));
    return flatten<Tensor>(pullback(cotangents)).leaves;
  };
}

/** The program of `f` is well-formed, and evaluating it gives the eager results bit for bit. */
export function checkStaged(f: Flat, args: readonly Tensor[], law: string): void {
  const program = makeProgram(spread(f))(...args);
  checkProgram(program);
  assertIdentical(evaluateProgram(program, args), f(args), law);
}

/** The programs of `f`, its jvp, its vjp, its vmap and the gradient of its vmap. */
export function checkPrograms(f: Flat, make: Maker, random: Random, law: string): void {
  const args = make(random);
  const count = args.length;
  checkStaged(f, args, `${law}: program`);
  const floats = floatPositions(args);
  const plain = f(args);
  const weights = directions(plain.filter(({ dtype }) => isFloat(dtype)), random);
  const derivatives: Flat[] = [];
  if (floats.length > 0) {
    const tangents = directions(floats.map((i) => args[i]), random);
    checkStaged(pushforwardOf(f, args), [...args, ...tangents], `${law}: program of jvp`);
    checkStaged(pullbackOf(f, args), [...args, ...weights], `${law}: program of vjp`);
    derivatives.push(gradientOf(f, args, random));
  }
  if (count === 0) return;
  const zeros = args.map(() => 0);
  const batched = batchArguments(makeExamples(make, args.map(() => true), 2, random), zeros);
  for (const g of [f, ...derivatives]) {
    const mapped: Flat = (values) => vmap(spread(g), zeros)(...values) as unknown as Tensor[];
    checkStaged(mapped, batched, `${law}: program of vmap`);
  }
}

/** Programs that have been checked: many call the same ones. */
const passing = new WeakSet<Program>();

/**
 * The program is well-formed and preserves the types of its results in every pass, and so do the programs
 * that it calls, whose arguments have the types of their binders.
 */
export function checkPasses(program: Program, args: readonly Type[], law: string): void {
  assertTypes(args, program.binders.map(typeOf), `${law}: arguments`);
  if (passing.has(program)) return;
  checkProgram(program);
  for (const { primitive, params } of program.equations) {
    for (const inner of programsIn(params)) {
      const types = inner.binders.map(typeOf);
      runInside(primitive, params, () => checkPasses(inner, types, `${law}, called`));
    }
  }
  passes.reduce((before, { name, run }) => {
    const after = run(before);
    checkProgram(after);
    assertTypes(after.binders.map(typeOf), args, `${law}: binders after ${name}`);
    const types = program.results.map(typeOf);
    assertTypes(after.results.map(typeOf), types, `${law}: results after ${name}`);
    // These passes replace equations by several, or take some out of a program; all others make it shorter.
    const mayGrow = [
      "inlineCalls",
      "widen",
      "expandComposites",
      "spreadUpdates",
      "inlineBranches",
      "hoistInvariants",
    ].includes(name);
    if (!mayGrow && after.equations.length > before.equations.length) {
      throw new Error(`${law}: ${name} added equations`);
    }
    return after;
  }, program);
  passing.add(program);
}

/** `f` as one compiled program. */
export function jitted(f: Flat): Flat {
  const compiled = jit(spread(f));
  return (args) => compiled(...args) as readonly Tensor[];
}

/**
 * Compiled, `f` has the eager results up to rounding: kernels use another order of summation and their own
 * implementations of functions, and results computed from these may differ. The passes alone preserve
 * every bit.
 *
 * @param compiled A function of the compiled `f`, or a function compiled as a whole.
 * @param lists Arguments of the same types, for which it is compiled once.
 * @param expected The eager results for these.
 * @param adds Whether results are sums of arguments: large ones may cancel, which leaves only rounding errors.
 */
function checkJitted(
  compiled: Flat,
  lists: readonly (readonly Tensor[])[],
  expected: readonly (readonly Tensor[])[],
  law: string,
  adds = false,
): void {
  const [first] = lists;
  const check = (results: readonly Tensor[], i: number, place: string): void =>
    assertRounded(results, expected[i], ROUNDING, place, adds ? lists[i] : []);
  check(compiled(first), 0, `${law}, when it is traced`);
  lists.forEach((args, i) => {
    check(compiled(args), i, `${law}, when it is kept, values ${i}`);
  });
  const program = makeProgram(spread(compiled))(...first);
  checkPasses(program, first, law);
  const run = makeRunner(optimize(program));
  // Called programs have been compiled, even if nothing else is.
  const isCompiled = program.equations.some(({ params }) =>
    Object.values(params ?? {}).some((value) => value instanceof Program)
  );
  lists.forEach((args, i) => {
    const place = `${law}, on the evaluator, values ${i}`;
    const results = run(args as readonly Concrete[]);
    if (isCompiled) check(results, i, place);
    else assertIdentical(results, expected[i], place);
  });
}

/**
 * jit changes nothing: `f`, its jvp, its vjp and its vmap, compiled as a whole or derived from the
 * compiled `f`, equal the eager ones, for arguments of every maker.
 *
 * @param isBrief Whether transforms of the compiled `f` are left out.
 * @param adds Whether results are sums of arguments.
 */
export function checkJit(
  f: Flat,
  make: Maker,
  random: Random,
  law: string,
  others: readonly Maker[] = [],
  isBrief = false,
  adds = false,
): void {
  const makers = [make, ...others];
  const lists = makers.map((make) => make(random));
  const [args] = lists;
  const inner = jitted(f);
  checkJitted(inner, lists, lists.map((list) => f(list)), `${law}: jit`, adds);
  const check = (
    transform: (g: Flat) => Flat,
    values: readonly (readonly Tensor[])[],
    name: string,
  ): void => {
    const eager = transform(f);
    const expected = values.map((list) => eager(list));
    checkJitted(jitted(eager), values, expected, `${law}: jit of ${name}`, adds);
    if (isBrief) return;
    checkJitted(transform(inner), values, expected, `${law}: ${name} of jit`, adds);
    checkJitted(jitted(transform(inner)), values, expected, `${law}: jit of ${name} of jit`, adds);
  };
  const floats = floatPositions(args);
  if (floats.length > 0) {
    const results = f(args).filter(({ dtype }) => isFloat(dtype));
    const along = (types: readonly Type[]): Tensor[][] =>
      lists.map((list) => [...list, ...directions(types, random)]);
    check((g) => pushforwardOf(g, args), along(floats.map((i) => args[i])), "jvp");
    check((g) => pullbackOf(g, args), along(results), "vjp");
  }
  if (args.length === 0) return;
  const zeros = args.map(() => 0);
  const batched = makers.map((make) =>
    batchArguments(makeExamples(make, args.map(() => true), 2, random), zeros)
  );
  const mapped = (g: Flat): Flat => (values) =>
    vmap(spread(g), zeros)(...values) as unknown as Tensor[];
  check(mapped, batched, "vmap");
}

/** A step of a compiled loop computes the same as `f`, also if a few elements are locals. */
function checkStep(f: Flat, args: readonly Concrete[], law: string): void {
  const sequences = args.map((arg) => stack([arg, arg], 0));
  const start = splat(0, "int32", []);
  const step = (carry: Tensor, xs: Tensor[]): [Tensor, Tensor[]] => [carry, [...f(xs)]];
  const loop = jit((...xs: Tensor[]) => scan(step, start as Tensor, xs, { length: 2 })[1]);
  const results = loop(...sequences).map((result) => index(result, 1));
  assertRounded(results, f(args), ROUNDING, `${law}: a step of a loop`);
}

/** A primitive with one case of its row. */
interface Subject {
  readonly primitive: Primitive<unknown>;
  /** Applies it to the arguments of the case. */
  readonly f: Flat;
  readonly row: Row<unknown>;
  readonly of: Case<unknown>;
  readonly label: string;
}

/** The laws of programs, compilation, batching and derivatives, for a function on flat lists. */
export function checkLaws(
  f: Flat,
  make: Maker,
  random: Random,
  tolerance: number,
  law: string,
): void {
  checkPrograms(f, make, random, law);
  checkJit(f, make, random, law);
  checkBatch(f, make, random, tolerance, `${law}: vmap`);
  checkNestedBatch(f, make, random, tolerance, `${law}: vmap of vmap`);
  checkFirstOrder(f, make(random), random, law);
  checkSecondOrder(f, make(random), random, law);
}

/**
 * The laws of one row: throws at the first violation, naming the case and the law.
 *
 * @param name The primitive's name.
 * @param primitive The primitive.
 * @param row Its row.
 * @param isElsewhere Whether this is an engine other than the one in which everything is checked: then
 *   compiled code is compared with the evaluator in all cases, and the evaluator is checked by its own laws in
 *   the first case of each float dtype, with one round of values.
 */
export function checkRow(
  name: string,
  primitive: Primitive<unknown>,
  row: Row<unknown>,
  isElsewhere = false,
): void {
  if (primitive.name !== name) throw new Error(`${name} is printed as ${primitive.name}`);
  if (row.cases.length === 0) throw new Error(`${name} has no cases`);
  const { derivative } = primitive;
  const expectedRules = row.cases[0].args.length;
  const hasRules = derivative.kind === "smooth" && row.through === undefined;
  if (hasRules && derivative.tangents.length !== expectedRules) {
    throw new Error(`${name} has ${derivative.tangents.length} tangent rules`);
  }
  row.cases.forEach((of, index) => {
    const f = row.through ?? ((values) => bind(primitive, values, of.params));
    const subject = { primitive, f, row, of, label: `${name}, case ${index}` };
    for (const dtype of checkedDtypes(row.dtypes, seedOf(name) + index)) {
      const random = makeRandom(seedOf(`${name} ${dtype}`) + index);
      if (!isElsewhere && !isNarrow(dtype)) checkEvaluated(subject, dtype, random, ROUNDS);
      else if (index === 0 && (!isElsewhere || isFloat(dtype) || dtype === row.dtypes[0])) {
        checkEvaluated(subject, dtype, random, 1);
      }
      checkCompiled(subject, dtype, random);
    }
    if (row.through === undefined) checkRefusals(subject);
  });
}

/** All wide dtypes, one of the half floats and one of the small integers; in a whole run, all dtypes. */
function checkedDtypes(dtypes: readonly Dtype[], choice: number): readonly Dtype[] {
  const narrow = dtypes.filter(isNarrow);
  return [
    ...dtypes.filter((dtype) => !isNarrow(dtype)),
    ...oneOf(narrow.filter(isHalf), choice),
    ...oneOf(narrow.filter((dtype) => !isHalf(dtype)), choice),
  ];
}

/** The tolerance of compiled results, in units of the last place of the largest. */
const ROUNDING = 64;

/**
 * Primitives for which another order, or padding zeros that take part as numbers, may give NaN instead of
 * an infinity or of zero: their compiled forms are compared on ordinary values only.
 */
const REASSOCIATED: ReadonlySet<string> = new Set([
  "reduceProd",
  "cumprod",
  "contract",
  "convolve",
  "convolveInput",
  "convolveFilter",
  "fourier",
  "fourierOfReal",
  "realOfFourier",
  // If large deviations overflow, the smallest ones consist of rounding errors.
  "standardize",
  // Their derivatives consist of contractions.
  "triangularSolve",
  "cholesky",
  "lu",
  "luSolve",
  "qr",
  "complement",
  "eigh",
  "svd",
  "pseudoInverse",
]);

/** Sums: compiled ones, whose order differs, are compared relative to the size of their terms. */
const SUMS: ReadonlySet<string> = new Set(["reduceSum", "reduceMean", "cumsum"]);

/** Runs `f` without kernels for large operations. */
function onEvaluator(f: () => void): void {
  installDispatcher(null);
  try {
    f();
  } finally {
    openDevice(cpu, backendOf(cpu));
  }
}

/** The number of fresh sets of values for the laws of derivatives. */
const ROUNDS = 3;

/** Makes the arguments of a case, with `dtype` for those without a fixed one. */
function makerOf({ args }: Case<unknown>, dtype: Dtype, domain?: Domain): Maker {
  return (random) =>
    args.map((arg) => {
      const choose = arg.dtype === undefined && domain !== undefined ? domain : arg.domain;
      return fromValues(choose(random, sizeOf(arg.shape)), arg.dtype ?? dtype, arg.shape);
    });
}

/** The laws of the evaluator and of the transforms, which run no compiled program. */
function checkEvaluated(subject: Subject, dtype: Dtype, random: Random, rounds: number): void {
  const label = `${subject.label}, ${dtype}`;
  const make = makerOf(subject.of, dtype);
  for (let round = 0; round < rounds; round++) {
    const args = make(random);
    unchanged(args, label, () => {
      if (round === 0) checkMeaning(subject, make, args, random, label);
      checkDerivatives(subject, args, random, label);
      if (round === 0) checkBatchedDerivatives(subject, make, args, random, label);
    });
  }
  if (subject.row.tame) return;
  const makeWild = makerOf(subject.of, dtype, wild(dtype));
  const args = makeWild(random);
  const place = `${label}, any values`;
  const check = () => checkMeaning(subject, makeWild, args, random, place);
  const isExact = !REASSOCIATED.has(subject.primitive.name);
  unchanged(args, place, () => isExact ? check() : onEvaluator(check));
}

/** The laws of compiled code: programs, steps of loops, and operations on many elements. */
function checkCompiled(subject: Subject, dtype: Dtype, random: Random): void {
  const { f, row, of } = subject;
  const label = `${subject.label}, ${dtype}`;
  const isFirst = of === row.cases[0];
  const make = makerOf(of, dtype);
  const isOrdinary = row.tame || REASSOCIATED.has(subject.primitive.name);
  const any = makerOf(of, dtype, wild(dtype));
  // Differences of narrow dtypes in programs that call others show in the first case.
  const isBrief = !isFirst && (isNarrow(dtype) || (!isWhole && dtype !== row.dtypes[0]));
  const adds = SUMS.has(subject.primitive.name);
  checkJit(f, make, random, label, isOrdinary ? [] : [any], isBrief, adds);
  if (!isFirst) return;
  if (row.elementwise) checkLong(subject, dtype, random, label);
  if (row.tame || !isOrdinary) checkStep(f, (row.tame ? make : any)(random), label);
}

/** The laws that hold for all values of the arguments, including NaN and infinities. */
function checkMeaning(
  subject: Subject,
  make: Maker,
  args: readonly Concrete[],
  random: Random,
  label: string,
): void {
  const { primitive, f, row } = subject;
  if (row.through === undefined) checkTypes(subject, args, label);
  checkSplats(subject, args, random, label);
  checkPrograms(f, make, random, label);
  if (args.length === 0) return;
  const isExact = args.every((arg) => !isFloat(arg.dtype));
  // Examples and batches may be computed by different kernels, which add in different orders.
  const unit = coarsest(args) / 2;
  const rounding = REASSOCIATED.has(primitive.name) ? ROUNDING * unit : 0;
  const tolerance = isExact ? 0 : Math.max(row.batchTolerance ?? 0, rounding);
  checkBatch(f, make, random, tolerance, `${label}: vmap`);
  checkNestedBatch(f, make, random, tolerance, `${label}: vmap of vmap`);
}

/** The laws of derivatives, which hold in the row's domains. */
function checkDerivatives(
  subject: Subject,
  args: readonly Concrete[],
  random: Random,
  label: string,
): void {
  const { f, row } = subject;
  if (!args.some((arg) => isFloat(arg.dtype))) return;
  if (coarsest(args) > epsilonOf("float64")) {
    if (row.draws) return;
    return checkPrecision(subject, args, random, label);
  }
  const slope = row.stops ? "zero" : row.draws ? "unknown" : "differences";
  checkFirstOrder(f, args, random, label, slope);
  checkSecondOrder(f, args, random, label, slope);
  checkKind(subject, args, random, label);
}

/** vmap of derivatives equals the loop, in float64. */
function checkBatchedDerivatives(
  { f, row }: Subject,
  make: Maker,
  args: readonly Concrete[],
  random: Random,
  label: string,
): void {
  if (coarsest(args) !== epsilonOf("float64")) return;
  if (!f(args).some((result) => isFloat(result.dtype))) return;
  const tolerance = Math.max(row.batchTolerance ?? 0, 1e-13);
  const gradient = gradientOf(f, args, random);
  checkBatch(gradient, make, random, tolerance, `${label}: vmap of gradient`);
  checkNestedBatch(gradient, make, random, tolerance, `${label}: vmap of vmap of gradient`);
  const withTangents: Maker = (source) => {
    const primals = make(source);
    return [...primals, ...directions(floatPositions(primals).map((i) => primals[i]), source)];
  };
  const pushforward = pushforwardOf(f, args);
  checkBatch(pushforward, withTangents, random, tolerance, `${label}: vmap of jvp`);
}

/** The elements of tensors remain unchanged, bit for bit, by all operations on them. */
function unchanged(args: readonly Concrete[], law: string, run: () => void): void {
  const before = args.map((arg) => arg.elements.slice());
  run();
  args.forEach((arg, i) => {
    const isSame = arg.elements.every((value, k) => Object.is(value, before[i][k]));
    if (!isSame) throw new Error(`${law}: argument ${i} was written to`);
  });
}

/** The guarantees of the kind of the derivative. */
function checkKind(
  { primitive, f }: Subject,
  args: readonly Tensor[],
  random: Random,
  label: string,
): void {
  const { kind } = primitive.derivative;
  const floats = floatPositions(args);
  if (kind === "linear") checkLinear(f, args, floats, random, label);
  if (kind === "bilinear") floats.forEach((i) => checkLinear(f, args, [i], random, label));
  if (kind === "zero") {
    const tangents = args.map((arg) => isFloat(arg.dtype) ? directions([arg], random)[0] : null);
    const [out, pushed] = jvp(spread(f), [...args], tangents);
    (pushed as (Tensor | null)[]).forEach((tangent, i) => {
      const isFloating = isFloat((out as Tensor[])[i].dtype);
      if (isFloating) assertIdentical([tangent!], [zerosOf(tangent!)], `${label}: zero tangent`);
      else if (tangent !== null) throw new Error(`${label}: an integer has tangent ${tangent}`);
    });
  }
}

/** `type` agrees with `evaluate`, and elements are stored in the representation of their dtype. */
function checkTypes({ primitive, of }: Subject, args: readonly Concrete[], label: string): void {
  const types = primitive.type(args, of.params);
  const results = evaluate(primitive, args, of.params, types);
  assertTypes(results, types, `${label}: type and evaluate`);
  for (const result of results) {
    const { elements, stored } = result;
    if (stored.constructor !== allocateStored(result.dtype, 0).constructor) {
      throw new Error(`${label}: ${result.dtype} is held in ${stored.constructor.name}`);
    }
    if (elements.length !== result.size && (elements.length !== 1 || result.size === 0)) {
      throw new Error(`${label}: ${elements.length} elements for ${result.size}`);
    }
    if (result.dtype === "bool" && !elements.every((value) => value === 0 || value === 1)) {
      throw new Error(`${label}: a bool is neither 0 nor 1: ${elements}`);
    }
  }
}

/** Constant arguments give the same results and tangents whether they store one element or all. */
function checkSplats(
  { f, row }: Subject,
  args: readonly Concrete[],
  random: Random,
  label: string,
): void {
  const pushforward = pushforwardOf(f, args);
  const tangents = directions(floatPositions(args).map((i) => args[i]), random);
  const constants = args.map((arg) => splat(arg.elements[0] ?? 0, arg.dtype, arg.shape));
  const full = constants.map((arg) => new Concrete(arg.dtype, arg.shape, dense(arg).slice()));
  const isClose = row.roundingTolerance !== undefined;
  const tolerance = isClose
    ? Math.max(row.roundingTolerance!, coarsest(args.filter(isHalfTensor)))
    : 0;
  for (const chosen of subsets(args.map((_, i) => i))) {
    // The arguments that are not splats keep their own elements.
    const sparse = args.map((arg, i) => chosen.includes(i) ? constants[i] : arg);
    const thick = args.map((arg, i) => chosen.includes(i) ? full[i] : arg);
    const place = `${label}: splats at ${chosen}`;
    near(f(sparse), f(thick), tolerance, place);
    if (tangents.length === 0) continue;
    const [first, second] = [sparse, thick].map((values) => pushforward([...values, ...tangents]));
    near(first, second, tolerance, `${place}, tangents`);
  }
}

/** Lengths around the thresholds at which loops over elements change their form. */
const LONG = [63, 64, 65, 1023, 1024, 1025, 2500];

/** A length at which they are plain loops. */
const PIECE = 50;

/** Elements `start` to `end` of a vector, or the same number of elements of a constant. */
function piece(x: Concrete, start: number, end: number): Concrete {
  const { elements } = x;
  return new Concrete(
    x.dtype,
    [end - start],
    elements.length === 1 ? elements : elements.slice(start, end),
  );
}

/** For elementwise primitives, many elements have the same results as pieces of them. */
function checkLong({ f, of }: Subject, dtype: Dtype, random: Random, label: string): void {
  for (const length of LONG) {
    const args = of.args.map((arg) => {
      const own = arg.dtype ?? dtype;
      const tame = arg.domain(random, length);
      const strange = wild(own)(random, length);
      const mixed = tame.map((value, i) => i % 3 === 0 && own === dtype ? strange[i] : value);
      return fromValues(mixed, own, [length]);
    });
    for (let constant = -1; constant < args.length; constant++) {
      const values = args.map((arg, k) =>
        k === constant ? splat(arg.elements[0], arg.dtype, arg.shape) : arg
      );
      const whole = f(values) as Concrete[];
      for (let start = 0; start < length; start += PIECE) {
        const end = Math.min(start + PIECE, length);
        const actual = whole.map((result) => piece(result, start, end));
        const expected = f(values.map((value) => piece(value, start, end)));
        assertIdentical(actual, expected, `${label}: ${start} to ${end} of ${length}`);
      }
    }
  }
}

function isHalfTensor({ dtype }: Type): boolean {
  return isHalf(dtype);
}

/**
 * Derivatives in narrower dtypes than float64 have that dtype, and the values of float64 to its
 * precision. Half floats are rounded once by each operation, with infinity beyond their range.
 */
function checkPrecision(
  { f }: Subject,
  args: readonly Concrete[],
  random: Random,
  label: string,
): void {
  const single = args.map((arg) => arg);
  const double = args.map((arg) =>
    isFloat(arg.dtype) ? new Concrete("float64", arg.shape, new Float64Array(arg.elements)) : arg
  );
  const widen = (values: readonly Tensor[], like: readonly Type[]): Tensor[] =>
    values.map((x, i) => {
      if (x.dtype === like[i].dtype) return x;
      return new Concrete("float64", x.shape, new Float64Array(dense(x.concrete("widen it"))));
    });
  // Results beyond the range of a half float are infinite.
  const held = (values: readonly Tensor[], like: readonly Type[]): Tensor[] =>
    values.map((x, i) => {
      const { dtype } = like[i];
      if (x.dtype === dtype || !isHalf(dtype)) return x;
      return fromValues(numbersOf(x).map((value) => roundTo(value, dtype)), x.dtype, x.shape);
    });
  const epsilon = coarsest(args);
  const isShort = args.some(isHalfTensor);
  const [narrow, wide] = [f(single), f(double)];
  const closeness = isShort ? epsilon : 3e-6;
  assertNear(widen(narrow, wide), held(wide, narrow), closeness, `${label}: against float64`);
  const tangents = directions(single.filter(({ dtype }) => isFloat(dtype)), random);
  const run = (values: readonly Tensor[], isDouble: boolean): Tensor[][] => {
    const floats = floatPositions(values);
    const points = floats.map((i) => values[i]);
    const g = floatsOf(f, values, floats);
    const v = isDouble ? widen(tangents, points) : tangents;
    const [, pushed] = jvp(spread(g), points, v) as unknown as [Tensor[], Tensor[]];
    const [out, pullback] = vjp(spread(g), ...points);
    const weights = (out as readonly Tensor[]).map((y) => splat(0.5, y.dtype, y.shape));
    const pulled = pullback(weights) as Tensor[];
    assertTypes(pushed, out as readonly Tensor[], `${label}: types of tangents`);
    assertTypes(pulled, points, `${label}: types of cotangents`);
    return [pushed, pulled];
  };
  const [pushed, pulled] = run(single, false);
  const [widePushed, widePulled] = run(double, true);
  const near = isShort ? 16 * epsilon : 1e-5;
  assertNear(widen(pushed, widePushed), held(widePushed, pushed), near, `${label}: tangents`);
  assertNear(widen(pulled, widePulled), held(widePulled, pulled), near, `${label}: cotangents`);
}

/** Dtypes that the row does not list are refused by `type`. */
function checkRefusals({ primitive, row, of, label }: Subject): void {
  if (of.args.every((arg) => arg.dtype !== undefined)) return;
  for (const dtype of DTYPES) {
    if (row.dtypes.includes(dtype)) continue;
    const types = of.args.map((arg) => ({ dtype: arg.dtype ?? dtype, shape: arg.shape }));
    expectError(() => primitive.type(types, of.params), `${label}: ${dtype} is refused`, [
      DtypeError,
      InternalError,
    ]);
  }
  // An extra axis in one argument never fits two or more arguments of the same shape.
  const [first, second] = of.args;
  if (of.args.length !== 2 || first.shape.length === 0 || of.params !== null) return;
  if (first.shape.join() !== second.shape.join()) return;
  const [dtype] = row.dtypes;
  const wrong = [
    { dtype: first.dtype ?? dtype, shape: first.shape },
    { dtype: second.dtype ?? dtype, shape: insertAt(second.shape, 0, 2) },
  ];
  expectError(() => primitive.type(wrong, of.params), `${label}: unequal shapes are refused`, [
    ShapeError,
  ]);
}

function expectError(
  run: () => unknown,
  law: string,
  classes: readonly (abstract new (...args: never[]) => Error)[],
): void {
  try {
    run();
  } catch (error) {
    if (classes.some((type) => error instanceof type)) return;
    throw error;
  }
  throw new Error(`${law}: no error`);
}

/** Both functions have the same values, derivatives of both orders, and batches. */
export function checkSame(
  actual: Flat,
  expected: Flat,
  make: Maker,
  random: Random,
  law: string,
): void {
  const args = make(random);
  const [v, w] = [make(random), make(random)];
  const gradient = (f: Flat): Flat => gradientOf(f, args, makeRandom(1));
  const pushed = (f: Flat): Flat => (values) => {
    const [out, tangents] = jvp((...args: Tensor[]) => f(args), [...values], v);
    return [...out, ...tangents as readonly Tensor[]];
  };
  const batched = (f: Flat): Flat => (values) =>
    vmap((...args: Tensor[]) => f(args))(
      ...values.map((x, i) => joined([x, w[i]])),
    ) as unknown as Tensor[];
  const ways: readonly [string, (f: Flat) => Flat][] = [
    ["values", (f) => f],
    ["vjp", gradient],
    ["jvp", pushed],
    ["vmap", batched],
    ["jvp of vjp", (f) => pushed(gradient(f))],
    ["vjp of jvp", (f) => gradient(pushed(f))],
    ["vmap of vjp", (f) => batched(gradient(f))],
    ["vjp of vmap", (f) => gradient(batched(f))],
  ];
  for (const [way, transform] of ways) {
    const results = transform(actual)(args) as readonly Concrete[];
    const same = transform(expected)(args) as readonly Concrete[];
    assertNear(results, same, 1e-11, `${law}: ${way}`);
  }
}
