/**
 * The works of the comparison, described as data that contenders in any language read.
 *
 * @module
 */

/** The dimensions of a convolution. */
export interface ConvWork {
  readonly kind: "conv";
  /** The images: `[batch, inputs, size, size]`. */
  readonly batch: number;
  readonly inputs: number;
  readonly size: number;
  /** The filters: `[outputs, inputs, kernel, kernel]`. */
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  /** Whether gradients with respect to images and filters are computed, too. */
  readonly gradients: boolean;
}

/** The computation of a work. All numbers are float32 and random by default. */
export type Task =
  /** The product of two matrices `[size, size]`. */
  | { readonly kind: "matmul"; readonly size: number; readonly dtype?: "float32" | "bfloat16" }
  /**
   * On vectors of `length`: one operation, or `chain`: `sin(x) y + exp(-x²) / (1 + y²)`, or
   * `gelu`: `x (1 + tanh(0.797885 (x + 0.044715 x³))) / 2`.
   */
  | {
    readonly kind: "elementwise";
    readonly operation: "add" | "exp" | "sin" | "sum" | "chain" | "gelu";
    readonly length: number;
  }
  /** Over the last axis of `[rows, columns]`; layer norm scales and shifts, with epsilon 1e-5. */
  | { readonly kind: "softmax" | "layerNorm"; readonly rows: number; readonly columns: number }
  /** Attention to all positions, `softmax(q kᵀ / √width) v`, on three of `[batch, heads, length, width]`. */
  | {
    readonly kind: "attention";
    readonly batch: number;
    readonly heads: number;
    readonly length: number;
    readonly width: number;
  }
  | ConvWork
  /**
   * A training step of a perceptron with relu and biases: mean cross entropy against integer labels,
   * its gradient, SGD with learning rate 0.1; each call continues from the previous one.
   */
  | { readonly kind: "mlpStep"; readonly sizes: readonly number[]; readonly batch: number }
  /** ResNet-18 of 1000 classes on `[batch, 3, size, size]`, with running statistics. */
  | { readonly kind: "resnetForward"; readonly batch: number; readonly size: number }
  /**
   * A training step of it: batch statistics and their running averages, mean cross entropy, its
   * gradient, SGD with learning rate 0.01 and momentum 0.9; each call continues from the previous one.
   */
  | { readonly kind: "resnetStep"; readonly batch: number; readonly size: number }
  /**
   * A recurrent network without biases, `h = tanh(x w + h v)` over `steps` steps of `[batch, hidden]`:
   * its outputs, or the gradients of their sum with respect to both weights.
   */
  | {
    readonly kind: "rnn";
    readonly steps: number;
    readonly batch: number;
    readonly hidden: number;
    readonly gradients: boolean;
  }
  /**
   * A training step of a causal transformer: embeddings of tokens and positions, `layers` blocks of
   * causal attention and a perceptron of `4 * width` with gelu (the tanh approximation), a last layer
   * norm, and logits. Attention and perceptrons are pre-norm residual branches, with epsilon 1e-5. The step
   * computes the mean cross entropy with the next tokens and its gradient, and applies SGD with learning
   * rate 0.1. Each call continues from the previous one and reads the loss. Parameters and tokens are
   * `noise` of `contender.ts`, so that all contenders have the same losses.
   */
  | {
    readonly kind: "transformerStep";
    readonly layers: number;
    readonly heads: number;
    readonly width: number;
    readonly tokens: number;
    readonly batch: number;
    readonly length: number;
  }
  /** Of a symmetric positive definite matrix `[size, size]`. */
  | { readonly kind: "cholesky" | "eigh"; readonly size: number }
  /** Of a square system `[size, size]` with `columns` right-hand sides. */
  | { readonly kind: "solve"; readonly size: number; readonly columns: number }
  /**
   * The Fourier transforms of `rows` rows of `length` complex numbers, with parts of a dtype, or of real
   * ones, whose results omit the redundant half. Parts are `2 * noise - 1` of seeds 0 and 1. Results are
   * compared by their sum with weights of seed 2, real parts first. `fftLoop` transforms forward and back;
   * each call continues from the previous one, and may overwrite its result.
   */
  | {
    readonly kind: "fft" | "fftLoop";
    readonly rows: number;
    readonly length: number;
    readonly isReal: boolean;
    readonly dtype: "float32" | "float64";
  }
  /**
   * The derivative of `log1p(exp(x sin(x))) / (1 + x²)` at a scalar, or the Hessian of
   * `Σ x sin(x) + (Σ x²)²` at a vector of four; compiled once, or traced in every call.
   */
  | { readonly kind: "gradient" | "hessian"; readonly compiled: boolean }
  /** A compiled function of one scalar operation, `sin(x)`: the cost of a call. */
  | { readonly kind: "dispatch" };

/** A work, with its name in tables. */
export interface Work {
  readonly name: string;
  /** Works that the same processes do in sequence. */
  readonly group: string;
  readonly task: Task;
  /** Whether `--quick` leaves it out. */
  readonly long?: boolean;
}

const MILLION = 2 ** 20;

const convolutions: readonly (readonly [string, Omit<ConvWork, "kind" | "gradients">])[] = [
  ["3x3, 64 to 64, 16x64x16x16", square(16, 64, 16, 64, 3)],
  ["3x3, 128 to 128, 1x128x28x28", square(1, 128, 28, 128, 3)],
  ["3x3, 512 to 512, 1x512x7x7", square(1, 512, 7, 512, 3)],
  ["3x3 by 2, 64 to 128, 1x64x56x56", { ...square(1, 64, 56, 128, 3), stride: 2 }],
  ["1x1, 256 to 64, 1x256x56x56", square(1, 256, 56, 64, 1)],
  ["1x1 by 2, 64 to 128, 1x64x56x56", { ...square(1, 64, 56, 128, 1), stride: 2 }],
];

/** A convolution that preserves the size of images. */
function square(
  batch: number,
  inputs: number,
  size: number,
  outputs: number,
  kernel: number,
): Omit<ConvWork, "kind" | "gradients"> {
  return { batch, inputs, size, outputs, kernel, stride: 1, padding: (kernel - 1) / 2 };
}

/** All works, in the order of the tables. */
export const works: readonly Work[] = [
  ...[64, 128, 256, 512, 1024, 2048].map((size): Work => ({
    name: `matmul ${size}`,
    group: "matmul",
    task: { kind: "matmul", size },
    long: size > 1024,
  })),
  ...(["add", "exp", "sin", "sum", "chain", "gelu"] as const).map((operation): Work => ({
    name: `${operation} of 1M`,
    group: "elementwise",
    task: { kind: "elementwise", operation, length: MILLION },
  })),
  ...(["softmax", "layerNorm"] as const).map((kind): Work => ({
    name: `${kind === "softmax" ? "softmax" : "layer norm"} of 4096x1024`,
    group: "rows",
    task: { kind, rows: 4096, columns: 1024 },
  })),
  ...convolutions.flatMap(([name, sizes], i) =>
    [false, true].map((gradients): Work => ({
      name: `conv ${name}${gradients ? ", forward and both gradients" : ", forward"}`,
      group: "conv",
      task: { kind: "conv", ...sizes, gradients },
      long: i % 2 === 1,
    }))
  ),
  {
    name: "MLP 784-512-256-10 step, batch 128",
    group: "mlp",
    task: { kind: "mlpStep", sizes: [784, 512, 256, 10], batch: 128 },
  },
  {
    name: "transformer of 4 layers, width 128, step, 8x64 tokens",
    group: "transformer",
    task: {
      kind: "transformerStep",
      layers: 4,
      heads: 4,
      width: 128,
      tokens: 256,
      batch: 8,
      length: 64,
    },
  },
  {
    name: "ResNet-18 forward, 1x3x64x64",
    group: "resnet",
    task: { kind: "resnetForward", batch: 1, size: 64 },
  },
  {
    name: "ResNet-18 training step, 1x3x64x64",
    group: "resnet",
    task: { kind: "resnetStep", batch: 1, size: 64 },
  },
  {
    name: "ResNet-18 forward, 16x3x64x64",
    group: "resnet",
    task: { kind: "resnetForward", batch: 16, size: 64 },
    long: true,
  },
  {
    name: "ResNet-18 training step, 16x3x64x64",
    group: "resnet",
    task: { kind: "resnetStep", batch: 16, size: 64 },
    long: true,
  },
  {
    name: "ResNet-18 forward, 1x3x224x224",
    group: "resnet",
    task: { kind: "resnetForward", batch: 1, size: 224 },
    long: true,
  },
  ...[false, true].flatMap((gradients) =>
    [[1, 64, 1000], [32, 128, 200]].map(([batch, hidden, steps]): Work => ({
      name: `RNN of ${hidden}, batch ${batch}, ${steps} steps${gradients ? ", gradients" : ""}`,
      group: "rnn",
      task: { kind: "rnn", steps, batch, hidden, gradients },
    }))
  ),
  ...[100, 500].flatMap((size): Work[] => [
    { name: `cholesky ${size}`, group: "linalg", task: { kind: "cholesky", size } },
    { name: `solve ${size}, one side`, group: "linalg", task: { kind: "solve", size, columns: 1 } },
    { name: `eigh ${size}`, group: "linalg", task: { kind: "eigh", size } },
  ]),
  ...(["float32", "float64"] as const).flatMap((dtype) =>
    [false, true].flatMap((isReal) =>
      [[1024, 1024], ...[10, 12, 14, 16, 18, 20].map((bits) => [1, 2 ** bits])].map((
        [rows, length],
      ): Work => ({
        name: `${isReal ? "rfft" : "fft"} of ${rows > 1 ? `${rows}x` : ""}${length}, ${dtype}`,
        group: "fft",
        task: { kind: "fft", rows, length, isReal, dtype },
        // The other sizes show the scaling well enough.
        long: rows === 1 && length !== 65536,
      }))
    )
  ),
  ...(["float32", "float64"] as const).flatMap((dtype) =>
    [false, true].map((isReal): Work => ({
      name: `${isReal ? "rfft of 1024x1024 and irfft" : "fft of 1024x1024 and ifft"}, ${dtype}`,
      group: "fft",
      task: { kind: "fftLoop", rows: 1024, length: 1024, isReal, dtype },
    }))
  ),
  ...(["gradient", "hessian"] as const).flatMap((kind) =>
    [false, true].map((compiled): Work => ({
      name: `${kind === "gradient" ? "gradient of a scalar function" : "Hessian of 4 variables"}${
        compiled ? ", compiled" : ""
      }`,
      group: "scalar",
      task: { kind, compiled },
    }))
  ),
  { name: "call of a compiled sin(x)", group: "scalar", task: { kind: "dispatch" } },
];
