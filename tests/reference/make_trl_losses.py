"""Makes trl_losses.json beside this file: every pairwise loss that TRL has and lib/method/losses.ts too.

    python tests/reference/make_trl_losses.py

Run make_model.py first: the trainer's models are not used, but it wants some. Needs the packages of make_losses.py.
"""

import tempfile
import types

import numpy as np
import torch
import trl
from trl.experimental.cpo.cpo_trainer import CPOTrainer
from trl.experimental.orpo.orpo_trainer import ORPOTrainer

from make_losses import make_trainer
from make_model import HERE, VERSIONS, write_json

# Their name in TRL, ours, and the numbers beside beta that both take.
DPO = [
    ("sigmoid", "sigmoid", {}), ("hinge", "hinge", {}), ("ipo", "ipo_mean", {}), ("sigmoid_norm", "sigmoid_norm", {}),
    ("robust", "robust", {"flips": 0.2}), ("exo_pair", "exo_pair", {"flips": 0.1}), ("nca_pair", "nca_pair", {}),
    ("bco_pair", "bco_pair", {}), ("sppo_hard", "sppo_hard", {}), ("apo_zero", "apo_zero", {}),
    ("apo_down", "apo_down", {}), ("discopop", "discopop", {"tau": 0.05}),
]
BETAS = [0.1, 0.5]


def of_dpo(trainer, pair):
    """TRL's loss and gradient for a pair of given sums, spread evenly over each answer's tokens."""
    lengths = [pair["chosen_tokens"], pair["rejected_tokens"]]
    width = max(lengths)
    sums = torch.tensor([pair["policy_chosen"], pair["policy_rejected"]], dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(2, width, dtype=torch.float64)
    mask = torch.tensor([[float(i < n) for i in range(width)] for n in lengths], dtype=torch.float64)

    def policy(**_):
        spread = sums[:, None] / torch.tensor(lengths, dtype=torch.float64)[:, None] * mask
        return types.SimpleNamespace(log_probs=spread, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())

    inputs = {
        "input_ids": torch.full((2, width + 1), 5),
        "attention_mask": torch.tensor([[1] * (n + 1) + [0] * (width - n) for n in lengths]),
        "completion_mask": torch.tensor([[0] + [1] * n + [0] * (width - n) for n in lengths]),
        "ref_chosen_logps": torch.tensor([pair["reference_chosen"]], dtype=torch.float64),
        "ref_rejected_logps": torch.tensor([pair["reference_rejected"]], dtype=torch.float64),
    }
    loss = trainer.compute_loss(policy, inputs)
    loss.backward()
    return loss.item(), sums.grad.tolist()


def of_means(pair, loss):
    """A loss of the two means over tokens, and its gradient with respect to the sums."""
    sums = torch.tensor([pair["policy_chosen"], pair["policy_rejected"]], dtype=torch.float64, requires_grad=True)
    means = sums / torch.tensor([pair["chosen_tokens"], pair["rejected_tokens"]], dtype=torch.float64)
    value = loss(means[:1], means[1:])
    value.backward()
    return value.item(), sums.grad.tolist()


def simpo(beta, gamma):
    stand_in = types.SimpleNamespace(
        alpha=0.0, beta=beta, simpo_gamma=gamma, label_smoothing=0.0, loss_type="simpo",
        accelerator=types.SimpleNamespace(device="cpu"))
    return lambda w, l: CPOTrainer.cpo_loss(stand_in, w, l)[0].mean()


def orpo(beta):
    stand_in = types.SimpleNamespace(beta=beta, accelerator=types.SimpleNamespace(device="cpu"))
    # ORPOTrainer.get_batch_loss_metrics: loss = policy_nll_loss - losses.mean()
    return lambda w, l: -w.mean() - ORPOTrainer.odds_ratio_loss(stand_in, w, l)[0].mean()


def main():
    torch.set_num_threads(1)
    rng = np.random.default_rng(5)
    pairs = []
    for _ in range(12):
        reference = -rng.uniform(5, 60, 2)
        policy = np.minimum(reference + rng.normal(0, 5, 2), -1)
        names = ["policy_chosen", "policy_rejected", "reference_chosen", "reference_rejected"]
        tokens = [int(n) for n in rng.integers(3, 30, 2)]
        pairs.append(dict(zip(names, np.round([*policy, *reference], 4).tolist()),
                          chosen_tokens=tokens[0], rejected_tokens=tokens[1]))
    results = []

    def add(loss, beta, parameters, out):
        results.append({"loss": loss, "beta": beta, "parameters": parameters, "values": [v for v, _ in out],
                        "gradient_policy_chosen": [g[0] for _, g in out],
                        "gradient_policy_rejected": [g[1] for _, g in out]})

    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(folder)
        trainer.precompute_ref_logps = True
        for theirs, ours, parameters in DPO:
            for beta in BETAS:
                trainer.loss_types, trainer.loss_weights, trainer.beta = [theirs], [1.0], beta
                trainer.label_smoothing = parameters.get("flips", 0.0)
                trainer.args.discopop_tau = parameters.get("tau", 0.05)
                add(ours, beta, parameters, [of_dpo(trainer, pair) for pair in pairs])
        for beta in BETAS:
            trainer.loss_types, trainer.loss_weights, trainer.beta = ["sigmoid", "sft"], [1.0, 0.3], beta
            trainer.label_smoothing = 0.0
            add("sigmoid_sft", beta, {"sft": 0.3}, [of_dpo(trainer, pair) for pair in pairs])
        trainer.loss_types, trainer.loss_weights = ["robust"], [1.0]
        trainer.label_smoothing, trainer.beta = 0.0, 0.1
    for beta in [0.1, 2.0]:
        add("simpo", beta, {"gamma": 0.7}, [of_means(pair, simpo(beta, 0.7)) for pair in pairs])
        add("orpo", beta, {}, [of_means(pair, orpo(beta)) for pair in pairs])
    write_json(HERE / "trl_losses.json", {"versions": VERSIONS | {"trl": trl.__version__}, "pairs": pairs, "results": results})


if __name__ == "__main__":
    main()
