/**
 * The parts of WebGPU that are used, as types: not every runtime declares them, and a device may come from
 * another library.
 *
 * @module
 */

/** A buffer of a device. */
export interface GpuBuffer {
  /** Omitted where the runtime does not provide it. */
  readonly mapState?: "unmapped" | "pending" | "mapped";
  mapAsync(mode: number): Promise<unknown>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

/** A queue of work. */
export interface GpuQueue {
  submit(commands: readonly object[]): void;
  writeBuffer(buffer: GpuBuffer, offset: number, data: ArrayBufferView): void;
  onSubmittedWorkDone(): Promise<unknown>;
}

/** A compute pass that is being encoded. */
export interface GpuComputePass {
  setPipeline(pipeline: object): void;
  setBindGroup(index: number, group: object, offsets?: readonly number[]): void;
  dispatchWorkgroups(x: number, y: number, z: number): void;
  dispatchWorkgroupsIndirect(counts: GpuBuffer, offset: number): void;
  end(): void;
}

/** A texture of a canvas. */
export type GpuTexture = object;

/** A command buffer that is being encoded. */
export interface GpuCommands {
  beginComputePass(descriptor?: object): GpuComputePass;
  copyBufferToBuffer(
    from: GpuBuffer,
    start: number,
    to: GpuBuffer,
    offset: number,
    size: number,
  ): void;
  copyBufferToTexture(
    from: { readonly buffer: GpuBuffer; readonly offset: number; readonly bytesPerRow: number },
    to: { readonly texture: GpuTexture; readonly origin: readonly number[] },
    size: readonly number[],
  ): void;
  resolveQuerySet(
    queries: object,
    first: number,
    count: number,
    to: GpuBuffer,
    offset: number,
  ): void;
  clearBuffer(buffer: GpuBuffer, offset: number, size: number): void;
  finish(): object;
}

/** A WebGPU device, with the members that are used: a `GPUDevice` is one. */
export interface GpuDevice {
  /** Its limits. */
  readonly limits: {
    readonly maxComputeInvocationsPerWorkgroup: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxBufferSize: number;
  };
  /** Its optional features. */
  readonly features: { has(name: string): boolean };
  /** Information about the adapter, if the runtime provides it. */
  readonly adapterInfo?: {
    readonly isFallbackAdapter?: boolean;
    readonly architecture?: string;
    readonly description?: string;
  };
  /** Its queue. */
  readonly queue: GpuQueue;
  /** Resolves when the device can no longer be used. */
  readonly lost: Promise<{ readonly message: string }>;
  /** Creates a buffer. */
  createBuffer(descriptor: object): GpuBuffer;
  /** Compiles WGSL. */
  createShaderModule(descriptor: object): object;
  /** Creates the layout of a bind group. */
  createBindGroupLayout(descriptor: object): object;
  /** Creates the layout of all bind groups of a pipeline. */
  createPipelineLayout(descriptor: object): object;
  /** Creates a compute pipeline from a shader. */
  createComputePipeline(descriptor: object): object;
  /** The same without blocking the event loop. */
  createComputePipelineAsync(descriptor: object): Promise<object>;
  /** Creates a bind group of buffers. */
  createBindGroup(descriptor: object): object;
  /** Creates a set of timestamps; omitted where the runtime has none. */
  createQuerySet?(descriptor: object): object;
  /** Starts encoding commands. */
  createCommandEncoder(): GpuCommands;
  /** Adds a listener for errors. */
  addEventListener(type: "uncapturederror", listener: (event: object) => void): void;
  /** Destroys the device. */
  destroy(): void;
}

/** A source of devices. */
interface GpuAdapter {
  readonly limits: Readonly<Record<string, number>>;
  readonly features: { has(name: string): boolean };
  requestDevice(descriptor: object): Promise<GpuDevice>;
}

interface Gpu {
  requestAdapter(options: object): Promise<GpuAdapter | null>;
}

/** The runtime's WebGPU interface, if it has one. */
export function runtimeGpu(): Gpu | null {
  const { navigator } = globalThis as { readonly navigator?: { readonly gpu?: Gpu } };
  return navigator?.gpu ?? null;
}

/** Whether the runtime is Deno. */
export function isDeno(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };
  return navigator?.userAgent?.startsWith("Deno/") ?? false;
}

/** Whether the runtime is a browser, in a page or a worker. */
export function isBrowser(): boolean {
  return !isDeno() && ("document" in globalThis || "WorkerGlobalScope" in globalThis);
}

/** The flags of `GPUBufferUsage`. */
export const USAGE = {
  mapRead: 0x1,
  copySrc: 0x4,
  copyDst: 0x8,
  uniform: 0x40,
  storage: 0x80,
  indirect: 0x100,
  queryResolve: 0x200,
} as const;

/** `GPUTextureUsage.COPY_DST`. */
export const COPY_DST_TEXTURE = 2;

/** `GPUMapMode.READ`. */
export const MAP_READ = 1;

/** `GPUShaderStage.COMPUTE`. */
export const COMPUTE = 4;
