"""What the authors' code gives for a few dialogues: tests/reference/authors, read by tests/method_authors_test.ts.

    python make_authors.py CLONE   # of https://github.com/oddqueue/self-judge at ba1bab9; needs requirements.txt

Labels and judgments are computed by CLONE/src/self_judge/utils.py (get_conditional_labels, get_batch_judgments); what
else their preprocess.py, collators.py and trainer.py do to their inputs is written out here, in their order. The
templates are those of data/recipes, which were checked word for word against the authors' configs.
"""
import importlib.util, json, os, sys
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = f"{HERE}/authors"
RECIPES = f"{HERE}/../../data/recipes"
spec = importlib.util.spec_from_file_location("utils", f"{sys.argv[1]}/src/self_judge/utils.py")
utils = importlib.util.module_from_spec(spec)
spec.loader.exec_module(utils)

HH = json.load(open(f"{RECIPES}/hh-principles.json"))["principles"][0]
FOUR = json.load(open(f"{RECIPES}/ultrafeedback-four-principles.json"))["principles"]
CHAT = (  # configs/hh_jsft.yaml, templates.chat
    "<|system|>\n{% for message in messages %}{% if loop.first and message['role'] == 'system' %}{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}{{ '\\n<|user|>\\n' + message['content']}}{% elif message['role'] == 'assistant' %}"
    "{{ '\\n<|assistant|>\\n' + message['content'] + eos_token }}{% endif %}{% if loop.last and add_generation_prompt %}\n"
    "{{ '\\n<|assistant|>\\n' }}{% endif %}{% endfor %}"
)
SYSTEM = HH["system"]
DIALOGUES = [
    {"prompt": ["What is a pear?"], "chosen": "A fruit, sweet and green.", "rejected": "No idea."},
    {"prompt": ["Hello there", "Hi! How can I help?", "Name two colours, please."],
     "chosen": "Red and blue.\nBoth are primary.", "rejected": "Colours are nice"},
    {"prompt": ["Why is the sky blue?", "Light scatters.", "And at night?", "Then it is dark.", "Thanks. Who was Ada?"],
     "chosen": "Ada Lovelace wrote the first program.", "rejected": "Ada was a queen of France."},
]
RATIONALES = ["It says what it knows.", "It gives up."]


def llama_like():
    """A tokenizer built as Llama-2's: a blank before the text and after each special token, bytes for line ends."""
    texts = [SYSTEM, HH["turn"], HH["verdict"], CHAT]
    texts += [t for d in DIALOGUES for t in [*d["prompt"], d["chosen"], d["rejected"]]]
    texts += [p[k] for p in FOUR for k in ("system", "turn", "verdict")]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never", split=True)
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=special, max_token_length=8)
    tokenizer.train_from_iterator([t.replace("\n", " ") for t in texts for _ in range(3)] + [" A B"] * 50, trainer)
    j = json.loads(tokenizer.to_str())
    j["added_tokens"] = [t for t in j["added_tokens"] if t["content"] in special[:3]]
    j["model"]["byte_fallback"], j["pre_tokenizer"] = True, None
    start, text = {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    j["post_processor"] = {"type": "TemplateProcessing", "single": [start, text], "pair": [start, text, start, text],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    t = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(j)), bos_token="<s>", eos_token="</s>",
                                unk_token="<unk>", clean_up_tokenization_spaces=False)
    t.chat_template, t.pad_token = CHAT, t.eos_token
    t.padding_side = t.truncation_side = "left"  # train_jsft.py
    return t


T = llama_like()
bare = lambda text: T.encode(text, add_special_tokens=False)[1:]  # templates.skip_first_token: True
USER, ASSISTANT = bare("\n<|user|>\n"), bare("\n<|assistant|>\n")
form = lambda turn: turn.replace("{dialogue}", "{context}").replace("{first}", "{response_a}").replace("{second}", "{response_b}")
template = lambda p: {"system": p["system"], "user": form(p["turn"]), "assistant": p["verdict"]}
HELPFUL, PRINCIPLES = {"helpful": template(HH)}, {p["name"]: template(p) for p in FOUR}
turns = lambda d: [{"role": "system", "content": SYSTEM}] + [
    {"role": ("user", "assistant")[i % 2], "content": c} for i, c in enumerate(d["prompt"])]
context = lambda d: "".join(("User: ", "Assistant: ")[i % 2] + c + "\n\n" for i, c in enumerate(d["prompt"])).strip()


def labelled(kind, ids, marker):
    labels, _ = utils.get_conditional_labels(list(ids), USER, marker)
    return {"kind": kind, "ids": list(ids), "labels": [int(x) for x in labels]}


def judgment_text(t, asked, a, b, reply):
    text = T.apply_chat_template([{"role": "system", "content": t["system"]}, {"role": "user", "content": t["user"].format(
        context=asked, response_a=a, response_b=b)}, {"role": "assistant", "content": reply}], tokenize=False)
    return text[:-len(T.eos_token)] if text.endswith(T.eos_token) else text


def both(chosen, rejected):
    return (("A", (chosen, rejected)), ("B", (rejected, chosen)))


def jsft():
    rows = [labelled("answer", T.apply_chat_template(turns(d) + [{"role": "assistant", "content": d["chosen"]}],
                                                     tokenize=True, return_dict=False), ASSISTANT) for d in DIALOGUES]
    t = HELPFUL["helpful"]
    for d in DIALOGUES:
        for label, (a, b) in both(d["chosen"], d["rejected"]):
            text = judgment_text(t, context(d), a, b, f"{t['assistant']} {label}")
            rows.append(labelled("judgment", T.encode(text), bare(t["assistant"])))
    return rows


def rationales():
    """uf_jsft_pr.yaml: the decision, then an evaluation of each response."""
    t, d, decision = PRINCIPLES["honesty"], DIALOGUES[0], "\nDecision: Response"
    rows = []
    for (label, (a, b)), (_, (x, y)) in zip(both(d["chosen"], d["rejected"]), both(*RATIONALES)):
        reply = f"{t['assistant']} {label}\n\nEvaluation of Response A: {x}\nEvaluation of Response B: {y}"
        rows.append(labelled("judgment", T.encode(judgment_text(t, d["prompt"][0], a, b, reply)), bare(decision)))
    return rows


def model():
    torch.manual_seed(3)
    m = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(T), hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2,
        initializer_range=0.3)).eval()
    m.generation_config.do_sample = False
    m.generation_config.pad_token_id = 2
    return m


M = model()
A, B = (T.convert_tokens_to_ids(f"▁{x}") for x in "AB")


def judging(templates, longest, contexts):
    answers = [[d["chosen"], d["rejected"]] for d in DIALOGUES]
    prompts, rows = [], []
    for asked, (a, b) in zip(contexts, answers):
        for t in templates.values():
            for first, second in ((a, b), (b, a)):
                text = judgment_text(t, asked, first, second, t["assistant"])
                prompts.append(T([text], truncation=True, max_length=longest).input_ids[0])
                with torch.no_grad():
                    p = M(torch.tensor([prompts[-1]])).logits[0, -1].softmax(-1)
                rows.append([p[A].item(), p[B].item()])
    chosen, _ = utils.get_batch_judgments(M, T, templates, A, B, contexts, [list(x) for x in answers], longest, 1)
    return {"max": longest, "prompts": prompts, "probabilities": rows, "chosen": chosen}


def self_training(longest):
    """trainer.py get_batch_inputs and get_batch_logps, on the data's answers in place of samples."""
    queries = [T.apply_chat_template(turns(d), tokenize=False, add_generation_prompt=True) for d in DIALOGUES]
    query_ids = [T([q], truncation=True, max_length=longest).input_ids[0] for q in queries]

    def side(name):
        rows = []
        for d, query, ids_of_query in zip(DIALOGUES, queries, query_ids):
            ids = T([query + d[name] + T.eos_token], truncation=True, max_length=longest).input_ids[0]
            labels, _ = utils.get_conditional_labels(list(ids), None, ids_of_query, -100, True)
            with torch.no_grad():
                logp = M(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
            total = sum(logp[i, ids[i + 1]].item() for i in range(len(ids) - 1) if labels[i + 1] != -100)
            rows.append({"ids": ids, "labels": [int(x) for x in labels], "logProb": total})
        return rows

    return {"max": longest, "queries": query_ids, "chosen": side("chosen"), "rejected": side("rejected")}


rows = jsft()
cut = len(rows[0]["ids"]) + 8  # the first dialogue fits, the others do not
last = lambda row, n: {**row, "ids": row["ids"][-n:], "labels": row["labels"][-n:]}  # collators.py
json.dump({
    "dialogues": DIALOGUES, "rationales": RATIONALES, "labels": [A, B], "jsft": rows,
    "collated": {"max": 90, "rows": [last(r, 90) for r in rows]}, "rationale": rationales(),
    "judging": judging(HELPFUL, 2048, [context(d) for d in DIALOGUES]),
    "judgingCut": judging(HELPFUL, 120, [context(d) for d in DIALOGUES]),
    "judgingFour": judging(PRINCIPLES, 2048, [d["prompt"][-1] for d in DIALOGUES]),
    "selfTraining": self_training(2048), "selfTrainingCut": self_training(cut),
}, open(f"{OUT}/expected.json", "w"), ensure_ascii=False)
T.save_pretrained(OUT)
M.save_pretrained(OUT)
