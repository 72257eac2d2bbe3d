"""Makes tiny-reward beside this file: a tiny LlamaForSequenceClassification and the rewards it gives.

    python tests/reference/make_reward.py

Needs the packages of ../../lib/tools/speed/requirements.txt.
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import LlamaConfig, LlamaForSequenceClassification

FOLDER = Path(__file__).parent / "tiny-reward"
SHAPE = dict(
    vocab_size=41, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, num_labels=1,
    bos_token_id=1, eos_token_id=2, pad_token_id=0,
)

torch.manual_seed(11)
model = LlamaForSequenceClassification(LlamaConfig(**SHAPE)).float().eval()
with torch.no_grad():
    for name, weight in model.named_parameters():
        spread = 0.5 if "norm" in name or weight.ndim == 1 else 2.5 / weight.shape[-1] ** 0.5
        weight.uniform_(-spread, spread)
        if "norm" in name:
            weight.add_(1)
ids = [torch.randint(3, SHAPE["vocab_size"], (length,)).tolist() for length in (5, 17, 1, 9, 30)]
with torch.no_grad():
    rewards = [model(torch.tensor([row])).logits.item() for row in ids]
model.save_pretrained(FOLDER)
record = {"versions": {"torch": torch.__version__, "transformers": transformers.__version__},
          "ids": ids, "rewards": rewards}
(FOLDER / "expected.json").write_text(json.dumps(record) + "\n")
print(rewards)
