/**
 * Control flow bound straight to its primitives, for tests of the compiler.
 *
 * @module
 */
import type { Tensor } from "../../../mod.ts";
import { record } from "../../../src/control/programs.ts";
import { scanPrimitive } from "../../../src/control/scan_primitive.ts";
import { switchPrimitive } from "../../../src/control/switch_primitive.ts";
import { whilePrimitive } from "../../../src/control/while_primitive.ts";
import { bind } from "../../../src/core/trace.ts";

/** A function of flat lists. */
export type Flat = (args: readonly Tensor[]) => readonly Tensor[];

/** Options of `scan`. */
export interface ScanOptions {
  /** The number of steps: that of the first sequence, if left out. */
  readonly length?: number;
  /** Whether sequences are read from the last element to the first. */
  readonly reverse?: boolean;
}

/** Binds `scan` of a function from constants, carried values and elements. */
export function scan(
  f: Flat,
  consts: readonly Tensor[],
  carry: readonly Tensor[],
  xs: readonly Tensor[],
  { length = xs[0]?.shape[0] ?? 0, reverse = false }: ScanOptions = {},
): readonly Tensor[] {
  const elements = xs.map(({ dtype, shape }) => ({ dtype, shape: shape.slice(1) }));
  const types = [...consts, ...carry].map(({ dtype, shape }) => ({ dtype, shape }));
  const body = record([...types, ...elements], f);
  return bind(scanPrimitive, [...consts, ...carry, ...xs], {
    body,
    length,
    reverse,
    consts: consts.length,
    carry: carry.length,
  });
}

/** Binds `while` of functions of constants and carried values. */
export function whileLoop(
  goes: (args: readonly Tensor[]) => Tensor,
  f: Flat,
  consts: readonly Tensor[],
  carry: readonly Tensor[],
): readonly Tensor[] {
  const types = [...consts, ...carry].map(({ dtype, shape }) => ({ dtype, shape }));
  return bind(whilePrimitive, [...consts, ...consts, ...carry], {
    condition: record(types, (args) => [goes(args)]),
    body: record(types, f),
    conditionConsts: consts.length,
    bodyConsts: consts.length,
  });
}

/** Binds `switch`. */
export function switchCase(
  index: Tensor,
  branches: readonly Flat[],
  operands: readonly Tensor[],
): readonly Tensor[] {
  const types = operands.map(({ dtype, shape }) => ({ dtype, shape }));
  return bind(switchPrimitive, [index, ...operands], {
    branches: branches.map((branch) => record(types, branch)),
  });
}
