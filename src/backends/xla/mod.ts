/**
 * XLA: programs on CPUs with full vectorisation, on GPUs and TPUs. A program is written as StableHLO text
 * (`src/stablehlo/`). It is compiled and run by a PJRT plugin through Deno's FFI (`pjrt/`), on tensors that
 * stay in the device's memory (`memory.ts`). `../segments.ts` divides a program with operations that are
 * left to the evaluator; `../eager.ts` runs single operations.
 *
 * @module
 */
import { describeValue } from "../../base/dtype.ts";
import { argumentError } from "../../base/errors.ts";
import { readOptions } from "../../base/options.ts";
import { sameShape } from "../../base/shape.ts";
import { Device } from "../../core/device.ts";
import { Program, Variable } from "../../core/program.ts";
import { Mesh, placeOf, shardingIn } from "../../core/sharding.ts";
import type { Place, Placement } from "../../core/sharding.ts";
import type { Concrete, Type } from "../../core/tensor.ts";
import { reshapePrimitive } from "../../primitives/structure.ts";
import type { Backend } from "../backend.ts";
import { closeDevice, openDevice } from "../devices.ts";
import { EagerOperations } from "../eager.ts";
import { type Distributed, joinRun, readDistributed } from "./hosts/join.ts";
import { compile, compileWhole, isOnDevice } from "./executable.ts";
import { optimize } from "../../passes/mod.ts";
import { ClientMemory } from "./memory.ts";
import type { Rearrange, Site } from "./memory.ts";
import { ProgramCache } from "./program_cache.ts";
import { checkNamedValues, findPlugin, openPlugin } from "./pjrt/mod.ts";
import type { Client, ClientDevice, Executable as Loaded, Options, Plugin } from "./pjrt/mod.ts";

export type { Options, OptionValue } from "./pjrt/mod.ts";
export type { Distributed } from "./hosts/join.ts";
export { serveStore } from "./hosts/server.ts";
export type { ServeOptions, StoreServer } from "./hosts/server.ts";
export { connectStore } from "./hosts/store.ts";
export type { KeyValueStore, Node, StoreOptions } from "./hosts/store.ts";

/**
 * Options of `openXla`.
 *
 * @category XLA
 */
export interface XlaOptions {
  /**
   * The file of a PJRT plugin. If omitted, it is the one in the environment variable `JACOBI_PJRT_PLUGIN`,
   * or the one installed by `@jacobi/jacobi/xla/install`.
   */
  readonly plugin?: string;
  /** Options of the plugin's client, such as `{ cpu_device_count: 4 }`. */
  readonly options?: Options;
  /**
   * A directory for compiled programs, so that later processes start immediately. It needs `--allow-read`
   * and `--allow-write`. Programs are identified by their text and the plugin's version. Programs for CPUs
   * may use instructions that other CPUs lack, so share a directory only between identical machines.
   */
  readonly cacheDirectory?: string;
  /**
   * Takes part in a run of several processes, on one or several machines, each with its own devices: the
   * plugin then has access to all of them. It needs `--allow-net` and, if the library is on the local disk,
   * `--allow-read`. It also needs a plugin that supports several processes, such as those for CUDA. XLA's
   * plugin for CPUs does not support this, which is an error unless there is only one process. The plugin
   * receives the options `node_id` and `num_nodes`. It calls functions of this program as long as the client
   * is open: close it before terminating a Worker that has opened it.
   */
  readonly distributed?: Distributed;
}

/** The state for one device or one mesh. */
interface Workplace {
  readonly site: Site;
  readonly eager: EagerOperations;
}

/** A backend for the devices of one client. */
class XlaBackend implements Backend {
  readonly name = "xla";
  readonly hasMeshes = true;
  readonly #memory: ClientMemory;
  readonly #places = new Map<Place, Workplace>();
  readonly #rearrangements = new Map<string, Loaded>();

  constructor(
    client: Client,
    devices: ReadonlyMap<Device, ClientDevice>,
    cache: ProgramCache | null,
  ) {
    this.#memory = new ClientMemory(client, devices, cache, this.#rearrange);
    for (const device of devices.keys()) {
      this.#open(device, new Mesh({ device: 1 }, [device]), false);
    }
  }

  #open(place: Place, mesh: Mesh, isDivided: boolean): Workplace {
    const memory = this.#memory;
    const site = { memory, mesh, devices: memory.devicesOf(mesh), isDivided };
    const workplace = { site, eager: eagerOperations(site) };
    this.#places.set(place, workplace);
    return workplace;
  }

  #workplaceOf(place: Place): Workplace {
    return this.#places.get(place) ?? this.#open(place, place as Mesh, true);
  }

  #rearrange: Rearrange = (array, type, sharding) => {
    const from = array.sharding;
    const key = `${type.dtype}[${array.type.shape}] ${from.id} [${type.shape}] ${sharding.id}`;
    let loaded = this.#rearrangements.get(key);
    if (loaded === undefined) {
      const { site } = this.#workplaceOf(from.mesh.size === 1 ? from.mesh.devices![0] : from.mesh);
      const layout = { shardings: [from], results: [sharding] };
      ({ loaded } = compileWhole(rearrangement(array.type, type), site, layout));
      this.#rearrangements.set(key, loaded);
    }
    return loaded.runShards(array.buffers!.map((buffer) => [buffer])).map(([own]) => own);
  };

  compile: Backend["compile"] = (program, { place, shardings, isDonated }) =>
    compile(program, this.#workplaceOf(place).site, shardings, isDonated);

  evaluate: Backend["evaluate"] = (place, primitive, args, params, types) =>
    this.#workplaceOf(place).eager.evaluate(primitive, args, params, types);

  put(x: Concrete, placement: Placement): void {
    const { mesh, devices } = this.#workplaceOf(placeOf(placement)).site;
    const array = this.#memory.arrayOf(x, shardingIn(mesh, placement));
    this.#memory.makeRoom(devices, 0, [array]);
  }

  threads(): number {
    return 1;
  }

  memoryUsage: Backend["memoryUsage"] = () => {
    const { held, peak, limit, count } = this.#memory;
    return { held, peak, limit, residents: count, droppable: 0, window: 0 };
  };

  configure: Backend["configure"] = ({ memoryLimit }) => {
    if (memoryLimit !== undefined) this.#memory.limit = memoryLimit;
  };
}

/** Single operations on the devices of a site. */
function eagerOperations(site: Site): EagerOperations {
  const { mesh, isDivided } = site;
  const shardingsOf = (args: readonly Concrete[]) =>
    args.map(({ placement }) => shardingIn(mesh, placement));
  return new EagerOperations({
    movesReshaped: isDivided,
    keyOf: (args) => isDivided ? String(shardingsOf(args).map(({ id }) => id)) : "",
    compile(program, args) {
      const optimized = optimize(program);
      if (!optimized.equations.every(isOnDevice)) return null;
      const { run, loaded } = compileWhole(optimized, site, { shardings: shardingsOf(args) });
      return { run: (args) => run(args), drop: () => loaded.delete() };
    },
  });
}

/** A program that changes the shape of its argument, or returns it unchanged. */
function rearrangement(from: Type, to: Type): Program {
  const binder = new Variable(from);
  if (sameShape(from.shape, to.shape)) return new Program([binder], [], [binder]);
  const output = new Variable(to);
  const equation = {
    primitive: reshapePrimitive,
    inputs: [binder],
    params: { shape: to.shape },
    outputs: [output],
  };
  return new Program([binder], [equation as never], [output]);
}

const clients = new Map<Device, Client>();

/** The number of devices of each kind opened so far: device numbers are never reused. */
const counts = new Map<string, number>();

/**
 * Opens the devices of a PJRT plugin that belong to this process. It needs Deno and the permission
 * `--allow-ffi`, and `--allow-read` and `--allow-env` to find the plugin if its file is not given.
 *
 * XLA's devices on the CPU are called `xla-cpu:0` and so on, others by the name of their platform: `cuda:0`.
 * On these devices, subnormal numbers may be treated as 0.
 *
 * With `distributed`, the call waits until all processes of the run have made theirs, as long as the
 * plugin's timeout allows (for CUDA, two minutes for each of them). Devices of other processes are visible
 * only to the plugin: they are not among the results, and nothing can be moved there.
 *
 * @category XLA
 * @param options The plugin, and options of its client.
 * @returns The devices that this process can use.
 * @throws {ArgumentError} if there is no plugin, if the given one is unsuitable, or if the directory cannot
 * be used.
 * @throws {XlaError} if the plugin cannot create a client, or if the store of a run does not answer.
 *
 * @example Work runs where the tensors are
 * ```ts ignore
 * import { jit, matmul, ones, toDevice } from "@jacobi/jacobi";
 * import { openXla } from "@jacobi/jacobi/xla";
 *
 * const [device] = openXla();
 * const x = toDevice(ones([1024, 1024]), device);
 * console.log(jit(matmul)(x, x).device === device);
 * ```
 */
export function openXla(options: XlaOptions = {}): Device[] {
  const { plugin, options: own, cacheDirectory, distributed } = readOptions(
    "Cannot open XLA",
    options,
    ["plugin", "options", "cacheDirectory", "distributed"],
  );
  const cache = cacheDirectory === undefined ? null : new ProgramCache(cacheDirectory);
  const opened = openPlugin(findPlugin(plugin));
  const client = distributed === undefined
    ? opened.createClient(own ?? {})
    : createNode(opened, own ?? {}, distributed);
  const usable = client.devices.filter(({ isAddressable }) => isAddressable);
  if (usable.length === 0) {
    client.close();
    throw argumentError("Cannot open XLA: this process can use none of the plugin's devices");
  }
  const kind = client.platform === "cpu" ? "xla-cpu" : client.platform;
  const first = counts.get(kind) ?? 0;
  counts.set(kind, first + usable.length);
  const devices = new Map(usable.map((one, i) => [new Device(kind, first + i), one] as const));
  const backend = new XlaBackend(client, devices, cache);
  for (const device of devices.keys()) {
    clients.set(device, client);
    openDevice(device, backend);
  }
  return [...devices.keys()];
}

/** Creates the client of one of several processes. */
function createNode(plugin: Plugin, options: Options, distributed: Distributed): Client {
  const what = "Cannot open XLA as one of several processes";
  const node = readDistributed(distributed, what);
  const { nodeId, nodeCount } = node;
  checkNamedValues(options);
  for (const name of ["node_id", "num_nodes"]) {
    if (!Object.hasOwn(options, name)) continue;
    throw argumentError(`${what}: the option ${name} is set by distributed; remove it`);
  }
  const store = joinRun(node, plugin.path, what);
  const refuse = (fault: string) =>
    argumentError(`${what}: the plugin does not work with other processes; ${fault}`);
  // For a run of one process, the plugin needs no support for several.
  const told: Options = nodeCount === 1 ? {} : { node_id: nodeId, num_nodes: nodeCount };
  let client;
  try {
    client = plugin.createClient({ ...options, ...told }, store);
  } catch (error) {
    store.close();
    const { message } = error as Error;
    throw /node_id|num_nodes/.test(message) ? refuse(message) : error;
  }
  // Some plugins ignore unknown options.
  const processes = new Set(client.devices.map(({ processIndex }) => processIndex));
  if (client.processIndex === nodeId && processes.size === nodeCount) return client;
  const { processIndex } = client;
  client.close();
  throw refuse(
    `its client is process ${processIndex} of ${processes.size}, expected ${nodeId} of ${nodeCount}`,
  );
}

/**
 * Closes devices from `openXla`, together with all others of the same client. Their memory is freed: tensors
 * that are still there can no longer be used.
 *
 * @category XLA
 * @param devices Devices from `openXla`.
 * @throws {ArgumentError} if one of them was not opened by `openXla`, or was closed.
 *
 * @example Freeing a device's memory
 * ```ts ignore
 * import { closeXla, openXla } from "@jacobi/jacobi/xla";
 *
 * const devices = openXla();
 * closeXla(devices);
 * ```
 */
export function closeXla(devices: readonly Device[]): void {
  if (!Array.isArray(devices)) {
    throw argumentError(
      `Cannot close XLA: expected a list of devices, got ${
        (devices as unknown) instanceof Device ? devices : describeValue(devices)
      }`,
    );
  }
  const closing = new Set((devices as readonly Device[]).map((device) => {
    const client = clients.get(device);
    if (client !== undefined) return client;
    throw argumentError(`Cannot close ${device}: it is not an open device of XLA`);
  }));
  for (const [device, client] of [...clients]) {
    if (!closing.has(client)) continue;
    clients.delete(device);
    closeDevice(device);
  }
  for (const client of closing) client.close();
}
