"""What was heard of each system -> means with intervals and paired differences, of all texts and of their groups."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from infer.records import LIKELIHOOD
from infer.statistics import Bootstrap, mean_per_text

# Measures whose mean over texts is reported, with an interval.
MEANS = (
    "pinyin_error",
    "error_rate",
    "published_error_rate",
    "cer",
    "finished",
    "characters_per_second",
    "duration_s",
    "silence_ratio",
    "voiced_ratio",
)
MEANS += ("log_f0_mean", "log_f0_std", "speaker_similarity", "mos")  # the last two: if eval.yaml has such scorers
MEANS += ("emotion_probability", "emotion_right", "not_neutral", "laughs", "laughs_unasked")  # infer.hear.expressed
GROUPED_BY = ("language", "set", "emotion")  # fields of a row; the last where a scorer measured it
Key = tuple[str, str]  # system, decoding
Heard = Mapping[Key, list[dict[str, Any]]]  # of each, lines of utterances.jsonl


def per_text(rows: list[dict], measure: str) -> dict[int, float]:
    """{text index: mean of the measure over the text's samples}."""
    return mean_per_text([row.get(measure) for row in rows], [row["index"] for row in rows])


def headline(rows: list[dict]) -> str:
    """The measure that the report begins with: toneless syllables where all is Mandarin, else CER or WER."""
    return "pinyin_error" if all(row["pinyin_error"] is not None for row in rows) else "error_rate"


def summarise(rows: list[dict], bootstrap: Bootstrap, outlier_at: float) -> dict[str, Any]:
    """Means with intervals (None where no utterance has the measure), corpus error, outliers; shares are of utterances.

    `corpus_pinyin_error`, `corpus_error_rate`, `corpus_published_error_rate`, `corpus_cer`: all edits by all syllables
    or units, uncapped, so that a loop shows; None where words of one language would be added to syllables of another.
    `corpus_published_mixed`, `corpus_published_mixed_apart`: by published.mixed, of those texts that have it, in
    languages without spaces, whatever others are there; `code_switched_texts` of these have Latin letters.
    `emotions_unknown`: asked for, and none of the classifier's.
    """
    summary: dict[str, Any] = {"utterances": len(rows), "texts": len({row["index"] for row in rows})}
    head = headline(rows)
    summary["texts_with_unknown_characters"] = len({row["index"] for row in rows if row.get("unknown")})
    summary["not_chosen_by_likelihood"] = sum(row.get("chosen_by") not in (None, LIKELIHOOD) for row in rows)
    summary["code_switched_texts"] = len({row["index"] for row in rows if row.get("code_switched")})
    for measure in MEANS:
        values = list(per_text(rows, measure).values())
        summary[measure] = bootstrap.mean(values).as_dict() if values else None
    units = sorted({row["unit"] for row in rows})
    summary |= {"headline": head, "unit": "/".join(units)}

    def corpus(edits: tuple[str, ...], length: str) -> float | None:
        if len(units) > 1 or any(row.get(kind) is None for row in rows for kind in edits):
            return None
        return sum(row[kind] for row in rows for kind in edits) / sum(row[length] for row in rows)

    def of_those(edits: str) -> float | None:
        counted = [row for row in rows if row.get(edits) is not None]
        return sum(row[edits] for row in counted) / sum(row["mixed_units"] for row in counted) if counted else None

    counted = {"error_rate": (("substitutions", "deletions", "insertions"), "units")}
    counted |= {"published_error_rate": (("published_edits",), "published_units")}
    counted |= {"cer": (("character_edits",), "characters")}
    counted |= {"pinyin_error": (("syllable_edits",), "syllables")} if head == "pinyin_error" else {}
    summary |= {f"corpus_{name}": corpus(*of) for name, of in counted.items()}
    summary["corpus_published_mixed"] = of_those("mixed_edits")
    summary["corpus_published_mixed_apart"] = of_those("mixed_apart")
    summary["emotions_heard"] = dict(
        Counter(row["emotion_heard"] for row in rows if "emotion_heard" in row).most_common()
    )
    summary["emotions_unknown"] = sorted(
        {row["emotion"] for row in rows if "emotion_heard" in row and "emotion_right" not in row and row.get("emotion")}
    )
    summary["outliers"] = sum(row[head] >= outlier_at for row in rows) / len(rows)
    summary["at_cap"] = sum(row[head] >= 1 for row in rows) / len(rows)
    return summary


def compare(baseline: list[dict], candidate: list[dict], bootstrap: Bootstrap) -> dict[str, Any]:
    """Paired differences candidate - baseline of every measure, over the texts that have the measure in both.

    Raises:
        ValueError: the two systems did not speak the same texts.
    """
    texts = [{(row["index"], row["text"]) for row in rows} for rows in (baseline, candidate)]
    if texts[0] != texts[1]:
        odd = sorted(texts[0] ^ texts[1])[:3]
        raise ValueError(f"these systems spoke different texts, for example {odd}: synthesise both from the same file")
    comparison: dict[str, Any] = {}
    for measure in MEANS:
        old, new = per_text(baseline, measure), per_text(candidate, measure)
        both = sorted(old.keys() & new.keys())
        pair = ([old[i] for i in both], [new[i] for i in both])
        comparison[measure] = bootstrap.difference(*pair).as_dict() if both else None
    return comparison


def results_of(heard: Heard, pair: tuple[str, str], bootstrap: Bootstrap, outlier_at: float) -> dict[str, Any]:
    """{"headline", "systems", "comparisons"} of results.json; `pair`: baseline and candidate.

    Raises: see compare.
    """
    baseline, candidate = pair
    return {
        "headline": headline([row for rows in heard.values() for row in rows]),
        "systems": [
            {"system": system, "decoding": decoding, **summarise(rows, bootstrap, outlier_at)}
            for (system, decoding), rows in heard.items()
        ],
        "comparisons": {
            decoding: compare(rows, heard[candidate, decoding], bootstrap)
            for (system, decoding), rows in heard.items()
            if system == baseline != candidate and (candidate, decoding) in heard
        },
    }


def groups(heard: Heard) -> Iterator[tuple[str, str, Heard]]:
    """(by, name, what was heard of it): each language, each set and each emotion that was asked for, where that is not
    all there is. A set in several languages is a group for each. What one system's file says of a text holds for all:
    a teacher's names no sets."""
    every, labels = [row for rows in heard.values() for row in rows], defaultdict[Any, dict[str, str]](dict)
    for row in every:
        own = labels[row["index"], row["text"]]
        own |= {by: row[by] for by in GROUPED_BY if row.get(by) and by not in own}
    languages = defaultdict(set)
    for own in labels.values():
        languages[own.get("set")].add(own.get("language"))
    for own in labels.values():
        if len(languages[own.get("set")]) > 1 and "set" in own:
            own["set"] = f"{own['set']}, {own.get('language')}"
    measured = any("emotion_probability" in row for row in every)
    for by in GROUPED_BY if measured else GROUPED_BY[:-1]:
        found: dict[str, dict[Key, list[dict]]] = {}
        for key, rows in heard.items():
            for row in rows:
                if label := labels[row["index"], row["text"]].get(by):
                    found.setdefault(label, {}).setdefault(key, []).append(row)
        if len(found) > 1 or sum(len(rows) for part in found.values() for rows in part.values()) < len(every):
            yield from ((by, label, part) for label, part in found.items())
