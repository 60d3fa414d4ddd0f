"""What verl's SFT trainer is given: the ids and the loss of sft/data.py, from a checkpoint to a checkpoint."""

import json
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from tensordict import TensorDict
from torch.nn.functional import log_softmax
from transformers import AutoTokenizer
from verl.trainer.sft_trainer import create_sft_dataset
from verl.utils.dataset.dataset_utils import SFTTensorCollator
from verl.workers.utils.losses import sft_loss

from data_prep.prompt_template import chat
from merge.adapter import Adapter
from models.tiny_mandarin.tokenizer import build_tokenizer
from sft.data import collate, load_examples
from sft.train import SpeechTrainer
from sft.verl_dataset import SpeechDataset
from sft.verl_train import check_choice, check_lengths, steps_of
from speech.jsonl import BadRows
from speech.tokens import format_speech_tokens
from stages.config import ROOT
from tests.helpers.shards import tiny_qwen2

ROWS = [("今天", [1, 2, 3]), ("天", [0]), ("今天今天", [5, 4, 3, 2, 1, 0])]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DictConfig:
    """verl's `data` as sft_verl_base.yaml has it, with three rows."""
    folder = tmp_path_factory.mktemp("sft")
    rows = [
        {"messages": [*chat(text), {"role": "assistant", "content": format_speech_tokens(tokens)}]}
        for text, tokens in ROWS
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "train.parquet")
    build_tokenizer(["今天"], 16, str(folder / "tokenizer"))
    config = OmegaConf.load(ROOT / "recipes/common/sft_verl_base.yaml").data
    config.train_files = str(folder / "train.parquet")
    return config


@pytest.fixture(scope="module")
def tokenizer(data: DictConfig):
    return AutoTokenizer.from_pretrained(Path(data.train_files).parent / "tokenizer")


def test_ids_and_labels_are_those_of_our_own_trainer_by_the_class_that_verl_loads(data, tokenizer):
    dataset = create_sft_dataset(data.train_files, data, tokenizer, None)
    assert type(dataset).__name__ == SpeechDataset.__name__ and len(dataset) == len(ROWS)
    ours = load_examples(data.train_files, tokenizer, 64)
    for example, row in zip(ours, dataset, strict=True):
        ids, prompt = example["input_ids"], example["prompt_length"]
        assert row["input_ids"].tolist() == ids and row["position_ids"].tolist() == list(range(len(ids)))
        assert row["loss_mask"].tolist() == [0] * prompt + [1] * (len(ids) - prompt)
    assert len(create_sft_dataset(data.train_files, data, tokenizer, None, max_samples=2)) == 2


def test_a_file_counts_as_often_as_its_weight_says_and_validation_is_not_weighted(data, tokenizer, tmp_path):
    other = str(tmp_path / "other.parquet")
    pq.write_table(pq.read_table(data.train_files).slice(1, 2), other)
    files = {"train_files": [data.train_files, other], "epochs_of_files": [0.5, 2.5], "val_files": [other]}
    weighted = OmegaConf.merge(data, files)
    plain = [row["input_ids"].tolist() for row in create_sft_dataset(data.train_files, data, tokenizer, None)]
    found = create_sft_dataset(weighted.train_files, weighted, tokenizer, None)
    places = [*range(len(ROWS) // 2), 1, 2, 1, 2, 1]
    assert [row["input_ids"].tolist() for row in found] == [plain[place] for place in places]
    assert len(create_sft_dataset(weighted.val_files, weighted, tokenizer, None)) == 2
    with pytest.raises(ValueError, match=r"data\.epochs_of_files=\[0\.5\]: a number above 0 for each of"):
        create_sft_dataset(weighted.train_files, OmegaConf.merge(weighted, {"epochs_of_files": [0.5]}), tokenizer, None)


def test_rows_that_are_too_long_are_named_before_anything_starts(data, tokenizer):
    """verl would end at the first that it draws, in the middle of an epoch, and there again when it goes on."""
    counts = [len(row["input_ids"]) for row in create_sft_dataset(data.train_files, data, tokenizer, None)]
    assert counts[2] > counts[0] > counts[1]
    own = {"train_files": data.train_files, "val_files": None, "messages_key": "messages"}
    model = {"path": str(Path(data.train_files).parent / "tokenizer")}
    check_lengths(OmegaConf.create({"data": own | {"max_length": counts[2]}, "model": model}))
    with pytest.raises(BadRows) as error:
        check_lengths(OmegaConf.create({"data": own | {"max_length": counts[1]}, "model": model}))
    told = [f"train.parquet, row {row}: {counts[row]} ids, more than data.max_length={counts[1]}" for row in (0, 2)]
    assert str(error.value).startswith("2 bad rows") and all(one in str(error.value) for one in told)


@pytest.mark.parametrize(
    ("size", "frequency", "complaint"),
    [
        (len(ROWS), 1, None),
        (len(ROWS) + 1, 1, "data.train_files.*less than a batch"),
        (None, 5, "needs data.val_files"),
        (None, -1, None),
    ],
)
def test_training_and_validation_on_nothing_are_refused_before_anything_starts(data, size, frequency, complaint):
    files = None if size is None else data.train_files
    cfg = training(data.train_files, size or 1, files, test_freq=frequency)
    with pytest.raises(ValueError, match=complaint) if complaint else nullcontext():
        assert steps_of(cfg) == (1 if size else 3)


def training(
    files: object, batch: int, validated: str | None = None, devices: int = 1, **trainer: object
) -> DictConfig:
    """What `steps_of` reads of a configuration; data.epochs_of_files is set by the tests themselves."""
    own = {"test_freq": -1, "total_epochs": 1, "total_training_steps": None, "nnodes": 1, "n_gpus_per_node": devices}
    data = {"train_files": files, "val_files": validated, "train_batch_size": batch, "epochs_of_files": None}
    return OmegaConf.create({"data": data, "trainer": own | trainer, "engine": {}})


def test_rows_count_as_often_as_their_weight_says(data):
    """At 7864d8e three rows at half weight passed for three, and verl divided by 0 steps."""
    cfg = training([data.train_files], 3)
    assert steps_of(cfg) == 1
    cfg.data.epochs_of_files = [0.5]
    with pytest.raises(ValueError, match=r"have 1 rows for an epoch \(data\.epochs_of_files=\[0\.5\]\), less than a"):
        steps_of(cfg)
    cfg.data.epochs_of_files = [2.5]  # 7 rows
    assert steps_of(cfg) == 2


def test_steps_are_those_of_all_epochs_and_devices(data):
    assert steps_of(training(data.train_files, 2, devices=2, total_epochs=4)) == 4  # one row each, of 3
    assert steps_of(training(data.train_files, 1, total_epochs=4, total_training_steps=5)) == 5
    with pytest.raises(ValueError, match=r"total_training_steps=7 is beyond trainer\.total_epochs=2 of 3 steps"):
        steps_of(training(data.train_files, 1, total_epochs=2, total_training_steps=7))


def test_fewer_rows_to_validate_with_than_gpus_are_refused(data, tmp_path):
    few = str(tmp_path / "few.parquet")
    pq.write_table(pq.read_table(data.train_files).slice(0, 1), few)
    assert steps_of(training(data.train_files, len(ROWS), few, test_freq=1)) == 1  # less than a batch
    with pytest.raises(ValueError, match=r"data\.val_files\S+ have 1 rows for 2 GPUs"):
        steps_of(training(data.train_files, 2, few, devices=2, test_freq=1))


@pytest.mark.parametrize(
    ("choose", "saved", "validated", "told"),
    [
        ("last", 500, -1, None),
        ("best", 600, 300, None),
        ("best", "after_each_epoch", "after_each_epoch", None),
        ("best", 1000, 300, "save_freq=1000 a multiple of trainer.test_freq=300"),
        ("best", -1, -1, "save_freq=-1 a multiple of"),
        ("best", 500, "after_each_epoch", "or both after_each_epoch"),
        ("newest", 500, 500, "is last or best, got 'newest'"),
    ],
)
def test_the_best_step_is_chosen_of_steps_that_are_validated(choose, saved, validated, told):
    own = {"trainer": {"save_freq": saved, "test_freq": validated}, "data": {"val_files": "a.parquet"}}
    with pytest.raises(ValueError, match=told) if told else nullcontext():
        check_choice(OmegaConf.create(own | {"sft": {"choose": choose}}))


def test_verls_loss_on_these_rows_is_that_of_our_own_trainer(data, tokenizer):
    """verl's collator and loss function, with the log-probabilities of a small Qwen2."""
    model = tiny_qwen2(len(tokenizer))
    dataset = create_sft_dataset(data.train_files, data, tokenizer, None)
    batch = SFTTensorCollator(data.pad_mode)([dataset[i] for i in range(len(ROWS))])
    log_probs = []
    for ids in batch["input_ids"].unbind():
        scores = log_softmax(model(ids[None]).logits[0].float(), -1)
        following = torch.roll(ids, -1)
        log_probs.append(scores.gather(-1, following[:, None])[:, 0])
    output = {"log_probs": torch.nested.as_nested_tensor(log_probs, layout=torch.jagged)}
    count = int(batch["loss_mask"].values().sum())
    rows = TensorDict({"loss_mask": batch["loss_mask"]}, batch_size=len(ROWS))
    rows.set_non_tensor("pad_mode", "no_padding").set_non_tensor("dp_size", 1).set_non_tensor("batch_num_tokens", count)
    found, _ = sft_loss(None, output, rows)
    ours = SpeechTrainer.compute_loss(
        None, model, collate(load_examples(data.train_files, tokenizer, 64), tokenizer.pad_token_id)
    )
    torch.testing.assert_close(found, ours)


def test_a_row_that_is_too_long_or_no_conversation_is_named(data, tokenizer, tmp_path):
    dataset = create_sft_dataset(data.train_files, OmegaConf.merge(data, {"max_length": 8}), tokenizer, None)
    with pytest.raises(ValueError, match=r"train\.parquet.*row 2 has \d+ ids, more than data\.max_length=8"):
        dataset[2]
    pq.write_table(pa.Table.from_pylist([{"messages": chat("今天")}]), tmp_path / "bad.parquet")
    dataset = create_sft_dataset(str(tmp_path / "bad.parquet"), data, tokenizer, None)
    with pytest.raises(ValueError, match=r"bad\.parquet.*row 0: SFT needs an assistant message"):
        dataset[0]


@pytest.mark.parametrize("change", [{"pad_mode": "right"}, {"truncation": "left"}])
def test_rows_are_never_cut_or_padded(data, tokenizer, change):
    with pytest.raises(ValueError, match=r"data\.pad_mode is no_padding and data\.truncation error"):
        create_sft_dataset(data.train_files, OmegaConf.merge(data, change), tokenizer, None)


def test_a_lora_checkpoint_becomes_the_plain_model_with_its_adapter_added(tmp_path):
    (tmp_path / "lora_train_meta.json").write_text(json.dumps({"r": 2, "lora_alpha": 4, "task_type": "CAUSAL_LM"}))
    a, b = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    weights = {
        "base_model.model.model.layers.0.q_proj.base_layer.weight": torch.ones(2, 3),
        "base_model.model.model.layers.0.q_proj.base_layer.bias": torch.full((2,), 7.0),
        "base_model.model.model.layers.0.q_proj.lora_A.default.weight": a,
        "base_model.model.model.layers.0.q_proj.lora_B.default.weight": b,
        "base_model.model.model.norm.weight": torch.zeros(3),
    }
    merged = Adapter.of(weights, tmp_path).added()
    assert {name: tensor.tolist() for name, tensor in merged.items()} == {
        "model.layers.0.q_proj.weight": [[3.0, 1.0, 5.0], [1.0, 7.0, 1.0]],  # 1 + 4 / 2 * B A
        "model.layers.0.q_proj.bias": [7.0, 7.0],
        "model.norm.weight": [0.0, 0.0, 0.0],
    }
    assert Adapter.of(merged, tmp_path) is None  # without an adapter nothing changes


def test_an_adapter_of_another_kind_or_of_unknown_scale_is_refused(tmp_path):
    layer = "base_model.model.model.layers.0.q_proj."
    pair = {layer + "lora_A.default.weight": torch.ones(2, 3), layer + "lora_B.default.weight": torch.ones(2, 2)}
    with pytest.raises(ValueError, match=r"without lora_train_meta\.json"):
        Adapter.of({layer + "base_layer.weight": torch.ones(2, 3), **pair}, tmp_path)
    with pytest.raises(ValueError, match="lora_embedding_A"):
        Adapter.of({layer + "lora_embedding_A.default": torch.ones(2)}, tmp_path)
