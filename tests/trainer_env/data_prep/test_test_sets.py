"""Published test sets -> texts and recordings: the lists of Seed-TTS, the folders of CV3-Eval, and their bad lines."""

import io
import json
import os
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import soundfile
from datasets import Dataset
from omegaconf import DictConfig

from data_prep import list_recordings
from data_prep.test_sets import convert, language_of, read_test_set
from speech.jsonl import BadRows
from speech.voices import read_voices
from stages.config import compose_stage
from tests.helpers.forked import command

ROOT = Path(__file__).resolve().parents[3]


def wave(path: Path) -> Path:
    """A file; nobody listens to it here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    return path


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """Three lines, the last two in one voice, one with the true recording behind the text."""
    wave(tmp_path / "zh" / "prompt-wavs" / "a.wav")
    wave(tmp_path / "zh" / "prompt-wavs" / "b.wav")
    meta = tmp_path / "zh" / "meta.lst"
    meta.write_text(
        "a-1|你好。|prompt-wavs/a.wav|今天下雨。\n"
        "b-1|再见。|prompt-wavs/b.wav|明天放晴。|wavs/b-1.wav\n"
        "\n"
        "b-2|再见。|prompt-wavs/b.wav|Where, then?\n",
        encoding="utf-8",
    )
    return meta


@pytest.fixture
def cv3(tmp_path: Path) -> Path:
    """A folder of the repository; its scp counts from the repository's root."""
    folder = tmp_path / "CV3-Eval" / "data" / "zero_shot" / "zh"
    for number in (1, 2):
        wave(folder / "waveform" / f"prompt_audio_{number}.wav")
    (folder / "text").write_text("uttid_1 今天 下雨。\nuttid_2\t明天放晴。\n", encoding="utf-8")
    (folder / "prompt_text").write_text("uttid_1 你好。\nuttid_2 再见。\nuttid_3 不用。\n", encoding="utf-8")
    (folder / "prompt_wav.scp").write_text(
        "uttid_2 data/zero_shot//zh/waveform/prompt_audio_2.wav\n"
        "uttid_1 data/zero_shot//zh/waveform/prompt_audio_1.wav\n"
    )
    return folder


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_list_of_seed_tts_becomes_texts_and_one_voice_for_each_recording(seed, tmp_path):
    out = tmp_path / "exp" / "seed_zh"
    assert convert(read_test_set(seed, 20), out, "zh", "yue") == (3, 2)
    assert rows(out / "texts.jsonl") == [
        {"text": "今天下雨。", "language": "zh", "voice": "a-1"},
        {"text": "明天放晴。", "language": "zh", "voice": "b-1"},
        {"text": "Where, then?", "language": "zh", "voice": "b-1"},
    ]
    assert rows(out / "recordings.jsonl") == [
        {"name": "a-1", "text": "你好。", "language": "yue", "wav": "../../zh/prompt-wavs/a.wav"},
        {"name": "b-1", "text": "再见。", "language": "yue", "wav": "../../zh/prompt-wavs/b.wav"},
    ]
    assert os.path.samefile(
        read_voices(str(out / "recordings.jsonl"))["b-1"].wav, seed.parent / "prompt-wavs" / "b.wav"
    )


def test_a_folder_of_cv3_eval_is_put_together_by_the_utterances_names(cv3, tmp_path):
    tasks = read_test_set(cv3, 20)
    assert [(task.name, task.text, task.prompt_text, task.wav) for task in tasks] == [
        ("uttid_1", "今天 下雨。", "你好。", cv3 / "waveform" / "prompt_audio_1.wav"),
        ("uttid_2", "明天放晴。", "再见。", cv3 / "waveform" / "prompt_audio_2.wav"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c-1|你好。|今天下雨。", "meta.lst:5: has 3 fields between |, expected utterance|prompt text|prompt wav|text"),
        ("c-1|你好。|prompt-wavs/a.wav|", "meta.lst:5: field 'text': is empty"),
        ("c-1||prompt-wavs/a.wav|今天。", "meta.lst:5: field 'prompt text': is empty"),
        ("a-1|你好。|prompt-wavs/a.wav|今天。", "meta.lst:5: field 'utterance': a-1 is there twice"),
        ("c-1|你好。|prompt-wavs/c.wav|今天。", "meta.lst:5: field 'prompt wav': prompt-wavs/c.wav is no file"),
    ],
)
def test_a_bad_line_of_a_list_is_named_with_file_line_and_field(seed, line, message):
    with seed.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError) as error:
        read_test_set(seed, 20)
    assert message in str(error.value) and str(error.value).startswith("1 bad lines")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("text", "uttid_3 后天。", "text:3: uttid_3 is not in prompt_wav.scp"),
        ("text", "uttid_4 后天。", "text:3: uttid_4 is not in prompt_text and prompt_wav.scp"),
        ("text", "uttid_9", "text:3: field 'uttid_9': has nothing behind it"),
        ("text", "uttid_1 后天。", "text:3: field 'uttid_1': is there twice, first in line 1"),
        ("prompt_wav.scp", "uttid_2 x.wav", "prompt_wav.scp:3: field 'uttid_2': is there twice, first in line 1"),
    ],
)
def test_a_bad_line_of_a_folder_is_named_with_file_and_line(cv3, name, line, message):
    with (cv3 / name).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError) as error:
        read_test_set(cv3, 20)
    assert message in str(error.value)


def test_a_recording_of_cv3_eval_that_is_not_there_is_named_with_its_line(cv3):
    (cv3 / "waveform" / "prompt_audio_2.wav").unlink()
    with pytest.raises(ValueError, match=r"prompt_wav\.scp:1: field 'uttid_2': .*prompt_audio_2\.wav is no file"):
        read_test_set(cv3, 20)


def test_what_is_no_test_set_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"meta\.lst is missing: a list of Seed-TTS \(test_set\.input\)"):
        read_test_set(tmp_path / "meta.lst", 20)
    with pytest.raises(FileNotFoundError, match=r"text is missing: .*prompt_wav\.scp of CV3-Eval"):
        read_test_set(tmp_path, 20)
    (tmp_path / "meta.lst").write_text("\n")
    with pytest.raises(ValueError, match="holds no line"):
        read_test_set(tmp_path / "meta.lst", 20)


@pytest.mark.parametrize("recipe", ["cosyvoice2", "llasa"])
def test_the_command_of_a_recipe_writes_both_files(seed, tmp_path, recipe):
    argv = ["--config-path", str(ROOT / "recipes" / recipe), "--config-name", "data"]
    given = seed if recipe == "llasa" else f'"{seed.parent}/m?ta.lst"'  # as a list of one has it, or a pattern
    argv += [f"test_set.input={given}", f"test_set.output={tmp_path}/out"]
    status, out = command("data_prep.test_sets", argv, tmp_path / "said.txt")
    assert status == 0, out
    assert "3 texts in zh, 2 voices" in out  # by the list's folder, whatever recipe.language is
    assert {row["language"] for row in rows(tmp_path / "out" / "texts.jsonl")} == {"zh"}
    assert len(rows(tmp_path / "out" / "texts.jsonl")) == 3 and len(rows(tmp_path / "out" / "recordings.jsonl")) == 2


def test_a_folder_without_a_language_in_its_name_needs_one():
    with pytest.raises(ValueError, match=r"test_set\.language is null, and .*set does not end in a language"):
        language_of("my_set/meta.lst")


def hub_of(folder: Path, *recordings: bytes | None, **columns: list) -> str:
    """A data set by its name: of each row a recording as the library keeps it, and other columns."""
    folder.mkdir()
    rows = [{"bytes": data, "path": data and f"{place}.flac"} for place, data in enumerate(recordings)]
    Dataset.from_dict({"prompt_audio": rows, **columns}).to_parquet(str(folder / "test.parquet"))
    return f"hub:{folder}@test"


def config(tmp_path: Path, *overrides: str) -> DictConfig:
    return deepcopy(compose_stage("cosyvoice2", "data", (f"recipe.work_dir={tmp_path}", *overrides)))


def test_a_hubs_data_set_with_recordings_becomes_texts_and_voices(tmp_path, capsys):
    """Column names of yuekai/CV3-Eval, which mair-hub's infer_dataset.py reads; its tokens are CosyVoice2's."""
    columns = {"id": ["a", "b", "c"], "target_text": ["今天下雨。", "明天放晴。", "去哪里？"]}
    columns |= {"prompt_text": ["你好。", "你好。", "再见。"], "prompt_audio_cosy2_tokens": [[7, 8], [7, 8], [9]]}
    source = hub_of(tmp_path / "set", b"RIFF1", b"RIFF1", b"RIFF2", **columns)
    own = config(tmp_path, "test_set.hub.columns.tokens=prompt_audio_cosy2_tokens").test_set
    out = tmp_path / "out"
    assert convert(read_test_set(source, 20, own.hub), out, "zh", "zh") == (3, 2)
    assert rows(out / "texts.jsonl")[1] == {"text": "明天放晴。", "language": "zh", "voice": "a"}
    voices = rows(out / "recordings.jsonl")
    assert [(v["name"], v["text"], v["speech_tokens"]) for v in voices] == [
        ("a", "你好。", [7, 8]),
        ("c", "再见。", [9]),
    ]
    files = [(out / voice["wav"]).resolve() for voice in voices]
    assert [file.read_bytes() for file in files] == [b"RIFF1", b"RIFF2"] and {file.suffix for file in files} == {
        ".flac"
    }
    (tmp_path / "set/test.parquet").unlink()  # kept: asked for once
    assert len(read_test_set(source, 20, own.hub)) == 3
    own.hub.columns.text = "said"
    with pytest.raises(
        ValueError, match=r"3 bad lines(?s:.*)'said': is missing or empty; the columns are prompt_audio, id"
    ):
        read_test_set(source, 20, own.hub)
    own.hub.columns.wav = "audio"
    none = hub_of(tmp_path / "none", b"RIFF")
    with pytest.raises(ValueError, match=r"none@test has no column audio; it has prompt_audio"):
        read_test_set(none, 20, own.hub)
    own.hub.columns.wav = "prompt_audio"
    with pytest.raises(ValueError, match=r"row 1: prompt_audio is no recording"):
        read_test_set(hub_of(tmp_path / "empty", b"RIFF", None), 20, own.hub)


def test_a_hubs_data_set_becomes_recordings_for_the_other_stages(tmp_path):
    wave = io.BytesIO()
    soundfile.write(wave, np.zeros(8000), 16000, format="FLAC")
    source = hub_of(tmp_path / "set", wave.getvalue(), wave.getvalue(), said=["今天\n很好", "你好"])
    hub = config(tmp_path, "folder.hub.columns={name: null, text: said, wav: prompt_audio}").folder.hub
    voices, samples = list_recordings.rows(list_recordings.of_hub(source, hub), tmp_path, "zh")
    assert [(voice["name"], voice["text"]) for voice in voices] == [("000001", "今天 很好"), ("000002", "你好")]
    assert {(one["duration"], one["sample_rate"], one["language"]) for one in samples} == {(0.5, 16000, "zh")}
    assert (tmp_path / samples[0]["wav_path"]).read_bytes() == wave.getvalue()
    hub.columns.name = hub.columns.text = "said"
    numbers = hub_of(tmp_path / "numbers", wave.getvalue(), wave.getvalue(), said=[0, 1])
    assert [(one.name, one.words) for one in list_recordings.of_hub(numbers, hub)] == [("0", "0"), ("1", "1")]
    hub.columns.name = "said_by"
    with pytest.raises(BadRows, match=r"2 bad rows(?s:.*)no said_by; columns are prompt_audio, said"):
        list_recordings.of_hub(source, hub)
    hub.columns.update({"name": None, "text": "sad"})  # a column that is not there is no recording without words
    with pytest.raises(BadRows, match="no sad"):
        list_recordings.of_hub(source, hub, wordless=True)
    hub.columns.text = None
    assert {one.words for one in list_recordings.of_hub(source, hub, wordless=True)} == {""}
