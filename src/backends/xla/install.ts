/**
 * Installs a PJRT plugin where `@jacobi/jacobi/xla` finds it:
 *
 * ```sh
 * deno run -A jsr:@jacobi/jacobi/xla/install [cpu|cuda12|cuda13] [--wheel FILE] [--directory DIR]
 * ```
 *
 * The plugin is one file of a Python wheel, which is downloaded from the Python Package Index (or from the
 * index in the environment variable `PIP_INDEX_URL`) in a fixed version. It is used only if its SHA-256 is
 * the expected one. The plugins for CUDA are published by the makers of JAX; they need NVIDIA's driver and
 * libraries. The plugin for CPUs is a third-party build of OpenXLA. `--wheel` uses a wheel on the local
 * disk, of any version; `--directory` sets the folder for the plugin.
 *
 * @module
 */
import { argumentError } from "../../base/errors.ts";
import { describeValue } from "../../base/dtype.ts";
import { Budget } from "../../io/bytes.ts";
import { readZipDirectory, readZipEntry } from "../../io/zip.ts";
import {
  PLUGIN_KINDS,
  PLUGIN_VARIABLE,
  pluginFile,
  pluginFolder,
  type PluginKind,
} from "./pjrt/mod.ts";

/** A wheel in a fixed version. */
interface Pin {
  readonly package: string;
  readonly version: string;
  /** SHA-256 of the wheel for each CPU architecture, by Deno's name. */
  readonly hashes: Readonly<Record<string, string>>;
}

const PINS: Readonly<Record<PluginKind, Pin>> = {
  cpu: {
    package: "lammps-jax-pjrt-cpu",
    version: "0.11.2",
    hashes: { x86_64: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1" },
  },
  cuda12: {
    package: "jax-cuda12-pjrt",
    version: "0.11.2",
    hashes: {
      x86_64: "2133b3afc63307c016ae4980f166b2b3de199759363ead74f7d550eaae953463",
      aarch64: "f36247d40973b20acf3c69dac7c9c720daaa4096a809b3e8fd70292be617cdeb",
    },
  },
  cuda13: {
    package: "jax-cuda13-pjrt",
    version: "0.11.2",
    hashes: {
      x86_64: "e5ff589d43064913bb74027682d89639c7ea48f9f81c2bae6fc75117e913f93e",
      aarch64: "63b55e50e5c2583a25e196ba06b034b63d2b2d8ad4c2f17935652c8d3ad2dd2d",
    },
  },
};

/** The plugin to install, and its source. */
interface InstallOptions {
  /** The kind of plugin; "cpu" if omitted. */
  readonly kind?: PluginKind;
  /** A wheel on the local disk, used instead of the pinned one. */
  readonly wheel?: string;
  /** The folder for the plugin; a folder of the user's data if omitted. */
  readonly directory?: string;
  /** Called with progress messages. */
  readonly log?: (line: string) => void;
}

/** The file next to an installed plugin. */
interface Receipt {
  readonly package: string;
  readonly version: string;
  /** SHA-256 of the plugin itself. */
  readonly sha256: string;
}

/**
 * Installs a plugin, unless it is already installed.
 *
 * @returns The plugin's file.
 */
async function install(options: InstallOptions = {}): Promise<string> {
  const { kind = "cpu", wheel, directory = pluginFolder(), log = () => {} } = options;
  if (!PLUGIN_KINDS.includes(kind)) {
    throw argumentError(
      `Cannot install the plugin ${describeValue(kind)}: expected ${PLUGIN_KINDS.join(", ")}`,
    );
  }
  if (directory === null) {
    throw argumentError(
      "Cannot install a plugin: no environment variable names a folder for the user's data; " +
        "name one with --directory",
    );
  }
  const file = pluginFile(directory, kind);
  const pin = PINS[kind];
  if (wheel === undefined && await isInstalled(file, pin)) {
    log(`${pin.package} ${pin.version} is already installed`);
    return file;
  }
  const what = `Cannot install ${wheel ?? pin.package}`;
  const bytes = wheel === undefined ? await download(pin, log, what) : await readFile(wheel, what);
  const found = await sha256(bytes);
  if (wheel === undefined) {
    const expected = hashOf(pin, what);
    if (found !== expected) {
      throw argumentError(
        `${what}: the SHA-256 of what was downloaded is ${found}, expected ${expected}`,
      );
    }
  } else log(`${wheel} has the SHA-256 ${found}`);
  const plugin = unpack(bytes, what);
  await write(file, plugin);
  const receipt: Receipt = {
    package: wheel === undefined ? pin.package : wheel,
    version: wheel === undefined ? pin.version : "unknown",
    sha256: await sha256(plugin),
  };
  await write(`${file}.json`, new TextEncoder().encode(`${JSON.stringify(receipt, null, 2)}\n`));
  return file;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hashOf(pin: Pin, what: string): string {
  const { arch, os } = Deno.build;
  const hash = os === "linux" ? pin.hashes[arch] : undefined;
  if (hash !== undefined) return hash;
  throw argumentError(
    `${what}: it is published for Linux on ${Object.keys(pin.hashes).join(" and ")}, and this is ` +
      `${os} on ${arch}; build the plugin yourself and name it by ${PLUGIN_VARIABLE}`,
  );
}

/** Whether a plugin is installed and its contents are unchanged. */
async function isInstalled(file: string, pin: Pin): Promise<boolean> {
  try {
    const receipt = JSON.parse(await Deno.readTextFile(`${file}.json`)) as Receipt;
    return receipt.package === pin.package && receipt.version === pin.version &&
      receipt.sha256 === await sha256(await Deno.readFile(file));
  } catch {
    return false;
  }
}

async function readFile(path: string, what: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw argumentError(`${what}: ${(error as Error).message}`);
  }
}

/** One file of an index, as defined by the simple API of package indices (PEP 691). */
interface IndexFile {
  readonly filename: string;
  readonly url: string;
}

/** Downloads a wheel from the index. */
async function download(
  pin: Pin,
  log: (line: string) => void,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  hashOf(pin, what);
  const index = (Deno.env.get("PIP_INDEX_URL") || "https://pypi.org/simple").replace(/\/+$/, "");
  const page = `${index}/${pin.package}/`;
  const accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
  const listing = await get(page, accept, what);
  const text = await listing.text();
  const files = listing.headers.get("content-type")?.includes("json")
    ? (JSON.parse(text) as { readonly files: readonly IndexFile[] }).files
    : readLinks(text);
  const begin = `${pin.package.replaceAll("-", "_")}-${pin.version}-`;
  const file = files.find(({ filename }) =>
    filename.startsWith(begin) && filename.endsWith(`_${Deno.build.arch}.whl`)
  );
  if (file === undefined) {
    throw argumentError(`${what}: ${page} has no wheel ${begin}…_${Deno.build.arch}.whl`);
  }
  log(`Downloading ${file.filename}`);
  const response = await get(new URL(file.url, page).href, "*/*", what);
  return new Uint8Array(await response.arrayBuffer());
}

/** The files that a page of an index, which may be HTML (PEP 503), links to. */
function readLinks(html: string): IndexFile[] {
  return [...html.matchAll(/<a\s[^>]*href="([^"#]+)[^"]*"/gi)].map(([, href]) => {
    const url = href.replaceAll("&amp;", "&");
    return { url, filename: decodeURIComponent(url.replace(/\?.*/, "").split("/").at(-1)!) };
  });
}

async function get(url: string, accept: string, what: string): Promise<Response> {
  let fault: string;
  try {
    const response = await fetch(url, { headers: { accept } });
    if (response.ok) return response;
    await response.body?.cancel();
    fault = `answered ${response.status}`;
  } catch (error) {
    fault = `could not be read: ${(error as Error).message}`;
  }
  throw argumentError(`${what}: ${url} ${fault}; download the wheel and name it with --wheel`);
}

/** The only plugin in a wheel. */
function unpack(wheel: Uint8Array, what: string): Uint8Array<ArrayBuffer> {
  const directory = readZipDirectory(wheel, what);
  const libraries = [...directory.values()].filter(({ name }) => /\.(so|dylib|dll)$/.test(name));
  const budget = new Budget(wheel.length, what);
  const symbol = new TextEncoder().encode("GetPjrtApi\0");
  const plugins = libraries.map((entry) => readZipEntry(wheel, entry, budget, what))
    .filter((bytes) => contains(bytes, symbol));
  if (plugins.length === 1) return plugins[0] as Uint8Array<ArrayBuffer>;
  throw argumentError(
    `${what}: of its ${libraries.length} libraries, ${plugins.length} name the function ` +
      `GetPjrtApi, expected one`,
  );
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let at = bytes.indexOf(part[0]); at >= 0; at = bytes.indexOf(part[0], at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

/** Writes a file atomically. */
async function write(file: string, bytes: Uint8Array): Promise<void> {
  await Deno.mkdir(file.replace(/[\\/][^\\/]*$/, ""), { recursive: true });
  const part = `${file}.${crypto.randomUUID()}`;
  try {
    await Deno.writeFile(part, bytes);
    await Deno.rename(part, file);
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    throw error;
  }
}

const USAGE = `Usage: install [${PLUGIN_KINDS.join("|")}] [--wheel FILE] [--directory DIR]`;

/** Parses the command line. */
function readArguments(args: readonly string[]): InstallOptions {
  const options: { kind?: PluginKind; wheel?: string; directory?: string } = {};
  for (let i = 0; i < args.length; i++) {
    const [, name, given] = args[i].match(/^--(wheel|directory)(?:=(.*))?$/) ?? [];
    const kind = PLUGIN_KINDS.find((one) => one === args[i]);
    if (kind !== undefined && options.kind === undefined) options.kind = kind;
    else if (name !== undefined && (given ?? args[i + 1])) {
      options[name as "wheel" | "directory"] = given ?? args[++i];
    } else throw argumentError(`Cannot use the argument ${describeValue(args[i])}. ${USAGE}`);
  }
  return options;
}

if (import.meta.main) {
  try {
    const log = (line: string) => console.log(line);
    const options = readArguments(Deno.args);
    const file = await install({ ...options, log });
    console.log(`The plugin is ${file}`);
    if (options.directory !== undefined) console.log(`Name it by ${PLUGIN_VARIABLE}`);
    if (options.kind?.startsWith("cuda")) {
      console.log("It needs NVIDIA's driver, CUDA and cuDNN where the system finds libraries");
    }
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
