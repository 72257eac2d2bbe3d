"""The PyTorch side of the benchmark: one repetition per line on standard input.

A request is one JSON line {"case": NAME, "args": {NAME: number}}; the answer is one JSON line
{"seconds": S, "items": N}, or {"error": TEXT}. A case is prepared (weights made, batch drawn) by its
first request and kept, for each set of arguments, until another case is asked for. The request
{"case": "versions"} answers with versions. Weights are random: speed does not depend on their values.

    python lib/tools/speed/reference.py [cpu | cuda]
"""

import json
import os
import platform
import sys
import time

import numpy as np
import peft
import torch
import torch.nn.functional as F
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

SMOLLM2 = dict(
    vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
    num_key_value_heads=3, max_position_embeddings=8192, rms_norm_eps=1e-5, tie_word_embeddings=True,
    rope_parameters=dict(rope_type="default", rope_theta=100000.0),
    bos_token_id=1, eos_token_id=2, pad_token_id=2,
)
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def matmul(size, repeats):
    """Product of two square float32 matrices; items = floating point operations / 1e9."""
    a, b = torch.randn(size, size), torch.randn(size, size)

    def run():
        for _ in range(repeats):
            torch.mm(a, b)
        return repeats * 2 * size**3 / 1e9

    return run


def step_of(parameters, loss_of):
    """One AdamW step: forward, backward, update."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.01)

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        optimizer.step()
        loss.item()
        return 1

    return run


def compiled_if(wanted, model):
    """The model under torch.compile: its first steps take a minute or two."""
    return torch.compile(model) if wanted else model


def train(layers, width, heads, feed_forward, vocabulary, batch, positions, compiled=0):
    """Full fine-tuning of a small Llama on every position; items = steps."""
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=feed_forward, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=positions,
    )).float().train()
    model = compiled_if(compiled, model)
    ids = torch.randint(3, vocabulary, (batch, positions))
    return step_of(model.parameters(), lambda: model(input_ids=ids, labels=ids, use_cache=False).loss)


def with_adapter(rank, alpha):
    """SmolLM2's shapes with LoRA on all linear layers."""
    return peft.get_peft_model(LlamaForCausalLM(LlamaConfig(**SMOLLM2)).float(), peft.LoraConfig(
        r=int(rank), lora_alpha=alpha, lora_dropout=0.0, target_modules=LINEAR, task_type="CAUSAL_LM",
    )).train()


def lora(rank, alpha, batch, positions, loss_positions, tuned=0, compiled=0):
    """LoRA on all linear layers of SmolLM2's shapes, loss on the last positions; items = steps.

    The usual way labels the other positions -100; `tuned` asks for the needed logits only.
    """
    model = compiled_if(compiled, with_adapter(rank, alpha))
    ids = torch.randint(3, SMOLLM2["vocab_size"], (batch, positions))
    labels = ids.clone()
    labels[:, :-loss_positions] = -100

    def loss_of():
        if not tuned:
            return model(input_ids=ids, labels=labels, use_cache=False).loss
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=loss_positions + 1).logits[:, :-1]
        return F.cross_entropy(logits.flatten(0, 1), ids[:, -loss_positions:].flatten())

    return step_of([p for p in model.parameters() if p.requires_grad], loss_of)


def dpo(rank, alpha, pairs, positions, loss_positions, beta, tuned=0, compiled=0):
    """DPO with LoRA: summed log-probabilities under the reference (adapter off), then the policy's step; items = steps.

    The usual way computes all logits, as TRL does; `tuned` those of the answers only.
    """
    base = with_adapter(rank, alpha)
    model = compiled_if(compiled, base)
    ids = torch.randint(3, SMOLLM2["vocab_size"], (2 * pairs, positions))
    targets = ids[:, -loss_positions:]
    options = {"logits_to_keep": loss_positions + 1} if tuned else {}

    def sums():
        logits = model(input_ids=ids, use_cache=False, **options).logits[:, -loss_positions - 1:-1]
        return logits.log_softmax(-1).gather(2, targets[:, :, None]).sum((1, 2))

    def loss_of():
        with torch.no_grad(), base.disable_adapter():
            reference = sums()
        ratio = sums() - reference
        return -F.logsigmoid(beta * (ratio[:pairs] - ratio[pairs:])).mean()

    return step_of([p for p in base.parameters() if p.requires_grad], loss_of)


def sampling(batch, prompt, new_tokens, top_p):
    """`generate` with its key-value cache at SmolLM2's shapes, temperature 1; items = new tokens."""
    model = LlamaForCausalLM(LlamaConfig(**SMOLLM2)).float().eval()
    ids = torch.randint(3, SMOLLM2["vocab_size"], (batch, prompt))

    def run():
        with torch.inference_mode():
            out = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_p=top_p, top_k=0,
                max_new_tokens=new_tokens, min_new_tokens=new_tokens,
            )
        assert out.shape == (batch, prompt + new_tokens), out.shape
        return batch * new_tokens

    return run


def judging(pairs, shortest, longest, batch, tuned=0, compiled=0):
    """P(A) and P(B) of every pair in both positions, in the given order, left-padded batches; items = pairs.

    Prompt i of both positions has shortest + (97 i mod (longest - shortest + 1)) tokens (lib/tools/speed/cases.ts too).
    The usual way computes all logits and reads the last position; `tuned` asks for the last ones only.
    """
    model = compiled_if(compiled, LlamaForCausalLM(LlamaConfig(**SMOLLM2)).float().eval())
    rng = np.random.default_rng(0)
    lengths = [shortest + 97 * i % (longest - shortest + 1) for i in range(int(pairs)) for _ in range(2)]
    prompts = [rng.integers(3, SMOLLM2["vocab_size"], n).tolist() for n in lengths]
    options = {"logits_to_keep": 1} if tuned else {}

    def run():
        scores = []
        with torch.inference_mode():
            for start in range(0, len(prompts), batch):
                rows = prompts[start : start + batch]
                width = max(map(len, rows))
                ids = torch.tensor([[2] * (width - len(row)) + row for row in rows])
                mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
                positions = (mask.cumsum(-1) - 1).clamp(min=0)
                logits = model(
                    input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, **options
                ).logits[:, -1]
                scores.extend(logits.softmax(-1)[:, [330, 389]].tolist())
        assert len(scores) == 2 * pairs
        return pairs

    return run


def tournament(candidates, dialogue, answer, question, tuned=0, compiled=0):
    """A knockout among answers to one dialogue, the matches of a round as one batch in both positions; items = matches.

    The usual way computes all logits and reads the last position; `tuned` asks for the last ones only.
    """
    model = compiled_if(compiled, LlamaForCausalLM(LlamaConfig(**SMOLLM2)).float().eval())
    rng = np.random.default_rng(0)
    start, end = (rng.integers(3, SMOLLM2["vocab_size"], n).tolist() for n in (dialogue, question))
    answers = rng.integers(3, SMOLLM2["vocab_size"], (candidates, answer)).tolist()
    options = {"logits_to_keep": 1} if tuned else {}

    def run():
        left, matches = list(rng.permutation(candidates)), 0
        with torch.inference_mode():
            while len(left) > 1:
                pairs = list(zip(left[::2], left[1::2]))
                ids = torch.tensor([
                    start + answers[a] + answers[b] + end for pair in pairs for a, b in (pair, pair[::-1])
                ])
                logits = model(input_ids=ids, use_cache=False, **options).logits[:, -1, [330, 389]]
                first = logits.softmax(-1)[:, 0].view(-1, 2)
                wins = (first[:, 0] + 1 - first[:, 1] >= 1).tolist()
                left = [a if win else b for win, (a, b) in zip(wins, pairs)] + left[2 * len(pairs):]
                matches += len(pairs)
        return matches

    return run


CASES = {
    "matmul": matmul, "train": train, "lora": lora, "dpo": dpo, "sampling": sampling, "judging": judging,
    "tournament": tournament,
}
VERSIONS = {
    "python": platform.python_version(), "torch": torch.__version__,
    "transformers": transformers.__version__, "peft": peft.__version__,
}


def main():
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    torch.set_default_device(device)
    torch.set_num_threads(os.cpu_count())
    torch.manual_seed(0)
    answers = os.fdopen(os.dup(1), "w")  # whatever a library prints goes to standard error instead
    os.dup2(2, 1)
    transformers.logging.set_verbosity_error()
    current, runs = None, {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["case"] == "versions":
                answer = VERSIONS
            else:
                if request["case"] != current:
                    current, runs = request["case"], {}
                key = json.dumps(request["args"], sort_keys=True)
                if key not in runs:
                    runs[key] = CASES[current](**request["args"])
                start = time.perf_counter()
                items = runs[key]()
                if device == "cuda":
                    torch.cuda.synchronize()
                answer = {"seconds": time.perf_counter() - start, "items": items}
        except Exception as error:  # told to the asking side, which knows what to do about it
            current, answer = None, {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
