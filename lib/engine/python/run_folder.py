"""
A stage's folder as TypeScript and the trainer share it (lib/engine/README.md has the files). Nothing here needs torch,
so that a wrong file is refused within a second.
"""
import json
import math
import os
import time

LOGS = 8  # rows of a round whose log-probabilities are written for comparison with the servers'


class Fault(Exception):
    """What a retry would only repeat: a wrong setting, a wrong batch, a loss that is no number."""

    def __init__(self, message, step=None):
        super().__init__(message)
        self.step = step


class Stopped(Exception):
    """The folder has a file "stop"."""


def say(*words):
    """A line of the log, with the process it is from."""
    print(time.strftime("%H:%M:%S"), f"[process {os.environ.get('RANK', 0)}]", *words, flush=True)


def write_json(path, content):
    """Whole or not at all."""
    part = f"{path}.{os.getpid()}.part"
    with open(part, "w") as file:
        json.dump(content, file)
    os.replace(part, path)


def _whole(least):
    return lambda x: type(x) is int and x >= least, f"a whole number of at least {least}"


def _number(least):
    return lambda x: _finite(x) and x >= least, f"a number of at least {least}"


def _one_of(*names):
    return lambda x: x in names, "one of " + ", ".join(names)


def _finite(x):
    return type(x) in (int, float) and math.isfinite(x)


_TEXT = (lambda x: type(x) is str and x != "", "a text")
_FLAG = (lambda x: type(x) is bool, "true or false")
_TEXT_OR_NULL = (lambda x: x is None or _TEXT[0](x), "a text or null")
_SHARE = (lambda x: _finite(x) and 0 <= x < 1, "a number from 0 up to 1")
_OPTIMIZER = ("beta1", "beta2", "eps", "weightDecay", "clipNorm")

_FIELDS = {
    "format": (lambda x: x == 1, "1: the trainer and the program that wrote it are of different versions"),
    "name": _TEXT, "kind": _one_of("sft", "dpo"), "folder": _TEXT, "model": _TEXT, "revision": _TEXT_OR_NULL,
    "under": _TEXT_OR_NULL, "start": _TEXT, "dropout": _SHARE, "steps": _whole(1), "roundSteps": _whole(1),
    "rates": (lambda x: type(x) is list and all(_finite(r) and r >= 0 for r in x), "a list of learning rates"),
    "optimizer": (lambda x: type(x) is dict and sorted(x) == sorted(_OPTIMIZER) and all(map(_finite, x.values())),
                  "numbers named " + ", ".join(_OPTIMIZER)),
    "seed": _whole(0), "dtype": _one_of("float32", "bfloat16"), "microBatch": _whole(1),
    "gradientCheckpointing": _FLAG, "checkpointEvery": _whole(1), "sharding": _one_of("none", "fsdp"), "gpus": _FLAG,
    "workers": _whole(1), "placement": _one_of("PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"),
    "threads": _whole(1), "maxFailures": _whole(0), "stage": _TEXT, "idleSeconds": _whole(1),
}
_DPO = {
    # TRL's losses of other names differ from this project's: its "ipo" divides by the answers' lengths.
    "loss": _one_of("sigmoid", "hinge"), "beta": _number(0),
}


def read_spec(path):
    """The stage's settings, each of them checked."""
    try:
        with open(path) as file:
            spec = json.load(file)
    except (OSError, ValueError) as error:
        raise Fault(f"{path} cannot be read: {error}") from error
    if type(spec) is not dict:
        raise Fault(f"{path} is not an object")
    fields = {**_FIELDS, **(_DPO if spec.get("kind") == "dpo" else {})}
    unused = set() if spec.get("kind") == "dpo" else {name for name in _DPO if spec.get(name) is None}
    for name in spec:
        if name not in fields and name not in unused:
            raise Fault(f'{path}: field "{name}" is not known: the trainer may be older than what wrote the file')
    for name, (holds, words) in fields.items():
        if name not in spec:
            raise Fault(f'{path}: field "{name}" is missing')
        if not holds(spec[name]):
            raise Fault(f'{path}: field "{name}" has to be {words}')
    if len(spec["rates"]) != spec["steps"]:
        raise Fault(f'{path}: field "rates" has {len(spec["rates"])} learning rates for {spec["steps"]} steps')
    if os.path.realpath(spec["folder"]) != os.path.realpath(os.path.dirname(path) or "."):
        raise Fault(f'{path}: field "folder" is {spec["folder"]}, where the file is not')
    return spec


class RunFolder:
    """The rounds of a stage, read a step at a time, and what the trainer writes beside them."""

    def __init__(self, spec, processes, vocabulary):
        self.spec = spec
        self.group = processes * spec["microBatch"]
        self.vocabulary = vocabulary
        self.size = None  # rows of a step of DPO, by its first
        self._open = None
        self._alive, self._alive_since, self._looked = None, time.monotonic(), 0

    def path(self, name):
        return os.path.join(self.spec["folder"], name)

    def round(self, step):
        """The round of a step, from 1."""
        return (step - 1) // self.spec["roundSteps"] + 1

    def first(self, number):
        return (number - 1) * self.spec["roundSteps"] + 1

    def last(self, number):
        return min(number * self.spec["roundSteps"], self.spec["steps"])

    def round_path(self, number, name):
        return self.path(f"rounds/{number:06d}/{name}")

    def _look(self):
        """Reads what the program that makes rounds says of itself, by its content: machines' clocks differ."""
        try:
            with open(self.path("alive.json")) as file:
                alive = file.read()
            stage = json.loads(alive)["stage"]
        except (OSError, ValueError, KeyError):
            return
        if stage != self.spec["stage"]:
            say("the stage was begun anew: ending")
            raise Stopped()
        if alive != self._alive:
            self._alive, self._alive_since = alive, time.monotonic()

    def wait(self, step, seconds):
        """Whether the step's batch is there within so many seconds. Raises Stopped, also where nobody makes rounds any more."""
        path, until = self.round_path(self.round(step), "batch.jsonl"), time.monotonic() + seconds
        while True:
            if os.path.exists(self.path("stop")):
                raise Stopped()
            if os.path.exists(path):
                self._look()  # a batch of a stage that was begun anew in this folder is not for this trainer
                return True
            now = time.monotonic()
            if now - self._looked > min(5, self.spec["idleSeconds"] / 4):
                self._looked = now
                self._look()
                if now - self._alive_since > self.spec["idleSeconds"]:
                    say(f"nobody has made rounds for {self.spec['idleSeconds']} s: ending; the same command goes on")
                    raise Stopped()
            if now > until:
                return False
            time.sleep(0.2)

    def rows(self, step):
        """Rows of a step, checked, with no more fields than are learned from."""
        path, _, steps = self._round(self.round(step))
        rows = []
        with open(path, "rb") as file:
            for number, offset in steps[step]:
                file.seek(offset)
                rows.append(self._row(file.readline(), f"{path}, line {number}")[1])
        return rows

    def micro_batches(self, step):
        """Micro-batches of a process in every step, by the round of this one."""
        sizes = [len(lines) for lines in self._round(self.round(step))[2].values()]
        return math.ceil(max(sizes) / self.group)

    def _round(self, number):
        """A round's file, checked whole: its path and, for each step, number and offset of the lines."""
        if self._open is None or self._open[1] != number:
            path = self.round_path(number, "batch.jsonl")
            steps = {step: [] for step in range(self.first(number), self.last(number) + 1)}
            with open(path, "rb") as file:
                offset = 0
                for count, line in enumerate(file, 1):
                    step = self._row(line, f"{path}, line {count}")[0]
                    if step not in steps:
                        raise Fault(f"{path}, line {count}: step {step} is not of round {number}", step)
                    steps[step].append((count, offset))
                    offset += len(line)
            for step, lines in steps.items():
                self._check_size(step, len(lines), path)
            self._open = (path, number, steps)
        path, number, steps = self._open
        return path, number, steps

    def _check_size(self, step, size, path):
        if size == 0:
            raise Fault(f"{path}: no rows for step {step}", step)
        if self.spec["kind"] == "sft":
            return
        if size % self.group:
            raise Fault(f"{path}: {size} pairs for step {step}, which is not a multiple of {self.group} "
                        "(processes x train.microBatch)", step)
        self.size = self.size or size
        if size != self.size:
            raise Fault(f"{path}: {size} pairs for step {step}, and {self.size} for the steps before", step)

    def _row(self, line, place):
        try:
            row = json.loads(line)
        except ValueError:
            raise Fault(f"{place}: it is not JSON; the file may be torn") from None
        if type(row) is not dict or type(row.get("step")) is not int:
            raise Fault(f'{place}: field "step" has to be a whole number')
        step = row["step"]
        if self.spec["kind"] == "sft":
            ids, labels = self._ids(row, "input_ids", place), row.get("labels")
            if type(labels) is not list or len(labels) != len(ids):
                raise Fault(f'{place}: field "labels" has to be as long as "input_ids"', step)
            if any(label != -100 and label != token for label, token in zip(labels, ids)):
                raise Fault(f'{place}: a label is neither -100 nor the token at its place', step)
            if labels[0] != -100:
                raise Fault(f"{place}: the first token cannot be learned, nothing goes before it", step)
            return step, {"input_ids": ids, "labels": labels}
        sampled = row.get("sampled_logps")
        if sampled is not None and not (type(sampled) is list and len(sampled) == 2 and all(map(_finite, sampled))):
            raise Fault(f'{place}: field "sampled_logps" has to be two numbers or null', step)
        label = row.get("label", 1)
        if not _finite(label) or not 0 <= label <= 1:
            raise Fault(f'{place}: field "label" has to be a number from 0 to 1', step)
        if label != 1 and self.spec["loss"] != "sigmoid":
            raise Fault(f'{place}: field "label" is {label}, and the loss {self.spec["loss"]} has no soft labels', step)
        names = ("prompt_ids", "chosen_ids", "rejected_ids")
        ids = {name: self._ids(row, name, place) for name in names}
        return step, {**ids, "label": float(label), "sampled": sampled is not None}

    def _ids(self, row, name, place):
        ids = row.get(name)
        if type(ids) is not list or not ids or set(map(type, ids)) != {int}:
            raise Fault(f'{place}: field "{name}" has to be a list of token ids', row["step"])
        if min(ids) < 0 or max(ids) >= self.vocabulary:
            odd = next(i for i in ids if i < 0 or i >= self.vocabulary)
            raise Fault(f'{place}: field "{name}" has the token id {odd}, and the model has '
                        f"{self.vocabulary} tokens: is it another model's?", row["step"])
        return ids

    def mend_log(self):
        """Cuts off a last line of trainer.jsonl that a killed trainer left unfinished."""
        if not os.path.exists(self.path("trainer.jsonl")):
            return
        with open(self.path("trainer.jsonl"), "r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)

    def log(self, line):
        with open(self.path("trainer.jsonl"), "a") as file:
            file.write(json.dumps(line) + "\n")

    def checkpoint(self):
        """Path of the last whole checkpoint; a trainer killed while it wrote one leaves part of it."""
        folder, whole = self.path("checkpoints"), []
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            try:  # transformers writes this file last
                with open(os.path.join(folder, name, "trainer_state.json")) as file:
                    whole.append((json.load(file)["global_step"], os.path.join(folder, name)))
            except (OSError, ValueError, KeyError):
                continue
        return max(whole)[1] if whole else None


def write_failed(folder, fault):
    """What TypeScript reads to tell a fault that a retry would repeat."""
    say(f"failed: {fault}")
    write_json(os.path.join(folder, "failed.json"), {"step": fault.step, "message": str(fault)})
