import fc from "fast-check";
import { allocate, type Dtype, type Elements } from "../../../../src/base/dtype.ts";
import { sizeOf } from "../../../../src/base/shape.ts";
import { Concrete, dense } from "../../../../src/core/tensor.ts";
import {
  type ConvolutionParams,
  emitConvolve,
  emitConvolveFilter,
  emitConvolveInput,
} from "../../../../src/backends/wasm/kernels/convolution/mod.ts";
import type { Buffer, Builder, Kernel } from "../../../../src/backends/wasm/kernels/kernel.ts";
import {
  convolveFilterPrimitive,
  convolveInputPrimitive,
  convolvePrimitive,
} from "../../../../src/primitives/window.ts";
import { assert } from "../../../support/std.ts";
import { heldAs, loadKernel, runKernel } from "./support.ts";

/** The extents that are chosen freely. */
interface Extents {
  readonly batch: number;
  readonly groups: number;
  readonly inPerGroup: number;
  readonly outPerGroup: number;
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly output: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padLow: readonly number[];
}

type Emit = (
  builder: Builder,
  inputs: readonly Buffer[],
  params: ConvolutionParams,
  output: Buffer,
) => Kernel;

const directions = [
  { name: "y", emit: emitConvolve, primitive: convolvePrimitive, roles: ["x", "w", "y"] },
  { name: "x", emit: emitConvolveInput, primitive: convolveInputPrimitive, roles: ["y", "w", "x"] },
  {
    name: "w",
    emit: emitConvolveFilter,
    primitive: convolveFilterPrimitive,
    roles: ["x", "y", "w"],
  },
] as const satisfies readonly { emit: Emit; [other: string]: unknown }[];

function shapes(size: Extents): Record<"x" | "w" | "y", number[]> {
  const { batch, groups, inPerGroup, outPerGroup, input, kernel, output } = size;
  return {
    x: [batch, groups * inPerGroup, ...input],
    w: [groups * outPerGroup, inPerGroup, ...kernel],
    y: [batch, groups * outPerGroup, ...output],
  };
}

function fill(dtype: Dtype, length: number, seed: number): Elements {
  const elements = allocate(dtype, length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    elements[i] = dtype.startsWith("float") ? state / 2 ** 31 - 1 : state >>> 3;
  }
  return elements;
}

/**
 * Fails unless all three directions give what the primitives do, to the rounding of their sums; of
 * the largest sum, for those that are not computed one by one. Gives the names of all stages.
 */
function check(
  size: Extents,
  dtype: Dtype,
  together = false,
  wide = false,
  held: readonly [Dtype, Dtype] = [dtype, dtype],
): string[] {
  const stages = new Set<string>();
  const shape = shapes(size);
  const terms = {
    y: size.inPerGroup * sizeOf(size.kernel),
    x: size.outPerGroup * sizeOf(size.kernel),
    w: size.batch * sizeOf(size.output),
  };
  for (const { name, emit, primitive, roles } of directions) {
    const types = roles.map((role) => ({ dtype, shape: shape[role] }));
    const operands = types.slice(0, 2).map(({ shape }, i) => ({
      type: { dtype: held[i], shape },
      ...heldAs(held[i], fill(dtype, sizeOf(shape), i + 1)),
    }));
    const inputs = operands.map(({ numbers }) => numbers);
    const [actual] = runKernel(
      (builder) => {
        const kernel = emit(builder, operands.map(({ type }) => type), size, types[2]);
        for (const { name } of kernel.stages) stages.add(name);
        return kernel;
      },
      operands.map(({ stored }) => stored),
      [{ dtype, length: sizeOf(types[2].shape) }],
      { rows: 6, vectors: wide ? 4 : 2, depth: 64 },
    );
    const evaluate = (of: readonly Elements[]) => {
      const args = of.map((elements, i) => new Concrete(dtype, types[i].shape, elements));
      const [result] = primitive.evaluate(args, size, [types[2]]);
      return dense(result as Concrete);
    };
    const expected = evaluate(inputs);
    const isFloat = dtype.startsWith("float");
    // The error of a sum is at most its length times the unit of rounding times the sum of sizes.
    const sizes = isFloat ? evaluate(inputs.map((elements) => elements.map(Math.abs))) : expected;
    const unit = isFloat ? 2 ** (dtype === "float32" ? -24 : -53) : 0;
    const largest = together ? Array.from(sizes).reduce((x, y) => Math.max(x, y), 0) : undefined;
    const wrong = expected.findIndex((value, i) => {
      const bound = (terms[name] + 1) * unit * (largest ?? Math.abs(sizes[i]));
      return !(Math.abs(actual[i] - value) <= bound);
    });
    assert(
      wrong < 0,
      `${name} is ${actual[wrong]} instead of ${expected[wrong]} at ${wrong} of ${
        JSON.stringify(size)
      }`,
    );
  }
  return [...stages];
}

/** Square images and kernels, with the padding that both sides share. */
function square(
  batch: number,
  [inPerGroup, outPerGroup]: readonly [number, number],
  width: number,
  [kernel, stride, pad]: readonly [number, number, number],
  groups = 1,
): Extents {
  const output = Math.floor((width + 2 * pad - kernel) / stride) + 1;
  const twice = (length: number) => [length, length];
  return {
    batch,
    groups,
    inPerGroup,
    outPerGroup,
    input: twice(width),
    kernel: twice(kernel),
    output: twice(output),
    stride: twice(stride),
    dilation: [1, 1],
    padLow: twice(pad),
  };
}

/** The layers of a residual network, with fewer channels. */
const layers: readonly (readonly [string, readonly [number, number], number, [
  number,
  number,
  number,
]])[] = [
  ["7x7 by 2", [3, 16], 30, [7, 2, 3]],
  ["3x3 over 16x16", [14, 16], 16, [3, 1, 1]],
  ["3x3 by 2", [12, 24], 16, [3, 2, 1]],
  ["1x1 by 2", [12, 20], 16, [1, 2, 0]],
  ["3x3 over 8x8", [24, 20], 8, [3, 1, 1]],
  ["3x3 over 4x4", [40, 32], 4, [3, 1, 1]],
  ["3x3 by 2 over 4x4", [40, 32], 4, [3, 2, 1]],
  ["3x3 over 2x2", [70, 50], 2, [3, 1, 1]],
  ["1x1 by 2 over 4x4", [33, 18], 4, [1, 2, 0]],
  ["1x1", [30, 20], 7, [1, 1, 0]],
  ["3x3 over 14x14", [8, 13], 14, [3, 1, 1]],
  ["3x3 over 7x7", [16, 13], 7, [3, 1, 1]],
];

for (const [name, channels, width, window] of layers) {
  Deno.test(`a residual network's ${name} convolves one image`, () => {
    check(square(1, channels, width, window), "float32");
    check(square(1, channels, width, window), "float64");
  });

  Deno.test(`a residual network's ${name} convolves several images`, () => {
    check(square(3, channels, width, window), "float32");
    if (width < 5) check(square(16, channels, width, window), "float32");
  });
}

Deno.test("3x3 convolutions with many channels, of which the tiles may not fill the images", () => {
  const stages = new Set<string>();
  for (
    const [batch, channels, width, pad] of [
      [2, [32, 32], 16, 1],
      [1, [64, 32], 13, 1],
      [1, [32, 64], 14, 0],
      [5, [36, 48], 7, 2],
      [33, [32, 32], 4, 1],
    ] as const
  ) {
    const names = check(square(batch, channels, width, [3, 1, pad]), "float32", true);
    for (const name of names) stages.add(name);
  }
  // The transforms of filters and tiles have stages of their own.
  assert(stages.has("filters") && stages.has("tiles"), [...stages].join());
  const uneven = { input: [18, 11], output: [17, 14], padLow: [0, 3] };
  check({ ...square(3, [32, 32], 16, [3, 1, 1]), ...uneven }, "float32", true);
});

/** Pairs of types as which operands are held, and what is computed with. */
const heldPairs = [
  ["bfloat16", "bfloat16", "float32"],
  ["float16", "float32", "float32"],
  ["float32", "float16", "float32"],
  ["int8", "uint8", "int32"],
] as const satisfies readonly (readonly Dtype[])[];

for (const [first, second, dtype] of heldPairs) {
  Deno.test(`convolutions of ${first} and ${second} in memory, in all ways`, () => {
    const held = [first, second] as const;
    for (const [name, channels, width, window] of layers) {
      check(square(1, channels, width, window), dtype, false, width % 2 === 0, held);
      if (width < 5 || name === "1x1") {
        check(square(16, channels, width, window), dtype, false, true, held);
      }
    }
    check(square(2, [32, 32], 16, [3, 1, 1]), dtype, true, false, held);
    check(square(1, [64, 32], 13, [3, 1, 1]), dtype, true, true, held);
    check(square(2, [1, 1], 9, [3, 1, 1], 6), dtype, false, false, held);
    check(square(1, [1, 2], 8, [5, 2, 2], 4), dtype, false, false, held);
    check(square(2, [4, 6], 8, [3, 1, 1], 3), dtype, false, false, held);
    check(square(2, [6, 40], 64, [3, 2, 1]), dtype, false, false, held);
    // More positions of the kernel than code is written for.
    check(square(1, [2, 3], 24, [23, 1, 0]), dtype, false, false, held);
    fc.assert(
      fc.property(extents, (size) => void check(size, dtype, false, false, held)),
      { numRuns: 10, seed: 7 },
    );
  });
}

for (const dtype of ["int32", "uint32"] as const) {
  Deno.test(`convolutions of ${dtype} wrap around`, () => {
    check(square(2, [3, 4], 6, [3, 1, 1]), dtype);
    check(square(2, [3, 4], 5, [3, 2, 0], 2), dtype);
  });
}

Deno.test("depthwise convolutions treat each channel by itself", () => {
  check(square(2, [1, 1], 9, [3, 1, 1], 6), "float32");
  check(square(1, [1, 1], 16, [3, 1, 1], 5), "float64");
  check(square(2, [1, 1], 9, [3, 2, 1], 6), "float32");
  check(square(1, [1, 2], 8, [5, 1, 2], 4), "float32");
});

Deno.test("channels are convolved by groups", () => {
  check(square(2, [4, 6], 8, [3, 1, 1], 3), "float32");
  check(square(1, [5, 7], 7, [3, 2, 1], 2), "float32");
  check(square(1, [16, 16], 2, [3, 1, 1], 2), "float32");
});

Deno.test("windows may lie wholly outside, and the input wholly between them", () => {
  const base = square(1, [2, 3], 5, [3, 1, 1]);
  check({ ...base, padLow: [7, 0], output: [9, 4] }, "float32");
  check({ ...base, padLow: [-9, -1], output: [2, 2] }, "float32");
  check({ ...base, stride: [4, 3], output: [4, 3], padLow: [-1, 5] }, "float32");
});

Deno.test("chunks write the rows that they say, and nothing else", () => {
  let told = 0;
  for (
    const size of [
      square(2, [16, 24], 16, [3, 1, 1]),
      square(3, [32, 32], 8, [3, 1, 1]),
      square(1, [64, 64], 15, [3, 1, 1]),
      square(4, [16, 30], 9, [3, 2, 1], 2),
      square(16, [24, 32], 4, [3, 1, 1]),
      square(1, [70, 50], 2, [3, 1, 1]),
      square(1, [1, 1], 40, [3, 1, 1], 20),
      square(1, [48, 64], 14, [1, 1, 0]),
    ]
  ) {
    const shape = shapes(size);
    for (const { emit, roles } of directions) {
      const types = roles.map((role) => ({ dtype: "float32" as const, shape: shape[role] }));
      const inputs = types.slice(0, 2).map(({ shape }) => fill("float32", sizeOf(shape), 1));
      const length = sizeOf(types[2].shape);
      const make = (builder: Builder) => emit(builder, types.slice(0, 2), size, types[2]);
      const load = () => loadKernel(make, inputs, [{ dtype: "float32", length }]);
      const { stages } = load().kernel;
      const { rows, chunks } = stages[stages.length - 1];
      if (rows === undefined) continue;
      told++;
      const chunk = chunks >> 1;
      const loaded = load();
      let stage = 0;
      loaded.run((count) =>
        ++stage === stages.length ? [chunk] : Array.from({ length: count }, (_, i) => i)
      );
      const [result] = loaded.results();
      const perRow = length / rows.count;
      const from = chunk * rows.perChunk * perRow;
      const end = Math.min(rows.count, (chunk + 1) * rows.perChunk) * perRow;
      // What has not been written is still the bytes that are not a number.
      result.forEach((value, i) => {
        assert(Number.isNaN(value) === (i < from || i >= end), `${i} of ${from} to ${end}`);
      });
    }
  }
  assert(told > 12, `${told} kernels have told their rows`);
});

Deno.test("tiles may be made for wider vectors", () => {
  for (const [, channels, width, window] of layers) {
    check(square(1, channels, width, window), "float32", false, true);
    check(square(3, channels, width, window), "float64", false, true);
  }
  check(square(16, [24, 16], 4, [3, 1, 1]), "float32", false, true);
  check(square(2, [64, 32], 15, [3, 1, 1]), "float32", true, true);
  check(square(9, [32, 32], 9, [3, 2, 1]), "float32", false, true);
});

Deno.test("windows that are too many to be copied beforehand", () => {
  check(square(2, [6, 40], 64, [3, 2, 1]), "float32");
  check(square(1, [3, 13], 100, [7, 2, 3]), "float32");
  check(square(2, [6, 40], 64, [3, 2, 1]), "float32", false, true);
});

Deno.test("convolutions of nothing are zero or empty", () => {
  const base = square(2, [2, 3], 5, [3, 1, 1]);
  check({ ...base, batch: 0 }, "float32");
  check({ ...base, inPerGroup: 0 }, "float32");
  check({ ...base, outPerGroup: 0 }, "float32");
  check({ ...base, output: [0, 5] }, "float32");
  check({ ...base, input: [5, 0] }, "float32");
  check({ ...base, kernel: [0, 3] }, "float32");
});

Deno.test("convolutions without spatial axes are matrix products", () => {
  const none = { input: [], kernel: [], output: [], stride: [], dilation: [], padLow: [] };
  check({ batch: 5, groups: 1, inPerGroup: 7, outPerGroup: 9, ...none }, "float32");
  check({ batch: 2, groups: 3, inPerGroup: 70, outPerGroup: 2, ...none }, "float64");
});

Deno.test("sums that are longer than a block of depth and wider than a block of columns", () => {
  check(square(1, [23, 15], 40, [3, 1, 1]), "float32");
  check(square(2, [3, 5], 21, [11, 1, 5]), "float32");
});

const axis = fc.record({
  input: fc.integer({ min: 1, max: 11 }),
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 3 }),
  padLow: fc.integer({ min: -2, max: 4 }),
  output: fc.integer({ min: 1, max: 11 }),
});

const extents = fc.record({
  batch: fc.integer({ min: 1, max: 5 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inPerGroup: fc.integer({ min: 1, max: 9 }),
  outPerGroup: fc.integer({ min: 1, max: 9 }),
  axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
}).map(({ axes, ...rest }): Extents => ({
  ...rest,
  input: axes.map(({ input }) => input),
  kernel: axes.map(({ kernel }) => kernel),
  output: axes.map(({ output }) => output),
  stride: axes.map(({ stride }) => stride),
  dilation: axes.map(({ dilation }) => dilation),
  padLow: axes.map(({ padLow }) => padLow),
})).filter(({ input, output, kernel }) =>
  sizeOf(input) * sizeOf(output) * sizeOf(kernel) < 1_000_000
);

for (const dtype of ["float32", "float64", "int32"] as const) {
  Deno.test(`any convolution of ${dtype} is what the primitive says`, () => {
    const property = fc.property(extents, (size) => void check(size, dtype));
    fc.assert(property, { numRuns: 40, seed: 7 });
  });
}
