"""verl's real SFT trainer in this process (FSDP2 over gloo, the only rank) on a small model and a few rows."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from omegaconf import DictConfig, OmegaConf

from data_prep.prompt_template import chat
from models.tiny_mandarin.tokenizer import build_tokenizer
from speech.tokens import format_speech_tokens
from stages.config import compose_stage
from tests.helpers.shards import tiny_qwen2
from verl_plugins.sft_trainer import ResumableSFTTrainer

TEXT = "今天气很好我们去吃饭"


class Interrupted(Exception):
    """Stands for a power cut."""


def write_inputs(folder: Path, rows: int) -> None:
    """folder/model: a Qwen2 with its tokenizer; folder/train.parquet: rows of different lengths, none twice."""
    from transformers import AutoTokenizer

    build_tokenizer([TEXT], 16, folder / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    torch.manual_seed(0)
    tiny_qwen2(len(tokenizer)).save_pretrained(folder / "model")
    found = []
    for row in range(rows):
        tokens = [(row * 5 + place) % 16 for place in range(3 + row % 4)]
        answer = {"role": "assistant", "content": format_speech_tokens(tokens)}
        found.append({"messages": [*chat(TEXT[row % 10] * (1 + row // 10)), answer]})
    pq.write_table(pa.Table.from_pylist(found), folder / "train.parquet")


def config(folder: Path, work: str, *overrides: str) -> DictConfig:
    """llasa's sft.yaml on a CPU, eight rows a step, with checkpoints in folder/work."""
    cfg = compose_stage(
        "llasa",
        "sft",
        (
            "sft_hardware=cpu",
            f"recipe.work_dir={folder / work}",
            f"model.path={folder / 'model'}",
            f"data.train_files={folder / 'train.parquet'}",
            "data.train_batch_size=8",
            "data.max_length=64",
            "trainer.n_gpus_per_node=1",
            "trainer.logger=[console]",
            "optim.lr=0.01",
            *overrides,
        ),
    ).copy()
    OmegaConf.set_struct(cfg, False)
    OmegaConf.resolve(cfg)
    cfg.trainer.device = "cpu"
    return cfg


@dataclass
class Run:
    """What a training did: ids of each step's rows, learning rate after each step, the weights that it ended with."""

    rows: list[list[int]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)


def train(cfg: DictConfig, cut_after: int | None = None) -> Run:
    """Trains; `cut_after` steps of this call it is interrupted."""
    run, trainer = Run(), ResumableSFTTrainer(cfg)
    verls = trainer.training_client.train_batch

    def recorded(data):
        if cut_after is not None and len(run.rows) == cut_after:
            raise Interrupted
        run.rows.append(data["input_ids"].values().tolist())
        run.rates.append(trainer.engine.optimizer.param_groups[0]["lr"])
        return verls(data=data)

    trainer.training_client.train_batch = recorded
    try:
        trainer.fit()
    except Interrupted:
        assert cut_after is not None
    module = trainer.engine.module
    run.weights = {name: tensor.full_tensor().clone() for name, tensor in module.state_dict().items()}
    return run
