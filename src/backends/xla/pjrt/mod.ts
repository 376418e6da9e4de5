/**
 * A client of the PJRT C API, through which XLA compiles and runs programs on CPUs, GPUs and TPUs. It
 * handles bytes, dtypes and shapes only; the meaning of programs is outside its scope.
 *
 * @module
 */
export type { ApiVersion } from "./api.ts";
export { Buffer, type BufferType } from "./buffer.ts";
export { Client, type KeyValueFunctions, type Signature } from "./client.ts";
export type { CompileOptions } from "./compile_options.ts";
export { ClientDevice, type MemoryStats } from "./device.ts";
export { type Donated, Executable, type ExecutableMemory } from "./executable.ts";
export { phantom } from "./host.ts";
export {
  type Attributes,
  checkNamedValues,
  type Options,
  type OptionValue,
} from "./named_values.ts";
export { resultTilings, type Tiling } from "./op_sharding.ts";
export {
  findPlugin,
  openPlugin,
  Plugin,
  PLUGIN_KINDS,
  PLUGIN_VARIABLE,
  pluginFile,
  pluginFolder,
  type PluginKind,
} from "./plugin.ts";
