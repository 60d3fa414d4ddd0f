"""JSON/JSONL -> checked parquet."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from omegaconf import DictConfig, OmegaConf

from data_prep.prepare import Preparation
from models.tiny_mandarin.tokenizer import build_tokenizer
from speech.readings import may_be_said, something_said
from stages.config import ROOT, compose_stage

GOOD_SFT = '{"text": "一", "speech_tokens": [0, 3]}'


@pytest.fixture(scope="module")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer of four Chinese characters, 10 speech tokens, and bytes."""
    folder = tmp_path_factory.mktemp("tokenizer") / "built"
    build_tokenizer(["测试训练"], 10, folder)
    return str(folder)


@pytest.fixture
def config(tmp_path: Path, tokenizer_dir: str) -> DictConfig:
    """data.yaml with its files in tmp_path, 4 speech tokens, and one good row in each input."""
    config = deepcopy(compose_stage("tiny_mandarin", "data"))
    config.recipe.work_dir, config.recipe.codebook_size = str(tmp_path), 4
    config.recipe.tokenizer_dir, config.recipe.languages = tokenizer_dir, None
    write(config, "test", '{"text": "测试"}')
    write(config, "train", '{"text": "训练"}')
    write(config, "sft", GOOD_SFT)
    return config


def write(config: DictConfig, split: str, *lines: str | bytes) -> Path:
    """Makes `lines` the input of a split."""
    path = Path(config.prepare.splits[split].input)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(line.encode() + b"\n" if isinstance(line, str) else line + b"\n" for line in lines))
    return path


def rows(config: DictConfig, split: str) -> list[dict]:
    return pq.read_table(config.prepare.splits[split].output).to_pylist()


def written(config: DictConfig) -> list[str]:
    """Names of everything beside the inputs."""
    return sorted(p.name for p in Path(config.recipe.data_dir).iterdir() if p.name not in INPUTS)


INPUTS = ("test.jsonl", "train.jsonl", "sft.jsonl")
OUTPUTS = ["rejects.jsonl", "rl_test.parquet", "rl_train.parquet", "sft_train.parquet"]


def test_a_row_for_reinforcement_learning_is_literally_this(config):
    write(config, "train", '{"text": " 今天　是３号， 好 ", "language": "zh"}', '{"text": "second", "language": "en"}')
    assert Preparation(config).run() == {"test": 1, "train": 2, "sft": 1}
    assert rows(config, "train")[0] == {
        "data_source": "tiny_mandarin",
        "prompt": [{"role": "user", "content": "今天 是3号, 好"}],
        "ability": "text-to-speech",
        "reward_model": {"style": "rule", "ground_truth": "今天 是3号, 好"},
        "extra_info": {"index": 0, "split": "train", "text": "今天 是3号, 好", "language": "zh", "voice": None},
    }
    assert [(r["extra_info"]["index"], r["extra_info"]["language"]) for r in rows(config, "train")] == [
        (0, "zh"),
        (1, "en"),
    ]


def test_a_row_for_sft_is_literally_this(config):
    Preparation(config).run()
    assert rows(config, "sft") == [
        {
            "data_source": "tiny_mandarin",
            "messages": [{"role": "user", "content": "一"}, {"role": "assistant", "content": "<|s_0|><|s_3|>"}],
            "extra_info": {"index": 0, "split": "sft", "text": "一", "language": "zh", "voice": None},
        }
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"text": "二"', "train.jsonl:2: is no JSON: Expecting ',' delimiter"),
        ('["二"]', "train.jsonl:2: is no JSON object but list"),
        (b'{"text": "\xff"}', "train.jsonl:2: is no UTF-8: invalid start byte at byte 10"),
        ("[" * 100000, "train.jsonl:2: is nested more than 64 deep"),
        ('{"txt": "二"}', "train.jsonl:2: field 'text': is missing; the row has ['txt']"),
        ('{"text": 2}', "train.jsonl:2: field 'text': is no string but int"),
        ('{"text": " \\u3000\\n"}', "train.jsonl:2: field 'text': is empty"),
        (json.dumps({"text": "二" * 101}), "train.jsonl:2: field 'text': has 101 characters"),
        ('{"text": "\\ud800"}', "train.jsonl:2: field 'text': holds half of a surrogate pair, U+D800"),
        ('{"text": "a\\u0000"}', "train.jsonl:2: field 'text': holds U+0000, a control character"),
        ('{"text": "＜｜im_end｜＞"}', "train.jsonl:2: field 'text': holds <|im_end|>"),
        ('{"text": " 训练"}', "train.jsonl:2: field 'text': is there already"),
        ('{"text": "测试"}', "train.jsonl:2: field 'text': is also in a held-out split: 测试"),
        ('{"text": "测试。"}', "train.jsonl:2: field 'text': is also in a held-out split: 测试。"),
        ('{"text": "测\\u200b试"}', "train.jsonl:2: field 'text': is also in a held-out split: 测试"),
        (
            '{"text": "测\ufffd"}',
            "train.jsonl:2: field 'text': holds U+FFFD, which stands for characters that were lost",
        ),
        ('{"text": "\ue000"}', "train.jsonl:2: field 'text': holds U+E000, which means nothing outside one font"),
        ('{"text": "二", "text": "三"}', "train.jsonl:2: field 'text': is there twice"),
        (
            '{"text": "二", "age": 99999999999999999999}',
            "train.jsonl:2: field 'age': is an integer of more than 64 bits",
        ),
        ('{"text": "二", "language": 7}', "train.jsonl:2: field 'language': is no string"),
        ('{"text": "二", "voice": "Anna"}', "train.jsonl:2: field 'voice': there is no voice 'Anna'"),
    ],
)
def test_a_bad_row_stops_the_run_with_file_line_and_field(config, line, complaint):
    write(config, "train", '{"text": "训练"}', line)
    with pytest.raises(ValueError, match="1 bad rows; nothing was written") as stopped:
        Preparation(config).run()
    assert complaint in str(stopped.value)
    assert written(config) == []


@pytest.mark.parametrize(
    ("tokens", "complaint"),
    [
        (None, "is missing, empty or no list"),
        ([], "is missing, empty or no list"),
        ([1, "2"], "item 1 is no integer from 0 to 3: '2'"),
        ([1, 2.0], "item 1 is no integer"),
        ([True], "item 0 is no integer"),
        ([3, 4], "item 1 is no integer from 0 to 3: '4'"),
        ([-1], "item 0 is no integer"),
        ([1] * 401, "has 401 tokens, more than prepare.max_speech_tokens=400"),
    ],
)
def test_bad_speech_tokens_stop_the_run(config, tokens, complaint):
    write(config, "sft", GOOD_SFT, json.dumps({"text": "二", "speech_tokens": tokens}))
    with pytest.raises(ValueError, match="bad rows") as stopped:
        Preparation(config).run()
    assert "sft.jsonl:2: field 'speech_tokens': " + complaint in str(stopped.value)
    assert written(config) == []


def test_the_list_of_bad_rows_is_capped_and_says_how_many_more(config):
    config.prepare.shown_faults = 2
    write(config, "train", *["nonsense"] * 5)
    with pytest.raises(ValueError) as stopped:
        Preparation(config).run()
    shown = [line for line in str(stopped.value).splitlines() if "train.jsonl:" in line]
    assert len(shown) == 2
    assert "and 3 more" in str(stopped.value)


def test_skip_leaves_bad_rows_out_counts_them_and_writes_them_to_the_reject_file(config):
    config.prepare.on_error = "skip"
    write(config, "train", '{"text": "好"}', "nonsense", "", '{"text": "测试"}', '{"text": "坏"}')
    preparation = Preparation(config)
    assert preparation.run()["train"] == 2
    assert preparation.fault_count == 2
    assert [row["extra_info"]["text"] for row in rows(config, "train")] == ["好", "坏"]
    rejects = [json.loads(line) for line in Path(config.prepare.rejects).read_text().splitlines()]
    assert [(r["line"], r["field"], r["row"]) for r in rejects] == [
        (2, None, "nonsense"),
        (4, "text", '{"text": "测试"}'),
    ]
    assert written(config) == OUTPUTS


def test_skip_does_not_write_a_split_without_rows(config):
    config.prepare.on_error = "skip"
    write(config, "sft", "nonsense")
    with pytest.raises(ValueError, match="no good row in sft"):
        Preparation(config).run()
    assert written(config) == []


def test_a_held_out_text_is_refused_whatever_the_order_of_the_splits(config):
    config.prepare.splits = {name: config.prepare.splits[name] for name in ("sft", "train", "test")}
    write(config, "sft", '{"text": "测试 ", "speech_tokens": [1]}')
    with pytest.raises(ValueError, match=r"sft.jsonl:1: field 'text': is also in a held-out split"):
        Preparation(config).run()


def test_the_same_text_by_another_voice_is_no_duplicate(config):
    config.prepare.extra_fields = ["emotion"]
    config.recipe.prompt_template = "data_prep.prompt_template.zero_shot"
    config.recipe.voices = str(Path(config.recipe.train_texts).parent / "voices.jsonl")
    Path(config.recipe.voices).write_text(
        '{"name": "A", "text": "早。", "speech_tokens": [7]}\n{"name": "B", "text": "晚。"}'
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
        {"role": "assistant", "content": "<|s_7|>"},
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
        "import resource, sys; from omegaconf import OmegaConf; from data_prep.prepare import Preparation\n"
        "config = OmegaConf.load(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))  # as a disk that is full after 20 kB\n"
        "Preparation(config).run()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(saved)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "OSError" in done.stderr
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
