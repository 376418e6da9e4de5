/**
 * One process of two or more, started by `hosts_test.ts`: with `store` it talks to the store alone, with
 * `client` a plugin asks it while its client is made. Arguments: what, the node's number, the count of
 * nodes, the store's address. It prints what it has got from the node before it.
 *
 * @module
 */
import { joinRun } from "../../../src/backends/xla/hosts/join.ts";
import { connectStore } from "../../../src/backends/xla/mod.ts";
import { Client } from "../../../src/backends/xla/pjrt/mod.ts";
import { AskingPlugin, PluginStore } from "./hosts_plugin.ts";
import { testPlugin } from "./plugin.ts";

const [what, id, count, address] = Deno.args;
const [nodeId, nodeCount] = [Number(id), Number(count)];
const previous = (nodeId + nodeCount - 1) % nodeCount;
const own = new TextEncoder().encode(`the devices of ${nodeId}`);

if (what === "store") {
  const store = await connectStore(address, { nodeId, nodeCount });
  await store.put(`node/${nodeId}`, own);
  console.log(new TextDecoder().decode(await store.get(`node/${previous}`, 20_000)));
  await store.put(`done/${nodeId}`, own);
  // Whoever serves the store ends it when all have what they need.
  await store.get("end", 20_000).catch(() => {});
  store.close();
} else {
  const plugin = testPlugin();
  const node = { nodeId, nodeCount, store: address, timeoutMs: 20_000 };
  const functions = joinRun(node, plugin.path, "Cannot join");
  const { api } = new AskingPlugin(plugin.api, (functions) => {
    const store = new PluginStore(functions);
    store.put(`topology/${nodeId}`, own);
    const outcome = store.get(`topology/${previous}`, 20_000);
    console.log("value" in outcome ? outcome.value : outcome.message);
    store.put(`done/${nodeId}`, own);
    for (let i = 0; i < nodeCount; i++) store.get(`done/${i}`, 20_000);
    store.close();
  });
  const client = new Client(api, {}, functions);
  const x = client.upload(Float32Array.of(1, 2, 3), "float32", [3], client.devices[0]);
  const into = new Float32Array(3);
  x.read(into);
  client.close();
  if (into.join() !== "1,2,3") throw new Error(`Read ${into}`);
}
