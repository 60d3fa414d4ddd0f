"""Readings of Dutch: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/nl.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "nl"), lattice(heard, "nl"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "nl")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "nl"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "nl"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "nl")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "nl") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Het kost € 4,50.", "Het kost vier euro vijftig."),
        ("De 3e keer", "De derde keer"),
        ("50 km/u", "vijftig kilometer per uur"),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "nl") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("Om 8.30 uur", "om half negen", True),
        ("Om 8.30 uur", "om half acht", False),
        ("'t hart", "het hard", True),
        ("2x per dag", "twee keer per dag", True),
        ("In 1984", "in negentienvierentachtig", True),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("6 x 7 = 42", "nl") == "zes keer zeven is tweeënveertig"
    assert written("4 x 5 m", "nl") == "vier bij vijf meter"
    assert written("op zaterdag 21-6", "nl") == "op zaterdag eenentwintig juni"
    assert written("30 m2", "nl") == "dertig vierkante meter"
