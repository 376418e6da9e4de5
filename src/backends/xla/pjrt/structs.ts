/**
 * The structs of the PJRT C API (`xla/pjrt/c/pjrt_c_api.h` of OpenXLA, API 0.90) that this client uses.
 * Every struct begins with `struct_size` and `extension_start`, which are not repeated here. A function
 * `Name` takes one struct, `PJRT_Name_Args`, and returns an error or null.
 *
 * @module
 */
import { type Fields, Layout } from "./layout.ts";

/** The functions of `PJRT_Api` in order, up to the last one that is used. New ones are only appended. */
export const FUNCTIONS = [
  "Error_Destroy",
  "Error_Message",
  "Error_GetCode",
  "Plugin_Initialize",
  "Plugin_Attributes",
  "Event_Destroy",
  "Event_IsReady",
  "Event_Error",
  "Event_Await",
  "Event_OnReady",
  "Client_Create",
  "Client_Destroy",
  "Client_PlatformName",
  "Client_ProcessIndex",
  "Client_PlatformVersion",
  "Client_Devices",
  "Client_AddressableDevices",
  "Client_LookupDevice",
  "Client_LookupAddressableDevice",
  "Client_AddressableMemories",
  "Client_Compile",
  "Client_DefaultDeviceAssignment",
  "Client_BufferFromHostBuffer",
  "DeviceDescription_Id",
  "DeviceDescription_ProcessIndex",
  "DeviceDescription_Attributes",
  "DeviceDescription_Kind",
  "DeviceDescription_DebugString",
  "DeviceDescription_ToString",
  "Device_GetDescription",
  "Device_IsAddressable",
  "Device_LocalHardwareId",
  "Device_AddressableMemories",
  "Device_DefaultMemory",
  "Device_MemoryStats",
  "Memory_Id",
  "Memory_Kind",
  "Memory_DebugString",
  "Memory_ToString",
  "Memory_AddressableByDevices",
  "Executable_Destroy",
  "Executable_Name",
  "Executable_NumReplicas",
  "Executable_NumPartitions",
  "Executable_NumOutputs",
  "Executable_SizeOfGeneratedCodeInBytes",
  "Executable_GetCostAnalysis",
  "Executable_OutputMemoryKinds",
  "Executable_OptimizedProgram",
  "Executable_Serialize",
  "LoadedExecutable_Destroy",
  "LoadedExecutable_GetExecutable",
  "LoadedExecutable_AddressableDevices",
  "LoadedExecutable_Delete",
  "LoadedExecutable_IsDeleted",
  "LoadedExecutable_Execute",
  "Executable_DeserializeAndLoad",
  "LoadedExecutable_Fingerprint",
  "Buffer_Destroy",
  "Buffer_ElementType",
  "Buffer_Dimensions",
  "Buffer_UnpaddedDimensions",
  "Buffer_DynamicDimensionIndices",
  "Buffer_GetMemoryLayout",
  "Buffer_OnDeviceSizeInBytes",
  "Buffer_Device",
  "Buffer_Memory",
  "Buffer_Delete",
  "Buffer_IsDeleted",
  "Buffer_CopyToDevice",
  "Buffer_ToHostBuffer",
  "Buffer_IsOnCpu",
  "Buffer_ReadyEvent",
  "Buffer_UnsafePointer",
  "Buffer_IncreaseExternalReferenceCount",
  "Buffer_DecreaseExternalReferenceCount",
  "Buffer_OpaqueDeviceMemoryDataPointer",
  "CopyToDeviceStream_Destroy",
  "CopyToDeviceStream_AddChunk",
  "CopyToDeviceStream_TotalBytes",
  "CopyToDeviceStream_GranuleSize",
  "CopyToDeviceStream_CurrentBytes",
  "TopologyDescription_Create",
  "TopologyDescription_Destroy",
  "TopologyDescription_PlatformName",
  "TopologyDescription_PlatformVersion",
  "TopologyDescription_GetDeviceDescriptions",
  "TopologyDescription_Serialize",
  "TopologyDescription_Attributes",
  "Compile",
  "Executable_OutputElementTypes",
  "Executable_OutputDimensions",
  "Buffer_CopyToMemory",
  "Client_CreateViewOfDeviceBuffer",
  "Executable_Fingerprint",
  "Client_TopologyDescription",
  "Executable_GetCompiledMemoryStats",
] as const;

const version = { major_version: "int32", minor_version: "int32" } as const;

/** The version of the C API. */
export const API_VERSION = new Layout("PJRT_Api_Version", version);

/** `PJRT_Api`, which begins with the struct `PJRT_Api_Version`. */
export const API: Layout = new Layout("PJRT_Api", {
  version_struct_size: "size",
  version_extension_start: "pointer",
  ...version,
  ...Object.fromEntries(FUNCTIONS.map((name) => [name, "pointer" as const])),
});

/** The arguments of each function that is used. */
export const ARGUMENTS = {
  Error_Destroy: { error: "pointer" },
  Error_Message: { error: "pointer", message: "pointer out", message_size: "size out" },
  Error_GetCode: { error: "pointer", code: "int32 out" },
  Plugin_Initialize: {},
  Plugin_Attributes: { attributes: "pointer out", num_attributes: "size out" },
  Event_Destroy: { event: "pointer" },
  Event_IsReady: { event: "pointer", is_ready: "bool out" },
  Event_Await: { event: "pointer" },
  Client_Create: {
    create_options: "pointer",
    num_options: "size",
    kv_get_callback: "pointer",
    kv_get_user_arg: "pointer",
    kv_put_callback: "pointer",
    kv_put_user_arg: "pointer",
    client: "pointer out",
    kv_try_get_callback: "pointer",
    kv_try_get_user_arg: "pointer",
  },
  Client_Destroy: { client: "pointer" },
  Client_PlatformName: {
    client: "pointer",
    platform_name: "pointer out",
    platform_name_size: "size out",
  },
  Client_ProcessIndex: { client: "pointer", process_index: "int32 out" },
  Client_PlatformVersion: {
    client: "pointer",
    platform_version: "pointer out",
    platform_version_size: "size out",
  },
  Client_Devices: { client: "pointer", devices: "pointer out", num_devices: "size out" },
  Client_Compile: {
    client: "pointer",
    program: "pointer",
    compile_options: "pointer",
    compile_options_size: "size",
    executable: "pointer out",
  },
  Client_BufferFromHostBuffer: {
    client: "pointer",
    data: "pointer",
    type: "int32",
    dims: "pointer",
    num_dims: "size",
    byte_strides: "pointer",
    num_byte_strides: "size",
    host_buffer_semantics: "int32",
    device: "pointer",
    memory: "pointer",
    device_layout: "pointer",
    done_with_host_buffer: "pointer out",
    buffer: "pointer out",
  },
  DeviceDescription_Id: { device_description: "pointer", id: "int32 out" },
  DeviceDescription_ProcessIndex: { device_description: "pointer", process_index: "int32 out" },
  DeviceDescription_Attributes: {
    device_description: "pointer",
    num_attributes: "size out",
    attributes: "pointer out",
  },
  DeviceDescription_Kind: {
    device_description: "pointer",
    device_kind: "pointer out",
    device_kind_size: "size out",
  },
  DeviceDescription_DebugString: {
    device_description: "pointer",
    debug_string: "pointer out",
    debug_string_size: "size out",
  },
  Device_GetDescription: { device: "pointer", device_description: "pointer out" },
  Device_IsAddressable: { device: "pointer", is_addressable: "bool out" },
  Device_LocalHardwareId: { device: "pointer", local_hardware_id: "int32 out" },
  Device_MemoryStats: {
    device: "pointer",
    bytes_in_use: "int64 out",
    peak_bytes_in_use: "int64 out",
    peak_bytes_in_use_is_set: "bool out",
    num_allocs: "int64 out",
    num_allocs_is_set: "bool out",
    largest_alloc_size: "int64 out",
    largest_alloc_size_is_set: "bool out",
    bytes_limit: "int64 out",
    bytes_limit_is_set: "bool out",
    bytes_reserved: "int64 out",
    bytes_reserved_is_set: "bool out",
    peak_bytes_reserved: "int64 out",
    peak_bytes_reserved_is_set: "bool out",
    bytes_reservable_limit: "int64 out",
    bytes_reservable_limit_is_set: "bool out",
    largest_free_block_bytes: "int64 out",
    largest_free_block_bytes_is_set: "bool out",
    pool_bytes: "int64 out",
    pool_bytes_is_set: "bool out",
    peak_pool_bytes: "int64 out",
    peak_pool_bytes_is_set: "bool out",
  },
  Executable_Destroy: { executable: "pointer" },
  Executable_Name: {
    executable: "pointer",
    executable_name: "pointer out",
    executable_name_size: "size out",
  },
  Executable_GetCostAnalysis: {
    executable: "pointer",
    num_properties: "size out",
    properties: "pointer out",
  },
  Executable_OptimizedProgram: { executable: "pointer", program: "pointer" },
  Executable_Serialize: {
    executable: "pointer",
    serialized_bytes: "pointer out",
    serialized_bytes_size: "size out",
    serialized_executable: "pointer out",
    serialized_executable_deleter: "pointer out",
  },
  LoadedExecutable_Destroy: { executable: "pointer" },
  LoadedExecutable_GetExecutable: { loaded_executable: "pointer", executable: "pointer out" },
  LoadedExecutable_AddressableDevices: {
    executable: "pointer",
    addressable_devices: "pointer out",
    num_addressable_devices: "size out",
  },
  LoadedExecutable_Execute: {
    executable: "pointer",
    options: "pointer",
    argument_lists: "pointer",
    num_devices: "size",
    num_args: "size",
    output_lists: "pointer",
    device_complete_events: "pointer",
    execute_device: "pointer",
  },
  Executable_DeserializeAndLoad: {
    client: "pointer",
    serialized_executable: "pointer",
    serialized_executable_size: "size",
    loaded_executable: "pointer out",
    overridden_serialized_compile_options: "pointer",
    overridden_serialized_compile_options_size: "size",
  },
  Buffer_Destroy: { buffer: "pointer" },
  Buffer_ElementType: { buffer: "pointer", type: "int32 out" },
  Buffer_Dimensions: { buffer: "pointer", dims: "pointer out", num_dims: "size out" },
  Buffer_GetMemoryLayout: {
    buffer: "pointer",
    layout_struct_size: "size out",
    layout_extension_start: "pointer out",
    layout_tiled_struct_size: "size out",
    layout_tiled_extension_start: "pointer out",
    layout_minor_to_major: "pointer out",
    layout_minor_to_major_size: "size out",
    layout_tile_dims: "pointer out",
    layout_tile_dim_sizes: "pointer out",
    layout_num_tiles: "size out",
    layout_type: "int32 out",
    // The end of the nested struct with the fields above.
    layout_padding: "int32 out",
  },
  Buffer_IsOnCpu: { buffer: "pointer", is_on_cpu: "bool out" },
  Buffer_UnsafePointer: { buffer: "pointer", buffer_pointer: "pointer out" },
  Buffer_OnDeviceSizeInBytes: { buffer: "pointer", on_device_size_in_bytes: "size out" },
  Buffer_IsDeleted: { buffer: "pointer", is_deleted: "bool out" },
  Buffer_CopyToDevice: { buffer: "pointer", dst_device: "pointer", dst_buffer: "pointer out" },
  Buffer_ToHostBuffer: {
    src: "pointer",
    host_layout: "pointer",
    dst: "pointer",
    dst_size: "size",
    event: "pointer out",
  },
  Buffer_ReadyEvent: { buffer: "pointer", event: "pointer out" },
  Executable_OutputElementTypes: {
    executable: "pointer",
    output_types: "pointer out",
    num_output_types: "size out",
  },
  Executable_OutputDimensions: {
    executable: "pointer",
    num_outputs: "size out",
    dims: "pointer out",
    dim_sizes: "pointer out",
  },
  Executable_Fingerprint: {
    executable: "pointer",
    executable_fingerprint: "pointer out",
    executable_fingerprint_size: "size out",
  },
  Executable_GetCompiledMemoryStats: {
    executable: "pointer",
    generated_code_size_in_bytes: "int64 out",
    argument_size_in_bytes: "int64 out",
    output_size_in_bytes: "int64 out",
    alias_size_in_bytes: "int64 out",
    temp_size_in_bytes: "int64 out",
    host_generated_code_size_in_bytes: "int64 out",
    host_argument_size_in_bytes: "int64 out",
    host_output_size_in_bytes: "int64 out",
    host_alias_size_in_bytes: "int64 out",
    host_temp_size_in_bytes: "int64 out",
    peak_memory_in_bytes: "int64 out",
  },
} as const satisfies Partial<Record<(typeof FUNCTIONS)[number], Fields>>;

/** A function that is used. */
export type FunctionName = keyof typeof ARGUMENTS;

/** The arguments of a function. */
export type ArgumentsOf<N extends FunctionName> = (typeof ARGUMENTS)[N];

/** The layout of the arguments of a function. */
export function argumentLayout<N extends FunctionName>(name: N): Layout<ArgumentsOf<N>> {
  return new Layout(`PJRT_${name}_Args`, ARGUMENTS[name] as ArgumentsOf<N>);
}

/** A program to compile. */
export const PROGRAM = new Layout("PJRT_Program", {
  code: "pointer",
  code_size: "size",
  format: "pointer",
  format_size: "size",
});

/** A named value: an option, an attribute or a property. */
export const NAMED_VALUE = new Layout("PJRT_NamedValue", {
  name: "pointer",
  name_size: "size",
  type: "int32",
  value: "word",
  value_size: "size",
});

/** Options of a run. */
export const EXECUTE_OPTIONS = new Layout("PJRT_ExecuteOptions", {
  send_callbacks: "pointer",
  recv_callbacks: "pointer",
  num_send_ops: "size",
  num_recv_ops: "size",
  launch_id: "int32",
  non_donatable_input_indices: "pointer",
  num_non_donatable_input_indices: "size",
  context: "pointer",
  call_location: "pointer",
  num_tasks: "size",
  task_ids: "pointer",
  incarnation_ids: "pointer",
});

/**
 * The arguments of the functions through which a plugin accesses the caller's key-value store; the results
 * are written by the called function. `callback_error` is the address of a function that creates errors.
 */
export const KEY_VALUE_ARGUMENTS = {
  get: new Layout("PJRT_KeyValueGetCallback_Args", {
    key: "pointer",
    key_size: "size",
    timeout_in_ms: "int32",
    callback_error: "pointer",
    user_arg: "pointer",
    value: "pointer out",
    value_size: "size out",
    value_deleter_callback: "pointer out",
  }),
  tryGet: new Layout("PJRT_KeyValueTryGetCallback_Args", {
    key: "pointer",
    key_size: "size",
    callback_error: "pointer",
    user_arg: "pointer",
    value: "pointer out",
    value_size: "size out",
    value_deleter_callback: "pointer out",
  }),
  put: new Layout("PJRT_KeyValuePutCallback_Args", {
    key: "pointer",
    key_size: "size",
    value: "pointer",
    value_size: "size",
    callback_error: "pointer",
    user_arg: "pointer",
  }),
} as const;

const tiled = {
  minor_to_major: "pointer",
  minor_to_major_size: "size",
  tile_dims: "pointer",
  tile_dim_sizes: "pointer",
  num_tiles: "size",
} as const;

/** The order of a buffer's elements as a permutation of axes. */
export const TILED = new Layout("PJRT_Buffer_MemoryLayout_Tiled", tiled);

/** The variants of `PJRT_Buffer_MemoryLayout`. */
export const LAYOUT_TYPES = { tiled: 0, strides: 1 } as const;

/** The order of a buffer's elements: a union with `TILED` as its larger variant. */
export const MEMORY_LAYOUT = new Layout("PJRT_Buffer_MemoryLayout", {
  tiled_struct_size: "size",
  tiled_extension_start: "pointer",
  ...tiled,
  type: "int32",
});

/** `PJRT_HostBufferSemantics`: how long the memory of an upload must remain unchanged. */
export const SEMANTICS = { onlyDuringCall: 0, untilTransferCompletes: 1 } as const;
