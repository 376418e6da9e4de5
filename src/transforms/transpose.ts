/**
 * Transposition: the linear program that pulls cotangents of a linear program's results back to its
 * binders. Each equation is visited once, after those that read its results.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { isFloat } from "../base/dtype.ts";
import { showType } from "../base/shape.ts";
import { currentOrigin, enterTransposed, restoreOrigin } from "../core/origin.ts";
import { noTotals } from "../core/primitive.ts";
import type { LinearDerivative, Totals } from "../core/primitive.ts";
import type { Equation, Program } from "../core/program.ts";
import { typeOf, Variable } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { isZero } from "../core/zeros.ts";
import { add } from "../primitives/arithmetic.ts";

/** A part of a variable's cotangent that is computed when the rest of it is known. */
interface Part {
  /** The part alone. */
  alone(): Tensor;
  /** The sum of the part and the rest. */
  onto(total: Tensor): Tensor;
}

/** The known parts of a variable's cotangent. */
interface Total {
  /** The sum of all parts that are complete tensors. */
  sum: Tensor | null;
  /** Contributions to few elements: they are added to the sum, instead of padded with zeros. */
  readonly parts: Part[];
}

/**
 * Pulls `cotangents` (one per result, `null` for zero) back through a program all of whose variables
 * are linear in its binders. Returns one cotangent per binder, `null` for zero. The value of `start`
 * for a binder is the initial value of its cotangent.
 */
export function transposeProgram(
  program: Program,
  cotangents: readonly (Tensor | null)[],
  start: readonly (Tensor | null)[] = [],
): (Tensor | null)[] {
  const totals = new Map<Variable, Total>();
  const totalOf = (variable: Variable): Total => {
    let total = totals.get(variable);
    if (total === undefined) totals.set(variable, total = { sum: null, parts: [] });
    return total;
  };
  const accumulate = (variable: Variable, cotangent: Tensor): void => {
    const total = totalOf(variable);
    total.sum = total.sum === null ? cotangent : add(total.sum, cotangent);
  };
  const finish = (variable: Variable): Tensor | null => {
    const total = totals.get(variable);
    if (total === undefined) return null;
    totals.delete(variable);
    const { sum, parts: [first, ...rest] } = total;
    if (first === undefined) return sum;
    const begun = sum === null ? first.alone() : first.onto(sum);
    return rest.reduce((all, part) => part.onto(all), begun);
  };
  const producers = new Map<Variable, Equation>();
  for (const equation of program.equations) producers.set(equation.outputs[0], equation);
  /** The equation that moves the elements of a variable whose sum may be that of its result. */
  const moverOf = (variable: Variable): Equation | null => {
    const equation = producers.get(variable);
    const isMover = equation !== undefined && isPermutation(equation) &&
      (totals.get(variable)?.parts.length ?? 0) === 0;
    return isMover ? equation : null;
  };
  /** The variable whose sum is used for a variable. */
  const summed = (variable: Variable): Variable | null => {
    if ((totals.get(variable)?.sum ?? null) !== null) return variable;
    const mover = moverOf(variable);
    return mover && summed(mover.inputs[0] as Variable);
  };
  const takeSum = (variable: Variable): Tensor | null => {
    const total = totals.get(variable);
    if (total !== undefined && total.sum !== null) {
      const { sum } = total;
      total.sum = null;
      return sum;
    }
    const mover = moverOf(variable);
    const sum = mover === null ? null : takeSum(mover.inputs[0] as Variable);
    return sum && from(mover!, () => bindOne(mover!.primitive, [sum], mover!.params));
  };
  const outer = currentOrigin();
  const from = <Result>({ origin }: Equation, work: () => Result): Result => {
    restoreOrigin(outer);
    enterTransposed(origin);
    return work();
  };
  try {
    enterTransposed(undefined);
    program.binders.forEach((variable, i) => {
      const before = start[i] ?? null;
      if (before !== null) accumulate(variable, before);
    });
    program.results.forEach((atom, i) => {
      const cotangent = cotangents[i];
      if (atom instanceof Variable && cotangent !== null) accumulate(atom, cotangent);
    });
    for (const equation of programsFirst(program.equations).toReversed()) {
      const own = passOn(equation, totals, from);
      if (own !== null) {
        totalOf(equation.inputs[0] as Variable).parts.push(...own);
        continue;
      }
      const received = equation.outputs.map((variable) => from(equation, () => finish(variable)));
      if (received.every((cotangent) => cotangent === null)) continue;
      const part = partOf(equation, received, from);
      if (part !== null) {
        totalOf(equation.inputs[0] as Variable).parts.push(part);
        continue;
      }
      const linear = (k: number): Variable | null => {
        const atom = equation.inputs[k];
        return atom instanceof Variable && isFloat(atom.type.dtype) ? atom : null;
      };
      const pulled = from(equation, () =>
        pull(equation, received, {
          // For an argument in several positions, the total is passed at the first.
          has: (k) => {
            const one = linear(k) && summed(linear(k)!);
            return one !== null &&
              equation.inputs.findIndex((_, i) => linear(i) && summed(linear(i)!) === one) === k;
          },
          take: (k) => linear(k) && takeSum(linear(k)!),
        }));
      equation.inputs.forEach((atom, k) => {
        const cotangent = pulled[k];
        if (atom instanceof Variable && cotangent !== null) accumulate(atom, cotangent);
      });
    }
    return program.binders.map(finish);
  } finally {
    restoreOrigin(outer);
  }
}

/**
 * The equations in an order in which those that hold programs are as early as possible. Their
 * cotangents are then computed last, when there is a total that they can be added to.
 */
function programsFirst(equations: readonly Equation[]): readonly Equation[] {
  const isProgram = ({ primitive: { derivative } }: Equation) => derivative.kind === "program";
  if (!equations.some(isProgram)) return equations;
  const places = new Map<unknown, number>();
  const behind: Equation[][] = [[], ...equations.map(() => [])];
  equations.forEach((equation, i) => {
    const { inputs, outputs } = equation;
    const place = isProgram(equation)
      ? inputs.reduce((last, input) => Math.max(last, places.get(input) ?? 0), 0)
      : i + 1;
    behind[place].push(equation);
    outputs.forEach((output) => places.set(output, place));
  });
  return behind.flat();
}

/** Runs work as that of an equation. */
type From = <Result>(equation: Equation, work: () => Result) => Result;

/** The cotangent of an equation that extracts a part of its argument; `null` for other equations. */
function partOf(
  equation: Equation,
  [received]: readonly (Tensor | null)[],
  from: From,
): Part | null {
  const { primitive: { derivative: rule }, inputs: [input, ...others], params } = equation;
  if (rule.kind !== "linear" || rule.onto === undefined) return null;
  const isPart = input instanceof Variable && isFloat(input.type.dtype) &&
    !others.some((atom) => atom instanceof Variable || isOffset(atom));
  if (!isPart) return null;
  const args: Type[] = [input.type, ...others as Tensor[]];
  const alone = () => from(equation, () => pull(equation, [received], noTotals)[0]!);
  const onto = (total: Tensor) =>
    from(equation, () => rule.onto!(total, received!, args, params)) ?? add(total, alone());
  return { alone, onto };
}

/**
 * The parts of the cotangent of an equation's result, mapped to its argument, if it only moves elements
 * and there are only parts.
 */
function passOn(
  equation: Equation,
  totals: Map<Variable, Total>,
  from: From,
): readonly Part[] | null {
  const { primitive, inputs: [input], outputs: [output], params } = equation;
  const total = totals.get(output);
  if (!isPermutation(equation) || total === undefined || total.sum !== null) return null;
  const rule = primitive.derivative as LinearDerivative<unknown>;
  totals.delete(output);
  const back = (cotangent: Tensor): Tensor =>
    from(equation, () => rule.transpose([cotangent], [typeOf(input)], params, [true])[0]!);
  const forth = (tensor: Tensor): Tensor =>
    from(equation, () => bindOne(primitive, [tensor], params));
  return total.parts.map(({ alone, onto }) => ({
    alone: () => back(alone()),
    onto: (whole) => back(onto(forth(whole))),
  }));
}

/** Whether an equation only rearranges the elements of a variable. */
function isPermutation({ primitive: { derivative }, inputs: [input] }: Equation): boolean {
  return derivative.kind === "linear" && derivative.isPermutation === true &&
    input instanceof Variable;
}

/** The cotangents of an equation's inputs; only those of its variables are used. */
function pull(
  { primitive, inputs, params, outputs }: Equation,
  received: readonly (Tensor | null)[],
  totals: Totals,
): readonly (Tensor | null)[] {
  const rule = primitive.derivative;
  const isLinear = inputs.map((atom) => atom instanceof Variable);
  const types: Type[] = inputs.map((atom) => atom instanceof Variable ? atom.type : atom);
  switch (rule.kind) {
    case "linear": {
      // An integer or bool that depends on the function's arguments is not linear in them.
      if (isLinear.some((linear, i) => linear && !isFloat(types[i].dtype))) break;
      const cotangents = outputs.map((variable, i) => received[i] ?? zerosOf(variable.type));
      if (inputs.some((atom) => atom instanceof Tensor && isOffset(atom))) break;
      return rule.transpose(cotangents, types, params, isLinear);
    }
    case "bilinear":
    case "smooth": {
      const adjoints = rule.transpose ?? [];
      const place = isLinear.indexOf(true);
      const adjoint = adjoints[place];
      if (adjoint === undefined || adjoint === null || isLinear.lastIndexOf(true) !== place) break;
      const other = inputs[place === 0 ? 1 : 0] as Tensor;
      const cotangent = adjoint(received[0]!, other, types[place], params, types);
      return inputs.map((_, i) => i === place ? cotangent : null);
    }
    case "program":
      return rule.transpose(received, types, params, isLinear, totals);
    case "zero":
      // A placeholder for an argument, if it is unused, does not affect linearity.
      if (rule.isIdentity === true && params === "unused") return inputs.map(() => null);
      break;
  }
  throw argumentError(
    `Cannot transpose ${primitive.name} of ${types.map(showType).join(" and ")}: ` +
      `the function is not linear in its arguments`,
  );
}

/**
 * Whether a constant operand is the offset of a linear operation, as `c` is in `x + c`. Structural
 * zeros are not, such as a missing tangent times any value.
 */
export function isOffset(constant: Tensor): boolean {
  return isFloat(constant.dtype) && !isZero(constant);
}
