import { inspect, jit, makeProgram, matmul, nn, ones, scan, TensorType } from "../../mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused } from "../support/errors.ts";

const matrix = new TensorType("float32", [256, 256]);

Deno.test("kernels lists what a program runs, with estimates", () => {
  const program = makeProgram((x, y) => nn.relu(matmul(x, y).add(1)))(matrix, matrix);
  const { kernels, steps, workspace, code } = inspect.kernels(program);
  assertEquals(kernels.map(({ name }) => name), ["contract", "add lessEqual select"]);
  assertEquals(kernels[0].operations, 2 * 256 ** 3);
  assertEquals(kernels[0].bytes, 3 * 4 * 256 ** 2);
  assert(kernels[0].chunks > 1 && kernels[1].isFused);
  assert(steps >= 1 && workspace > 0 && code > 1000);
});

Deno.test("the kernels print as a table", () => {
  const program = makeProgram((x) => x.mul(2).exp())(new TensorType("float32", [10]));
  const [head, row, last] = String(inspect.kernels(program)).split("\n");
  assertEquals(head, "kernel   operations  bytes  chunks");
  assertEquals(row.startsWith("mul exp  "), true);
  assert(/^1 steps, [\d,]+ bytes of workspace, [\d,]+ bytes of code$/.test(last), last);
});

Deno.test("passes shows the program behind each pass", () => {
  const program = makeProgram((x) => x.mul(1).add(x.mul(1)))(new TensorType("float32", [2]));
  const after = inspect.passes(program);
  assertEquals(after.map(({ name }) => name).slice(0, 3), [
    "inlineCalls",
    "widen",
    "expandComposites",
  ]);
  assertEquals(String(after.at(-1)!.program), String(inspect.optimize(program)));
  assertEquals(after[0].program.equations.length, 3);
  assertEquals(after.at(-1)!.program.equations.length, 1);
});

Deno.test("memoryUsage tells what linear memory holds", () => {
  const large = jit((x) => x.add(1))(ones([100_000]));
  const { held, peak, limit, residents } = inspect.memoryUsage();
  assert(held >= large.size * 4 && peak >= held && limit >= held && residents >= 1);
});

Deno.test("what is no program is refused", () => {
  assertRefused(
    () => inspect.kernels(7 as never),
    TypeError,
    "Cannot list the kernels of 7: expected a program; makeProgram(f)(...args) makes one",
  );
  assertRefused(
    () => inspect.passes(null as never),
    TypeError,
    "Cannot optimize null: expected a program; makeProgram(f)(...args) makes one",
  );
});

Deno.test("a loop is followed by the kernels of its body, and counts them for all rounds", () => {
  const program = makeProgram((w, xs) =>
    scan((h, x) => [matmul(w, h).add(x), h.sum()], xs.max(0), xs)
  )(
    new TensorType("float32", [32, 32]),
    new TensorType("float32", [20, 32]),
  );
  const { kernels, steps } = inspect.kernels(program);
  const loop = kernels.findIndex(({ name }) => name === "scan of 20");
  assertEquals(kernels[loop].depth, 0);
  const inside = kernels.slice(loop + 1);
  assertEquals(inside.map(({ name }) => name).toSorted(), ["add", "contract", "straight"]);
  assertEquals(inside.map(({ depth }) => depth), [1, 1, 1]);
  assertEquals(
    kernels[loop].operations,
    20 * inside.reduce((sum, { operations }) => sum + operations, 0),
  );
  assertEquals(steps, 1);
  const lines = String(inspect.kernels(program)).split("\n");
  assertEquals(lines.filter((line) => line.startsWith("  contract ")).length, 1);
  // Two for each product and one for each sum, in every step, and one for each element of the maximum.
  assertEquals(inspect.countFlops(program), 20 * (2 * 1024 + 32 + 32) + 640);
  const counts = inspect.countOperations(program);
  assertEquals([counts.scan, counts.contract, counts.reduceSum], [1, 1, 1]);
});
