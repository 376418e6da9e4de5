/**
 * Bodies of scans derived from bodies of scans: linearised, in forward mode and transposed, each
 * computed once in the lifetime of the body.
 *
 * @module
 */
import { Concrete, Tensor, zerosOf } from "../core/tensor.ts";
import { Program, typeOf, Variable, withoutDeadEquations } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { sizeOf } from "../base/shape.ts";
import { contract } from "../primitives/contraction.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import { transpose } from "../primitives/structure.ts";
import type { TransposeParams } from "../primitives/structure.ts";
import {
  fixpoint,
  keyOfFlags,
  linearizeProgram,
  memoize,
  pushProgram,
  type TransposedProgram,
  transposeOpen,
} from "./programs.ts";

/** Parameters of `scan`. */
export interface ScanParams {
  /**
   * The step: from constants, carried values and one element of each sequence to carried values and one
   * element of each sequence of results.
   */
  readonly body: Program;
  /** The number of steps. */
  readonly length: number;
  /** Whether sequences are read, and written, from the last element to the first. */
  readonly reverse: boolean;
  /** The number of first arguments that are the same in every step. */
  readonly consts: number;
  /** The number of carried values, which follow; all other arguments are sequences. */
  readonly carry: number;
}

/** The arguments of a scan, or any values with one for each argument, by their role. */
export interface Roles<T> {
  readonly consts: readonly T[];
  readonly carry: readonly T[];
  readonly xs: readonly T[];
}

/** Splits a list with one entry per argument. */
export function byRole<T>(list: readonly T[], { consts, carry }: ScanParams): Roles<T> {
  return {
    consts: list.slice(0, consts),
    carry: list.slice(consts, consts + carry),
    xs: list.slice(consts + carry),
  };
}

/** The source of a value that the linear part of a scan needs. */
export type ResidualSource =
  /** Among the arguments of the scan: a constant, or a sequence. */
  | { readonly kind: "argument"; readonly index: number }
  /** Among the values that depend on constants alone, computed once. */
  | { readonly kind: "invariant"; readonly index: number }
  /** Among the sequences of residuals that the forward scan writes. */
  | { readonly kind: "stacked"; readonly index: number };

/** A scan's body split into work on primals and work on tangents. */
export interface LinearizedBody {
  /** From the constants to the values that are computed only once. */
  readonly invariants: Program;
  /** The body that also returns the values to keep for each step. */
  readonly forward: Program;
  /** The body on tangents: constants are kept values and tangents, and so are sequences. */
  readonly linear: Program;
  /** For each kept value that is the same in every step, its source. */
  readonly constSources: readonly ResidualSource[];
  /** For each kept value of a step, the source of its sequence. */
  readonly sequenceSources: readonly ResidualSource[];
  /** Which carried values have tangents. */
  readonly isActive: readonly boolean[];
  /** Which results of the body have tangents. */
  readonly moves: readonly boolean[];
}

const linearizedBodies = memoize<LinearizedBody>();

/** The variables of `program` that depend only on the first `count` binders and constants. */
function invariantsOf(program: Program, count: number): ReadonlySet<Atom> {
  const invariant = new Set<Atom>(program.binders.slice(0, count));
  for (const { primitive, inputs, outputs } of program.equations) {
    // An operation with side effects must run in every step.
    if (primitive.derivative.kind === "program" || outputs.length === 0) continue;
    if (inputs.every((atom) => atom instanceof Concrete || invariant.has(atom))) {
      outputs.forEach((variable) => invariant.add(variable));
    }
  }
  return invariant;
}

export function linearizeBody(
  body: Program,
  active: readonly boolean[],
  params: ScanParams,
): LinearizedBody {
  const { consts, carry } = params;
  const key = `${keyOfFlags(active)}/${consts}/${carry}`;
  return linearizedBodies(body, key, () => {
    const flags = byRole(active, params);
    const noYs = body.results.slice(carry).map(() => false);
    const linearizedWith = (carried: readonly boolean[]) =>
      linearizeProgram(
        body,
        [...flags.consts, ...carried, ...flags.xs],
        [...carried, ...noYs],
      );
    const isActive = fixpoint(
      flags.carry,
      (carried) => linearizedWith(carried).moves.slice(0, carry),
    );
    const { forward, linear, moves } = linearizedWith(isActive);
    const count = body.results.length;
    const residuals = forward.results.slice(count);
    const invariant = invariantsOf(forward, consts);
    const hoisted: Atom[] = [];
    const kept: Atom[] = [];
    const sources = residuals.map((atom): ResidualSource => {
      const binder = atom instanceof Variable ? forward.binders.indexOf(atom) : -1;
      if (binder >= 0 && (binder < consts || binder >= consts + carry)) {
        return { kind: "argument", index: binder };
      }
      if (atom instanceof Tensor || invariant.has(atom)) {
        return { kind: "invariant", index: hoisted.push(atom) - 1 };
      }
      return { kind: "stacked", index: kept.push(atom) - 1 };
    });
    const isConst = (source: ResidualSource) =>
      source.kind === "invariant" || (source.kind === "argument" && source.index < consts);
    // The linear program takes residuals first, then tangents by role.
    const inputs = linear.binders.slice(0, residuals.length);
    let next = residuals.length;
    const take = (list: readonly boolean[]) =>
      list.flatMap((flag) => flag ? [linear.binders[next++]] : []);
    const [dConsts, dCarry, dXs] = [take(flags.consts), take(isActive), take(flags.xs)];
    const binders = [
      ...inputs.filter((_, i) => isConst(sources[i])),
      ...dConsts,
      ...dCarry,
      ...inputs.filter((_, i) => !isConst(sources[i])),
      ...dXs,
    ];
    const equations = forward.equations.filter(({ outputs }) =>
      outputs.some((variable) => invariant.has(variable))
    );
    return {
      invariants: new Program(forward.binders.slice(0, consts), equations, hoisted),
      forward: new Program(forward.binders, forward.equations, [
        ...forward.results.slice(0, count),
        ...kept,
      ]),
      linear: new Program(binders, linear.equations, linear.results),
      constSources: sources.filter(isConst),
      sequenceSources: sources.filter((source) => !isConst(source)),
      isActive,
      moves,
    };
  });
}

/** A scan in forward mode. */
export interface PushedBody {
  readonly body: Program;
  readonly isActive: readonly boolean[];
  readonly moves: readonly boolean[];
}

const pushedBodies = memoize<PushedBody>();

/** The body that carries tangents along with values: the carried values, then their tangents. */
export function pushBody(
  body: Program,
  active: readonly boolean[],
  params: ScanParams,
): PushedBody {
  const { consts, carry } = params;
  return pushedBodies(body, `${keyOfFlags(active)}/${consts}/${carry}`, () => {
    const flags = byRole(active, params);
    const noYs = body.results.slice(carry).map(() => false);
    const pushedWith = (carried: readonly boolean[]) =>
      pushProgram(body, [...flags.consts, ...carried, ...flags.xs], [...carried, ...noYs]);
    const isActive = fixpoint(
      flags.carry,
      (carried) => pushedWith(carried).moves.slice(0, carry),
    );
    const { program, moves } = pushedWith(isActive);
    const primals = byRole(program.binders.slice(0, body.binders.length), params);
    let next = body.binders.length;
    const take = (list: readonly boolean[]) =>
      list.flatMap((flag) => flag ? [program.binders[next++]] : []);
    const [dConsts, dCarry, dXs] = [take(flags.consts), take(isActive), take(flags.xs)];
    const count = body.results.length;
    const carriedTangents = isActive.filter(Boolean).length;
    const results = [
      ...program.results.slice(0, carry),
      ...program.results.slice(count, count + carriedTangents),
      ...program.results.slice(carry, count),
      ...program.results.slice(count + carriedTangents),
    ];
    const binders = [
      ...primals.consts,
      ...dConsts,
      ...primals.carry,
      ...dCarry,
      ...primals.xs,
      ...dXs,
    ];
    return { body: new Program(binders, program.equations, results), isActive, moves };
  });
}

/**
 * The program with these binders and results alone. The contributions of other binders to the results
 * are zero.
 */
export function restrict(
  { binders: all, equations }: Program,
  binders: readonly Variable[],
  results: readonly Atom[],
): Program {
  const live = new Set<Atom>(results);
  const kept: Equation[] = [];
  const zeros = new Map<Atom, Tensor>();
  for (const variable of all) {
    if (!binders.includes(variable)) zeros.set(variable, zerosOf(variable.type));
  }
  for (let i = equations.length - 1; i >= 0; i--) {
    if (!equations[i].outputs.some((variable) => live.has(variable))) continue;
    equations[i].inputs.forEach((atom) => live.add(atom));
    const inputs = equations[i].inputs.map((atom) => zeros.get(atom) ?? atom);
    kept.push({ ...equations[i], inputs });
  }
  return new Program(binders, kept.reverse(), results);
}

/**
 * The cotangent of a constant that is in every step the product of an element of a sequence and of a
 * value smaller than the cotangent. The sum of these products is one product over all steps: the
 * gradient of a recurrent network's weights has this form.
 */
export interface SummedProduct {
  /** The known sequence that contains one factor; the other is a sequence that the scan writes. */
  readonly sequence: number;
  /** Whether that factor is the first. */
  readonly isFirst: boolean;
  /** How the factors of one step are multiplied. */
  readonly params: ContractParams;
  /** The permutations by which the product is transposed, in order. */
  readonly permutations: readonly (readonly number[])[];
}

/** The product over all steps that is the sum of a cotangent, and its factor that is not a sequence yet. */
function findProduct(
  program: Program,
  result: Atom,
  sequences: readonly Variable[],
): { readonly product: SummedProduct; readonly factor: Variable } | null {
  const makers = new Map<Atom, Equation>();
  for (const equation of program.equations) {
    equation.outputs.forEach((variable) => makers.set(variable, equation));
  }
  const permutations: (readonly number[])[] = [];
  let maker = makers.get(result);
  while (maker !== undefined && maker.primitive.name === "transpose") {
    permutations.unshift((maker.params as TransposeParams).permutation);
    maker = makers.get(maker.inputs[0]);
  }
  if (maker === undefined || maker.primitive.name !== "contract") return null;
  const params = maker.params as ContractParams;
  if (params.batch[0].length > 0) return null;
  for (const isFirst of [true, false]) {
    const [own, factor] = isFirst ? maker.inputs : [...maker.inputs].reverse();
    const sequence = own instanceof Variable ? sequences.indexOf(own) : -1;
    if (sequence < 0 || !(factor instanceof Variable)) continue;
    // Kept for every step, it must not take more memory than the sum.
    if (sizeOf(factor.type.shape) >= sizeOf(typeOf(result).shape)) continue;
    return { product: { sequence, isFirst, params, permutations }, factor };
  }
  return null;
}

/** The product of two sequences over all of their steps. */
export function sumProducts(
  { isFirst, params, permutations }: SummedProduct,
  own: Tensor,
  factors: Tensor,
): Tensor {
  const [x, y] = isFirst ? [own, factors] : [factors, own];
  const behind = (axes: readonly number[]) => [0, ...axes.map((axis) => axis + 1)];
  const total = contract(x, y, {
    contract: [behind(params.contract[0]), behind(params.contract[1])],
    batch: [[], []],
  });
  return permutations.reduce((sum, permutation) => transpose(sum, permutation), total);
}

/** The transposed body: carries cotangents backward and adds up those of constants. */
export interface TransposedBody {
  readonly body: Program;
  /** For each linear constant, the remaining work if its cotangent is not a carried sum. */
  readonly products: readonly (SummedProduct | null)[];
  /** Which linear sequences receive a cotangent. */
  readonly receives: readonly boolean[];
}

const transposedBodies = memoize<TransposedBody>();

/**
 * The transpose of a body whose carried values are all linear. Its constants are the known ones; it
 * carries cotangents and sums for linear constants, reads known sequences and cotangents, and returns
 * cotangents of sequences, then the factors of products that are summed. Known arguments may be
 * declared to be zero.
 */
export function transposeBody(
  body: Program,
  isLinear: readonly boolean[],
  hasCotangent: readonly boolean[],
  params: ScanParams,
  isZero: readonly boolean[],
): TransposedBody {
  const key = `${keyOfFlags(isLinear, hasCotangent, isZero)}/${params.consts}/${params.carry}`;
  return transposedBodies(body, key, () => {
    const types = byRole(body.binders.map(({ type }) => type), params);
    const flags = byRole(isLinear, params);
    const linearConsts = types.consts.filter((_, i) => flags.consts[i]);
    const knownConsts = types.consts.filter((_, i) => !flags.consts[i]);
    const knownXs = types.xs.filter((_, i) => !flags.xs[i]);
    const given = body.results.slice(params.carry).map(typeOf).filter((_, i) => hasCotangent[i]);
    const cotangents = [...types.carry.map(() => true), ...hasCotangent];
    const isForced = [...linearConsts.map(() => true), ...types.carry.map(() => true)];
    const findProducts = ({ program }: TransposedProgram) => {
      const first = knownConsts.length;
      const sequences = program.binders.slice(first, first + knownXs.length);
      return linearConsts.map((_, i) => findProduct(program, program.results[i], sequences));
    };
    const bare = transposeOpen(body, isLinear, cotangents, { isForced, isZero });
    const isAdded = findProducts(bare).map((product) => product === null);
    const open = transposeOpen(body, isLinear, cotangents, { isForced, isZero, isAdded });
    const found = findProducts(open).map((product, i) => isAdded[i] ? null : product);
    const { program: { binders, equations, results }, receives } = open;
    let next = 0;
    const take = (count: number) => binders.slice(next, next += count);
    const [known, elements, carried, others, sums] = [
      knownConsts.length,
      knownXs.length,
      types.carry.length,
      given.length,
      isAdded.filter(Boolean).length,
    ].map(take);
    const toConsts = results.slice(0, linearConsts.length);
    const rest = results.slice(linearConsts.length);
    const transposed = withoutDeadEquations(
      new Program([...known, ...carried, ...sums, ...elements, ...others], equations, [
        ...rest.slice(0, carried.length),
        ...toConsts.filter((_, i) => isAdded[i]),
        ...rest.slice(carried.length),
        ...found.flatMap((one) => one === null ? [] : [one.factor]),
      ]),
    );
    return {
      body: transposed,
      products: found.map((one) => one?.product ?? null),
      receives: receives.slice(linearConsts.length + types.carry.length),
    };
  });
}
