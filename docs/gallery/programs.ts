/**
 * The programs of the gallery: their order, titles and summaries.
 *
 * A program is a file of this folder. Its first comment is its title, its second one a sentence about it.
 *
 * @module
 */

/** The names of the programs, without `.ts`, by category, in display order. */
export const categories: Readonly<Record<string, readonly string[]>> = {
  "Transforms": [
    "gradient",
    "jvp_and_vjp",
    "hessian",
    "vmap",
    "per_sample_gradients",
    "jit",
    "scan",
    "control_flow",
    "custom_rule",
    "checkpoint",
    "webgpu",
  ],
  "Regression and classification": [
    "linear_regression",
    "logistic_regression",
    "moons",
    "digits",
    "gaussian_process",
    "bayesian_regression",
    "lora",
    "maml",
    "mixed_precision",
  ],
  "Unsupervised learning": ["pca", "kmeans", "tsne"],
  "Sequences": ["rnn", "transformer", "kalman_filter", "hidden_markov"],
  "Generative models": ["autoencoder", "gan", "flow", "diffusion"],
  "Physics and control": [
    "pendulum_control",
    "cart_pole",
    "n_body",
    "double_pendulum",
    "cloth",
    "fluid",
    "heat_control",
    "lotka_volterra",
    "neural_ode",
  ],
  "Optimisation and fixed points": [
    "rosenbrock",
    "implicit_differentiation",
    "hessian_eigenvalues",
    "sinkhorn",
    "pagerank",
  ],
  "Images and signals": [
    "mandelbrot",
    "newton_fractal",
    "game_of_life",
    "fft_filter",
    "deblurring",
    "phase_retrieval",
    "texture",
  ],
};

/** A program of the gallery. */
export interface GalleryProgram {
  readonly name: string;
  readonly category: string;
  readonly title: string;
  readonly summary: string;
  readonly source: string;
}

/**
 * Takes a program's title and summary from its first two lines.
 *
 * @throws {Error} when these lines are not comments.
 */
export function describeProgram(name: string, category: string, source: string): GalleryProgram {
  const [, title, summary] = /^\/\/ (.+)\n\/\/ (.+)\n/.exec(source) ?? [];
  if (title === undefined) {
    throw new Error(`Cannot describe ${name}: expected two comments at its beginning`);
  }
  return { name, category, title, summary, source };
}
