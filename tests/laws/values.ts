/**
 * Values for the laws: seeded random numbers, domains that avoid kinks and poles, and simple
 * helpers on concrete tensors that use none of the code under test.
 *
 * @module
 */
import { allocate, isFloat, rangeOf } from "../../src/base/dtype.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { insertAt, sizeOf } from "../../src/base/shape.ts";
import type { Shape } from "../../src/base/shape.ts";
import { Concrete, dense } from "../../src/core/tensor.ts";
import type { Tensor } from "../../src/core/tensor.ts";

/** Returns numbers from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

/** A reproducible generator: Tommy Ettinger's mulberry32. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed that depends on a name, so that a row's values do not change when another row is added. */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/** The source of an argument's elements: returns `size` numbers. */
export type Domain = (random: Random, size: number) => number[];

/** Independent elements from `low` to `high`. */
export function between(low: number, high: number): Domain {
  return each((random) => low + (high - low) * random());
}

/** Independent elements. */
export function each(element: (random: Random) => number): Domain {
  return (random, size) => Array.from({ length: size }, () => element(random));
}

/** Integers from `low` to `high`, both included. */
export function integers(low: number, high: number): Domain {
  return each((random) => low + Math.floor(random() * (high - low + 1)));
}

/** Every element is this number. */
export function always(value: number): Domain {
  return each(() => value);
}

/** Any small number. */
export const real: Domain = between(-2, 2);

/** Well above zero. */
export const positive: Domain = between(0.4, 2.5);

/** Well inside -1 to 1. */
export const unit: Domain = between(-0.85, 0.85);

/** Well above one. */
export const aboveOne: Domain = between(1.3, 3);

/** Of either sign, away from zero. */
export const nonZero: Domain = each((random) => (random() < 0.5 ? -1 : 1) * (0.4 + 1.6 * random()));

/** Away from every integer and every half. */
export const betweenHalves: Domain = each((random) =>
  Math.floor(random() * 12 - 6) / 2 + 0.15 + 0.2 * random()
);

/** Of either sign and of any size up to `2^most`, away from powers of two. */
export function ofAnySize(most: number): Domain {
  return each((random) => {
    const power = 2 ** Math.floor((2 * random() - 1) * most);
    return (random() < 0.5 ? -1 : 1) * power * (1.2 + 0.6 * random());
  });
}

/** Near multiples of a half, offset by `shift`: two shifts a quarter apart never tie. */
export function nearGrid(shift: number): Domain {
  return each((random) => Math.floor(random() * 8 - 4) / 2 + shift + 0.05 * random());
}

/** Distinct elements, much further apart than the step of finite differences, in random order. */
export const distinct: Domain = (random, size) => {
  const values = Array.from({ length: size }, (_, i) => (i - size / 2) * 0.45 + 0.2 * random());
  for (let i = size - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j], values[i]];
  }
  return values;
};

/** Matrices of the given numbers of rows and columns whose elements are chosen by row and column. */
export function matrices(
  rows: number,
  columns: number,
  element: (random: Random, row: number, column: number) => number,
): Domain {
  return (random, size) =>
    Array.from({ length: size }, (_, i) => {
      const place = i % (rows * columns);
      return element(random, Math.floor(place / columns), place % columns);
    });
}

/** Matrices with large, well separated elements on the diagonal: singular and eigenvalues are too. */
export function separated(rows: number, columns: number): Domain {
  const largest = 1.2 * Math.min(rows, columns);
  return matrices(rows, columns, (random, row, column) => {
    const noise = 0.3 * (random() - 0.5);
    return row === column ? largest - 1.1 * row + noise : noise;
  });
}

/** Square matrices that are far from singular, as are both of their triangles. */
export function dominant(n: number): Domain {
  return matrices(n, n, (random, row, column) => {
    if (row !== column) return random() - 0.5;
    return (random() < 0.5 ? -1 : 1) * (1.5 + 0.5 * random());
  });
}

/** Square matrices with positive definite lower triangles. */
export function definite(n: number): Domain {
  return matrices(
    n,
    n,
    (random, row, column) => row === column ? 0.4 * n + 1 + 0.5 * random() : 0.8 * (random() - 0.5),
  );
}

/** Square matrices in which the pivot of every elimination step is the largest by far. */
export function pivoted(n: number): Domain {
  return matrices(n, n, (random, row, column) => {
    const noise = 0.3 * (random() - 0.5);
    // The pivots are next to the diagonal, so that rows and columns are exchanged.
    return column === (row + 1) % n ? 1 + 1.5 * row + noise : noise;
  });
}

/** Any value of a dtype, with many special ones. */
export function wild(dtype: Dtype): Domain {
  const values = isFloat(dtype)
    ? [
      ...[NaN, Infinity, -Infinity, 0, -0, 1, -1, 2.5, -3, 0.1, 1e30, -1e30, 1e-40, -(2 ** -149)],
      ...[1e300, -1.7e308, 3.4e38, 5e-324, -1e-310, 2 ** -126],
    ]
    : dtype === "bool"
    ? [0, 1]
    : rangeOf(dtype)[0] === 0
    ? [0, 1, 2, 7, (rangeOf(dtype)[1] - 1) / 2, (rangeOf(dtype)[1] + 1) / 2, rangeOf(dtype)[1]]
    : [0, 1, -1, 2, -3, ...rangeOf(dtype)];
  return each((random) => values[Math.floor(random() * values.length)]);
}

/** `values` as a concrete tensor; fractional numbers are spread out for integer dtypes. */
export function fromValues(values: readonly number[], dtype: Dtype, shape: Shape): Concrete {
  const elements = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < elements.length; i++) elements[i] = castValue(values[i], dtype);
  return new Concrete(dtype, shape, elements);
}

function castValue(value: number, dtype: Dtype): number {
  if (isFloat(dtype)) return value;
  if (dtype === "bool") return value > 0 ? 1 : 0;
  const whole = Number.isInteger(value) ? value : Math.round(3 * value);
  return rangeOf(dtype)[0] === 0 ? Math.abs(whole) : whole;
}

/** Copies of equal-typed tensors joined along a new axis. */
export function stack(parts: readonly Tensor[], axis: number): Concrete {
  const [first] = parts;
  const shape = insertAt(first.shape, axis, parts.length);
  const inner = sizeOf(first.shape.slice(axis));
  const outer = sizeOf(first.shape.slice(0, axis));
  const elements = allocate(first.dtype, sizeOf(shape));
  parts.forEach((part, b) => {
    const source = dense(part.concrete("stack it"));
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        elements[(o * parts.length + b) * inner + i] = source[o * inner + i];
      }
    }
  });
  return new Concrete(first.dtype, shape, elements);
}

/** The elements of a tensor as numbers. */
export function numbersOf(x: Tensor): number[] {
  return Array.from(dense(x.concrete("read it")));
}

/** The inner product of two lists of tensors, with the sum of the terms' sizes. */
export function innerProduct(
  xs: readonly Tensor[],
  ys: readonly Tensor[],
): { product: number; scale: number } {
  let product = 0;
  let scale = 0;
  xs.forEach((x, k) => {
    const a = numbersOf(x);
    const b = numbersOf(ys[k]);
    a.forEach((value, i) => {
      product += value * b[i];
      scale += Math.abs(value * b[i]);
    });
  });
  return { product, scale };
}

/** `x + factor * y`, elementwise. */
export function shifted(x: Tensor, factor: number, y: Tensor): Concrete {
  const b = numbersOf(y);
  return fromValues(numbersOf(x).map((value, i) => value + factor * b[i]), x.dtype, x.shape);
}
