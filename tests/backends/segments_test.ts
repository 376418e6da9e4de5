/**
 * Programs divided between a device and the evaluator: as few parts as what depends on what lets.
 *
 * @module
 */
import { debugCallback, makeProgram, TensorType } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { divide } from "../../src/backends/segments.ts";
import type { Equation } from "../../src/core/program.ts";
import { typeOf } from "../../src/core/program.ts";
import { assertEquals } from "../support/std.ts";

/** A device without float64 and effects. */
const isOnDevice = ({ inputs, outputs }: Equation) =>
  outputs.length > 0 && [...inputs, ...outputs].every((atom) => typeOf(atom).dtype !== "float64");

const kindsOf = (f: (...args: Tensor[]) => unknown, ...types: readonly TensorType[]) =>
  divide(makeProgram(f as never)(...types), isOnDevice).map(({ isOnDevice }) => isOnDevice);

const large = new TensorType("float32", [100]);
const count = new TensorType("int32", []);

Deno.test("a count of steps and decays of it are computed before all else, without the device", () => {
  const step = (x: Tensor, count: Tensor) => {
    const next = count.add(1);
    const decay = next.astype("float64").exp().astype("float32");
    const y = x.mul(2);
    return [y.mul(decay), y.add(next.astype("float64").sin().astype("float32")), next];
  };
  assertEquals(kindsOf(step, large, count), [false, true]);
});

Deno.test("what leads from large arguments to float64 stays on the device", () => {
  const f = (x: Tensor) => x.mul(x.sum().add(1).astype("float64").sin().astype("float32"));
  assertEquals(kindsOf(f, large), [true, false, true]);
  const several = (x: Tensor) => {
    const [a, b] = [x.sum(), x.max()].map((one) => one.astype("float64").sin().astype("float32"));
    return x.mul(a).add(x.sub(1).mul(b));
  };
  assertEquals(kindsOf(several, large), [true, false, true]);
});

Deno.test("callbacks keep their order", () => {
  const order: string[] = [];
  const say = (name: string, x: Tensor) => debugCallback(() => order.push(name), x);
  const f = (x: Tensor, count: Tensor) => {
    say("first", x.sum());
    say("second", count.add(1));
    const y = x.mul(2).max();
    say("third", y);
    say("fourth", count);
    return y.astype("float64").sin();
  };
  const program = makeProgram(f)(large, count);
  for (const part of divide(program, isOnDevice)) {
    for (const { primitive, inputs } of part.program.equations) {
      if (primitive.isEffectful) order.push(String(typeOf(inputs[0]).dtype));
    }
  }
  assertEquals(order, ["float32", "int32", "float32", "int32"]);
});
