/**
 * Jets: truncated power series in the changes of several parameters, by which a computation yields
 * mixed derivatives along with its value (A. Griewank and A. Walther, "Evaluating derivatives",
 * 2008).
 *
 * @module
 */
import { lgamma, polygamma } from "../special.ts";

/**
 * Coefficients, with the power of the last parameter changing fastest; a number if there is nothing
 * to differentiate by.
 */
export type Jet = number | Float64Array;

/** Arithmetic of jets with a maximum power for each parameter. */
export class Jets {
  readonly #orders: readonly number[];
  readonly #size: number;
  /** The pairs of coefficients to multiply, and the position of their product. */
  readonly #products: readonly (readonly [number, number, number])[];

  /** Arithmetic up to these orders. */
  constructor(orders: readonly number[]) {
    this.#orders = orders;
    let powers: number[][] = [[]];
    for (const order of orders) {
      powers = powers.flatMap((list) =>
        Array.from({ length: order + 1 }, (_, power) => [...list, power])
      );
    }
    this.#size = powers.length;
    const places = new Map(powers.map((list, place) => [list.join(), place]));
    this.#products = powers.length === 1 ? [] : powers.flatMap((x, i) =>
      powers.flatMap((y, j) => {
        const place = places.get(x.map((power, axis) => power + y[axis]).join());
        return place === undefined ? [] : [[i, j, place] as const];
      })
    );
  }

  /** `value` plus the change of parameter `axis`. */
  variable(value: number, axis: number): Jet {
    const jet = this.constant(value);
    if (typeof jet !== "number" && this.#orders[axis] > 0) {
      jet[this.#orders.slice(axis + 1).reduce((product, order) => product * (order + 1), 1)] = 1;
    }
    return jet;
  }

  /** A constant. */
  constant(value: number): Jet {
    if (this.#size === 1) return value;
    const jet = new Float64Array(this.#size);
    jet[0] = value;
    return jet;
  }

  /** `x + scale y` */
  add(x: Jet, y: Jet, scale = 1): Jet {
    if (typeof x === "number" || typeof y === "number") {
      return (x as number) + scale * (y as number);
    }
    return x.map((value, i) => value + scale * y[i]);
  }

  /** `x + shift` */
  offset(x: Jet, shift: number): Jet {
    if (typeof x === "number") return x + shift;
    const sum = x.slice();
    sum[0] += shift;
    return sum;
  }

  /** `scale x` */
  scale(x: Jet, scale: number): Jet {
    return typeof x === "number" ? x * scale : x.map((value) => value * scale);
  }

  /** `x y` */
  mul(x: Jet, y: Jet): Jet {
    if (typeof x === "number" || typeof y === "number") return (x as number) * (y as number);
    const product = new Float64Array(this.#size);
    for (const [i, j, place] of this.#products) product[place] += x[i] * y[j];
    return product;
  }

  /**
   * `f(x)` from the derivatives of `f` at the value of `x`, each divided by the factorial of its
   * order.
   */
  #apply(x: Jet, coefficient: (order: number) => number): Jet {
    const change = this.offset(x, -valueOf(x));
    let sum = this.constant(coefficient(0));
    let power = this.constant(1);
    const top = this.#orders.reduce((sum, order) => sum + order, 0);
    for (let k = 1; k <= top; k++) {
      power = this.mul(power, change);
      sum = this.add(sum, power, coefficient(k));
    }
    return sum;
  }

  /** `x / y` */
  div(x: Jet, y: Jet): Jet {
    if (typeof x === "number" || typeof y === "number") return (x as number) / (y as number);
    return this.mul(x, this.#apply(y, (k) => (k % 2 === 0 ? 1 : -1) / y[0] ** (k + 1)));
  }

  /** `e^x` */
  exp(x: Jet): Jet {
    const value = Math.exp(valueOf(x));
    return this.#apply(x, (k) => value / factorial(k));
  }

  /** `log |Γ(x)|` */
  lgamma(x: Jet): Jet {
    const value = valueOf(x);
    return this.#apply(
      x,
      (k) => k === 0 ? lgamma(value) : polygamma(k - 1, value) / factorial(k),
    );
  }

  /** The mixed derivative of the highest orders. */
  derivative(x: Jet): number {
    const last = typeof x === "number" ? x : x[this.#size - 1];
    return this.#orders.reduce((value, order) => value * factorial(order), last);
  }
}

/** The value of a jet, without changes. */
export function valueOf(x: Jet): number {
  return typeof x === "number" ? x : x[0];
}

/** Whether all coefficients of `x`, times `scale`, are negligible compared with those of `whole`. */
export function isNegligible(x: Jet, whole: Jet, scale = 1): boolean {
  const bound = scale * 1e18;
  if (typeof x === "number" || typeof whole === "number") {
    return Math.abs(x as number) * bound <= Math.abs(whole as number);
  }
  return x.every((part, i) => Math.abs(part) * bound <= Math.abs(whole[i]));
}

function factorial(n: number): number {
  let product = 1;
  for (let k = 2; k <= n; k++) product *= k;
  return product;
}
