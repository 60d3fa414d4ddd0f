"""The token ear learns to read made-up tokens, and an interrupted training ends as a whole one."""

import json
import random
from pathlib import Path
from unicodedata import normalize

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file

from data_prep.prompts import Request
from infer.choose import Chooser
from infer.texts import Sentence
from reward_tts.ctc import ctc_loss
from reward_tts.reward.errors import error
from reward_tts.token_ear import SETTINGS, WEIGHTS, TokenEar, first_reading, spelling_of
from sft.token_ear import read, train
from speech.jsonl import BadRows

CHARACTERS = "今天明早三四五六"  # each is three tokens of its own


def spoken(text: str) -> list[int]:
    return [3 * CHARACTERS.index(char) + part for char in text for part in range(3)]


def write_rows(path: Path, count: int, seed: int) -> str:
    rng = random.Random(seed)
    texts = ["".join(rng.choices(CHARACTERS, k=rng.randint(3, 6))) for _ in range(count)]
    rows = ({"text": text, "language": "zh", "speech_tokens": spoken(text)} for text in texts)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def config(folder: Path, name: str, **changes) -> DictConfig:
    own = {
        "texts": [write_rows(folder / "texts.jsonl", 60, 0)],
        "more": [write_rows(folder / "more.jsonl", 20, 1)],
        "label": "text",
        "most_rows": None,
        "more_held_out": 5,
        "held_out": write_rows(folder / "held_out.jsonl", 20, 2),
        "features": None,
        "network": {"width": 32, "kernels": [3, 3], "frames_per_token": 1},
        "steps": 12,
        "batch_size": 8,
        "learning_rate": 0.01,
        "blur": {"near": 0.0, "other": 0.1},
        "bfloat16": False,
        "seed": 0,
        "checkpoints": str(folder / f"{name}_checkpoints"),
        "save_every": 5,
        "log_every": 6,
    }
    recipe = {"language": "zh", "codebook_size": 24, "token_ear_dir": str(folder / name)}
    return OmegaConf.create({"token_ear": own | changes, "recipe": recipe})


class Interrupted(Exception):
    pass


def interrupt_at(step: int, patch: pytest.MonkeyPatch) -> None:
    from sft.token_ear import Training

    real = Training.step

    def stepped(self) -> None:
        if self.done == step:
            raise Interrupted
        real(self)

    patch.setattr(Training, "step", stepped)


@pytest.mark.parametrize("cut", [3, 5, 11])
def test_an_interrupted_training_ends_with_the_weights_of_a_whole_one(tmp_path, cut, capsys):
    train(config(tmp_path, "whole"))
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(cut, patch)
        with pytest.raises(Interrupted):
            train(config(tmp_path, "cut"))
    assert not (tmp_path / "cut").exists()
    train(config(tmp_path, "cut"))
    assert f"from step {cut // 5 * 5}" in capsys.readouterr().out
    whole, resumed = (load_file(tmp_path / name / WEIGHTS) for name in ("whole", "cut"))
    assert whole.keys() == resumed.keys()
    for name, tensor in whole.items():
        torch.testing.assert_close(resumed[name], tensor, rtol=0, atol=0, msg=name)
    assert not (tmp_path / "cut_checkpoints").exists()


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(6, patch)
        with pytest.raises(Interrupted):
            train(config(tmp_path, "ear"))
    with pytest.raises(ValueError, match=r"is of another \['learning_rate'\]"):
        train(config(tmp_path, "ear", learning_rate=0.02))


def test_held_out_rows_that_no_ear_reads_are_told_before_the_training(tmp_path):
    english = tmp_path / "english.jsonl"
    english.write_text(json.dumps({"text": "hello", "language": "en", "speech_tokens": [1]}) + "\n")
    with pytest.raises(ValueError, match=r"english\.jsonl: no row of a language .* in syllables is held out"):
        train(config(tmp_path, "ear", held_out=str(english)))
    assert not (tmp_path / "ear_checkpoints").exists()


def test_a_token_outside_the_codebook_is_told_with_its_line(tmp_path):
    with open(write_rows(tmp_path / "rows.jsonl", 2, 0), "a") as file:
        file.write(json.dumps({"text": "今天", "speech_tokens": [3, 24]}) + "\n")
    with pytest.raises(BadRows, match=r"rows\.jsonl:3: .*24 is no token of this codebook, which ends at 23"):
        read(str(tmp_path / "rows.jsonl"), "zh", "text", 24)


def test_a_row_with_more_units_than_frames_is_named_and_harms_no_weight(tmp_path, capsys):
    """Six characters on two tokens; of five on five, two are alike and need a frame between them. Four fit."""
    texts = (("今天明早三四", 2), ("今今三四五", 5), ("今天明早", 4))
    rows = [{"text": text, "language": "zh", "speech_tokens": [1] * count} for text, count in texts]
    cfg = config(tmp_path, "ear")
    with open(cfg.token_ear.texts[0], "a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    ear = train(cfg)
    assert all(weight.isfinite().all() for weight in ear.network.state_dict().values())
    told = capsys.readouterr().out
    assert "texts.jsonl:61: field 'text': 6 units do not fit into 2 tokens of 1 frames" in told
    assert "texts.jsonl:62: field 'text': 5 units do not fit into 5 tokens of 1 frames" in told
    assert "texts.jsonl: 2 of 63 rows are left out" in told and "[token_ear] 76 rows" in told  # 61 and 15 of `more`


@pytest.fixture(scope="module")
def ear_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(config(folder, "ear", steps=150))
    return folder / "ear"


def test_the_trained_ear_reads_what_it_never_saw_and_writes_it(ear_dir):
    ear = TokenEar.load(ear_dir)
    texts = ["今天三四五", "明天六四", "五五天", "早三早"]
    reads = ear.transcribe([spoken(text) for text in texts])
    assert [read.units for read in reads] == [first_reading(text, "zh") for text in texts]
    for text, one in zip(texts, reads, strict=True):
        transcript, places = ear.write(one.units, one.places)
        assert error(text, transcript, "zh", "pinyin") == 0.0
        assert len(places) == len(transcript)
        assert all(abs(place - (3 * i + 1)) <= 2 for i, place in enumerate(places))
    assert ear.transcribe([[]])[0].units == []


def test_in_bfloat16_it_reads_the_same(ear_dir):
    ears = {dtype: TokenEar.load(ear_dir, dtype=dtype) for dtype in ("float32", "bfloat16", "auto")}
    rows = [spoken(text) for text in ("今天三四五", "明天六四", "五五天", "早三早")]
    plain, short = ears["float32"].transcribe(rows), ears["bfloat16"].transcribe(rows)
    assert [(read.units, read.places) for read in short] == [(read.units, read.places) for read in plain]
    for one, other in zip(plain, short, strict=True):
        assert one.confidence != other.confidence and abs(one.confidence - other.confidence) < 0.01
    assert ears["auto"].transcribe(rows) in (plain, short)


def test_batches_of_any_size_come_in_few_shapes_and_are_read_as_alone(ear_dir):
    """oneDNN keeps what it plans for each shape. Rows: 1 to 4, 6, 8; tokens of 1 to 6 characters: 16 or 32."""
    ear, seen, rng = TokenEar.load(ear_dir), set(), random.Random(0)
    ear.network.register_forward_pre_hook(lambda _, given: seen.add(tuple(given[0].shape)))
    for _ in range(100):
        rows = [spoken("".join(rng.choices(CHARACTERS, k=rng.randint(1, 6)))) for _ in range(rng.randint(1, 8))]
        assert [read.units for read in ear.transcribe(rows)] == [ear.transcribe([row])[0].units for row in rows]
    assert seen == {(rows, tokens) for rows in (1, 2, 3, 4, 6, 8) for tokens in (16, 32)}


def test_the_chooser_takes_the_sample_that_says_the_text(ear_dir, capsys):
    cfg = OmegaConf.create({"recipe": {"token_ear_dir": str(ear_dir)}})
    sentences = [Sentence(Request(text, "zh", None), [], "") for text in ("今天三四", "明早五")]
    samples = [[spoken("今天三五"), spoken("今天三四"), spoken("明天三四")], [[], spoken("明早"), spoken("明早五")]]
    done = [[True] * len(several) for several in samples]
    assert Chooser(cfg).best(sentences, samples, done) == [(1, "likelihood"), (2, "likelihood")]
    assert capsys.readouterr().out == ""
    # 七 is unknown; six characters do not fit into four tokens; of English it knows no unit.
    unknown = [("今天三七", ["明早五", "今天三四"]), ("今天三四五六", ["明", "今"]), ("good morning", ["今", "明天"])]
    sentences = [Sentence(Request(text, "en" if text.isascii() else "zh", None), [], "") for text, _ in unknown]
    samples = [[spoken(said) for said in several] for _, several in unknown]
    best = Chooser(cfg).best(sentences, samples, [[True, True]] * 3)
    assert best == [(1, "edit_distance"), (1, "edit_distance"), (0, "first")]
    cut = Chooser(cfg).best(sentences, samples, [[True, False], [False, True], [False, True]])
    assert cut == [(0, "edit_distance"), (1, "edit_distance"), (1, "first")]
    assert "2 of 3 texts have units that the token ear does not know" in capsys.readouterr().out
    cfg.recipe.token_ear_dir = str(ear_dir / "none")
    with pytest.raises(FileNotFoundError, match=r"bash run\.sh token_ear trains it"):
        Chooser(cfg)


def test_a_sample_that_ended_by_itself_comes_before_a_likelier_one_that_was_cut_off(ear_dir, monkeypatch):
    """At ee8aa784 it was the first. The third, which says nothing, cannot have been the text."""
    chooser = Chooser(OmegaConf.create({"recipe": {"token_ear_dir": str(ear_dir)}}))
    monkeypatch.setattr(chooser._ear, "nll", lambda rows, texts: [0.10, 0.11, float("inf")])
    sentence, samples = Sentence(Request("今天", "zh", None), [], ""), [[spoken("今天"), spoken("今天"), []]]
    assert chooser.best([sentence], samples, [[False, True, True]]) == [(1, "likelihood")]
    assert chooser.best([sentence], samples, [[False, False, True]]) == [(0, "likelihood")]


def test_an_ear_learns_one_of_the_languages_whose_syllables_have_the_same_names(tmp_path, capsys):
    """三 is san1 in Mandarin, 身 in Cantonese. At ee8aa784 they were one unit, and Cantonese that was read right was
    written as 三, saam1."""
    assert (first_reading("三", "zh"), first_reading("身", "yue")) == (["san1"], ["san1"])
    cfg = config(tmp_path, "ear", steps=2)
    with open(cfg.token_ear.texts[0], "a") as file:
        for text, language in (("身", "yue"), ("안녕", "ko"), ("ที่นี่", "th")):
            file.write(json.dumps({"text": text, "language": language, "speech_tokens": [1] * 9}) + "\n")
    train(cfg)
    assert "1 rows in yue are left out: its syllables have the names of others in zh" in capsys.readouterr().out
    ear = TokenEar.load(cfg.recipe.token_ear_dir)
    assert ear.languages == {"zh", "ko", "th"} and ear.spelling["san1"] == "三"
    assert (ear.spelling["안"], ear.spelling["ที่"]) == ("안", "ที่")  # by their own language
    assert ear.knows(["san1"], "zh") and not ear.knows(["san1"], "yue") and ear.knows(["안"], "ko")
    file = Path(cfg.recipe.token_ear_dir, SETTINGS)
    told = json.loads(file.read_text())
    del told["languages"]  # as an ear of before has it
    file.write_text(json.dumps(told))
    assert TokenEar.load(cfg.recipe.token_ear_dir).knows(["san1"], "yue")


def test_a_row_without_tokens_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "今天", "speech_tokens": [1]}\n{"text": "今天"}\n', encoding="utf-8")
    with pytest.raises(BadRows, match=r"rows\.jsonl:2: field 'speech_tokens': a list of speech tokens is expected"):
        read(str(path), "zh")


def test_rollouts_with_what_was_heard_of_them_are_rows_too(tmp_path):
    """As stage score writes them: tokens as a list or as text. What is silent or in words is left out."""
    path = tmp_path / "rollouts.scored.jsonl"
    rows = [
        {"text": "今天", "transcript": "明天", "tokens": [3, 4], "score": 0.4},
        {"text": "今天", "transcript": "", "tokens": [5]},
        {"gts": "今天", "transcript": "今天", "output": "<|s_6|><|s_7|>", "language": "zh"},
        {"text": "hello", "transcript": "hello", "tokens": [1], "language": "en"},
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    found = read(str(path), "zh", "transcript")
    assert [(row.tokens, row.units) for row in found] == [([3, 4], ["ming2", "tian1"]), ([6, 7], ["jin1", "tian1"])]
    with pytest.raises(ValueError, match="no row to learn from"):
        train(config(tmp_path, "ear", texts=[], more=[], held_out=None))


def test_a_unit_is_written_as_the_character_that_is_read_so_alone():
    """了 is le or liao3: what is read otherwise when it is alone stands for the unit all the same."""
    rows = [("好了", ["hao3", "liao3"]), ("好", ["hao3"]), ("号好", ["hao4", "hao4"]), ("号", ["hao4"])]
    assert spelling_of(rows, "zh") == {"hao3": "好", "liao3": "了", "hao4": "号"}
    marked = [("你好。", ["ni3", "hao3"]), ("「你」,好 ！", ["ni3", "hao3"])]  # as data.sft_texts are; at ac8cb640: {}
    assert spelling_of(marked, "zh") == {"ni3": "你", "hao3": "好"}
    assert spelling_of([("안녕 하세요.", ["안", "녕", "하", "세", "요"])], "ko")["하"] == "하"
    apart = normalize("NFD", "안녕")  # five letters, as some keyboards type them
    assert spelling_of([(apart, first_reading(apart, "ko"))], "ko") == {"안": "안", "녕": "녕"}
    with pytest.raises(ValueError, match=r"cannot write \['si4'\]"):
        TokenEar.write(type("Ear", (), {"spelling": {"hao3": "好"}})(), ["si4"])


@pytest.mark.parametrize(
    ("language", "texts", "asked", "read", "rate"),
    [
        ("zh", ("银行", "行走", "行走", "形"), "银行", ["yin2", "xing2"], 1 / 2),  # at ee8aa784 银行, and 0
        ("zh", ("银行", "行走", "行走", "形"), "行走", ["xing2", "zou3"], 0.0),
        ("zh", ("三号", "3号", "3号"), "三号", ["san1", "hao4"], 0.0),
        ("yue", ("校長", "長城", "長城", "祥"), "校長", ["haau6", "coeng4"], 1 / 2),  # zoeng2
    ],
)
def test_a_misread_character_of_several_readings_is_heard(language, texts, asked, read, rate):
    spelling = spelling_of([(text, first_reading(text, language)) for text in texts], language)
    written, _ = TokenEar.write(type("Ear", (), {"spelling": spelling})(), read)
    assert not any(map(str.isdigit, written))
    assert error(asked, written, language, "text") == rate


def test_what_is_written_for_a_unit_has_its_vowel_signs_and_tone_marks():
    """Thai's were lost: ท stood for ที่. U+0E33 of น้ำ is a ring above น and a letter."""
    thai = ["ที่", "นี่", "น\u0e49\u0e4d", "า"]
    assert first_reading("ที่นี่น้ำ", "th") == thai
    spelling = spelling_of([("ที่นี่น้ำ", thai)], "th")
    assert spelling == {unit: unit for unit in thai}
    written, _ = TokenEar.write(type("Ear", (), {"spelling": spelling})(), thai)
    assert first_reading(written, "th") == thai
    hindi = ["हिंदी", "की", "किताब"]  # words, one of which has two spellings
    assert first_reading("हिन्दी की किताब", "hi") == hindi
    assert spelling_of([("हिन्दी की किताब", hindi)], "hi") == dict(zip(hindi, ("हिन्दी", "की", "किताब"), strict=True))


def test_ctc_by_hand():
    """Two frames: blank 0.5, a 0.4, b 0.1. "a": 0.16 + 0.2 + 0.2; "a a" needs three frames."""
    logits = torch.tensor([0.5, 0.4, 0.1]).log().expand(2, 2, 3)
    found = ctc_loss(logits, torch.tensor([2, 2]), [[1], [1, 1]])
    assert found.exp().reciprocal().tolist() == pytest.approx([0.56, 0.0])
