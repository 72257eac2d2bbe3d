"""
The trainer of one stage: TRL's DPOTrainer or SFTTrainer, fed from the stage's folder round by round.

  torchrun --nproc-per-node 8 trainer.py RUN/self-judge/train.json
  python trainer.py RUN/self-judge/train.json --ray      (Ray Train starts the processes, on any nodes)

Exit codes: 0 done, or stopped by the file "stop"; 3 a fault that a retry would repeat, which failed.json tells
(torchrun itself then ends with 1); another one: worth a retry, from the last checkpoint.
"""
import argparse
import os
import sys
import time

from run_folder import Fault, Stopped, read_spec, say, write_failed


def learn_here(spec):
    """One process of the group."""
    # Before the libraries are imported: TRL tells its authors of each run otherwise.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from learning import learn

    try:
        learn(spec)
    except Stopped:
        say("stopped")


def ray_worker(spec):
    """One process of the group under Ray Train."""
    if os.path.exists(os.path.join(spec["folder"], "failed.json")):
        return  # Ray starts the group again whatever the reason; this one would only fail again
    try:
        learn_here(spec)
    except Fault as fault:
        write_failed(spec["folder"], fault)
        raise


def learn_on_ray(spec):
    """The driver: Ray Train places the processes and starts them again when a node is lost."""
    import ray.train
    from ray.train.torch import TorchTrainer

    trainer = TorchTrainer(
        ray_worker,
        train_loop_config=spec,
        scaling_config=ray.train.ScalingConfig(
            num_workers=spec["workers"], use_gpu=spec["gpus"], placement_strategy=spec["placement"]),
        run_config=ray.train.RunConfig(
            # A name of its own: Ray would take up a run of the same name where it ended.
            name=f"{spec['name']}-{time.strftime('%Y%m%d-%H%M%S')}",
            storage_path=os.path.join(spec["folder"], "ray"),
            failure_config=ray.train.FailureConfig(max_failures=spec["maxFailures"])),
    )
    try:
        trainer.fit()
    finally:
        if os.path.exists(os.path.join(spec["folder"], "failed.json")):
            sys.exit(3)


def main():
    parser = argparse.ArgumentParser(description="Trains one stage of a run, as its folder says.")
    parser.add_argument("train", help="path of the stage's train.json")
    parser.add_argument("--ray", action="store_true", help="start the processes with Ray Train")
    options = parser.parse_args()
    folder = os.path.dirname(os.path.abspath(options.train))
    if os.environ.get("RANK", "0") == "0" and os.path.exists(os.path.join(folder, "failed.json")):
        os.remove(os.path.join(folder, "failed.json"))
    try:
        spec = read_spec(options.train)
        learn_on_ray(spec) if options.ray else learn_here(spec)
    except Fault as fault:
        if os.path.isdir(folder):
            write_failed(folder, fault)
        sys.exit(3)


if __name__ == "__main__":
    main()
