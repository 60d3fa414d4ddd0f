"""Where the waves of spoken sentences go."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from infer import given_voice
from infer.decode import decode, faults, main, out_of, rows_of, write_all
from infer.records import Utterance, read_utterances
from infer.waves import by_number, by_text
from stages.config import compose_stage


def said(*texts: str) -> list[Utterance]:
    return [Utterance(i, 0, text, [1], True, "zh") for i, text in enumerate(texts)]


def test_a_wave_is_named_by_its_text(tmp_path):
    folder = str(tmp_path)
    assert by_text(folder, said("今天三点。", "What's 3/4?", "../x y", "！")) == [
        f"{folder}/今天三点.wav",
        f"{folder}/What_s_3_4.wav",
        f"{folder}/x_y.wav",
        f"{folder}/wave.wav",
    ]


def test_a_long_text_is_cut_to_what_a_file_name_holds(tmp_path):
    (path,) = by_text(str(tmp_path), said("很" * 300))
    assert path == f"{tmp_path}/{'很' * 40}.wav"


def test_no_wave_is_written_over(tmp_path):
    (tmp_path / "早.wav").touch()
    (tmp_path / "早-2.wav").touch()
    assert by_text(str(tmp_path), said("早", "早")) == [f"{tmp_path}/早-3.wav", f"{tmp_path}/早-4.wav"]


def test_waves_of_an_evaluation_have_the_same_names_for_every_model():
    assert by_number("x", [Utterance(3, 1, "早", [1], True, "zh")]) == ["x/3-1.wav"]


class Steps:
    """A codec of ten samples a token, each as high as the token's number."""

    sample_rate, codebook_size = 1000, 8

    def decode(self, rows):
        return [np.repeat(row.tokens.astype(np.float32), 10) for row in rows]


def test_parts_are_decoded_each_by_itself_and_joined():
    long = Utterance(0, 0, "早。晚。", [2, 2, 4, 4, 4], True, "zh", parts=(2, 3))
    short = Utterance(1, 0, "早。", [7], True, "zh")
    whole, beside = decode(Steps(), [long, short], crossfade_s=0.004)
    # 20 and 30 samples, of which 4 are both: a rise from 2 to 4 in four steps, centred.
    assert whole.tolist() == [2.0] * 16 + [2.25, 2.75, 3.25, 3.75] + [4.0] * 26
    assert beside.tolist() == [7.0] * 10
    assert [row.tokens.tolist() for row in rows_of(long)] == [[2, 2], [4, 4, 4]]


class FailsAt(Steps):
    """Until it is mended it fails at the row of this text."""

    def __init__(self, text: str):
        self.text, self.decoded = text, 0

    def decode(self, rows):
        if self.text in [row.text for row in rows]:
            raise RuntimeError("no memory")
        self.decoded += len(rows)
        return super().decode(rows)


def test_a_command_that_was_interrupted_goes_on_with_the_waves_that_are_missing(tmp_path):
    """At b75001f0 none of the first 39 was there, and after a later kill every text got a second wave."""
    texts = ["早"] * 2 + [f"文{number}" for number in range(2, 50)]
    codec, folder = FailsAt("文39"), str(tmp_path / "waves")
    with pytest.raises(RuntimeError, match="no memory"):
        write_all(codec, said(*texts), folder, 0.0, "settings")
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")}
    assert len(first) == 32 and {"早.wav", "早-2.wav", "文31.wav"} <= first.keys()
    codec.text = None
    (tmp_path / "waves/文7.wav").unlink()  # as if it had ended between the manifest's line and the wave
    expected = [f"{folder}/{name}.wav" for name in ("早", "早-2", *texts[2:])]
    assert write_all(codec, said(*texts), folder, 0.0, "settings") == expected
    assert codec.decoded == 32 + 18 + 1 and len(list(tmp_path.rglob("*.wav"))) == 50
    again = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")}
    assert {name for name in first if again[name] != first[name]} == {"文7.wav"}
    (tmp_path / "waves").rename(tmp_path / "moved")  # at 4a1ecbbf all were made again, in the old place
    folder = str(tmp_path / "moved")
    moved = [f"{folder}/{Path(path).name}" for path in expected]
    assert write_all(codec, said(*texts), folder, 0.0, "settings") == moved
    assert codec.decoded == 32 + 18 + 1 and not (tmp_path / "waves").exists()
    lines = (tmp_path / "moved/manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["index"] for line in lines) == list(range(50))
    # Of other settings, and of one text of the command line (None), the waves are others.
    for identity, name in (("others", "文9-2"), (None, "文9-3"), (None, "文9-4")):
        assert write_all(codec, said("文9"), folder, 0.0, identity) == [f"{folder}/{name}.wav"]


def test_a_manifest_says_which_wave_is_of_which_row(tmp_path):
    rows = [
        {"index": 0, "where": "t.jsonl:1", "text": "早。", "voice": "ana", "tokens": [1] * 25, "finished": True},
        {"index": 1, "where": "t.jsonl:2", "text": "早。", "voice": "bo", "tokens": [], "finished": True},
        {"index": 2, "where": "t.jsonl:4", "text": "早。", "voice": "cy", "tokens": [3] * 10, "finished": False},
    ]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_all(Steps(), read_utterances(str(tmp_path / "t.jsonl"), "zh"), str(tmp_path), 0.0, None)
    lines = map(json.loads, (tmp_path / "manifest.jsonl").read_text(encoding="utf-8").splitlines())
    told = {line["where"]: (line["voice"], line["path"], line["seconds"], line["finished"]) for line in lines}
    assert told == {
        "t.jsonl:1": ("ana", f"{tmp_path}/早.wav", 0.25, True),
        "t.jsonl:2": ("bo", None, 0.0, True),
        "t.jsonl:4": ("cy", f"{tmp_path}/早-2.wav", 0.1, False),
    }


def test_speech_that_is_cut_off_or_missing_is_told(tmp_path, capsys):
    """At b75001f0 a text that was cut off was a plain wave, and out=a.wav stayed the one of before, with status 0."""

    def spoken(rows: list[dict], *told: str) -> str:
        cfg = compose_stage("tiny_mandarin", "infer", (f"tokens_dir={tmp_path}", f"waves_dir={tmp_path}/w", *told))
        cfg.token2wav = {"_target_": f"{__name__}.Steps"}
        (tmp_path / "GRPO.speech.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        main.__wrapped__(cfg)
        return capsys.readouterr().out

    silent = {"text": "晚。", "tokens": [], "finished": True, "where": "t.jsonl:2"}
    rows = [{"text": "早。", "tokens": [1], "finished": False, "where": "t.jsonl:1"}, silent]
    out = spoken([*rows, {"text": "好。", "tokens": [2], "finished": True, "stray": "嗯"}], f"texts={tmp_path}/t.jsonl")
    assert out.splitlines() == [
        "GRPO, speech: no wave, nothing was said: t.jsonl:2 晚。",
        "GRPO, speech: cut off before the model ended: t.jsonl:1 早。",
        "GRPO, speech: something beside speech tokens, which nobody hears: text 2 好。",
        f"{tmp_path}/w/GRPO.speech/早.wav",
        f"{tmp_path}/w/GRPO.speech/好.wav",
    ]
    eleven = [replace(one, finished=False) for one in said(*"一二三四五六七八九十早")]
    what = "cut off before the model ended"
    assert [*faults(eleven)][9:] == [f"{what}: text 9 十", f"{what}: 11 of 11 in all"]
    (tmp_path / "a.wav").write_text("of before")
    with pytest.raises(SystemExit, match=r"out=.*a\.wav was not written: the model said nothing"):
        spoken([silent], f"out={tmp_path}/a.wav")
    assert (tmp_path / "w/last.txt").read_text() == ""


def test_out_is_one_wave_of_one_text():
    def out(*told: str) -> str | None:
        return out_of(compose_stage("tiny_mandarin", "infer", told))

    assert (out(), out("out=a/b.wav")) == (None, "a/b.wav")
    with pytest.raises(ValueError, match=r"out=a\.mp3: waves are written as \.wav"):
        out("out=a.mp3")
    with pytest.raises(ValueError, match=r"out=a\.wav is one wave"):
        out("out=a.wav", "texts=x.jsonl")
    with pytest.raises(SystemExit, match=r"out=a\.mp3"):  # the stage's first command, before the model speaks
        given_voice.main.__wrapped__(compose_stage("tiny_mandarin", "infer", ("out=a.mp3",)))


def test_parts_that_are_not_all_tokens_are_refused(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"text": "早", "tokens": [1, 2], "parts": [1, 2]}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"t\.jsonl:1: field 'parts': are 3 tokens in all, the row has 2"):
        read_utterances(str(tmp_path / "t.jsonl"), "zh")
