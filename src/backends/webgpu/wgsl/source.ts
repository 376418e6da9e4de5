/**
 * The format of WGSL functions in tables.
 *
 * @module
 */

/** A declaration and the names of those that it uses. */
export interface Source {
  readonly code: string;
  readonly calls?: readonly string[];
}

/** Declarations by name. */
export type Sources = Readonly<Record<string, Source>>;

/** A float32 literal that compilers accept; NaN and infinities must be created at run time. */
export function float(value: number): string {
  const rounded = Math.fround(value);
  const [bits] = new Uint32Array(Float32Array.of(rounded).buffer);
  if (!Number.isFinite(rounded)) return `bitcast<f32>(0x${bits.toString(16)}u | zero())`;
  const size = Math.abs(rounded);
  // Rounded decimals of the largest numbers would exceed them.
  const isPlain = Object.is(rounded, 0) || size >= 2 ** -126 && size < 2 ** 127;
  if (!isPlain) return `bitcast<f32>(0x${bits.toString(16)}u)`;
  // The shortest decimal that rounds to this float.
  let text = String(rounded);
  for (let digits = 1; digits <= 9; digits++) {
    if (Math.fround(Number(rounded.toPrecision(digits))) !== rounded) continue;
    text = String(Number(rounded.toPrecision(digits)));
    break;
  }
  return `${text}f`;
}

/** The sum of `coefficients[i] * x ** i`, by Horner's rule; `x` is a name. */
export function polynomial(coefficients: readonly number[], x: string): string {
  return coefficients.map(float).reduceRight((sum, coefficient) =>
    `fma(${sum}, ${x}, ${coefficient})`
  );
}
