/**
 * Random words: the Threefry-2x32 block function.
 *
 * Source: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2,
 * 3", 2011, section 4.2.
 *
 * @module
 */
import { range, sizeOf } from "../../../../base/shape.ts";
import { PARITY, ROTATIONS, ROUNDS } from "../../../../numeric/threefry.ts";
import type { Kernel, Operand } from "../kernel.ts";
import { at, type Bound, each } from "./passes.ts";

/** The kernel of `threefry2x32`. */
export function emitThreefry2x32(
  _inputs: readonly Operand[],
  _params: null,
  [output]: readonly Operand[],
): Kernel {
  const size = sizeOf(output.shape);
  const operations = 5 * ROUNDS * size;
  if (size === 0) return { passes: [], scratch: [], operations };
  const rounds = range(ROUNDS).flatMap((round) => {
    const rotation = ROTATIONS[round % ROTATIONS.length];
    const mix = `a += b; b = ((b << ${rotation}u) | (b >> ${32 - rotation}u)) ^ a;`;
    if (round % 4 !== 3) return [mix];
    const number = (round + 1) / 4;
    return [mix, `a += k${number % 3}; b += k${(number + 1) % 3} + ${number}u;`];
  });
  const body = `let k0 = ${at(0, "i")};
let k1 = ${at(1, "i")};
let k2 = k0 ^ k1 ^ ${PARITY}u;
var a = ${at(2, "i")} + k0;
var b = ${at(3, "i")} + k1;
${rounds.join("\n")}
${at(4, "i")} = a;
${at(5, "i")} = b;`;
  const bound = range(6).map((k): Bound => [k, "u32"]);
  return { passes: [each(bound, size, body)], scratch: [], operations };
}
