"""GLM-TTS's own JSONL as a test set, and the filters and weights of corpora."""

import datetime
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from omegaconf import DictConfig, OmegaConf

from data_prep.hub_rows import local
from data_prep.recordings import Recording, filters
from data_prep.test_sets import convert, inputs_of, read_test_set
from speech.faults import UserError
from speech.jsonl import BadRows
from speech.loading import array_of
from speech.voices import read_voices
from stages.config import compose_stage


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A repository with grpo/data/rows.jsonl, whose recordings count from its root."""
    data = tmp_path / "grpo" / "data"
    (data / "prompt_speech_token").mkdir(parents=True)
    (tmp_path / "examples").mkdir()
    for name in ("a", "b"):
        (tmp_path / "examples" / f"{name}.wav").write_bytes(b"RIFF")
    np.save(data / "prompt_speech_token" / "u1.npy", np.array([[5, 6, 7]]))
    rows = [
        {"uttid": "u1", "syn_text": "你好。", "prompt_text": "早。", "prompt_speech": "examples/a.wav", "emotion": 3},
        {"uttid": "u2", "syn_text": "再见。", "prompt_text": "早。", "prompt_speech": "examples/a.wav", "emotion": -1},
        {
            "uttid": "u3",
            "syn_text": "走吧。",
            "prompt_text": "晚。",
            "prompt_speech": "examples/b.wav",
            "emotion": "sad",
        },
    ]
    (data / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return data / "rows.jsonl"


def test_rows_become_texts_and_voices_with_their_tokens(release, tmp_path):
    assert convert(read_test_set(release, 5), tmp_path / "out", "zh", "zh") == (3, 2)
    texts = [json.loads(line) for line in (tmp_path / "out/texts.jsonl").read_text().splitlines()]
    assert texts == [
        {"text": "你好。", "language": "zh", "voice": "u1", "emotion": "happy"},
        {"text": "再见。", "language": "zh", "voice": "u1"},
        {"text": "走吧。", "language": "zh", "voice": "u3", "emotion": "sad"},
    ]
    voices = read_voices(str(tmp_path / "out/recordings.jsonl"))
    assert voices["u1"].speech_tokens == (5, 6, 7) and voices["u3"].speech_tokens == ()
    assert Path(voices["u3"].wav).samefile(tmp_path / "examples/b.wav") and voices["u1"].text == "早。"


def test_rows_in_several_files_share_their_voices(release, tmp_path):
    """As grpo/prepare_data.py of GLM-TTS writes a thousand to a file. One file at a time, each recording had another
    name in each."""
    rows = [json.loads(line) for line in release.read_text().splitlines()]
    rows.append(rows[0] | {"uttid": "u4", "syn_text": "好。"})
    for name, some in (("0", rows[:1]), ("1", rows[1:])):
        (release.parent / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    paths = [str(release.parent / f"{name}.jsonl") for name in "01"]
    pattern = str(release.parent / "[0-9]*.jsonl")
    assert inputs_of(pattern) == inputs_of([paths[0], paths[1]]) == paths and inputs_of(paths[1]) == [paths[1]]
    assert convert(read_test_set(inputs_of(pattern), 5), tmp_path / "out", "zh", "zh") == (4, 2)
    texts = [json.loads(line) for line in (tmp_path / "out/texts.jsonl").read_text().splitlines()]
    assert [(row["text"], row["voice"]) for row in texts] == [
        ("你好。", "u1"), ("再见。", "u1"), ("走吧。", "u3"), ("好。", "u1")]  # fmt: skip
    assert list(read_voices(str(tmp_path / "out/recordings.jsonl"))) == ["u1", "u3"]
    (release.parent / "1.jsonl").write_text("".join(json.dumps(row | {"uttid": "u1"}) + "\n" for row in rows[2:3]))
    with pytest.raises(BadRows, match=r"(?s)^1 bad rows.*in another file, too: u1: \S*/a\.wav, \S*/b\.wav$"):
        convert(read_test_set(paths, 5), tmp_path / "out", "zh", "zh")
    for path in paths:
        Path(path).write_text("{}\n")
    with pytest.raises(ValueError, match=r"(?s)^2 bad lines in 2 files:.*0\.jsonl:1: .*1\.jsonl:1: "):
        read_test_set(paths, 5)
    with pytest.raises(UserError, match=r"test_set\.input=\S*x\*\.jsonl: no file fits this pattern"):
        inputs_of([paths[0], f"{release.parent}/x*.jsonl"])


def test_embeddings_and_mels_by_path_go_with_the_voice(release, tmp_path):
    """As grpo/prepare_data.py of GLM-TTS writes its rows: paths from the file's folder, .npy of 192 and of frames x 80;
    or a tensor in a .pt; or, as its sample has it, in folders beside the file."""
    data = release.parent
    for field, numbers in (("embedding", np.ones(192, np.float32)), ("prompt_speech_feat", np.zeros((7, 80), "<f4"))):
        (data / field).mkdir()
        np.save(data / field / "u3.npy", numbers)
    torch.save(torch.full((1, 192), 2.0), data / "embedding" / "a.pt")
    rows = [json.loads(line) for line in release.read_text().splitlines()]
    rows[1] |= {"embedding": "embedding/a.pt"}  # of the second row, whose voice is the first one's
    release.write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert(read_test_set(release, 5), tmp_path / "out", "zh", "zh")
    voices = read_voices(str(tmp_path / "out/recordings.jsonl"))
    assert array_of(voices["u1"].embedding).tolist() == [[2.0] * 192] and voices["u1"].mel is None
    assert array_of(voices["u3"].embedding).tolist() == [1.0] * 192 and array_of(voices["u3"].mel).shape == (7, 80)


class _Code:
    """A pickle that would run code."""

    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    ("field", "made", "told"),
    [
        ("embedding", np.ones(191), r"holds float64 of \[191\], expected 192 real numbers"),
        ("embedding", np.full(192, np.nan), "holds numbers that are not finite"),
        ("embedding", np.arange(192), "holds int64"),
        ("embedding", np.array([_Code()]), "is no array of numbers: Object arrays cannot be loaded"),
        ("prompt_speech_feat", np.ones((80, 7)), r"holds float64 of \[80, 7\], expected frames x 80 real numbers"),
        ("embedding", {"pt": _Code()}, "is no array of numbers: Weights only load failed"),
        ("embedding", {"pt": {"x": torch.ones(192)}}, "it holds dict, not one tensor"),
        ("embedding", None, r"no\.npy is no file"),
    ],
)
def test_features_that_are_none_are_named_and_run_nothing(release, field, made, told, capfd):
    row = {"uttid": "u9", "syn_text": "好。", "prompt_text": "早。", "prompt_speech": "examples/a.wav", field: "no.npy"}
    if isinstance(made, dict):
        row[field] = "it.pt"
        torch.save(made["pt"], release.parent / "it.pt")
    elif made is not None:
        row[field] = "it.npy"
        np.save(release.parent / "it.npy", made, allow_pickle=True)
    with release.open("a") as file:
        file.write(json.dumps(row) + "\n")
    with pytest.raises(ValueError, match=rf"rows\.jsonl:4: field '{field}': (?s:.*){told}"):
        read_test_set(release, 5)
    assert "run" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"syn_text": ""}, "field 'syn_text'"),
        ({"prompt_speech": "none.wav"}, r"field 'prompt_speech': none\.wav is no file"),
        ({"emotion": 11}, "field 'emotion': is 11, expected 0 to 8"),
        ({"prompt_speech_token": "no.npy"}, r"field 'prompt_speech_token': no\.npy is no file"),
        ({"prompt_speech_token": "examples/a.wav"}, r"field 'prompt_speech_token': .*a\.wav is no .npy and no .pt"),
        ({"uttid": "u1"}, "field 'uttid': u1 is there twice"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_field(release, change, told):
    row = {"uttid": "u9", "syn_text": "好。", "prompt_text": "早。", "prompt_speech": "examples/a.wav"} | change
    with release.open("a") as file:
        file.write(json.dumps(row) + "\n")
    with pytest.raises(ValueError, match=r"rows\.jsonl:4: " + told):
        read_test_set(release, 5)


def test_recordings_below_a_dnsmos_are_left_out_if_one_is_asked_for():
    def reasons(score: float | None, *rows: dict) -> list[str | None]:
        cfg = compose_stage("inworld_tts", "data", ()).vectorize.filters.copy()
        cfg.min_dnsmos_score = score
        found = [Recording(1, "Hello.", "en", "a.wav", 2.0, 24000, row) for row in rows]
        return [next((why for one in filters(cfg) if (why := one(r))), None) for r in found]

    rows = ({"dnsmos_mos_ovr": 3.0}, {"dnsmos_mos_ovr": 2.9}, {}, {"dnsmos_mos_ovr": "3.5"})
    assert reasons(3.0, *rows) == [None, "DNSMOS", "no dnsmos_mos_ovr", "no dnsmos_mos_ovr"]
    assert reasons(None, *rows) == [None] * 4


def test_prompts_of_grpo_are_read_as_often_as_their_weight_says(tmp_path):
    from verl_plugins.weighted_data import WeightedPrompts

    files = []
    for name, count in (("a", 3), ("b", 4), ("test", 2)):
        rows = [{"prompt": [{"role": "user", "content": f"{name}{i}"}]} for i in range(count)]
        Dataset.from_list(rows).to_parquet(files.append(str(tmp_path / f"{name}.parquet")) or files[-1])
    config = {
        "train_files": files[:2],
        "epochs_of_files": [2.0, 0.6],
        "prompt_key": "prompt",
        "cache_dir": str(tmp_path),
    }
    config |= {"filter_overlong_prompts": False, "max_prompt_length": 8}

    def read(paths: list[str], most: int = -1, **more) -> list[str]:
        found = WeightedPrompts(list(paths), None, DictConfig(config | more), max_samples=most).dataframe
        return [row["prompt"][0]["content"] for row in found]

    assert read(files[:2]) == ["a0", "a1", "a2", "a0", "a1", "a2", "b0", "b1"]  # floor(4 x 0.6) = 2
    assert read(files[2:]) == ["test0", "test1"]  # validation as it is
    assert read(files[:2], 3) == ["a0", "a1", "a2"]
    drawn = read(files[:2], 7, shuffle=True, seed=0)  # of all files, as verl draws them
    assert len(drawn) == 7 and {one[0] for one in drawn} == {"a", "b"}
    assert drawn == read(files[:2], 7, shuffle=True, seed=0) != sorted(drawn)
    assert len(read(files[:2], epochs_of_files=None)) == 7
    with pytest.raises(ValueError, match=r"data\.epochs_of_files=\[1\.0\]: a number above 0 for each of"):
        read(files[:2], epochs_of_files=[1.0])
    grpo = OmegaConf.to_container(compose_stage("cosyvoice2", "grpo").data, resolve=False)
    assert grpo["custom_cls"] == {"path": "pkg://verl_plugins.weighted_data", "name": "WeightedPrompts"}


def test_a_data_set_is_read_by_its_name_once(tmp_path):
    folder = tmp_path / "owner" / "name"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text('{"text": "你好", "n": 1}\n{"text": "早", "n": 2}\n', encoding="utf-8")
    path = local(f"hub:{folder}@train", str(tmp_path / "kept"))
    assert Path(path).parent == tmp_path / "kept" and path.endswith("owner_name_train.jsonl")
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert rows == [{"text": "你好", "n": 1}, {"text": "早", "n": 2}]
    (folder / "train.jsonl").unlink()
    assert local(f"hub:{folder}@train", str(tmp_path / "kept")) == path
    assert local("my/train.jsonl", "x") == "my/train.jsonl"
    with pytest.raises(ValueError, match="expected hub:NAME"):
        local("hub:a:b:c", "x")
    with pytest.raises(ValueError, match="cannot be had"):
        local(f"hub:{tmp_path}/none", str(tmp_path / "kept"))
    assert [one.name for one in (tmp_path / "kept").iterdir()] == [Path(path).name]  # nothing half-written


def test_columns_of_a_data_set_that_json_has_not_are_left_out(tmp_path, capsys):
    at = datetime.datetime(2026, 1, 1)
    audio = {"bytes": b"RIFF", "path": "a.wav"}
    row = {"text": "hi", "audio": audio, "at": at, "dnsmos": math.nan, "n": [1.5, math.inf]}
    (tmp_path / "set").mkdir()
    Dataset.from_list([row]).to_parquet(str(tmp_path / "set/train.parquet"))
    path = local(f"hub:{tmp_path}/set", str(tmp_path / "kept"))
    assert json.loads(Path(path).read_text()) == {"text": "hi", "dnsmos": None, "n": [1.5, None]}
    assert "columns audio, at hold what JSON has not" in capsys.readouterr().out
