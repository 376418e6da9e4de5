import { arange, data, io, tensor, train } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertEquals } from "../support/std.ts";

const { state } = await Deno.permissions.query({ name: "write" });
const isAllowed = state === "granted";

Deno.test({
  name: isAllowed
    ? "checkpoints in a folder are written whole, the newest are kept, and training goes on from them"
    : "checkpoints in a folder (needs --allow-read --allow-write)",
  ignore: !isAllowed,
  async fn() {
    const root = await Deno.makeTempDir();
    try {
      const paths = [`${root}/a/b`, `${root}/c/`, new URL(`file://${root}/d e`)];
      for (const path of paths) {
        const options = {
          step: (state: Tensor, x: Tensor) => [state.add(x.sum()), {}] as const,
          state: tensor(0),
          batches: data.batches(arange(10), { batchSize: 1 }),
          epochs: 1,
          checkpoints: train.folder(path, { every: 2, keep: 3 }),
        };
        const controller = new AbortController();
        const first = train.loop({
          ...options,
          every: 1,
          progress: ({ step }) => step === 7 && controller.abort(),
          signal: controller.signal,
        });
        await first.finish().catch(() => {});
        const folder = path instanceof URL ? path.pathname.replace("%20", " ") : path;
        const names = () => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
        const name = (step: number) => `step-${String(step).padStart(10, "0")}.safetensors`;
        assertEquals(names(), [4, 6, 7].map(name));
        const saved = io.loadTree<{ step: number }>(Deno.readFileSync(`${folder}/${name(7)}`));
        assertEquals(saved.step, 7);
        const second = train.loop(options);
        assertTensorsClose(await second.finish(), 45);
        assertEquals([second.step, second.history.length], [10, 1 + 7]);
        assertEquals(names(), [7, 8, 10].map(name));
        // A training that does not begin there keeps its own, and removes none of later steps.
        const { save } = train.folder(path, { keep: 2 });
        await train.loop({ ...options, steps: 6, checkpoints: { every: 2, save } }).finish();
        assertEquals(names(), [4, 6, 7, 8, 10].map(name));
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
