import { add, scan } from "../../mod.ts";
import { assertNear } from "../laws/assertions.ts";
import {
  checkBatch,
  checkFirstOrder,
  checkJit,
  checkNestedBatch,
  checkPrograms,
  checkSecondOrder,
} from "../laws/laws.ts";
import { makeRandom } from "../laws/values.ts";
import { assertEquals } from "../support/std.ts";
import { subjectsOf } from "./subjects.ts";

// Every form of control flow obeys the laws of primitives, and has the same results as plain code.

for (const [name, { f, plain, make }] of Object.entries(subjectsOf("float64"))) {
  Deno.test(`${name} obeys the laws of primitives`, () => {
    const random = makeRandom(name.length);
    for (let round = 0; round < 3; round++) {
      const args = make(random);
      if (name !== "scan of no steps") {
        const [own, expected] = [f(args), plain(args)];
        assertNear(own, expected, 1e-13, `${name}: value`);
      }
      checkFirstOrder(f, args, random, name);
    }
    checkSecondOrder(f, make(random), random, name);
    checkBatch(f, make, random, 1e-13, `${name}: vmap`);
    checkNestedBatch(f, make, random, 1e-13, `${name}: vmap of vmap`);
    checkPrograms(f, make, random, name);
    checkJit(f, make, random, name);
  });
}

Deno.test("control flow may be handed a tree of nothing", () => {
  const [carry, ys] = scan((carry, _) => [carry, []], {}, null, { length: 3 });
  assertEquals([carry, ys], [{}, []]);
  assertEquals(add(1, 1).item(), 2);
});
