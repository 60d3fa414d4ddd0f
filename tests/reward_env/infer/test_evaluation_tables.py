"""What the evaluation makes of counted errors: means, corpora, groups, comparisons and their tables, by hand; no model
listens here."""

import json

import pytest
from omegaconf import OmegaConf

from infer.evaluate import compared, listen
from infer.hear import errors
from infer.records import read_utterances
from infer.report import markdown
from infer.statistics import Bootstrap
from infer.summary import compare, groups, results_of, summarise
from tests.helpers.evaluation import MIXED_PAIRS

BOOTSTRAP = Bootstrap(1000, seed=0, level=0.95)
BRACKETS = OmegaConf.create({"level": 0.95, "resamples": 9})
SOUND = {"duration_s": 2.0, "silence_ratio": 0.1, "voiced_ratio": 0.7, "log_f0_mean": 5.5, "log_f0_std": 0.2}


def test_an_english_evaluation_reports_word_error():
    wrong = [errors("the cat sat here", heard, "en") for heard in ("the cat sat here", "the cat", "a b c d e f g h")]
    rows = [
        {"index": i, "text": str(i), **SOUND, **one, "characters_per_second": 6.5, "finished": 1.0}
        for i, one in enumerate(wrong)
    ]
    summary = summarise(rows, BOOTSTRAP, outlier_at=0.5)
    assert (summary["headline"], summary["unit"]) == ("error_rate", "WER")
    assert summary["error_rate"]["value"] == pytest.approx((0 + 0.5 + 2.0) / 3)
    assert summary["corpus_error_rate"] == pytest.approx((0 + 2 + 8) / 12)
    assert (summary["outliers"], summary["at_cap"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    results = {"systems": [{"system": "a", "decoding": "x", **summary}], "comparisons": {}, "ear": "m.Ear", "seed": 0}
    table = markdown({**results, "headline": "error_rate"}, 0.5, BRACKETS)
    assert "| WER |" in table and "pinyin" not in table.lower() and "0.833 (-)" in table
    assert "(-): fewer than 5 texts, too few for an interval" in table


# 雪 for 雨; 卖 for 买, which is a tone; hat for cat and nothing for here; the last of each language is in a set.
MIXED = [
    ("今天下雨", "今天下雪", "zh", None),
    ("我想买书", "我想卖书", "zh", None),
    ("你好", "你好", "zh", "hard"),
    ("the cat sat here", "the hat sat", "en", None),
    ("good morning", "good morning", "en", "hard"),
]


class Scripted:
    """In place of a Listener: hears what it is given, by text."""

    def __init__(self, heard: dict[str, dict]):
        self.heard = heard

    def hear(self, utterances: list) -> list[dict]:
        return [SOUND | self.heard[one.text] for one in utterances]


def heard_by_two(tmp_path, rows: list[dict], before: dict[str, dict], after: dict[str, dict]) -> dict:
    """What results.json holds of the two systems; only the first one's file names sets."""
    heard = {}
    for system, said in (("SFT", before), ("GRPO", after)):
        lines = [row if system == "SFT" else row | {"set": None} for row in rows]
        path = tmp_path / f"{system}.jsonl"
        path.write_text("".join(json.dumps(line | {"tokens": [1]}) + "\n" for line in lines))
        heard[system, "x"] = listen(Scripted(said), read_utterances(str(path), "fr"))
    pair = ("SFT", "GRPO")
    results = {"baseline": "SFT", "candidate": "GRPO", "ear": "m.Ear", "seed": 0}
    found = [{"by": by, "name": name, **results_of(part, pair, BOOTSTRAP, 0.5)} for by, name, part in groups(heard)]
    return results | results_of(heard, pair, BOOTSTRAP, 0.5) | {"groups": found}


def test_languages_and_sets_have_rates_of_their_own_and_no_common_corpus(tmp_path):
    rows = [{"text": text, "language": language, "set": one} for text, _, language, one in MIXED]
    before = {text: {"transcript": said} for text, said, _, _ in MIXED}
    results = heard_by_two(tmp_path, rows, before, {text: {"transcript": text} for text in before})
    first = results["systems"][0]
    assert (results["headline"], first["unit"]) == ("error_rate", "CER/WER")
    assert first["error_rate"]["value"] == pytest.approx((0.25 + 0.25 + 0 + 0.5 + 0) / 5)
    assert [first[f"corpus_{name}"] for name in ("error_rate", "published_error_rate", "cer")] == [None] * 3
    found = {(one["by"], one["name"]): one for one in results["groups"]}
    assert [*found] == [("language", "zh"), ("language", "en"), ("set", "hard, zh"), ("set", "hard, en")]
    zh, en, hard, _ = found.values()
    assert [one["headline"] for one in (zh, en)] == ["pinyin_error", "error_rate"]
    of_zh, of_en = zh["systems"][0], en["systems"][0]
    assert (of_zh["pinyin_error"]["value"], of_zh["corpus_pinyin_error"]) == (pytest.approx(0.25 / 3), 0.1)
    assert (of_zh["corpus_error_rate"], of_zh["corpus_published_error_rate"]) == (0.2, 0.2)
    assert (of_en["error_rate"]["value"], of_en["corpus_error_rate"]) == (0.25, pytest.approx(2 / 6))
    assert zh["comparisons"]["x"]["pinyin_error"]["absolute"]["value"] == pytest.approx(-0.25 / 3)
    assert (hard["systems"][0]["utterances"], hard["comparisons"]["x"]["cer"]["absolute"]["value"]) == (1, 0)
    table = markdown(results, 0.5, BRACKETS)
    assert "| zh | SFT | x | 3 | pinyin error | 0.083 (-) | 0.100 | 0.167 | 0.200 | - |" in table
    assert "| en | GRPO | x | 2 | WER | 0.000 (-) | 0.000 | 0.000 | 0.000 | -0.250 (-) |" in table
    assert "| SFT | x | 5 | 0.200 (" in table and "no corpus rate of all texts" in table


def test_mixed_rates_are_of_the_corpus_and_shown_where_a_text_has_latin_letters(tmp_path):
    """10 edits, 8 but for homophones, in 29 units; seed-tts-eval's has 3 in the 5 units of the first alone. An
    English text has no such units."""
    rows = [{"text": text, "language": "zh"} for text, *_ in MIXED_PAIRS] + [{"text": "a hat", "language": "en"}]
    said = {"a hat": {"transcript": "a cat"}} | {text: {"transcript": heard} for text, heard, *_ in MIXED_PAIRS}
    results = heard_by_two(tmp_path, rows, said, said)
    found = results["systems"][0]
    assert (found["corpus_published_mixed"], found["corpus_published_mixed_apart"]) == (10 / 29, 8 / 29)
    assert (found["code_switched_texts"], errors("我用GPT", "我用gpt", "zh")["published_edits"]) == (7, 3)
    table = markdown(results, 0.5, BRACKETS)
    assert "| its corpus | mixed, corpus | but for homophones | >= 0.5 |" in table and "| 0.345 | 0.276 |" in table
    japanese = errors("AIの本", "aiの本", "ja")
    assert (japanese["mixed_edits"], japanese["mixed_apart"], japanese["mixed_units"]) == (0, None, 3)
    assert errors("&", "和", "zh")["mixed_units"] == 1  # nothing but a sign is one, to divide by
    plain = heard_by_two(tmp_path, rows[3:5], said, said)
    assert "ixed" not in markdown(plain, 0.5, BRACKETS)


def test_emotions_and_laughter_have_their_tables(tmp_path):
    """Of happy: 0.5, right, and 0.2, wrong; of sad: 0.4, right. One text laughs, and so does one that should not. No
    classifier's label is joyful, and unknown is none."""
    texts, asked = ("今天好", "哈哈好", "明天坏", "后天", "昨天"), ("Happy", "happy", "sad", "unknown", "joyful")
    rows = [{"text": t, "language": "zh"} | ({"emotion": e} if e else {}) for t, e in zip(texts, asked, strict=True)]
    likely = [(0.5, 0.1, 0.4), (0.2, 0.3, 0.5), (0.3, 0.4, 0.3), (0.0, 0.0, 1.0), (0.4, 0.3, 0.3)]
    before = {
        text: {
            "transcript": text,
            "emotion": dict(zip(("happy", "sad", "neutral"), p, strict=True)),
            "laughter_s": float(text not in ("后天", "昨天")),
        }
        for text, p in zip(texts, likely, strict=True)
    }
    sure = {"happy": 0.9, "sad": 0.1, "neutral": 0.0}
    results = heard_by_two(tmp_path, rows, before, {text: one | {"emotion": sure} for text, one in before.items()})
    first = results["systems"][0]
    assert first["emotion_probability"]["value"] == pytest.approx((0.5 + 0.2 + 0.4) / 3)
    assert first["emotion_right"]["value"] == pytest.approx(2 / 3) and first["not_neutral"]["value"] == pytest.approx(
        0.5
    )
    assert (first["laughs"]["value"], first["laughs_unasked"]["value"]) == (1.0, 0.5)
    groups = [("emotion", name) for name in ("happy", "sad", "joyful")]
    assert [(one["by"], one["name"]) for one in results["groups"]] == groups
    table = markdown(results | {"paid_for": ["emotion"]}, 0.5, BRACKETS)
    assert "| happy | SFT | x | 2 | 0.350 (-) | 0.500 (-) | happy 1, neutral 1 | - | - |" in table
    assert "| happy | GRPO | x | 2 | 0.900 (-) | 1.000 (-) | happy 2 | +0.550 (-) | +0.500 (-) |" in table
    assert "| sad | GRPO | x | 1 | 0.100 (-) | 0.000 (-) | happy 1 | -0.300 (-) | -1.000 (-) |" in table
    assert "| joyful | GRPO | x | 1 | - | - | happy 1 | - | - |" in table
    assert "Emotions that the classifier does not know, of which nothing is measured: joyful." in table
    assert "By the reward's own model, which the training was paid by: emotion." in table
    assert "| laughs where the text does: difference | laughs elsewhere: difference |" in table


def test_one_language_without_sets_is_no_group(tmp_path):
    said = {"你好": {"transcript": "你好"}}
    assert heard_by_two(tmp_path, [{"text": "你好", "language": "zh"}], said, said)["groups"] == []


def test_what_seed_tts_eval_counts_stands_beside_what_is_read():
    """她 sounds like 他, 三 is 3: no error as read, two of seven characters as they are written."""
    counted = errors("他买了3斤苹果", "她买了三斤苹果", "zh")
    assert (counted["error_rate"], counted["cer"], counted["published_error_rate"]) == (0.0, 0.0, 2 / 7)
    assert (counted["published_edits"], counted["published_units"]) == (2, 7)
    rows = [row(0, 0) | {name: counted[name] for name in counted if name.startswith("published")}]
    ways = ("likelihood", "likelihood", "edit_distance", "first", "likelihood", "likelihood")  # by infer/choose.py
    rows = [rows[0] | {"index": index, "chosen_by": by} for index, by in enumerate(ways)]
    summary, pair = summarise(rows, BOOTSTRAP, 0.5), {"baseline": "a", "candidate": "b"}
    results = {"systems": [{"system": "a", "decoding": "x", **summary}], "ear": "m.Ear", "seed": 0, **pair}
    results |= {"comparisons": {"x": compare(rows, rows, BOOTSTRAP)}, "headline": "pinyin_error"}
    table = markdown(results, 0.5, BRACKETS)
    assert "| CER of seed-tts-eval | its corpus |" in table and "| 0.286 | 0.286 |" in table
    assert "(`chosen_by` in utterances.jsonl): 2 (a, x)." in table
    assert "| CER of seed-tts-eval: difference |" in table and "as seed-tts-eval takes it" not in table


def test_the_mean_of_seed_tts_eval_is_over_texts_its_corpus_over_units():
    rows = [row(0, 2, published=(2, 2)), row(1, 0, published=(0, 8))]
    summary = summarise(rows, BOOTSTRAP, outlier_at=0.5)
    assert (summary["published_error_rate"]["value"], summary["corpus_published_error_rate"]) == (0.5, 0.2)


def row(index: int, edits: int, finished: float | None = 1.0, published: tuple[int, int] = (0, 4)) -> dict:
    """An utterance of 4 syllables with so many of them wrong, lasting 2 s; `published`: edits and units."""
    error = min(1.0, edits / 4)
    counts = {"syllable_edits": edits, "syllables": 4, "character_edits": edits, "characters": 4, "units": 4}
    counts |= {"substitutions": edits, "deletions": 0, "insertions": 0, "unit": "CER", "error_rate": edits / 4}
    counts |= {"published_edits": published[0], "published_units": published[1]}
    counts |= {"published_error_rate": published[0] / published[1]}
    rates = {"pinyin_error": error, "cer": error, "characters_per_second": 2.0, "finished": finished}
    return {"index": index, "text": f"text {index}", **counts, **SOUND, **rates}


def test_a_loop_shows_in_the_corpus_error_and_is_capped_in_the_mean():
    rows = [row(0, 0), row(1, 1), row(2, 2), row(3, 21, finished=0.0)]
    summary = summarise(rows, BOOTSTRAP, outlier_at=0.5)
    assert summary["pinyin_error"]["value"] == pytest.approx((0 + 0.25 + 0.5 + 1) / 4)
    assert summary["corpus_pinyin_error"] == summary["corpus_error_rate"] == pytest.approx(24 / 16)
    assert summary["error_rate"]["value"] == pytest.approx((0 + 0.25 + 0.5 + 5.25) / 4)  # not capped
    assert (summary["outliers"], summary["at_cap"]) == (0.5, 0.25)
    assert summary["finished"]["value"] == 0.75


def test_a_teacher_does_not_end_by_itself_or_otherwise():
    assert summarise([row(0, 0, finished=None)], BOOTSTRAP, 0.5)["finished"] is None


def test_samples_of_one_text_count_as_one_text():
    before = [row(0, 4), row(0, 0), row(1, 0)]  # text 0: 0.5 on average
    after = [row(0, 0), row(0, 0), row(1, 0)]
    assert summarise(before, BOOTSTRAP, 0.5)["texts"] == 2
    assert compare(before, after, BOOTSTRAP)["pinyin_error"]["absolute"]["value"] == pytest.approx(-0.25)


def test_systems_that_spoke_other_texts_are_not_compared():
    with pytest.raises(ValueError, match="spoke different texts, for example"):
        compare([row(0, 0)], [row(1, 0)], BOOTSTRAP)


@pytest.mark.parametrize(
    ("given", "heard", "pair", "says"),
    [
        ({}, ["teacher", "SFT", "GRPO"], ("SFT", "GRPO"), ""),
        ({}, ["teacher", "SFT"], ("SFT", "GRPO"), "GRPO (compare) not heard, but teacher, SFT"),
        ({"only": ["DPO"]}, ["teacher", "DPO"], ("DPO", "DPO"), ""),
        ({}, ["A", "B"], ("A", "B"), "SFT and GRPO (compare) not heard, but A, B, A and B are compared"),
        ({"files": {"x.a": "x.jsonl"}}, ["x"], ("x", "x"), ""),
    ],
)
def test_what_is_compared_was_heard(given, heard, pair, says, capsys):
    cfg = OmegaConf.create({"files": None, "compare": {"baseline": "SFT", "candidate": "GRPO"}} | given)
    assert compared(cfg, heard) == pair
    assert capsys.readouterr().out.strip() == says
