"""What is to be spoken, as a user names it."""

import json

import pytest
from omegaconf import DictConfig

from data_prep.prompts import PromptMaker
from infer.texts import prompt_ids, read_sentences
from models.tiny_mandarin.tokenizer import build_tokenizer
from speech.faults import UserError
from speech.jsonl import BadRows
from stages.config import compose_stage


def configuration(*overrides: str) -> DictConfig:
    return compose_stage("tiny_mandarin", "infer", overrides)


def texts_of(cfg: DictConfig) -> list[str]:
    return [sentence.request.text for sentence in read_sentences(cfg, PromptMaker(cfg.recipe))]


@pytest.fixture
def own(tmp_path) -> str:
    path = tmp_path / "own.jsonl"
    path.write_text('{"text": "你好"}\n{"text": "早上好"}\n', encoding="utf-8")
    return str(path)


def test_texts_of_a_file_are_spoken_whether_text_is_null_or_not_named(own):
    assert texts_of(configuration(f"texts={own}")) == ["你好", "早上好"]
    assert texts_of(configuration(f"texts={own}", "text='null'")) == ["你好", "早上好"]  # as run.sh hands it on


def test_a_texts_set_and_emotion_go_along_and_are_such(own):
    with open(own, "a", encoding="utf-8") as file:
        file.write('{"text": "晚上好", "set": "hard", "emotion": "Happy"}\n{"text": "再见", "emotion": "unknown"}\n')
        file.write('{"text": "再见", "set": 3, "emotion": ""}\n{"text": "再见", "set": ["a"], "emotion": "joyful"}\n')
    keys = (f"texts={own}", "+recipe.field_values.emotion=[happy,sad]")
    spoken, judged = configuration(*keys), compose_stage("tiny_mandarin", "eval", keys)
    maker = PromptMaker(spoken.recipe)
    found = [one.labels for one in read_sentences(spoken, maker)]  # what no evaluation asks for is no fault
    assert found == [{}, {}, {"set": "hard", "emotion": "happy"}, {}, {"set": "3"}, {}]
    with pytest.raises(BadRows, match="2 bad rows") as error:
        read_sentences(judged, maker)
    assert "5: field 'emotion': is no string" in str(error.value) and "6: field 'set': is no" in str(error.value)
    judged.limit = 4
    assert [one.labels for one in read_sentences(judged, maker)] == found[:4]


def test_what_the_command_says_holds_for_rows_that_do_not_say_it(tmp_path):
    """At b75001f0 a file's rows were spoken without it, and nobody said so."""
    voices = [{"name": name, "text": "早。", "speech_tokens": [1]} for name in ("ana", "bo")]
    (tmp_path / "voices.jsonl").write_text("\n".join(map(json.dumps, voices)))
    rows = '{"text": "早", "voice": "bo"}\n{"text": "hi", "language": "en", "voice": null}\n'
    (tmp_path / "own.jsonl").write_text(rows)
    keys = (f"texts={tmp_path}/own.jsonl", f"recipe.voices={tmp_path}/voices.jsonl", "recipe.languages=null")
    keys += ("recipe.prompt_template=data_prep.prompt_template.zero_shot",)
    cfg = configuration(*keys, "voice=ana", "language=yue")
    found = [one.request for one in read_sentences(cfg, PromptMaker(cfg.recipe))]
    assert [(one.voice, one.language) for one in found] == [("bo", "yue"), ("ana", "en")]
    with pytest.raises(BadRows, match=r"own\.jsonl:1: field 'instruction'.*\n.*own\.jsonl:2: field 'instruction'"):
        texts_of(configuration(*keys, "instruction=softly"))  # this recipe's prompts have no place for it
    with pytest.raises(UserError, match=r"readings=\.\.\. are of one text: in .*own\.jsonl each row"):
        texts_of(configuration(*keys, "readings=[{at: 0, pinyin: zao3}]"))
    (tmp_path / "own.parquet").touch()
    with pytest.raises(UserError, match=r"voice=ana: .*own\.parquet holds prompts, made already"):
        texts_of(configuration(f"texts={tmp_path}/own.parquet", *keys[1:], "voice=ana"))
    with pytest.raises(UserError, match=r"^voice_wav=me\.wav: .*own\.parquet holds prompts"):
        texts_of(configuration(f"texts={tmp_path}/own.parquet", *keys[1:], "voice=given", "voice_wav=me.wav"))


def test_a_text_beside_a_file_of_texts_is_refused(own):
    with pytest.raises(ValueError, match=r"text=你好 and texts=.*: one of them"):
        texts_of(configuration(f"texts={own}", "text='你好'"))


def test_all_bad_rows_are_named_at_once(own):
    with open(own, "a", encoding="utf-8") as file:
        file.write('{"text": ""}\n{"text": 3}\n')
    with pytest.raises(BadRows) as error:
        texts_of(configuration(f"texts={own}"))
    assert [line.split(":")[1] for line in str(error.value).splitlines()[1:]] == ["3", "4"]
    with pytest.raises(BadRows, match=r"^1 bad rows:\n  text=: field 'text': has nothing to be spoken: "):
        texts_of(configuration("text='……'"))


def test_all_prompts_that_are_too_long_are_named_at_once(own, tmp_path):
    build_tokenizer(["你好早上"], 8, tmp_path / "tokenizer")
    cfg = configuration(f"texts={own}", "recipe.max_prompt_tokens=4", f"recipe.tokenizer_dir={tmp_path}/tokenizer")
    maker = PromptMaker(cfg.recipe)
    with pytest.raises(BadRows, match="2 bad rows"):
        prompt_ids(read_sentences(cfg, maker), maker.tokenizer, maker)
