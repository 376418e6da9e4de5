"""Runs in JAX what `export_to_jax.ts` has written: a training step as StableHLO.

    deno run examples/export_to_jax.ts > step.json
    python3 examples/run_in_jax.py step.json

`load` gives a function of arrays that JAX jits, shards and runs as one of its own: here with the batch
split over four devices, which are threads of the processor. The losses must be those that the step gave
where it was written. Needs `pip install jax`.
"""

import base64
import dataclasses
import json
import os
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
)

import jax
import jax.numpy as jnp
import numpy as np
from jax import export
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxlib.mlir.dialects import stablehlo

def load(step):
    """The step as a function from a list of arrays to a list of arrays.

    One result more says whether an index was outside of its axis; it is left in its place, the last.
    """
    avals = [jax.ShapeDtypeStruct(a["shape"], a["dtype"]) for a in step["arguments"]]
    results = [(tuple(r["shape"]), r["dtype"]) for r in step["results"]]
    head = step["text"].split("@main(")[1].split("{\n")[0]
    if head.split("->")[1].count("tensor<") > len(results):
        results.append(((), "bool"))

    def stand_in(*args):
        # Every argument is used, so that all of them are kept.
        zero = sum((a.ravel()[0].astype("float32") * 0 for a in args), jnp.float32(0))
        return [jnp.zeros(shape, dtype) + zero.astype(dtype) for shape, dtype in results]

    module = stablehlo.serialize_portable_artifact_str(step["text"], stablehlo.get_current_version())
    exported = export.export(jax.jit(stand_in))(*avals)
    own = dataclasses.replace(exported, mlir_module_serialized=module)
    return lambda arrays: own.call(*arrays)


def main(path):
    with open(path) as file:
        step = json.load(file)
    arrays = [
        np.frombuffer(base64.b64decode(a["data"]), a["dtype"]).reshape(a["shape"])
        for a in step["arguments"]
    ]
    mesh = Mesh(np.array(jax.devices()), ("data",))
    whole = NamedSharding(mesh, PartitionSpec())
    split = NamedSharding(mesh, PartitionSpec("data"))
    # The last two arguments are the batch; parameters are on every device.
    shardings = [whole] * (len(arrays) - 2) + [split] * 2
    arrays = [jax.device_put(a, s) for a, s in zip(arrays, shardings)]
    run = jax.jit(load(step))

    paths = [r["path"] for r in step["results"]]
    names = [a["path"] for a in step["arguments"]]
    # The results that become the next arguments: `0.…` are parameters, `1.…` the optimiser's state.
    origins = {"0": "params", "1": "momentum"}
    sources = [paths.index(f"{origins[name[0]]}{name[1:]}") for name in names[:-2]]
    losses = []
    for _ in step["losses"]:
        results = run(arrays)
        losses.append(float(results[paths.index("loss")]))
        arrays = [results[source] for source in sources] + arrays[-2:]
    print(f"{len(jax.devices())} devices, JAX {jax.__version__}: {losses}")
    np.testing.assert_allclose(losses, step["losses"], rtol=1e-5)
    print("The losses are those that the step gave where it was written")


if __name__ == "__main__":
    main(sys.argv[1])
