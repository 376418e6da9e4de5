import { assert, assertEquals, assertThrows } from "../support/std.ts";
import {
  erf,
  erfc,
  erfinv,
  floorMod,
  lgamma,
  logaddexp,
  polygamma,
  roundHalfEven,
  sigmoid,
} from "../../src/numeric/special.ts";
import table from "../fixtures/special.json" with { type: "json" };

/** Half a unit in the last place: the table's own rounding. */
const TABLE_ROUNDING = 2 ** -53;

const SMALLEST_NORMAL = 2 ** -1022;

function digamma(x: number): number {
  return polygamma(0, x);
}

/** Asserts `|got - want| <= bound * scale`, and one smallest subnormal where doubles get sparse. */
function assertWithin(
  got: number,
  want: number,
  bound: number,
  label: string,
  scale = Math.abs(want),
): void {
  const allowed = Math.abs(want) < SMALLEST_NORMAL
    ? Number.MIN_VALUE
    : (bound + TABLE_ROUNDING) * scale;
  const error = Math.abs(got - want);
  assert(error <= allowed, `${label} = ${want}, got ${got}: error ${error}, allowed ${allowed}`);
}

interface Case {
  readonly name: string;
  readonly function: (x: number) => number;
  readonly rows: number[][];
  readonly bound: number;
  readonly range?: (x: number) => boolean;
  readonly scale?: (x: number, want: number) => number;
}

const cases: readonly Case[] = [
  { name: "erf", function: erf, rows: table.erf, bound: 4.2e-16 },
  { name: "erfc", function: erfc, rows: table.erfc, bound: 1.1e-15 },
  { name: "erfinv", function: erfinv, rows: table.erfinv, bound: 8e-16 },
  {
    name: "lgamma of positive numbers",
    function: lgamma,
    rows: table.lgamma,
    bound: 7e-16,
    range: (x) => x > 0,
  },
  {
    name: "lgamma of negative numbers",
    function: lgamma,
    rows: table.lgamma,
    bound: 7e-16,
    range: (x) => x < 0,
    scale: (x, want) => Math.max(1, Math.abs(want), Math.abs(lgamma(-x))),
  },
  {
    name: "digamma of positive numbers",
    function: digamma,
    rows: table.digamma,
    bound: 6e-16,
    range: (x) => x > 0,
  },
  {
    name: "digamma of negative numbers",
    function: digamma,
    rows: table.digamma,
    bound: 6e-16,
    range: (x) => x < 0,
    scale: (x, want) => Math.abs(digamma(1 - x)) + Math.abs(want - digamma(1 - x)),
  },
  { name: "sigmoid", function: sigmoid, rows: table.sigmoid, bound: 3.2e-16 },
];

for (const { name, function: apply, rows, bound, range, scale } of cases) {
  Deno.test(`${name} agrees with the high-precision table`, () => {
    const chosen = rows.filter(([x]) => range === undefined || range(x));
    assert(chosen.length >= 80, `only ${chosen.length} rows`);
    for (const [x, want] of chosen) {
      assertWithin(apply(x), want, bound, `${name} at ${x}`, scale?.(x, want));
    }
  });
}

function polygammaBound(order: number): number {
  return order <= 4 ? 1.3e-15 : order <= 20 ? 2.2e-15 : 1e-14;
}

Deno.test("polygamma of positive numbers agrees with the high-precision table", () => {
  for (const [order, x, want] of table.polygamma.filter(([, x]) => x > 0)) {
    assertWithin(polygamma(order, x), want, polygammaBound(order), `polygamma(${order}, ${x})`);
  }
});

Deno.test("polygamma of negative numbers agrees with the high-precision table", () => {
  for (const [order, x, want] of table.polygamma.filter(([, x]) => x < 0)) {
    const y = Math.ceil(x) - x;
    const scale = Math.abs(polygamma(order, y)) + Math.abs(polygamma(order, 1 - y));
    const label = `polygamma(${order}, ${x})`;
    assertWithin(polygamma(order, x), want, polygammaBound(order), label, scale);
  }
});

Deno.test("logaddexp agrees with the high-precision table", () => {
  for (const [a, b, want] of table.logaddexp) {
    const scale = Math.max(1, Math.abs(a), Math.abs(b));
    assertWithin(logaddexp(a, b), want, 3e-16, `logaddexp(${a}, ${b})`, scale);
    assertEquals(logaddexp(b, a), logaddexp(a, b));
  }
});

Deno.test("erf keeps its symmetry, its limits and the sign of zero", () => {
  assertEquals([erf(Infinity), erf(-Infinity)], [1, -1]);
  assert(Object.is(erf(0), 0) && Object.is(erf(-0), -0));
  assertEquals(erf(NaN), NaN);
  assertEquals([erf(Number.MIN_VALUE), erf(-Number.MIN_VALUE)], [5e-324, -5e-324]);
  for (let x = 0.01; x < 7; x += 0.01) assertEquals(erf(-x), -erf(x));
});

Deno.test("erfc has its limits and underflows only below the smallest double", () => {
  assertEquals([erfc(0), erfc(-0), erfc(Infinity), erfc(-Infinity)], [1, 1, 0, 2]);
  assertEquals(erfc(NaN), NaN);
  assertEquals([erfc(27.5), erfc(28.5), erfc(-7)], [0, 0, 2]);
  for (let x = -6; x < 27; x += 0.01) assert(erfc(x) >= erfc(x + 0.01), `erfc rises at ${x}`);
});

Deno.test("erfinv has its poles, its domain and the sign of zero", () => {
  assertEquals([erfinv(1), erfinv(-1)], [Infinity, -Infinity]);
  assert(Object.is(erfinv(0), 0) && Object.is(erfinv(-0), -0));
  for (const y of [NaN, 1.0000000000000002, -1.5, Infinity, -Infinity]) {
    assertEquals(erfinv(y), NaN);
  }
  for (let y = 0.005; y < 1; y += 0.005) {
    assertEquals(erfinv(-y), -erfinv(y));
    assertWithin(erf(erfinv(y)), y, 1.5e-15, `erf(erfinv(${y}))`);
  }
});

Deno.test("lgamma is infinite at its poles and exact at its zeros", () => {
  for (const x of [0, -0, -1, -2, -1001, -(2 ** 60), -1.5e308, Infinity, -Infinity]) {
    assertEquals(lgamma(x), Infinity);
  }
  assertEquals(lgamma(NaN), NaN);
  assertEquals([lgamma(1), lgamma(2)], [0, 0]);
  assertEquals([lgamma(1.7e308), lgamma(2.6e305)], [Infinity, Infinity]);
  let factorial = 1;
  for (let n = 3; n <= 18; n++) {
    factorial *= n - 1;
    assertWithin(lgamma(n), Math.log(factorial), 7e-16, `lgamma(${n})`);
  }
});

Deno.test("polygamma has signed poles at zero and none but the odd orders' elsewhere", () => {
  assertEquals([digamma(0), digamma(-0)], [-Infinity, Infinity]);
  assertEquals([digamma(-1), digamma(-7), digamma(-(2 ** 55)), digamma(-Infinity)], [
    NaN,
    NaN,
    NaN,
    NaN,
  ]);
  assertEquals([polygamma(2, 0), polygamma(2, -0), polygamma(2, -3)], [-Infinity, Infinity, NaN]);
  for (const x of [0, -0, -1, -8]) {
    assertEquals([polygamma(1, x), polygamma(3, x)], [Infinity, Infinity]);
  }
  for (const order of [0, 1, 2, 9]) {
    assertEquals(polygamma(order, NaN), NaN);
    assertEquals(polygamma(order, -Infinity), NaN);
  }
});

Deno.test("polygamma has its limits at infinity and for the largest and smallest numbers", () => {
  assertEquals(digamma(Infinity), Infinity);
  assertEquals([polygamma(1, Infinity), polygamma(2, Infinity)], [0, -0]);
  assertEquals([polygamma(1, 1e-200), polygamma(2, 1e-200)], [Infinity, -Infinity]);
  assertEquals([polygamma(2, -1e-200), polygamma(1, Number.MIN_VALUE)], [Infinity, Infinity]);
  assertWithin(polygamma(1, 1e300), 1e-300, 4e-16, "trigamma(1e300)");
  assertWithin(polygamma(2, 1e150), -1e-300, 4e-16, "polygamma(2, 1e150)");
});

Deno.test("polygamma keeps its recurrence at high orders", () => {
  // ψₙ(x + 1) = ψₙ(x) + (-1)ⁿ n! x⁻ⁿ⁻¹
  for (const order of [1, 2, 6, 15]) {
    let factorial = 1;
    for (let i = 2; i <= order; i++) factorial *= i;
    for (const x of [0.3, 1.7, 6.5, -0.4, -2.75]) {
      const step = (order % 2 === 0 ? 1 : -1) * factorial * Math.pow(x, -order - 1);
      const scale = Math.abs(polygamma(order, x)) + Math.abs(step);
      const label = `polygamma(${order}, ${x} + 1)`;
      assertWithin(polygamma(order, x + 1), polygamma(order, x) + step, 1e-14, label, scale);
    }
  }
});

Deno.test("polygamma refuses orders that are not non-negative integers", () => {
  for (const order of [-1, 0.5, NaN, Infinity]) {
    assertThrows(
      () => polygamma(order, 1),
      RangeError,
      `Cannot take polygamma: order must be a non-negative integer, got ${order}`,
    );
  }
});

Deno.test("sigmoid saturates without overflow", () => {
  assertEquals([sigmoid(0), sigmoid(-0), sigmoid(Infinity), sigmoid(-Infinity)], [0.5, 0.5, 1, 0]);
  assertEquals([sigmoid(800), sigmoid(-800), sigmoid(NaN)], [1, 0, NaN]);
});

Deno.test("logaddexp is safe at infinities", () => {
  assertEquals(logaddexp(-Infinity, -Infinity), -Infinity);
  assertEquals(logaddexp(Infinity, Infinity), Infinity);
  assertEquals([logaddexp(Infinity, -Infinity), logaddexp(-Infinity, Infinity)], [
    Infinity,
    Infinity,
  ]);
  assertEquals([logaddexp(-Infinity, 3), logaddexp(3, -Infinity), logaddexp(Infinity, 3)], [
    3,
    3,
    Infinity,
  ]);
  assertEquals([logaddexp(NaN, 1), logaddexp(1, NaN), logaddexp(NaN, -Infinity)], [NaN, NaN, NaN]);
});

Deno.test("roundHalfEven rounds halves to even and keeps the sign of zero", () => {
  const rows: [number, number][] = [
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [3.5, 4],
    [0.49999999999999994, 0],
    [2.5000000000000004, 3],
    [0.75, 1],
    [1e-320, 0],
    [4503599627370495.5, 4503599627370496],
    [4503599627370494.5, 4503599627370494],
    [4503599627370497, 4503599627370497],
    [1e300, 1e300],
    [Infinity, Infinity],
    [0, 0],
  ];
  for (const [x, want] of rows) {
    assertEquals(roundHalfEven(x), want);
    assertEquals(roundHalfEven(-x), -want);
  }
  assertEquals(roundHalfEven(NaN), NaN);
});

Deno.test("floorMod has the sign of the divisor, as numpy.remainder", () => {
  const rows: [number, number, number][] = [
    [7, 3, 1],
    [-7, 3, 2],
    [7, -3, -2],
    [-7, -3, -1],
    [5.5, 2, 1.5],
    [-0.5, 1, 0.5],
    [-1e-20, 1, 1],
    [6, 3, 0],
    [-6, 3, 0],
    [6, -3, -0],
    [-6, -3, -0],
    [0, 2, 0],
    [-0, 2, 0],
    [0, -2, -0],
    [1, Infinity, 1],
    [-1, Infinity, Infinity],
    [1, -Infinity, -Infinity],
    [-1, -Infinity, -1],
    [0, -Infinity, -0],
    [-0, Infinity, 0],
    [1, 0, NaN],
    [0, 0, NaN],
    [1, -0, NaN],
    [Infinity, 2, NaN],
    [-Infinity, Infinity, NaN],
    [NaN, 2, NaN],
    [2, NaN, NaN],
  ];
  for (const [x, y, want] of rows) assertEquals(floorMod(x, y), want, `floorMod(${x}, ${y})`);
});
