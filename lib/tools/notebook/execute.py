"""Executes one notebook: execute.py NOTEBOOK OUT FOLDER KERNEL TIMEOUT.

Prints a line of JSON at the start and the end of every code cell. Writes OUT also when a cell failed.
"""

import asyncio
import json
import queue
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync

# The Deno kernel reports a cell as finished before it has sent all of its output.
QUIET_SECONDS = 0.06


def say(**event):
    print(json.dumps(event), flush=True)


class Client(NotebookClient):
    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index):
        await super()._async_poll_output_msg(parent_msg_id, cell, cell_index)
        while True:
            try:
                message = await ensure_async(
                    self.kc.iopub_channel.get_msg(timeout=QUIET_SECONDS)
                )
            except (queue.Empty, asyncio.TimeoutError):
                return
            if message["parent_header"].get("msg_id") == parent_msg_id:
                self.process_message(message, cell, cell_index)

    async def async_execute_cell(self, cell, cell_index, **rest):
        if cell.cell_type != "code" or not cell.source.strip():
            return await super().async_execute_cell(cell, cell_index, **rest)
        say(event="start", cell=cell_index)
        began = time.monotonic()
        result = await super().async_execute_cell(cell, cell_index, **rest)
        say(event="end", cell=cell_index, seconds=time.monotonic() - began)
        return result

    execute_cell = run_sync(async_execute_cell)


def main():
    path, out, folder, kernel, timeout = sys.argv[1:]
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = Client(
        notebook,
        kernel_name=kernel,
        timeout=int(timeout),
        startup_timeout=120,
        record_timing=False,
        resources={"metadata": {"path": folder}},
    )
    failed = True
    try:
        client.execute()
        failed = False
    except CellExecutionError as error:
        say(event="error", name=error.ename, message=error.evalue)
    except CellTimeoutError:
        say(event="error", name="Timeout", message=f"a cell took more than {timeout} s")
    except DeadKernelError:
        say(event="error", name="DeadKernel", message="the kernel ended")
    finally:
        nbformat.write(notebook, out)
    sys.exit(1 if failed else 0)


main()
