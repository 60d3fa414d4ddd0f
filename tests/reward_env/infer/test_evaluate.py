"""The evaluation with the real ear on the teacher's speech."""

import inspect
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import hydra
import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from infer.cache import Cache
from infer.decode import decode
from infer.evaluate import evaluate, files_to_hear, read_all
from infer.hear import Listener, code_of, errors, heard_by, refuse_same_family
from infer.records import Utterance, read_utterances
from models.tiny_mandarin.teacher import SAMPLE_RATE, Teacher, Vocoder
from reward_tts.asr.faster_whisper import WhisperEar, _files_of_packages
from speech.interfaces import Row
from speech.waves import resample
from stages.config import ROOT, compose_stage, recipes
from tests.helpers.small_models import PARAFORMER_SYMBOLS, paraformer


def configuration(*overrides: str) -> DictConfig:
    return compose_stage("tiny_mandarin", "eval", overrides)


@pytest.fixture(scope="module")
def ear() -> WhisperEar:
    options = OmegaConf.to_container(configuration().ear)
    del options["_target_"]
    return WhisperEar(**options)


@pytest.fixture(scope="module")
def teacher_waves() -> dict[str, np.ndarray]:
    """{text: wave at 16 kHz}"""
    teacher, vocoder = Teacher(num_threads=1), Vocoder(num_threads=1)
    texts = ["今天天气很好", "现在是下午三点半", "苹果一共五百零八块钱", "我们明天早上去北京"]
    return {text: resample(vocoder(teacher.mel(text)), SAMPLE_RATE, WhisperEar.sample_rate) for text in texts}


def test_the_ear_understands_the_teacher_and_writes_numbers_as_characters(ear, teacher_waves):
    heard = [t.text for t in ear.transcribe(list(teacher_waves.values()), ["zh"] * len(teacher_waves))]
    rates = [
        errors(text, transcript, "zh")["pinyin_error"] for text, transcript in zip(teacher_waves, heard, strict=True)
    ]
    assert np.mean(rates) < 0.15, heard
    assert not any(character.isascii() and character.isalnum() for character in "".join(heard)), heard


def test_a_transcript_does_not_depend_on_its_neighbours(ear, teacher_waves):
    waves = list(teacher_waves.values())
    together = ear.transcribe(waves, ["zh"] * len(waves))
    backwards = ear.transcribe(waves[::-1], ["zh"] * len(waves))
    assert together == backwards[::-1]
    assert together[:1] == ear.transcribe(waves[:1], ["zh"])


def test_what_is_longer_than_the_short_window_goes_into_the_long_one(ear, teacher_waves):
    pause = np.zeros(11 * ear.sample_rate, np.float32)
    wave = np.concatenate([pause, teacher_waves["今天天气很好"]])  # the words begin behind the window of 10 s
    (transcript,) = ear.transcribe([wave], ["zh"])
    assert errors("今天天气很好", transcript.text, "zh")["pinyin_error"] < 0.5, transcript.text


def test_an_unknown_language_is_refused(ear, teacher_waves):
    with pytest.raises(ValueError, match=r"no token <\|klingon\|>"):
        ear.transcribe(list(teacher_waves.values())[:1], ["klingon"])


def test_a_plain_directory_is_an_ear_too_and_only_chinese_is_kept_to_characters(ear, teacher_waves, tmp_path):
    packages = configuration().ear.source
    for name, content in _files_of_packages(packages).items():
        (tmp_path / name).write_bytes(content)
    options = OmegaConf.to_container(configuration().ear)
    del options["_target_"]
    of_directory = WhisperEar(**{**options, "source": str(tmp_path)})
    waves = list(teacher_waves.values())
    assert of_directory.transcribe(waves, ["zh"] * 4) == ear.transcribe(waves, ["zh"] * 4)
    # Heard as English, which this Mandarin is not, it comes out in Latin letters.
    (english,) = of_directory.transcribe(waves[:1], ["en"])
    assert any(character.isascii() and character.isalpha() for character in english.text)
    with pytest.raises(
        FileNotFoundError, match=r"\['model\.bin', .*missing\. Download Systran/faster-whisper-large-v3"
    ):
        WhisperEar(**{**options, "source": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "target", "family"),
    [
        ("paraformer_zh", "reward_tts.asr.paraformer.ParaformerASR", "paraformer"),
        ("whisper_large_v3", "reward_tts.asr.faster_whisper.WhisperEar", "whisper"),
    ],
)
def test_a_recipe_names_an_ear_of_seed_tts_eval_in_one_word(tmp_path, name, target, family):
    own = f"defaults: [recipe_base, eval_base, ear: {name}, _self_]\nrecipe: {{name: mine}}\n"
    own += "hydra: {searchpath: [pkg://recipes.common]}\n"
    (tmp_path / "eval.yaml").write_text(own)
    with initialize_config_dir(str(tmp_path), version_base=None):
        cfg = compose("eval")
    assert cfg.ear._target_ == target
    ear = hydra.utils.get_class(target)
    assert ear.family == family and set(cfg.ear) - {"_target_"} <= set(inspect.signature(ear).parameters)


def test_paraformer_listens(tmp_path):
    paraformer(tmp_path / "paraformer_zh", "BiCifParaformer")
    cfg = configuration(f"cache.path={tmp_path}/heard.sqlite")
    cfg.ear = {"_target_": "reward_tts.asr.paraformer.ParaformerASR", "model_dir": f"{tmp_path}/paraformer_zh"}
    listener = Listener(cfg)
    listener.token2wav = Hum()
    heard = listener.hear([Utterance(i, 0, "今天", [5] * (20 + i), True, "zh") for i in range(3)])
    assert [one["duration_s"] for one in heard] == [1.0, 1.05, 1.1]
    assert all(set(one["transcript"]) <= set("".join(PARAFORMER_SYMBOLS)) for one in heard)
    assert any(one["transcript"] for one in heard)


class Hum:
    """Speech tokens -> 50 ms of harmonics each."""

    sample_rate, token_rate, codebook_size = 16_000, 20.0, 10

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        times = [np.arange(800 * len(row.tokens)) / 16_000 for row in rows]
        return [sum(0.1 * np.sin(2 * np.pi * 150 * k * t) for k in range(1, 9)).astype(np.float32) for t in times]


def test_an_evaluator_of_the_family_of_the_reward_servers_asr_is_refused():
    message = r"\(reward_tts\.asr\.faster_whisper\.WhisperEar\) is of the reward's own family \(whisper, .*WhisperASR "
    with pytest.raises(ValueError, match=message):  # another class, the same family
        evaluate(configuration("reward_server.asr._target_=reward_tts.asr.whisper.WhisperASR"))
    same = {"_target_": "reward_tts.asr.sensevoice.SenseVoiceASR"}
    with pytest.raises(ValueError, match=r"own family \(sensevoice"):
        refuse_same_family(configuration().reward_server.asr, OmegaConf.create(same))


@pytest.mark.parametrize("recipe", recipes())
def test_each_recipes_ear_is_of_another_family_than_its_reward(recipe):
    cfg = compose_stage(recipe, "eval")
    refuse_same_family(cfg.reward_server.asr, cfg.ear)


def test_bad_lines_are_named_by_file_line_and_field(tmp_path):
    path = tmp_path / "tokens.jsonl"
    path.write_text('{"text": "你好", "tokens": [1, 2]}\n{"text": "你好", "tokens": [1, "2"]}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokens\.jsonl:2: field 'tokens': item 1"):
        read_utterances(str(path), "zh")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jsonl is missing"):
        read_utterances("nowhere.jsonl", "zh")


def test_sft_rows_are_utterances_numbered_by_line(tmp_path):
    path = tmp_path / "sft.jsonl"
    path.write_text('{"text": "一", "speech_tokens": [5]}\n{"text": "二", "speech_tokens": []}\n', encoding="utf-8")
    first, second = read_utterances(str(path), "zh")
    assert (first.index, first.tokens, first.finished, first.language) == (0, [5], None, "zh")
    assert (second.index, second.tokens) == (1, [])


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
    files = {str(path.relative_to(ROOT)) for path in code_of(options)}
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


@pytest.fixture(scope="module")
def evaluated(built_recipe, tmp_path_factory) -> tuple[DictConfig, dict]:
    """Six texts: the teacher's tokens as the better system, the same with every third one replaced as the worse."""
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


def test_two_processes_hear_what_one_hears(built_recipe, tmp_path):
    rows = (built_recipe / "data/test_teacher.jsonl").read_text().splitlines()[:5]
    (tmp_path / "teacher.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = []
    for count in (1, 2):
        out = tmp_path / f"of{count}"
        command = [sys.executable, "-m", "infer.evaluate", "--config-path", str(ROOT / "recipes/tiny_mandarin")]
        command += ["--config-name", "eval", f"files={{t.codec: {tmp_path}/teacher.jsonl}}", f"out_dir={out}"]
        command += [f"recipe.inputs_dir={built_recipe}", f"cache.path={out}.sqlite", f"workers={count}", "listen_to=1"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(((out / "utterances.jsonl").read_text(), (out / "results.json").read_text()))
    assert found[0] == found[1] and found[0][0].count("\n") == 5
