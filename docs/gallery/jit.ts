// Compilation with jit
// Trace a function once, compile it to WebAssembly, and compare times and operation counts.
import { grad, inspect, jit, makeProgram, random } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, graph, table } from "./show.ts";

/** An activation made of many small operations. */
const gelu = (x: Tensor) =>
  x.add(x.pow(3).mul(0.044715)).mul(Math.sqrt(2 / Math.PI)).tanh().add(1).mul(x).div(2);
const slope = grad((x: Tensor) => gelu(x).sum());
const compiled = jit(slope);

const x = random.normal(random.key(0), [300_000]);
const [plain, fast] = [slope(x), compiled(x)];
check(plain.sub(fast).abs().max().item() < 1e-5, "compiled and evaluated results agree");

function milliseconds(f: () => Tensor): number {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    f().at(0).item();
    return performance.now() - start;
  });
  return Math.min(...times);
}
await table([
  { run: "operation by operation", milliseconds: milliseconds(() => slope(x)) },
  { run: "compiled", milliseconds: milliseconds(() => compiled(x)) },
], "The gradient of 300,000 activations");

const program = makeProgram(slope)(x);
const before = inspect.countOperations(program);
const after = inspect.countOperations(inspect.optimize(program));
const count = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b);
console.log(`${count(before)} operations as traced, ${count(after)} after simplification`);
await graph(inspect.optimize(makeProgram(grad((x: Tensor) => gelu(x)))(1)), "The gradient of gelu");
