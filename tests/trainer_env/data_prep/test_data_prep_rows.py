"""JSON/JSONL -> checked parquet: texts held out, doubled, unspeakable or too long; what is written and what is not."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from data_prep.jsonl import check_speech_tokens
from data_prep.learned import remarks
from data_prep.prepare import Preparation
from speech.jsonl import BadField
from speech.readings import may_be_said, something_said
from tests.helpers.data_rows import OUTPUTS, rows, write, written
from tests.helpers.fresh_process import found_by


def test_a_held_out_text_is_refused_whatever_the_order_of_the_splits(config):
    config.prepare.splits = {name: config.prepare.splits[name] for name in ("sft", "train", "test")}
    write(config, "sft", '{"text": "测试 ", "speech_tokens": [1]}')
    with pytest.raises(ValueError, match=r"sft.jsonl:1: field 'text': is also in a held-out split"):
        Preparation(config).run()


def test_a_text_that_another_run_holds_out_is_refused(config, tmp_path):
    """The other run's `3号` is `三号`, as the model reads it."""
    config.recipe.text_normalisation = "spoken"
    write(config, "test", '{"text": "测试3号"}')
    Preparation(config).run()
    another = Path(config.prepare.splits.test.output).rename(tmp_path / "other.parquet")
    write(config, "test", '{"text": "测"}')
    write(config, "sft", '{"text": "测试三号", "speech_tokens": [1]}')
    assert Preparation(config).run()["sft"] == 1
    config.prepare.held_out_too = [str(another)]
    with pytest.raises(ValueError, match=r"sft\.jsonl:1: field 'text': is also in a held-out split: 测试三号"):
        Preparation(config).run()
    config.prepare.splits.train.output = str(another)
    with pytest.raises(ValueError, match=r"prepare\.held_out_too\[0\]=.* is read and would be written"):
        Preparation(config).run()


def test_rows_for_sft_that_are_sentences_of_the_test_of_another_run_are_counted(config, tmp_path):
    Preparation(config).run()
    another = Path(config.recipe.rl_test).rename(tmp_path / "other.parquet")  # of 测试
    write(config, "test", '{"text": "测"}')
    write(config, "sft", '{"text": "测试。", "speech_tokens": [1]}', '{"text": "训", "speech_tokens": [1]}')
    Preparation(config).run()
    learned = [config.recipe.sft_train]
    assert list(remarks(learned, config.recipe, None)) == []
    config.recipe.rl_test = str(another)
    (told,) = remarks(learned, config.recipe, None)
    assert told.startswith(f"1 of 2 rows are sentences of recipe.rl_test={another}: of these stage eval")
    config.recipe.rl_test = "nowhere.parquet"
    assert list(remarks(learned, config.recipe, None)) == []


def test_the_same_text_by_another_voice_is_no_duplicate(config):
    config.prepare.extra_fields = ["emotion"]
    config.recipe.prompt_template = "data_prep.prompt_template.zero_shot"
    config.recipe.voices = str(Path(config.recipe.train_texts).parent / "voices.jsonl")
    Path(config.recipe.voices).write_text(
        '{"name": "A", "text": "早。", "speech_tokens": [3]}\n{"name": "B", "text": "晚。"}'
    )
    lines = ['{"text": "好", "voice": "A", "emotion": "happy"}', '{"text": "好", "voice": "B", "speed": 2}']
    write(config, "train", *lines)
    preparation = Preparation(config)
    assert preparation.run()["train"] == 2
    info = [row["extra_info"] for row in rows(config, "train")]
    assert [(i["voice"], i["emotion"]) for i in info] == [("A", "happy"), ("B", None)]
    assert preparation.not_carried == {"speed": 1}
    assert rows(config, "train")[0]["prompt"] == [
        {"role": "user", "content": "早。"},
        {"role": "user", "content": "好"},
        {"role": "assistant", "content": "<|s_3|>"},
    ]


def test_sft_keeps_recordings_of_the_same_words_and_refuses_the_same_recording(config):
    config.prepare.on_error = "skip"
    said = [{"text": "一", "speech_tokens": tokens} for tokens in ([0, 3], [3, 0], [0, 3])]
    held_out = {"text": "测试", "speech_tokens": [1]}
    write(config, "sft", *(json.dumps(row) for row in (*said, held_out)))
    assert Preparation(config).run()["sft"] == 2
    assert [row["messages"][1]["content"] for row in rows(config, "sft")] == ["<|s_0|><|s_3|>", "<|s_3|><|s_0|>"]
    rejects = [json.loads(line) for line in Path(config.prepare.rejects).read_text().splitlines()]
    assert [(r["line"], r["reason"]) for r in rejects] == [
        (3, "is there already, with the same language, voice and speech tokens: 一"),
        (4, "is also in a held-out split: 测试"),
    ]


def test_unknown_values_are_refused_with_the_known_ones(config):
    config.prepare.on_error = "ignore"
    with pytest.raises(ValueError, match=r"prepare.on_error=ignore: known are stop, skip"):
        Preparation(config)


def test_a_byte_order_mark_is_no_part_of_the_first_row(config):
    write(config, "train", b'\xef\xbb\xbf{"text": "A"}')
    Preparation(config).run()
    assert rows(config, "train")[0]["extra_info"]["text"] == "A"


def test_a_text_without_anything_to_speak_is_a_bad_row(config):
    write(config, "train", '{"text": "好"}', '{"text": "……！"}')
    with pytest.raises(ValueError, match=r"train\.jsonl:2: field 'text': has nothing to be spoken: \.{6}!"):
        Preparation(config).run()


@pytest.mark.parametrize("on_error", ["stop", "skip"])
def test_a_prompt_of_more_tokens_than_the_model_reads_is_a_bad_row(config, on_error):
    """<|im_start|>user, a line's end, the text, <|im_end|>, a line's end, <|im_start|>assistant, a line's end,
    <|SPEECH_GENERATION_START|>: 9 tokens and those of the text, one for each character that the tokenizer has, else one
    for each byte."""
    config.recipe.max_prompt_tokens, config.prepare.on_error = 16, on_error
    write(
        config,
        "train",
        '{"text": "训练测试训练测"}',
        '{"text": "训练测试训练测试"}',
        '{"text": "好好好"}',
        '{"text": "好好"}',
    )
    if on_error == "stop":
        told = r"train\.jsonl:2: field 'text': .* 17 tokens, more than recipe\.max_prompt_tokens=16\n.*:3: .* 18 tokens"
        with pytest.raises(ValueError, match=told):
            Preparation(config).run()
        assert written(config) == []
        return
    preparation = Preparation(config)
    assert preparation.run()["train"] == 2 and preparation.fault_count == 2
    assert [row["extra_info"]["text"] for row in rows(config, "train")] == ["训练测试训练测", "好好"]
    rejects = [json.loads(line) for line in Path(config.prepare.rejects).read_text().splitlines()]
    assert [(one["line"], one["field"]) for one in rejects] == [(2, "text"), (3, "text")]


def test_without_the_tokenizer_nothing_can_be_counted(config):
    config.recipe.tokenizer_dir = "nowhere"
    with pytest.raises(FileNotFoundError, match=r"no tokenizer in nowhere \(recipe\.tokenizer_dir\)"):
        Preparation(config).run()


def test_texts_that_differ_in_width_alone_are_the_same_where_taken_as_they_stand(config):
    config.recipe.text_normalisation = "none"
    write(config, "test", '{"text": "３号，"}')
    write(config, "train", '{"text": "3号,"}')
    with pytest.raises(ValueError, match="is also in a held-out split: 3号,"):
        Preparation(config).run()


def test_texts_that_the_model_reads_alike_are_the_same_however_they_are_written(config):
    config.recipe.text_normalisation, config.prepare.on_error = "spoken", "skip"
    write(config, "test", '{"text": "今天是3号"}')
    write(config, "train", *(json.dumps({"text": text}) for text in ("今天是三号", "明天下雨", "下午5点", "下午五点")))
    assert Preparation(config).run()["train"] == 2
    assert [row["extra_info"]["text"] for row in rows(config, "train")] == ["明天下雨", "下午5点"]
    rejects = [json.loads(line) for line in Path(config.prepare.rejects).read_text().splitlines()]
    assert [(one["line"], one["field"], one["reason"]) for one in rejects] == [
        (1, "text", "is also in a held-out split: 今天是三号"),
        (4, "text", "is there already, with the same language and voice: 下午五点"),
    ]


def test_characters_that_the_tokenizer_does_not_know_are_found_in_rows_for_sft_too(config):
    write(config, "sft", '{"text": "测试龘", "speech_tokens": [1]}', '{"text": "训", "speech_tokens": [1]}')
    write(config, "test", '{"text": "测"}')
    preparation = Preparation(config)
    preparation.run()
    assert preparation.unknown == {"sft": ["龘"]}


def test_what_may_be_said_is_what_the_reward_has_something_to_compare_with():
    for text in ("３", "½", "①", "Ａ", "ｶ", "你", "……", "!", "(…)", "🙂", "[breath]", "(ah)"):
        for language in ("zh", "ko", "ja", "fr", "en"):
            assert may_be_said(text, language) == something_said(text, language), (text, language)
    assert may_be_said("(ah)", "en") and not may_be_said("[laughter]🙂", "en")


def test_a_missing_input_is_named(config):
    Path(config.prepare.splits.train.input).unlink()
    with pytest.raises(FileNotFoundError, match=r"train\.jsonl is missing: one JSON object"):
        Preparation(config).run()


def test_a_full_disk_leaves_the_earlier_results_and_nothing_half_written(config):
    Preparation(config).run()
    before = Path(config.recipe.rl_train).read_bytes()
    write(config, "train", *(json.dumps({"text": f"第{number}个"}) for number in range(3000)))
    saved = Path(config.recipe.work_dir) / "data.yaml"
    OmegaConf.save(config, saved, resolve=True)
    code = (
        "import resource; from omegaconf import OmegaConf; from data_prep.prepare import Preparation\n"
        f"config = OmegaConf.load({str(saved)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))  # as a disk that is full after 20 kB\n"
        "Preparation(config).run()"
    )
    with pytest.raises(OSError, match="File too large"):
        found_by(code)
    assert Path(config.recipe.rl_train).read_bytes() == before
    assert written(config) == OUTPUTS


def test_what_cannot_be_seen_is_left_out(config):
    seen = '{"text": "\\u202b早\\u00ad上\\ufeff好\\u2066。"}'
    joined = json.dumps({"text": "می\u200cخواهم", "language": "fa"})  # U+200C is spelling there
    write(config, "train", seen, joined)
    Preparation(config).run()
    assert [row["extra_info"]["text"] for row in rows(config, "train")] == ["早上好。", "می\u200cخواهم"]


def test_a_text_that_the_server_would_refuse_for_its_length_is_refused_here(config):
    config.recipe.max_text_chars, config.prepare.max_text_length = 3, 100
    write(config, "train", '{"text": "一二三"}', '{"text": "一二三四"}')
    with pytest.raises(
        ValueError, match=r"train\.jsonl:2: field 'text': has 4 characters, recipe\.max_text_chars is 3"
    ):
        Preparation(config).run()


@pytest.mark.parametrize("name", ["train.jsonl", "../data/train.jsonl", "link.jsonl"])
def test_an_output_over_an_input_is_refused_before_anything_is_written(config, name):
    folder = Path(config.recipe.data_dir)
    (folder / "link.jsonl").hardlink_to(folder / "train.jsonl")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    config.prepare.rejects = str(folder / name)
    with pytest.raises(
        ValueError, match=r"prepare\.splits\.train\.input=.* is read and would be written as prepare\.rej"
    ):
        Preparation(config).run()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_two_outputs_on_one_path_are_refused(config):
    config.prepare.splits.train.output = config.prepare.splits.test.output
    with pytest.raises(ValueError, match=r"splits\.test\.output=.* and this one would be written as .*train\.output"):
        Preparation(config).run()
    assert written(config) == []


def test_all_outputs_or_none_get_their_names(config):
    """The last of them cannot: a directory has its name by then."""
    Preparation(config).run()
    before = {name: (Path(config.recipe.data_dir) / name).read_bytes() for name in written(config)}
    write(config, "train", '{"text": "别的"}')
    preparation = Preparation(config)
    rejects = Path(config.prepare.rejects)
    closed = preparation._write

    def then_a_directory(name, *arguments):
        count = closed(name, *arguments)
        if name == "sft":
            rejects.unlink()
            rejects.mkdir()
        return count

    preparation._write = then_a_directory
    with pytest.raises(IsADirectoryError):
        preparation.run()
    rejects.rmdir()
    rejects.write_bytes(before["rejects.jsonl"])
    assert {name: (Path(config.recipe.data_dir) / name).read_bytes() for name in written(config)} == before


def test_the_field_of_mair_hubs_rows_is_speech():
    assert check_speech_tokens({"text": "你好", "code": [1, 2]}, 3, 2) == [1, 2]
    with pytest.raises(BadField, match="item 1 is no integer from 0 to 2") as error:
        check_speech_tokens({"text": "你好", "code": [1, 3]}, 3, 2)
    assert error.value.field == "code"
