"""Executes a notebook with Deno's kernel, and writes it with its outputs: notebooks.py FILE RESULT."""

import pathlib
import queue
import sys

import nbformat
from jupyter_client.manager import start_new_kernel

# The timeout of a cell, and the time to wait for late messages: the kernel sometimes reports that it is idle before
# the result of an asynchronous display has arrived.
LONGEST, LATE = 300, 0.2


def outputs_of(client, source):
    """Runs one cell; its outputs, with texts of one stream joined."""
    message = client.execute(source, store_history=True)
    outputs, is_idle = [], False
    while True:
        try:
            received = client.get_iopub_msg(timeout=LATE if is_idle else LONGEST)
        except queue.Empty:
            if is_idle:
                return outputs
            raise
        kind, content = received["msg_type"], received["content"]
        if received["parent_header"].get("msg_id") != message:
            continue
        if kind == "status":
            is_idle = is_idle or content["execution_state"] == "idle"
        elif kind in ("stream", "display_data", "execute_result", "error"):
            output = nbformat.v4.output_from_msg(received)
            before = outputs[-1] if outputs else {}
            if kind == "stream" and before.get("name") == output["name"]:
                before["text"] += output["text"]
            else:
                outputs.append(output)


path = pathlib.Path(sys.argv[1])
notebook = nbformat.read(path, as_version=4)
manager, client = start_new_kernel(kernel_name="deno", cwd=str(path.parent))
try:
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        cell.outputs = outputs_of(client, cell.source)
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
nbformat.write(notebook, sys.argv[2])
