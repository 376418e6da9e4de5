import fc from "fast-check";
import { allocate, type Dtype, type Elements } from "../../../../src/base/dtype.ts";
import { range, sizeOf } from "../../../../src/base/shape.ts";
import { Concrete, dense as elementsOf } from "../../../../src/core/tensor.ts";
import {
  type BatchProduct,
  type Contraction,
  emitContract,
  emitProduct,
  type Strides,
} from "../../../../src/backends/wasm/kernels/product/mod.ts";
import { contractPrimitive } from "../../../../src/primitives/contraction.ts";
import type { Tile } from "../../../../src/backends/wasm/kernels/kernel.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { heldAs, loadKernel, runKernel } from "./support.ts";

type Arithmetic = BatchProduct["dtype"];
const dtypes: readonly Arithmetic[] = ["float32", "float64", "int32", "uint32"];

/** Numbers that depend on the place alone; small whole ones now and then wrap the integers. */
function fill(dtype: Dtype, length: number, seed: number): Elements {
  const elements = allocate(dtype, length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    elements[i] = dtype === "int32" || dtype === "uint32" ? state : state / 2 ** 31 - 1;
  }
  return elements;
}

/** The elements that a stack of matrices needs. */
function extent(batch: number, rows: number, columns: number, strides: Strides): number {
  if (batch * rows * columns === 0) return 0;
  return (batch - 1) * strides.batch + (rows - 1) * strides.row + (columns - 1) * strides.column +
    1;
}

const tiles: readonly Tile[] = [
  { rows: 6, vectors: 2, depth: 32 },
  { rows: 6, vectors: 4, depth: 32 },
  { rows: 4, vectors: 3, depth: 5 },
];

/** Fails unless the kernel gives what three loops give, with each of some tiles. */
function checkProduct(product: BatchProduct, some: readonly Tile[] = tiles): void {
  for (const tile of some) checkWithTile(product, tile);
}

function checkWithTile(product: BatchProduct, tile: Tile): void {
  const { dtype, batch, m, n, k, a, b, c } = product;
  const [left, right] = [
    heldAs(a.held ?? dtype, fill(dtype, extent(batch, m, k, a), 1)),
    heldAs(b.held ?? dtype, fill(dtype, extent(batch, k, n, b), 2)),
  ];
  const [x, y] = [left.numbers, right.numbers];
  const length = extent(batch, m, n, c);
  const initial = fill(dtype, length, 3);
  const [result] = runKernel(
    (builder) => emitProduct(builder, product),
    [left.stored, right.stored],
    [{ dtype, length, initial }],
    tile,
  );
  const epsilon = dtype === "float32" ? 2 ** -24 : 2 ** -53;
  const untouched = new Set(initial.keys());
  for (let t = 0; t < batch; t++) {
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        const place = t * c.batch + row * c.row + column * c.column;
        untouched.delete(place);
        let [sum, size] = [0, 0];
        for (let p = 0; p < k; p++) {
          const left = x[t * a.batch + row * a.row + p * a.column];
          const right = y[t * b.batch + p * b.row + column * b.column];
          if (dtype === "int32" || dtype === "uint32") sum = sum + Math.imul(left, right) | 0;
          else {
            sum += left * right;
            size += Math.abs(left * right);
          }
        }
        const error = dtype === "int32" || dtype === "uint32"
          ? Math.abs((result[place] | 0) - sum)
          : Math.abs(result[place] - sum);
        assert(
          error <= (k + 2) * epsilon * size,
          `${result[place]} instead of ${sum} at ${t}, ${row}, ${column} of ${show(product)}`,
        );
      }
    }
  }
  for (const place of untouched) {
    assert(result[place] === initial[place], `wrote between the elements of ${show(product)}`);
  }
}

function show(product: BatchProduct): string {
  return JSON.stringify(product);
}

type Order = "rows" | "columns";

/** Strides of matrices stored row after row or column after column, with gaps. */
function strides(rows: number, columns: number, order: Order, gaps: number[] = [0, 0]): Strides {
  const [inner, outer] = order === "rows" ? [columns, rows] : [rows, columns];
  const major = Math.max(1, inner) + gaps[0];
  const batch = Math.max(1, outer) * major + gaps[1];
  return order === "rows" ? { batch, row: major, column: 1 } : { batch, row: 1, column: major };
}

function dense(
  dtype: Arithmetic,
  batch: number,
  [m, n, k]: readonly [number, number, number],
  orderA: Order = "rows",
  orderB: Order = "rows",
): BatchProduct {
  return {
    dtype,
    batch,
    m,
    n,
    k,
    a: strides(m, k, orderA),
    b: strides(k, n, orderB),
    c: strides(m, n, "rows"),
  };
}

for (const [i, dtype] of dtypes.entries()) {
  Deno.test(`products of ${dtype} equal three loops for every transposition`, () => {
    const some = dtype === "float32" ? tiles : [tiles[i % 2]];
    for (const a of ["rows", "columns"] as const) {
      for (const b of ["rows", "columns"] as const) {
        checkProduct(dense(dtype, 1, [13, 21, 37], a, b), some);
        checkProduct(dense(dtype, 3, [7, 9, 5], a, b), some);
        checkProduct(dense(dtype, 1, [35, 70, 300], a, b), some);
      }
    }
  });

  Deno.test(`products of ${dtype} of random shapes and strides equal three loops`, () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 70 }));
    const order = fc.constantFrom<Order>("rows", "columns");
    const gaps = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 2 });
    const matrix = fc.tuple(order, gaps);
    fc.assert(
      fc.property(
        fc.tuple(length, length, length),
        fc.integer({ min: 0, max: 4 }),
        fc.tuple(matrix, matrix, matrix),
        fc.boolean(),
        ([m, n, k], batch, orders, shared) => {
          const [a, b, c] = [[m, k], [k, n], [m, n]].map(([rows, columns], i) =>
            strides(rows, columns, ...orders[i])
          );
          const right = shared ? { ...b, batch: 0 } : b;
          checkProduct({ dtype, batch, m, n, k, a, b: right, c }, [tiles[batch % tiles.length]]);
        },
      ),
      { seed: 1, numRuns: 50 },
    );
  });
}

/** Pairs of types as which operands are held, and what is computed with. */
const heldPairs: readonly (readonly [a: Arithmetic, b: Arithmetic, dtype: Arithmetic])[] = [
  ["bfloat16", "bfloat16", "float32"],
  ["float16", "float16", "float32"],
  ["float32", "bfloat16", "float32"],
  ["float16", "float32", "float32"],
  ["int8", "uint8", "int32"],
  ["uint16", "int16", "int32"],
];

for (const [heldA, heldB, dtype] of heldPairs) {
  Deno.test(`products of ${heldA} and ${heldB} in memory equal three loops, in all ways`, () => {
    const check = (
      batch: number,
      shape: readonly [number, number, number],
      tile: Tile,
      a: Order = "rows",
      b: Order = "rows",
    ): void => {
      const product = dense(dtype, batch, shape, a, b);
      const held = { a: { ...product.a, held: heldA }, b: { ...product.b, held: heldB } };
      checkProduct({ ...product, ...held }, [tile]);
    };
    for (const a of ["rows", "columns"] as const) {
      for (const b of ["rows", "columns"] as const) {
        check(1, [13, 21, 37], tiles[0], a, b);
        check(3, [7, 9, 5], tiles[2], a, b);
        check(1, [70, 135, 300], tiles[1], a, b);
        check(2, [3, 40, 131], tiles[1], a, b);
        check(1, [77, 2, 130], tiles[0], a, b);
        check(1, [31, 32, 2029], tiles[0], a, b);
      }
    }
    check(1, [61, 600, 70], tiles[1]);
    const strided = dense(dtype, 2, [5, 21, 33]);
    checkProduct({
      ...strided,
      a: { ...strides(5, 33, "rows"), row: 70, column: 2, batch: 360, held: heldA },
      b: { ...strides(33, 21, "rows"), row: 43, column: 2, batch: 1500, held: heldB },
    });
  });
}

Deno.test("products of sizes around the tile's equal three loops", () => {
  for (const m of [1, 5, 6, 7, 12, 13]) {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17]) {
      for (const k of [1, 3, 32, 65]) {
        checkProduct(dense("float32", 1, [m, n, k]), [tiles[n % tiles.length]]);
      }
    }
  }
});

Deno.test("products of few rows or columns equal three loops for every transposition", () => {
  for (const dtype of ["float32", "float64", "int32"] as const) {
    const [tile] = dtype === "float32" ? [tiles[1]] : [tiles[0]];
    for (const [m, n, k] of [[1, 77, 130], [3, 40, 131], [4, 1, 140], [11, 39, 133], [2, 2, 300]]) {
      for (const a of ["rows", "columns"] as const) {
        for (const b of ["rows", "columns"] as const) {
          checkProduct(dense(dtype, 1, [m, n, k], a, b), [tile]);
          checkProduct(dense(dtype, 2, [n, m, k], a, b), [tile]);
        }
      }
    }
  }
});

Deno.test("large products in several chunks equal three loops", () => {
  checkProduct(dense("float32", 1, [150, 170, 190]), [tiles[0]]);
  checkProduct(dense("float32", 1, [61, 1100, 70], "rows", "columns"), [tiles[1]]);
  checkProduct(dense("float32", 1, [10, 1100, 270], "columns", "rows"), [tiles[0]]);
  checkProduct(dense("float32", 1, [40, 520, 300], "rows", "columns"), [tiles[1]]);
  checkProduct(dense("float64", 1, [100, 600, 170]), [tiles[0]]);
  checkProduct(dense("float32", 9, [64, 64, 64]), [tiles[1]]);
  checkProduct(dense("float32", 3, [70, 300, 200]), [tiles[0]]);
});

Deno.test("products of long sums equal three loops, in several groups of their parts", () => {
  checkProduct(dense("float32", 1, [40, 520, 1100], "rows", "columns"), [tiles[0]]);
  const strided = dense("float32", 8, [3, 300, 1100]);
  checkProduct({ ...strided, b: { batch: 661_000, row: 601, column: 2 } }, [tiles[0]]);
});

Deno.test("long sums of few results are cut into pieces and equal three loops", () => {
  const pieces = (m: number, n: number, k: number): void => {
    checkProduct(dense("float32", 1, [m, n, k]), [tiles[0]]);
    checkProduct(dense("float64", 1, [m, n, k], "rows", "columns"), [tiles[0]]);
    checkProduct(dense("int32", 1, [m, n, k], "columns"), [tiles[1]]);
    checkProduct(dense("float32", 1, [m, n, k], "columns", "columns"), [tiles[1]]);
  };
  pieces(30, 30, 2300);
  pieces(3, 70, 9728);
  // A length that has no divisors.
  pieces(31, 32, 2029);
});

Deno.test("the shorter last part of a long sum is added to the one before", () => {
  checkProduct(dense("float32", 1, [33, 300, 500], "rows", "columns"));
});

Deno.test("large products are divided into chunks, small ones are not", () => {
  const chunks = (m: number, n: number, k: number, order: Order): number => {
    const product = dense("float32", 1, [m, n, k], "rows", order);
    const loaded = loadKernel((builder) => emitProduct(builder, product), [], [
      { dtype: "float32", length: 0 },
      { dtype: "float32", length: 0 },
      { dtype: "float32", length: 0 },
    ]);
    return Math.max(...loaded.kernel.stages.map((stage) => stage.chunks));
  };
  for (const order of ["rows", "columns"] as const) {
    assertEquals(chunks(64, 64, 64, order), 1);
    assertEquals(chunks(10, 20, 30, order), 1);
    assertEquals(chunks(1, 100, 100, order), 1);
    for (const [m, n, k] of [[512, 512, 512], [1, 4096, 1024], [4, 2048, 2048], [16, 4096, 512]]) {
      assert(chunks(m, n, k, order) >= 4, `${m}x${n}x${k} is not divided`);
    }
  }
});

Deno.test("chunks write the rows that they say and no others", () => {
  const shapes = [
    dense("float32", 1, [100, 110, 330]),
    dense("float32", 1, [1, 3000, 200]),
    dense("float32", 1, [1, 3000, 200], "rows", "columns"),
    dense("float32", 1, [900, 4, 300]),
    dense("float32", 1, [2000, 40, 50]),
    dense("float32", 30, [40, 33, 34]),
    dense("float32", 30, [40, 33, 34], "rows", "columns"),
  ];
  for (const product of shapes) {
    const { dtype, batch, m, n, k } = product;
    const length = batch * m * n;
    const [x, y] = [fill(dtype, batch * m * k, 1), fill(dtype, batch * k * n, 2)];
    const outputs = [{ dtype, length }];
    const make = () => loadKernel((builder) => emitProduct(builder, product), [x, y], outputs);
    const { stages } = make().kernel;
    const stage = stages.findIndex(({ rows }) => rows !== undefined);
    const { rows, chunks } = stages[stage];
    assert(rows !== undefined && chunks > 1, `no rows for ${show(product)}`);
    const perRow = length / rows.count;
    for (const chunk of [0, chunks >> 1, chunks - 1]) {
      const loaded = make();
      let number = 0;
      loaded.run((count) =>
        number++ === stage ? [chunk] : Array.from({ length: count }, (_, i) => i)
      );
      const [begin, end] = [chunk, chunk + 1].map((i) =>
        Math.min(i * rows.perChunk, rows.count) * perRow
      );
      const [result] = loaded.results();
      result.forEach((value, i) => {
        assertEquals(Number.isNaN(value), i < begin || i >= end, `at ${i} of ${show(product)}`);
      });
    }
  }
});

/** Lengths of axes of two operands, and where they stand in each. */
interface Contracted {
  readonly shapes: readonly [number[], number[]];
  readonly params: Contraction;
}

/**
 * Axes of each kind by their lengths; `orders` are numbers whose sizes say which axis comes first.
 */
function arrangeAxes(
  batch: readonly number[],
  free: readonly (readonly number[])[],
  contracted: readonly number[],
  orders: readonly (readonly number[])[],
): Contracted {
  const operands = free.map((own, i) => {
    const lengths = [...batch, ...contracted, ...own];
    const order = range(lengths.length).sort((x, y) => orders[i][x] - orders[i][y]);
    return { shape: order.map((axis) => lengths[axis]), at: (axis: number) => order.indexOf(axis) };
  });
  const places = (begin: number, count: number) =>
    operands.map(({ at }) => range(begin, begin + count).map(at)) as [number[], number[]];
  return {
    shapes: [operands[0].shape, operands[1].shape],
    params: {
      batch: places(0, batch.length),
      contract: places(batch.length, contracted.length),
    },
  };
}

/** Fails unless the kernel gives what the primitive gives. */
function checkContraction(
  dtype: Arithmetic,
  { shapes, params }: Contracted,
  held: readonly [Arithmetic, Arithmetic] = [dtype, dtype],
): void {
  const filled = shapes.map((shape, i) => heldAs(held[i], fill(dtype, sizeOf(shape), i + 1)));
  const inputs = filled.map(({ numbers }) => numbers);
  const buffers = shapes.map((shape, i) => ({ dtype: held[i], shape }));
  const [type] = contractPrimitive.type(shapes.map((shape) => ({ dtype, shape })), params);
  const output = { dtype, shape: type.shape };
  const [result] = runKernel(
    (builder) => emitContract(builder, buffers, params, output),
    filled.map(({ stored }) => stored),
    [{ dtype, length: sizeOf(type.shape) }],
  );
  const evaluate = (arrays: readonly Elements[]): Elements => {
    const concrete = arrays.map((elements, i) => new Concrete(dtype, shapes[i], elements));
    return elementsOf(contractPrimitive.evaluate(concrete, params, [type])[0]);
  };
  const expected = evaluate(inputs);
  const whole = dtype === "int32" || dtype === "uint32";
  const sizes = whole ? expected : evaluate(inputs.map((elements) => elements.map(Math.abs)));
  const terms = sizeOf(params.contract[0].map((axis) => shapes[0][axis]));
  const epsilon = whole ? 0 : dtype === "float32" ? 2 ** -24 : 2 ** -53;
  for (let i = 0; i < expected.length; i++) {
    assert(
      Math.abs(result[i] - expected[i]) <= (terms + 2) * epsilon * sizes[i],
      `${result[i]} instead of ${expected[i]} at ${i} of ${JSON.stringify({ shapes, params })}`,
    );
  }
}

for (const dtype of dtypes) {
  Deno.test(`contractions of ${dtype} of any axes equal the primitive's`, () => {
    const axes = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 2 });
    const order = fc.array(fc.nat(), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(axes, fc.tuple(axes, axes), axes, fc.tuple(order, order), (...drawn) => {
        checkContraction(dtype, arrangeAxes(...drawn));
      }),
      { seed: 1, numRuns: 60 },
    );
  });
}

Deno.test("contractions of narrow types in memory equal the primitive's, copied or not", () => {
  const axes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 2 });
  const order = fc.array(fc.nat(), { minLength: 6, maxLength: 6 });
  const pair = fc.constantFrom(...heldPairs);
  fc.assert(
    fc.property(
      pair,
      axes,
      fc.tuple(axes, axes),
      axes,
      fc.tuple(order, order),
      (held, ...drawn) => {
        checkContraction(held[2], arrangeAxes(...drawn), [held[0], held[1]]);
      },
    ),
    { seed: 1, numRuns: 100 },
  );
});

Deno.test("contractions of attention equal the primitive's, heads in any place", () => {
  // [batch, head, position, feature] and [batch, position, head, feature].
  for (const [head, position] of [[1, 2], [2, 1]]) {
    const shape = head === 1 ? [2, 3, 17, 8] : [2, 17, 3, 8];
    const shared = [[0, head], [0, head]] as const;
    checkContraction("float32", {
      shapes: [shape, shape],
      params: { batch: shared, contract: [[3], [3]] },
    });
    checkContraction("float32", {
      shapes: [[2, 3, 17, 17], shape],
      params: { batch: [[0, 1], [0, head]], contract: [[3], [position]] },
    });
  }
});
