/**
 * What is the cost of tracing? A chain of 100 operations on scalars, so that the arithmetic is
 * negligible: divide a figure by 100 for the time per operation.
 *
 *     deno bench bench/tracing_bench.ts
 *
 * - plain JavaScript: the arithmetic alone
 * - plain: eager operations
 * - jvp: value and tangent
 * - vjp: value, tape and pullback
 * - grad: as vjp, with the checks of a scalar function
 * - grad of grad: two tapes
 * - vmap: a batch of 8
 * - makeProgram: staging
 */
import { grad, jvp, makeProgram, mul, ones, sin, tensor, vjp, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const OPERATIONS = 100;

/** Products and sines in turn, 100 in all. */
function chain(x: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < OPERATIONS / 2; i++) y = sin(mul(y, x));
  return y;
}

function plainChain(x: number): number {
  let y = x;
  for (let i = 0; i < OPERATIONS / 2; i++) y = Math.fround(Math.sin(Math.fround(y * x)));
  return y;
}

const x = tensor(1.5);
const one = tensor(1);
const batch = ones([8]);
const gradient = grad(chain);
const second = grad(gradient);
const mapped = vmap(chain);
const mappedGradient = vmap(gradient);
const program = makeProgram(chain);

const group = "100 scalar operations";

Deno.bench("plain", { group, baseline: true }, () => {
  chain(x);
});
Deno.bench("plain JavaScript", { group }, () => {
  plainChain(1.5);
});
Deno.bench("jvp", { group }, () => {
  jvp(chain, [x], [one]);
});
Deno.bench("vjp", { group }, () => {
  vjp(chain, x)[1](one);
});
Deno.bench("grad", { group }, () => {
  gradient(x);
});
Deno.bench("grad of grad", { group }, () => {
  second(x);
});
Deno.bench("vmap of 8", { group }, () => {
  mapped(batch);
});
Deno.bench("vmap of grad, of 8", { group }, () => {
  mappedGradient(batch);
});
Deno.bench("makeProgram", { group }, () => {
  program(x);
});
