/**
 * The two containers of PyTorch's checkpoints: a zip file (since version 1.6), and before that a sequence
 * of pickles followed by the storages. Both as `torch/serialization.py` of PyTorch reads them.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { Budget, dataView } from "./bytes.ts";
import { storedBytes } from "./elements.ts";
import type { Targets } from "./elements.ts";
import { PickledDict, PickledList, unpickle } from "./pickle.ts";
import type { PickleHost } from "./pickle.ts";
import type { Fail } from "./pickle_input.ts";
import { resolveContents, storageBytes } from "./torch_resolve.ts";
import { torchHost } from "./torch_values.ts";
import type { StoredStorage } from "./torch_values.ts";
import { readZipDirectory, readZipEntry } from "./zip.ts";

/** The first pickle of the legacy format. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;

/** The second. */
const LEGACY_PROTOCOL = 1001;

/** The information needed to read either container. */
export interface TorchSource {
  /** The file. */
  readonly file: Uint8Array;
  /** Begins messages. */
  readonly what: string;
  /** Makes an error that begins so. */
  readonly fail: Fail;
  /** The dtypes to which elements are converted. */
  readonly targets: Targets;
}

/** Reads a checkpoint in a zip file. */
export function readZipCheckpoint({ file, what, fail, targets }: TorchSource): unknown {
  const directory = readZipDirectory(file, what);
  const budget = new Budget(file.length, what);
  // All entries are in one folder, which is named after the file that was written first.
  const first = directory.keys().next().value ?? "";
  const folder = first.slice(0, first.indexOf("/") + 1);

  function readEntry(name: string): Uint8Array | undefined {
    const entry = directory.get(folder + name);
    // PyTorch writes zeros if computing checksums is turned off.
    return entry && readZipEntry(file, entry, budget, what, true);
  }

  if (directory.has(`${folder}constants.pkl`)) {
    throw fail("it is a TorchScript archive, which holds code; save a state_dict instead");
  }
  const pickle = readEntry("data.pkl");
  if (pickle === undefined) {
    const hint = first.endsWith(".npy") ? "; use readNpz for files of NumPy" : "";
    throw fail(`it is a zip file without data.pkl${hint}`);
  }
  const order = readEntry("byteorder");
  if (order !== undefined && new TextDecoder().decode(order) !== "little") {
    throw fail("it is big-endian, which is not supported; save it on a little-endian machine");
  }
  const { value } = unpickle(pickle, 0, torchHost(file.length, [], fail));
  const contents = new Map<string, Uint8Array>();
  return resolveContents(value, {
    what,
    targets,
    budget,
    read(storage) {
      const bytes = contents.get(storage.key) ?? readEntry(`data/${storage.key}`);
      if (bytes === undefined) throw fail(`it lacks the storage ${describeValue(storage.key)}`);
      contents.set(storage.key, bytes);
      return takeStorage(bytes, storage, fail);
    },
  });
}

/** The bytes of a storage out of those that are there. */
function takeStorage(bytes: Uint8Array, storage: StoredStorage, fail: Fail): Uint8Array {
  const expected = storageBytes(storage);
  if (expected > bytes.length) {
    throw fail(
      `its storage ${
        describeValue(storage.key)
      } has ${bytes.length} bytes, expected ${expected}; ` +
        `the file may be cut short`,
    );
  }
  return bytes.subarray(0, expected);
}

/** Reads a checkpoint of the legacy format. */
export function readLegacyCheckpoint({ file, what, fail, targets }: TorchSource): unknown {
  const storages: StoredStorage[] = [];
  const host = torchHost(file.length, storages, fail);
  const magic = unpickle(file, 0, host);
  if (magic.value !== LEGACY_MAGIC) {
    throw fail("it is a pickle, but none that torch.save wrote");
  }
  const protocol = unpickle(file, magic.end, host);
  if (protocol.value !== LEGACY_PROTOCOL) {
    throw fail(`it is of protocol ${describeValue(protocol.value)}, expected ${LEGACY_PROTOCOL}`);
  }
  const system = unpickle(file, protocol.end, host);
  const isLittle = system.value instanceof PickledDict &&
    system.value.entries.get("little_endian") === true;
  if (!isLittle) {
    throw fail("it is big-endian, which is not supported; save it on a little-endian machine");
  }
  const contents = unpickle(file, system.end, host);
  const keys = unpickle(file, contents.end, host);
  const places = findStorages(file, keys.value, keys.end, storages, host);
  return resolveContents(contents.value, {
    what,
    targets,
    budget: new Budget(file.length, what),
    read(storage) {
      const bytes = places.get(storage.key);
      if (bytes === undefined) throw fail(`it lacks the storage ${describeValue(storage.key)}`);
      return takeStorage(bytes, storage, fail);
    },
  });
}

/** The bytes of each storage: they follow each other, each after its number of elements. */
function findStorages(
  file: Uint8Array,
  keys: unknown,
  start: number,
  storages: readonly StoredStorage[],
  { fail }: PickleHost,
): Map<string, Uint8Array> {
  if (!(keys instanceof PickledList)) throw fail("it has no list of its storages");
  const view = dataView(file);
  const known = new Map(storages.map((storage) => [storage.key, storage]));
  const places = new Map<string, Uint8Array>();
  let at = start;
  for (const key of keys.items) {
    const storage = typeof key === "string" ? known.get(key) : undefined;
    if (storage === undefined) throw fail("it lists a storage that no tensor uses");
    if (at + 8 > file.length) throw cutShort();
    const length = Number(view.getBigInt64(at, true));
    if (length !== storage.length) {
      throw fail(
        `its storage ${describeValue(key)} has ${length} elements, expected ${storage.length}`,
      );
    }
    at += 8;
    const end = at + length * (storage.kind === null ? 1 : storedBytes(storage.kind));
    if (!(end <= file.length)) throw cutShort();
    places.set(storage.key, file.subarray(at, end));
    at = end;
  }
  return places;

  function cutShort(): Error {
    return fail("it ends before its last storage; the file may be cut short");
  }
}
