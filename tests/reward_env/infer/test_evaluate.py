"""The evaluation with the real ear on the teacher's speech."""

import inspect

import hydra
import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from infer.evaluate import evaluate, read_all
from infer.hear import Listener, errors, refuse_same_family
from infer.records import Utterance, read_utterances
from models.tiny_mandarin.teacher import SAMPLE_RATE, Teacher, Vocoder
from reward_tts.asr.faster_whisper import WhisperEar, _files_of_packages
from speech.interfaces import Transcript
from speech.waves import resample
from stages.config import compose_stage, recipes
from tests.helpers.evaluation import Hum, configuration
from tests.helpers.small_ears import write_whisper_of
from tests.helpers.small_models import PARAFORMER_SYMBOLS, paraformer


@pytest.fixture(scope="module")
def teacher_waves() -> dict[str, np.ndarray]:
    """{text: wave at 16 kHz}"""
    teacher, vocoder = Teacher(num_threads=1), Vocoder(num_threads=1)
    texts = ["今天天气很好", "现在是下午三点半", "苹果一共五百零八块钱", "我们明天早上去北京"]
    return {text: resample(vocoder(teacher.mel(text)), SAMPLE_RATE, WhisperEar.sample_rate) for text in texts}


@pytest.fixture(scope="module")
def together(ear, teacher_waves) -> list[Transcript]:
    """Of all of them at once."""
    return ear.transcribe(list(teacher_waves.values()), ["zh"] * len(teacher_waves))


def test_the_ear_understands_the_teacher_and_writes_numbers_as_characters(together, teacher_waves):
    heard = [t.text for t in together]
    rates = [
        errors(text, transcript, "zh")["pinyin_error"] for text, transcript in zip(teacher_waves, heard, strict=True)
    ]
    assert np.mean(rates) < 0.15, heard
    assert not any(character.isascii() and character.isalnum() for character in "".join(heard)), heard


def test_a_transcript_does_not_depend_on_its_neighbours(ear, together, teacher_waves):
    waves = list(teacher_waves.values())
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


def test_a_plain_directory_is_an_ear_too_and_only_chinese_is_kept_to_characters(together, teacher_waves, tmp_path):
    packages = configuration().ear.source
    for name, content in _files_of_packages(packages).items():
        (tmp_path / name).write_bytes(content)
    options = OmegaConf.to_container(configuration().ear)
    del options["_target_"]
    of_directory = WhisperEar(**{**options, "source": str(tmp_path)})
    waves = list(teacher_waves.values())
    assert of_directory.transcribe(waves, ["zh"] * 4) == together
    # Heard as English, which this Mandarin is not, it comes out in Latin letters.
    (english,) = of_directory.transcribe(waves[:1], ["en"])
    assert any(character.isascii() and character.isalpha() for character in english.text)
    with pytest.raises(FileNotFoundError, match=r"lacks \['model\.bin', .*: download Systran/faster-whisper-large-v3"):
        WhisperEar(**{**options, "source": str(tmp_path / "none")})


def test_the_ear_for_any_language_writes_english_words_in_chinese_rows(tmp_path):
    """At 504d2c94 none of its tokens with a Latin letter could be written there; the default's texts have none."""
    composed = (configuration("ear=whisper_large_v3").ear, configuration().ear)
    large, small = (OmegaConf.to_container(ear, resolve=True) for ear in composed)
    del large["_target_"]
    large["source"] = str(write_whisper_of("ok", tmp_path))
    wave = [np.zeros(1600, np.float32)]
    for language in ("zh", "en"):
        assert WhisperEar(**large).transcribe(wave, [language])[0].text == "ok"
    (kept,) = WhisperEar(**large | {"suppress": small["suppress"]}).transcribe(wave, ["zh"])
    assert not any(character.isascii() and character.isalnum() for character in kept.text)


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
    cfg = configuration(f"files={{SFT.-: {path}}}", "+ear.languages=[en]")
    with pytest.raises(ValueError, match=r"^there are texts in zh, which the evaluation's ASR \(WhisperEar\) does not"):
        read_all(cfg)
    first, second = read_utterances(str(path), "zh")
    assert (first.index, first.tokens, first.finished, first.language) == (0, [5], None, "zh")
    assert (second.index, second.tokens) == (1, [])
