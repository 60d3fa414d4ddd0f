"""Readings of German: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/de.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "de"), lattice(heard, "de"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "de")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "de"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "de"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "de")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "de") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Er kaufte 1 Liter Milch.", "Er kaufte einen Liter Milch."),
        ("Am 25. März um 12.30 Uhr", "Am fünfundzwanzigsten März um zwölf Uhr dreißig"),
        ("Es kostet 3,50 €.", "Es kostet drei Euro fünfzig."),
        ("Das war 1999 – 20 Jahre danach.", "Das war neunzehnhundertneunundneunzig – zwanzig Jahre danach."),
        ("Sätze: 21:25, 25:19", "Sätze: einundzwanzig zu fünfundzwanzig, fünfundzwanzig zu neunzehn"),
        ("2 x täglich", "zwei mal täglich"),
        ("Abs. 1 S. 2", "Abs. eins Satz zwei"),
        ("9,81 m/s² und 10 µF", "neun Komma einundachtzig Meter pro Sekunde Quadrat und zehn Mikrofarad"),
        ("x >= 3 und y != 2", "x mindestens drei und y ungleich zwei"),
        ('ein 3/8" Rohr, 2½" breit', "ein drei achtel Zoll Rohr, zweieinhalb Zoll breit"),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "de") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("1 Kilo", "ein Kilo", True),
        ("1 Kilo", "eins Kilo", False),
        ("Im Jahr 1984", "im jahr neunzehnhundertvierundachtzig", True),
        ("2,05", "zwei komma null fünf", True),
        ("2,05", "zwei komma fünf", False),
        ("Straße", "strasse", True),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("Es dauert 1/2 Stunde.", "de") == "Es dauert eine halbe Stunde."
    assert written("mit ½ Liter Wasser", "de") == "mit einem halben Liter Wasser"
    assert written("1/2 TL Salz", "de") == "ein halber Teelöffel Salz"
    assert written("Rund 83.000.000 Menschen", "de") == "Rund dreiundachtzig Millionen Menschen"
    assert written("Folgt #urlaub!", "de") == "Folgt Hashtag urlaub!"


def test_an_abbreviation_that_ends_a_sentence_is_the_word_it_looks_like():
    assert error("So. Jetzt gehen wir.", "Sonntag, jetzt gehen wir.") > 0
    assert error("Kommst du am So. Bescheid?", "Kommst du am Sonntag Bescheid?") == 0
