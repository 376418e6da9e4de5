/**
 * Bessel functions of doubles, of integer order.
 *
 * @module
 */

/**
 * `Σ tᵏ / (k! (k + n)!)` for `t >= 0`: the modified Bessel function `Iₙ(x)` over `(x/2)ⁿ`, for
 * `t = x²/4` (NIST Handbook, 2010, 10.25.2). The derivative by `t` is the function of order
 * `n + 1`.
 */
export function besselSeries(n: number, t: number): number {
  if (!(t >= 0)) return NaN;
  let term = 1;
  for (let k = 2; k <= n; k++) term /= k;
  // From here on the sum is infinite for all n that occur.
  if (t > 130000) return Infinity;
  let sum = term;
  for (let k = 1; term > 1e-18 * sum; k++) {
    term *= t / (k * (k + n));
    sum += term;
  }
  return sum;
}

/**
 * `1/π ∫ (cos θ - 1)ᵐ exp(x (cos θ - 1)) dθ`, θ from 0 to π, for `x >= 0`: the derivative of order
 * `m` of `exp(-x) I₀(x)`. It is a confluent hypergeometric function, `M(m + 1/2, m + 1, -2x)` times
 * its value at 0 (NIST Handbook, 2010, 13.4.1), computed by its series and asymptotic series.
 */
export function besselScaled(m: number, x: number): number {
  if (!(x >= 0)) return NaN;
  const z = 2 * x;
  if (x === Infinity) return 0;
  let factor = m % 2 === 0 ? 1 : -1;
  if (z < 40) {
    // The value at 0 is (2m)! / (2ᵐ m!²).
    for (let k = 1; k <= m; k++) factor *= (2 * k - 1) / k;
    let term = 1;
    let sum = 1;
    for (let k = 0; term > 1e-18 * sum; k++) {
      term *= (k + 0.5) / (k + m + 1) * z / (k + 1);
      sum += term;
    }
    return factor * Math.exp(-z) * sum;
  }
  // Γ(m + 1/2) / π xᵐ √2x: each factor of Γ is combined with one 1/x.
  for (let k = 1; k <= m; k++) factor *= (k - 0.5) / x;
  let term = 1;
  let sum = 1;
  for (let k = 0; k < z && Math.abs(term) > 1e-18 * Math.abs(sum); k++) {
    term *= (k + m + 0.5) * (k + 0.5) / ((k + 1) * z);
    sum += term;
  }
  return factor * sum / (Math.sqrt(2 * Math.PI) * Math.sqrt(x));
}

/** From here on Hankel's asymptotic series of orders 0 and 1 reaches double precision. */
const FAR = 25;

/** Hankel's series (NIST Handbook, 2010, 10.17.3), for `x` well above `n²/2`. */
function hankel(n: number, x: number): number {
  let [even, odd, term] = [1, 0, 1];
  for (let k = 1; k < 60; k++) {
    const next = term * (4 * n * n - (2 * k - 1) ** 2) / (8 * k * x);
    if (Math.abs(next) > Math.abs(term) && k > n) break;
    term = next;
    if (k % 2 === 1) odd += k % 4 === 1 ? term : -term;
    else even += k % 4 === 0 ? term : -term;
    if (Math.abs(term) < 1e-18) break;
  }
  // The angle x - (2n + 1) π/4, in parts.
  const [c, s] = [Math.cos(x), Math.sin(x)];
  const [cosine, sine] = [[c + s, s - c], [s - c, -c - s], [-c - s, c - s], [c - s, c + s]][n % 4];
  return (even * cosine - odd * sine) / Math.sqrt(Math.PI * x);
}

/** Miller's method: the recurrence downwards, scaled by the sum of all even orders (10.12.4). */
function miller(n: number, x: number): number {
  const top = Math.max(n, x);
  const start = 2 * Math.ceil((top + 20 + 2 * Math.sqrt(20 * top)) / 2);
  let [above, value, sum, result] = [0, 1e-300, 0, 0];
  for (let k = start; k > 0; k--) {
    [above, value] = [value, 2 * k / x * value - above];
    if (Math.abs(value) > 1e250) {
      above *= 1e-300;
      value *= 1e-300;
      sum *= 1e-300;
      result *= 1e-300;
    }
    if (k - 1 === n) result = value;
    if (k % 2 === 1) sum += (k === 1 ? 1 : 2) * value;
  }
  return result / sum;
}

/** The Bessel function `Jₙ(x)` for integer `n >= 0`. */
export function besselJ(n: number, x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 0) return n % 2 === 0 ? besselJ(n, -x) : -besselJ(n, -x);
  if (x === Infinity) return 0;
  if (x * x <= 4 * (n + 1)) {
    let term = 1;
    for (let k = 1; k <= n; k++) term *= x / (2 * k);
    let sum = term;
    for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(sum); k++) {
      term *= -x * x / (4 * k * (k + n));
      sum += term;
    }
    return sum;
  }
  if (x > Math.max(FAR, n * n / 2)) return hankel(n, x);
  if (x <= FAR || n >= x) return miller(n, x);
  let [below, value] = [hankel(0, x), hankel(1, x)];
  for (let k = 1; k < n; k++) [below, value] = [value, 2 * k / x * value - below];
  return value;
}
