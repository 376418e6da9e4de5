/**
 * Matrix products whose elements are read by expressions, so windows of images need not be copied.
 *
 * Tiles of both matrices pass through workgroup memory, and each invocation keeps a block of the result in
 * registers. Results with few rows or columns are reductions. Long sums are cut into parts, each of which
 * yields a separate matrix; these are added in a second pass. Drivers that run on the CPU do not use
 * workgroup memory (`direct.ts`).
 *
 * @module
 */
import type { Kernel, Limits, Pass } from "../kernel.ts";
import type { Held } from "../module.ts";
import { at, GROUP, pass, SIZE, zeros } from "./passes.ts";
import { direct, divisionOf } from "./direct.ts";
import { boundBy, type Product } from "./matrices.ts";
import { isMended, mendBlock, mendingFunction } from "./mending.ts";
import { reduceSlices } from "./slices.ts";

/** The number of the operand for parts of sums. */
const PARTS = 3;

/** The number of positions of a sum in workgroup memory at a time. */
const DEPTH = 16;

/** Rows and columns of invocations in a workgroup. */
const SIDE = 16;

/** The number of rows or columns up to which a product is treated as a reduction. */
const FEW = 4;

/**
 * The number of workgroups that keep a device busy, the minimum length of a part of a sum, and the maximum
 * length if there is room.
 */
const ENOUGH = 64;
const SHORTEST = 512;
const LONGEST = 8192;

/** The maximum number of elements of all parts together. */
const ROOM = 2 ** 24;

/** The kernel. */
export function emitProduct(product: Product, { isProcessor }: Limits): Kernel {
  const { held, batch, rows, columns, length } = product;
  const size = batch * rows * columns;
  const operations = 2 * size * length;
  if (size === 0) return { passes: [], scratch: [], operations };
  if (length === 0) return { passes: [zeros([2, held], size)], scratch: [], operations };
  const own = `((s * ${batch}u + t) * ${rows}u + i) * ${columns}u + j`;
  if (isProcessor) {
    const division = divisionOf(product);
    const { parts } = division;
    const multiply = (output: number, place: string) => direct(product, division, output, place);
    if (parts === 1) return { passes: [multiply(2, product.place)], scratch: [], operations };
    return {
      passes: [multiply(PARTS, own), addParts(product, parts)],
      scratch: [4 * parts * size],
      operations,
    };
  }
  const isFew = Math.min(rows, columns) <= FEW || rows * columns <= 64;
  const groups = isFew ? size : batch * tilesOf(rows).count * tilesOf(columns).count;
  let parts = 1;
  const longest = isFew ? LONGEST * SIZE : LONGEST;
  const shortest = isFew ? SHORTEST * SIZE : SHORTEST;
  while (
    2 * parts * size <= ROOM && length > 2 * parts * shortest &&
    (groups * parts < ENOUGH || length > parts * longest)
  ) parts *= 2;
  const part = Math.ceil(length / parts);
  const multiply = isFew ? reduction : tiles;
  if (parts === 1) {
    return { passes: [multiply(product, 1, part, 2, product.place)], scratch: [], operations };
  }
  return {
    passes: [multiply(product, parts, part, PARTS, own), addParts(product, parts)],
    scratch: [4 * parts * size],
    operations,
  };
}

/** Adds up the parts of sums. */
function addParts({ held, batch, rows, columns, place }: Product, parts: number): Pass {
  const size = batch * rows * columns;
  return reduceSlices({
    bound: [[PARTS, held], [2, held]],
    outputs: size,
    length: parts,
    along: false,
    type: held,
    empty: `${held}(0)`,
    step: `state += ${at(0, `p * ${size}u + o`)};`,
    combine: (a, b) => `${a} + ${b}`,
    store: `${placesOf("o", rows, columns)}
${at(1, place)} = state;`,
  });
}

/** Statements that declare the product, the row and the column of an element, given its number. */
function placesOf(element: string, rows: number, columns: number): string {
  return `let j = ${element} % ${columns}u;
let i = (${element} / ${columns}u) % ${rows}u;
let t = ${element} / ${rows * columns}u;`;
}

/** The functions that read the two matrices. */
function readers({ held, left, right }: Product): string {
  return `fn left(t: u32, i: u32, p: u32) -> ${held} {
${left.read}
}
fn right(t: u32, p: u32, j: u32) -> ${held} {
${right.read}
}`;
}

/** Products with few rows or columns: a reduction for each element of each part. */
function reduction(
  product: Product,
  parts: number,
  part: number,
  output: number,
  place: string,
): Pass {
  const { held, batch, rows, columns, length, left, right } = product;
  const size = batch * rows * columns;
  const mend = mendingFunction(product);
  return reduceSlices({
    bound: boundBy(product, output),
    outputs: size * parts,
    length: part,
    // The larger matrix determines the order.
    along: (rows >= columns ? left : right).along,
    type: held,
    empty: `${held}(0)`,
    bounds: `${placesOf(`(o % ${size}u)`, rows, columns)}
let s = o / ${size}u;
let first = s * ${part}u;
let end = min(first + ${part}u, ${length}u);`,
    step: "state += left(t, i, p) * right(t, p, j);",
    combine: (a, b) => `${a} + ${b}`,
    store: `${placesOf(`(o % ${size}u)`, rows, columns)}
let s = o / ${size}u;
${at(2, place)} = ${
      isMended(product) ? `mended(state, t, i, j, s * ${part}u, (s + 1u) * ${part}u)` : "state"
    };`,
    shared: [readers(product), mend].join("\n"),
  });
}

/** The tiles of rows or columns: the number per invocation, the length, and the number of tiles. */
function tilesOf(length: number): { own: number; side: number; count: number } {
  const own = length <= SIDE ? 1 : length <= 2 * SIDE ? 2 : 4;
  return { own, side: own * SIDE, count: Math.ceil(length / (own * SIDE)) };
}

/** Tiles in workgroup memory, and a block of the result for each invocation. */
function tiles(product: Product, parts: number, part: number, output: number, place: string): Pass {
  const { held, batch, rows, columns, length, left, right } = product;
  const [down, across] = [tilesOf(rows), tilesOf(columns)];
  const groups = parts * batch * down.count * across.count;
  const names = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, n) => `${prefix}${n}`);
  const mend = mendingFunction(product);
  const [own, others] = [names("a", down.own), names("c", across.own)];
  const sums = own.flatMap((_, r) => others.map((_, c) => `sum${r}_${c}`));
  const body = `let number = ${GROUP};
if (number >= ${groups}u) { return; }
let column = (number % ${across.count}u) * ${across.side}u;
let row = ((number / ${across.count}u) % ${down.count}u) * ${down.side}u;
let t = (number / ${across.count * down.count}u) % ${batch}u;
let s = number / ${across.count * down.count * batch}u;
let y = local / ${SIDE}u;
let x = local % ${SIDE}u;
let end = min((s + 1u) * ${part}u, ${length}u);
${sums.map((sum) => `var ${sum} = ${held}(0);`).join("\n")}
for (var start = s * ${part}u; start < end; start += ${DEPTH}u) {
${loadTile("tileA", down.side, left.along, held, `row`, rows, (i, p) => `left(t, ${i}, ${p})`)}
${
    loadTile("tileB", across.side, right.along, held, `column`, columns, (j, p) =>
      `right(t, ${p}, ${j})`)
  }
  workgroupBarrier();
  for (var d = 0u; d < ${DEPTH}u; d++) {
${own.map((a, r) => `    let ${a} = tileA[d * ${down.side}u + y + ${r * SIDE}u];`).join("\n")}
${others.map((c, n) => `    let ${c} = tileB[d * ${across.side}u + x + ${n * SIDE}u];`).join("\n")}
${own.flatMap((a, r) => others.map((c, n) => `    sum${r}_${n} += ${a} * ${c};`)).join("\n")}
  }
  workgroupBarrier();
}
${
    own.flatMap((_, r) =>
      others.map((_, n) =>
        `{
  let i = row + y + ${r * SIDE}u;
  let j = column + x + ${n * SIDE}u;
  if (i < ${rows}u && j < ${columns}u) { ${at(2, place)} = sum${r}_${n}; }
}`
      )
    ).join("\n")
  }
${
    mendBlock(
      product,
      sums,
      [
        `row + y + n / ${across.own}u * ${SIDE}u`,
        `column + x + n % ${across.own}u * ${SIDE}u`,
      ],
      place,
      [`s * ${part}u`, "end"],
    )
  }`;
  const shared = `var<workgroup> tileA: array<${held}, ${down.side * DEPTH}>;
var<workgroup> tileB: array<${held}, ${across.side * DEPTH}>;
${readers(product)}
${mend}`;
  return pass(boundBy(product, output), groups, { body, shared });
}

/** Statements that load a tile, `[DEPTH, side]`, with zeros out of range. */
function loadTile(
  tile: string,
  side: number,
  along: boolean,
  held: Held,
  first: string,
  count: number,
  read: (free: string, position: string) => string,
): string {
  const [free, d] = along ? [`q / ${DEPTH}u`, `q % ${DEPTH}u`] : [`q % ${side}u`, `q / ${side}u`];
  return `  for (var q = local; q < ${side * DEPTH}u; q += ${SIZE}u) {
    let f = ${free};
    let d = ${d};
    var value = ${held}(0);
    if (${first} + f < ${count}u && start + d < end) {
      value = ${read(`${first} + f`, "start + d")};
    }
    ${tile}[d * ${side}u + f] = value;
  }`;
}
