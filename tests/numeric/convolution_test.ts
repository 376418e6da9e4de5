import {
  argmaxWindow,
  convolve,
  convolveFilter,
  convolveInput,
  type ConvSize,
} from "../../src/numeric/convolution.ts";
import type { Numbers } from "../../src/numeric/matmul.ts";
import { assert, assertEquals } from "../support/std.ts";

/** Deterministic numbers in [-1, 1); the generator is that of Numerical Recipes. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return state / 2 ** 31;
  };
}

/** Every index of an array of the given extents, in row-major order. */
function indices(extents: readonly number[]): number[][] {
  return extents.reduce<number[][]>(
    (all, extent) =>
      all.flatMap((index) => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]],
  );
}

/** The flat place of an index, or -1 outside the extents. */
function flat(index: readonly number[], extents: readonly number[]): number {
  if (index.some((i, axis) => i < 0 || i >= extents[axis]!)) return -1;
  return index.reduce((place, i, axis) => place * extents[axis]! + i, 0);
}

function product(extents: readonly number[]): number {
  return extents.reduce((all, extent) => all * extent, 1);
}

/** Calls `term` with the places in `y`, `x` and `w` of every term of the sum that is not padding. */
function eachTerm(size: ConvSize, term: (y: number, x: number, w: number) => void): void {
  const { batch, groups, inPerGroup, outPerGroup, input, kernel, output } = size;
  const inputs = product(input), taps = indices(kernel), positions = indices(output);
  const pairs = positions.map((p) =>
    taps.map((q) =>
      flat(
        p.map((at, d) => at * size.stride[d]! - size.padLow[d]! + q[d]! * size.dilation[d]!),
        input,
      )
    )
  );
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < groups * outPerGroup; o++) {
      const group = Math.floor(o / outPerGroup);
      for (let p = 0; p < positions.length; p++) {
        const y = (n * groups * outPerGroup + o) * positions.length + p;
        for (let i = 0; i < inPerGroup; i++) {
          const channel = ((n * groups + group) * inPerGroup + i) * inputs;
          const filter = (o * inPerGroup + i) * taps.length;
          for (let q = 0; q < taps.length; q++) {
            const at = pairs[p]![q]!;
            if (at >= 0) term(y, channel + at, filter + q);
          }
        }
      }
    }
  }
}

function lengthsOf(size: ConvSize): { x: number; w: number; y: number } {
  const { batch, groups, inPerGroup, outPerGroup, input, kernel, output } = size;
  return {
    x: batch * groups * inPerGroup * product(input),
    w: groups * outPerGroup * inPerGroup * product(kernel),
    y: batch * groups * outPerGroup * product(output),
  };
}

const BASE = { batch: 1, groups: 1, inPerGroup: 1, outPerGroup: 1 };

/** Fills in strides, dilations and paddings, and the output's extents for symmetric padding. */
function sizeOf(
  given:
    & Pick<ConvSize, "input" | "kernel">
    & Partial<ConvSize>
    & { readonly padHigh?: readonly number[] },
): ConvSize {
  const each = (value: number) => given.input.map(() => value);
  const { padHigh, ...rest } = given;
  const size = {
    ...BASE,
    output: [],
    stride: each(1),
    dilation: each(1),
    padLow: each(0),
    ...rest,
  };
  const high = padHigh ?? size.padLow;
  const output = given.output ?? size.input.map((extent, d) => {
    const reach = (size.kernel[d]! - 1) * size.dilation[d]! + 1;
    return Math.floor((extent + size.padLow[d]! + high[d]! - reach) / size.stride[d]!) + 1;
  });
  return { ...size, output };
}

const SIZES: Readonly<Record<string, ConvSize>> = {
  "no spatial dimensions": sizeOf({
    batch: 5,
    inPerGroup: 3,
    outPerGroup: 4,
    input: [],
    kernel: [],
  }),
  "no spatial dimensions, in groups": sizeOf({
    batch: 70,
    groups: 3,
    inPerGroup: 2,
    outPerGroup: 5,
    input: [],
    kernel: [],
  }),
  "a line": sizeOf({ batch: 2, inPerGroup: 3, outPerGroup: 2, input: [9], kernel: [3] }),
  "a line, padded and strided": sizeOf({
    batch: 3,
    inPerGroup: 2,
    outPerGroup: 4,
    input: [11],
    kernel: [4],
    stride: [3],
    padLow: [2],
    padHigh: [1],
  }),
  "a stride that does not divide": sizeOf({
    inPerGroup: 2,
    outPerGroup: 3,
    input: [10, 9],
    kernel: [3, 2],
    stride: [4, 3],
  }),
  "a plane of odd extents": sizeOf({
    batch: 2,
    inPerGroup: 3,
    outPerGroup: 5,
    input: [7, 6],
    kernel: [3, 2],
    padLow: [1, 0],
    padHigh: [0, 2],
  }),
  "dilations": sizeOf({
    batch: 2,
    inPerGroup: 2,
    outPerGroup: 3,
    input: [9, 11],
    kernel: [3, 2],
    dilation: [2, 5],
    stride: [1, 2],
    padLow: [2, 1],
  }),
  "padding wider than the kernel": sizeOf({
    inPerGroup: 2,
    outPerGroup: 2,
    input: [2, 3],
    kernel: [2, 2],
    padLow: [4, 5],
    padHigh: [3, 6],
  }),
  "negative padding": sizeOf({
    batch: 2,
    inPerGroup: 2,
    outPerGroup: 3,
    input: [9, 8],
    kernel: [2, 3],
    padLow: [-2, -1],
    padHigh: [-1, -3],
  }),
  "negative and positive padding, strided": sizeOf({
    inPerGroup: 1,
    outPerGroup: 2,
    input: [8, 8],
    kernel: [3, 3],
    stride: [2, 3],
    padLow: [-1, 2],
    padHigh: [3, -2],
  }),
  "a crop of one tap": sizeOf({
    batch: 2,
    inPerGroup: 3,
    outPerGroup: 2,
    input: [6, 6],
    kernel: [1, 1],
    padLow: [-1, -2],
  }),
  "one tap": sizeOf({ batch: 2, inPerGroup: 5, outPerGroup: 4, input: [9, 9], kernel: [1, 1] }),
  "one tap over small images": sizeOf({
    batch: 9,
    groups: 2,
    inPerGroup: 5,
    outPerGroup: 4,
    input: [3, 3],
    kernel: [1, 1],
  }),
  "one tap, strided": sizeOf({
    batch: 2,
    inPerGroup: 3,
    outPerGroup: 4,
    input: [9, 7],
    kernel: [1, 1],
    stride: [2, 2],
  }),
  "groups": sizeOf({
    batch: 3,
    groups: 3,
    inPerGroup: 2,
    outPerGroup: 4,
    input: [5, 5],
    kernel: [3, 3],
    padLow: [1, 1],
  }),
  "one channel in each group": sizeOf({
    batch: 2,
    groups: 7,
    input: [8, 9],
    kernel: [3, 3],
    padLow: [1, 1],
    stride: [2, 1],
  }),
  "two outputs of one channel in each group": sizeOf({
    groups: 4,
    outPerGroup: 2,
    input: [6, 6],
    kernel: [2, 2],
  }),
  "a volume": sizeOf({
    batch: 2,
    inPerGroup: 2,
    outPerGroup: 3,
    input: [4, 5, 6],
    kernel: [2, 3, 2],
    stride: [1, 2, 3],
    dilation: [2, 1, 1],
    padLow: [1, -1, 2],
    padHigh: [0, 2, 1],
  }),
  "four dimensions": sizeOf({
    inPerGroup: 2,
    outPerGroup: 2,
    input: [3, 2, 4, 3],
    kernel: [2, 1, 2, 2],
    padLow: [1, 0, 1, 0],
  }),
  "small images that share blocks": sizeOf({
    batch: 37,
    inPerGroup: 3,
    outPerGroup: 9,
    input: [2, 2],
    kernel: [3, 3],
    padLow: [1, 1],
  }),
  "an image in several blocks": sizeOf({
    batch: 2,
    inPerGroup: 600,
    outPerGroup: 2,
    input: [7, 9],
    kernel: [3, 4],
    padLow: [1, 2],
  }),
  "a single window": sizeOf({ inPerGroup: 3, outPerGroup: 9, input: [3, 3], kernel: [3, 3] }),
  "windows that lie in the padding": sizeOf({
    inPerGroup: 2,
    outPerGroup: 2,
    input: [1],
    kernel: [2],
    stride: [5],
    padLow: [7],
    padHigh: [9],
  }),
  "no images": sizeOf({ batch: 0, inPerGroup: 2, outPerGroup: 3, input: [4], kernel: [2] }),
  "no input channels": sizeOf({ inPerGroup: 0, outPerGroup: 3, input: [4, 4], kernel: [2, 2] }),
  "no output channels": sizeOf({ inPerGroup: 2, outPerGroup: 0, input: [4, 4], kernel: [2, 2] }),
  "no groups": sizeOf({ groups: 0, input: [4], kernel: [2] }),
  "no windows": sizeOf({ inPerGroup: 2, input: [4, 4], kernel: [2, 2], output: [0, 3] }),
  "no taps": sizeOf({ inPerGroup: 2, input: [4, 4], kernel: [0, 2], output: [4, 3] }),
  "an empty input, padded": sizeOf({
    inPerGroup: 2,
    outPerGroup: 2,
    input: [0, 3],
    kernel: [2, 2],
    padLow: [2, 1],
  }),
};

/** The three operators and their definitions, from two operands into the third. */
function operatorsOf(size: ConvSize) {
  const lengths = lengthsOf(size);
  return [
    {
      name: "convolve",
      from: [lengths.x, lengths.w],
      to: lengths.y,
      run: (y: Numbers, x: Numbers, w: Numbers) => convolve(y, x, w, size),
      define: (add: (to: number, first: number, second: number) => void) =>
        eachTerm(size, (y, x, w) => add(y, x, w)),
    },
    {
      name: "convolveInput",
      from: [lengths.y, lengths.w],
      to: lengths.x,
      run: (x: Numbers, y: Numbers, w: Numbers) => convolveInput(x, y, w, size),
      define: (add: (to: number, first: number, second: number) => void) =>
        eachTerm(size, (y, x, w) => add(x, y, w)),
    },
    {
      name: "convolveFilter",
      from: [lengths.x, lengths.y],
      to: lengths.w,
      run: (w: Numbers, x: Numbers, y: Numbers) => convolveFilter(w, x, y, size),
      define: (add: (to: number, first: number, second: number) => void) =>
        eachTerm(size, (y, x, w) => add(w, x, y)),
    },
  ] as const;
}

for (const Type of [Float64Array, Float32Array]) {
  Deno.test(`convolutions of ${Type.name} agree with their definitions`, () => {
    // Sums in double precision, then at most one rounding to the type of the result.
    const rounding = Type === Float32Array ? 2 ** -24 : 0;
    for (const [title, size] of Object.entries(SIZES)) {
      for (const { name, from, to, run, define } of operatorsOf(size)) {
        const random = randomNumbers(from[0] + 3 * from[1]);
        const first = new Type(from[0]).map(random), second = new Type(from[1]).map(random);
        const actual = new Type(to).fill(NaN);
        run(actual, first, second);
        const expected = new Float64Array(to), magnitude = new Float64Array(to);
        define((z, i, j) => {
          expected[z]! += first[i]! * second[j]!;
          magnitude[z]! += Math.abs(first[i]! * second[j]!);
        });
        actual.forEach((value, z) => {
          const error = Math.abs(value - expected[z]!);
          const bound = rounding * Math.abs(expected[z]!) + 1e-14 * magnitude[z]!;
          assert(error <= bound, `${title}: ${name} at ${z}: ${value} for ${expected[z]}`);
        });
      }
    }
  });
}

for (const Type of [Int32Array, Uint32Array]) {
  Deno.test(`convolutions of ${Type.name} wrap modulo 2³²`, () => {
    for (const [title, size] of Object.entries(SIZES)) {
      for (const { name, from, to, run, define } of operatorsOf(size)) {
        const random = randomNumbers(from[0] + 3 * from[1]);
        const first = new Type(from[0]).map(() => random() * 2 ** 32);
        const second = new Type(from[1]).map(() => random() * 2 ** 32);
        const actual = new Type(to).fill(99);
        run(actual, first, second);
        const expected = new Type(to);
        define((z, i, j) => {
          expected[z] = expected[z]! + Math.imul(first[i]!, second[j]!);
        });
        assertEquals(actual, expected, `${title}: ${name}`);
      }
    }
  });
}

for (const Type of [Float64Array, Float32Array, Int32Array]) {
  Deno.test(`convolutions of ${Type.name} are adjoint to one another`, () => {
    for (const [title, size] of Object.entries(SIZES)) {
      const lengths = lengthsOf(size), random = randomNumbers(lengths.x + lengths.y);
      // Small integers, so that every sum is exact.
      const small = () => Math.floor(random() * 8);
      const x = new Type(lengths.x).map(small);
      const w = new Type(lengths.w).map(small);
      const y = new Type(lengths.y).map(small);
      const ofY = new Type(lengths.y), ofX = new Type(lengths.x), ofW = new Type(lengths.w);
      convolve(ofY, x, w, size);
      convolveInput(ofX, y, w, size);
      convolveFilter(ofW, x, y, size);
      assertEquals(inner(ofX, x), inner(ofY, y), title);
      assertEquals(inner(ofW, w), inner(ofY, y), title);
    }
  });
}

function inner(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

Deno.test("convolve without spatial dimensions is the matrix product", () => {
  const y = new Float64Array(4);
  const size = { ...BASE, batch: 2, inPerGroup: 2, outPerGroup: 2 };
  const point = { input: [], kernel: [], output: [], stride: [], dilation: [], padLow: [] };
  convolve(y, Float64Array.of(1, 2, 3, 4), Float64Array.of(5, 6, 7, 8), { ...size, ...point });
  assertEquals([...y], [17, 23, 39, 53]);
});

Deno.test("convolve leaves NaN in the windows that meet it", () => {
  for (const Type of [Float64Array, Float32Array]) {
    const y = new Type(6);
    const x = Type.of(0, 0, NaN, 0, 0, 0);
    convolve(y, x, Type.of(0, 0, 0), sizeOf({ input: [6], kernel: [3], padLow: [1] }));
    assertEquals([...y], [0, NaN, NaN, NaN, 0, 0]);
    convolve(
      y,
      new Type(6),
      Type.of(0, Infinity, 0),
      sizeOf({ input: [6], kernel: [3], padLow: [1] }),
    );
    assertEquals([...y], [NaN, NaN, NaN, NaN, NaN, NaN]);
  }
});

Deno.test("the gradients of a convolution leave NaN where a term has it", () => {
  const size = sizeOf({ input: [5], kernel: [2] });
  const x = new Float64Array(5), w = new Float64Array(2);
  convolveInput(x, Float64Array.of(0, NaN, 0, 0), Float64Array.of(0, 0), size);
  assertEquals([...x], [0, NaN, NaN, 0, 0]);
  convolveFilter(w, Float64Array.of(NaN, 0, 0, 0, 0), Float64Array.of(0, 0, 0, 0), size);
  assertEquals([...w], [NaN, 0]);
});

/** The definition of `argmaxWindow`. */
function naiveArgmax(x: Numbers, outer: number, size: ConvSize): number[] {
  const inputs = product(size.input), taps = indices(size.kernel);
  return Array.from({ length: outer }, (_, o) =>
    indices(size.output).map((p) => {
      let best = -1;
      for (const q of taps) {
        const at = flat(
          p.map((i, d) => i * size.stride[d]! - size.padLow[d]! + q[d]! * size.dilation[d]!),
          size.input,
        );
        if (at < 0) continue;
        const value = x[o * inputs + at]!, top = x[o * inputs + best]!;
        if (best < 0 || value > top || (Number.isNaN(value) && !Number.isNaN(top))) best = at;
      }
      return best;
    })).flat();
}

for (const Type of [Float64Array, Float32Array, Int32Array, Uint32Array]) {
  Deno.test(`argmaxWindow of ${Type.name} agrees with its definition`, () => {
    for (const [title, size] of Object.entries(SIZES)) {
      const outer = size.batch * size.groups;
      const random = randomNumbers(outer);
      // Few values, so that many are equal; some are NaN where the type has it.
      const few = () =>
        [NaN, -Infinity, 2 ** 31 + 5, 3, 2, 1, 0][Math.floor((random() + 1) * 7)] ?? -1;
      const x = new Type(outer * product(size.input)).map(few);
      const out = new Int32Array(outer * product(size.output)).fill(99);
      argmaxWindow(out, x, { ...size, outer });
      assertEquals([...out], naiveArgmax(x, outer, size), title);
    }
  });
}

Deno.test("argmaxWindow takes the first NaN, and the first of equal elements", () => {
  const out = new Int32Array(3);
  const size = { ...sizeOf({ input: [5], kernel: [3] }), outer: 1 };
  argmaxWindow(out, Float64Array.of(1, 1, NaN, 9, NaN), size);
  assertEquals([...out], [2, 2, 2]);
  argmaxWindow(out, Float64Array.of(-Infinity, -Infinity, -Infinity, 2, 2), size);
  assertEquals([...out], [0, 3, 3]);
});

Deno.test("argmaxWindow gives -1 for a window that lies in the padding", () => {
  const out = new Int32Array(4);
  const size = {
    ...sizeOf({ input: [2], kernel: [2], stride: [2], padLow: [3], padHigh: [3] }),
    outer: 1,
  };
  argmaxWindow(out, Float64Array.of(-5, -4), size);
  assertEquals([...out], [-1, 0, 1, -1]);
});
