"""Published test sets -> texts and recordings: the lists of Seed-TTS, the folders of CV3-Eval, and their bad lines."""

import json
import os
from pathlib import Path

import pytest

from data_prep.test_sets import convert, language_of, read_test_set
from speech.voices import read_voices
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
    assert convert(read_test_set(seed, 20), out, "zh") == (3, 2)
    assert rows(out / "texts.jsonl") == [
        {"text": "今天下雨。", "language": "zh", "voice": "a-1"},
        {"text": "明天放晴。", "language": "zh", "voice": "b-1"},
        {"text": "Where, then?", "language": "zh", "voice": "b-1"},
    ]
    assert rows(out / "recordings.jsonl") == [
        {"name": "a-1", "text": "你好。", "wav": "../../zh/prompt-wavs/a.wav"},
        {"name": "b-1", "text": "再见。", "wav": "../../zh/prompt-wavs/b.wav"},
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
    argv += [f"test_set.input={seed}", f"test_set.output={tmp_path}/out"]
    status, out = command("data_prep.test_sets", argv, tmp_path / "said.txt")
    assert status == 0, out
    assert "3 texts in zh, 2 voices" in out  # by the list's folder, whatever recipe.language is
    assert {row["language"] for row in rows(tmp_path / "out" / "texts.jsonl")} == {"zh"}
    assert len(rows(tmp_path / "out" / "texts.jsonl")) == 3 and len(rows(tmp_path / "out" / "recordings.jsonl")) == 2


def test_a_folder_without_a_language_in_its_name_needs_one():
    with pytest.raises(ValueError, match=r"test_set\.language is null, and .*set does not end in a language"):
        language_of("my_set/meta.lst")
