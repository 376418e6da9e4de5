/**
 * How sums of products go through the elements of an operand: loops with counters `d0`, `d1`, … (`u32`), and
 * in each of them the place so far.
 *
 * @module
 */

/** A way through an operand. Names that it declares begin with a letter and the given name. */
export interface Walk {
  /**
   * Statements outside of the loops, for row or column `index` of product `t`: they declare the place
   * `oNAME_0`, from `base` on.
   */
  readonly enter: (name: string, index: string, base: string) => string;
  /** Statements within loop `k`: they declare `oNAME_(k + 1)` and, where places are tested, `inNAME_(k + 1)`. */
  readonly loop: (name: string, k: number) => string;
  /** Whether there may be no element at a place: then `inNAME_K` says whether there is. */
  readonly isTested: boolean;
}

/** A walk by so many elements in each loop, from `offset` on: an expression. */
export function stridedWalk(
  offset: (index: string) => string,
  strides: readonly number[],
): Walk {
  return {
    enter: (name, index, base) => `let o${name}_0 = ${base} + ${offset(index)};`,
    loop: (name, k) => {
      const step = strides[k] === 1 ? `d${k}` : `d${k} * ${strides[k]}u`;
      return `let o${name}_${k + 1} = o${name}_${k} + ${step};`;
    },
    isTested: false,
  };
}

/** Where an axis is walked through in loop `k`: expressions, and whether they are inside. */
export interface Axis {
  /** Statements that declare what the others use. */
  readonly declare: string;
  /** The coordinate. */
  readonly coordinate: string;
  /** Without branches, of which drivers on processors take very long to compile many. */
  readonly test: string;
  /** The elements between neighbours. */
  readonly stride: number;
}

/** A walk whose first loop is by `stride`, and whose others are along axes that end somewhere. */
export function boundedWalk(
  enter: Walk["enter"],
  stride: number,
  axes: readonly ((name: string, counter: string) => Axis)[],
): Walk {
  return {
    enter,
    loop: (name, k) => {
      if (k === 0) return `let o${name}_1 = o${name}_0 + d0 * ${stride}u;`;
      const { declare, coordinate, test, stride: own } = axes[k - 1](name, `d${k}`);
      return `${declare}
let o${name}_${k + 1} = o${name}_${k} + ${coordinate} * ${own}u;
let in${name}_${k + 1} = ${k === 1 ? "" : `in${name}_${k} & `}${test};`;
    },
    isTested: axes.length > 0,
  };
}

/**
 * Loops over axes of these lengths, of which operands have `strides`: neighbours that are one axis in all
 * operands are one loop.
 */
export function mergedLoops(
  lengths: readonly number[],
  strides: readonly (readonly number[])[],
): { readonly lengths: readonly number[]; readonly strides: readonly (readonly number[])[] } {
  const loops: number[] = [];
  const own: number[][] = strides.map(() => []);
  lengths.forEach((length, i) => {
    if (length === 1) return;
    const last = loops.length - 1;
    if (last >= 0 && own.every((steps, k) => steps[last] === strides[k][i] * length)) {
      loops[last] *= length;
      own.forEach((steps, k) => steps[last] = strides[k][i]);
    } else {
      loops.push(length);
      own.forEach((steps, k) => steps.push(strides[k][i]));
    }
  });
  return { lengths: loops, strides: own };
}
