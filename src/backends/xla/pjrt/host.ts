/**
 * Foreign memory and foreign functions, through Deno. Addresses are bigints; `0n` is the null pointer.
 *
 * @module
 */
import { argumentError } from "../../../base/errors.ts";

/** A pointer in Deno's representation. */
export type Pointer = Deno.PointerObject;

/** A function that takes one pointer and returns the address of an error, or null. */
export type Native = (args: Pointer) => unknown;

function runtime(): typeof Deno {
  const { Deno: found } = globalThis as { readonly Deno?: typeof Deno };
  if (typeof found?.dlopen === "function") return found;
  throw argumentError(
    "Cannot use XLA in this runtime: it needs Deno, whose foreign function interface " +
      "calls the PJRT plugin",
  );
}

/** Memory with a stable address, which can be passed to foreign code. */
export function allocateBytes(size: number): Uint8Array<ArrayBuffer> {
  // V8 stores the elements of a small typed array in its heap, where they can move. Those of an ArrayBuffer
  // that was created first never move.
  return new Uint8Array(new ArrayBuffer(Math.max(8, size)));
}

/** A copy of bytes in memory with a stable address. */
export function stableCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = allocateBytes(bytes.length);
  copy.set(bytes);
  return copy.subarray(0, bytes.length);
}

/** The pointer to a view's first byte, valid as long as the view's buffer is reachable. */
export function pointerTo(view: ArrayBufferView): Pointer {
  // Accessing `buffer` moves the elements of a small typed array out of V8's heap.
  if (view.buffer.byteLength === 0) return pointerTo(NOTHING);
  return runtime().UnsafePointer.of(view as ArrayBufferView<ArrayBuffer>)!;
}

const NOTHING = allocateBytes(8);

/** The address of a view's first byte, valid as long as the view's buffer is reachable. */
export function addressOf(view: ArrayBufferView): bigint {
  return runtime().UnsafePointer.value(pointerTo(view));
}

/** The address that a foreign function returned. */
export function addressIn(pointer: unknown): bigint {
  return runtime().UnsafePointer.value(pointer as Deno.PointerValue);
}

/**
 * A buffer without memory that the engine counts as `size` bytes when it decides when to collect garbage. It
 * must not be read or written.
 */
export function phantom(size: number): ArrayBuffer {
  const { UnsafePointer, UnsafePointerView } = runtime();
  return UnsafePointerView.getArrayBuffer(UnsafePointer.create(8n)!, size);
}

/** A copy of `size` bytes of foreign memory. */
export function bytesAt(address: bigint, size: number): Uint8Array<ArrayBuffer> {
  if (size === 0 || address === 0n) return new Uint8Array(0);
  const { UnsafePointer, UnsafePointerView } = runtime();
  const pointer = UnsafePointer.create(address)!;
  return new Uint8Array(UnsafePointerView.getArrayBuffer(pointer, size).slice(0));
}

/** `size` bytes of foreign memory, not copied; valid as long as that memory. */
export function foreignBytes(address: bigint, size: number): Uint8Array<ArrayBuffer> {
  const { UnsafePointer, UnsafePointerView } = runtime();
  const buffer = UnsafePointerView.getArrayBuffer(UnsafePointer.create(address)!, size);
  return new Uint8Array(buffer as ArrayBuffer);
}

/** Copies foreign memory over all of a view. */
export function copyFrom(address: bigint, into: ArrayBufferView): void {
  const { UnsafePointer, UnsafePointerView } = runtime();
  UnsafePointerView.copyInto(
    UnsafePointer.create(address)!,
    into as ArrayBufferView<ArrayBuffer>,
  );
}

/** `count` consecutive addresses in foreign memory. */
export function addressesAt(address: bigint, count: number): BigUint64Array {
  return new BigUint64Array(bytesAt(address, 8 * count).buffer);
}

/** Text of `size` bytes in foreign memory. */
export function textAt(address: bigint, size: number): string {
  return new TextDecoder().decode(bytesAt(address, size));
}

/** The function at an address, which returns a pointer or nothing. */
export function functionAt(address: bigint, result: "pointer" | "void" = "pointer"): Native {
  const { UnsafeFnPointer, UnsafePointer } = runtime();
  const pointer = UnsafePointer.create(address) as Deno.PointerObject<never>;
  const native = new UnsafeFnPointer(pointer, { parameters: ["pointer"], result });
  return (args) => native.call(args);
}

/** Calls the function at an address with an address as its argument; it returns nothing. */
export function callAt(address: bigint, argument: bigint): void {
  functionAt(address, "void")(runtime().UnsafePointer.create(argument)!);
}

/**
 * A callback for foreign code: its argument is the address of its arguments, its result the address of an
 * error or `0n`.
 */
export interface Callback {
  readonly address: bigint;
  /** Frees it. It must not be called afterwards. */
  close(): void;
}

/**
 * A function that foreign code may call from any thread. Calls from other threads wait until this thread is
 * in its event loop, which the callback keeps from ending.
 *
 * @param call Must not throw.
 */
export function makeCallback(call: (args: bigint) => bigint): Callback {
  const { UnsafeCallback, UnsafePointer } = runtime();
  const callback = UnsafeCallback.threadSafe(
    { parameters: ["pointer"], result: "pointer" },
    (args) => UnsafePointer.create(call(UnsafePointer.value(args))),
  );
  return { address: UnsafePointer.value(callback.pointer), close: () => callback.close() };
}

/**
 * The function at an address that creates an error from a code and a message, and returns the error's
 * address.
 */
export function errorMakerAt(address: bigint): (code: number, message: string) => bigint {
  const { UnsafeFnPointer, UnsafePointer } = runtime();
  const pointer = UnsafePointer.create(address) as Deno.PointerObject<never>;
  const parameters = ["i32", "buffer", "usize"] as const;
  const make = new UnsafeFnPointer(pointer, { parameters, result: "pointer" });
  return (code, message) => {
    const text = stableCopy(new TextEncoder().encode(message));
    return addressIn(make.call(code, text, BigInt(text.length)));
  };
}

/** Memory of the C library, which foreign code may free from any thread. */
export interface ForeignHeap {
  /** A copy of bytes in this memory; `0n` if there is no room. */
  copy(bytes: Uint8Array): bigint;
  /** The address of the function that frees this memory. */
  readonly free: bigint;
}

/** The heap of the C library that an open library depends on. */
export function foreignHeap(path: string): ForeignHeap {
  const { symbols } = runtime().dlopen(path, {
    malloc: { parameters: ["usize"], result: "pointer" },
    free: { type: "pointer" },
  });
  return {
    copy(bytes) {
      const address = addressIn(symbols.malloc(BigInt(Math.max(1, bytes.length))));
      if (address !== 0n) foreignBytes(address, Math.max(1, bytes.length)).set(bytes);
      return address;
    },
    free: addressIn(symbols.free),
  };
}

/** The heap of the C library, which outlives Workers; `null` if the plugin's libraries do not provide it. */
let heap: {
  readonly malloc: (size: bigint) => Deno.PointerValue;
  readonly free: (pointer: Deno.PointerValue) => void;
  readonly mallopt: ((option: number, value: number) => number) | null;
} | null = null;

/**
 * Options of `mallopt`: thresholds above which freed memory is returned to the system, and blocks are
 * mapped.
 */
const [M_TRIM_THRESHOLD, M_MMAP_THRESHOLD] = [-1, -3];

/**
 * Makes glibc keep up to 512 MB of freed memory for later allocations: a new page from the system costs more
 * than most programs do with it. Blocks of more than 32 MB are not kept; that is glibc's limit.
 */
export function keepFreedMemory(): void {
  heap?.mallopt?.(M_TRIM_THRESHOLD, 2 ** 29);
  heap?.mallopt?.(M_MMAP_THRESHOLD, 2 ** 25);
}

/** A slow function at an address. */
export type Slow = (args: Uint8Array) => Promise<unknown>;

/**
 * The function at an address, which blocks and returns a pointer. It runs on a separate thread, on a copy of
 * its arguments in the C library's heap: a Worker may be terminated meanwhile, which frees all memory of its
 * views.
 */
export function slowFunctionAt(address: bigint): Slow {
  const { UnsafeFnPointer, UnsafePointer, UnsafePointerView } = runtime();
  if (heap === null) {
    const native = functionAt(address);
    return (args) => Promise.resolve(native(pointerTo(args)));
  }
  const { malloc, free } = heap;
  const pointer = UnsafePointer.create(address) as Deno.PointerObject<never>;
  const definition = { parameters: ["pointer"], result: "pointer", nonblocking: true } as const;
  const native = new UnsafeFnPointer(pointer, definition);
  return async (args) => {
    const copy = malloc(BigInt(args.length));
    new Uint8Array(UnsafePointerView.getArrayBuffer(copy!, args.length)).set(args);
    try {
      return await native.call(copy);
    } finally {
      free(copy);
    }
  };
}

/** `RTLD_NOW` of `dlopen`, the same on every system that has this function. */
const RTLD_NOW = 2;

/**
 * Opens a library for the rest of the process.
 *
 * @returns The result of its function `GetPjrtApi`.
 */
export function openLibrary(path: string): bigint {
  const deno = runtime();
  const what = `Cannot open the PJRT plugin ${JSON.stringify(path)}`;
  // The permission to open one file is not sufficient to call functions by address.
  if (deno.permissions.requestSync({ name: "ffi" }).state !== "granted") {
    throw argumentError(
      `${what}: this program may not call foreign functions; run it with --allow-ffi, not limited ` +
        `to files`,
    );
  }
  const fault = faultOf(path);
  if (fault !== null) throw argumentError(`${what}: ${fault}`);
  let library;
  try {
    library = deno.dlopen(path, {
      GetPjrtApi: { parameters: [], result: "pointer", optional: true },
      dlopen: { parameters: ["buffer", "i32"], result: "pointer", optional: true },
      malloc: { parameters: ["usize"], result: "pointer", optional: true },
      free: { parameters: ["pointer"], result: "void", optional: true },
      mallopt: { parameters: ["i32", "i32"], result: "i32", optional: true },
    });
  } catch (error) {
    throw argumentError(`${what}: ${(error as Error).message}`);
  }
  const { GetPjrtApi, dlopen, malloc, free, mallopt } = library.symbols;
  if (GetPjrtApi === null) {
    library.close();
    throw argumentError(`${what}: it is a library without the function GetPjrtApi`);
  }
  // Deno unloads libraries before the process ends, but XLA leaves exit handlers and running threads. Another
  // open handle, found in the C library that the plugin depends on, keeps the library loaded.
  if (malloc !== null && free !== null) heap ??= { malloc, free, mallopt };
  dlopen?.(new TextEncoder().encode(`${path}\0`), RTLD_NOW);
  return addressIn(GetPjrtApi());
}

/** The machine numbers in the header of an ELF file, by Deno's names of architectures. */
const PROCESSORS: Readonly<Record<string, number>> = { x86_64: 62, aarch64: 183 };

/**
 * The fault of a library file, if it can be determined without a permission prompt. Linux reports little
 * about a library for another architecture, and terminates the process if a file is truncated.
 */
function faultOf(path: string): string | null {
  const deno = runtime();
  // A name without a path is searched for in the system's folders.
  if (!/[\\/]/.test(path) || deno.build.os !== "linux") return null;
  if (deno.permissions.querySync({ name: "read", path }).state !== "granted") return null;
  try {
    const { isFile, size } = deno.statSync(path);
    if (!isFile) return "it is not a file";
    using file = deno.openSync(path);
    const head = new DataView(new ArrayBuffer(64));
    const isElf = file.readSync(new Uint8Array(head.buffer)) === 64 &&
      head.getUint32(0) === 0x7f454c46;
    if (!isElf) return "it is not a library of Linux";
    const machine = head.getUint16(18, true);
    const processor = PROCESSORS[deno.build.arch];
    if (processor !== undefined && machine !== processor) {
      const name = Object.keys(PROCESSORS).find((key) => PROCESSORS[key] === machine);
      return `it is for the processor ${name ?? `number ${machine}`}, and this one is ` +
        deno.build.arch;
    }
    return size < sizeOfElf(head, file) ? "it is cut short" : null;
  } catch (error) {
    return error instanceof deno.errors.NotFound ? "there is no such file" : null;
  }
}

/** The end of the segments of a 64-bit ELF file, according to its header and their table. */
function sizeOfElf(head: DataView, file: Deno.FsFile): number {
  const start = Number(head.getBigUint64(32, true));
  const [entry, count] = [head.getUint16(54, true), head.getUint16(56, true)];
  const table = new DataView(new ArrayBuffer(entry * count));
  file.seekSync(start, 0);
  if ((file.readSync(new Uint8Array(table.buffer)) ?? 0) < table.byteLength) return Infinity;
  let end = 0;
  for (let at = 0; at < table.byteLength; at += entry) {
    const [offset, size] = [8, 32].map((field) => Number(table.getBigUint64(at + field, true)));
    end = Math.max(end, offset + size);
  }
  return end;
}

/** The value of an environment variable, if it may be read without a permission prompt. */
export function environment(name: string): string | undefined {
  const { Deno: found } = globalThis as { readonly Deno?: typeof Deno };
  if (found?.permissions.querySync({ name: "env", variable: name }).state !== "granted") {
    return undefined;
  }
  return found.env.get(name) || undefined;
}

/** Whether a file exists, if this can be determined without a permission prompt. */
export function fileExists(path: string): boolean {
  const deno = runtime();
  if (deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  try {
    return deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The operating system, by Deno's name, or `null` in other runtimes. */
export function operatingSystem(): string | null {
  return (globalThis as { readonly Deno?: typeof Deno }).Deno?.build.os ?? null;
}
