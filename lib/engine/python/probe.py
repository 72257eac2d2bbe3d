"""
What the trainer's machines have, for `deno task engine`: Python, packages, GPUs, and whether they see the shared folder.

  python probe.py FOLDER            this machine
  python probe.py FOLDER --ray      every node of the Ray cluster, each by a worker of its own

Prints one line "PROBE {...}". FOLDER was made by the asker, with a file "asked" in it; each machine adds a file.
"""
import argparse
import importlib
import json
import os
import socket
import sys

# Of each package what the trainer uses: some import the rest only when asked for it.
NEEDED = {
    "torch": "nn", "transformers": "AutoModelForCausalLM", "peft": "LoraConfig",
    "trl": "DPOTrainer", "accelerate": "Accelerator", "datasets": "Dataset",
}


def probe(folder, name):
    """One machine."""
    versions, faults = {}, {}
    for package, part in NEEDED.items():
        try:
            module = importlib.import_module(package)
            getattr(module, part)
            versions[package] = module.__version__
        except BaseException as error:  # a library that is broken may raise anything
            faults[package] = f"{type(error).__name__}: {error}"[:300]
    gpus, bfloat16 = 0, False
    if "torch" in versions:
        import torch
        gpus = torch.cuda.device_count()
        bfloat16 = gpus > 0 and torch.cuda.is_bf16_supported()
    folder_fault = None
    try:
        with open(os.path.join(folder, "asked")) as file:
            asked = file.read()
        with open(os.path.join(folder, name), "w") as file:
            file.write(asked)
    except OSError as error:
        folder_fault = f"{type(error).__name__}: {error}"[:300]
    return {
        "name": name, "python": sys.version.split()[0], "executable": sys.executable, "versions": versions,
        "faults": faults, "gpus": gpus, "bfloat16": bfloat16, "folderFault": folder_fault,
    }


def probe_ray(folder):
    """Every node; one that does not answer in time is told as such."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray.init(address="auto", log_to_driver=False)
    tasks = {}
    for node in ray.nodes():
        if node["Alive"]:
            remote = ray.remote(probe).options(
                num_cpus=0,  # also beside a trainer that runs
                max_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
                runtime_env={"py_executable": sys.executable})
            tasks[remote.remote(folder, node["NodeManagerAddress"])] = node["NodeManagerAddress"]
    ready, late = ray.wait(list(tasks), num_returns=len(tasks), timeout=540)
    machines = []
    for task in ready:
        try:
            machines.append(ray.get(task))
        except Exception as error:
            machines.append({"name": tasks[task], "fault": str(error).strip().split("\n")[-1][:300]})
    machines += [{"name": tasks[task], "fault": "no answer within 9 minutes"} for task in late]
    return sorted(machines, key=lambda machine: machine["name"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    machines = probe_ray(options.folder) if options.ray else [probe(options.folder, socket.gethostname())]
    print("PROBE", json.dumps(machines), flush=True)


if __name__ == "__main__":
    main()
