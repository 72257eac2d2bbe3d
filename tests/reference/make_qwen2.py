"""Makes tiny-qwen2 and tiny-qwen2-lora beside this file: a tiny Qwen2 model with its tokenizer, the same model as a
GGUF file, and a LoRA adapter that PEFT saved.

    python tests/reference/make_qwen2.py

Needs the packages of ../../lib/tools/speed/requirements.txt and requirements.txt.
"""

import json
import shutil

import gguf
import peft
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from make_model import HERE, logits_of, make_tiny, randomised, rows, write_json

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXTS = [
    "", " ", "\n\n", "Hello world", " Hello  world ", "don't WE'LL i'm", "naïve café", "cafe\u0301 A\u030a", "In 1984: 12,345.67",
    "x2 y3z 4w", "½ ² Ⅷ", "你好,世界。", "🙂👍🏽", "def f(x):\n    return x**2\n", "a\r\n\r\nb", "$5 – 50% «q» …", "trailing \n",
    "<|im_start|>user\nHi 12<|im_end|>\n", "not <|special|>", "a\u00a0b\u2003c", "!!!???\n\n", "\t\tif\t1",
]
# As Qwen2.5's, without its tools.
CHAT = """{%- if tools %}
    {{- raise_exception('no tools here') }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
CHATS = [[("user", "Hi")], [("system", "Be brief."), ("user", " a  b\n"), ("assistant", "Yes."), ("user", "Why?")]]
GRADIENTS = ["model.embed_tokens.weight", "model.layers.1.self_attn.k_proj.bias", "model.layers.0.self_attn.q_proj.weight",
             "model.layers.1.self_attn.o_proj.weight"]


def make_tokenizer():
    """With the normalizer, pre-tokenizer, decoder and post-processor of Qwen2's tokenizer.json."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=317, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([text for text in TEXTS if "<|" not in text] * 3, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", bos_token=None,
        additional_special_tokens=SPECIAL[1:2], chat_template=CHAT,
    )


def encoded(tokenizer):
    out = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False)
        out.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, clean_up_tokenization_spaces=False)})
    return out


def rendered(tokenizer):
    out = []
    for chat in CHATS:
        turns = [{"role": role, "content": content} for role, content in chat]
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        out.append({"turns": turns, "text": text})
    return out


def write_gguf(path, model, tokenizer):
    """As llama.cpp's converter writes it: gguf's names for the qwen2 architecture, rows as they are."""
    config = model.config
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    special = set(tokenizer.all_special_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL for t in tokens])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in state["model"]["merges"]])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_adapter(base, ids):
    path = HERE / "tiny-qwen2-lora"
    shutil.rmtree(path, ignore_errors=True)
    targets = ["q_proj", "o_proj", "up_proj"]
    torch.manual_seed(5)
    model = peft.get_peft_model(base, peft.LoraConfig(r=3, lora_alpha=6, target_modules=targets, task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.2)
    model.eval().save_pretrained(path)
    settings = json.loads((path / "adapter_config.json").read_text())
    settings |= {"base_model_name_or_path": "tiny-qwen2", "target_modules": targets}
    (path / "adapter_config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    (path / "README.md").unlink(missing_ok=True)
    tensors = {f"logits.{i}": logits_of(model, row) for i, row in enumerate(ids)}
    save_file({k: v.contiguous() for k, v in tensors.items()}, path / "expected.safetensors")
    write_json(path / "expected.json", {"about": "expected.safetensors: logits.I with the adapter on tiny-qwen2.", "ids": ids})


def main():
    torch.set_num_threads(1)
    path = HERE / "tiny-qwen2"
    shutil.rmtree(path, ignore_errors=True)
    size = 320  # 256 bytes, merges, special tokens
    ids = rows([5, 12, 23], seed=6, vocab_size=size)
    tokenizer = make_tokenizer()
    assert len(tokenizer) == size, len(tokenizer)
    torch.manual_seed(17)
    model = randomised(Qwen2ForCausalLM(Qwen2Config(
        vocab_size=size, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-6, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )))
    make_tiny("tiny-qwen2", model, ids, gradients=GRADIENTS)
    # As Qwen2.5 ships it: a sliding window that stands in the config and is not in use.
    config = json.loads((path / "config.json").read_text()) | {"sliding_window": 64, "max_window_layers": 1}
    (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer.save_pretrained(path)
    write_gguf(path / "tiny-qwen2.gguf", model, tokenizer)
    read = AutoModelForCausalLM.from_pretrained(path, gguf_file="tiny-qwen2.gguf", dtype=torch.float32)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, read.state_dict()[name]), name
    expected = json.loads((path / "expected.json").read_text())
    expected.pop("versions")
    saved = AutoTokenizer.from_pretrained(path)
    write_json(path / "expected.json", {**expected, "texts": encoded(saved), "chats": rendered(saved)})
    make_adapter(model, ids)


if __name__ == "__main__":
    main()
