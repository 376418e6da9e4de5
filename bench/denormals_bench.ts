/**
 * What is the cost of denormal numbers?
 *
 *     deno bench bench/denormals_bench.ts
 *
 * WebAssembly has IEEE's denormals and no way to turn them off. Processors differ: on some, an
 * instruction with a denormal operand takes more than a hundred cycles, on others nothing extra. Each
 * group does the same work on ordinary numbers first.
 *
 * - product: 512 x 512 matrices, without and with a tenth of denormal elements, and of tiny ones
 * - exp: of a million numbers, with normal results, and with denormal ones
 * - mul: of a million numbers
 */
import { configure, jit, matmul, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

configure({ threads: 1 });

const types = [
  { dtype: "float32", denormal: 1e-40, tiny: 1e-20, low: -95 },
  { dtype: "float64", denormal: 1e-310, tiny: 1e-155, low: -720 },
] as const;

const size = 512;
const count = 1_000_000;

/** Numbers around zero, every tenth of them multiplied by `rare`. */
function numbers(length: number, dtype: "float32" | "float64", rare: number): Tensor {
  const values = Float64Array.from({ length }, (_, i) => {
    const value = (i * 0.618034) % 1 - 0.5;
    return (i * 7919) % 10 === 0 ? rare * value : value;
  });
  return tensor(values, { dtype });
}

for (const { dtype, denormal, tiny, low } of types) {
  const matrix = (rare: number) => numbers(size * size, dtype, rare).reshape([size, size]);
  const product = jit((x: Tensor, y: Tensor) => matmul(x, y));
  const sumOfExp = jit((x: Tensor) => x.exp().sum());
  const double = jit((x: Tensor) => x.mul(2).sum());
  const ordinary = matrix(1);

  const group = `product of ${dtype}`;
  for (
    const [name, x, y] of [
      ["ordinary", ordinary, ordinary],
      ["a tenth is denormal on the left", matrix(denormal), ordinary],
      ["a tenth is denormal on the right", ordinary, matrix(denormal)],
      ["a tenth is tiny, with denormal products", matrix(tiny), matrix(tiny)],
    ] as const
  ) {
    const baseline = name === "ordinary";
    Deno.bench(name, { group, baseline }, () => void product(x, y));
  }

  const vector = numbers(count, dtype, 1);
  for (
    const [name, x] of [["ordinary results", vector], [
      "denormal results",
      vector.mul(0.01).add(low),
    ]] as const
  ) {
    const baseline = x === vector;
    const group = `exp of ${dtype}`;
    Deno.bench(name, { group, baseline }, () => void sumOfExp(x).item());
  }
  for (const [name, x] of [["ordinary", vector], ["denormal", vector.mul(denormal)]] as const) {
    const baseline = x === vector;
    Deno.bench(name, { group: `mul of ${dtype}`, baseline }, () => void double(x).item());
  }
}
