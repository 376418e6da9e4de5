/**
 * The plugin that tests run on. They need leave to call foreign functions, to read, and to know where
 * the plugin is: `deno task xla` gives it, and installs the plugin.
 *
 * @module
 */
import { findPlugin, openPlugin, type Plugin } from "../../../src/backends/xla/pjrt/mod.ts";

async function isGranted(name: "ffi" | "read" | "env" | "run"): Promise<boolean> {
  return (await Deno.permissions.query({ name })).state === "granted";
}

/** Whether foreign functions may be called. */
export const mayCall: boolean = await isGranted("ffi") && await isGranted("read") &&
  await isGranted("env");

/** Whether processes may be started as well. */
export const mayRun: boolean = mayCall && await isGranted("run");

/** The plugin; throws when there is none. */
export function testPlugin(): Plugin {
  return openPlugin(findPlugin());
}
