/**
 * The PJRT client. What needs the plugin is ignored without permissions; `deno task xla` gives them.
 *
 * @module
 */
import { Api } from "../../../src/backends/xla/pjrt/api.ts";
import {
  type Buffer,
  type Client,
  findPlugin,
  openPlugin,
} from "../../../src/backends/xla/pjrt/mod.ts";
import { writeCompileOptions } from "../../../src/backends/xla/pjrt/compile_options.ts";
import { addressOf, allocateBytes, bytesAt } from "../../../src/backends/xla/pjrt/host.ts";
import { Block, Layout } from "../../../src/backends/xla/pjrt/layout.ts";
import * as structs from "../../../src/backends/xla/pjrt/structs.ts";
import { XlaError } from "../../../src/base/errors.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../support/std.ts";
import { C_LAYOUTS } from "./c_layouts.ts";
import { mayCall, testPlugin } from "./plugin.ts";

/** Offsets of a struct's own fields, then its size. */
function offsetsOf(layout: Layout): number[] {
  return [...[...layout.places.values()].slice(2).map(({ offset }) => offset), layout.size];
}

Deno.test("every struct is laid out as C does", () => {
  const { API, API_VERSION, EXECUTE_OPTIONS, MEMORY_LAYOUT, NAMED_VALUE, PROGRAM, TILED } = structs;
  const layouts: Layout[] = [
    ...Object.entries(structs.ARGUMENTS).map(([name, fields]) =>
      new Layout(`PJRT_${name}_Args`, fields)
    ),
    API,
    API_VERSION,
    EXECUTE_OPTIONS as Layout,
    MEMORY_LAYOUT as Layout,
    NAMED_VALUE as Layout,
    PROGRAM as Layout,
    TILED as Layout,
  ];
  const found = layouts.map((layout) => [layout.name, offsetsOf(layout)] as const);
  assertEquals(new Map(found), new Map(Object.entries(C_LAYOUTS)));
});

Deno.test("fields follow each other with the gaps that alignment leaves", () => {
  const layout = new Layout("Mixed", {
    a: "bool",
    b: "int32",
    c: "bool",
    d: "int64",
    e: "bool out",
  });
  assertEquals(offsetsOf(layout), [16, 20, 24, 32, 40, 41]);
});

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

Deno.test("options of the compiler are written in the encoding of Protocol Buffers", () => {
  assertEquals(hex(writeCompileOptions({})), "1a 04 20 01 28 01");
  assertEquals(hex(writeCompileOptions({ replicas: 300 })), "1a 05 20 ac 02 28 01");
  assertEquals(
    hex(writeCompileOptions({ partitions: 2, useShardyPartitioner: true })),
    "1a 09 20 01 28 02 30 01 98 01 01",
  );
  // What JAX writes for the same assignment: one message per partition, with a device per replica.
  assertEquals(
    hex(writeCompileOptions({ replicas: 2, partitions: 2, deviceIds: [2, 3, 0, 1] })),
    "1a 18 20 02 28 02 30 01 4a 10 08 02 10 02 1a 04 0a 02 02 00 1a 04 0a 02 03 01",
  );
  assertEquals(
    hex(writeCompileOptions({ flags: { a: true, b: -1, c: 0.5, d: "e" } })),
    "1a 04 20 01 28 01 " +
      "3a 07 0a 01 61 12 02 10 01 " +
      "3a 10 0a 01 62 12 0b 18 ff ff ff ff ff ff ff ff ff 01 " +
      "3a 0e 0a 01 63 12 09 21 00 00 00 00 00 00 e0 3f " +
      "3a 08 0a 01 64 12 03 0a 01 65",
  );
});

Deno.test("options that are none are errors", () => {
  assertThrows(
    () => writeCompileOptions({ replicas: 0 }),
    TypeError,
    "Cannot compile for 0 replicas: expected a positive integer",
  );
  assertThrows(
    () => writeCompileOptions({ partitions: 2, deviceIds: [1, 1] }),
    TypeError,
    "Cannot compile for the devices [1, 1]: expected 2 different ids, for 1 replicas of " +
      "2 partitions",
  );
  assertThrows(
    () => writeCompileOptions({ flags: { a: [] as unknown as string } }),
    TypeError,
    "Cannot use [] as the flag a: expected a string, a number or a boolean",
  );
});

Deno.test({
  name: "without permission, opening a plugin says which flag is missing",
  ignore: mayCall,
  fn: () => {
    assertThrows(
      () => openPlugin("plugin.so"),
      TypeError,
      'Cannot open the PJRT plugin "plugin.so": this program may not call foreign functions; ' +
        "run it with --allow-ffi",
    );
    assertThrows(
      () => findPlugin(),
      TypeError,
      "Cannot find a PJRT plugin: no path was given, JACOBI_PJRT_PLUGIN is not set or may not be " +
        "read, and the folder of installed plugins is not known without --allow-env; install one " +
        "with deno run -A jsr:@jacobi/jacobi/xla/install",
    );
    assertEquals(findPlugin("plugin.so"), "plugin.so");
  },
});

Deno.test("what is no path cannot be opened", () => {
  for (const [path, shown] of [["", '""'], ["a\0b", '"a\\u0000b"'], [3, "3"]] as const) {
    assertThrows(
      () => openPlugin(path as string),
      TypeError,
      `Cannot open the PJRT plugin ${shown}: expected the path of a file`,
    );
  }
});

Deno.test("another runtime is told that XLA needs Deno", () => {
  const saved = Object.getOwnPropertyDescriptor(globalThis, "Deno")!;
  try {
    Reflect.deleteProperty(globalThis, "Deno");
    assertThrows(
      () => openPlugin("elsewhere.so"),
      TypeError,
      "Cannot use XLA in this runtime: it needs Deno, whose foreign function interface calls the " +
        "PJRT plugin",
    );
  } finally {
    Object.defineProperty(globalThis, "Deno", saved);
  }
});

/** A test that needs the plugin. */
function onPlugin(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore: !mayCall, fn });
}

/** A test on a client with so many devices. */
function onClient(
  name: string,
  devices: number,
  fn: (client: Client) => void | Promise<void>,
): void {
  onPlugin(name, async () => {
    const client = testPlugin().createClient({ cpu_device_count: devices });
    try {
      await fn(client);
    } finally {
      client.close();
    }
  });
}

/** The sum and the product of two arrays. */
const ARITHMETIC = `
module @arithmetic {
  func.func public @main(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>)
      -> (tensor<2x3xf32>, tensor<2x3xf32>) {
    %sum = stablehlo.add %a, %b : tensor<2x3xf32>
    %product = stablehlo.multiply %a, %b : tensor<2x3xf32>
    return %sum, %product : tensor<2x3xf32>, tensor<2x3xf32>
  }
}`;

const A = Float32Array.of(1, 2, 3, 4, 5, 6);
const B = Float32Array.of(10, 20, 30, 40, 50, 60);

function uploadTo(client: Client, data: Float32Array, device = client.devices[0]): Buffer {
  return client.upload(data, "float32", [2, 3], device);
}

function read(buffer: Buffer): number[] {
  const into = new Float32Array(buffer.bytes / 4);
  buffer.read(into);
  return [...into];
}

onPlugin("the plugin's own struct sizes agree with ours", () => {
  const { api, version } = testPlugin();
  assertEquals(version.major, 0);
  // Told that a struct is too small, the plugin names the size that it expects.
  for (const name of Object.keys(structs.ARGUMENTS) as structs.FunctionName[]) {
    if (/^Error_/.test(name)) continue;
    const call = api.prepare(name);
    call.block.set("struct_size" as never, 0 as never);
    const { message } = assertThrows(() => call.run("Cannot call"), XlaError);
    const expected = Number(message.match(/expected (\d+)/)?.[1]);
    const { size } = structs.argumentLayout(name);
    assert(expected <= size, `${name}: ${message}, ours has ${size}`);
  }
});

onClient("a program runs on what was uploaded", 1, async (client) => {
  assertEquals(client.platform, "cpu");
  assertEquals(client.devices.map(({ id, kind }) => [id, kind]), [[0, "cpu"]]);
  assertEquals(client.devices[0].memoryStats(), null);
  const program = client.compile(ARITHMETIC);
  assertEquals(program.name, "arithmetic");
  assertEquals(program.outputs, [
    { dtype: "float32", shape: [2, 3] },
    { dtype: "float32", shape: [2, 3] },
  ]);
  assertEquals(program.memory()?.arguments, 48);
  const [sum, product] = program.run([uploadTo(client, A), uploadTo(client, B)]);
  assertEquals([sum.dtype, sum.shape, sum.bytes], ["float32", [2, 3], 24]);
  assertEquals(sum.device, client.devices[0]);
  assertEquals(read(sum), [11, 22, 33, 44, 55, 66]);
  const into = new Float32Array(6);
  await product.readAsync(into);
  assertEquals([...into], [10, 40, 90, 160, 250, 360]);
  product.await();
  await product.ready();
});

onClient("a serialised program runs once it is loaded", 1, (client) => {
  const bytes = client.compile(ARITHMETIC).serialise();
  const parameters = [{ dtype: "float32", shape: [2, 3] }, {
    dtype: "float32",
    shape: [2, 3],
  }] as const;
  const program = client.load(bytes, { parameters });
  assertEquals(read(program.run([uploadTo(client, A), uploadTo(client, B)])[0])[5], 66);
  assertThrows(
    () => program.run([uploadTo(client, A), client.upload(A, "float32", [6], client.devices[0])]),
    TypeError,
    "Cannot run the compiled program: argument 1 is float32[6], expected float32[2,3]",
  );
  assertThrows(
    () => client.load(bytes.subarray(0, 20)),
    XlaError,
    "Cannot load the compiled program: XLA says INVALID_ARGUMENT, Failed to parse",
  );
});

onClient("what was deleted, donated, or belongs to another client is refused", 2, (client) => {
  const other = testPlugin().createClient();
  try {
    const program = client.compile(ARITHMETIC);
    const [a, b] = [uploadTo(client, A), uploadTo(client, B)];
    const what = "Cannot run the compiled program: argument 1";
    assertThrows(
      () => program.run([a, uploadTo(other, B)]),
      TypeError,
      `${what} belongs to another client`,
    );
    assertThrows(
      () => program.run([a, uploadTo(client, B, client.devices[1])]),
      TypeError,
      `${what} is on device 1, expected device 0`,
    );
    assertThrows(
      () => program.run([a, 3 as unknown as Buffer]),
      TypeError,
      `${what} is 3, expected a buffer`,
    );
    assertThrows(
      () => program.run([a, a], new Set([1])),
      TypeError,
      `${what} is donated, and is argument 0 as well`,
    );
    assertThrows(
      () => program.run([a, b], new Set([2])),
      TypeError,
      "Cannot run the compiled program: cannot donate argument 2, there are 2 arguments",
    );
    assertEquals(read(program.run([a, b], [false, true])[0])[0], 11);
    assert(b.isDeleted);
    assertThrows(
      () => program.run([a, b]),
      TypeError,
      `${what} is float32[2,3]: the buffer was donated to a computation`,
    );
    a.delete();
    a.delete();
    assertThrows(() => read(a), TypeError, "Cannot read float32[2,3]: the buffer was deleted");
    program.delete();
    program.delete();
    assertThrows(
      () => program.run([]),
      TypeError,
      "Cannot run the compiled program: it was deleted",
    );
  } finally {
    other.close();
  }
});

onPlugin("a closed client and what it made are refused", async () => {
  const client = testPlugin().createClient();
  const a = uploadTo(client, A);
  const program = client.compile(ARITHMETIC);
  client.close();
  client.close();
  assert(client.isClosed && a.isDeleted && program.isDeleted);
  const closed = "the XLA client is closed";
  assertThrows(
    () => client.compile(ARITHMETIC),
    TypeError,
    `Cannot compile the program: ${closed}`,
  );
  assertThrows(() => uploadTo(client, A), TypeError, `Cannot upload elements: ${closed}`);
  assertThrows(() => read(a), TypeError, `Cannot read float32[2,3]: ${closed}`);
  assertThrows(() => program.run([a, a]), TypeError, `Cannot run the compiled program: ${closed}`);
  assertThrows(() => program.serialise(), TypeError, closed);
  assertThrows(() => client.devices[0].memoryStats(), TypeError, closed);
  await assertRejects(() => a.ready(), TypeError, `Cannot wait for float32[2,3]: ${closed}`);
  a.delete();
  program.delete();
});

onPlugin("a plugin that is too old, lacks a function or is none is refused", () => {
  const { api } = testPlugin();
  const table = new Block(structs.API);
  table.bytes.set(bytesAt(api.address, structs.API.size));
  const address = addressOf(table.bytes);
  const set = (name: string, value: number | bigint) => table.set(name as never, value as never);
  set("minor_version", 42);
  assertThrows(
    () => new Api(address, "old.so"),
    TypeError,
    'Cannot use the PJRT plugin "old.so": it has version 0.42 of the PJRT C API, expected 0.81 or ' +
      "a later 0.x (tested up to 0.116)",
  );
  set("major_version", 1);
  assertThrows(
    () => new Api(address, "new.so"),
    TypeError,
    "it has version 1.42 of the PJRT C API",
  );
  set("major_version", 0);
  set("minor_version", 90);
  set("Client_Compile", 0n);
  assertThrows(
    () => new Api(address, "part.so").prepare("Client_Compile"),
    TypeError,
    'Cannot call PJRT_Client_Compile: the PJRT plugin "part.so", of version 0.90 of the PJRT C ' +
      "API, does not have it",
  );
  // Functions behind the plugin's own size are none.
  set("struct_size", structs.API.place("Buffer_Destroy").offset);
  assert(new Api(address, "small.so").has("Client_Create"));
  assert(!new Api(address, "small.so").has("Buffer_Destroy"));
  assertThrows(
    () => new Api(addressOf(allocateBytes(64)), "zero.so"),
    TypeError,
    'Cannot use the PJRT plugin "zero.so": what its function GetPjrtApi gives is not a PJRT_Api',
  );
  assertThrows(() => new Api(0n, "none.so"), TypeError, "its function GetPjrtApi gives nothing");
});
