/**
 * How layers, optimisers and schedules are printed: their name, their settings and their parts, in the
 * way PyTorch prints modules.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { showType } from "../base/shape.ts";
import { Concrete, Tensor } from "./tensor.ts";

/**
 * The name of an object, the settings it was made with, and its parts.
 *
 * @category Tensors
 */
export interface Description {
  /** The name of the function that created it. */
  readonly name: string;
  /** Positional entries, printed first between the parentheses. */
  readonly args?: readonly unknown[];
  /** Settings by their names; those that are `undefined` are omitted. */
  readonly settings?: object;
  /** Parts by their names, in order: anything that has a description, or a function. */
  readonly parts?: object;
}

/** Settings that do not fit on a line of this length are printed on separate lines. */
const WIDTH = 100;

/** At least this many equal neighbours with numeric names are shown once. */
const FOLDED = 4;

/** The maximum length of the text of a tree of settings, such as a mask. */
const LONGEST = 60;

const INDENT = "  ";

/** The description of a value; for a function or object without one, a summary. */
export function descriptionOf(value: unknown): Description {
  const { description } = Object(value) as { readonly description?: unknown };
  const { name } = Object(description) as Partial<Description>;
  if (typeof name === "string") return description as Description;
  if (typeof value === "function") return { name: value.name || "function" };
  return { name: describeValue(value) };
}

/** A setting as text. */
function showSetting(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Tensor) {
    const isNumber = value instanceof Concrete && value.ndim === 0;
    return isNumber ? String(value.item()) : showType(value);
  }
  if (Array.isArray(value)) return `(${value.map(showSetting).join(", ")})`;
  if (typeof value === "function") return showDescription(descriptionOf(value));
  if (typeof value === "object" && value !== null) {
    if ("description" in value) return showDescription(descriptionOf(value));
    const entries = Object.entries(value).map(([key, entry]) => `${key}: ${showSetting(entry)}`);
    const text = `{ ${entries.join(", ")} }`;
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  }
  return describeValue(value);
}

/** A description as text, over several lines where it has parts. */
export function showDescription({ name, args, settings, parts }: Description): string {
  const named = Object.entries(settings ?? {}).filter(([, value]) => value !== undefined);
  const inner = [
    ...(args ?? []).map(showSetting),
    ...named.map(([key, value]) => `${key}=${showSetting(value)}`),
  ];
  const lines = foldEqual(
    Object.entries(parts ?? {}).map(([key, part]) => ({
      first: key,
      last: key,
      text: showDescription(descriptionOf(part)),
    })),
  );
  const hasCall = args !== undefined || settings !== undefined || parts !== undefined;
  if (lines.length === 0) {
    const line = `${name}(${inner.join(", ")})`;
    if (!hasCall || line.length <= WIDTH || inner.length === 0) return hasCall ? line : name;
    return `${name}(\n${inner.map(indent).join("\n")}\n)`;
  }
  const head = inner.length === 0 ? [] : [inner.join(", ")];
  return `${name}(\n${[...head, ...lines].map(indent).join("\n")}\n)`;
}

/** Some neighbours that look alike. */
interface Run {
  readonly first: string;
  readonly last: string;
  readonly text: string;
}

/** One line for each part, and one line for a run of equal neighbours: `(0-11): 12 x block(...)`. */
function foldEqual(parts: readonly Run[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < parts.length;) {
    const { first, text } = parts[i];
    let end = i + 1;
    if (/^\d+$/.test(first)) {
      while (end < parts.length && parts[end].text === text) end++;
    }
    if (end - i >= FOLDED) {
      lines.push(`(${first}-${parts[end - 1].last}): ${end - i} x ${text}`);
      i = end;
    } else {
      lines.push(`(${first}): ${text}`);
      i++;
    }
  }
  return lines;
}

function indent(text: string): string {
  return text.split("\n").map((line) => INDENT + line).join("\n");
}

/** Text escaped for HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** `value` with a description, which is shown by `String`, `console.log` and notebooks. */
export function described<T extends object>(description: Description, value: T): T {
  const show = () => showDescription(description);
  const methods: Record<PropertyKey, unknown> = {
    description,
    toString: show,
    [Symbol.for("Deno.customInspect")]: show,
    [Symbol.for("nodejs.util.inspect.custom")]: show,
    [Symbol.for("Jupyter.display")]: () => ({
      "text/plain": show(),
      "text/html": `<pre>${escapeHtml(show())}</pre>`,
    }),
  };
  for (const key of Reflect.ownKeys(methods)) {
    Object.defineProperty(value, key, { value: methods[key], configurable: true, writable: true });
  }
  return value;
}
