"""Stage `sft`: a causal language model learns text -> speech tokens.

    python -m sft.train --config-path <recipes/NAME> --config-name sft [overrides]

The loss is on the speech tokens and the end token. transformers' Trainer does the work; what is ours is the order
of the batches and a loss that computes no logits for prompts. An interrupted training continues from its last
checkpoint.
"""

import json
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from data_prep.learned import remarks
from models.cosyvoice import speech_head  # noqa: F401  registers its model class with transformers
from sft.data import IGNORED, Example, LengthGroupedSampler, collate, load_examples
from sft.muon import MuonAndAdamW
from speech.faults import told_plainly
from speech.files import changed_keys, whole_directory, whole_file
from speech.loading import pretrained


class SpeechTrainer(Trainer):
    """Trainer with batches of like lengths, logits from the first label on, and perhaps Muon."""

    def __init__(self, *args, length_window: int, muon: dict | None = None, **kwargs):
        """`length_window`: batches among which examples are sorted by length; `muon`: see sft/muon.py, None without."""
        super().__init__(*args, **kwargs)
        self.length_window, self.muon = length_window, muon
        self.model_accepts_loss_kwargs = False  # the loss is a mean: Trainer divides it among accumulated batches

    def _get_train_sampler(self, train_dataset: list[Example] | None = None) -> LengthGroupedSampler:
        lengths = [len(example["input_ids"]) for example in self.train_dataset]
        size = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return LengthGroupedSampler(lengths, size, self.length_window, self.args.seed)

    def create_optimizer(self, model: PreTrainedModel | None = None) -> torch.optim.Optimizer:
        """transformers', to which Muon is joined."""
        if self.optimizer is None and self.muon is not None:
            self.optimizer = MuonAndAdamW(self.model, super().create_optimizer(model), self.muon)
        return super().create_optimizer(model)

    def get_eval_dataloader(self, eval_dataset: list[Example] | None = None) -> DataLoader:
        """Every held-out row: transformers' would drop the last batch as that of training, and of few rows all."""
        rows, size = eval_dataset or self.eval_dataset, self.args.eval_batch_size
        return self.accelerator.prepare(DataLoader(rows, batch_size=size, collate_fn=self.data_collator))

    def compute_loss(
        self, model: PreTrainedModel, inputs: dict[str, torch.Tensor], return_outputs: bool = False, **_: Any
    ) -> torch.Tensor | tuple[torch.Tensor, dict]:
        """Mean cross entropy, nats per labelled token; Trainer's evaluation asks for outputs, too, and gets none."""
        labels = inputs["labels"]
        start = int((labels != IGNORED).any(0).nonzero()[0])
        kept = labels.shape[1] - start + 1  # the logits at position p are for the label at p + 1
        logits = model(input_ids=inputs["input_ids"], use_cache=False, logits_to_keep=kept).logits[:, :-1]
        loss = cross_entropy(logits.float().flatten(0, 1), labels[:, start:].flatten(), ignore_index=IGNORED)
        return (loss, {}) if return_outputs else loss

    def training_step(self, model: PreTrainedModel, *args, **kwargs) -> torch.Tensor:
        """transformers', unless loss or gradient are not finite, of which it would make weights that are not.

        Raises:
            FloatingPointError: names the step.
        """
        loss = super().training_step(model, *args, **kwargs)
        gradient = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).sum()
        for what, value in (("loss", loss), ("gradient", gradient)):
            if not value.isfinite():
                raise FloatingPointError(f"the {what} of step {self.state.global_step + 1} is {value.item()}")
        return loss


class Progress(TrainerCallback):
    """One line for each logging step: loss, learning rate, speed, time left."""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_) -> None:
        """Starts the clock, at the step that a resumed training begins with."""
        self.first_step, self.started = state.global_step, time.monotonic()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict, **_) -> None:
        """Prints what Trainer logs during training; not its summary at the end."""
        if "eval_loss" in logs:
            print(f"[sft] step {state.global_step}/{state.max_steps} held-out loss {logs['eval_loss']:.3f}", flush=True)
        if "loss" not in logs:
            return
        speed = (state.global_step - self.first_step) / (time.monotonic() - self.started)
        left = (state.max_steps - state.global_step) / speed
        print(
            f"[sft] step {state.global_step}/{state.max_steps} loss {float(logs['loss']):.3f} "
            f"lr {float(logs['learning_rate']):.1e} {speed:.2f} steps/s, {left / 60:.1f} min left",
            flush=True,
        )


def make_model(cfg: DictConfig, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """The checkpoint `cfg.start`, else a new model of the configuration class `cfg.model`, in float32, for a tokenizer.

    Raises:
        FileNotFoundError: no checkpoint is there.
        ValueError: it has another vocabulary.
    """
    if cfg.get("start") is not None:
        if not (Path(cfg.start) / "config.json").is_file():  # transformers would ask a hub for it
            raise FileNotFoundError(f"no checkpoint in {cfg.start} (sft.start)")
        attention = cfg.model.get("attn_implementation")
        model = pretrained(AutoModelForCausalLM, cfg.start, dtype=torch.float32, attn_implementation=attention)
        if model.config.vocab_size != len(tokenizer):
            raise ValueError(
                f"sft.start: {cfg.start} has {model.config.vocab_size} ids, the tokenizer {len(tokenizer)}"
            )
        return model
    config = hydra.utils.instantiate(
        cfg.model,
        vocab_size=len(tokenizer),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def resumable_checkpoint(directory: Path, settings: dict) -> Path | None:
    """The newest whole checkpoint in `directory`, or None; afterwards the directory belongs to `settings`.

    Raises:
        ValueError: the checkpoints there are of a training with other settings.
    """
    record = directory / "settings.json"
    found = json.loads(record.read_text()) if record.exists() else settings
    if other := changed_keys(found, settings):
        were = {key: found.get(key) for key in other}
        raise ValueError(f"{directory} holds checkpoints of other settings, delete it or go back to these: {were}")
    directory.mkdir(parents=True, exist_ok=True)
    with whole_file(record) as temporary:
        temporary.write_text(json.dumps(settings, indent=1))
    # Trainer writes trainer_state.json last: a checkpoint without it was interrupted.
    whole = [path.parent for path in directory.glob("checkpoint-*/trainer_state.json")]
    return max(whole, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)


def train(cfg: DictConfig) -> None:
    """Trains as recipes/NAME/sft.yaml says and writes model and tokenizer to `recipe.sft_dir`."""
    tokenizer = pretrained(AutoTokenizer, cfg.recipe.tokenizer_dir)
    examples = load_examples(cfg.recipe.sft_train, tokenizer, cfg.sft.model.max_position_embeddings)
    held_out = None
    if cfg.sft.training.get("eval_strategy", "no") != "no":
        held_out = load_examples(cfg.recipe.sft_val, tokenizer, cfg.sft.model.max_position_embeddings)
    checkpoints = Path(cfg.sft.checkpoints)
    settings = OmegaConf.to_container(cfg.sft, resolve=True) | {"ids": sum(len(e["input_ids"]) for e in examples)}
    arguments = hydra.utils.instantiate(
        cfg.sft.training, output_dir=str(checkpoints), use_cpu=not torch.accelerator.is_available()
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # with several, Trainer would take a batch on each
    torch.manual_seed(arguments.seed)
    model = make_model(cfg.sft, tokenizer)  # before anything is written: a wrong sft.start leaves nothing behind
    checkpoint = resumable_checkpoint(checkpoints, settings)
    for remark in remarks([cfg.recipe.sft_train], cfg.recipe, cfg.sft.get("start")):
        print(f"[sft] {remark}", flush=True)
    print(
        f"[sft] {model.num_parameters():,} parameters, {len(examples)} examples; "
        f"from {checkpoint or cfg.sft.get('start') or 'nothing'}",
        flush=True,
    )
    trainer = SpeechTrainer(
        model,
        arguments,
        length_window=cfg.sft.length_window,
        muon=None if cfg.sft.get("muon") is None else OmegaConf.to_container(cfg.sft.muon, resolve=True),
        data_collator=partial(collate, pad_id=tokenizer.pad_token_id),
        train_dataset=examples,
        eval_dataset=held_out,
        callbacks=[Progress()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if not trainer.is_world_process_zero():
        return
    with whole_directory(cfg.recipe.sft_dir) as temporary:
        trainer.accelerator.unwrap_model(trainer.model).save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    shutil.rmtree(checkpoints)
    print(f"[sft] wrote {cfg.recipe.sft_dir}", flush=True)


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `sft`."""
    with told_plainly():
        train(cfg)


if __name__ == "__main__":
    main()
