"""Readings of Spanish: the corpus of pairs, numbers in their forms, plain words left alone."""

import json
from pathlib import Path

import pytest

from speech.readings import Comparison, lattice, spans, written

CORPUS = Path(__file__).resolve().parents[2] / "data/readings/es.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def error(text: str, heard: str) -> float:
    return Comparison(lattice(text, "es"), lattice(heard, "es"), True).rate


def said(text: str) -> list[str]:
    """All that may be said for the only span of a text."""
    (span,) = spans(text, "es")
    return list(span.said)


def test_every_pair_of_the_corpus_is_judged_as_it_should_be():
    assert len(ROWS) >= 40
    assert [row for row in ROWS if (error(row["text"], row["heard"]) == 0) != (row["verdict"] == "right")] == []


def test_a_prompt_says_a_reading_of_its_text():
    assert [row["text"] for row in ROWS if error(row["text"], written(row["text"], "es"))] == []


def test_no_digit_is_left_in_a_prompt_where_the_reading_is_sure():
    unsure = [row["text"] for row in ROWS if any(not span.sure for span in spans(row["text"], "es"))]
    left = [row["text"] for row in ROWS if any(map(str.isdecimal, written(row["text"], "es")))]
    assert [text for text in left if text not in unsure] == []


def test_words_alone_are_written_letter_by_letter():
    texts = {part for row in ROWS for part in (row["text"], row["heard"])}
    words = [" ".join(word for word in text.split() if word.strip(".,!?;:").isalpha()) for text in texts]
    assert [text for text in words if written(text, "es") != text] == []


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Tengo 21 años.", "Tengo veintiún años."),
        ("Hay 200 mesas.", "Hay doscientas mesas."),
        ("Cuesta 5,50 €.", "Cuesta cinco euros con cincuenta."),
        ("Vive en el 3.º B.", "Vive en el tercero B."),
    ],
)
def test_prompts(text, prompt):
    assert written(text, "es") == prompt


@pytest.mark.parametrize(
    ("text", "reading", "right"),
    [
        ("21 años", "veintiuno años", False),
        ("31 personas", "treinta y una personas", True),
        ("La 2.ª edición", "la segunda edición", True),
        ("el público", "el publicó", False),
        ("sólo", "solo", True),
    ],
)
def test_readings(text, reading, right):
    assert (error(text, reading) == 0) == right


def test_a_prompt_says_the_form_that_its_sentence_asks_for():
    assert written("a las 10:30 h", "es") == "a las diez y media"
    assert written("Llámame al 612 345 678.", "es") == "Llámame al seis uno dos tres cuatro cinco seis siete ocho."
    assert written("30 m2 de patio", "es") == "treinta metros cuadrados de patio"
    assert written("Son 25 €/mes.", "es") == "Son veinticinco euros por mes."
