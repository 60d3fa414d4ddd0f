"""The core of the readings: what is not spoken, lattices, the least edits between them, what a prompt writes."""

import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from speech.readings import Comparison, Span, clean, lattice, may_be_said, something_said, writing, written
from speech.readings.edits import _by_table, align, rightly
from speech.readings.lattice import Lattice, Part, joined, same
from speech.readings.units import words_of
from stages.config import ROOT


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("今天[breath]很好[laughter]。", "今天 很好 。"),
        ("要<strong>耐心</strong>", "要 耐心 "),
        ("<|endofprompt|>Hi", " Hi"),
        ("我爱你❤️", "我爱你 "),
        ("👍🏻 OK", "   OK"),  # the hand and its colour
        ("a\u200bb\ufeff", "ab"),
        ("e\u0301té", "été"),
        ("ＡＢ１２，％", "AB12,%"),
        ("1，2，3和500，300，200", "1、2、3和500、300、200"),  # lists
        ("1，280元和350，000人，1，234，567人", "1,280元和350,000人,1,234,567人"),  # thousands
        ("ｶﾞ", "ガ"),
        ("각", "각"),
        ("½ m² 10⁻³ Na⁺ ① ℃ Ⅱ", "½ m² 10⁻³ Na⁺ ① ℃ Ⅱ"),  # what would be read otherwise stays
        ("[sic] a<b", "[sic] a<b"),
    ],
)
def test_what_is_not_spoken_is_taken_out(raw: str, text: str):
    cleaned = clean(raw)
    assert cleaned.text == text
    assert len(cleaned.origin) == len(text) + 1
    assert list(cleaned.origin) == sorted(cleaned.origin) and cleaned.origin[-1] == len(raw)


@pytest.mark.parametrize("text", ["👍❤️", "[laughter]", "<strong></strong>", "……", "1️⃣"])
def test_a_text_of_tags_emoji_and_marks_alone_says_nothing(text: str):
    assert not may_be_said(text, "zh") and not something_said(text, "zh")


@pytest.mark.parametrize("text", ["%", "½", "①", "C", "好"])
def test_a_sign_that_is_read_is_something_to_say(text: str):
    assert may_be_said(text, "zh") and something_said(text, "zh")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "十的负三次方, Ca二加, Cl减"),
        ("yue", "十嘅負三次方, Ca二加, Cl減"),
        ("ja", "じゅうのマイナスさんじょう, Caにプラス, Clマイナス"),
        ("ko", "십 의 마이너스 삼승, Ca이 플러스, Cl마이너스"),
        ("en", "ten to the power of minus three, Ca two plus, Cl minus"),
        ("de", "zehn hoch minus drei, Ca zwei plus, Cl minus"),
        ("fr", "dix puissance moins trois, Ca deux plus, Cl moins"),
    ],
)
def test_a_raised_minus_is_said_and_so_is_the_charge_of_an_ion(language: str, said: str):
    assert written("10⁻³, Ca²⁺, Cl⁻", language) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "x大于等于五"), ("yue", "x大於等於五"), ("ja", "xだいなりイコールご"), ("ko", "x크거나같다 오")],
)
def test_a_comparison_in_two_signs_is_said_as_one(language: str, said: str):
    assert written("x>=5", language) == said


def random_lattice(draw: random.Random) -> Lattice:
    def unit() -> tuple[str, ...]:
        return tuple(draw.sample("abcd", draw.choice((1, 1, 2))))

    parts = []
    for _ in range(draw.randrange(4)):
        count = draw.choice((1, 1, 2, 3))
        ways = (tuple(unit() for _ in range(draw.randrange(count == 1, 4))) for _ in range(count))
        parts.append(Part(tuple(dict.fromkeys(ways)), 0, 0))
    return Lattice(tuple(parts))


def all_paths(lattice: Lattice) -> set[tuple]:
    return {sum(ways, ()) for ways in product(*(part.ways for part in lattice.parts))}


def edits(one: tuple, other: tuple) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (not same(a, b))))
    return row[-1]


def test_the_least_edits_are_those_of_all_pairs_of_readings_one_by_one():
    draw = random.Random(1)
    for _ in range(1500):
        asked, heard = random_lattice(draw), random_lattice(draw)
        paths, other_paths = all_paths(asked), all_paths(heard)
        least = min(edits(a, b) for a in paths for b in other_paths)
        assert rightly(asked, heard) == (least == 0)
        for steps in (align(asked, heard), _by_table(asked, heard)):
            assert sum(not right for _, _, right in steps) == least
            assert tuple(asked.units[node] for node, _, _ in steps if node is not None) in paths
            assert tuple(heard.units[node] for _, node, _ in steps if node is not None) in other_paths
        if heard.line:
            assert align(asked, heard) == _by_table(asked, heard)


def test_words_written_together_or_apart_are_one():
    apart, together = (
        Lattice((Part((tuple(words_of(words)),), 0, 0),)) for words in ("send an e-mail", "Send an email")
    )
    assert not rightly(apart, together)
    assert rightly(joined(apart, together), joined(together, apart))
    assert Comparison(apart, together, words=True).rate == 0.0
    assert Comparison(together, apart, words=True).rate == 0.0


def test_units_stand_at_the_characters_that_they_come_from():
    built = lattice("今天，花105块！", "zh")
    assert built.place(1) == (0, 1) and built.place(3) == (3, 4)
    node = next(n for n, unit in enumerate(built.units) if unit[:1] == ("百",))
    start, end = built.place(node)
    assert 4 <= start < end <= 7
    words = lattice("The  cat", "xx")
    assert [words.place(node) for node in (1, 2)] == [(0, 3), (5, 8)]


def test_a_reading_on_the_best_path_is_the_length_that_errors_are_divided_by():
    """一百零五 has four syllables; 105块 heard as 一百五块: one is missing of five."""
    assert Comparison(lattice("105块", "zh"), lattice("一百五块", "zh"), words=False).rate == pytest.approx(1 / 5)


def test_what_is_not_sure_stands_as_it_is_and_is_counted(monkeypatch):
    from speech.readings import languages

    class Module:
        @staticmethod
        def spans(text: str) -> list[Span]:
            letter = ("letters", ("el",))
            found = [Span(0, 1, "cardinal", ("five",), sure=False), Span(2, 3, "cardinal", ("six",))]
            return [*found, Span(4, 5, *letter)] if text == "5 6 l" else [found[0], Span(6, 7, *letter)]

    monkeypatch.setattr(languages, "module", lambda language: Module)
    found = writing("5 6 l", "xx")
    assert (found.text, found.unsure) == ("5 six l", 1)


def test_prompts_keep_tags_and_emoji_and_everything_else():
    assert written("他有[breath]2个❤️苹果，ＯＫ", "zh") == "他有[breath]两个❤️苹果，ＯＫ"


def words_alone() -> list[tuple[str, str]]:
    """(language, sentence) of the corpora's texts and transcripts without digits, numerals of Unicode, or signs."""
    found = set()
    for path in (Path(__file__).resolve().parents[2] / "data/readings").glob("*.jsonl"):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            for text in (row["text"], row["heard"]):
                kinds = {unicodedata.category(char) for char in text}
                signs = set(unicodedata.normalize("NFKC", text)) & set("%‰&@#*/")
                address = re.search(r"[A-Za-z]\.[a-z]{2}|www|\b[A-F]-(?!\w)|[Α-ω]", text)  # dots, A- and α are said
                if not address and not kinds & {"Nd", "Nl", "No", "Sc", "Sm", "So"} and not signs:
                    found.add((row["language"], text))
    return sorted(found)


def test_a_text_of_words_alone_is_written_letter_by_letter_in_all_languages():
    sentences = words_alone()
    assert len(sentences) > 2000 and len({language for language, _ in sentences}) == 13
    changed = [(language, text, written(text, language)) for language, text in sentences]
    assert [one for one in changed if one[1] != one[2]] == []


def corpus() -> Iterator[dict[str, str]]:
    for path in (ROOT / "tests/data/readings").glob("*.jsonl"):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def test_prompts_say_word_for_word_what_the_corpus_has():
    rows = [row for row in corpus() if "prompt" in row]
    assert {row["language"] for row in rows} >= {"de", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "yue", "zh"}
    said = [(row["text"], row["prompt"], written(row["text"], row["language"])) for row in rows]
    assert [one for one in said if one[1] != one[2]] == []


def test_the_page_counts_the_corpus_as_it_is():
    verdicts = Counter((row["language"], row["verdict"]) for row in corpus())
    page = (ROOT / "docs/reward.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z]{2,3}) \| (\d+) of \2 \| (\d+) of \3 \|$", page, re.MULTILINE)
    told = {(language, "right"): int(right) for language, right, _ in rows}
    assert told | {(language, "wrong"): int(wrong) for language, _, wrong in rows} == verdicts


def test_what_would_be_no_reading_of_the_text_is_not_written_into_a_prompt():
    assert [writing(text, "en").text for text in ("It's 5.", "4He's")] == ["It's five.", "4He's"]
    assert writing("4He's", "en").unsure == 1  # "four He's" has one word less
