"""
One process of the trainer: TRL's trainers with the batch of a step taken from the run folder when the step begins.
Losses, optimiser, distribution and checkpoints are TRL's, PEFT's, transformers' and accelerate's.
"""
import math
import os
import platform
import shutil
import time

import accelerate
import peft
import tokenizers
import torch
import transformers
import trl
from accelerate.utils import broadcast_object_list, gather_object
from datasets import Dataset
from safetensors.torch import load_file
from torch.distributed.tensor import DTensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.trainer.utils import disable_dropout_in_model

from run_folder import LOGS, Fault, RunFolder, Stopped, say, write_json

HEARTBEAT = 20  # seconds: other processes wait in a collective, which ends by itself after half an hour
LOGGED = {
    "sft": ("loss", "grad_norm", "learning_rate"),
    "dpo": ("loss", "grad_norm", "learning_rate", "logps/chosen", "logps/rejected", "rewards/margins",
            "rewards/accuracies"),
}
NOTHING = {"input_ids": [0, 0], "labels": [-100, -100]}  # fills a step of SFT: no token of it is learned


class Following:
    """Mixed into a trainer of TRL's: ids as they were sampled, never text, and never ahead of the step."""

    def follow(self, spec, folder):
        self.spec, self.folder, self.served = spec, folder, None

    def get_batch_samples(self, epoch_iterator, num_batches, device):
        step, spec = self.state.global_step + 1, self.spec
        rows = everywhere(self.folder, self.args, step, lambda: self.folder.rows(step))
        self.served, self.began = step, time.monotonic()
        number = self.folder.round(step)
        if spec["kind"] == "dpo" and step == self.folder.first(number):
            self.write_log_probs(rows, self.folder.round_path(number, "logps.json"))
        # The longest first: rows of like length are computed together, and memory runs out at once or never.
        rows = sorted(rows, key=lambda row: -sum(map(len, (ids for ids in row.values() if type(ids) is list))))
        group, learned = self.folder.group, None
        if spec["kind"] == "sft":
            # Of the whole step: the loss is the mean over all its learned tokens, whichever process has them.
            learned = torch.tensor(sum(label != -100 for row in rows for label in row["labels"]), device=device)
            rows += [NOTHING] * (num_batches * group - len(rows))
        if len(rows) != num_batches * group:
            raise Fault(f"step {step}: {len(rows)} rows, and {num_batches * group} for the steps of round 1", step)
        rank, world = self.args.process_index, self.args.world_size
        batches = [self.batch(rows[at:at + group][rank::world]) for at in range(0, len(rows), group)]
        # Dropout depends on step and process alone, so that a step done again after a restart is the same to the bit.
        torch.manual_seed((spec["seed"] * 1_000_003 + step * 1009 + rank) % 0x7FFF_FFFF)
        return batches, learned

    def batch(self, rows):
        return self.data_collator(rows)

    def write_log_probs(self, rows, path):
        """Log-probabilities of sampled answers before the step, for comparison with what the servers said."""
        rows = [row for row in rows if row["sampled"]][:LOGS]
        rank, world = self.args.process_index, self.args.world_size
        found = []
        self.model.eval()
        # All processes as often as each other: under FSDP a forward pass is a collective.
        for turn in range(math.ceil(len(rows) / world)):
            index = turn * world + rank
            batch = self._prepare_inputs(self.data_collator([rows[min(index, len(rows) - 1)]]))
            labels = batch["input_ids"].masked_fill(batch.pop("completion_mask") == 0, -100)
            with torch.no_grad(), self.compute_loss_context_manager():
                said = self.model(**batch, labels=labels, use_cache=False, fused_lm_head=True).log_probs
            if index < len(rows):
                found.append((index, said.sum(1).tolist()))
        self.model.train()
        found = gather_object(found)
        if rank == 0 and not os.path.exists(path):
            write_json(path, [pair for _, pair in sorted(found)])

    def create_scheduler(self, num_training_steps, optimizer=None):
        rates = self.spec["rates"]
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, lambda step: rates[min(step, len(rates) - 1)])
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def create_model_card(self, *args, **kwargs):
        """None: a checkpoint is nobody's model."""

    def publish(self, number):
        """
        The adapter after a round: a new folder, whole or not at all, never overwritten. Every process has to call it:
        under FSDP each has a part of every weight.
        """
        weights = {}
        for name, value in self.model.state_dict().items():
            if "lora_" in name:
                value = value.full_tensor() if isinstance(value, DTensor) else value
                weights[name] = value.detach().cpu()
        if not self.accelerator.is_main_process:
            return
        adapter = self.folder.round_path(number, "adapter")
        if os.path.exists(adapter):
            return  # a step done again after a restart: what was published stays
        shutil.rmtree(f"{adapter}.part", ignore_errors=True)
        self.accelerator.unwrap_model(self.model).save_pretrained(
            f"{adapter}.part", state_dict=weights, save_embedding_layers=False)
        os.rename(f"{adapter}.part", adapter)


class FollowingDPO(Following, DPOTrainer):
    def _prepare_dataset(self, dataset, *args, **kwargs):
        return dataset  # of numbers already; SFTTrainer has a setting for this

    def batch(self, rows):
        return {**super().batch(rows), "label": torch.tensor([row["label"] for row in rows])}

    def _compute_loss(self, model, inputs, return_outputs):
        """
        TRL's loss, or its expectation under a label p that is no certainty. TRL has one `label_smoothing` for all pairs;
        as -log s(-x) is -log s(x) + x, what a pair's own adds to its sigmoid loss is (1 - p) x.
        """
        labels, found = inputs.pop("label"), []
        if bool((labels == 1).all()):
            return super()._compute_loss(model, inputs, return_outputs)
        hook = self.accelerator.unwrap_model(self.model).register_forward_hook(
            lambda module, args, output: found.append(output.log_probs.sum(1)))
        try:
            loss = super()._compute_loss(model, inputs, return_outputs)
        finally:
            hook.remove()
        policy, reference = found  # in the order in which TRL asks for them
        chosen, rejected = (policy - reference).chunk(2)
        more = ((1 - labels) * self.beta * (chosen - rejected)).mean()
        return loss + more  # outputs are asked for in evaluation alone, and there is none


class FollowingSFT(Following, SFTTrainer):
    pass


class Publishing(TrainerCallback):
    """After a step: its numbers, then at a round's end its adapter, then (transformers') the checkpoint."""

    def __init__(self, trainer):
        self.trainer = trainer

    def on_train_begin(self, args, state, control, **kwargs):
        step, folder = state.global_step, self.trainer.folder
        if step > 0 and step == folder.last(folder.round(step)):
            self.trainer.publish(folder.round(step))

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" not in (logs or {}):
            return
        trainer, step = self.trainer, state.global_step
        if trainer.served != step:
            raise Fault("transformers did not ask for the step's batch where it did in the version that this was "
                        "written for: install lib/engine/python/requirements.txt", step)
        line = {"step": step, **{name: logs[name] for name in LOGGED[trainer.spec["kind"]]}}
        for name in ("loss", "grad_norm"):  # the same in all processes
            if not math.isfinite(line[name]):
                raise Fault(f"step {step}: the {name.replace('grad_norm', 'norm of the gradient')} is {line[name]}; "
                            "check the model's weights, or lower the learning rate and start the stage anew", step)
        if trainer.accelerator.is_main_process:
            seconds = time.monotonic() - trainer.began
            trainer.folder.log({**line, "seconds": round(seconds, 3)})
            say(f"step {step}: loss {line['loss']:.6f}, {seconds:.1f} s")
        if step == trainer.folder.last(trainer.folder.round(step)):
            trainer.publish(trainer.folder.round(step))
        state.log_history.clear()  # goes into every checkpoint otherwise


def everywhere(folder, args, step, read):
    """What the first process reads once the step's batch is there, in all processes; also what ends it."""
    while True:
        message = [None]
        if args.process_index == 0:
            try:
                message = [("read", read()) if folder.wait(step, HEARTBEAT) else ("waiting", None)]
            except (Fault, Stopped) as end:
                message = [("end", end)]
        broadcast_object_list(message, from_process=0)
        kind, content = message[0]
        if kind == "end":
            raise content
        if kind == "read":
            return content


def learn(spec):
    """Trains the stage from its last checkpoint to its last step. Raises Fault and Stopped."""
    began = time.monotonic()
    if spec["sharding"] == "fsdp" and not spec["gpus"]:
        raise Fault('sharding "fsdp" needs GPUs: set train.sharding to "none", or train.gpus to true')
    if spec["gpus"] and not torch.cuda.is_available():
        raise Fault("train.gpus is true and this process sees no GPU: start it where there is one, or set it to false")
    torch.set_num_threads(spec["threads"])
    transformers.logging.disable_progress_bar()
    args = arguments(spec)  # joins the process group
    model = load_model(spec)
    folder = RunFolder(spec, args.world_size, model.get_input_embeddings().num_embeddings)
    say(f"model there after {time.monotonic() - began:.1f} s")
    checkpoint = [folder.checkpoint()]
    broadcast_object_list(checkpoint, from_process=0)
    checkpoint = checkpoint[0]
    if args.process_index == 0:
        folder.mend_log()
        write_json(folder.path("trainer.started.json"), {
            "versions": {**{m.__name__: m.__version__ for m in (torch, trl, peft, transformers, accelerate)},
                         "python": platform.python_version()},
            "processes": args.world_size, "distributed": str(args.distributed_state.distributed_type.value),
            "from": os.path.basename(checkpoint) if checkpoint else "start",
        })
    # A step's size is known by its first batch: only now can accelerate be told how many micro-batches make a step.
    args.gradient_accumulation_steps = everywhere(folder, args, 1, lambda: folder.micro_batches(1))
    trainer = make_trainer(spec, args, model)
    trainer.follow(spec, folder)
    trainer.add_callback(Publishing(trainer))
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=checkpoint)
    say(f"done after {time.monotonic() - began:.1f} s")


def arguments(spec):
    """What TRL is told; its own defaults (bfloat16, truncation, a schedule) are said otherwise here."""
    optimizer = spec["optimizer"]
    common = dict(
        output_dir=os.path.join(spec["folder"], "checkpoints"), max_steps=spec["steps"], learning_rate=1.0,
        per_device_train_batch_size=spec["microBatch"], optim="adamw_torch", adam_beta1=optimizer["beta1"],
        adam_beta2=optimizer["beta2"], adam_epsilon=optimizer["eps"], weight_decay=optimizer["weightDecay"],
        max_grad_norm=optimizer["clipNorm"], seed=spec["seed"], bf16=spec["dtype"] == "bfloat16",
        use_cpu=not spec["gpus"], gradient_checkpointing=spec["gradientCheckpointing"], max_length=None,
        save_strategy="steps", save_steps=spec["checkpointEvery"], save_total_limit=2, logging_steps=1,
        logging_nan_inf_filter=False, report_to="none", disable_tqdm=True, remove_unused_columns=False,
        ddp_find_unused_parameters=False, dataloader_pin_memory=False)
    if spec["sharding"] == "fsdp":
        # UNTESTED: no GPU was to be had. After trl/accelerate_configs/fsdp2.yaml, but that every process loads the
        # whole model (cpu_ram_efficient_loading off): adapters are folded in and loaded before weights are split.
        common.update(fsdp=True, fsdp_config={
            "version": 2, "auto_wrap_policy": "TRANSFORMER_BASED_WRAP", "reshard_after_forward": True,
            "cpu_ram_efficient_loading": False, "state_dict_type": "FULL_STATE_DICT"})
    if spec["kind"] == "dpo":
        return DPOConfig(**common, beta=spec["beta"], loss_type=[spec["loss"]], disable_dropout=False)
    return SFTConfig(**common, loss_type="nll", packing=False, dataset_kwargs={"skip_prepare_dataset": True})


def load_model(spec):
    """The frozen model: what "under" adds is folded in, and dropout is the adapter's alone, as in this project."""
    if os.path.isabs(spec["model"]) and not os.path.isdir(spec["model"]):
        raise Fault(f"the model's folder {spec['model']} is not on this machine")
    revision = spec["revision"] or "main"
    config = AutoConfig.from_pretrained(spec["model"], revision=revision)
    for name in ("attention_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop", "hidden_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    model = AutoModelForCausalLM.from_pretrained(
        spec["model"], revision=revision, config=config, dtype=getattr(torch, spec["dtype"]))
    if spec["under"] is not None:
        model = peft.PeftModel.from_pretrained(model, spec["under"]).merge_and_unload()
    disable_dropout_in_model(model)
    return model


def make_trainer(spec, args, model):
    """A trainer whose adapter is the one in "start", on a dataset that nothing is read from."""
    config = peft.PeftConfig.from_pretrained(spec["start"])
    config.inference_mode, config.lora_dropout, config.revision = False, spec["dropout"], spec["revision"]
    names = ("prompt_ids", "chosen_ids", "rejected_ids") if spec["kind"] == "dpo" else ("input_ids", "labels")
    count = args.world_size * spec["microBatch"] * args.gradient_accumulation_steps  # an epoch of one step
    trainer = (FollowingDPO if spec["kind"] == "dpo" else FollowingSFT)(
        model=model, args=args, processing_class=no_tokenizer(),
        train_dataset=Dataset.from_dict({name: [[0]] * count for name in names}),
        # Not a PeftModel: DPOTrainer would take a copy of its adapter as the reference, and so another one after
        # each restart. With peft_config the reference is the model without the adapter, always.
        peft_config=config)
    found = peft.set_peft_model_state_dict(trainer.model, load_file(os.path.join(spec["start"], "adapter_model.safetensors")))
    missing = [name for name in found.missing_keys if "lora_" in name]
    if missing or found.unexpected_keys:
        odd = (missing + list(found.unexpected_keys))[0]
        raise Fault(f"{spec['start']}: the adapter is not of this model: {odd}")
    return trainer


def no_tokenizer():
    """TRL asks for a tokenizer; ids come and go here, and of a tokenizer only the id that fills rows is used."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(tokenizers.models.WordLevel({"<pad>": 0}, unk_token="<pad>")),
        pad_token="<pad>")
