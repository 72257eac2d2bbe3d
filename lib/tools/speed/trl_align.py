"""SELF-JUDGE as one writes it with transformers, PEFT and TRL, to be timed beside `deno task align`.

    python trl_align.py settings.json out.json

The settings name a model's folder, the run's pairs (data/train.jsonl, data/held_out.jsonl), steps and sizes; the same
model, pairs, prompts, steps, lengths and LoRA as the run that wrote them. JSFT is TRL's SFTTrainer; TRL has no trainer
that samples, judges and learns by the same model, so self-training is a loop of generate, two judge passes and the DPO
loss, policy and reference being one model with its adapter on and off, as in TRL's DPOTrainer.
"""

import json
import random
import sys
import tempfile
import time

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

TURN = "Compare two answers to the last turn.{dialogue}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}\n\n{question}"
ROLES = {"user": "\n\nUser: ", "assistant": "\n\nAssistant: "}
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Run:
    def __init__(self, s):
        self.s = s
        torch.manual_seed(s["seed"])
        self.rng = random.Random(s["seed"])
        self.tokenizer = AutoTokenizer.from_pretrained(s["model"], padding_side="left")
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        self.model = AutoModelForCausalLM.from_pretrained(s["model"], dtype=torch.float32)
        self.labels = [self.tokenizer.encode(label, add_special_tokens=False)[0] for label in (" A", " B")]
        self.seconds = {}

    def timed(self, name, work):
        started = time.perf_counter()
        found = work()
        self.seconds[name] = time.perf_counter() - started
        print(f"{name} took {self.seconds[name]:.1f} s", flush=True)
        return found

    def chat(self, turns):
        return self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)

    def question(self, prompt, first, second):
        dialogue = "".join(ROLES[t["role"]] + t["content"].strip() for t in prompt if t["role"] in ROLES)
        text = TURN.format(dialogue=dialogue, first=first.strip(), second=second.strip(), question=self.s["question"])
        turns = [{"role": "system", "content": self.s["judgeSystem"]}, {"role": "user", "content": text}]
        return self.chat(turns) + self.s["verdict"]

    def lora(self, dropout):
        return LoraConfig(r=self.s["rank"], lora_alpha=self.s["alpha"], lora_dropout=dropout, target_modules=MODULES,
                          task_type="CAUSAL_LM")

    @torch.no_grad()
    def compare(self, comparisons):
        """J(first, second) of each comparison: both positions, batches of neighbours in length."""
        texts = [self.question(p, *pair) for p, a, b in comparisons for pair in ((a, b), (b, a))]
        ids = [self.tokenizer(t, add_special_tokens=False).input_ids[-self.s["judgeTokens"]:] for t in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        rows = max(1, self.s["batchTokens"] // self.s["judgeTokens"])
        p = [None] * len(ids)
        self.model.eval()
        for at in range(0, len(order), rows):
            some = order[at:at + rows]
            batch = self.tokenizer.pad({"input_ids": [ids[i] for i in some]}, return_tensors="pt")
            logits = self.model(**batch, logits_to_keep=1).logits[:, -1]
            for i, row in zip(some, logits.softmax(-1)[:, self.labels].tolist()):
                p[i] = row
        found = []
        for i in range(len(comparisons)):
            (a1, b1), (a2, b2) = p[2 * i], p[2 * i + 1]
            found.append((a1 + b2) / max(1e-12, a1 + b2 + b1 + a2))
        return found

    @torch.no_grad()
    def sample(self, prompts, count):
        """Answers to each prompt, as text and as token ids behind it."""
        self.model.eval()
        answers = []
        group = max(1, self.s["batchRows"] // count)
        for at in range(0, len(prompts), group):
            batch = self.tokenizer([self.chat(p) for p in prompts[at:at + group]], add_special_tokens=False,
                                   padding=True, return_tensors="pt")
            out = self.model.generate(**batch, do_sample=True, temperature=1.0, top_p=0.9, top_k=0,
                                      max_new_tokens=self.s["maxNewTokens"], num_return_sequences=count,
                                      pad_token_id=self.tokenizer.pad_token_id)
            new = self.tokenizer.batch_decode(out[:, batch.input_ids.shape[1]:], skip_special_tokens=True)
            answers += [new[i:i + count] for i in range(0, len(new), count)]
        return answers

    def log_probs(self, pairs):
        """Summed log-probability of each (prompt, answer)."""
        heads = [self.tokenizer(self.chat(p), add_special_tokens=False).input_ids for p, _ in pairs]
        tails = [self.tokenizer(a + self.tokenizer.eos_token, add_special_tokens=False).input_ids for _, a in pairs]
        batch = self.tokenizer.pad({"input_ids": [h + t for h, t in zip(heads, tails)]}, return_tensors="pt")
        longest = max(len(t) for t in tails)
        logits = self.model(**batch, logits_to_keep=longest + 1).logits[:, :-1]
        targets = batch.input_ids[:, -longest:]
        chosen = logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
        mask = torch.zeros_like(chosen)
        for row, tail in enumerate(tails):
            mask[row, -len(tail):] = 1
        return (chosen * mask).sum(-1)

    def jsft(self, pairs):
        rows = []
        for one in pairs:
            prompt = self.chat(one["prompt"])
            rows.append({"prompt": prompt, "completion": one["chosen"] + self.tokenizer.eos_token})
            for first, second, label in ((one["chosen"], one["rejected"], " A"), (one["rejected"], one["chosen"], " B")):
                rows.append({"prompt": self.question(one["prompt"], first, second), "completion": label})
        with tempfile.TemporaryDirectory() as folder:
            args = SFTConfig(output_dir=folder, max_steps=self.s["jsftSteps"], use_cpu=True, bf16=False, report_to=[],
                             per_device_train_batch_size=self.s["jsftBatch"] // 4, gradient_accumulation_steps=4,
                             learning_rate=5e-4, save_strategy="no",
                             lr_scheduler_type="cosine", warmup_steps=1, max_length=self.s["judgeTokens"],
                             gradient_checkpointing=False, logging_steps=1000, seed=self.s["seed"])
            trainer = SFTTrainer(model=self.model, args=args, train_dataset=Dataset.from_list(rows),
                                 processing_class=self.tokenizer, peft_config=self.lora(0.1))
            trainer.train()
            self.model = trainer.model.merge_and_unload()

    def self_training(self, pairs):
        self.model = get_peft_model(self.model, self.lora(0.0))
        optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0)
        for _ in range(self.s["steps"]):
            prompts = [one["prompt"] for one in self.rng.sample(pairs, self.s["batch"])]
            two = self.sample(prompts, 2)
            differ = [(p, a, b) for p, (a, b) in zip(prompts, two) if a.strip() != b.strip()]
            with self.model.disable_adapter():
                wins = self.compare(differ)
            ranked = [(p, a, b) if j > 0.5 else (p, b, a) for (p, a, b), j in zip(differ, wins)]
            if not ranked:
                continue
            both = [(p, w) for p, w, _ in ranked] + [(p, l) for p, _, l in ranked]
            with torch.no_grad(), self.model.disable_adapter():
                reference = self.log_probs(both)
            self.model.train()
            w, l = (self.log_probs(both) - reference).chunk(2)
            loss = -torch.nn.functional.logsigmoid(0.1 * (w - l)).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()

    def tournament(self, pairs):
        prompts = [one["prompt"] for one in pairs[:self.s["tournamentPrompts"]]]
        n = self.s["candidates"]

        def knockout(answers):
            left = [list(a) for a in answers]
            while max(len(a) for a in left) > 1:
                matches = [(i, k) for i, a in enumerate(left) for k in range(0, len(a) - 1, 2)]
                wins = self.compare([(prompts[i], left[i][k], left[i][k + 1]) for i, k in matches])
                kept = [[] for _ in left]
                for (i, k), j in zip(matches, wins):
                    kept[i].append(left[i][k] if j > 0.5 else left[i][k + 1])
                for i, a in enumerate(left):
                    if len(a) % 2:
                        kept[i].append(a[-1])
                left = kept
            return [a[0] for a in left]

        with self.model.disable_adapter():
            jsft = self.sample(prompts, n + 1)
        policy = self.sample(prompts, n)
        with self.model.disable_adapter():
            for answers in ([a[:n] for a in jsft], policy):
                best = knockout(answers)
                self.compare([(p, b, a[n]) for p, b, a in zip(prompts, best, jsft)])


def main():
    settings = json.load(open(sys.argv[1]))
    torch.set_num_threads(settings["threads"])
    started = time.perf_counter()
    run = Run(settings)
    run.seconds["load"] = time.perf_counter() - started
    read = lambda name: [json.loads(line) for line in open(f"{settings['data']}/{name}.jsonl")]
    train, held_out = read("train"), read("held_out")
    judged = [(one["prompt"], one["chosen"], one["rejected"]) for one in held_out]
    run.timed("judge-before", lambda: run.compare(judged))
    run.timed("jsft", lambda: run.jsft(train))
    run.timed("judge-after", lambda: run.compare(judged))
    run.timed("self-judge", lambda: run.self_training(train))
    run.timed("tournament", lambda: run.tournament(held_out))
    json.dump({"seconds": run.seconds}, open(sys.argv[2], "w"))


if __name__ == "__main__":
    main()
