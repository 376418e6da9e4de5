/**
 * Random sequences of right and wrong calls of the PJRT client, in a process that may crash: `deno run
 * -A fuzz.ts SEED COUNT`. Whatever fails must throw one of the library's errors, whatever is right must
 * give the right elements, and the process must reach its end, where it prints how much it did.
 *
 * @module
 */
import {
  ArgumentError,
  DtypeError,
  MemoryError,
  ShapeError,
  XlaError,
} from "../../../src/base/errors.ts";
import {
  allocate,
  type Dtype,
  DTYPES as ALL,
  isNarrow,
  type RealDtype,
} from "../../../src/base/dtype.ts";
import {
  type Buffer,
  type Client,
  type CompileOptions,
  type Donated,
  type Executable,
  findPlugin,
  openPlugin,
} from "../../../src/backends/xla/pjrt/mod.ts";

const [seed = 0, count = 200] = Deno.args.map(Number);

/** Mulberry32. */
let state = seed * 7919 + 1;
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

function below(limit: number): number {
  return Math.floor(random() * limit);
}

function pick<T>(list: readonly T[]): T {
  return list[below(list.length)];
}

/** The dtypes whose numbers are read as they were written. */
const DTYPES = ALL.filter((dtype) => !isNarrow(dtype));

const STABLEHLO: Readonly<Record<RealDtype, string>> = {
  bool: "i1",
  int8: "i8",
  uint8: "ui8",
  int16: "i16",
  uint16: "ui16",
  int32: "i32",
  uint32: "ui32",
  float16: "f16",
  bfloat16: "bf16",
  float32: "f32",
  float64: "f64",
};

/** A program that is `a + b`, or `or` of booleans; perhaps it may write over `a`. */
function programOf(dtype: RealDtype, shape: readonly number[], aliases: boolean): string {
  const type = `tensor<${shape.map((size) => `${size}x`).join("")}${STABLEHLO[dtype]}>`;
  const op = dtype === "bool" ? "or" : "add";
  return `module @fuzz {
    func.func public @main(%a: ${type}${aliases ? " {tf.aliasing_output = 0 : i32}" : ""},
        %b: ${type}) -> (${type}, ${type}) {
      %0 = stablehlo.${op} %a, %b : ${type}
      return %0, %b : ${type}, ${type}
    }
  }`;
}

interface Known {
  readonly buffer: Buffer;
  readonly values: readonly number[];
}

interface Program {
  readonly executable: Executable;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

const { gc } = globalThis as { readonly gc?: () => void };
if (gc !== undefined) {
  // With --v8-flags=--expose-gc memory is freed as soon as it may be: between the call that takes an
  // address and the one that uses it.
  const value = Deno.UnsafePointer.value;
  Deno.UnsafePointer.value = (pointer) => {
    const address = value(pointer);
    if (random() < 0.2) gc();
    return address;
  };
}

const plugin = openPlugin(findPlugin());
const clients: Client[] = [];
const buffers: Known[] = [];
const programs: Program[] = [];
const pending: Promise<void>[] = [];
let refused = 0;
let done = 0;

/** Odd values in the place of right ones. */
const ODD: readonly unknown[] = [
  undefined,
  null,
  -1,
  1.5,
  NaN,
  2 ** 53,
  "x",
  {},
  [],
  [-1],
  [1.5],
  [2 ** 40, 2 ** 40],
  1n,
  new Uint8Array(3),
  new Float32Array(0),
  new ArrayBuffer(8),
  Array(100).fill(1),
  Symbol("s"),
];

/** The value, or now and then an odd one. */
function perhaps<T>(value: T): T {
  return random() < 0.06 ? pick(ODD) as T : value;
}

function randomShape(): number[] {
  return Array.from({ length: below(4) }, () => pick([0, 1, 2, 3, 7]));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function randomValues(dtype: Dtype, length: number): number[] {
  return Array.from({ length }, () => dtype === "bool" ? below(2) : below(1000));
}

function anyBuffer(): Known | undefined {
  return buffers.length === 0 ? undefined : pick(buffers);
}

function upload(client: Client, dtype: Dtype, shape: readonly number[]): Known {
  const values = randomValues(dtype, sizeOf(shape));
  const data = allocate(dtype, values.length);
  data.set(values);
  const device = pick(client.devices);
  const given = perhaps(data);
  const buffer = client.upload(given, perhaps(dtype), perhaps(shape), perhaps(device));
  const known = { buffer, values: given === data ? values : [...given] };
  buffers.push(known);
  return known;
}

/** A promise whose outcome is looked at in the end. */
function later(promise: Promise<void>): void {
  promise.catch(() => {});
  pending.push(promise);
}

function check(known: Known, found: ArrayLike<number>): void {
  if (Array.from(found, Number).join() === known.values.join()) return;
  throw new Error(`Read ${Array.from(found)}, expected ${known.values}`);
}

const operations: readonly (() => void)[] = [
  function create() {
    if (clients.length > 4 && random() < 0.9) return;
    clients.push(plugin.createClient(perhaps({ cpu_device_count: perhaps(1 + below(3)) })));
  },
  function uploadAny() {
    if (clients.length > 0) upload(pick(clients), pick(DTYPES), randomShape());
  },
  function compile() {
    if (clients.length === 0 || programs.length > 12 && random() < 0.9) return;
    const [client, dtype, shape] = [pick(clients), pick(DTYPES), randomShape()];
    let text = programOf(dtype, shape, random() < 0.5);
    // Whole lines: MLIR's parser crashes on a text that ends after "func.".
    if (random() < 0.1) text = text.split("\n").slice(0, below(6)).join("\n");
    if (random() < 0.1) text = text.replace("stablehlo", pick(["", "nothing", "chlo", "\0"]));
    const options: CompileOptions = random() < 0.6 ? {} : {
      deviceIds: perhaps([perhaps(below(3))]),
      replicas: perhaps(1),
      partitions: perhaps(1),
    };
    const parameters = [{ dtype, shape }, { dtype, shape }];
    const signature = random() < 0.5 ? { parameters } : {};
    const executable = client.compile(perhaps(text), { ...options, ...signature });
    programs.push({ executable, dtype, shape });
  },
  function runRight() {
    if (programs.length === 0) return;
    const { executable, dtype, shape } = pick(programs);
    const client = clients.find(({ session }) => session === executable.session);
    if (client === undefined || client.isClosed || executable.isDeleted) return;
    const [device] = executable.devices;
    const args = [0, 1].map(() => {
      const values = randomValues(dtype, sizeOf(shape));
      const data = allocate(dtype, values.length);
      data.set(values);
      return { buffer: client.upload(data, dtype, shape, device), values };
    });
    buffers.push(...args);
    const donated: Donated = pick([new Set<number>(), new Set([0]), [true, true], [false]]);
    const results = executable.run(args.map(({ buffer }) => buffer), donated);
    const values = args[0].values.map((a, i) => {
      const b = args[1].values[i];
      return dtype === "bool" ? a | b : a + b;
    });
    buffers.push({ buffer: results[0], values }, { buffer: results[1], values: args[1].values });
  },
  function runAny() {
    if (programs.length === 0) return;
    const { executable } = pick(programs);
    const args = Array.from(
      { length: pick([0, 1, 2, 2, 2, 3]) },
      () => perhaps(anyBuffer()?.buffer as Buffer),
    );
    const donated = pick([new Set([below(3)]), [true], new Set<number>(), [false, true]]);
    // What comes out when bits are taken for those of another dtype is not known.
    executable.run(perhaps(args), perhaps(donated));
  },
  function runShards() {
    if (programs.length === 0) return;
    const { executable } = pick(programs);
    const list = () => Array.from({ length: pick([1, 2]) }, () => anyBuffer()?.buffer as Buffer);
    executable.runShards(perhaps(pick([[list()], [list(), list()], []])));
  },
  function readAny() {
    const known = anyBuffer();
    if (known === undefined) return;
    const { dtype, shape } = known.buffer;
    const odd = perhaps(dtype);
    const into = perhaps(
      ALL.some((one) => one === odd) ? allocate(odd, sizeOf(shape)) : odd as never,
    );
    known.buffer.read(into);
    check(known, into);
  },
  function readLater() {
    const known = anyBuffer();
    if (known === undefined) return;
    const into = allocate(known.buffer.dtype, sizeOf(known.buffer.shape));
    later(known.buffer.readAsync(into).then(() => check(known, into)));
  },
  function readyLater() {
    const known = anyBuffer();
    if (known !== undefined) later(known.buffer.ready());
  },
  function wait() {
    anyBuffer()?.buffer.await();
  },
  function copy() {
    const known = anyBuffer();
    if (known === undefined || clients.length === 0) return;
    const device = perhaps(pick(pick(clients).devices));
    buffers.push({ buffer: known.buffer.copyTo(device), values: known.values });
  },
  function remove() {
    if (random() < 0.8) anyBuffer()?.buffer.delete();
    else if (programs.length > 0) pick(programs).executable.delete();
  },
  function forget() {
    buffers.splice(0, below(buffers.length));
    if (programs.length > 0 && random() < 0.3) programs.splice(below(programs.length), 1);
  },
  function close() {
    if (clients.length > 0 && random() < 0.2) clients.splice(below(clients.length), 1)[0].close();
    else if (clients.length > 0 && random() < 0.1) pick(clients).close();
  },
  function serialise() {
    if (programs.length === 0) return;
    const program = pick(programs);
    let bytes = program.executable.serialise();
    if (random() < 0.3) bytes = bytes.slice(0, below(bytes.length));
    if (random() < 0.3) bytes[below(bytes.length)] ^= 1 << below(8);
    const client = pick(clients);
    if (client === undefined) return;
    programs.push({ ...program, executable: client.load(perhaps(bytes)) });
  },
  function ask() {
    if (programs.length > 0) {
      const { executable } = pick(programs);
      pick([
        () => executable.fingerprint,
        () => executable.name,
        () => executable.cost(),
        () => executable.memory(),
      ])();
    }
    anyBuffer()?.buffer.bytesOnDevice();
    if (clients.length > 0) pick(pick(clients).devices).memoryStats();
  },
];

const KNOWN = [ArgumentError, DtypeError, MemoryError, ShapeError, XlaError];

function isOurs(error: unknown): boolean {
  return KNOWN.some((kind) => error instanceof kind);
}

const trace = Deno.env.get("TRACE") !== undefined;
for (let i = 0; i < count; i++) {
  const operation = pick(operations);
  if (trace) Deno.stderr.writeSync(new TextEncoder().encode(`${i} ${operation.name}\n`));
  try {
    operation();
    done++;
  } catch (error) {
    if (!isOurs(error)) {
      console.error(`Seed ${seed}, operation ${i} (${operation.name})`);
      throw error;
    }
    refused++;
  }
  // Lets the collector's callbacks run, and what was begun go on.
  if (random() < 0.05) await new Promise((resolve) => setTimeout(resolve));
}
for (const result of await Promise.allSettled(pending)) {
  if (result.status === "rejected" && !isOurs(result.reason)) throw result.reason;
}
if (random() < 0.5) { for (const client of clients) client.close(); }
console.log(`${done} operations, ${refused} errors`);
