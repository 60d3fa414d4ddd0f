"""verl's real SFT trainer: a resumed training is the same as one that was never interrupted."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoTokenizer, Qwen2ForCausalLM
from verl.utils.distributed import initialize_global_process_group

from merge.choose import LOSSES
from sft.data import collate, load_examples
from sft.train import SpeechTrainer
from sft.verl_train import export, steps_of
from speech.faults import UserError
from speech.files import read_jsonl
from tests.helpers.sft_session import Run, config, train, write_inputs
from tests.helpers.training_worker import one_process
from verl_plugins.sft_trainer import ResumableSFTTrainer

CONSTANT = ("optim.lr_scheduler_type=constant", "optim.lr_warmup_steps_ratio=0")
PER_EPOCH = 3  # steps, of 25 rows in batches of 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ports_of_module: list[int]) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("resume")
    write_inputs(folder, 25)
    with one_process(ports_of_module[0]) as _, pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERL_ENGINE_DEVICE", "named_parameters")
        patch.setenv("HF_DATASETS_CACHE", str(folder / "datasets"))
        initialize_global_process_group()
        yield folder


def same_weights(one: Run, other: Run) -> None:
    assert set(one.weights) == set(other.weights)
    for name, tensor in one.weights.items():
        torch.testing.assert_close(other.weights[name], tensor, msg=name)


@pytest.fixture(scope="module")
def whole(folder: Path) -> Run:
    """Three epochs by a cosine with warm-up, in one go."""
    cfg = config(folder, "whole", "trainer.total_epochs=3")
    assert steps_of(cfg) == 3 * PER_EPOCH
    return train(cfg)


@pytest.mark.parametrize(("save_freq", "cut"), [("after_each_epoch", 3), ("after_each_epoch", 5), ("2", 5)])
def test_an_interrupted_training_has_the_rows_and_weights_of_a_whole_one(folder, whole, save_freq, cut):
    """At 7864d8e the epoch after a checkpoint at the end of another had no rows: 3 of 9 steps were trained."""
    work = f"cut_{save_freq}_{cut}"
    cfg = config(folder, work, "trainer.total_epochs=3", f"trainer.save_freq={save_freq}")
    saved = cut // 3 * 3 if save_freq == "after_each_epoch" else cut // 2 * 2
    before = train(cfg, cut_after=cut)
    after = train(cfg)
    assert len(whole.rows) == 3 * PER_EPOCH
    assert before.rows == whole.rows[:cut] and after.rows == whole.rows[saved:]
    assert after.rates == pytest.approx(whole.rates[saved:])
    same_weights(whole, after)


def test_of_checkpoints_before_and_after_an_interruption_the_last_ones_are_kept(folder):
    """At 1e922d5 each restart left as many more: verl knows those of its own process."""
    kept = ("trainer.total_epochs=3", "trainer.total_training_steps=8", "trainer.save_freq=2")
    cfg = config(folder, "kept", *kept, "trainer.max_ckpt_to_keep=2")
    steps = lambda: {int(path.name[12:]) for path in (folder / "kept").rglob("global_step_*")}  # noqa: E731
    train(cfg, cut_after=5)
    assert steps() == {2, 4}
    assert ResumableSFTTrainer(cfg).engine._updates == 4  # an error's "update N" counts those, too
    train(cfg)
    assert steps() == {6, 8}
    shutil.rmtree(folder / "kept/sft_checkpoints/global_step_8")  # at 508d3aa this began at step 0
    with pytest.raises(UserError, match=r"names global_step_8, which is not there.*whole are \[6\]"):
        ResumableSFTTrainer(cfg)


def test_all_held_out_rows_are_validated_on_and_the_best_step_is_kept_and_exported(folder, capsys):
    """Five rows, of which no batch of eight was full: at 508d3aa the loss was the mean of nothing. With a learning rate
    of 0 all steps are alike, and the first is the best."""
    held_out = str(folder / "held_out.parquet")
    pq.write_table(pq.read_table(folder / "train.parquet").slice(3, 5), held_out)
    often = ("trainer.save_freq=1", "trainer.test_freq=1", "trainer.total_training_steps=4", "trainer.total_epochs=2")
    own = (f"data.val_files={held_out}", "data.use_dynamic_bsz=false", "optim.lr=0", "sft.choose=best")
    cfg = config(folder, "best", *own, *often, *CONSTANT)
    train(cfg)
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    rows = collate(load_examples(held_out, tokenizer, 64), tokenizer.pad_token_id)
    loss = SpeechTrainer.compute_loss(None, Qwen2ForCausalLM.from_pretrained(folder / "model"), rows).item()
    told = read_jsonl(folder / "best/sft_checkpoints" / LOSSES)
    assert [row["step"] for row in told] == [1, 2, 3, 4]
    assert [row["loss"] for row in told] == pytest.approx([loss] * 4, abs=1e-5)
    saved = {int(path.name[12:]) for path in (folder / "best/sft_checkpoints").glob("global_step_*")}
    assert saved == {1, 3, 4}  # trainer.max_ckpt_to_keep=2
    assert export(cfg, 4).name == "global_step_1" and "step 1 of 4: the least loss" in capsys.readouterr().out


@pytest.fixture(scope="module")
def together(folder: Path) -> Run:
    """Two epochs at a constant rate, in one go."""
    return train(config(folder, "two", "trainer.total_epochs=2", *CONSTANT))


@pytest.fixture(scope="module")
def first(folder: Path) -> Run:
    """One of them."""
    return train(config(folder, "one", "trainer.total_epochs=1", *CONSTANT))


def test_more_epochs_of_a_finished_training_are_trained_and_none_is_skipped(folder, together, first):
    shutil.copytree(folder / "one", folder / "grown")
    second = train(config(folder, "grown", "trainer.total_epochs=2", *CONSTANT))
    assert first.rows + second.rows == together.rows and len(together.rows) == 2 * PER_EPOCH
    same_weights(together, second)
    assert train(config(folder, "grown", "trainer.total_epochs=2", *CONSTANT)).rows == []  # done: nothing is repeated


def test_more_epochs_of_a_cosine_are_refused(folder, whole):
    with pytest.raises(ValueError, match=r"global_step_9 was trained by the learning-rate schedule .*'total_steps': 9"):
        train(config(folder, "whole", "trainer.total_epochs=4"))


def test_fewer_steps_than_a_checkpoint_has_are_refused(folder, together):
    with pytest.raises(ValueError, match="holds a checkpoint of step 6, the configuration asks for 3 steps"):
        train(config(folder, "two", "trainer.total_epochs=1", *CONSTANT))


def test_the_learning_rate_of_a_resumed_training_is_the_configured_one(folder, first):
    """verl's own restores that of the checkpoint."""
    shutil.copytree(folder / "one", folder / "rate")
    second = train(config(folder, "rate", "trainer.total_epochs=2", "optim.lr=0.002", *CONSTANT))
    assert second.rates == [0.002] * PER_EPOCH
