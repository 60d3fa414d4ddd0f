"""What the recipes' own rewards see, prompts included: every pair of the corpora, and what is refused."""

import json
from pathlib import Path

import pytest

from reward_tts.explain import explain
from reward_tts.reading_error import _settings, prompt_of, reading_error

CORPORA = sorted((Path(__file__).resolve().parents[2] / "data/readings").glob("*.jsonl"))
RECIPES = {"c": "cosyvoice2", "g": "glm_tts", "t": "tiny_mandarin", "l": "llasa", "i": "inworld_tts"}
# A recipe for each language that reads texts out.
READS = {"zh": "c g i", "yue": "c g", "ja": "c g i", "ko": "c l i", "en": "c g l i"}


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda path: path.stem)
def test_every_pair_has_the_error_that_its_verdict_says(corpus: Path):
    wrong = []
    for row in map(json.loads, corpus.read_text(encoding="utf-8").splitlines()):
        for letter in row["recipes"]:
            found = reading_error(RECIPES[letter], row["text"], row["heard"], row["language"])
            if (found == 0) != (row["verdict"] == "right"):
                wrong.append((row["id"], letter, found))
    assert wrong == []


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda path: path.stem)
def test_what_every_recipes_prompt_says_is_a_reading_of_the_text(corpus: Path):
    texts = {json.loads(line)["text"] for line in corpus.read_text(encoding="utf-8").splitlines()}
    wrong = []
    for text in sorted(texts):
        for letter in READS.get(corpus.stem, "i").split():
            said = prompt_of(_settings(RECIPES[letter]), text, corpus.stem)
            if reading_error(RECIPES[letter], text, said, corpus.stem) != 0:
                wrong.append((letter, text, said))
    assert wrong == []


def test_a_text_without_anything_to_say_and_a_recipe_that_is_not_there_are_refused():
    with pytest.raises(ValueError, match="has nothing to be spoken"):
        reading_error("cosyvoice2", "👍❤️", "", "zh")
    with pytest.raises(ValueError, match="there is no recipe 'cosyvoice9'"):
        reading_error("cosyvoice9", "你好", "你好", "zh")


def test_a_recipe_refuses_a_language_that_it_does_not_offer_and_names_its_own():
    with pytest.raises(ValueError, match=r"tiny_mandarin does not offer 'ja': recipe\.languages are zh$"):
        reading_error("tiny_mandarin", "こんにちは", "こんにちは", "ja")
    with pytest.raises(ValueError, match=r"cosyvoice2 does not offer 'de': recipe\.languages are zh, yue, en, ja, ko"):
        reading_error("cosyvoice2", "Hallo", "Hallo", "de")


def test_a_pair_is_explained():
    told = explain(_settings("tiny_mandarin"), "他有2个苹果。", "他有二个苹果", "zh")
    assert "cardinal  2: liang" in told
    assert "! 两  二" in told
    assert told.endswith("error 0.1667: 1 edits, 6 units")
