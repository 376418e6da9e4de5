import { configure, jit, tensor } from "../mod.ts";
import { threadCount } from "../src/backends/wasm/threads/threads.ts";
import { assertEquals } from "./support/std.ts";
import { assertRefused } from "./support/errors.ts";

Deno.test("configure chooses the number of threads, and leaves what it is not given", () => {
  const before = threadCount();
  try {
    configure({ threads: 3 });
    assertEquals(threadCount(), 3);
    configure({});
    assertEquals(threadCount(), 3);
    assertEquals(jit((x) => x.mul(2))(tensor([1, 2])).toArray(), [2, 4]);
  } finally {
    configure({ threads: before });
  }
});

Deno.test("configure refuses what it cannot do", () => {
  assertRefused(
    () => configure({ threads: 0 }),
    TypeError,
    "Cannot configure threads: threads must be an integer from 1 to 256, got 0",
  );
  assertRefused(
    () => configure({ memoryLimit: 10 }),
    TypeError,
    "Cannot configure the memory: memoryLimit must be an integer from 65536 to 4294901760, got 10",
  );
  assertRefused(
    () => configure({ threds: 1 } as never),
    TypeError,
    'Cannot configure: there is no option "threds", the options are threads, memoryLimit, ' +
      "defaultFloat, device, debugNaNs, debugInfinities, warnings",
  );
});
