/**
 * npm packages that only have Fourier transforms, as contenders: `FFT_PACKAGE` chooses one.
 * They store real and imaginary parts interleaved, in memory of their own, and overwrite its contents.
 *
 * @module
 */
import { type Call, Missing, noise, serve, weightedSum } from "./contender.ts";
import type { Task } from "./works.ts";

type Transform = Extract<Task, { kind: "fft" | "fftLoop" }>;

interface FftJs {
  readonly default: new (n: number) => {
    transform(out: Float64Array, data: ArrayLike<number>): void;
    realTransform(out: Float64Array, data: ArrayLike<number>): void;
  };
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

/** The input: real numbers, or pairs. */
function dataOf({ rows, length, isReal }: Transform): Float64Array {
  const [re, im] = [0, 1].map((seed) => noise(rows * length, seed).map((x) => 2 * x - 1));
  if (isReal) return re;
  return new Float64Array(2 * rows * length).map((_, i) => (i % 2 === 0 ? re : im)[i >> 1]);
}

/** The weighted sum of pairs; `pairOf` returns both parts of a number of a row. */
function check(
  { rows, length, isReal }: Transform,
  pairOf: (row: number, k: number) => readonly [number, number],
): number {
  const count = isReal ? length / 2 + 1 : length;
  const parts = [0, 1].map((part) =>
    Float64Array.from(
      { length: rows * count },
      (_, i) => pairOf(Math.floor(i / count), i % count)[part],
    )
  );
  return weightedSum(parts, 2);
}

const makers: Readonly<Record<string, () => Promise<(task: Transform) => Call>>> = {
  async "npm:fft.js@4.0.4"() {
    const { default: Fft } = await import("npm:fft.js@4.0.4" as string) as FftJs;
    return (task) => {
      const { rows, length, isReal, dtype } = task;
      if (dtype === "float32") throw new Missing("fft.js has float64 alone");
      const fft = new Fft(length);
      const data = dataOf(task);
      const size = data.length / rows;
      const all = Array.from({ length: rows }, (_, i) => data.slice(i * size, (i + 1) * size));
      const out = all.map(() => new Float64Array(2 * length));
      const call = () =>
        all.forEach((row, i) =>
          isReal ? fft.realTransform(out[i], row) : fft.transform(out[i], row)
        );
      return Object.assign(call, {
        check: () => check(task, (row, k) => [out[row][2 * k], out[row][2 * k + 1]]),
      });
    };
  },
  async "npm:@echogarden/pffft-wasm@0.4.2"() {
    const name = "npm:@echogarden/pffft-wasm@0.4.2/simd";
    const { default: open } = await import(name) as { default(): Promise<Pffft> };
    const library = await open();
    return (task) => {
      const { rows, length, isReal, dtype } = task;
      if (dtype === "float64") throw new Missing("pffft has float32 alone");
      const setup = library._pffft_new_setup(length, isReal ? 0 : 1);
      const data = dataOf(task);
      const size = data.length / rows;
      const [from, to, work] = [data.length, data.length, size].map((count) =>
        library._pffft_aligned_malloc(4 * count)
      );
      library.HEAPF32.set(data, from / 4);
      const call = () => {
        for (let i = 0; i < rows; i++) {
          const at = 4 * size * i;
          library._pffft_transform_ordered(setup, from + at, to + at, work, 0);
        }
      };
      const pairOf = (row: number, k: number): readonly [number, number] => {
        const out = library.HEAPF32.subarray(to / 4 + row * size, to / 4 + (row + 1) * size);
        if (!isReal) return [out[2 * k], out[2 * k + 1]];
        // The last number is real; it is stored as the imaginary part of the first one.
        return k === 0
          ? [out[0], 0]
          : 2 * k === length
          ? [out[1], 0]
          : [out[2 * k], out[2 * k + 1]];
      };
      return Object.assign(call, { check: () => check(task, pairOf) });
    };
  },
};

const name = Deno.env.get("FFT_PACKAGE") ?? "";
try {
  const prepare = await makers[name]();
  const [, title, version] = /([^/:]+)@([\d.]+)$/.exec(name) ?? [];
  await serve({ versions: { [title]: version } }, (task) => {
    if (task.kind !== "fft") throw new Missing(`not in ${title}`);
    return prepare(task);
  });
} catch (error) {
  console.log(JSON.stringify({ unavailable: `${name} cannot be loaded: ${error}`.split("\n")[0] }));
}
