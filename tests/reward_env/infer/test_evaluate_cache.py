"""The evaluation: what was heard before, given files, the results of two systems, several processes."""

import errno
import fcntl
import json
import os
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig, OmegaConf

from infer.cache import Cache, code_of
from infer.decode import decode
from infer.evaluate import evaluate, files_to_hear, read_all
from infer.hear import Listener, heard_by
from infer.records import Utterance, read_utterances
from speech.interfaces import Row, Transcript
from stages.config import ROOT, compose_stage
from tests.helpers.evaluation import Hum, configuration


def test_the_cache_forgets_when_the_codec_a_voice_or_its_recording_changes(tmp_path):
    model, voices, wave = tmp_path / "model/weights", tmp_path / "voices.jsonl", tmp_path / "voice.wav"
    model.parent.mkdir()
    model.write_bytes(b"1")
    voices.write_text('{"name": "a", "text": "你好", "wav": "voice.wav"}\n', encoding="utf-8")
    wave.write_bytes(b"1")

    def now(*more: str) -> Cache:
        own = [f"recipe.token2wav_dir={model.parent}", f"++reward_server.token2wav.voices={voices}", *more]
        return Cache(str(tmp_path / "heard"), heard_by(configuration(*own)))

    def heard_here(*more: str) -> str | None:
        """What is in the cache, as it is now; afterwards there is something."""
        found = now(*more).get([1, 2])
        now(*more).store([([1, 2], "你")])
        return found

    assert [heard_here(), heard_here(), now().get([1, 3])] == [None, "你", None]
    assert [heard_here("ear.margin_seconds=0.6"), heard_here()] == [None, "你"]
    for path, content in ((model, b"2"), (wave, b"2"), (voices, voices.read_bytes() + b"\n")):
        path.write_bytes(content)
        assert [heard_here(), heard_here()] == [None, "你"], path


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_the_cache_works_on_a_file_system_without_locks(tmp_path, monkeypatch, capsys, number: int):
    """There SQLite waited ten minutes and said "database is locked", or "disk I/O error": as here, where it is."""

    def refused(*_):
        raise OSError(number, os.strerror(number))

    path, connect = tmp_path / "a ? folder/heard.sqlite", sqlite3.connect
    Cache(str(path), "x").store([("a", 1)])
    assert capsys.readouterr().out == ""
    other = connect(path)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite3, "connect", lambda where, **more: connect(where, **more | {"timeout": 0}))
    monkeypatch.setattr(fcntl, "lockf", refused)
    cache = Cache(str(path), "x")
    cache.store([("b", 2)])
    assert (cache.get("a"), cache.get("b")) == (1, 2)
    assert f"heard.sqlite cannot be locked ({os.strerror(number)}): let no other process" in capsys.readouterr().out


def test_the_cache_forgets_when_a_package_of_the_ear_has_another_version(tmp_path, monkeypatch):
    (tmp_path / "ear_part1-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    cfg, found = configuration("ear.source=[ear_part1]"), []
    for number in ("1.0", "1.0", "1.1"):
        (tmp_path / "ear_part1-1.0.dist-info/METADATA").write_text(f"Name: ear-part1\nVersion: {number}\n")
        found.append(heard_by(cfg))
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("recipe", "sees", "not_these"),
    [
        ("tiny_mandarin", "models/tiny_mandarin/vocoder.py", "models/glm_tts/token2wav.py"),
        ("cosyvoice2", "speech/waves.py", "reward_tts/asr/mms.py"),
        ("inworld_tts", "models/xcodec2/package.py", "models/cosyvoice/release.py"),
    ],
)
def test_the_cache_looks_at_the_code_that_makes_waves_and_hears_them(recipe, sees, not_these):
    cfg = compose_stage(recipe, "eval")
    options = {part: OmegaConf.to_container(cfg[part], resolve=False) for part in ("token2wav", "ear", "scorers")}
    options["token2wav"]["_target_"] = cfg.reward_server.token2wav._target_
    files = {str(path.relative_to(ROOT)) for path in code_of("infer.hear", options)}
    assert {"infer/hear.py", "infer/decode.py", sees} <= files
    assert not_these not in files


def test_given_files_replace_the_configured_ones():
    assert files_to_hear(configuration("files={before.sampled: a.jsonl, after.sampled: b.jsonl}")) == {
        ("before", "sampled"): "a.jsonl",
        ("after", "sampled"): "b.jsonl",
    }
    assert [*files_to_hear(configuration())] == [
        ("teacher", "codec"),
        ("SFT", "sampled"),
        ("SFT", "greedy"),
        ("GRPO", "sampled"),
        ("GRPO", "greedy"),
    ]


def test_a_teacher_of_other_texts_is_no_ceiling(tmp_path, capsys):
    for name, text in (("teacher", "你好，3号"), ("SFT.x", "你好，三号！"), ("GRPO.x", "你好，三号！")):
        row = {"text": text, "tokens": [1]}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    systems = [
        f"teacher={tmp_path}/teacher.jsonl",
        f"tokens_dir={tmp_path}",
        "~decodings",
        "+decodings={x: {samples: 1}}",
    ]
    assert [*read_all(configuration(*systems))] == [("teacher", "codec"), ("SFT", "x"), ("GRPO", "x")]
    (tmp_path / "teacher.jsonl").write_text('{"text": "早", "tokens": [1]}\n')
    assert [*read_all(configuration(*systems))] == [("SFT", "x"), ("GRPO", "x")]
    assert "teacher.jsonl (teacher) speaks other texts" in capsys.readouterr().out


class Voices(Hum):
    """Louder for a longer text, as a token2wav that chooses the voice of rows without one by their texts."""

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        return [wave * (1 + len(row.text)) for wave, row in zip(super().decode(rows), rows, strict=True)]


def test_the_same_tokens_of_another_text_are_decoded_and_heard_anew(ear, tmp_path):
    two = [Utterance(0, 0, "好", [5] * 20, True, "zh"), Utterance(1, 0, "你好", [5] * 20, True, "zh")]
    one, other = decode(Voices(), two)
    assert np.allclose(one / 2, other / 3)
    cfg = configuration(f"cache.path={tmp_path}/heard.sqlite")
    listener = Listener(cfg)
    listener.token2wav, listener.ear = Voices(), ear
    heard = []
    for utterances in (two[:1], two, two):
        listener.hear(utterances)
        heard += sqlite3.connect(tmp_path / "heard.sqlite").execute("SELECT count(*) FROM heard").fetchone()
    assert heard == [1, 2, 2]


class Counter:
    """An ASR that writes how many samples it was given."""

    sample_rate = Hum.sample_rate

    def transcribe(self, waves: list[np.ndarray], languages: list[str]) -> list[Transcript]:
        return [Transcript(str(len(wave)), []) for wave in waves]


def test_a_text_of_several_parts_is_heard_as_stage_infer_wrote_it(tmp_path):
    """At b75001f0 it was decoded as one, and what was heard of the parts was taken for what is heard of the whole."""
    cfg = configuration(f"cache.path={tmp_path}/heard.sqlite", "recipe.parts.crossfade_s=0.01", "hear_at_once=1")
    listener = Listener(cfg)
    listener.token2wav, listener.ear = Hum(), Counter()
    tokens = [5] * 20
    three, one = (Utterance(0, 0, "你好", tokens, True, "zh", parts=parts) for parts in ((8, 8, 4), ()))
    joined, whole = listener.hear([three]) + listener.hear([one])
    assert (whole["transcript"], whole["duration_s"]) == ("16000", 1.0)  # 50 ms a token
    assert (joined["transcript"], joined["duration_s"]) == ("15680", 0.98)  # two times 10 ms are of two parts
    assert [len(wave) for wave in listener.speak([three, one])] == [15680, 16000]


@pytest.fixture(scope="module")
def evaluated(built_recipe, tmp_path_factory) -> tuple[DictConfig, dict]:
    """Six texts: the teacher's tokens as the better system, the same with every third one replaced as the worse, which
    says nothing of the first. Of an earlier evaluation there is a wave of that."""
    folder = tmp_path_factory.mktemp("evaluation")
    lines = (built_recipe / "data" / "test_teacher.jsonl").read_text(encoding="utf-8").splitlines()[:6]
    good = [{"text": row["text"], "tokens": row["speech_tokens"]} for row in map(json.loads, lines)]
    bad = [{**row, "tokens": [7 if i % 3 == 0 else t for i, t in enumerate(row["tokens"])]} for row in good]
    bad[0]["tokens"] = []  # said nothing at all
    for name, rows in (("good", good), ("bad", bad)):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    cfg = configuration(
        f"files={{before.x: {folder}/bad.jsonl, after.x: {folder}/good.jsonl}}",
        f"recipe.token2wav_dir={built_recipe}/token2wav",
        f"out_dir={folder}/out",
        f"cache.path={folder}/heard.sqlite",
        "listen_to=2",
        "bootstrap.resamples=200",
    )
    (folder / "out/waves/before.x").mkdir(parents=True)
    (folder / "out/waves/before.x/0-0.wav").touch()
    return cfg, evaluate(cfg)


def test_the_better_system_is_heard_as_better(evaluated):
    _, results = evaluated
    before, after = (s["pinyin_error"]["value"] for s in results["systems"])
    assert after < before
    assert results["comparisons"]["x"]["pinyin_error"]["absolute"]["value"] == pytest.approx(after - before)


def test_everything_is_written_and_nothing_half_written_left(evaluated):
    cfg, results = evaluated
    out = Path(cfg.out_dir)
    assert json.loads((out / "results.json").read_text()) == json.loads(json.dumps(results))
    assert len((out / "utterances.jsonl").read_text().splitlines()) == 12
    assert (out / "results.png").read_bytes()[1:4] == b"PNG"
    assert "| before | x | 6 |" in (out / "results.md").read_text()
    waves = {str(path.relative_to(out)) for path in out.rglob("*.wav")}
    assert waves == {"waves/before.x/1-0.wav", "waves/after.x/0-0.wav", "waves/after.x/1-0.wav"}
    assert not [path for path in out.rglob("*") if path.suffix in (".tmp", ".partial")]


def test_who_says_nothing_is_wrong_by_definition(evaluated):
    cfg, _ = evaluated
    first = json.loads((Path(cfg.out_dir) / "utterances.jsonl").read_text().splitlines()[0])
    assert (first["transcript"], first["pinyin_error"], first["duration_s"]) == ("", 1.0, 0.0)


def test_what_was_heard_before_needs_no_model(evaluated):
    cfg, _ = evaluated
    listener = Listener(cfg)
    heard = listener.hear(read_utterances(next(iter(cfg.files.values())), "zh"))
    assert len(heard) == 6
    assert not {"token2wav", "ear"} & vars(listener).keys()  # neither was made


def test_two_processes_hear_what_one_hears(built_recipe, tmp_path, monkeypatch):
    rows = (built_recipe / "data/test_teacher.jsonl").read_text().splitlines()[:5]
    (tmp_path / "teacher.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")

    def told(count: int) -> list[str]:
        where = [f"recipe.inputs_dir={built_recipe}", f"out_dir={tmp_path}/of{count}", f"workers={count}"]
        own = [f"files={{t.codec: {tmp_path}/teacher.jsonl}}", f"cache.path={tmp_path}/of{count}.sqlite"]
        return [*where, *own, "listen_to=1"]

    evaluate(configuration(*told(1)))
    own = ["--config-path", str(ROOT / "recipes/tiny_mandarin"), "--config-name", "eval"]
    monkeypatch.setattr(sys, "argv", ["infer.evaluate", *own, *told(2)])  # with which it starts the two
    evaluate(configuration(*told(2)))
    found = []
    for out in (tmp_path / "of1", tmp_path / "of2"):
        found.append(((out / "utterances.jsonl").read_text(), (out / "results.json").read_text()))
    assert found[0] == found[1] and found[0][0].count("\n") == 5
