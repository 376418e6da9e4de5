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
import { allocateStored, DTYPES } from "../../../src/base/dtype.ts";
import { XlaError } from "../../../src/base/errors.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../support/std.ts";
import { C_LAYOUTS } from "./c_layouts.ts";
import { mayCall, mayRun, testPlugin } from "./plugin.ts";

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
    ...Object.values(structs.KEY_VALUE_ARGUMENTS) as Layout[],
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
        "run it with --allow-ffi, not limited to files",
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
  const refuse = (bytes: Uint8Array, fault: string) =>
    assertThrows(() => client.load(bytes), TypeError, `Cannot load the compiled program: ${fault}`);
  refuse(bytes.subarray(0, 20), "the bytes are damaged or cut short");
  refuse(bytes.with(bytes.length >> 1, ~bytes[bytes.length >> 1]), "the bytes are damaged");
  refuse(new Uint8Array(100), "the bytes are not those of a compiled program");
  const { session } = client;
  const { maker } = session;
  session.maker = "cpu (cpu), PJRT 0.1";
  refuse(bytes, `it was made by ${maker}, and this is ${session.maker}`);
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

/** A program that adds up over four devices, each of which has a replica. */
const ALL_REDUCE = `
module @all_reduce {
  func.func public @main(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %sum = "stablehlo.all_reduce"(%a) ({
      ^bb0(%x: tensor<f32>, %y: tensor<f32>):
        %z = stablehlo.add %x, %y : tensor<f32>
        stablehlo.return %z : tensor<f32>
    }) {replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %sum : tensor<2x3xf32>
  }
}`;

/** A matrix product whose rows are partitioned over four devices. */
const SHARDED = `
module @sharded {
  sdy.mesh @mesh = <["x"=4]>
  func.func public @main(
      %a: tensor<8x3xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>},
      %b: tensor<3x2xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {}]>})
      -> (tensor<8x2xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) {
    %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
      : (tensor<8x3xf32>, tensor<3x2xf32>) -> tensor<8x2xf32>
    return %0 : tensor<8x2xf32>
  }
}`;

onClient("replicas and partitions run on the devices that they are given", 4, (client) => {
  const { devices } = client;
  const scaled = (factor: number) => A.map((x) => factor * x);
  const reduce = client.compile(ALL_REDUCE, { replicas: 4, deviceIds: [3, 1, 0, 2] });
  assertEquals(reduce.devices.map(({ id }) => id), [3, 1, 0, 2]);
  const sums = reduce.runShards(
    reduce.devices.map((device, i) => [uploadTo(client, scaled(i), device)]),
  );
  for (const [d, [sum]] of sums.entries()) {
    assertEquals(sum.device, reduce.devices[d]);
    assertEquals(read(sum), [...scaled(6)]);
  }
  const sharded = client.compile(SHARDED, { partitions: 4, useShardyPartitioner: true });
  assertEquals(sharded.outputs, [{ dtype: "float32", shape: [2, 2] }]);
  const ones = new Float32Array(6).fill(1);
  const results = sharded.runShards(
    sharded.devices.map((device, i) => [
      uploadTo(client, scaled(i), device),
      client.upload(ones, "float32", [3, 2], device),
    ]),
  );
  assertEquals(
    results.map(([result]) => read(result)),
    [0, 1, 2, 3].map((i) => [6 * i, 6 * i, 15 * i, 15 * i]),
  );
  const what = "Cannot run the compiled program";
  assertThrows(
    () => reduce.run([uploadTo(client, A, devices[3])]),
    TypeError,
    `${what} on one device: it was compiled for 4; call runShards`,
  );
  assertThrows(
    () => reduce.runShards([[], []]),
    TypeError,
    `${what}: expected arguments for 4 devices, got them for 2`,
  );
  assertThrows(
    () => reduce.runShards([[uploadTo(client, A, devices[3])], [], [], []]),
    TypeError,
    `${what}: each device needs equally many arguments, got 1,0,0,0`,
  );
  assertThrows(
    () => client.compile(ARITHMETIC, { deviceIds: [4] }),
    TypeError,
    "Cannot compile the program for device 4: the client has the devices 0, 1, 2, 3",
  );
  assertThrows(
    () => client.compile(ARITHMETIC, { replicas: 5 }),
    TypeError,
    "Cannot compile the program for 5 devices: the client has 4",
  );
  const [one] = client.compile(ARITHMETIC, { deviceIds: [2] })
    .run([uploadTo(client, A, devices[2]), uploadTo(client, B, devices[2])]);
  const copy = one.copyTo(devices[1]);
  assertEquals([one.device, copy.device], [devices[2], devices[1]]);
  assertEquals(read(copy), read(one));
});

/** A program of one argument and one result, both of these types. */
function unary(from: string, to: string, body: string): string {
  return `module @unary { func.func public @main(%a: ${from}) -> ${to} { ${body} } }`;
}

onClient("every dtype goes to the device and back, whatever the layout", 1, (client) => {
  const [device] = client.devices;
  for (const dtype of DTYPES) {
    for (const shape of [[], [0], [3], [2, 3], [2, 1, 0], [2, 3, 2]]) {
      const size = shape.reduce((a, b) => a * b, 1);
      const data = allocateStored(dtype, size);
      data.set(Array.from({ length: size }, (_, i) => (dtype === "bool" ? i % 2 : 7 * i)));
      const into = allocateStored(dtype, size);
      client.upload(data, dtype, shape, device).read(into);
      assertEquals(into, data);
    }
  }
  // A result whose first axis is contiguous is read in row-major order all the same.
  const type = `(tensor<2x3xf32> {mhlo.layout_mode = "{0,1}"})`;
  const program = client.compile(unary("tensor<2x3xf32>", type, "return %a : tensor<2x3xf32>"));
  assertEquals(read(program.run([uploadTo(client, A)])[0]), [...A]);
  // Uploads of many bytes are not waited for; small arrays lie in V8's own heap.
  const large = Float32Array.from({ length: 200_000 }, (_, i) => i);
  const buffers = [0, 1, 2].map(() => client.upload(large, "float32", [large.length], device));
  for (const buffer of buffers) {
    const into = new Float32Array(large.length);
    buffer.read(into);
    assertEquals(into, large);
  }
});

onClient("elements and shapes that do not fit are refused", 1, (client) => {
  const [device] = client.devices;
  const upload = (data: unknown, dtype: unknown, shape: unknown, to: unknown = device) => () =>
    client.upload(data as Float32Array, dtype as "float32", shape as number[], to as typeof device);
  const what = "Cannot upload";
  assertThrows(
    upload(A, "float32", [7]),
    TypeError,
    `${what} float32[7]: expected 7 elements, got 6`,
  );
  assertThrows(
    upload(A, "int32", [6]),
    TypeError,
    `${what} int32[6]: expected a Int32Array, got Float32Array`,
  );
  assertThrows(
    upload(A, "float32", [-6]),
    TypeError,
    `${what} elements of the shape [-6]: expected an array of at most 64 integers from 0 on`,
  );
  assertThrows(
    upload(A, "float32", [6], 0),
    TypeError,
    `${what} float32[6]: expected a device of the client, got 0`,
  );
  assertThrows(upload(A, "int64", [6]), TypeError, 'Cannot use "int64" as a dtype');
  const gone = new Float32Array(6);
  structuredClone(gone, { transfer: [gone.buffer] });
  assertThrows(upload(gone, "float32", [6]), TypeError, "expected 6 elements, got 0");
  const buffer = uploadTo(client, A);
  assertThrows(
    () => buffer.read(new Float32Array(5)),
    TypeError,
    "Cannot read float32[2,3]: expected 6 elements, got 5",
  );
  assertThrows(
    () => client.compile("module {", { replica: 1 } as object),
    TypeError,
    'Cannot compile the program: there is no option "replica", the options are replicas, ' +
      "partitions, deviceIds, useShardyPartitioner, flags, parameters",
  );
  assertThrows(
    () => client.compile(unary("tensor<i64>", "tensor<i64>", "return %a : tensor<i64>")),
    TypeError,
    "Cannot use the compiled program: output 0 has elements of the type S64, which no dtype " +
      "stands for",
  );
  const { code, message } = assertThrows(() => client.compile("module {"), XlaError);
  assertEquals(code, "UNKNOWN");
  assert(message.startsWith("Cannot compile the program: XLA says UNKNOWN, -:1:"), message);
  assertThrows(
    () => testPlugin().createClient({ nonsense: 1 }),
    XlaError,
    "XLA says INVALID_ARGUMENT, Unexpected option name passed to PJRT_Client_Create: nonsense",
  );
  // XLA ends the process at some of these.
  for (const count of [0, -1, 2 ** 40]) {
    assertThrows(
      () => testPlugin().createClient({ cpu_device_count: count }),
      TypeError,
      `Cannot create a client of ${testPlugin().api.label}: expected 1 to 1024 as cpu_device_count, ` +
        `got ${count}`,
    );
  }
});

onClient("an allocation that fails leaves everything usable", 1, async (client) => {
  const [device] = client.devices;
  const out = "tensor<3000000x1000000xf32>";
  const broadcast = `%0 = stablehlo.broadcast_in_dim %a, dims = [] : (tensor<f32>) -> ${out}`;
  const result = client.compile(unary("tensor<f32>", out, `${broadcast} return %0 : ${out}`));
  const scalar = client.upload(Float32Array.of(1), "float32", [], device);
  const { code } = assertThrows(
    () => result.run([scalar]),
    XlaError,
    "Cannot run the compiled program: XLA says RESOURCE_EXHAUSTED, Out of memory allocating",
  );
  assertEquals(code, "RESOURCE_EXHAUSTED");
  // Memory within a program is asked for later; then the result has the error.
  const [vector, matrix] = ["tensor<3000000xf32>", "tensor<3000000x3000000xf32>"];
  const within = client.compile(unary(
    vector,
    vector,
    `%0 = stablehlo.dot_general %a, %a, contracting_dims = [] x [] : (${vector}, ${vector}) -> ${matrix}
     %1 = stablehlo.tanh %0 : ${matrix}
     %2 = stablehlo.dot_general %1, %a, contracting_dims = [1] x [0] : (${matrix}, ${vector}) -> ${vector}
     return %2 : ${vector}`,
  ));
  const argument = client.upload(new Float32Array(3e6), "float32", [3e6], device);
  const [failed] = within.run([argument]);
  const exhausted = "XLA says RESOURCE_EXHAUSTED";
  assertThrows(() => failed.await(), XlaError, `Cannot wait for float32[3000000]: ${exhausted}`);
  assertThrows(() => failed.read(new Float32Array(3e6)), XlaError, exhausted);
  await assertRejects(() => failed.ready(), XlaError, exhausted);
  await assertRejects(() => failed.readAsync(new Float32Array(3e6)), XlaError, exhausted);
  assertEquals(read(uploadTo(client, A)), [...A]);
  const into = new Float32Array(1);
  scalar.read(into);
  assertEquals([...into], [1]);
});

/** A program that takes a while. */
const SLOW = `
module @slow {
  func.func public @main(%a: tensor<200x200xf32>) -> tensor<200x200xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %r:2 = stablehlo.while(%i = %zero, %x = %a) : tensor<i32>, tensor<200x200xf32>
      cond {
        %n = stablehlo.constant dense<100> : tensor<i32>
        %p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %p : tensor<i1>
      } do {
        %one = stablehlo.constant dense<1> : tensor<i32>
        %j = stablehlo.add %i, %one : tensor<i32>
        %y = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
          : (tensor<200x200xf32>, tensor<200x200xf32>) -> tensor<200x200xf32>
        stablehlo.return %j, %y : tensor<i32>, tensor<200x200xf32>
      }
    return %r#1 : tensor<200x200xf32>
  }
}`;

onPlugin("work is begun ahead, and a client that is closed finishes it", async () => {
  const client = testPlugin().createClient();
  const program = client.compile(SLOW);
  let x = client.upload(new Float32Array(4e4), "float32", [200, 200], client.devices[0]);
  for (let i = 0; i < 3; i++) [x] = program.run([x]);
  const ready = x.ready();
  const read = x.readAsync(new Float32Array(4e4));
  client.close();
  await ready;
  await assertRejects(
    () => read,
    TypeError,
    "Cannot read float32[200,200]: the XLA client is closed",
  );
});

/** A test in a process of its own. */
function inProcess(name: string, body: string, code: number, output: string): void {
  Deno.test({
    name,
    ignore: !mayRun,
    fn: async () => {
      const client = new URL("../../../src/backends/xla/pjrt/mod.ts", import.meta.url);
      const program = `
        import { findPlugin, openPlugin } from ${JSON.stringify(client.href)};
        const [SLOW, ARITHMETIC] = ${JSON.stringify([SLOW, ARITHMETIC])};
        const turn = () => new Promise((resolve) => setTimeout(resolve, 10));
        const plugin = openPlugin(findPlugin());
        ${body}`;
      const ran = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-check",
          "--v8-flags=--expose-gc",
          `data:text/typescript,${encodeURIComponent(program)}`,
        ],
        env: { NO_COLOR: "1", TF_CPP_MIN_LOG_LEVEL: "3" },
      }).output();
      const decoder = new TextDecoder();
      assertEquals(
        [ran.signal, ran.code, decoder.decode(ran.stdout)],
        [null, code, output],
        decoder.decode(ran.stderr),
      );
    },
  });
}

const BEGIN = `
  const client = plugin.createClient();
  const program = client.compile(SLOW);
  const x = client.upload(new Float32Array(4e4), "float32", [200, 200], client.devices[0]);
  const [y] = program.run([x]);`;

inProcess("a process ends while its client works", BEGIN, 0, "");

inProcess("a process may exit while its client works", `${BEGIN} y.ready(); Deno.exit(7);`, 7, "");

inProcess(
  "a process lives until what it waits for is ready",
  `${BEGIN} y.ready().then(() => console.log("ready"));`,
  0,
  "ready\n",
);

inProcess(
  "the collector frees buffers, programs and clients that nothing refers to",
  `
  async function collect() {
    for (let i = 0; i < 3; i++) {
      gc();
      await turn();
    }
  }
  let client = plugin.createClient();
  const { session } = client;
  let buffer;
  (() => {
    const program = client.compile(ARITHMETIC);
    buffer = client.upload(Float32Array.of(1, 2, 3, 4, 5, 6), "float32", [2, 3], client.devices[0]);
    for (let i = 0; i < 500; i++) program.run([buffer, buffer]);
  })();
  const before = session.liveCount;
  await collect();
  console.log(before, session.liveCount);
  client = null;
  await collect();
  const into = new Float32Array(6);
  buffer.read(into);
  console.log(session.isClosed, into[5]);
  buffer = null;
  await collect();
  console.log(session.isClosed, session.liveCount);`,
  0,
  "1003 1\nfalse 6\ntrue 0\n",
);

inProcess(
  "Workers that are terminated while their clients work leave the rest alone",
  `${BEGIN}
  const body = \`
    import { findPlugin, openPlugin } from \${JSON.stringify(import.meta.resolve(
    ${JSON.stringify(new URL("../../../src/backends/xla/pjrt/mod.ts", import.meta.url).href)}))};
    const client = openPlugin(findPlugin()).createClient();
    const program = client.compile(\${JSON.stringify(SLOW)});
    const data = new Float32Array(4e4);
    for (;;) {
      const [y] = program.run([client.upload(data, "float32", [200, 200], client.devices[0])]);
      y.ready();
      y.readAsync(new Float32Array(4e4));
      postMessage("begun");
      await new Promise((resolve) => setTimeout(resolve));
    }\`;
  const url = URL.createObjectURL(new Blob([body], { type: "text/javascript" }));
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(url, { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    for (let k = 0; k < i; k++) await turn();
    worker.terminate();
  }
  await turn();
  y.await();
  console.log("alive");`,
  0,
  "alive\n",
);

Deno.test({
  name: "a file that is no plugin of this machine is refused",
  ignore: !mayCall,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const refuse = (name: string, fault: string) =>
      assertThrows(
        () => openPlugin(`${folder}${name}`),
        TypeError,
        `Cannot open the PJRT plugin ${JSON.stringify(`${folder}${name}`)}: ${fault}`,
      );
    try {
      refuse("/missing.so", "there is no such file");
      refuse("", "it is not a file");
      await Deno.writeTextFile(`${folder}/text.so`, "This is a text of more than twenty bytes");
      refuse("/text.so", "it is not a library of Linux");
      await Deno.writeTextFile(`${folder}/empty.so`, "");
      refuse("/empty.so", "it is not a library of Linux");
      const header = new Uint8Array(4096);
      using plugin = await Deno.open(testPlugin().path);
      await plugin.read(header);
      header[18] = Deno.build.arch === "aarch64" ? 62 : 183;
      await Deno.writeFile(`${folder}/other.so`, header);
      const [here, there] = ["x86_64", "aarch64"].sort((a) => a === Deno.build.arch ? -1 : 1);
      refuse("/other.so", `it is for the processor ${there}, and this one is ${here}`);
      header[18] = Deno.build.arch === "aarch64" ? 183 : 62;
      await Deno.writeFile(`${folder}/cut.so`, header);
      refuse("/cut.so", "it is cut short");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    assertThrows(
      () => openPlugin("libc.so.6"),
      TypeError,
      'Cannot open the PJRT plugin "libc.so.6": it is a library without the function GetPjrtApi',
    );
    assertEquals(testPlugin(), openPlugin(testPlugin().path));
  },
});

Deno.test({
  name: "the permission for one file alone is not enough, and the message says so",
  ignore: !mayRun,
  fn: async () => {
    const { href } = new URL("../../../src/backends/xla/pjrt/mod.ts", import.meta.url);
    const path = JSON.stringify(testPlugin().path);
    const program = `import { openPlugin } from ${JSON.stringify(href)};
      try { openPlugin(${path}); } catch (error) { console.log(error.message); }`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--no-prompt",
        `--allow-ffi=${testPlugin().path}`,
        `data:text/typescript,${encodeURIComponent(program)}`,
      ],
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout),
      `Cannot open the PJRT plugin ${path}: this program may not call foreign functions; run it ` +
        "with --allow-ffi, not limited to files\n",
    );
  },
});
