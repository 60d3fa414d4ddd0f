"""Readings of Italian: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/it.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "it"), lattice(heard, "it"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "it")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "it"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "it"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "it")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "it") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Ho 28 anni.", "Ho ventotto anni."),
        ("Il 1° maggio", "Il primo maggio"),
        ("Costa 4,50 €.", "Costa quattro euro e cinquanta."),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "it") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("1 ora", "un'ora", True),
        ("gli anni '80", "gli anni ottanta", True),
        ("papà", "papa", False),
        ("Alle 17:45", "alle diciotto meno un quarto", True),
        ("Il 4° posto", "il quattro posto", False),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("1 ora", "it") == "un'ora"
    assert written("1 studente e 1 amico", "it") == "uno studente e un amico"
    assert written("alle 18:15", "it") == "alle diciotto e quindici"
    assert written("domenica 3/11", "it") == "domenica tre novembre"
    assert written("10-15 minuti", "it") == "dieci quindici minuti"
