/**
 * Functions in WGSL: what the language leaves to drivers, written so that all of them agree. Drivers may
 * take `x != x` for false and `max(NaN, 1)` for 1, so NaN is found by its bits.
 *
 * @module
 */

/** A function and those that it calls. */
interface Source {
  readonly code: string;
  readonly calls?: readonly string[];
}

/** The functions by name. */
const sources: Readonly<Record<string, Source>> = {
  nan: { code: "fn nan() -> f32 { return bitcast<f32>(0x7fc00000u | zero()); }" },
  infinity: { code: "fn infinity() -> f32 { return bitcast<f32>(0x7f800000u | zero()); }" },
  is_nan: {
    code: "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
  },
  // NaN if either is; of zeros, +0 is the larger.
  maximum: {
    calls: ["is_nan"],
    code: `fn maximum(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  if (x == y) { return bitcast<f32>(bitcast<u32>(x) & bitcast<u32>(y)); }
  return select(y, x, x > y);
}`,
  },
  minimum: {
    calls: ["is_nan"],
    code: `fn minimum(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  if (x == y) { return bitcast<f32>(bitcast<u32>(x) | bitcast<u32>(y)); }
  return select(y, x, x < y);
}`,
  },
};

/** Their text, each once and after those that it calls. */
export function functionsOf(names: Iterable<string>): readonly string[] {
  const written = new Map<string, string>();
  const write = (name: string): void => {
    if (written.has(name)) return;
    const { code, calls = [] } = sources[name];
    calls.forEach(write);
    written.set(name, code);
  };
  for (const name of names) write(name);
  return [...written.values()];
}
