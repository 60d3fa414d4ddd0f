"""Supervised training of a small model."""

import io
import os
import random
import re
import signal
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config

from data_prep.prompt_template import chat, encode_prompt
from models.tiny_mandarin.tokenizer import build_tokenizer
from sft.data import LengthGroupedSampler, collate, load_examples
from sft.train import Progress, SpeechTrainer, resumable_checkpoint, train
from speech.tokens import format_speech_tokens
from stages.config import compose_stage
from tests.helpers.forked import server

TEXT = "一二三四五"


def configured(folder: Path) -> DictConfig:
    """sft.yaml with a model of two narrow layers, and a language in which each character is said as two tokens."""
    config = deepcopy(compose_stage("tiny_mandarin", "sft"))
    config.recipe.work_dir = str(folder)
    small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 1}
    config.sft.model.update(small | {"num_key_value_heads": 1, "max_position_embeddings": 64})
    config.sft.training.update({"per_device_train_batch_size": 8, "logging_steps": 5, "save_steps": 10})
    config.sft.training.update({"eval_strategy": "no", "load_best_model_at_end": False})
    config.sft.steps = 40
    rng, rows = random.Random(0), []
    for _ in range(100):
        places = rng.choices(range(5), k=rng.randint(1, 5))
        answer = format_speech_tokens([token for place in places for token in (2 * place, 2 * place + 1)])
        text = "".join(TEXT[place] for place in places)
        rows.append({"messages": [*chat(text), {"role": "assistant", "content": answer}]})
    Path(config.recipe.data_dir).mkdir()
    pq.write_table(pa.Table.from_pylist(rows), config.recipe.sft_train)
    build_tokenizer([TEXT], 10, config.recipe.tokenizer_dir)
    return config


@pytest.fixture
def config(tmp_path: Path) -> DictConfig:
    return configured(tmp_path)


@dataclass
class Whole:
    """A training from beginning to end; `config` of a test makes the same.

    Attributes:
        config: of it.
        said: what it printed.
        rows: token ids of each step.
        weights: that it ended with.
    """

    config: DictConfig
    said: str
    rows: list[list[int]]
    weights: dict[str, torch.Tensor]


def recording(patch: pytest.MonkeyPatch) -> list[list[int]]:
    """Where each step's token ids are put from now on."""
    rows: list[list[int]] = []
    whole_loss = SpeechTrainer.compute_loss

    def recorded(self, model, inputs, **kwargs):
        rows.append(inputs["input_ids"].flatten().tolist())
        return whole_loss(self, model, inputs, **kwargs)

    patch.setattr(SpeechTrainer, "compute_loss", recorded)
    return rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    config = configured(tmp_path_factory.mktemp("whole"))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        rows = recording(patch)
        train(config)
    weights = AutoModelForCausalLM.from_pretrained(config.recipe.sft_dir).state_dict()
    return Whole(config, out.getvalue(), rows, weights)


def losses(output: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"step \d+/\d+ loss ([\d.]+)", output)]


def test_the_loss_falls_and_the_checkpoint_loads_with_its_tokenizer(whole):
    config, seen = whole.config, losses(whole.said)
    assert len(seen) == 8  # 40 steps, every fifth
    assert seen[-1] < seen[0] / 2
    tokenizer = AutoTokenizer.from_pretrained(config.recipe.sft_dir)
    model = AutoModelForCausalLM.from_pretrained(config.recipe.sft_dir)
    assert model.dtype == torch.float32
    assert model.config.vocab_size == len(tokenizer)
    assert model.generation_config.eos_token_id == tokenizer.convert_tokens_to_ids("<|im_end|>")
    prompt = torch.tensor([encode_prompt(tokenizer, chat("三"))])
    out = model.generate(prompt, max_new_tokens=12, do_sample=False)[0, prompt.shape[1] :]
    assert out[-1] == tokenizer.eos_token_id  # it has learnt to stop
    assert not list(Path(config.recipe.work_dir).glob("sft*.*"))  # nothing temporary
    assert not Path(config.sft.checkpoints).exists()


def test_a_training_goes_on_from_another_checkpoint_if_it_is_told_so(config, whole, capsys, tmp_path):
    config.sft.start = whole.config.recipe.sft_dir
    config.recipe.sft_dir = str(tmp_path / "second")
    train(config)
    out = capsys.readouterr().out
    assert f"from {config.sft.start}" in out and losses(out)[0] < losses(whole.said)[0] / 2
    build_tokenizer([TEXT], 11, config.recipe.tokenizer_dir)  # another codebook
    with pytest.raises(ValueError, match=r"sft\.start: .* ids, the tokenizer"):
        train(config)
    config.sft.start = str(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no checkpoint in .*nowhere \(sft\.start\)"):
        train(config)


@pytest.mark.parametrize(("given", "rate"), [((), 3e-3), (("sft.training.learning_rate=5e-4",), 5e-4)])
def test_a_learning_rate_is_that_of_all_weights(tmp_path, given, rate):
    """docs/training.md, "SFT on the best". At 1e922d5 the layers' matrices, which Muon trains, kept 3e-3."""
    cfg = compose_stage("tiny_mandarin", "sft", given)
    muon = OmegaConf.to_container(cfg.sft.muon, resolve=True)
    assert (muon["lr"], muon["weight_decay"]) == (rate, 0.05)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = AutoModelForCausalLM.from_config(Qwen2Config(**shape, num_key_value_heads=1, vocab_size=20))
    no_rows = {"eval_strategy": "no", "load_best_model_at_end": False}
    arguments = instantiate(cfg.sft.training, output_dir=str(tmp_path), use_cpu=True, **no_rows)
    groups = SpeechTrainer(model, arguments, length_window=16, muon=muon).create_optimizer().param_groups
    assert len(groups) == 3 and [group["lr"] for group in groups] == [rate] * 3  # Muon; AdamW with and without decay


def train_and_die(path: str) -> None:
    """What is trained is killed after its checkpoint of step 20."""

    def die(self, args, state, control, **_):
        if state.global_step == 20:
            os.kill(os.getpid(), signal.SIGKILL)

    Progress.on_save = die
    train(OmegaConf.load(path))


def test_a_killed_training_continues_and_ends_as_one_that_was_not(config, whole, capsys, tmp_path):
    config.recipe.sft_dir = f"{tmp_path}/again"
    OmegaConf.save(config, tmp_path / "sft.yaml", resolve=True)
    process = server().Process(target=train_and_die, args=(str(tmp_path / "sft.yaml"),))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not Path(config.recipe.sft_dir).exists()
    capsys.readouterr()
    train(OmegaConf.load(tmp_path / "sft.yaml"))
    said = capsys.readouterr().out
    assert re.search(r"from \S+/checkpoint-20\n", said)
    assert "step 20/40" not in said and "step 25/40" in said
    again = AutoModelForCausalLM.from_pretrained(config.recipe.sft_dir).state_dict()
    for name, tensor in whole.weights.items():
        torch.testing.assert_close(again[name], tensor, msg=name)


def test_the_checkpoint_of_the_least_loss_on_every_held_out_row_is_kept(config, capsys):
    """100 rows of which the last 3 are held out: less than a batch, which transformers would drop. A learning rate that
    is far too high from step 20 on spoils what follows."""
    rows = pq.read_table(config.recipe.sft_train)
    pq.write_table(rows.slice(97), config.recipe.sft_val)
    config.sft.training.update({"eval_strategy": "steps", "eval_steps": 10, "load_best_model_at_end": True})
    at, whole = [], SpeechTrainer.training_step

    def spoiling(self, *args, **kwargs):
        at.append(self.state.global_step)
        if self.state.global_step >= 20:
            for group in self.optimizer.param_groups:
                group["lr"] = 3.0
        return whole(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpeechTrainer, "training_step", spoiling)
        train(config)
    said = capsys.readouterr().out
    found = {int(step): float(loss) for step, loss in re.findall(r"step (\d+)/40 held-out loss ([\d.]+)", said)}
    assert list(found) == [10, 20, 30, 40] and found[20] < found[40]
    tokenizer = AutoTokenizer.from_pretrained(config.recipe.sft_dir)
    model = AutoModelForCausalLM.from_pretrained(config.recipe.sft_dir)
    batch = collate(load_examples(config.recipe.sft_val, tokenizer, 64), tokenizer.pad_token_id)
    assert SpeechTrainer.compute_loss(None, model, batch).item() == pytest.approx(min(found.values()), abs=0.02)


class Cut(Exception):
    """A power cut."""


def test_a_training_that_is_cut_has_the_rows_of_a_whole_one(config, whole, tmp_path, monkeypatch):
    """An epoch is 12 steps: one cut is at its end, the other within the next."""
    config.sft.training.save_steps = 4
    rows = recording(monkeypatch)
    for step in (12, 20):

        def cut(self, args, state, control, step=step, **_):
            if state.global_step == step:
                raise Cut

        rows.clear()
        config.recipe.sft_dir = f"{tmp_path}/cut{step}"
        with monkeypatch.context() as patch, pytest.raises(Cut):
            patch.setattr(Progress, "on_save", cut)
            train(config)
        train(config)
        assert len(whole.rows) == 40 and rows == whole.rows
        again = AutoModelForCausalLM.from_pretrained(config.recipe.sft_dir).state_dict()
        for name, tensor in whole.weights.items():
            torch.testing.assert_close(again[name], tensor, msg=f"{name}, cut at {step}")


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_not_finite_stops_the_training_with_its_step(config, monkeypatch, what):
    whole_loss, calls = SpeechTrainer.compute_loss, []

    def broken(self, model, inputs, **kwargs):
        loss = whole_loss(self, model, inputs, **kwargs)
        calls.append(loss)
        if len(calls) < 3:
            return loss
        if what == "loss":
            return loss * float("nan")
        loss.register_hook(lambda gradient: gradient * float("inf"))
        return loss

    monkeypatch.setattr(SpeechTrainer, "compute_loss", broken)
    with pytest.raises(FloatingPointError, match=rf"the {what} of step 3 is (nan|inf)"):
        train(config)
    assert not Path(config.recipe.sft_dir).exists()


def test_a_half_checkpoint_is_passed_over_and_one_of_other_settings_is_refused(tmp_path):
    assert resumable_checkpoint(tmp_path / "c", {"steps": 5}) is None
    for name, whole in (("checkpoint-9", True), ("checkpoint-10", True), ("checkpoint-11", False)):
        (tmp_path / "c" / name).mkdir()
        if whole:
            (tmp_path / "c" / name / "trainer_state.json").touch()
    assert resumable_checkpoint(tmp_path / "c", {"steps": 5}) == tmp_path / "c" / "checkpoint-10"
    with pytest.raises(ValueError, match="checkpoints of other settings"):
        resumable_checkpoint(tmp_path / "c", {"steps": 6})


def test_labels_are_the_answer_alone_and_padding_is_on_the_right():
    batch = collate(
        [{"input_ids": [1, 2, 3, 4], "prompt_length": 2}, {"input_ids": [5, 6], "prompt_length": 1}], pad_id=0
    )
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4], [5, 6, 0, 0]]
    assert batch["labels"].tolist() == [[-100, -100, 3, 4], [-100, 6, -100, -100]]


def test_the_loss_is_that_of_transformers_over_all_positions(config):
    tokenizer = AutoTokenizer.from_pretrained(config.recipe.tokenizer_dir)
    examples = load_examples(config.recipe.sft_train, tokenizer, 64)[:6]
    from sft.train import make_model

    model = make_model(config.sft, tokenizer)
    batch = collate(examples, tokenizer.pad_token_id)
    attention_mask = torch.tensor(
        [[int(i < len(e["input_ids"])) for i in range(batch["labels"].shape[1])] for e in examples]
    )
    expected = model(**batch, attention_mask=attention_mask).loss
    torch.testing.assert_close(SpeechTrainer.compute_loss(None, model, batch), expected)


def test_batches_have_like_lengths_epochs_another_order_and_the_seed_decides():
    lengths = [n % 10 for n in range(100)]
    sampler = LengthGroupedSampler(lengths, batch_size=8, window=4, seed=1)
    first = list(sampler)
    assert len(sampler) == len(first) == len(set(first)) == 96  # 12 batches; four examples wait for another epoch
    spreads = [max(b) - min(b) for b in ([lengths[i] for i in first[at : at + 8]] for at in range(0, 96, 8))]
    assert sum(spreads) / len(spreads) < 4  # 32 examples sorted: a quarter of ten lengths, more or less
    assert list(LengthGroupedSampler(lengths, 8, 4, seed=1)) == first
    assert list(LengthGroupedSampler(lengths, 8, 4, seed=2)) != first
    sampler.set_epoch(1)
    assert list(sampler) != first
    with pytest.raises(ValueError, match="3 examples do not fill one batch of 8"):
        LengthGroupedSampler([1, 2, 3], 8, 4, 1)


def test_a_row_longer_than_the_model_reads_is_named(config):
    tokenizer = AutoTokenizer.from_pretrained(config.recipe.tokenizer_dir)
    with pytest.raises(ValueError, match=r"sft_train.parquet: row \d+ has \d+ ids, the model reads 15"):
        load_examples(config.recipe.sft_train, tokenizer, 15)
