/**
 * Plugins: libraries that implement the PJRT C API.
 *
 * @module
 */
import { describeValue } from "../../../base/dtype.ts";
import { argumentError } from "../../../base/errors.ts";
import { Api, type ApiVersion } from "./api.ts";
import { Client, type KeyValueFunctions } from "./client.ts";
import { environment, fileExists, openLibrary, operatingSystem } from "./host.ts";
import { type Attributes, type Options, readNamedValues } from "./named_values.ts";

/** An open plugin. It stays open until the process ends. */
export class Plugin {
  /** The file that it was opened from. */
  readonly path: string;
  /** The version of the PJRT C API that it was built with. */
  readonly version: ApiVersion;
  readonly api: Api;

  constructor(path: string) {
    this.path = path;
    this.api = new Api(openLibrary(path), path);
    this.version = this.api.version;
    this.api.call("Plugin_Initialize", {}, `Cannot initialise ${this.api.label}`);
  }

  /** The attributes of the plugin, such as the versions of StableHLO that it reads. */
  attributes(): Attributes {
    const block = this.api.call("Plugin_Attributes", {}, `Cannot ask ${this.api.label}`);
    return readNamedValues(block.get("attributes"), block.get("num_attributes"));
  }

  /**
   * Creates a client for the plugin's devices.
   *
   * @param options Options by the plugin's names for them: `cpu_device_count` for CPUs, `visible_devices`
   * and `memory_fraction` for GPUs.
   * @param store The store through which it finds the other processes of a run. It is closed with the
   * client.
   */
  createClient(options: Options = {}, store?: KeyValueFunctions): Client {
    return new Client(this.api, options, store);
  }
}

const plugins = new Map<string, Plugin>();

/** Opens the plugin in a file, unless it is already open. */
export function openPlugin(path: string): Plugin {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw argumentError(
      `Cannot open the PJRT plugin ${describeValue(path)}: expected the path of a file`,
    );
  }
  let plugin = plugins.get(path);
  if (plugin === undefined) plugins.set(path, plugin = new Plugin(path));
  return plugin;
}

/** The environment variable for the path of a plugin. */
export const PLUGIN_VARIABLE = "JACOBI_PJRT_PLUGIN";

/** The kinds of plugins that can be installed, in the search order. */
export const PLUGIN_KINDS = ["cuda13", "cuda12", "cpu"] as const;

/** A kind of plugin that can be installed. */
export type PluginKind = (typeof PLUGIN_KINDS)[number];

/** The folder of installed plugins, or `null` if no environment variable defines it. */
export function pluginFolder(): string | null {
  const system = operatingSystem();
  if (system === "windows") {
    const data = environment("LOCALAPPDATA");
    return data === undefined ? null : `${data}\\jacobi`;
  }
  const home = environment("HOME");
  const data = environment("XDG_DATA_HOME") ??
    (home === undefined ? undefined : `${home}/.local/share`);
  return data === undefined ? null : `${data}/jacobi`;
}

/** The file of an installed plugin in a folder. */
export function pluginFile(folder: string, kind: PluginKind): string {
  const separator = operatingSystem() === "windows" ? "\\" : "/";
  return `${folder}${separator}pjrt_${kind}.so`;
}

/**
 * The file of the plugin to use: the given one, or the one in the environment variable `JACOBI_PJRT_PLUGIN`,
 * or an installed one. Variables and folders without read permission are skipped, without a permission
 * prompt.
 */
export function findPlugin(path?: string): string {
  const named = path ?? environment(PLUGIN_VARIABLE);
  if (named !== undefined) return named;
  const folder = pluginFolder();
  const files = folder === null ? [] : PLUGIN_KINDS.map((kind) => pluginFile(folder, kind));
  const found = files.find(fileExists);
  if (found !== undefined) return found;
  const where = folder === null
    ? "the folder of installed plugins is not known without --allow-env"
    : `there is none in ${JSON.stringify(folder)}, or it may not be read without --allow-read`;
  throw argumentError(
    `Cannot find a PJRT plugin: no path was given, ${PLUGIN_VARIABLE} is not set or may not be ` +
      `read, and ${where}; install one with deno run -A jsr:@jacobi/jacobi/xla/install`,
  );
}
