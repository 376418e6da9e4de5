/**
 * The traversal of an operand by the loops of sums of products: loops with counters `d0`, `d1`, … (`u32`),
 * each of which has the position so far.
 *
 * @module
 */

/** A traversal of an operand. Names that it declares consist of a letter and the given name. */
export interface Walk {
  /**
   * Statements outside the loops, for row or column `index` of product `t`: they declare the position
   * `oNAME_0`, starting from `base`.
   */
  readonly enter: (name: string, index: string, base: string) => string;
  /** Statements in loop `k`: they declare `oNAME_(k + 1)` and, if positions are tested, `inNAME_(k + 1)`. */
  readonly loop: (name: string, k: number) => string;
  /** Whether elements may be missing at some positions: then `inNAME_K` tests whether there is one. */
  readonly isTested: boolean;
}

/** A walk with a fixed stride in each loop, starting from the expression `offset`. */
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

/** The traversal of an axis in loop `k`: expressions, and a test whether they are in range. */
export interface Axis {
  /** Statements that declare the variables of the other members. */
  readonly declare: string;
  /** The coordinate. */
  readonly coordinate: string;
  /** Without branches, because drivers on CPUs take very long to compile many of them. */
  readonly test: string;
  /** The distance between adjacent elements. */
  readonly stride: number;
}

/** A walk whose first loop has the stride `stride`, and whose other loops are along axes with bounds. */
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
 * Loops over axes of these lengths, for which operands have `strides`: adjacent axes that form one axis in
 * all operands become one loop.
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
