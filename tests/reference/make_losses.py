"""Makes losses.json beside this file: preference and fine-tuning losses as TRL and transformers compute them.

    python tests/reference/make_losses.py

Run make_model.py first: part two uses its tiny-tied model and adapter. Needs the packages of
../../lib/tools/speed/requirements.txt and requirements.txt.
"""

import tempfile
import types

import datasets
import numpy as np
import peft
import torch
import trl
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from make_model import HERE, VERSIONS, rows, write_json

BETAS = [0.05, 0.1, 0.5, 1.0]
LOSSES = ["sigmoid", "hinge", "ipo"]


def make_trainer(folder):
    """A DPOTrainer: policy = tiny-tied with the adapter merged, reference = tiny-tied."""
    base = LlamaForCausalLM.from_pretrained(HERE / "tiny-tied")
    adapted = peft.PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(HERE / "tiny-tied"), HERE / "tiny-tied-lora")
    words = Tokenizer(WordLevel({f"t{i}": i for i in range(97)}, unk_token="t3"))
    words.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="t0", bos_token="t1", eos_token="t2")
    return trl.DPOTrainer(
        model=adapted.merge_and_unload(),
        ref_model=base,
        args=trl.DPOConfig(output_dir=folder, use_cpu=True, report_to=[], bf16=False, gradient_checkpointing=False),
        train_dataset=datasets.Dataset.from_list([{"prompt": "t5 t6", "chosen": " t7", "rejected": " t8"}]),
        processing_class=tokenizer,
    )


def settle(trainer, loss, beta, precomputed):
    trainer.loss_types, trainer.loss_weights = [loss], [1.0]
    trainer.beta, trainer.precompute_ref_logps = beta, precomputed


def per_example(trainer, pair, completion_tokens):
    """TRL's loss of one pair of given summed log-probabilities, and its gradient.

    The policy is replaced by a stand-in whose per-token log-probabilities add up to the given sums;
    from there on everything is TRL's. One response has `completion_tokens` tokens (after one prompt token).
    """
    n = completion_tokens
    sums = torch.tensor([pair["policy_chosen"], pair["policy_rejected"]], dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(2, n, dtype=torch.float64)

    def policy(**_):
        return types.SimpleNamespace(
            log_probs=sums[:, None].expand(2, n) / n, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool()
        )

    inputs = {
        "input_ids": torch.full((2, n + 1), 5),
        "attention_mask": torch.ones(2, n + 1, dtype=torch.long),
        "completion_mask": torch.tensor([[0] + [1] * n] * 2),
        "ref_chosen_logps": torch.tensor([pair["reference_chosen"]], dtype=torch.float64),
        "ref_rejected_logps": torch.tensor([pair["reference_rejected"]], dtype=torch.float64),
    }
    loss = trainer.compute_loss(policy, inputs)
    loss.backward()
    return loss.item(), sums.grad.tolist()


def random_pairs(trainer):
    rng = np.random.default_rng(3)
    pairs, results = [], []
    for _ in range(16):
        reference = -rng.uniform(5, 120, 2)
        policy = reference + rng.normal(0, 6, 2)
        names = ["policy_chosen", "policy_rejected", "reference_chosen", "reference_rejected"]
        pairs.append(dict(zip(names, np.round([*policy, *reference], 4).tolist())))
    for loss in LOSSES:
        for beta in BETAS:
            settle(trainer, loss, beta, precomputed=True)
            out = [per_example(trainer, pair, 1) for pair in pairs]
            results.append({
                "loss": loss, "beta": beta, "values": [value for value, _ in out],
                "gradient_policy_chosen": [grad[0] for _, grad in out],
                "gradient_policy_rejected": [grad[1] for _, grad in out],
            })
    settle(trainer, "ipo", 0.1, precomputed=True)
    averaged = [per_example(trainer, pair, 10)[0] for pair in pairs]
    return {"pairs": pairs, "results": results, "ipo_beta_0.1_as_trl_gives_it_for_ten_token_responses": averaged}


def real_pairs(trainer):
    """The whole path: token ids through both models to log-probabilities and losses, pair by pair."""
    prompts, chosen, rejected = rows([4, 7, 1, 9], 21), rows([5, 3, 8, 1], 22), rows([6, 3, 2, 7], 23)
    examples = [{"prompt_ids": p, "chosen_ids": c, "rejected_ids": r} for p, c, r in zip(prompts, chosen, rejected)]
    trainer.model.eval()
    results = []
    for example in examples:
        inputs = trainer.data_collator([example])
        with torch.no_grad():
            reference = trainer.compute_ref_log_probs(trainer.ref_model, inputs)
            losses = {}
            for loss in LOSSES:
                settle(trainer, loss, 0.1, precomputed=False)
                trainer._metrics["eval"].clear()
                losses[loss] = trainer.compute_loss(trainer.model, inputs).item()
        metrics = trainer._metrics["eval"]
        results.append({
            **example,
            "policy_chosen": metrics["logps/chosen"][0], "policy_rejected": metrics["logps/rejected"][0],
            "reference_chosen": reference[0].item(), "reference_rejected": reference[1].item(),
            "losses_beta_0.1": losses,
        })
    batch = trainer.data_collator(examples)
    settle(trainer, "sigmoid", 0.1, precomputed=False)
    with torch.no_grad():
        mean = trainer.compute_loss(trainer.model, batch).item()
    return {"examples": results, "sigmoid_beta_0.1_of_the_batch": mean}


def fine_tuning():
    """Token-mean cross-entropy, positions labelled -100 left out, as transformers' own `labels=` does it."""
    model = LlamaForCausalLM.from_pretrained(HERE / "tiny-tied").eval()
    ids, prompt_lengths = rows([6, 11, 8], 31), [2, 5, 7]
    width = max(map(len, ids))
    inputs = torch.tensor([row + [0] * (width - len(row)) for row in ids])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids])
    labels = torch.tensor([
        [-100] * n + row[n:] + [-100] * (width - len(row)) for row, n in zip(ids, prompt_lengths)
    ])
    with torch.no_grad():
        batch = model(input_ids=inputs, attention_mask=mask, labels=labels).loss.item()
        each = [
            model(input_ids=torch.tensor([row]), labels=torch.tensor([[-100] * n + row[n:]])).loss.item()
            for row, n in zip(ids, prompt_lengths)
        ]
    return {
        "ids": ids, "prompt_lengths": prompt_lengths, "labels_of_the_padded_batch": labels.tolist(),
        "token_mean": batch, "mean_of_each_row": each, "example_mean": sum(each) / len(each),
    }


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(folder)
        write_json(HERE / "losses.json", {
            "versions": VERSIONS | {"trl": trl.__version__},
            "about": {
                "random_pairs": "per-example losses and gradients of trl.DPOTrainer.compute_loss (the loss is inline in "
                "_compute_loss; dpo_loss no longer exists), float64, from summed log-probabilities and one completion "
                "token, so that TRL's average over tokens is the sum.",
                "ipo": "TRL divides each log-ratio by its number of completion tokens before the square (h is then a "
                "difference of means); the IPO paper's (h - 1/(2 beta))^2 uses sums. `results` hold the sum form; "
                "`ipo_beta_0.1_as_trl_gives_it_for_ten_token_responses` shows TRL's number for the same sums spread "
                "over ten tokens, (h/10 - 1/(2 beta))^2; `losses_beta_0.1.ipo` in real_pairs is averaged too.",
                "real_pairs": "the trainer's real path in float32: policy = tiny-tied with tiny-tied-lora merged, "
                "reference = tiny-tied; log-probabilities summed over the completion.",
                "fine_tuning": "LlamaForCausalLM(labels=...) of transformers on tiny-tied, -100 left out.",
            },
            "random_pairs": random_pairs(trainer),
            "real_pairs": real_pairs(trainer),
            "fine_tuning": fine_tuning(),
        })


if __name__ == "__main__":
    main()
