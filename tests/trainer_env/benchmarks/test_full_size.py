"""The commands of benchmarks/full_size.py fit the recipe, and its data what stage data reads."""

from benchmarks.full_size import CHARACTERS, commands, write_data
from speech.files import read_jsonl, write_jsonl
from stages.config import compose_stage
from stages.plan import plan


def test_the_training_is_the_recipes_own_but_for_its_length():
    release, convert, data, train, table = commands(3, ["trainer.n_gpus_per_node=1"])
    assert release[-2:] == ["exp/full_size/pretrained", "full"] and convert[2] == "models.cosyvoice.to_huggingface"
    assert data[:4] == train[:4] == ["bash", "run.sh", "--recipe", "cosyvoice2"] and data[4:5] == ["data"]
    assert train[4:6] == ["serve", "train"]
    _, (stage,) = plan("cosyvoice2", "train", "train", train[6:])
    (cfg,) = stage.configs()
    assert (cfg.trainer.total_training_steps, cfg.data.max_response_length, cfg.trainer.n_gpus_per_node) == (3, 250, 1)
    assert cfg.data.train_batch_size == compose_stage("cosyvoice2", "grpo").data.train_batch_size
    assert table[2:4] == ["benchmarks.step", "exp/full_size"]


def test_texts_are_all_different_and_voices_are_found(tmp_path):
    release = tmp_path / "release"
    release.mkdir()
    write_jsonl(release / "voices.jsonl", [{"name": "deep", "wav": "deep.wav"}])
    write_data(tmp_path / "data", release)
    assert read_jsonl(tmp_path / "data/recordings.jsonl") == [{"name": "deep", "wav": str(release / "deep.wav")}]
    rows = read_jsonl(tmp_path / "data/test.jsonl") + read_jsonl(tmp_path / "data/train.jsonl")
    assert len({row["text"] for row in rows}) == len(rows) == 2016
    assert {len(row["text"]) for row in rows} == {8} and set("".join(row["text"] for row in rows)) <= set(CHARACTERS)
    assert rows[17]["text"] == "好天今今今今今今"  # 17 = 1 * 13 + 4, the lowest place first
