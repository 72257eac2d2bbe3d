"""Writes tokenizers.json: what `tokenizers` makes of texts, for tokenizers of every kind that is read here.

    python tests/reference/make_tokenizers.py

Needs tokenizers; its version is in the file. Models are trained on a few words and shared by the tokenizers that
name them; a row is a text, its ids, and their text with and without special tokens.
"""

import json
import pathlib
import random

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
RNG = random.Random(15)
WORDS = (
    "the quick brown fox jumps over lazy dog don't can't na\xefve caf\xe9 \xdcn\xefc\xf6d\xe9 \u041f\u0440\u0438\u0432\u0435\u0442 \u4f60\u597d \u3053\u3093 \uc548\ub155 "
    "\u0645\u0631 \u0928\u092e \U0001f642 \U0001f469\u200d\U0001f467 def f(x): 12 1234567 3.14 hello Hello HELLO token tokens tokenization aaaa e\u0301 \u212b \ufb01 \u2167 \u0663 \xbd"
).split(" ")
CORPUS = [" ".join(RNG.choice(WORDS) for _ in range(RNG.randint(2, 12))) + RNG.choice(["", ".", "!", "\n", "  "]) for _ in range(400)]
JOINTS = [" ", " ", " ", "  ", "", "\n", "\t", " \n ", "\xa0", "\u3000", "\u2581", "-", ", ", ".", "\x85", "\ufeff"]
SPECIAL = ["<s>", "</s>", "<|tool|>", "<|x|>", "Tool", "[MASK]", " <s>", "</s> ", "a</s>b", "TOOL", "<|x|>  y", "  <|tool|>", "_Tool", "Tools", "Too", "   "]
UNKNOWN = ["<unk>"] + [f"<0x{i:02X}>" for i in range(256)]
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def trained(model, trainer, before, size, **settings) -> dict:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = before
    tokenizer.train_from_iterator(CORPUS, trainer(vocab_size=size, show_progress=False, **settings))
    return json.loads(tokenizer.to_str())["model"]


byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
MODELS = {
    "bytes": trained(models.BPE(), trainers.BpeTrainer, byte_level, 360, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
    "fallback": trained(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True), trainers.BpeTrainer, pre_tokenizers.Metaspace(), 400,
                        special_tokens=UNKNOWN, limit_alphabet=40),
    "characters": trained(models.BPE(unk_token="<unk>"), trainers.BpeTrainer, pre_tokenizers.Whitespace(), 130, special_tokens=["<unk>"], limit_alphabet=40),
    "suffix": trained(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), trainers.BpeTrainer, pre_tokenizers.WhitespaceSplit(), 150,
                      special_tokens=["<unk>"], end_of_word_suffix="</w>"),
    "words": trained(models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer, pre_tokenizers.Whitespace(), 60, special_tokens=["<unk>"]),
    "pieces": trained(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer, pre_tokenizers.BertPreTokenizer(), 150, special_tokens=["[UNK]"]),
    "unigram": trained(models.Unigram(), trainers.UnigramTrainer, pre_tokenizers.Metaspace(), 120, special_tokens=["<unk>"], unk_token="<unk>"),
    "unigram-bytes": trained(models.Unigram(), trainers.UnigramTrainer, pre_tokenizers.Metaspace(), 380, special_tokens=UNKNOWN, unk_token="<unk>"),
}


def metaspace(scheme: str, split: bool = True):
    return pre_tokenizers.Metaspace("\u2581", scheme, split)


def unspaced(strip: bool = True):
    last = [decoders.Strip(" ", 1, 0)] if strip else []
    return decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), *last])


def split(pattern: str):
    before = pre_tokenizers.Split(Regex(pattern), "isolated")
    return pre_tokenizers.Sequence([before, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def sequence(*parts):
    return (normalizers if isinstance(parts[0], normalizers.Normalizer) else pre_tokenizers).Sequence(list(parts))


LLAMA2 = sequence(normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581"))
bytes_decoder = decoders.ByteLevel()
# Name, model, what it changes in the model, normalizer, pre-tokenizer, decoder.
KINDS = [
    ("gpt2, without the model's type", "bytes", {"type": None}, None, byte_level, bytes_decoder),
    ("gpt2, prefix space", "bytes", {}, None, pre_tokenizers.ByteLevel(add_prefix_space=True), bytes_decoder),
    ("llama 3", "bytes", {"ignore_merges": True}, None, split(LLAMA3), bytes_decoder),
    ("qwen2", "bytes", {}, normalizers.NFC(), split(LLAMA3.replace("{1,3}", "")), bytes_decoder),
    ("smollm", "bytes", {}, None, sequence(pre_tokenizers.Digits(True), byte_level), bytes_decoder),
    ("llama 2", "fallback", {}, LLAMA2, None, unspaced()),
    *[(f"metaspace {scheme} {cut}", "fallback", {}, None, metaspace(scheme, cut), unspaced(scheme != "never"))
      for scheme in ("first", "always", "never") for cut in (False, True)],
    ("metaspace first, stripped", "fallback", {}, normalizers.Strip(), metaspace("first"), unspaced()),
    ("gemma", "fallback", {}, normalizers.Replace(" ", "\u2581"), pre_tokenizers.Split(" ", "merged_with_previous"), unspaced(False)),
    ("lower case, fused", "characters", {"fuse_unk": True}, sequence(normalizers.NFKC(), normalizers.Lowercase()), pre_tokenizers.Whitespace(), None),
    ("no unknown token", "characters", {"unk_token": None}, None, pre_tokenizers.WhitespaceSplit(), None),
    ("end of word", "suffix", {}, None, pre_tokenizers.WhitespaceSplit(), decoders.BPEDecoder()),
    ("words", "words", {}, None, pre_tokenizers.Whitespace(), None),
    ("bert", "pieces", {}, normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()),
    ("t5", "unigram", {}, sequence(normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")), metaspace("always"), decoders.Metaspace()),
    ("unigram, bytes", "unigram-bytes", {"byte_fallback": True}, None, metaspace("first", False), unspaced()),
]


def added(content: str, **how) -> AddedToken:
    return AddedToken(content, **{"normalized": False, "special": False, **how})


def text() -> str:
    out = RNG.choice(["", "", " ", "  ", "\n"])
    for _ in range(RNG.randint(0, 8)):
        other = "".join(chr(RNG.choice([RNG.randint(33, 126), RNG.randint(0xA1, 0x17F), RNG.randint(0x4E00, 0x4E20), RNG.randint(0x1F600, 0x1F610)])) for _ in range(3))
        out += RNG.choice([RNG.choice(WORDS), RNG.choice(WORDS), RNG.choice(SPECIAL), other]) + RNG.choice(JOINTS)
    return out


def kind(name, model, change, normalizer, pre_tokenizer, decoder) -> dict:
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    if decoder:
        tokenizer.decoder = decoder
    whole = json.loads(tokenizer.to_str())
    whole["model"] = {key: value for key, value in {**MODELS[model], **change}.items() if key != "type" or value}
    tokenizer = Tokenizer.from_str(json.dumps(whole))
    tokenizer.add_special_tokens(["<s>", "</s>", added("<|tool|>", special=True, lstrip=True)])
    tokenizer.add_tokens([added("<|x|>", rstrip=True), added("Tool", normalized=True, single_word=True), added("Tools", single_word=True), added("Too"),
                          added("[MASK]", lstrip=True, rstrip=True, normalized=True), added("   ")])
    rows = []
    for given in ["", " ", "<s>", "<s> a", "</s>x", *[text() for _ in range(22)]]:
        try:
            ids = tokenizer.encode(given, add_special_tokens=False).ids
        except BaseException:  # tokenizers 0.23 panics where a stripped blank is a token too
            continue
        rows.append([given, ids, tokenizer.decode(ids, skip_special_tokens=False), tokenizer.decode(ids, skip_special_tokens=True)])
    said = json.loads(tokenizer.to_str())
    return {"name": name, "model": model, "change": change, "json": {**said, "model": None}, "rows": rows}


if __name__ == "__main__":
    content = {"made_by": "tests/reference/make_tokenizers.py", "versions": {"tokenizers": tokenizers.__version__}, "models": MODELS,
               "kinds": [kind(*row) for row in KINDS]}
    text = json.dumps(content)
    (HERE / "tokenizers.json").write_text(text + "\n")
    print(f"tokenizers.json: {len(text)} bytes, {len(KINDS)} tokenizers, {sum(len(k['rows']) for k in content['kinds'])} texts")
