"""Runs GradBench's tool for JAX so that each timed run waits for its result.

    python3 blocking_jax.py SUITE
"""

import runpy
import sys

import gradbench.wrap as wrap
import jax

original = wrap.multiple_runs


def multiple_runs(**options):
    decorate = original(**options)
    return lambda function: decorate(lambda given: jax.block_until_ready(function(given)))


wrap.multiple_runs = multiple_runs
folder = f"{sys.argv[1]}/python/gradbench/gradbench/tools/jax"
sys.argv = [f"{folder}/run.py"]
sys.path.insert(0, folder)
runpy.run_path(sys.argv[0], run_name="__main__")
