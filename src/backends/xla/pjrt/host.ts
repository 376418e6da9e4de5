/**
 * Foreign memory and foreign functions, through Deno. Addresses are bigints; `0n` is the null pointer.
 *
 * @module
 */
import { argumentError } from "../../../base/errors.ts";

/** A pointer as Deno hands it to functions. */
export type Pointer = Deno.PointerObject;

/** A function that takes one pointer and gives the address of an error, or none. */
export type Native = (args: Pointer) => unknown;

function runtime(): typeof Deno {
  const { Deno: found } = globalThis as { readonly Deno?: typeof Deno };
  if (typeof found?.dlopen === "function") return found;
  throw argumentError(
    "Cannot use XLA in this runtime: it needs Deno, whose foreign function interface " +
      "calls the PJRT plugin",
  );
}

/** Memory that lies still and that foreign code may be given the address of. */
export function allocateBytes(size: number): Uint8Array<ArrayBuffer> {
  // V8 keeps the elements of a small typed array in its heap, where they move. Those of an
  // ArrayBuffer that was made first never do.
  return new Uint8Array(new ArrayBuffer(Math.max(8, size)));
}

/** A copy of bytes in memory that lies still. */
export function stableCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = allocateBytes(bytes.length);
  copy.set(bytes);
  return copy.subarray(0, bytes.length);
}

/** The pointer to a view's first byte, for as long as the view's buffer is reachable. */
export function pointerTo(view: ArrayBufferView): Pointer {
  // Reading `buffer` moves the elements of a small typed array out of V8's heap.
  if (view.buffer.byteLength === 0) return pointerTo(NOTHING);
  return runtime().UnsafePointer.of(view as ArrayBufferView<ArrayBuffer>)!;
}

const NOTHING = allocateBytes(8);

/** The address of a view's first byte, for as long as the view's buffer is reachable. */
export function addressOf(view: ArrayBufferView): bigint {
  return runtime().UnsafePointer.value(pointerTo(view));
}

/** The address that a foreign function returned. */
export function addressIn(pointer: unknown): bigint {
  return runtime().UnsafePointer.value(pointer as Deno.PointerValue);
}

/** A copy of `size` bytes of foreign memory. */
export function bytesAt(address: bigint, size: number): Uint8Array<ArrayBuffer> {
  if (size === 0 || address === 0n) return new Uint8Array(0);
  const { UnsafePointer, UnsafePointerView } = runtime();
  const pointer = UnsafePointer.create(address)!;
  return new Uint8Array(UnsafePointerView.getArrayBuffer(pointer, size).slice(0));
}

/** `count` addresses that stand one behind the other in foreign memory. */
export function addressesAt(address: bigint, count: number): BigUint64Array {
  return new BigUint64Array(bytesAt(address, 8 * count).buffer);
}

/** Text of `size` bytes in foreign memory. */
export function textAt(address: bigint, size: number): string {
  return new TextDecoder().decode(bytesAt(address, size));
}

/** The function at an address, which gives a pointer or nothing. */
export function functionAt(address: bigint, result: "pointer" | "void" = "pointer"): Native {
  const { UnsafeFnPointer, UnsafePointer } = runtime();
  const pointer = UnsafePointer.create(address) as Deno.PointerObject<never>;
  const native = new UnsafeFnPointer(pointer, { parameters: ["pointer"], result });
  return (args) => native.call(args);
}

/** Calls the function at an address, which returns nothing, with an address. */
export function callAt(address: bigint, argument: bigint): void {
  functionAt(address, "void")(runtime().UnsafePointer.create(argument)!);
}

/** The same function on a thread of its own: the promise settles when it has returned. */
export function asyncFunctionAt(address: bigint): (args: Pointer) => Promise<unknown> {
  const { UnsafeFnPointer, UnsafePointer } = runtime();
  const pointer = UnsafePointer.create(address) as Deno.PointerObject<never>;
  const native = new UnsafeFnPointer(pointer, {
    parameters: ["pointer"],
    result: "pointer",
    nonblocking: true,
  });
  return (args) => native.call(args);
}

/** `RTLD_NOW` of `dlopen`, the same on every system that has the function. */
const RTLD_NOW = 2;

/**
 * Opens a library for the rest of the process.
 *
 * @returns What its function `GetPjrtApi` gives.
 */
export function openLibrary(path: string): bigint {
  const deno = runtime();
  const what = `Cannot open the PJRT plugin ${JSON.stringify(path)}`;
  let library;
  try {
    library = deno.dlopen(path, {
      GetPjrtApi: { parameters: [], result: "pointer", optional: true },
      dlopen: { parameters: ["buffer", "i32"], result: "pointer", optional: true },
    });
  } catch (error) {
    const { name, message } = error as Error;
    if (name === "NotCapable" || name === "PermissionDenied") {
      throw argumentError(
        `${what}: this program may not call foreign functions; run it with --allow-ffi`,
      );
    }
    throw argumentError(`${what}: ${faultOf(path) ?? message}`);
  }
  const { GetPjrtApi, dlopen } = library.symbols;
  if (GetPjrtApi === null) {
    library.close();
    throw argumentError(`${what}: it is a library without the function GetPjrtApi`);
  }
  // Deno unloads libraries before it ends, but XLA leaves functions to be called at the end of the
  // process, and threads that run. Another open handle, found in the C library that the plugin
  // depends on, keeps it where it is.
  dlopen?.(new TextEncoder().encode(`${path}\0`), RTLD_NOW);
  return addressIn(GetPjrtApi());
}

/** The numbers of processors in the header of an ELF file, by Deno's names. */
const PROCESSORS: Readonly<Record<string, number>> = { x86_64: 62, aarch64: 183 };

/** Why a file cannot be opened, if that can be seen without asking for permission. */
function faultOf(path: string): string | null {
  const deno = runtime();
  if (deno.permissions.querySync({ name: "read", path }).state !== "granted") return null;
  const header = new Uint8Array(20);
  let read: number | null;
  try {
    if (!deno.statSync(path).isFile) return "it is not a file";
    using file = deno.openSync(path);
    read = file.readSync(header);
  } catch (error) {
    return error instanceof deno.errors.NotFound ? "there is no such file" : null;
  }
  const isElf = read === 20 && new DataView(header.buffer).getUint32(0) === 0x7f454c46;
  if (deno.build.os === "linux" && !isElf) return "it is not a library of Linux";
  const processor = PROCESSORS[deno.build.arch];
  const found = header[18] | header[19] << 8;
  if (!isElf || processor === undefined || found === processor) return null;
  const name = Object.keys(PROCESSORS).find((key) => PROCESSORS[key] === found) ??
    `number ${found}`;
  return `it is for the processor ${name}, and this one is ${deno.build.arch}`;
}

/** The value of an environment variable, where it may be read without asking. */
export function environment(name: string): string | undefined {
  const { Deno: found } = globalThis as { readonly Deno?: typeof Deno };
  if (found?.permissions.querySync({ name: "env", variable: name }).state !== "granted") {
    return undefined;
  }
  return found.env.get(name) || undefined;
}

/** Whether there is a file, as far as that may be known without asking. */
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
