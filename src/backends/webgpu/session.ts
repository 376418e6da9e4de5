/**
 * An open device: its limits, its pipelines, and its errors.
 *
 * @module
 */
import { argumentError, webGpuError } from "../../base/errors.ts";
import { COMPUTE, type GpuBuffer, type GpuDevice, isBrowser, runtimeGpu, USAGE } from "./api.ts";
import { type CanvasReader, exactReader, hasCanvases } from "./canvas.ts";
import { mapNow, nextTurn, noting } from "./waiting.ts";
import type { Limits } from "./wgsl/kernel.ts";

/** The meaning of errors before the event loop has turned: only then is the loss of a device reported. */
export const lostOrFull = "the device is lost, or has no memory left";

/** The beginning of error messages about shaders. */
const COMPILING = "Cannot compile for a WebGPU device";

/** The size in bytes of the uniform block that passes use when all bases are 0. */
const BASES_BYTES = 1024;

/** The adapter limits that devices are opened with. */
const WANTED = [
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupStorageSize",
  "maxStorageBuffersPerShaderStage",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
];

/** Optional features that kernels and profiles use. */
const FEATURES = ["shader-f16", "subgroups", "timestamp-query"];

/**
 * Opens a device of the runtime.
 *
 * @throws {WebGpuError} if there is none.
 */
export async function requestDevice(
  powerPreference: string | undefined,
  limits: Readonly<Record<string, number>>,
): Promise<GpuDevice> {
  const gpu = runtimeGpu();
  if (gpu === null) {
    throw webGpuError(
      "Cannot open WebGPU: there is no navigator.gpu" +
        (isBrowser()
          ? "; use a browser with WebGPU, and a page served by HTTPS or from localhost"
          : " in this runtime; pass a device"),
    );
  }
  const adapter = await gpu.requestAdapter(
    powerPreference === undefined ? {} : { powerPreference },
  );
  if (adapter === null) {
    throw webGpuError(
      "Cannot open WebGPU: there is no adapter; " +
        (isBrowser()
          ? "turn on hardware acceleration in the browser's settings, or its flag for WebGPU"
          : "install a driver for Vulkan or Metal"),
    );
  }
  for (const [name, value] of Object.entries(limits)) {
    const own = adapter.limits[name];
    if (own === undefined) {
      throw webGpuError(`Cannot open WebGPU: the adapter has no limit ${JSON.stringify(name)}`);
    }
    // For alignments, smaller is better.
    const isMost = !name.startsWith("min");
    if (isMost ? value <= own : value >= own) continue;
    throw webGpuError(
      `Cannot open WebGPU: expected ${name} ${isMost ? "up to" : "from"} ${own}, as the adapter ` +
        `has it, got ${value}`,
    );
  }
  const own = Object.fromEntries(
    WANTED.filter((name) => adapter.limits[name] !== undefined)
      .map((name) => [name, adapter.limits[name]]),
  );
  const requiredFeatures = FEATURES.filter((name) => adapter.features.has(name));
  try {
    return await adapter.requestDevice({ requiredFeatures, requiredLimits: { ...own, ...limits } });
  } catch (error) {
    throw webGpuError(`Cannot open WebGPU: ${(error as Error).message}`);
  }
}

/** The maximum number of cached bind groups; the least recently used one is removed first. */
const MOST_GROUPS = 4096;

/** Staging buffers up to this size are kept. */
const MOST_STAGING = 2 ** 24;

/** The minimum size of a staging buffer in bytes. */
const LEAST_STAGING = 2 ** 12;

/** A range of a buffer for binding. */
export interface Range {
  readonly buffer: GpuBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A uniform block for binding. */
export interface Uniform {
  readonly buffer: GpuBuffer;
  readonly size: number;
  readonly group: object;
}

/** A staging buffer for reading. */
export interface Staging {
  readonly buffer: GpuBuffer;
  readonly size: number;
}

/** Whether the driver runs on the CPU. */
function isProcessor({ adapterInfo }: GpuDevice): boolean {
  const { isFallbackAdapter, architecture, description } = adapterInfo ?? {};
  return isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${description}`);
}

/** A pipeline and the layout of its bindings. */
export interface Pipeline {
  readonly pipeline: object;
  readonly layout: object;
}

/** Pushes a value onto one of several stacks. */
function pushTo<T>(stacks: Map<number, T[]>, key: number, value: T): void {
  const stack = stacks.get(key);
  if (stack === undefined) stacks.set(key, [value]);
  else stack.push(value);
}

/** An open device. */
export class Session {
  readonly device: GpuDevice;
  readonly limits: Limits;
  readonly #isOwn: boolean;
  readonly #layouts = new Map<number, { readonly group: object; readonly whole: object }>();
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #basesLayout: object;
  readonly #groups = new Map<string, object>();
  readonly #ids = new WeakMap<GpuBuffer, number>();
  #nextId = 0;
  readonly #stagings = new Map<number, Staging[]>();
  readonly #uniforms = new Map<number, Uniform[]>();
  /** The bases of passes in which all are 0. */
  readonly zeros: object;
  /** Whether buffers can be read synchronously. */
  readsAtOnce = false;
  /** What reads them, if this is a canvas. */
  canvas: CanvasReader | null = null;
  #fault: string | null = null;
  #isClosed = false;

  constructor(device: GpuDevice, isOwn: boolean) {
    this.device = device;
    this.#isOwn = isOwn;
    const { limits, features } = device;
    this.limits = {
      invocations: limits.maxComputeInvocationsPerWorkgroup,
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      bindings: limits.maxStorageBuffersPerShaderStage,
      hasHalf: features.has("shader-f16"),
      hasSubgroups: features.has("subgroups"),
      isProcessor: isProcessor(device),
    };
    device.lost.then(({ message }) => this.#fault ??= `the device is lost: ${message}`);
    device.addEventListener("uncapturederror", (event) => {
      const { error } = event as { readonly error?: { readonly message?: string } };
      this.#fault ??= `the device reports: ${error?.message}`;
      (event as { preventDefault?(): void }).preventDefault?.();
    });
    const entry = {
      binding: 0,
      visibility: COMPUTE,
      buffer: { type: "uniform", hasDynamicOffset: true },
    };
    this.#basesLayout = device.createBindGroupLayout({ entries: [entry] });
    this.zeros = this.basesOf(this.newBuffer(BASES_BYTES, USAGE.uniform), BASES_BYTES);
  }

  /**
   * Determines whether the runtime can wait for the device. `useCanvas` is whether to read through a canvas
   * where it cannot; by default, if the driver does not run on the CPU.
   */
  async open(useCanvas = !this.limits.isProcessor): Promise<void> {
    // Work that was started earlier is done by then.
    for (let i = 0; i < 2; i++) await nextTurn();
    const doing = "Cannot open WebGPU";
    const staging = this.takeStaging(4, doing);
    this.readsAtOnce = mapNow(staging.buffer);
    if (this.readsAtOnce) {
      staging.buffer.unmap();
      return this.giveStaging(staging);
    }
    staging.buffer.destroy();
    if (!useCanvas || !hasCanvases()) return;
    this.canvas = exactReader(this.device);
    this.readsAtOnce = this.canvas !== null;
  }

  /** Throws if the device cannot be used; `doing` is the beginning of the message. */
  use(doing: string): void {
    if (this.#isClosed) throw argumentError(`${doing}: the device was closed`);
    if (this.#fault !== null) throw webGpuError(`${doing}: ${this.#fault}`);
  }

  /** Closes the session, and the device if the session opened it. */
  close(): void {
    this.#isClosed = true;
    if (this.#isOwn) this.device.destroy();
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it was lost, or has reported an error. */
  get isLost(): boolean {
    return this.#fault !== null;
  }

  /** Makes a buffer. */
  newBuffer(size: number, usage: number): GpuBuffer {
    return this.device.createBuffer({ size, usage });
  }

  /**
   * A staging buffer for this many bytes, which was mapped and unmapped before; `doing` is the beginning of
   * error messages.
   */
  takeStaging(bytes: number, doing: string): Staging {
    const size = Math.max(LEAST_STAGING, 2 ** Math.ceil(Math.log2(bytes)));
    const kept = this.#stagings.get(size)?.pop();
    if (kept !== undefined) return kept;
    const usage = USAGE.mapRead | USAGE.copyDst;
    const exact = size > MOST_STAGING ? bytes : size;
    try {
      const buffer = this.device.createBuffer({ size: exact, usage, mappedAtCreation: true });
      buffer.unmap();
      return { buffer, size: exact };
    } catch (error) {
      throw webGpuError(`${doing}: ${lostOrFull}: ${(error as Error).message}`);
    }
  }

  /** Keeps a staging buffer that was read and unmapped for reuse. */
  giveStaging(staging: Staging): void {
    if (staging.size > MOST_STAGING) staging.buffer.destroy();
    else pushTo(this.#stagings, staging.size, staging);
  }

  /** A uniform block with this many bytes. */
  takeUniform(size: number): Uniform {
    const kept = this.#uniforms.get(size)?.pop();
    if (kept !== undefined) return kept;
    const buffer = this.newBuffer(size, USAGE.uniform | USAGE.copyDst);
    return { buffer, size, group: this.basesOf(buffer, size) };
  }

  /** Keeps a uniform block for reuse: later writes to it come after the submitted work. */
  giveUniform(uniform: Uniform): void {
    pushTo(this.#uniforms, uniform.size, uniform);
  }

  /** The bind group of ranges for pipelines of this layout, cached for the same ranges. */
  groupOf({ layout }: Pipeline, ranges: readonly Range[]): object {
    let key = "";
    for (const { buffer, offset, size } of ranges) {
      let id = this.#ids.get(buffer);
      if (id === undefined) this.#ids.set(buffer, id = this.#nextId++);
      key += `${id} ${offset} ${size} `;
    }
    let group = this.#groups.get(key);
    if (group === undefined) {
      const entries = ranges.map((resource, binding) => ({ binding, resource }));
      group = this.device.createBindGroup({ layout, entries });
      if (this.#groups.size >= MOST_GROUPS) {
        this.#groups.delete(this.#groups.keys().next().value!);
      }
    } else this.#groups.delete(key);
    this.#groups.set(key, group);
    return group;
  }

  /** The bind group of a uniform block with the bases of passes. */
  basesOf(buffer: GpuBuffer, size: number): object {
    const entries = [{ binding: 0, resource: { buffer, offset: 0, size } }];
    return this.device.createBindGroup({ layout: this.#basesLayout, entries });
  }

  #layoutOf(operands: number): { readonly group: object; readonly whole: object } {
    let layout = this.#layouts.get(operands);
    if (layout === undefined) {
      const entries = Array.from({ length: operands }, (_, binding) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: "storage" },
      }));
      const group = this.device.createBindGroupLayout({ entries });
      const bindGroupLayouts = [group, this.#basesLayout];
      layout = { group, whole: this.device.createPipelineLayout({ bindGroupLayouts }) };
      this.#layouts.set(operands, layout);
    }
    return layout;
  }

  /** The pipeline of a shader with this number of operands, cached by its text. */
  pipelineOf(code: string, operands: number): Pipeline {
    let known = this.#pipelines.get(code);
    if (known === undefined) {
      const { layout, descriptor } = this.#describe(code, operands);
      known = { pipeline: this.device.createComputePipeline(descriptor), layout };
      this.#pipelines.set(code, known);
    }
    return known;
  }

  /** Creates the pipelines of shaders in parallel, without blocking the event loop. */
  async makePipelines(shaders: Iterable<readonly [code: string, operands: number]>): Promise<void> {
    this.use(COMPILING);
    const missing = [...new Map(shaders)].filter(([code]) => !this.#pipelines.has(code));
    try {
      await Promise.all(missing.map(async ([code, operands]) => {
        const { layout, descriptor } = this.#describe(code, operands);
        const pipeline = await noting(() => this.device.createComputePipelineAsync(descriptor));
        if (!this.#pipelines.has(code)) this.#pipelines.set(code, { pipeline, layout });
      }));
    } catch (error) {
      this.use(COMPILING);
      throw webGpuError(`${COMPILING}: ${(error as Error).message}`);
    }
  }

  /** The descriptor of a pipeline. */
  #describe(
    code: string,
    operands: number,
  ): { readonly layout: object; readonly descriptor: object } {
    const { group, whole } = this.#layoutOf(operands);
    const module = this.device.createShaderModule({ code });
    return {
      layout: group,
      descriptor: { layout: whole, compute: { module, entryPoint: "main" } },
    };
  }
}
