"""Makes schedule.json beside this file: learning rates as the schedules of transformers give them.

    python tests/reference/make_schedule.py

Needs the packages of ../../lib/tools/speed/requirements.txt.
"""

import torch
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup

from make_model import HERE, VERSIONS, write_json

RATE = 3e-4


def rates(shape, warmup_steps, steps):
    """The rate of every step, counted from 0."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    if shape == "cosine":
        schedule = get_cosine_schedule_with_warmup(optimizer, warmup_steps, steps)
    else:
        schedule = get_constant_schedule_with_warmup(optimizer, warmup_steps)
    values = []
    for _ in range(steps):
        values.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return values


def main():
    # warmup * steps rounds up, as transformers' TrainingArguments.get_warmup_steps does.
    cases = [("cosine", 0.03, 3, 100), ("cosine", 0.0, 0, 7), ("cosine", 0.1, 3, 24), ("constant", 0.1, 3, 24), ("constant", 1.0, 4, 4)]
    write_json(HERE / "schedule.json", {
        "versions": VERSIONS,
        "learning_rate": RATE,
        "cases": [
            {"shape": shape, "warmup": share, "warmup_steps": steps, "steps": total, "rates": rates(shape, steps, total)}
            for shape, share, steps, total in cases
        ],
    })


if __name__ == "__main__":
    main()
