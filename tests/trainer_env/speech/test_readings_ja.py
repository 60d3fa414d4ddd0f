"""Readings of Japanese: numbers with their counters, words, morae, and the corpus of pairs."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written
from speech.readings.ja import units
from speech.readings.ja_numbers import decimal, digits, read, whole
from speech.readings.ja_values import NUMBER, parse

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/ja.jsonl"


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "ja"), lattice(heard, "ja"), False).rate


def morae(words: str) -> str:
    return "".join(unit[0] for unit in units(words))


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 80
    assert [row for row in rows if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


COUNTED = """
1本 いっぽん, 3本 さんぼん, 6本 ろっぽん, 10本 じゅっぽん, 1000本 せんぼん, 3階 さんがい, 8歳 はっさい, 20歳 はたち,
4時 よじ, 9時 くじ, 4月 しがつ, 1日 ついたち, 14日 じゅうよっか, 20日 はつか, 24日 にじゅうよっか, 2人 ふたり,
14人 じゅうよにん, 3つ みっつ, 10つ とお, 100個 ひゃっこ, 30分 さんじゅっぷん
"""


@pytest.mark.parametrize("counted", COUNTED.replace("\n", " ").strip().split(", "))
def test_counters_change_their_sound(counted):
    written_so, said = counted.split()
    number = written_so.rstrip("本階歳時月日人つ個分")
    assert read(int(number), written_so[len(number) :])[0] == said


def test_both_days_called_first():
    assert read(1, "日") == ("ついたち", "いちにち")


def test_whole_numbers():
    assert whole(3_608) == "さんぜんろっぴゃくはち"
    assert whole(10_000_000) == "いっせんまん"
    assert whole(8 * 10**12) == "はっちょう"


def test_decimals_and_digits():
    assert decimal("2", "5", "倍") == ("にてんごばい",)
    assert decimal("0", "8") == ("ぜろてんはち", "れいてんはち")
    assert digits("090") == ("ぜろきゅうぜろ", "れいきゅうれい", "まるきゅうまる")


@pytest.mark.parametrize(
    ("written_so", "value"),
    [("1億2千万", 120_000_000), ("8万5000", 85_000), ("千九百八十", 1980), ("二十", 20), ("10万", 100_000)],
)
def test_numbers_as_they_are_written(written_so, value):
    assert parse(NUMBER.match(written_so)) == (value, "", "")


def test_digits_in_kanji_are_no_positional_number():
    assert parse(NUMBER.match("一九八十")) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("コーヒー", "こおひい"),
        ("東京", "東1東2京1京2"),
        ("ヴァイオリン", "ばいおりん"),
        ("ウィスキー", "ういすきい"),
        ("を", "お"),
    ],
)
def test_morae(words, said):
    assert morae(words) == said


def test_a_vowel_may_be_written_long_in_two_ways():
    assert error("おおきい", "おうきい") == 0
    assert error("おばさん", "おばあさん") == 0.25


def test_words_in_kanji_are_themselves_whatever_their_reading():
    # Sudachi reads 朝家 as one word where no comma parts them.
    assert error("明日の朝、家を出ます。", "明日の朝家を出ます") == 0


@pytest.mark.parametrize("heard", ["にほんへ行く", "にっぽんへ行く", "日本へゆく"])
def test_words_with_several_readings(heard):
    assert error("日本へ行く", heard) == 0


@pytest.mark.parametrize("text", ["一緒に行く", "六本木", "千葉", "一般", "三日月", "四国", "統一"])
def test_numerals_inside_of_words_are_no_numbers(text):
    assert [span for span in spans(text, "ja") if span.kind not in ("variant", "particle")] == []
    assert error(text, text) == 0


def test_threads_read_at_once():
    texts = [f"今日は{number}時に会議があります" for number in range(1, 13)] * 10
    with ThreadPoolExecutor(8) as threads:
        read_there = list(threads.map(lambda text: spans(text, "ja"), texts))
    assert read_there == [spans(text, "ja") for text in texts]


def test_a_text_of_words_alone_is_written_letter_by_letter():
    text = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
    assert written(text, "ja") == text


def test_numbers_are_written_as_they_are_read():
    assert written("3時30分に会う。", "ja") == "さんじさんじゅっぷんに会う。"


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("時速20km/hで走る", "時速にじゅっキロメートルで走る"),
        ("iPhone 15を買う", "iPhone 15を買う"),
        ("＜重要＞①から", "＜重要＞いちから"),
        ("ジャン＝ポール", "ジャン＝ポール"),
    ],
)
def test_prompts_have_words_for_what_is_sure(text, prompt):
    assert written(text, "ja") == prompt


@pytest.mark.parametrize("sign", ["%", "€", "℃", "$", "¥"])
def test_no_sign_is_left_out(sign):
    assert error(f"値は50{sign}です", "値は五十です") > 0


@pytest.mark.parametrize("text", ["1" * 4000, "1-" * 2000, "十万" * 1500, "A1" * 1500, "一" * 4000, "3分の" * 1500])
def test_long_rows_of_one_kind_have_few_readings(text):
    found = spans(text, "ja")
    assert found[-1].end == len(text) or text.endswith(("-", "の"))
    assert max(len(span.said) for span in found) <= 64


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("んー、どうかな", "んどうかな"),
        ("ドラゴンクエストⅤ", "ドラゴンクエストファイブ"),
        ("9:30AM", "午前九時半"),
        ("10^8", "じゅうのはちじょう"),
        ("月〜金", "げつからきん"),
        ("ごめんm(_ _)m", "ごめん"),
        ("5月病", "ごがつびょう"),
    ],
)
def test_odd_signs_are_read_or_silent(text, heard):
    assert error(text, heard) == 0


@pytest.mark.parametrize(
    ("text", "heard"), [("水を飲む", "すいをのむ"), ("山に行く", "さんに行く"), ("大人二人", "だいにん二人")]
)
def test_a_kanji_alone_has_no_reading_of_compounds(text, heard):
    assert error(text, heard) > 0


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("2000年生まれです", "にせんねん生まれです"),
        ("薬は1日3回飲む", "薬はいちにちさんかい飲む"),
        ("5月1日に出す", "ごがつついたちに出す"),
        ("3年2組の田中", "さんねんにくみの田中"),
        ("2組の夫婦", "ふたくみの夫婦"),
        ("1日8,000歩を目標に", "いちにちはっせんぽを目標に"),
    ],
)
def test_prompts_read_counters_by_what_stands_around(text, prompt):
    assert written(text, "ja") == prompt
