"""Makes the model fixtures beside this file: two tiny Llama models and a LoRA adapter. See make_qwen2.py too.

Everything that a parity test compares against comes out of transformers, PEFT and torch, never out
of this project. Run it again only to change the fixtures; the tests read the files it wrote.

    python tests/reference/make_model.py

Needs the packages of ../../lib/tools/speed/requirements.txt.
"""

import json
import platform
import re
import shutil
from pathlib import Path

import numpy as np
import peft
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parent
VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "peft": peft.__version__,
}
SHAPE = dict(
    vocab_size=97, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5,
    bos_token_id=1, eos_token_id=2, pad_token_id=0,
)
LLAMA3_ROPE = dict(
    rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=64,
)
GRADIENTS = [  # one of each kind: embedding, attention, norm, feed-forward
    "model.embed_tokens.weight",
    "model.layers.1.self_attn.q_proj.weight",
    "model.layers.0.input_layernorm.weight",
    "model.layers.1.mlp.down_proj.weight",
]


def write_json(path, value):
    """Indented, with every list of numbers on one line so that a diff stays readable."""
    text = json.dumps({"versions": VERSIONS, **value}, indent=1)
    text = re.sub(r"\[[-\d\s,.e+]*\]", lambda found: re.sub(r"\s+", " ", found.group()), text)
    path.write_text(text + "\n")


def random_llama(seed, **options):
    torch.manual_seed(seed)
    return randomised(LlamaForCausalLM(LlamaConfig(**SHAPE, **options)))


def randomised(model):
    """Weights of a size that makes logits differ clearly between tokens, norms unlike one."""
    model = model.float().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(0, 0.5)
            elif weight.dim() == 1:
                weight.uniform_(0.5, 1.5)
            else:  # large against the embeddings: a tied model would otherwise only repeat its input
                weight.normal_(0, 0.25 if "embed" in name else 1.5 / weight.shape[1] ** 0.5)
    return model


def rows(lengths, seed, vocab_size=SHAPE["vocab_size"]):
    rng = np.random.default_rng(seed)
    return [rng.integers(3, vocab_size, n).tolist() for n in lengths]


def logits_of(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0]  # T, V


def greedy(model, prompts, n=12):
    """Ids after each prompt, and the smallest lead of the best logit: how safe the comparison is."""
    out, lead = [], float("inf")
    for prompt in prompts:
        ids = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False, max_new_tokens=n, min_new_tokens=n, eos_token_id=None, pad_token_id=0,
        )[0].tolist()
        top = logits_of(model, ids)[len(prompt) - 1 : -1].topk(2).values
        lead = min(lead, (top[:, 0] - top[:, 1]).min().item())
        out.append(ids[len(prompt) :])
    return out, lead


def make_tiny(folder, model, ids, gradients=GRADIENTS, **save_options):
    """The model as save_pretrained writes it, and what it computes, in expected.{json,safetensors}."""
    path = HERE / folder
    shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(path, **save_options)
    tensors = {f"logits.{i}": logits_of(model, row) for i, row in enumerate(ids)}
    model.zero_grad()
    losses = [
        F.cross_entropy(model(input_ids=torch.tensor([row])).logits[0, :-1], torch.tensor(row[1:]), reduction="sum")
        for row in ids
    ]
    loss = sum(losses) / sum(len(row) - 1 for row in ids)  # mean over all targets of all rows
    loss.backward()
    weights = dict(model.named_parameters())
    tensors |= {f"gradient.{name}": weights[name].grad for name in gradients}
    model.zero_grad()
    prompts = [ids[0], ids[1][:7], ids[2][:4]]
    new, lead = greedy(model, prompts)
    save_file({k: v.contiguous() for k, v in tensors.items()}, path / "expected.safetensors")
    write_json(path / "expected.json", {
        "about": "expected.safetensors: logits.I = logits [T, V] of row I of `ids`; gradient.NAME = gradient of "
        "`loss`, the mean next-token cross-entropy over every position of every row. Rows are not padded. `greedy` goes on past the end-of-sequence token.",
        "ids": ids, "loss": loss.item(),
        "greedy": {"prompts": prompts, "new": new, "smallest_lead_of_best_logit": lead},
    })


def make_lora(base, ids):
    """An adapter that PEFT saved, logits with it on, and three AdamW steps from it."""
    path = HERE / "tiny-tied-lora"
    shutil.rmtree(path, ignore_errors=True)
    targets = ["q_proj", "v_proj", "gate_proj", "down_proj"]  # not all seven: a reader must look at the list
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=targets, lora_dropout=0.0, task_type="CAUSAL_LM")
    torch.manual_seed(5)
    model = peft.get_peft_model(base, config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.15)
    model.eval()
    model.save_pretrained(path)
    # PEFT leaves the base unnamed here and writes the targets in an order that changes from run to run
    settings = json.loads((path / "adapter_config.json").read_text())
    settings |= {"base_model_name_or_path": "tiny-tied", "target_modules": targets}
    (path / "adapter_config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    (path / "README.md").unlink(missing_ok=True)
    tensors = {f"logits.{i}": logits_of(model, row) for i, row in enumerate(ids)}

    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    model.train()
    batches, losses, norms = [], [], []
    for step in range(3):
        batch = rows([9, 14, 6], seed=100 + step)
        prompt_lengths = [3, 6, 2]
        width = max(map(len, batch))
        inputs = torch.tensor([row + [0] * (width - len(row)) for row in batch])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch])
        labels = inputs.masked_fill(mask == 0, -100)
        for i, n in enumerate(prompt_lengths):
            labels[i, :n] = -100
        loss = model(input_ids=inputs, attention_mask=mask, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            adapted = [(name, p) for name, p in model.named_parameters() if re.search(r"1.*(q|down)_proj.lora", name)]
            tensors |= {f"gradient.{name}": p.grad.clone() for name, p in adapted}
        norms.append(torch.nn.utils.clip_grad_norm_(trained, 1.0).item())
        optimizer.step()
        losses.append(loss.item())
        batches.append({"ids": batch, "prompt_lengths": prompt_lengths})
    after = peft.get_peft_model_state_dict(model)
    tensors |= {f"after.{name}": value for name, value in after.items()}
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, path / "expected.safetensors")
    write_json(path / "expected.json", {
        "about": "expected.safetensors: logits.I with the saved adapter on tiny-tied; gradient.NAME before clipping at "
        "the first step; after.NAME = the adapter after the three steps. Loss: cross-entropy, mean over response "
        "tokens (from prompt_length on) of the whole batch.",
        "ids": ids,
        "training": {
            "optimizer": "torch.optim.AdamW", "lr": 1e-2, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01,
            "clip_norm": 1.0, "batches": batches, "losses": losses, "gradient_norms_before_clipping": norms,
        },
    })


def main():
    torch.set_num_threads(1)  # the order of a sum, and so the last bits, then do not depend on the machine
    ids = rows([5, 12, 23], seed=1)
    tied = random_llama(11, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0))
    make_tiny("tiny-tied", tied, ids)
    untied = random_llama(3, tie_word_embeddings=False, rope_parameters=LLAMA3_ROPE)
    make_tiny("tiny-untied-llama3", untied, rows([5, 12, 90], seed=2), max_shard_size="100KB")
    make_lora(tied, ids)


if __name__ == "__main__":
    main()
