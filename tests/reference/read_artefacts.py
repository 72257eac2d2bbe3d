"""What other programs make of the folders that a run leaves: reads a JSON request on stdin, writes JSON.

Request: {"folders": {NAME: PATH}, "gguf": {NAME: PATH}, "sequences": [[id, ...]], "tokens": [id], "texts": [str],
          "chats": [[turn, ...]], "pairs": PATH or null}
Answer:  {NAME: {"log_probs": [[number, ...]], "last": [[number, ...]], "ids": [[id]], "chats": [str]}, "pairs": {...}}
where log_probs are those of each token after the first, and last those of "tokens" after the last one.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

torch.set_num_threads(1)  # threads that wait for one another on a busy machine take minutes


def gathered(logits, ids, tokens):
    """Log-probabilities of the tokens after the first, and of some tokens after the last."""
    log_probs = torch.log_softmax(logits.double(), -1)
    following = [log_probs[i, token].item() for i, token in enumerate(ids[1:])]
    return following, log_probs[-1, tokens].tolist()


def from_transformers(path, request):
    if os.path.exists(f"{path}/adapter_config.json"):
        from peft import AutoPeftModelForCausalLM

        model = AutoPeftModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    else:
        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    model.eval()
    with torch.no_grad():
        read = [
            gathered(model(torch.tensor([ids])).logits[0], ids, request["tokens"])
            for ids in request["sequences"]
        ]
    tokenizer = AutoTokenizer.from_pretrained(path)
    ends = GenerationConfig.from_pretrained(path).eos_token_id
    return {
        "log_probs": [row for row, _ in read],
        "last": [row for _, row in read],
        "ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in request["texts"]],
        "chats": [
            tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            for turns in request["chats"]
        ],
        "ends": ends if isinstance(ends, list) else [ends],
    }


def from_llama_cpp(path, request):
    import llama_cpp
    import numpy

    model = llama_cpp.Llama(
        model_path=path, n_ctx=2048, n_batch=2048, logits_all=True, verbose=False, n_threads=1, n_threads_batch=1,
        type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, flash_attn=False,
    )
    read = []
    for ids in request["sequences"]:
        model.reset()
        model.eval(ids)
        logits = torch.tensor(numpy.array(model.scores[: len(ids)]))
        read.append(gathered(logits, ids, request["tokens"]))
    return {
        "log_probs": [row for row, _ in read],
        "last": [row for _, row in read],
        "ids": [model.tokenize(text.encode(), add_bos=False, special=True) for text in request["texts"]],
        "ends": [model.token_eos()],
        "chat_template": model.metadata.get("tokenizer.chat_template"),
    }


def from_datasets(path):
    from datasets import load_dataset

    rows = load_dataset("json", data_files=path, split="train")
    return {"columns": rows.column_names, "rows": rows.num_rows, "first": rows[0]}


def main():
    request = json.load(sys.stdin)
    answer = {}
    for name, path in request["folders"].items():
        answer[name] = from_transformers(path, request)
    for name, path in request.get("gguf", {}).items():
        answer[name] = from_llama_cpp(path, request)
    if request.get("pairs"):
        answer["pairs"] = from_datasets(request["pairs"])
    json.dump(answer, sys.stdout)


main()
