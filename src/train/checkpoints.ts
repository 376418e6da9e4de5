/**
 * Where checkpoints are kept.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkCount, readOptions } from "../base/options.ts";
import type { Bytes } from "../io/mod.ts";

/**
 * What a checkpoint is of.
 *
 * @category Training
 */
export interface CheckpointInfo {
  /** How many steps were taken. */
  readonly step: number;
  /** The number of the epoch in which training goes on. */
  readonly epoch: number;
}

/**
 * How `loop` saves and loads checkpoints.
 *
 * @category Training
 */
export interface Checkpoints {
  /** After how many steps to save; by default after each epoch. */
  readonly every?: number;
  /** Saves a checkpoint, which `io.loadTree` could read. */
  save(bytes: Uint8Array<ArrayBuffer>, info: CheckpointInfo): void | Promise<void>;
  /** The newest checkpoint, or nothing. Left out, training begins anew. */
  load?(): Bytes | null | undefined | Promise<Bytes | null | undefined>;
}

/**
 * Options of `folder`.
 *
 * @category Training
 */
export interface FolderOptions {
  /** After how many steps to save; by default after each epoch. */
  readonly every?: number;
  /** How many checkpoints to keep, the newest. Default 2. */
  readonly keep?: number;
}

/**
 * A path, or a `URL` of a file.
 *
 * @category Training
 */
export type FolderPath = string | { readonly href: string };

/** What is used of `node:fs/promises`, which Deno, Node and Bun have. */
interface Files {
  mkdir(path: string | URL, options: { recursive: boolean }): Promise<unknown>;
  readdir(path: string | URL): Promise<string[]>;
  readFile(path: string | URL): Promise<Uint8Array<ArrayBuffer>>;
  rename(from: string | URL, to: string | URL): Promise<void>;
  rm(path: string | URL): Promise<void>;
  writeFile(path: string | URL, bytes: Uint8Array): Promise<void>;
}

/** Put together, so that bundlers for browsers do not look for it. */
const FILES = ["node:fs", "promises"].join("/");

const NAME = /^step-(\d{10})\.safetensors$/;

/**
 * Checkpoints in a folder, for `loop`, in Deno, Node and Bun. Training that finds one there goes on from the
 * newest. Files are written under another name first, so that a crash leaves no broken ones.
 *
 * @category Training
 * @param path The folder, which is made if there is none. Deno asks for leave to read and write it.
 * @param options How often to save, and how many to keep.
 * @returns The checkpoints.
 * @throws {ArgumentError} when `path` is no path, or an option is no positive integer.
 *
 * @example Every hundred steps, the last three
 * ```ts
 * import { train } from "@jacobi/jacobi";
 *
 * const checkpoints = train.folder("checkpoints/digits", { every: 100, keep: 3 });
 * // train.loop({ ..., checkpoints })
 * if (checkpoints.every !== 100) throw new Error();
 * ```
 */
export function folder(path: FolderPath, options?: FolderOptions): Checkpoints {
  const what = "Cannot keep checkpoints in a folder";
  const isFile = typeof path === "string"
    ? path !== ""
    : path instanceof URL && /^file:/.test(path.href);
  if (!isFile) {
    throw argumentError(
      `${what}: expected its path, got ${path instanceof URL ? path.href : describeValue(path)}`,
    );
  }
  const { every, keep = 2 } = readOptions(what, options, ["every", "keep"]);
  for (const [name, value] of Object.entries({ every, keep })) {
    if (value !== undefined) checkCount(value, what, name);
  }
  const isUrl = typeof path !== "string";
  const base = (isUrl ? path.href : path).replace(/\/*$/, "/");

  /** A file in the folder; the folder itself without a name. */
  function place(name = ""): string | URL {
    return isUrl ? new URL(base + name) : base + name;
  }

  async function namesIn(files: Files): Promise<string[]> {
    await files.mkdir(place(), { recursive: true });
    return (await files.readdir(place())).filter((name) => NAME.test(name)).sort();
  }

  return {
    ...every === undefined ? {} : { every },
    async save(bytes, { step }) {
      const files: Files = await import(FILES);
      await files.mkdir(place(), { recursive: true });
      const name = `step-${String(step).padStart(10, "0")}.safetensors`;
      await files.writeFile(place(`${name}.part`), bytes);
      await files.rename(place(`${name}.part`), place(name));
      // Those of later steps are of a training that this one does not continue.
      const names = (await namesIn(files)).filter((other) => other <= name);
      for (const old of names.slice(0, Math.max(0, names.length - keep))) {
        await files.rm(place(old));
      }
    },
    async load() {
      const files: Files = await import(FILES);
      const newest = (await namesIn(files)).at(-1);
      return newest === undefined ? null : new Uint8Array(await files.readFile(place(newest)));
    },
  };
}
