"""Stage `sft` by verl's SFT trainer, for recipes that start from a released checkpoint: full weights or LoRA.

    python -m sft.verl_train --config-path <recipes/NAME> --config-name sft [overrides]

Starts verl's trainer (verl_plugins/sft_trainer.py) under torchrun with trainer.n_gpus_per_node processes, then puts the
last checkpoint, or with sft.choose=best that of least loss on held-out rows, together (a LoRA adapter is added to its
weights) as the Hugging Face checkpoint sft.output. An interrupted training continues from trainer.default_local_dir
(trainer.resume_mode: auto).
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import hydra
from omegaconf import DictConfig

from data_prep.weights import epochs_of, paths
from speech.faults import UserError, told_plainly

_SPOKEN = re.compile(r"<\|s_\d+\|>")
_TEMPLATE = 128  # ids at most of what a chat template puts around two messages


def rows_of(files: str | Sequence[str] | None, epochs: Sequence[float] | None = None) -> int:
    """Rows that an epoch reads of parquet files, each as often as `epochs` says (sft/verl_dataset.py)."""
    often = epochs_of(files := paths(files), epochs)
    import pyarrow.parquet as pq  # stages/misfits.py imports this file for other functions, each time run.sh starts

    counts = [pq.ParquetFile(file).metadata.num_rows for file in files]
    return sum(count if epochs == 1 else int(count * epochs) for count, epochs in zip(counts, often, strict=True))


def steps_of(cfg: DictConfig) -> int:
    """Updates of the whole training, as verl's trainer counts them.

    Raises:
        ValueError: fewer rows to train with than a batch has, or to validate with than there are processes, or a time
            to validate and no rows; verl leaves out what not all processes have, and would divide by 0 steps or take
            the mean of nothing.
    """
    batch = cfg.data.train_batch_size
    devices = cfg.trainer.nnodes * cfg.trainer.n_gpus_per_node // cfg.engine.get("ulysses_sequence_parallel_size", 1)
    rows, most = rows_of(cfg.data.train_files, cfg.data.get("epochs_of_files")), cfg.data.get("train_max_samples", -1)
    rows = rows if most < 0 else min(rows, most)
    own, validated = rows // devices // (batch // devices), rows_of(cfg.data.val_files)
    if not own:
        raise UserError(
            f"data.train_files={cfg.data.train_files} have {rows} rows for an epoch (data.epochs_of_files="
            f"{cfg.data.get('epochs_of_files')}), less than a batch: a smaller data.train_batch_size={batch} "
            "(a multiple of the GPUs), or more rows"
        )
    if cfg.data.val_files and validated < devices:
        raise UserError(
            f"data.val_files={cfg.data.val_files} have {validated} rows for {devices} GPUs, each of which reads one or "
            "more: hold out more, or data.val_files=null trainer.test_freq=-1"
        )
    if not cfg.data.val_files and cfg.trainer.test_freq != -1:
        raise UserError(f"trainer.test_freq={cfg.trainer.test_freq} needs data.val_files; -1 validates never")
    wanted = cfg.trainer.total_training_steps
    if wanted is not None and wanted > own * cfg.trainer.total_epochs:
        raise UserError(
            f"trainer.total_training_steps={wanted} is beyond trainer.total_epochs={cfg.trainer.total_epochs} of {own} "
            "steps each: more epochs, or fewer steps"
        )
    return own * cfg.trainer.total_epochs if wanted is None else wanted


def check_lora(cfg: DictConfig) -> None:
    """Whether LoRA can learn the rows that models/extend.py gave this base, and go on from model.lora_adapter_path.

    Raises:
        ValueError: adapters leave embeddings and head as they are, and nobody has trained these rows: the loss would
            stay at the logarithm of the codebook's size; or an adapter to go on from, or to keep, and no LoRA.
        FileNotFoundError, ValueError: see merge.adapter.check_adapter.
    """
    if (begun := cfg.model.lora_adapter_path) or cfg.sft.adapter:
        if cfg.model.lora_rank <= 0:
            raise ValueError("model.lora_adapter_path and sft.adapter are of LoRA: model.lora_rank=32")
        if begun:
            from merge.adapter import check_adapter  # not above: torch

            check_adapter(begun, cfg.model.lora_rank, cfg.model.lora_alpha)
    record = Path(cfg.model.path) / "added_speech_tokens.json"
    told = json.loads(record.read_text()) if record.exists() else {"speech": 0}
    added = told.get("speech", told.get("added"))
    whole = set(cfg.model.lora.trained_weights or [])
    if cfg.model.lora_rank > 0 and added and not {"embed_tokens", "lm_head"} <= whole:
        raise UserError(
            f"model.lora_rank={cfg.model.lora_rank} trains adapters alone, but {added} speech tokens "
            f"of {cfg.model.path} are new and have untrained rows: model.lora.trained_weights=[embed_tokens,lm_head], "
            "or model.lora_rank=0"
        )


def check_choice(cfg: DictConfig) -> None:
    """Whether there is something to choose by: the steps that are saved must be validated.

    Raises:
        UserError: they are not, or sft.choose is neither last nor best.
    """
    if cfg.sft.choose not in ("last", "best"):
        raise UserError(f"sft.choose is last or best, got {cfg.sft.choose!r}")
    saved, validated = cfg.trainer.save_freq, cfg.trainer.test_freq
    often = isinstance(saved, int) and isinstance(validated, int) and 0 < validated <= saved and saved % validated == 0
    if cfg.sft.choose == "best" and not (cfg.data.val_files and (often or saved == validated != -1)):
        raise UserError(
            f"sft.choose=best is of the steps that are saved and validated: data.val_files={cfg.data.val_files}, and "
            f"trainer.save_freq={saved} a multiple of trainer.test_freq={validated}, or both after_each_epoch"
        )


def check_lengths(cfg: DictConfig) -> None:
    """Whether each row fits into data.max_length: verl would end at the first that does not, in the middle of an epoch,
    and at the same one again when it goes on. A row is counted by the tokenizer only if its characters may be too many.

    Raises:
        BadRows: those that do not, all of them.
    """
    from sft.data import encode_messages  # not above: transformers, which stages/misfits.py does not need
    from speech.jsonl import BadRows
    from speech.loading import tokenizer_of

    tokenizer, faults, most = None, [], cfg.data.get("train_max_samples", -1)
    for key in ("train_files", "val_files"):
        for file in paths(cfg.data[key]):
            for row, messages in enumerate(_messages(file, cfg.data.messages_key)):
                if key == "train_files" and 0 <= most <= row:
                    break
                if _most_ids(messages) <= cfg.data.max_length:
                    continue
                tokenizer = tokenizer or tokenizer_of(cfg.model.path)
                count = len(encode_messages(tokenizer, messages)["input_ids"])
                if count > cfg.data.max_length:
                    faults.append(f"{file}, row {row}: {count} ids, more than data.max_length={cfg.data.max_length}")
    if faults:
        raise BadRows(faults, then="nothing was trained. Leave them out of sft's input, or raise data.max_length")


def _messages(file: str, key: str) -> Iterator[list[dict[str, str]]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file).iter_batches(columns=[key]):
        yield from batch.column(0).to_pylist()


def _most_ids(messages: Sequence[Mapping[str, str]]) -> int:
    """As many ids as a conversation can have: one for each speech token, for each other byte, and for the template."""
    text, spoken = _SPOKEN.subn("", "".join(message["content"] for message in messages))
    return spoken + len(text.encode()) + _TEMPLATE


def launch(cfg: DictConfig, arguments: list[str]) -> None:
    """Runs sft.trainer in all processes of this node and waits.

    Raises:
        ValueError: several nodes, and no word on how they find each other.
        CalledProcessError: one of the processes failed.
    """
    if cfg.trainer.nnodes > 1 and "--standalone" in cfg.sft.torchrun:
        raise UserError(
            f"trainer.nnodes={cfg.trainer.nnodes} and sft.torchrun={cfg.sft.torchrun}: see sft_verl_base.yaml"
        )
    size = [f"--nnodes={cfg.trainer.nnodes}", f"--nproc-per-node={cfg.trainer.n_gpus_per_node}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *size, *cfg.sft.torchrun]
    environment = os.environ | {name: str(value) for name, value in cfg.sft.environment.items()}
    subprocess.run([*torchrun, "-m", cfg.sft.trainer, *arguments], check=True, env=environment)


def is_first_node(torchrun: Sequence[str]) -> bool:
    """Whether this node is the one that writes the result.

    >>> [is_first_node(arguments) for arguments in (["--standalone"], ["--node-rank=0"], ["--node-rank=1"])]
    [True, True, False]
    """
    return all(argument.partition("=")[2] == "0" for argument in torchrun if argument.startswith("--node-rank="))


def export(cfg: DictConfig, steps: int) -> Path:
    """Writes the newest whole checkpoint, or as sft.choose says, to sft.output, and its LoRA adapter to sft.adapter, if
    that is set.

    Raises:
        MissingCheckpoint: there is none of so many steps: half a training is not its result; or none to choose.
    """
    from merge.choose import LOSSES, least_loss
    from merge.merge import MissingCheckpoint, check, find_actor, keep_adapter, merge
    from speech.files import whole_directory

    folder = cfg.trainer.default_local_dir
    checkpoint = find_actor(folder, None, part="")
    if (found := int(checkpoint.name.removeprefix("global_step_"))) != steps:
        raise MissingCheckpoint(f"{checkpoint} is of step {found} of {steps}: run the stage `sft` to its end first")
    if cfg.sft.choose == "best":
        if (best := least_loss(folder)) is None:
            raise MissingCheckpoint(f"sft.choose=best: none of the saved steps of {folder} was validated ({LOSSES})")
        checkpoint = find_actor(folder, best, part="")
        print(f"[sft] step {best} of {steps}: the least loss on held-out rows ({folder}/{LOSSES})", flush=True)
    if cfg.sft.adapter:
        keep_adapter(checkpoint, cfg.sft.adapter, cfg.model.path)
    with whole_directory(cfg.sft.output) as target:
        merge(checkpoint, target, cfg.sft.dtype)
        count = check(checkpoint, target, cfg.sft.dtype)
    print(f"[sft] {checkpoint} -> {cfg.sft.output}: {count} tensors in {cfg.sft.dtype}", flush=True)
    return checkpoint


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `sft`."""
    steps = steps_of(cfg)
    check_lora(cfg)
    check_choice(cfg)
    from data_prep.learned import remarks  # not above: numpy, which stages/misfits.py does not need

    with told_plainly():
        check_lengths(cfg)
        for remark in remarks(paths(cfg.data.train_files), cfg.recipe, cfg.model.path):
            print(f"[sft] {remark}", flush=True)
    launch(cfg, sys.argv[1:])
    if is_first_node(cfg.sft.torchrun):
        export(cfg, steps)


if __name__ == "__main__":
    main()
