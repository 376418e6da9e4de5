/**
 * The conversion between a transform of real numbers and a complex transform of half the length,
 * whose numbers are pairs of neighbouring real ones.
 *
 * Source: J. W. Cooley, P. A. W. Lewis and P. D. Welch, "The fast Fourier transform algorithm:
 * programming considerations in the calculation of sine, cosine and Laplace transforms", 1970.
 *
 * @module
 */
import type { FloatDtype } from "../../../../base/dtype.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, smaller, times } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { Numbers } from "./complex.ts";
import { blocksOf, type Halves, widthOf } from "./plan.ts";
import type { StageFunction } from "./stage.ts";

/** Parameters of the conversion. */
export interface HalvesParams extends Halves {
  readonly dtype: FloatDtype;
  /** The number of pairs. */
  readonly n: number;
  readonly isFromScratch: boolean;
  readonly isToScratch: boolean;
  /** The number of parts that the work is divided into. */
  readonly parts: number;
}

/**
 * Writes code that computes the first `n + 1` numbers of the transform of `2n` real ones from the
 * transform of their pairs. The inverse computes, from these `n + 1` numbers, the `n` whose
 * transform is the pairs of the sum of real parts.
 *
 * For numbers `k` and `n - k` let `s = x + conj y`, `d = x - conj y`, and `t = d r`, where `r` is
 * half of a root rotated by a quarter turn. The results are `s / 2 + t` and the conjugate of
 * `s / 2 - t`. In the inverse they are exchanged, and the root's cosine has the other sign, for
 * which there is another table.
 */
export function emitHalves(builder: Builder, params: HalvesParams): StageFunction {
  const { dtype, n, turns, isBack, isFromScratch, isToScratch, parts } = params;
  const types = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return builder.module.function("fourier: halves", types, "none", (code, ...locals) => {
    const [fromRe, fromIm, toRe, toIm, table, part] = locals;
    const width = widthOf(dtype, n);
    const [numbers, single] = [width, 1].map((lanes) => new Numbers(code, dtype, lanes));
    const { size } = numbers;
    const from = {
      re: fromRe,
      im: fromIm,
      memory: isFromScratch ? builder.scratch : builder.memory,
    };
    const to = { re: toRe, im: toIm, memory: isToScratch ? builder.scratch : builder.memory };
    code.if(i32.eqz(part), () => {
      // The real and imaginary part of the first number are the first and the last number.
      const { re: a, im } = single.load(from);
      const b = isBack ? single.load({ ...from, offset: n * size }).re : im;
      const [sum, difference] = [{ re: a, im: a }, { re: b, im: b }].flatMap((x, i, [y]) =>
        i === 0 ? [] : [single.add(y, x).re, single.sub(y, x).re]
      );
      if (isBack) return single.store(to, { re: sum, im: difference });
      const zero = single.zero().re;
      single.store(to, { re: sum, im: zero });
      single.store({ ...to, offset: n * size }, { re: difference, im: zero });
    });
    const blocks = blocksOf(dtype, n);
    const perPart = Math.ceil(blocks / parts);
    const first = code.let(times(part, perPart));
    const end = code.let(smaller(i32.add(first, i32.const(perPart)), i32.const(blocks)));
    const step = width * size;
    const distance = code.let(times(first, step));
    const low = [fromRe, fromIm, toRe, toIm].map((at) =>
      code.let(advance(i32.add(at, distance), size))
    );
    const high = [fromRe, fromIm, toRe, toIm].map((at) =>
      code.let(advance(i32.sub(at, distance), (n - width) * size))
    );
    const root = code.let(advance(i32.add(table, times(first, 2 * step)), turns * size));
    code.for({ from: first, below: end }, () => {
      const [x, y] = [low, high].map(([re, im]) => numbers.load({ ...from, re, im }));
      const [cos, sin] = [0, step].map((offset) => numbers.loadWhole(root, offset));
      const [a, b] = numbers.joinHalves(x, numbers.reverse(y), cos, sin);
      const [here, there] = isBack ? [b, a] : [a, b];
      numbers.store({ ...to, re: low[2], im: low[3] }, here);
      numbers.store({ ...to, re: high[2], im: high[3] }, numbers.reverse(there));
      for (const pointer of low) code.set(pointer, advance(pointer, step));
      for (const pointer of high) code.set(pointer, advance(pointer, -step));
      code.set(root, advance(root, 2 * step));
    });
  });
}
