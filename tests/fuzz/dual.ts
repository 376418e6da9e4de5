/**
 * Derivatives of functions of numbers by nested dual numbers: a reference that shares no code with the
 * library. Each derivative has its own tag, so that nested ones cannot confuse their
 * perturbations.
 *
 * @module
 */

/** A number, or one with an infinitesimal part. */
export type Num = number | Dual;

class Dual {
  readonly tag: number;
  readonly value: Num;
  readonly slope: Num;

  constructor(tag: number, value: Num, slope: Num) {
    this.tag = tag;
    this.value = value;
    this.slope = slope;
  }
}

let tags = 0;

function tagOf(x: Num): number {
  return x instanceof Dual ? x.tag : 0;
}

/** The value and the slope of `x` for a tag that is at least its own. */
function split(x: Num, tag: number): readonly [value: Num, slope: Num] {
  return x instanceof Dual && x.tag === tag ? [x.value, x.slope] : [x, 0];
}

/** The number without its infinitesimal parts. */
export function real(x: Num): number {
  return x instanceof Dual ? real(x.value) : x;
}

export function add(x: Num, y: Num): Num {
  if (typeof x === "number" && typeof y === "number") return x + y;
  const tag = Math.max(tagOf(x), tagOf(y));
  const [[a, da], [b, db]] = [split(x, tag), split(y, tag)];
  return new Dual(tag, add(a, b), add(da, db));
}

export function mul(x: Num, y: Num): Num {
  if (typeof x === "number" && typeof y === "number") return x * y;
  const tag = Math.max(tagOf(x), tagOf(y));
  const [[a, da], [b, db]] = [split(x, tag), split(y, tag)];
  return new Dual(tag, mul(a, b), add(mul(a, db), mul(da, b)));
}

/** A function of one number with its derivative. */
function smooth(f: (x: number) => number, slope: (x: Num) => Num): (x: Num) => Num {
  const apply = (x: Num): Num =>
    typeof x === "number" ? f(x) : new Dual(x.tag, apply(x.value), mul(slope(x.value), x.slope));
  return apply;
}

export const sin: (x: Num) => Num = smooth(Math.sin, (x) => cos(x));
export const cos: (x: Num) => Num = smooth(Math.cos, (x) => mul(-1, sin(x)));
export const reciprocal: (x: Num) => Num = smooth(
  (x) => 1 / x,
  (x) => mul(-1, mul(reciprocal(x), reciprocal(x))),
);
export const tanh: (x: Num) => Num = smooth(
  Math.tanh,
  (x) => add(1, mul(-1, mul(tanh(x), tanh(x)))),
);

/** The derivative of a function of several numbers along a direction. */
export function derivative(
  f: (...args: Num[]) => Num,
  args: readonly Num[],
  direction: readonly Num[],
): Num {
  const tag = ++tags;
  return split(f(...args.map((x, i) => new Dual(tag, x, direction[i]))), tag)[1];
}
