"""Filters, voices, speech prefixes, ways of writing and pushing: what a recipe may ask of its rows."""

import json
import sys
from copy import deepcopy
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from omegaconf import DictConfig, OmegaConf, open_dict
from verl.utils.dataset.rl_dataset import RLHFDataset

from data_prep.options import draw_prefix
from data_prep.prepare import Preparation, push
from models.tiny_mandarin.tokenizer import build_tokenizer
from stages.config import compose_stage

VOICES = [{"name": "ana", "text": "早上。", "speech_tokens": [1, 2]}, {"name": "bo", "text": "晚上。"}]


@pytest.fixture(scope="module")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer with 100 speech tokens."""
    folder = tmp_path_factory.mktemp("tokenizer") / "built"
    build_tokenizer(["一二三四五六七八九早上晚上测试"], 100, folder)
    return str(folder)


@pytest.fixture
def config(tmp_path: Path, tokenizer_dir: str) -> DictConfig:
    """data.yaml with one held-out row, no SFT split, zero-shot prompts, two voices, 10 speech tokens a second."""
    config = deepcopy(compose_stage("tiny_mandarin", "data"))
    config.recipe.work_dir, config.recipe.codebook_size = str(tmp_path), 100
    config.recipe.tokenizer_dir = tokenizer_dir
    config.recipe.prompt_template = "data_prep.prompt_template.zero_shot"
    config.recipe.languages = None
    config.recipe.voices = str(tmp_path / "voices.jsonl")
    config.prepare.token_rate = 10
    with open_dict(config):
        del config.prepare.splits["sft"], config.prepare.splits["sft_val"]
    Path(config.recipe.voices).write_text("\n".join(json.dumps(voice) for voice in VOICES), encoding="utf-8")
    Path(config.recipe.data_dir).mkdir()
    write(config, "test", {"text": "测试", "speech_tokens": list(range(20))})
    return config


def write(config: DictConfig, split: str, *rows: dict) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    Path(config.prepare.splits[split].input).write_text(lines, encoding="utf-8")


def prepared(config: DictConfig, split: str = "train") -> list[dict]:
    Preparation(config).run()
    return pq.read_table(config.prepare.splits[split].output).to_pylist()


def texts(rows: list[dict]) -> list[str]:
    return [row["extra_info"]["text"] for row in rows]


def test_filters_leave_out_and_count_and_are_no_bad_rows(config, capsys):
    config.prepare.filters = {"languages": ["zh"], "min_seconds": 1, "max_seconds": 3, "latin_letters": "drop"}
    write(
        config,
        "train",
        {"text": "一", "duration": 2},
        {"text": "二", "duration": 2, "language": "yue"},
        {"text": "三", "duration": 0.5},
        {"text": "四", "duration": 3.5},
        {"text": "五", "code": [0] * 30},
        {"text": "六", "speech_tokens": [0] * 31},
        {"text": "OK七", "duration": 2},
    )
    preparation = Preparation(config)
    preparation.run()
    assert texts(pq.read_table(config.recipe.rl_train).to_pylist()) == ["一", "五"]
    reasons = {"language yue": 1, "shorter than 1 s": 1, "longer than 3 s": 2, "latin letters": 1}
    assert dict(preparation.filtered) == reasons and preparation.fault_count == 0
    assert "train: 2 rows, 5 filtered, 0 bad" in capsys.readouterr().out


@pytest.mark.parametrize("row", [{"text": "一"}, {"text": "一", "duration": -1}, {"text": "一", "duration": True}])
def test_a_row_of_unknown_length_is_bad_where_a_filter_asks_for_it(config, row):
    config.prepare.filters.max_seconds = 3
    write(config, "train", row)
    with pytest.raises(ValueError, match=r"train\.jsonl:1: field 'duration': is"):
        Preparation(config).run()
    config.prepare.filters.max_seconds = None
    assert texts(prepared(config)) == ["一"]


def test_a_speech_prefix_opens_the_assistants_turn_and_is_told_to_the_reward(config):
    config.prepare.use_speech_prefix = True
    config.prepare.speech_prefix = {"min_seconds": 0.5, "max_seconds": 1.0}
    tokens = list(range(50))
    write(config, "train", *({"text": c, "voice": "ana", "speech_tokens": tokens} for c in "一二三四五六七八"))
    rows = prepared(config)
    prefixes = [row["extra_info"]["speech_prefix"] for row in rows]
    assert all(prefix == tokens[: len(prefix)] and 5 <= len(prefix) <= 10 for prefix in prefixes)
    assert len({len(prefix) for prefix in prefixes}) > 1
    for row, prefix in zip(rows, prefixes, strict=True):
        spoken = "".join(f"<|s_{n}|>" for n in [1, 2, *prefix])  # the voice's tokens, then the row's own
        assert row["prompt"][-1] == {"role": "assistant", "content": spoken}
        # One column more is another parquet, and a training that was begun with the first another run.
        assert list(row["extra_info"]) == ["index", "split", "text", "language", "voice", "speech_prefix"]
    assert prepared(config) == rows  # the same in every run
    write(config, "train", *({"text": c, "voice": "ana", "speech_tokens": tokens} for c in "八七六五四三二一"))
    assert [row["extra_info"]["speech_prefix"] for row in prepared(config)] == prefixes[::-1]  # wherever it stands
    config.recipe.seed = 1
    assert [row["extra_info"]["speech_prefix"] for row in prepared(config)] != prefixes[::-1]


def test_speech_too_short_for_a_prefix_has_none_and_is_counted(config):
    config.prepare.use_speech_prefix = True
    write(config, "train", {"text": "一", "speech_tokens": [3] * 10}, {"text": "二", "speech_tokens": [3] * 11})
    preparation = Preparation(config)
    preparation.run()
    found = [row["extra_info"]["speech_prefix"] for row in pq.read_table(config.recipe.rl_train).to_pylist()]
    assert found == [[], [3] * 10]  # at least a second, and at least one token for the model
    assert preparation.without_prefix == 1
    assert draw_prefix([1, 2], ["一"], 0.01, 9.0, rate=10, seed=0) == [1]


def test_a_row_without_speech_tokens_cannot_have_a_prefix(config):
    config.prepare.use_speech_prefix = True
    write(config, "train", {"text": "一"})
    with pytest.raises(ValueError, match="field 'speech_tokens': is missing"):
        Preparation(config).run()


def test_verl_reads_prefixes_and_hands_them_on_with_a_prompt_that_ends_open(config):
    config.prepare.use_speech_prefix = True
    write(config, "train", {"text": "一", "speech_tokens": [7] * 11}, {"text": "二", "speech_tokens": [3] * 10})
    Preparation(config).run()
    data = compose_stage("tiny_mandarin", "grpo").data
    data = OmegaConf.create(OmegaConf.to_container(data, resolve=True) | {"train_files": None, "val_files": None})
    data.seed = 0
    dataset = RLHFDataset(config.recipe.rl_train, None, data)  # it filters nothing, so it needs no tokenizer
    rows = [dataset[i] for i in range(2)]
    assert [list(row["extra_info"]["speech_prefix"]) for row in rows] == [[7] * 10, []]
    assert rows[0]["raw_prompt"][-1]["role"] == "assistant" and rows[1]["raw_prompt"][-1]["role"] == "user"


def test_one_voice_for_each_text_drawn_by_seed_and_text_unless_the_row_names_one(config):
    config.recipe.voice_choice = "one_per_text"
    write(config, "train", *({"text": c} for c in "一二三四五六七八"), {"text": "九", "voice": "bo"})
    voices = {row["extra_info"]["text"]: row["extra_info"]["voice"] for row in prepared(config)}
    assert set(voices.values()) == {"ana", "bo"} and voices["九"] == "bo"
    write(config, "train", *({"text": c} for c in "八七六五四三二一"))
    again = {row["extra_info"]["text"]: row["extra_info"]["voice"] for row in prepared(config)}
    assert all(voices[text] == voice for text, voice in again.items())
    assert prepared(config)[0]["prompt"][0]["content"] in ("早上。", "晚上。")


def test_a_row_without_a_voice_is_bad_where_the_recipe_needs_one(config):
    config.recipe.needs_voice = True
    write(config, "test", {"text": "测试", "voice": "ana"})
    write(config, "train", {"text": "一", "voice": "bo"}, {"text": "二"})
    told = r"train\.jsonl:2: field 'voice': is missing: tiny_mandarin speaks only with a given voice\. Name one of "
    with pytest.raises(ValueError, match=told + r"\['ana', 'bo'\], or let recipe\.voice_choice=one_per_text draw one"):
        Preparation(config).run()
    config.recipe.voice_choice = "one_per_text"
    assert {row["extra_info"]["voice"] for row in prepared(config)} <= {"ana", "bo"}


def test_sft_learns_speech_with_its_rows_voice_or_none_and_never_a_drawn_one(config):
    config.recipe.needs_voice, config.recipe.voice_choice = True, "one_per_text"
    config.prepare.splits.train.kind = "sft"
    write(config, "train", *({"text": c, "speech_tokens": [7]} for c in "一二三"))
    with open(config.prepare.splits.train.input, "a", encoding="utf-8") as file:
        file.write('{"text": "四", "voice": "ana", "speech_tokens": [7]}')
    rows = prepared(config)
    assert [row["extra_info"]["voice"] for row in rows] == [None, None, None, "ana"]
    asked = [[turn["content"] for turn in row["messages"] if turn["role"] == "user"] for row in rows]
    assert asked == [["一"], ["二"], ["三"], ["早上。", "四"]]


@pytest.mark.parametrize(
    ("how", "written"), [("none", "３号 12:30 見"), ("nfkc", "3号 12:30 見"), ("spoken", "三号 十二点三十分 見")]
)
def test_texts_are_written_as_the_recipe_says(config, how, written):
    config.recipe.text_normalisation = how
    write(config, "train", {"text": " ３号  12:30 見 "})
    (row,) = prepared(config)
    assert row["prompt"] == [{"role": "user", "content": written}]
    given = written if how != "spoken" else "３号 12:30 見"  # what the reward compares with has all readings
    assert row["reward_model"]["ground_truth"] == row["extra_info"]["text"] == given


@pytest.mark.parametrize(
    ("language", "text", "written"),
    [
        ("en", 'At 12:30 she said "no".', 'At twelve thirty she said "no".'),
        ("ja", "今日は3月4日です。", "今日はさんがつよっかです。"),
        ("fr", "Il a 3 ans", "Il a trois ans"),
        ("es", "Tengo 25 años.", "Tengo veinticinco años."),
        ("zh", '他说"3号"', '他说"三号"'),
        ("en", "The Sun rises. No. He left.", "The Sun rises. No. He left."),
        ("de", "Rund 50 % der Leute", "Rund fünfzig Prozent der Leute"),
    ],
)
def test_numbers_and_signs_are_written_as_they_are_read_and_no_word_changes(config, language, text, written):
    config.recipe.text_normalisation = "spoken"
    write(config, "train", {"text": text, "language": language})
    (row,) = prepared(config)
    assert row["prompt"] == [{"role": "user", "content": written}]
    assert row["reward_model"]["ground_truth"] == text


def test_rows_with_something_whose_reading_is_not_sure_are_counted(config):
    config.recipe.text_normalisation = "spoken"
    write(config, "train", {"text": "见11/5日的报"}, {"text": "他有2个"})
    preparation = Preparation(config)
    preparation.run()
    assert preparation.prompts.unsure == 1


def test_a_voices_words_are_written_as_texts_are(config):
    write(config, "train", {"text": "三，", "voice": "cy"})
    with open(config.recipe.voices, "a", encoding="utf-8") as file:
        file.write('\n{"name": "cy", "text": " ３点，", "speech_tokens": [3]}')
    for how, said in (("none", [" ３点，", "三，"]), ("nfkc", ["3点,", "三,"]), ("spoken", ["三点，", "三，"])):
        config.recipe.text_normalisation = how
        assert [turn["content"] for turn in prepared(config)[0]["prompt"][:2]] == said


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("recipe.text_normalisation", "nfc", "known are none, nfkc, spoken"),
        ("recipe.voice_choice", "random", "known are as_named, one_per_text"),
        ("prepare.filters.latin_letters", "no", "known are keep, drop, only"),
        ("prepare.token_rate", None, r"use_speech_prefix needs prepare\.token_rate"),
        ("prepare.speech_prefix.min_seconds", 9.0, "got 9.0 and 5.0"),
    ],
)
def test_options_that_are_none_or_lack_something_are_refused(config, key, value, message):
    config.prepare.use_speech_prefix = True
    OmegaConf.update(config, key, value)
    with pytest.raises(ValueError, match=message):
        Preparation(config)


def test_voices_to_draw_from_must_be_there(config):
    config.recipe.voice_choice, config.recipe.voices = "one_per_text", None
    with pytest.raises(ValueError, match=r"draws from recipe\.voices=None: no voice"):
        Preparation(config)


def test_outputs_are_pushed_whole_to_a_folder_and_a_failed_push_is_an_error(config, tmp_path, monkeypatch):
    write(config, "train", {"text": "一"})
    Preparation(config).run()
    push([config.recipe.rl_train, config.recipe.rl_test], str(tmp_path / "there"))
    for path in (config.recipe.rl_train, config.recipe.rl_test):
        assert (tmp_path / "there" / Path(path).name).read_bytes() == Path(path).read_bytes()
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))  # no program hdfs there
    with pytest.raises(RuntimeError, match=r"was not copied to hdfs://nowhere/data/rl_train\.parquet"):
        push([config.recipe.rl_train], "hdfs://nowhere/data")


@pytest.mark.parametrize("language", ["ZH", "zh-CN", "Chinese", "korean"])
def test_a_language_that_is_no_code_is_a_bad_row(config, language):
    write(config, "train", {"text": "一", "language": language})
    with pytest.raises(ValueError, match=rf"train\.jsonl:1: field 'language': is '{language}', expected a code"):
        Preparation(config).run()


def test_a_language_that_the_ears_do_not_know_is_a_bad_row(config):
    """In training the reward server would refuse its first rollout, and again after every restart."""
    config.recipe.languages = ["zh", "en"]
    write(config, "train", {"text": "一", "language": "zh"}, {"text": "eins", "language": "de"})
    with pytest.raises(ValueError, match=r"train\.jsonl:2: field 'language': is 'de', recipe\.languages are zh, en"):
        Preparation(config).run()
    config.recipe.languages = None
    write(config, "train", {"text": "eins", "language": "de"}, {"text": "一", "language": "xx"})
    with pytest.raises(ValueError, match=r"train\.jsonl:2: field 'language': is 'xx', which no ASR here knows"):
        Preparation(config).run()


def test_values_of_a_field_that_a_recipe_lists(config):
    """As VoxBox's metadata have them, whose rows say UNKNOWN."""
    config.prepare.extra_fields, config.prepare.field_values = ["emotion"], {"emotion": ["happy", "sad"]}
    write(config, "train", {"text": "一", "emotion": "UNKNOWN"}, {"text": "二", "emotion": "Happy"}, {"text": "三"})
    assert [row["extra_info"]["emotion"] for row in prepared(config)] == [None, "happy", None]
    write(config, "train", {"text": "一", "emotion": "joyful"})
    with pytest.raises(ValueError, match="field 'emotion': is 'joyful', known are happy, sad"):
        Preparation(config).run()


def test_a_split_without_rows_is_named_with_its_file(config):
    write(config, "train")
    with pytest.raises(ValueError, match=r"no good row in train \(.*train\.jsonl\)\nThe rows that were there"):
        Preparation(config).run()
