"""Makes muon.json beside this file: steps of torch.optim.Muon, with torch.optim.AdamW for what is no hidden matrix.

    python tests/reference/make_muon.py

Needs the packages of ../../lib/tools/speed/requirements.txt (torch 2.9 or later).
"""

import torch
import torch.optim._muon as torch_muon

from make_model import HERE, VERSIONS, write_json

SHAPES = {
    "model.embed_tokens.weight": (7, 4),
    "model.layers.0.input_layernorm.weight": (4,),
    "model.layers.0.self_attn.q_proj.weight": (4, 4),
    "model.layers.0.mlp.up_proj.weight": (6, 4),
    "model.layers.0.mlp.down_proj.weight": (4, 6),
    "model.layers.1.self_attn.q_proj.weight": (4, 4),
    "lm_head.weight": (7, 4),
}
HIDDEN = [name for name in SHAPES if "proj" in name]
CASES = [
    {"rate": 0.02, "adamw_rate": 0.75, "weight_decay": 0.1, "clip_norm": 0},
    {"rate": 0.01, "adamw_rate": 1, "weight_decay": 0, "clip_norm": 1},
]
BETAS, EPS = (0.9, 0.95), 1e-8


def in_double(grad, coefficients, steps, eps):
    """torch's Newton-Schulz iteration, but for its rounding to bfloat16."""
    a, b, c = coefficients
    x = grad.double()
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.to(grad.dtype)


def run(case, start, gradients, iteration):
    values = {name: value.clone().requires_grad_() for name, value in start.items()}
    rest = [values[name] for name in SHAPES if name not in HIDDEN]
    decay = case["weight_decay"]
    muon = torch.optim.Muon(
        [values[name] for name in HIDDEN], lr=case["rate"], weight_decay=decay, adjust_lr_fn="match_rms_adamw",
    )
    adamw = torch.optim.AdamW(rest, lr=case["rate"] * case["adamw_rate"], betas=BETAS, eps=EPS, weight_decay=decay)
    original, norms = torch_muon._zeropower_via_newtonschulz, []
    torch_muon._zeropower_via_newtonschulz = iteration or original
    try:
        for step in gradients:
            for name, value in values.items():
                value.grad = step[name].clone()
            limit = case["clip_norm"] or float("inf")
            norms.append(torch.nn.utils.clip_grad_norm_(values.values(), limit).item())
            muon.step()
            adamw.step()
    finally:
        torch_muon._zeropower_via_newtonschulz = original
    return {name: value.detach() for name, value in values.items()}, norms


def listed(tensors, digits):
    return {name: [round(v, digits) for v in tensor.flatten().tolist()] for name, tensor in tensors.items()}


def main():
    generator = torch.Generator().manual_seed(5)
    draw = lambda scale: {
        name: (torch.randn(shape, generator=generator) * scale).mul(1000).round().div(1000).double()
        for name, shape in SHAPES.items()
    }
    start, gradients = draw(0.5), [draw(scale) for scale in (0.02, 1, 0.1, 0.5)]
    results = []
    for case in CASES:
        after, norms = run(case, start, gradients, in_double)
        as_torch, _ = run(case, start, gradients, None)
        results.append({**case, "norms": norms, "after": listed(after, 8), "after_in_bfloat16": listed(as_torch, 8)})
    write_json(HERE / "muon.json", {
        "versions": VERSIONS,
        "about": "parameters after four steps of torch.optim.Muon (float64 parameters) on the hidden matrices and of "
        "torch.optim.AdamW, at rate * adamw_rate, on the rest; gradients clipped over all. torch runs Newton and Schulz's "
        "iteration in bfloat16, which has three digits: `after` has it in float64, the rest of the step being torch's; "
        "`after_in_bfloat16` is torch as it comes.",
        "betas": BETAS, "eps": EPS, "shapes": SHAPES,
        "start": listed(start, 3), "gradients": [listed(step, 3) for step in gradients],
        "cases": results,
    })


if __name__ == "__main__":
    main()
