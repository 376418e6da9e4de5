/**
 * Several processes: the store that they share, and the functions by which a plugin asks it. XLA's plugin
 * for CPUs asks for nothing, so calls are made as a plugin makes them.
 *
 * @module
 */
import { tensor, toDevice } from "../../../mod.ts";
import { parseEndpoint, showEndpoint } from "../../../src/backends/xla/hosts/connection.ts";
import { joinRun } from "../../../src/backends/xla/hosts/join.ts";
import { decodeRequest, encodeRequest } from "../../../src/backends/xla/hosts/store.ts";
import { closeXla, connectStore, openXla, serveStore } from "../../../src/backends/xla/mod.ts";
import type { KeyValueStore, StoreServer } from "../../../src/backends/xla/mod.ts";
import { XlaError } from "../../../src/base/errors.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../support/std.ts";
import { PluginStore } from "./hosts_plugin.ts";
import { mayRun, testPlugin } from "./plugin.ts";

const mayConnect = mayRun && Deno.permissions.querySync({ name: "net" }).state === "granted";

const text = (value: string) => new TextEncoder().encode(value);

Deno.test("an address of a store is a name or a number, and a port", () => {
  const what = "Cannot go there";
  for (const address of ["10.0.0.1:8476", "node-0.example:1", "[::1]:65535"]) {
    assertEquals(showEndpoint(parseEndpoint(address, what)), address);
  }
  for (const address of ["", "here", ":80", "a:0", "a:65536", "::1:80", "a b:80", "http://a:80"]) {
    assertThrows(
      () => parseEndpoint(address, what),
      TypeError,
      `Cannot go there: expected the address of a store such as "10.0.0.1:8476", got ` +
        JSON.stringify(address),
    );
  }
});

Deno.test("requests are read as they were written, and what is cut short is none", () => {
  const request = { id: 2 ** 32 - 1, kind: 3, number: 7, key: "Ä/0", value: text("value") };
  const bytes = encodeRequest(request);
  assertEquals(decodeRequest(bytes), request);
  for (let size = 0; size < bytes.length - 5; size++) {
    assertEquals(decodeRequest(bytes.subarray(0, size)), null);
  }
});

Deno.test("what is no node, store or option is refused before anything is done", async () => {
  const refuse = (options: object, fault: string) =>
    assertRejects(
      () => connectStore("10.0.0.1:8476", options as never),
      TypeError,
      `Cannot connect with a store: ${fault}`,
    );
  await refuse({ nodeId: 0 }, "nodeCount must be a positive integer, got undefined");
  await refuse({ nodeId: 0, nodeCount: 1.5 }, "nodeCount must be a positive integer, got 1.5");
  await refuse({ nodeId: 2, nodeCount: 2 }, "nodeId must be an integer from 0 to 1, got 2");
  await refuse({ nodeId: "0", nodeCount: 2 }, 'nodeId must be an integer from 0 to 1, got "0"');
  await refuse({ nodeId: 0, nodeCount: 2, timeoutMs: -1 }, "timeoutMs must be a number of");
  await refuse({ nodeId: 0, nodeCount: 2, time: 1 }, 'there is no option "time"');
  const what = "Cannot serve a store";
  assertThrows(
    () => serveStore({ nodeCount: 0 }),
    TypeError,
    `${what}: nodeCount must be a positive integer, got 0`,
  );
  assertThrows(
    () => serveStore({ nodeCount: 1, port: 70000 }),
    TypeError,
    `${what}: port must be an integer from 0 to 65535, got 70000`,
  );
  assertThrows(
    () => serveStore({ nodeCount: 1, hostname: 4 as never }),
    TypeError,
    `${what}: hostname must be text, got 4`,
  );
});

/** A test with a store for so many nodes. */
function storeTest(
  name: string,
  nodeCount: number,
  run: (server: StoreServer) => Promise<void>,
): void {
  const fn = async () => {
    const server = serveStore({ nodeCount });
    try {
      await run(server);
    } finally {
      server.close();
    }
  };
  Deno.test({ name, ignore: !mayConnect, fn });
}

async function withStores(
  { address }: StoreServer,
  nodeCount: number,
  run: (...stores: KeyValueStore[]) => Promise<void>,
): Promise<void> {
  const ids = Array.from({ length: nodeCount }, (_, nodeId) => nodeId);
  const stores = await Promise.all(
    ids.map((nodeId) => connectStore(address, { nodeId, nodeCount })),
  );
  try {
    await run(...stores);
  } finally {
    for (const store of stores) store.close();
  }
}

async function rejection(promise: Promise<unknown>): Promise<[string, string]> {
  const { code, message } = await assertRejects(() => promise, XlaError) as XlaError;
  return [code, message.replace(/127\.0\.0\.1:\d+/, "HERE")];
}

storeTest(
  "a key that one node puts is there for all, also for those that wait",
  2,
  async (server) => {
    await withStores(server, 2, async (first, second) => {
      assertEquals(await second.tryGet("a"), null);
      const waiting = [second.get("a", 20_000), second.get("a", 20_000), first.get("a", 20_000)];
      await first.put("a", text("1"));
      for (const value of await Promise.all(waiting)) assertEquals(value, text("1"));
      assertEquals(await second.tryGet("a"), text("1"));
      const large = Uint8Array.from({ length: 3_000_000 }, (_, i) => i * i);
      await second.put("empty", new Uint8Array(0));
      await second.put("large", large);
      assertEquals(await first.get("empty", 0), new Uint8Array(0));
      assertEquals(await first.get("large", 0), large);
    });
  },
);

storeTest("a key is put once, and a wait has an end", 2, async (server) => {
  await withStores(server, 2, async (first, second) => {
    await first.put("a", text("1"));
    await second.put("a", text("1"));
    assertEquals(await rejection(second.put("a", text("2"))), [
      "ALREADY_EXISTS",
      'Cannot put "a" into the store at HERE: it is there with another value',
    ]);
    assertEquals(await rejection(second.get("b", 30)), [
      "DEADLINE_EXCEEDED",
      'Cannot get "b" from the store at HERE: no process has put it within 30 ms',
    ]);
    // The store is none the worse for it.
    await first.put("b", text("3"));
    assertEquals(await second.get("b", 30), text("3"));
    await assertRejects(
      () => first.get("", 1),
      TypeError,
      "expected a key of 1 to 65536 characters",
    );
    await assertRejects(
      () => first.get("a", NaN),
      TypeError,
      "timeoutMs must be a number of milliseconds, got NaN",
    );
    await assertRejects(
      () => first.put("a", [1] as never),
      TypeError,
      "expected a Uint8Array, got [1]",
    );
    await assertRejects(
      () => first.put("c", new Uint8Array(2 ** 25 + 1)),
      TypeError,
      "it has 33554433 bytes, of at most 33554432",
    );
  });
});

storeTest(
  "a node of another run, or one that is there already, is not let in",
  2,
  async (server) => {
    const { address } = server;
    const first = await connectStore(address, { nodeId: 0, nodeCount: 2 });
    assertEquals(await rejection(connectStore(address, { nodeId: 0, nodeCount: 3 })), [
      "INVALID_ARGUMENT",
      "Cannot join the store at HERE: it is for 2 nodes, and this one says 3",
    ]);
    assertEquals(await rejection(connectStore(address, { nodeId: 0, nodeCount: 2 })), [
      "ALREADY_EXISTS",
      "Cannot join the store at HERE: another process is node 0, each needs its own nodeId",
    ]);
    first.close();
    (await connectStore(address, { nodeId: 0, nodeCount: 2 })).close();
  },
);

storeTest(
  "what a store that ends had to answer is an error, and so is what is asked then",
  1,
  async (server) => {
    const store = await connectStore(server.address, { nodeId: 0, nodeCount: 1 });
    const waiting = rejection(store.get("a", 20_000));
    await store.tryGet("a");
    server.close();
    assertEquals(await waiting, [
      "UNAVAILABLE",
      'Cannot get "a" from the store at HERE: it has closed the connection',
    ]);
    assertEquals(await rejection(store.put("a", text("1"))), [
      "UNAVAILABLE",
      'Cannot put "a" into the store at HERE: it has closed the connection',
    ]);
    const late = connectStore(server.address, { nodeId: 0, nodeCount: 1, timeoutMs: 0 });
    assertEquals((await rejection(late))[0], "UNAVAILABLE");
  },
);

storeTest("bytes that are no requests end their connection alone", 1, async (server) => {
  await withStores(server, 1, async (store) => {
    await store.put("a", text("1"));
    const [hostname, port] = server.address.split(":");
    let state = 1;
    const random = () => (state = Math.imul(state, 48271) & 0x7fffffff) / 2 ** 31;
    for (let round = 0; round < 100; round++) {
      const socket = await Deno.connect({ hostname, port: Number(port) });
      const body = Uint8Array.from({ length: Math.floor(random() * 60) }, () => random() * 256);
      // Half of them are whole messages.
      const head = new Uint8Array(Uint32Array.of(body.length).buffer);
      const bytes = round % 2 ? body : Uint8Array.of(...head, ...body);
      await socket.write(bytes.length === 0 ? Uint8Array.of(255) : bytes).catch(() => {});
      await socket.closeWrite().catch(() => {});
      const answer = new Uint8Array(1000);
      const count = await socket.read(answer).catch(() => null);
      // What is a request but no greeting is told so.
      if (count !== null) assertEquals(answer[8], 3);
      socket.close();
    }
    assertEquals(await store.get("a", 1000), text("1"));
  });
});

/** Starts processes, and gives what each of them has printed. */
async function runNodes(what: string, ids: readonly number[], count: number, address: string) {
  const script = new URL("hosts_node.ts", import.meta.url).href;
  const outputs = await Promise.all(ids.map((id) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, what, String(id), String(count), address],
      env: { NO_COLOR: "1", TF_CPP_MIN_LOG_LEVEL: "3" },
    }).output()
  ));
  return outputs.map(({ code, stdout, stderr }) => {
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
    return decoder.decode(stdout).trim();
  });
}

storeTest("two processes exchange what they have", 2, async (server) => {
  const child = runNodes("store", [1], 2, server.address);
  const store = await connectStore(server.address, { nodeId: 0, nodeCount: 2 });
  await store.put("node/0", text("the devices of 0"));
  assertEquals(await store.get("node/1", 20_000), text("the devices of 1"));
  await store.get("done/1", 20_000);
  await store.put("end", text(""));
  assertEquals(await child, ["the devices of 0"]);
  store.close();
});

storeTest(
  "the plugins of three processes ask while their threads are blocked",
  3,
  async (server) => {
    assertEquals(await runNodes("client", [0, 1, 2], 3, server.address), [
      "the devices of 2",
      "the devices of 0",
      "the devices of 1",
    ]);
  },
);

/** What a plugin is given for a node. */
function join(address: string | URL, nodeId: number, nodeCount: number) {
  const node = { nodeId, nodeCount, store: address, timeoutMs: 20_000 };
  return joinRun(node, testPlugin().path, "Cannot join");
}

storeTest(
  "a plugin's other threads get, try and put, and errors of their kinds",
  2,
  async ({ address }) => {
    const functions = join(address, 0, 2);
    const other = await connectStore(address, { nodeId: 1, nodeCount: 2 });
    const store = new PluginStore(functions);
    try {
      assertEquals(await store.putElsewhere("own", text("1")), { value: "" });
      assertEquals(await other.get("own", 0), text("1"));
      assertEquals(await store.getElsewhere("own", 1000), { value: "1" });
      assertEquals(await store.tryGetElsewhere("own"), { value: "1" });
      assertEquals(await store.tryGetElsewhere("none"), {
        code: 5,
        message: 'Nobody has put "none"',
      });
      await other.put("empty", new Uint8Array(0));
      assertEquals(await store.getElsewhere("empty", 1000), { value: "" });
      const large = "x".repeat(3_000_000);
      await other.put("large", text(large));
      assertEquals(await store.tryGetElsewhere("large"), { value: large });
      assertEquals(await store.getElsewhere("own", -1), { value: "1" });
      const show = (outcome: object) => JSON.stringify(outcome).replace(address, "HERE");
      assertEquals(
        show(await store.getElsewhere("none", 20)),
        show({
          code: 4,
          message: 'Cannot get "none" from the store at HERE: no process has put it within 20 ms',
        }),
      );
      assertEquals(
        show(await store.putElsewhere("own", text("2"))),
        show({
          code: 6,
          message: 'Cannot put "own" into the store at HERE: it is there with another value',
        }),
      );
    } finally {
      other.close();
      functions.close();
      store.close();
    }
  },
);

storeTest("one that waits for a key keeps nobody from putting one", 1, async ({ address }) => {
  const functions = join(address, 0, 1);
  const store = new PluginStore(functions);
  try {
    const waiting = ["a", "b", "c"].map((key) => store.getElsewhere(key, 20_000));
    for (const key of ["c", "b", "a"]) {
      assertEquals(await store.putElsewhere(key, text(key)), { value: "" });
    }
    assertEquals(await Promise.all(waiting), [{ value: "a" }, { value: "b" }, { value: "c" }]);
  } finally {
    functions.close();
    store.close();
  }
});

storeTest("a store of another kind is a module of the user's", 1, async () => {
  const module = (source: string) => new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const functions = join(
    module(`export default ({ nodeId }) => ({
      get: async (key) => new TextEncoder().encode(key + " of " + nodeId),
      tryGet: async () => null,
      put: async (key) => { throw new Error("no more of " + key); },
    });`),
    1,
    2,
  );
  const store = new PluginStore(functions);
  try {
    assertEquals(await store.getElsewhere("a", 10), { value: "a of 1" });
    assertEquals(await store.tryGetElsewhere("a"), { code: 5, message: 'Nobody has put "a"' });
    assertEquals(await store.putElsewhere("a", text("")), { code: 2, message: "no more of a" });
  } finally {
    functions.close();
    store.close();
  }
  assertThrows(
    () => join(module("export default () => ({ get() {} });"), 0, 1),
    TypeError,
    "to give a store, got object without the function tryGet",
  );
});

storeTest("XLA's plugin for CPUs is no node of many, which is said", 2, ({ address }) => {
  const what = "Cannot open XLA as one of several processes";
  const refuse = (distributed: unknown, fault: string, options?: object) =>
    assertThrows(
      () => openXla({ distributed, ...options } as never),
      TypeError,
      `${what}: ${fault}`,
    );
  const node = { nodeId: 1, nodeCount: 2, store: address };
  refuse(node, "the plugin does not work with other processes; ");
  refuse(node, "the option num_nodes is set by distributed; remove it", {
    options: { num_nodes: 2 },
  });
  refuse({ ...node, nodeId: 2 }, "nodeId must be an integer from 0 to 1, got 2");
  refuse({ ...node, store: 3 }, "expected the address of a store such as");
  refuse({ ...node, address }, 'there is no option "address", the options are nodeId, nodeCount');
  refuse([], "expected options such as { nodeId }, got []");
  assertThrows(
    () => openXla({ distributed: node, options: [] as never }),
    TypeError,
    "Cannot use [] as options: expected an object of values by name",
  );
  const error = assertThrows(
    () => openXla({ distributed: { ...node, store: "127.0.0.1:1", timeoutMs: 0 } }),
    XlaError,
    "Cannot connect with the store at 127.0.0.1:1: Connection refused",
  ) as XlaError;
  assertEquals(error.code, "UNAVAILABLE");
  return Promise.resolve();
});

storeTest(
  "a run of one process works with any plugin, and leaves the store in the end",
  1,
  async ({ address }) => {
    const distributed = { nodeId: 0, nodeCount: 1, store: address };
    const devices = openXla({ distributed, options: { cpu_device_count: 2 } });
    assertEquals(devices.length, 2);
    const x = toDevice(tensor([1, 2, 3]), devices[1]);
    assertEquals(x.mul(2).toArray(), [2, 4, 6]);
    assertEquals(await rejection(connectStore(address, { nodeId: 0, nodeCount: 1 })), [
      "ALREADY_EXISTS",
      "Cannot join the store at HERE: another process is node 0, each needs its own nodeId",
    ]);
    closeXla(devices);
    const store = await connectStore(address, { nodeId: 0, nodeCount: 1 });
    assertEquals(await store.tryGet("a"), null);
    store.close();
  },
);

/** Values that are right for few of the places that they are put into. */
const ODD: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  NaN,
  Infinity,
  2n ** 70n,
  "",
  "0",
  "127.0.0.1:1",
  Symbol("odd"),
  [],
  [1],
  {},
  () => 1,
  new Date(NaN),
  new Uint8Array(3),
  new URL("data:text/javascript,export default 3"),
  new URL("data:text/javascript,export default (() => { throw null; })"),
];

storeTest("odd values anywhere are errors of ours", 2, async ({ address }) => {
  const isOurs = (error: unknown) =>
    assert(["ArgumentError", "XlaError"].includes((error as Error).name), String(error));
  const attempt = async (run: () => unknown) => {
    try {
      await run();
    } catch (error) {
      isOurs(error);
    }
  };
  const node = { nodeId: 0, nodeCount: 2, store: address, timeoutMs: 0 };
  const store = await connectStore(address, { nodeId: 1, nodeCount: 2 });
  for (const odd of ODD as never[]) {
    // Options of which one is odd never give devices: the plugin works alone.
    for (
      const distributed of [odd, ...Object.keys(node).map((name) => ({ ...node, [name]: odd }))]
    ) {
      if (distributed === undefined) continue;
      isOurs(assertThrows(() => openXla({ distributed })));
    }
    await attempt(() => serveStore(odd).close());
    for (const name of ["nodeCount", "hostname", "port"]) {
      await attempt(() => serveStore({ nodeCount: 2, [name]: odd }).close());
    }
    await attempt(async () =>
      (await connectStore(odd, { ...node, store: undefined } as never)).close()
    );
    for (const name of ["nodeId", "nodeCount", "timeoutMs"]) {
      const options = { nodeId: 0, nodeCount: 2, timeoutMs: 0, [name]: odd };
      await attempt(async () => (await connectStore(address, options)).close());
    }
    await attempt(() => store.get(odd, 0));
    await attempt(() => store.get("a", odd === Infinity ? 0 : odd));
    await attempt(() => store.tryGet(odd));
    await attempt(() => store.put(odd, odd));
    await attempt(() => store.put("a", odd));
  }
  await store.put("b", text("1"));
  assertEquals(await store.get("b", 0), text("1"));
  store.close();
});
