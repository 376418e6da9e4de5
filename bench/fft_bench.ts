/**
 * Fourier transforms of complex numbers in float32, beside those of npm packages: one of each length, and
 * many rows. The packages keep real and imaginary parts side by side, in memory of their own, and overwrite
 * what is there; compiled functions give new tensors.
 *
 * Run it with `deno bench -A bench/fft_bench.ts`, which loads the packages; without permissions, or a
 * network, Jacobi runs by itself. `deno bench -A bench/fft_bench.ts -- 1` has one thread.
 *
 * @module
 */
import { configure, jit, random } from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { fourier } from "../src/primitives/fourier.ts";

const LENGTHS = [2 ** 10, 2 ** 12, 2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20];
const ROWS = 1024;

if (Deno.args[0] !== undefined) configure({ threads: Number(Deno.args[0]) });

/** Makes what transforms so many rows of a length. */
type Contender = (count: number, n: number) => () => unknown;

const contenders = new Map<string, Contender>();

contenders.set("jacobi", (count, n) => {
  const [re, im] = [0, 1].map((seed) => random.normal(random.key(seed), [count, n]));
  const transform = jit((a: Tensor, b: Tensor) => fourier(a, b, { inverse: false }));
  return () => transform(re, im);
});

// As the packages do: there and back in the same memory.
contenders.set("jacobi, donated", (count, n) => {
  let parts: readonly Tensor[] = [0, 1].map((seed) => random.normal(random.key(seed), [count, n]));
  const options = { donateArgnums: [0, 1] };
  const there = jit((a: Tensor, b: Tensor) => fourier(a, b, { inverse: false }), options);
  const back = jit(
    (a: Tensor, b: Tensor) => fourier(a, b, { inverse: true }).map((part) => part.div(n)),
    options,
  );
  let isThere = false;
  return () => {
    parts = (isThere ? back : there)(parts[0], parts[1]);
    isThere = !isThere;
  };
});

/** A package, or `null` where it cannot be loaded. */
async function load(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch {
    return null;
  }
}

interface FftJs {
  readonly default: new (n: number) => {
    transform(out: ArrayLike<number>, data: ArrayLike<number>): void;
  };
}

const fftJs = await load("npm:fft.js@4.0.4") as FftJs | null;
if (fftJs !== null) {
  contenders.set("fft.js", (count, n) => {
    const transform = new fftJs.default(n);
    const rows = Array.from({ length: count }, () => new Float64Array(2 * n).map(Math.random));
    const out = new Float64Array(2 * n);
    return () => rows.forEach((row) => transform.transform(out, row));
  });
}

interface Pffft {
  readonly HEAPF32: Float32Array;
  _pffft_new_setup(n: number, kind: number): number;
  _pffft_aligned_malloc(bytes: number): number;
  _pffft_transform_ordered(
    setup: number,
    from: number,
    to: number,
    work: number,
    direction: number,
  ): void;
}

const pffft = await load("npm:@echogarden/pffft-wasm@0.4.2/simd") as
  | { readonly default: () => Promise<Pffft> }
  | null;
const library = await pffft?.default().catch(() => null) ?? null;
if (library !== null) {
  contenders.set("pffft-wasm", (count, n) => {
    const setup = library._pffft_new_setup(n, 1);
    const [from, to, work] = [count * n, count * n, n].map((length) =>
      library._pffft_aligned_malloc(8 * length)
    );
    library.HEAPF32.subarray(from / 4, from / 4 + 2 * count * n).forEach((_, i, all) =>
      all[i] = Math.random()
    );
    return () => {
      for (let i = 0; i < count; i++) {
        library._pffft_transform_ordered(setup, from + 8 * n * i, to + 8 * n * i, work, 0);
      }
    };
  });
}

for (const [count, n] of [...LENGTHS.map((n) => [1, n] as const), [ROWS, 1024] as const]) {
  const group = count === 1 ? `${n}` : `${count} of ${n}`;
  for (const [name, make] of contenders) {
    const run = make(count, n);
    Deno.bench({
      name: `${name}, ${group}`,
      group,
      baseline: name === "jacobi",
      fn: () => void run(),
    });
  }
}
