"""Readings of Cantonese: numbers, times and money as they are said in Hong Kong, Jyutping, and the corpus of pairs."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written
from speech.readings.yue import units
from speech.readings.yue_numbers import cardinal, clock, counted, digits, money, plain

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/yue.jsonl"


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "yue"), lattice(heard, "yue"), False).rate


def jyutping(words: str) -> list[str]:
    return [unit[0] for unit in units(words)]


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 80
    assert [row for row in rows if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_units_are_syllables_with_tones():
    assert jyutping("我食飯 OK") == ["ngo5", "sik6", "faan6", "ok"]
    assert jyutping("我食饭") == ["ngo5", "sik6", "faan6"]


def test_mandarin_pinyin_does_not_judge_cantonese():
    assert error("我食飯。", "我十饭") == pytest.approx(1 / 3)  # shi2 both in Mandarin; sik6, sap6 here


def test_heteronyms_are_read_by_their_words():
    assert jyutping("銀行行長")[:2] == ["ngan4", "hong4"]
    assert error("銀行行長行得好快。", "银行行长行得好快") == 0


def test_whole_numbers():
    assert plain(1205) == "一千二百零五"
    assert cardinal(25) == ("二十五", "廿五")
    assert cardinal(1500) == ("一千五百", "一千五", "千五")
    assert "兩百" in cardinal(200)
    assert "十兩萬" not in cardinal(120_000)
    assert digits("91234567") == "九一二三四五六七"


@pytest.mark.parametrize(
    ("counter", "said"), [("個", ("兩",)), ("號", ("二",)), ("元", ("兩", "二")), ("", ("二",)), ("樓", ("二",))]
)
def test_two_is_said_as_it_is_counted(counter, said):
    assert counted(2, counter) == said


def test_times_and_money():
    assert {"七點十五分", "七點三個字", "七點三"} <= set(clock(7, 15))
    assert {"兩點半", "兩點三十分"} <= set(clock(2, 30))
    assert {"二十蚊", "廿蚊", "二十元"} <= set(money(20, ""))
    assert {"十二個半", "十二點五元"} <= set(money(12, "5"))


@pytest.mark.parametrize(("heard", "right"), [("第二次", True), ("第兩次", False)])
def test_an_ordinal_is_no_count(heard, right):
    assert (error("第2次嚟香港。", f"{heard}嚟香港") == 0) is right


def test_one_is_never_yao():
    assert error("我電話係91234567。", "我電話係九幺二三四五六七") > 0


def test_a_text_of_words_alone_is_written_letter_by_letter():
    text = "佢哋琴日喺屋企食飯，冇去街㗎。"
    assert written(text, "yue") == text


def test_words_in_latin_letters_stay_apart_in_prompts():
    assert written("R&B係一種音樂。", "yue") == "R and B係一種音樂。"


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("我重60kg。", "我重六十公斤。"),
        ("打91234567。", "打九一二三四五六七。"),
        ("坐E21。", "坐E21。"),
        ("第2次", "第二次"),
    ],
)
def test_prompts_have_words_for_what_is_sure(text, prompt):
    assert written(text, "yue") == prompt


@pytest.mark.parametrize("sign", ["%", "€", "℃", "£"])
def test_no_sign_is_left_out(sign):
    assert error(f"價值係50{sign}呀", "價值係五十呀") > 0


@pytest.mark.parametrize("text", ["1" * 4000, "1-" * 2000, "1萬" * 1500, "A1" * 1500, "廿" * 4000])
def test_long_rows_of_one_kind_have_few_readings(text):
    found = spans(text, "yue")
    assert found
    assert max(len(span.said) for span in found) <= 64


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("唔好郁", ["m4", "hou2", "juk1"]),
        ("好抑郁", ["hou2", "jik1", "wat1"]),
        ("行長", ["hong4", "zoeng2"]),
        ("大使館", ["daai6", "si3", "gun2"]),
    ],
)
def test_words_that_libraries_change_or_misread(words, said):
    assert jyutping(words) == said


def test_a_number_behind_ten_thousands_may_be_of_any_length():
    assert written("10萬" + "9" * 40, "yue").startswith("十萬")


@pytest.mark.parametrize(
    ("text", "prompt"),
    [("到2047年就50年", "到二零四七年就五十年"), ("做咗20年前台", "做咗二十年前台"), ("97年出世", "九七年出世")],
)
def test_prompts_tell_years_that_something_lasts_from_those_of_a_date(text, prompt):
    assert written(text, "yue") == prompt
