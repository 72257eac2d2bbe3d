"""Makes tiny-biased beside this file: a tiny Llama whose linear layers all have a bias, untied, in grouped queries.

    python tests/reference/make_biased.py

Needs the packages of ../../lib/tools/speed/requirements.txt.
"""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from make_model import SHAPE, make_tiny, randomised, rows

GRADIENTS = ["model.embed_tokens.weight", "model.layers.0.self_attn.o_proj.bias", "model.layers.1.mlp.gate_proj.bias",
             "model.layers.1.mlp.down_proj.bias"]


def main():
    torch.set_num_threads(1)
    torch.manual_seed(17)
    shape = SHAPE | dict(hidden_size=32, intermediate_size=48)
    model = randomised(LlamaForCausalLM(LlamaConfig(**shape, attention_bias=True, mlp_bias=True)))
    make_tiny("tiny-biased", model, rows([5, 12, 23], seed=4), GRADIENTS)


if __name__ == "__main__":
    main()
