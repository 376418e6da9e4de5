/**
 * Matrix products without workgroup memory: each invocation keeps a block of the result in variables and
 * reads both operands in place. This is for drivers that run on the CPU, where caches replace workgroup
 * memory and barriers are expensive.
 *
 * @module
 */
import { range, sizeOf } from "../../../../base/shape.ts";
import type { Pass } from "../kernel.ts";
import { baseOf, zeroOf } from "../module.ts";
import { mendBlock, mendingFunction } from "./mending.ts";
import { at, GROUP, pass } from "./passes.ts";
import { boundBy, type Product } from "./matrices.ts";
import type { Walk } from "./walks.ts";

/** Invocations of a workgroup. */
const SIZE = 16;

/** The possible numbers of rows or columns of a block. */
const SIDES = [8, 4, 2, 1];

/** The cost of reading an element of an operand, in multiplications. */
const READ = 4;

/** The number of invocations that keep a CPU busy. */
const ENOUGH = 16;

/** The minimum and the maximum length of a part of a sum. */
const SHORTEST = 128;
const LONGEST = 4096;

/** The division of the work: rows and columns of blocks, parts of sums. */
export interface Division {
  readonly down: number;
  readonly across: number;
  readonly parts: number;
}

/** The fastest division. */
export function divisionOf({ batch, rows, columns, loops }: Product): Division {
  const costOf = (down: number, across: number): number => {
    const blocks = batch * Math.ceil(rows / down) * Math.ceil(columns / across);
    return Math.max(ENOUGH, blocks) * (down * across + READ * (down + across));
  };
  let best = [1, 1];
  for (const down of SIDES) {
    for (const across of SIDES) {
      if (costOf(down, across) < costOf(best[0], best[1])) best = [down, across];
    }
  }
  const [down, across] = best;
  const blocks = batch * Math.ceil(rows / down) * Math.ceil(columns / across);
  const length = sizeOf(loops);
  let parts = 1;
  while (
    2 * parts <= (loops[0] ?? 1) && length > 2 * parts * SHORTEST &&
    (blocks * parts < ENOUGH || length > parts * LONGEST)
  ) parts *= 2;
  return { down, across, parts };
}

/** The pass that computes all products, or parts of them. */
export function direct(
  product: Product,
  { down, across, parts }: Division,
  output: number,
  place: string,
): Pass {
  const { held, batch, rows, columns, loops, left, right } = product;
  const [tall, wide] = [Math.ceil(rows / down), Math.ceil(columns / across)];
  const count = parts * batch * tall * wide;
  const clamped = (index: string, length: number, side: number): string =>
    length % side === 0 ? index : `min(${index}, ${length - 1}u)`;
  const own = range(down).map((r) => `a${r}`);
  const others = range(across).map((c) => `c${c}`);
  const lines = [
    `let number = ${GROUP} * ${SIZE}u + local;`,
    `if (number >= ${count}u) { return; }`,
    `let x = number % ${wide}u;`,
    `let y = (number / ${wide}u) % ${tall}u;`,
    `let t = (number / ${wide * tall}u) % ${batch}u;`,
    `let s = number / ${wide * tall * batch}u;`,
    ...own.flatMap((name, r) => [
      `let i${r} = ${clamped(`y * ${down}u + ${r}u`, rows, down)};`,
      left.walk.enter(name, `i${r}`, baseOf(0)),
    ]),
    ...others.flatMap((name, c) => [
      `let j${c} = ${clamped(`x * ${across}u + ${c}u`, columns, across)};`,
      right.walk.enter(name, `j${c}`, baseOf(1)),
    ]),
    ...own.flatMap((a) => others.map((c) => `var ${a}${c} = ${held}(0);`)),
  ];
  const part = Math.ceil((loops[0] ?? 1) / parts);
  const inner = sizeOf(loops.slice(1));
  const [first, end] = [`s * ${part}u`, `min((s + 1u) * ${part}u, ${loops[0] ?? 1}u)`];
  loops.forEach((length, k) => {
    lines.push(
      k === 0
        ? `for (var d0 = ${parts === 1 ? "0u" : first}; d0 < ${
          parts === 1 ? `${length}u` : end
        }; d0++) {`
        : `for (var d${k} = 0u; d${k} < ${length}u; d${k}++) {`,
      ...own.map((name) => left.walk.loop(name, k)),
      ...others.map((name) => right.walk.loop(name, k)),
    );
  });
  const last = loops.length;
  const value = (k: number, name: string, { isTested }: Walk): string => {
    const element = `${held}(b${k}[o${name}_${last}])`;
    return isTested ? `select(${zeroOf(held)}, ${element}, in${name}_${last})` : element;
  };
  lines.push(
    ...others.map((name) => `let v${name} = ${value(1, name, right.walk)};`),
    ...own.flatMap((name) => [
      `let v${name} = ${value(0, name, left.walk)};`,
      ...others.map((c) => `${name}${c} += v${name} * v${c};`),
    ]),
    ...loops.map(() => "}"),
  );
  const tests = [
    ...(rows % down === 0 ? [] : [`(i < ${rows}u)`]),
    ...(columns % across === 0 ? [] : [`(j < ${columns}u)`]),
  ];
  const guard = tests.length === 0 ? "" : `if (${tests.join(" & ")}) `;
  own.forEach((name, r) =>
    others.forEach((c, n) =>
      lines.push(
        `{ let i = y * ${down}u + ${r}u; let j = x * ${across}u + ${n}u;`,
        `${guard}{ ${at(2, place)} = ${name}${c}; } }`,
      )
    )
  );
  lines.push(mendBlock(
    product,
    own.flatMap((a) => others.map((c) => `${a}${c}`)),
    [`y * ${down}u + n / ${across}u`, `x * ${across}u + n % ${across}u`],
    place,
    [`${first} * ${inner}u`, `(s + 1u) * ${part * inner}u`],
  ));
  const shared = mendingFunction(product);
  const body = lines.join("\n");
  return pass(boundBy(product, output), Math.ceil(count / SIZE), { body, shared }, SIZE);
}
