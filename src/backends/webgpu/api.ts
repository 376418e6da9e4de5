/**
 * What is used of WebGPU, as types: not every runtime declares them, and a device may come from another
 * library.
 *
 * @module
 */

/** A buffer of a device. */
export interface GpuBuffer {
  /** Left out where the runtime does not tell. */
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

/** Work on buffers that is being written. */
export interface GpuComputePass {
  setPipeline(pipeline: object): void;
  setBindGroup(index: number, group: object, offsets?: readonly number[]): void;
  dispatchWorkgroups(x: number, y: number, z: number): void;
  dispatchWorkgroupsIndirect(counts: GpuBuffer, offset: number): void;
  end(): void;
}

/** Commands that are being written. */
export interface GpuCommands {
  beginComputePass(): GpuComputePass;
  copyBufferToBuffer(
    from: GpuBuffer,
    start: number,
    to: GpuBuffer,
    offset: number,
    size: number,
  ): void;
  clearBuffer(buffer: GpuBuffer, offset: number, size: number): void;
  finish(): object;
}

/** A WebGPU device, as far as it is used: a `GPUDevice` is one. */
export interface GpuDevice {
  /** What it can do. */
  readonly limits: {
    readonly maxComputeInvocationsPerWorkgroup: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxBufferSize: number;
  };
  /** What it can do besides. */
  readonly features: { has(name: string): boolean };
  /** What it is, where the runtime says so. */
  readonly adapterInfo?: {
    readonly isFallbackAdapter?: boolean;
    readonly architecture?: string;
    readonly description?: string;
  };
  /** Its queue. */
  readonly queue: GpuQueue;
  /** Settled once it cannot be used any more. */
  readonly lost: Promise<{ readonly message: string }>;
  /** Makes a buffer. */
  createBuffer(descriptor: object): GpuBuffer;
  /** Compiles WGSL. */
  createShaderModule(descriptor: object): object;
  /** Describes what a pass binds. */
  createBindGroupLayout(descriptor: object): object;
  /** Describes all that a pipeline binds. */
  createPipelineLayout(descriptor: object): object;
  /** Makes a shader ready to run. */
  createComputePipeline(descriptor: object): object;
  /** The same without holding up the event loop. */
  createComputePipelineAsync(descriptor: object): Promise<object>;
  /** Binds buffers. */
  createBindGroup(descriptor: object): object;
  /** Begins to write commands. */
  createCommandEncoder(): GpuCommands;
  /** Tells of errors. */
  addEventListener(type: "uncapturederror", listener: (event: object) => void): void;
  /** Ends it. */
  destroy(): void;
}

/** Something that devices come from. */
interface GpuAdapter {
  readonly limits: Readonly<Record<string, number>>;
  readonly features: { has(name: string): boolean };
  requestDevice(descriptor: object): Promise<GpuDevice>;
}

interface Gpu {
  requestAdapter(options: object): Promise<GpuAdapter | null>;
}

/** The runtime's way to WebGPU, where there is one. */
export function runtimeGpu(): Gpu | null {
  const { navigator } = globalThis as { readonly navigator?: { readonly gpu?: Gpu } };
  return navigator?.gpu ?? null;
}

/** Whether this is Deno. */
export function isDeno(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };
  return navigator?.userAgent?.startsWith("Deno/") ?? false;
}

/** What buffers are used for, as WebGPU counts it. */
export const USAGE = {
  mapRead: 0x1,
  copySrc: 0x4,
  copyDst: 0x8,
  uniform: 0x40,
  storage: 0x80,
  indirect: 0x100,
} as const;

/** Buffers that are mapped are read. */
export const MAP_READ = 1;

/** Shaders that see a binding: those that compute. */
export const COMPUTE = 4;
