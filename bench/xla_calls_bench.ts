/**
 * The overhead of calls on the plugin for CPUs: small programs, by the PJRT client alone and by `jit`, and
 * copies of elements.
 * It needs the plugin (`deno run -A src/backends/xla/install.ts`) and permissions; without them the
 * benchmarks are ignored.
 *
 *     deno bench -A bench/xla_calls_bench.ts
 */
import { jit, tensor, toDevice } from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { openXla } from "../src/backends/xla/mod.ts";
import { type Buffer, findPlugin, openPlugin } from "../src/backends/xla/pjrt/mod.ts";

const permissions = await Promise.all(
  (["ffi", "read", "env"] as const).map((name) => Deno.permissions.query({ name })),
);
const ignore = permissions.some(({ state }) => state !== "granted");

function open() {
  const client = openPlugin(findPlugin()).createClient();
  const [device] = client.devices;
  const type = "tensor<6xf32>";
  const program = client.compile(`module @small {
    func.func public @main(%a: ${type}, %b: ${type}) -> ${type} {
      %0 = stablehlo.add %a, %b : ${type}
      return %0 : ${type}
    }
  }`);
  return { client, device, program };
}

const opened = ignore ? null : open();
const small = new Float32Array(6);

function upload(data: Float32Array): Buffer {
  const { client, device } = opened!;
  return client.upload(data, "float32", [data.length], device);
}

const args = ignore ? [] : [upload(small), upload(small)];

Deno.bench({
  name: "run a program of two arguments, and free its result",
  group: "calls",
  baseline: true,
  ignore,
  fn: () => opened!.program.run(args)[0].delete(),
});

Deno.bench({
  name: "the same, and read the result",
  group: "calls",
  ignore,
  fn: () => {
    const [result] = opened!.program.run(args);
    result.read(small);
    result.delete();
  },
});

const jitted = jit((x: Tensor) => x.sin());
const scalar = ignore ? tensor(0.7) : toDevice(tensor(0.7), openXla()[0]);

Deno.bench({
  name: "call a jitted function, and read the result",
  group: "calls",
  ignore,
  fn: () => void jitted(scalar).item(),
});

for (const length of [6, 10_000, 1_000_000]) {
  const data = new Float32Array(length);
  const buffer = ignore ? null : upload(data);

  Deno.bench({
    name: `upload ${length} numbers, and free them`,
    group: "moving",
    baseline: length === 6,
    ignore,
    fn: () => {
      const uploaded = upload(data);
      uploaded.await();
      uploaded.delete();
    },
  });

  Deno.bench({
    name: `read ${length} numbers`,
    group: "moving",
    ignore,
    fn: () => buffer!.read(data),
  });
}
