/**
 * The worker that runs one program: sends its console output, pictures and errors to the page.
 *
 * @module
 */
/// <reference lib="webworker" />
import { configure, devices, inspect, Tensor } from "@jacobi/jacobi";
import { showHook } from "../gallery/show.ts";
import type { Failure, Level, Printed, RunMessage, RunRequest, TensorValue } from "./protocol.ts";

/** Vectors and matrices with more elements are printed as text. */
const MOST_ELEMENTS = 65_536;

/** The limit on the number of characters of one printed value. */
const MOST_TEXT = 20_000;

/** The limit on the number of output entries: more would make the page slow. */
const MOST_ENTRIES = 2000;

const send = (message: RunMessage): void => postMessage(message);

let entries = 0;

/** Counts an entry of output; returns whether it is shown. */
function isRoom(): boolean {
  entries++;
  if (entries === MOST_ENTRIES + 1) {
    send({ type: "notice", text: `Output is truncated after ${MOST_ENTRIES} entries.` });
  }
  return entries <= MOST_ENTRIES;
}

/** The address of the running program, which identifies its lines in stacks. */
let address = "";

/** A tensor's text; its elements may be on a GPU, and not be readable synchronously. */
function tensorText(x: Tensor): string {
  try {
    return String(x);
  } catch {
    return `tensor(<${x.dtype}[${x.shape}] on the device>)`;
  }
}

function textOf(value: unknown, depth = 0): string {
  if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Error) return failureOf(value).message;
  if (value instanceof Tensor) return tensorText(value);
  if (depth > 4) return "…";
  const pad = "  ".repeat(depth + 1);
  const join = (parts: readonly string[], [open, close]: string): string => {
    const line = `${open} ${parts.join(", ")} ${close}`;
    if (parts.length === 0) return `${open}${close}`;
    if (line.length < 80 && !line.includes("\n")) return line;
    return `${open}\n${parts.map((part) => pad + part).join(",\n")}\n${"  ".repeat(depth)}${close}`;
  };
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const items = Array.from(value as ArrayLike<unknown>);
    const parts = items.slice(0, 100).map((item) => textOf(item, depth + 1));
    if (items.length > 100) parts.push(`… ${items.length - 100} more`);
    const name = Array.isArray(value) ? "" : `${value.constructor.name}(${items.length}) `;
    return name + join(parts, "[]");
  }
  if (value instanceof Map || value instanceof Set) return textOf([...value], depth);
  if (value.toString !== undefined && value.toString !== Object.prototype.toString) {
    return String(value);
  }
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${textOf(item, depth + 1)}`);
  return join(entries, "{}");
}

/** Whether a tensor's elements are shown as a table or heat map. */
function isShown(x: Tensor): boolean {
  return (x.ndim === 1 || x.ndim === 2) && x.size > 0 && x.size <= MOST_ELEMENTS &&
    !x.dtype.startsWith("complex");
}

function describe(x: Tensor, text: string, elements: ArrayLike<unknown> | null): TensorValue {
  return {
    dtype: x.dtype,
    shape: x.shape,
    text,
    elements: elements === null ? null : Array.from(elements as ArrayLike<number>),
  };
}

/** The text of any value, truncated if it is long. */
function shortText(value: unknown): string {
  let text: string;
  try {
    text = textOf(value);
  } catch (error) {
    // A getter or `toString` of the program may throw.
    text = `[cannot be printed: ${textOf(error)}]`;
  }
  const more = text.length - MOST_TEXT;
  return more <= 0 ? text : `${text.slice(0, MOST_TEXT)}… ${more} more characters`;
}

function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor;
}

/** The immediate form of a printed value; a tensor on a GPU has no elements yet. */
function printed(value: unknown): Printed {
  if (!isTensor(value)) return shortText(value);
  const text = tensorText(value);
  try {
    return describe(value, text, isShown(value) ? value.data() as ArrayLike<number> : null);
  } catch {
    return describe(value, text, null);
  }
}

/** Whether a value is a picture made by `inspect.image`. */
function isPicture(value: unknown): value is ReturnType<typeof inspect.image> {
  return typeof value === "object" && value !== null && "dataUrl" in value;
}

/** The same, for elements that must be awaited. */
async function arrived(value: unknown): Promise<Printed> {
  if (isPicture(value)) return { picture: await value.dataUrl() };
  if (isTensor(value)) await value.read();
  return printed(value);
}

let count = 0;

function print(level: Level, values: readonly unknown[]): void {
  if (!isRoom()) return;
  const id = count++;
  const now = values.map(printed);
  send({ type: "print", level, id, values: now });
  const isLate = (value: unknown, i: number) =>
    isPicture(value) ||
    isTensor(value) && isShown(value) && (now[i] as TensorValue).elements === null;
  if (values.some(isLate)) {
    Promise.all(values.map(arrived)).then(
      (values) => send({ type: "print", level, id, values }),
      () => {},
    );
  }
}

for (const level of ["log", "info", "warn", "error", "debug"] as const) {
  console[level] = (...values: unknown[]) => print(level, values);
}
console.table = (value: unknown) => print("log", [value]);
console.clear = () => {};

Object.assign(globalThis, {
  [showHook]: (display: Extract<RunMessage, { type: "show" }>["display"]) => {
    if (isRoom()) send({ type: "show", display });
  },
});

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: textOf(error, 1), lines: [] };
  const stack = error.stack ?? "";
  const lines = stack.split("\n")
    .filter((line) => line.includes(address))
    .flatMap((line) => /:(\d+):\d+\)?$/.exec(line)?.[1] ?? [])
    .map(Number);
  if (address !== "" && error.message.includes(address)) {
    const message = "Cannot load a module: expected the address of JavaScript in each import";
    return { message, lines: [] };
  }
  return { message: `${error.name}: ${error.message}`, lines: address === "" ? [] : lines };
}

addEventListener("error", (event) => {
  event.preventDefault();
  send({ type: "failed", failure: failureOf(event.error ?? new Error(event.message)) });
});
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  send({ type: "failed", failure: failureOf(event.reason) });
});

/** Chooses the device, and reports it. */
async function choose({ backend, canvas }: RunRequest): Promise<string> {
  if (backend === "webgpu") {
    try {
      const { openWebGpu } = await import("@jacobi/jacobi/webgpu");
      const [device] = await openWebGpu(canvas ? { canvas } : {});
      configure({ device });
      return "WebGPU";
    } catch (error) {
      send({
        type: "notice",
        text: `${(error as Error).message}. The program runs on WebAssembly.`,
      });
    }
  }
  const { threads } = inspect.engine();
  return `WebAssembly, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

addEventListener("message", async ({ data }: MessageEvent<RunRequest>) => {
  const device = await choose(data);
  send({ type: "started", device });
  address = URL.createObjectURL(new Blob([data.code], { type: "text/javascript" }));
  try {
    await import(/* @vite-ignore */ address);
    send({ type: "done" });
  } catch (error) {
    send({ type: "failed", failure: failureOf(error) });
  }
});

devices();
send({ type: "loaded" });
