/**
 * The random numbers that PyTorch draws on a CPU after `torch.manual_seed`, so that a notebook starts from
 * the numbers that PyTorch's tutorial starts from. Jacobi's own random numbers come from keys: see
 * `random`.
 *
 * Source: Matsumoto and Nishimura, "Mersenne Twister: A 623-Dimensionally Equidistributed Uniform
 * Pseudo-Random Number Generator" (1998); Box and Muller, "A Note on the Generation of Random Normal
 * Deviates" (1958).
 *
 * @module
 */
import { tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

/** Draws float32 tensors, one call after the other. */
export interface TorchRandom {
  /** `torch.rand(shape)`: uniform from 0 to 1. */
  rand(shape: readonly number[]): Tensor;
  /** `torch.randn(shape)`: standard normal, equal to PyTorch's up to the last digits. */
  randn(shape: readonly number[]): Tensor;
  /** `torch.randint(high, shape)`: integers from 0 to `high - 1`. */
  randint(high: number, shape: readonly number[]): Tensor;
  /** The initial parameters of `torch.nn.Linear` and `torch.nn.Conv2d`, by the shape of the weight. */
  layer(shape: readonly number[]): { readonly weight: Tensor; readonly bias: Tensor };
  /** Passes over numbers, as if `count` uniform ones had been drawn. */
  skip(count: number): void;
}

const [SIZE, SHIFT] = [624, 397];

/** The generator's 32-bit words. */
function* words(seed: number): Generator<number, never> {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const before = state[i - 1];
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  for (;;) {
    for (let i = 0; i < SIZE; i++) {
      const bits = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      const twist = (bits & 1) === 0 ? 0 : 0x9908b0df;
      state[i] = state[(i + SHIFT) % SIZE] ^ (bits >>> 1) ^ twist;
    }
    for (let word of state) {
      word ^= word >>> 11;
      word ^= (word << 7) & 0x9d2c5680;
      word ^= (word << 15) & 0xefc60000;
      yield (word ^ (word >>> 18)) >>> 0;
    }
  }
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/** What PyTorch draws after `torch.manual_seed(seed)`. */
export function manualSeed(seed: number): TorchRandom {
  const source = words(seed);
  const word = (): number => source.next().value;
  /** Uniform numbers of 24 and of 53 bits. */
  const single = (): number => (word() & 0xffffff) / 2 ** 24;
  const double = (): number => ((word() & 0x1fffff) * 2 ** 32 + word()) / 2 ** 53;
  /** The second of two numbers that were made together. */
  let spare: number | null = null;
  const normal = (): number => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const [angle, radius] = [2 * Math.PI * double(), Math.sqrt(-2 * Math.log1p(-double()))];
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  /** Blocks of sixteen are made of as many uniform numbers: radii of the first half, angles of the second. */
  const fillNormal = (values: Float32Array): void => {
    const block = (start: number): void => {
      for (let i = start; i < start + 8; i++) {
        const [radius, angle] = [
          Math.sqrt(-2 * Math.log(1 - values[i])),
          2 * Math.PI * values[i + 8],
        ];
        values[i] = radius * Math.cos(angle);
        values[i + 8] = radius * Math.sin(angle);
      }
    };
    for (let i = 0; i < values.length; i++) values[i] = single();
    const whole = values.length - values.length % 16;
    for (let start = 0; start < whole; start += 16) block(start);
    if (whole === values.length) return;
    // The last block overlaps the one before it, and is drawn again.
    const last = values.length - 16;
    for (let i = last; i < values.length; i++) values[i] = single();
    block(last);
  };
  const uniform = (shape: readonly number[], bound: number): Tensor =>
    tensor(Float32Array.from({ length: sizeOf(shape) }, () => single() * 2 * bound - bound))
      .reshape(shape);
  return {
    rand: (shape) => tensor(Float32Array.from({ length: sizeOf(shape) }, single)).reshape(shape),
    randn(shape) {
      const values = new Float32Array(sizeOf(shape));
      if (values.length >= 16) fillNormal(values);
      else for (let i = 0; i < values.length; i++) values[i] = normal();
      return tensor(values).reshape(shape);
    },
    randint: (high, shape) =>
      tensor(Int32Array.from({ length: sizeOf(shape) }, () => word() % high)).reshape(shape),
    skip(count) {
      for (let i = 0; i < count; i++) word();
    },
    layer(shape) {
      const bound = 1 / Math.sqrt(sizeOf(shape.slice(1)));
      return { weight: uniform(shape, bound), bias: uniform(shape.slice(0, 1), bound) };
    },
  };
}
