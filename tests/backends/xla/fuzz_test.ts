/**
 * Random calls of the PJRT client, each sequence in a process of its own, since what it looks for are
 * crashes. `deno run -A tests/backends/xla/fuzz.ts SEED COUNT` repeats one, with TRACE=1 aloud.
 *
 * @module
 */
import { assertEquals } from "../../support/std.ts";
import { mayRun } from "./plugin.ts";

const SEEDS = [1, 2, 3, 4];

for (const seed of SEEDS) {
  Deno.test({
    name: `right and wrong calls in random order neither crash nor go wrong, seed ${seed}`,
    ignore: !mayRun,
    fn: async () => {
      const script = new URL("fuzz.ts", import.meta.url);
      const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        // With this flag the collector runs at the worst moments.
        args: [
          "run",
          "-A",
          "--no-check",
          ...(seed % 2 ? [] : ["--v8-flags=--expose-gc"]),
          script.href,
          String(seed),
          "200",
        ],
        env: { NO_COLOR: "1", TF_CPP_MIN_LOG_LEVEL: "3" },
      }).output();
      const decoder = new TextDecoder();
      assertEquals([code, signal], [0, null], decoder.decode(stderr));
      const [, done, refused] = decoder.decode(stdout).match(/^(\d+) operations, (\d+) errors\n$/)!;
      assertEquals(Number(done) + Number(refused), 200);
    },
  });
}
