"""Readings of Polish: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/pl.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "pl"), lattice(heard, "pl"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "pl")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "pl"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "pl"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "pl")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "pl") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Mam 2 książki.", "Mam dwie książki."),
        ("Kosztuje 5 zł.", "Kosztuje pięć złotych."),
        ("Spotkanie 25 marca.", "Spotkanie dwudziestego piątego marca."),
        ("2 x dziennie", "dwa razy dziennie"),
        ("do 3 stopni", "do trzech stopni"),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "pl") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("2 książki", "dwa książki", False),
        ("2 psy", "dwa psy", True),
        ("z 10 osobami", "z dziesięcioma osobami", True),
        ("W 2010 r.", "w dwa tysiące dziesiątym roku", True),
        ("może", "morze", True),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("W latach 90. było inaczej.", "pl") == "W latach dziewięćdziesiątych było inaczej."
    assert written("Mam 1 psa i 5 braci.", "pl") == "Mam jednego psa i pięciu braci."
    assert written("o godz. 18", "pl") == "o godz. osiemnastej"
    assert written("około 3 km", "pl") == "około trzech kilometrów"
    assert written("Legia wygrała 2:0.", "pl") == "Legia wygrała dwa do zera."
    assert written("01.09.2024 r.", "pl") == "pierwszego września dwa tysiące dwudziestego czwartego roku."
