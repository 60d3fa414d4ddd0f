"""The evaluation's results as a Markdown table and as a picture."""

from collections.abc import Iterator
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from omegaconf import DictConfig

from infer.statistics import FEWEST
from speech.files import whole_file

# measure -> (title, format) of what is watched beside the error
PROSODY = {
    "finished": ("ended by itself", "{:.3f}"),
    "characters_per_second": ("characters/s", "{:.2f}"),
    "log_f0_std": ("log-F0 spread", "{:.3f}"),
    "log_f0_mean": ("log-F0 mean", "{:.3f}"),
    "duration_s": ("seconds", "{:.2f}"),
    "silence_ratio": ("silence", "{:.3f}"),
}
SCORES = {"speaker_similarity": ("similarity", "{:.3f}"), "mos": ("MOS", "{:.2f}")}  # shown where they were measured
EXPRESSION = {  # infer.hear.expressed
    "emotion_probability": ("p(emotion asked for)", "{:.3f}"),
    "emotion_right": ("emotion right", "{:.3f}"),
    "not_neutral": ("1 - p(neutral)", "{:.3f}"),
    "laughs": ("laughs where the text does", "{:.3f}"),
    "laughs_unasked": ("laughs elsewhere", "{:.3f}"),
}
_PICTURED = ("characters_per_second", "log_f0_std", "finished", *SCORES)
_COLOURS = ("#8c8c8c", "#4878a8", "#d1605e", "#6a9f58", "#967662", "#a87c9f")


def _cell(estimate: dict | None, form: str, interval: bool = False) -> str:
    if estimate is None:
        return "-"
    text = form.format(estimate["value"])
    if not interval:
        return text
    ends = [form.format(end) for end in (estimate["low"], estimate["high"]) if end is not None]
    return f"{text} ({' to '.join(ends) or '-'})"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _difference(comparison: dict[str, Any] | None, measure: str) -> str:
    found = comparison[measure] if comparison else None
    return _cell(found["absolute"] if found else None, "{:+.3f}", True)


def _mixed(results: dict[str, Any]) -> dict[str, str]:
    """{corpus rate: title} of texts with Latin letters between characters, where there are some."""
    there = any(s.get("code_switched_texts") for s in results["systems"])
    titles = {"corpus_published_mixed": "mixed, corpus", "corpus_published_mixed_apart": "but for homophones"}
    return titles if there else {}


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _headline(results: dict[str, Any]) -> str:
    """Title of the measure that the report begins with."""
    return "pinyin error" if results["headline"] == "pinyin_error" else _units(results)


def _units(results: dict[str, Any]) -> str:
    return "/".join(sorted({s["unit"] for s in results["systems"]}))


def _watched(results: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """{measure: (title, format)} of what this report watches beside the error."""
    more = SCORES | EXPRESSION
    return PROSODY | {name: shown for name, shown in more.items() if any(s.get(name) for s in results["systems"])}


def systems_table(results: dict[str, Any], outlier_at: float) -> str:
    """One line per system and decoding."""
    head, title = results["headline"], _headline(results)
    in_pinyin = head == "pinyin_error"
    header = ["speech", "decoding", "utterances", title, "corpus", "CER"]
    header += (["CER, not capped"] if in_pinyin else []) + [f"{_units(results)} of seed-tts-eval", "its corpus"]
    header += _mixed(results).values()
    header += [f">= {outlier_at:g}", "at cap" if in_pinyin else ">= 1"]
    header += [title for title, _ in _watched(results).values()]
    rows = []
    for s in results["systems"]:
        cells = [s["system"], s["decoding"], str(s["utterances"]), _cell(s[head], "{:.3f}", interval=True)]
        cells += [_rate(s[f"corpus_{head}"]), _cell(s["cer"], "{:.3f}")]
        cells += [_cell(s["error_rate"], "{:.3f}")] if in_pinyin else []
        cells += [_cell(s["published_error_rate"], "{:.3f}"), _rate(s["corpus_published_error_rate"])]
        cells += [_rate(s[rate]) for rate in _mixed(results)]
        cells += [f"{s['outliers']:.3f}", f"{s['at_cap']:.3f}"]
        rows.append(cells + [_cell(s[measure], form) for measure, (_, form) in _watched(results).items()])
    return _table(header, rows)


def comparison_table(results: dict[str, Any]) -> str:
    """One line per decoding: paired differences of candidate and baseline."""
    header = ["decoding", f"{_headline(results)}: difference", "relative", "interval excludes 0", "CER: difference"]
    header += [f"{_units(results)} of seed-tts-eval: difference"]
    header += [f"{title}: relative" for measure, (title, _) in _watched(results).items() if measure in _PICTURED]
    expressed = {name: title for name, (title, _) in _watched(results).items() if name in EXPRESSION}
    header += [f"{title}: difference" for title in expressed.values()]
    rows = []
    for decoding, measures in results["comparisons"].items():
        error = measures[results["headline"]]
        cells = [decoding, _cell(error["absolute"], "{:+.3f}", True), _cell(error["relative"], "{:+.1%}", True)]
        cells += [{True: "yes", False: "no", None: "-"}[error["excludes_0"]]]
        cells += [_cell(measures[name]["absolute"], "{:+.3f}", True) for name in ("cer", "published_error_rate")]
        watched = [measures[measure] for measure in _watched(results) if measure in _PICTURED]
        cells += [_cell(m["relative"] if m else None, "{:+.1%}", True) for m in watched]
        rows.append(cells + [_difference(measures, name) for name in expressed])
    return _table(header, rows)


def emotions_table(results: dict[str, Any]) -> str:
    """One line per emotion that was asked for, system and decoding: how likely, how often right, and what was heard."""
    pair, shown = (results["baseline"], results["candidate"]), ("emotion_probability", "emotion_right")
    titles = [EXPRESSION[name][0] for name in shown]
    header = ["emotion", "speech", "decoding", "utterances", *titles, "heard as"]
    header += [f"{title}: {pair[1]} - {pair[0]}" for title in titles] if results["comparisons"] else []
    rows = []
    for group in (one for one in results["groups"] if one["by"] == "emotion"):
        for s in group["systems"]:
            cells = [group["name"], s["system"], s["decoding"], str(s["utterances"])]
            cells += [_cell(s[name], "{:.3f}", interval=True) for name in shown]
            cells += [", ".join(f"{label} {count}" for label, count in s["emotions_heard"].items())]
            found = group["comparisons"].get(s["decoding"]) if s["system"] == pair[1] else None
            rows.append(cells + [_difference(found, name) for name in shown if results["comparisons"]])
    return _table(header, rows)


def groups_table(results: dict[str, Any], by: str) -> str:
    """One line per group, system and decoding; each group in the measure of its own language."""
    pair = (results["baseline"], results["candidate"])
    header = [by, "speech", "decoding", "utterances", "measure", "mean", "corpus", "of seed-tts-eval", "its corpus"]
    header += _mixed(results).values()
    header += [f"{pair[1]} - {pair[0]}"] if results["comparisons"] else []
    rows = []
    for group in (one for one in results["groups"] if one["by"] == by):
        head = group["headline"]
        for s in group["systems"]:
            cells = [group["name"], s["system"], s["decoding"], str(s["utterances"]), _headline(group)]
            cells += [_cell(s[head], "{:.3f}", interval=True), _rate(s[f"corpus_{head}"])]
            cells += [_cell(s["published_error_rate"], "{:.3f}"), _rate(s["corpus_published_error_rate"])]
            cells += [_rate(s[rate]) for rate in _mixed(results)]
            found = group["comparisons"].get(s["decoding"]) if s["system"] == pair[1] else None
            cells += [_difference(found, head)] if results["comparisons"] else []
            rows.append(cells)
    return _table(header, rows)


def _notes(results: dict[str, Any]) -> Iterator[str]:
    """What is to be kept in mind of these results, a sentence or two each."""
    if paid := results.get("paid_for"):
        yield (
            f"By the reward's own model, which the training was paid by: {', '.join(paid)}. What was trained to please "
            "it pleases it here, too; another model (`scorers`) would say more."
        )
    if "/" in _units(results):
        yield "Words of one language are not added to syllables of another: no corpus rate of all texts."
    if unknown := max(s["texts_with_unknown_characters"] for s in results["systems"]):
        yield (
            f"{unknown} of {max(s['texts'] for s in results['systems'])} texts have characters that the model's "
            "tokenizer does not know (`unknown` in utterances.jsonl): their errors are no fault of its training."
        )
    if strange := sorted({label for s in results["systems"] for label in s.get("emotions_unknown", ())}):
        yield f"Emotions that the classifier does not know, of which nothing is measured: {', '.join(strange)}."
    if otherwise := [s for s in results["systems"] if s["not_chosen_by_likelihood"]]:
        each = (f"{s['not_chosen_by_likelihood']} ({s['system']}, {s['decoding']})" for s in otherwise)
        yield (
            "Texts that the token ear could not weigh, whose sample was chosen by the fewest edits or is the first "
            f"(`chosen_by` in utterances.jsonl): {', '.join(each)}."
        )
    if _mixed(results):
        yield (
            "Mixed: a run of Latin letters and digits is one word, in capitals, as mair-hub's compute-wer.py counts; "
            "all edits by all units. But for homophones: characters of the same pinyin and tone are no error (zh)."
        )


def markdown(results: dict[str, Any], outlier_at: float, bootstrap: DictConfig) -> str:
    """The whole report: systems, then the comparison, then how to read it."""
    text = systems_table(results, outlier_at)
    if results["comparisons"]:
        text += f"\n{results['candidate']} against {results['baseline']}, paired over texts:\n\n"
        text += comparison_table(results)
    for by in dict.fromkeys(group["by"] for group in results.get("groups", ())):
        table = emotions_table(results) if by == "emotion" else groups_table(results, by)
        text += f"\nBy {by}:\n\n{table}"
    text += "".join(f"\n{note}\n" for note in _notes(results))
    if "(-)" in text:
        text += f"\n(-): fewer than {FEWEST} texts, too few for an interval and for a verdict.\n"
    ear = results["ear"].rsplit(".", 1)[-1]
    said = {
        "pinyin_error": f"Pinyin error: toneless syllable error as heard by {ear}, capped at 1 per utterance, mean "
        "over texts; CER, not capped: mean over texts, any acceptable reading and homophones are right; corpus: all "
        "edits by all syllables, uncapped.",
        "error_rate": f"{_headline(results)}: as heard by {ear}, not capped, mean over texts, any acceptable reading "
        "and homophones are right; CER: of letters, capped at 1 per utterance; corpus: all edits by all units.",
    }
    return text + (
        f"\n{said[results['headline']]} {_units(results)} of seed-tts-eval: as its script counts, mean over texts, not "
        "capped: homophones, and digits heard as words, are wrong. Brackets: bootstrap "
        f"{bootstrap.level:.0%} interval (expanded percentiles) over texts, {bootstrap.resamples} resamples, "
        f"seed {results['seed']}. "
        "log-F0 spread: standard deviation of ln(F0/Hz) within an utterance.\n"
    )


def draw(results: dict[str, Any], path: str) -> None:
    """PNG: error by system and decoding with intervals, prosody beside it, each with its own axis."""
    head, title = results["headline"], _headline(results)
    panels = [(head, "pinyin error (toneless)" if head == "pinyin_error" else title)]
    panels += [(m, shown[0]) for m, shown in _watched(results).items() if m in _PICTURED]
    names = list(dict.fromkeys(s["system"] for s in results["systems"]))
    widths = [2, *[1.3] * (len(panels) - 1)]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(2.6 * max(5, len(panels)), 4.2), width_ratios=widths, layout="constrained"
    )
    labels = [f"{s['system']}\n{s['decoding']}" for s in results["systems"]]
    for axis, (measure, title) in zip(axes, panels, strict=True):
        for place, s in enumerate(results["systems"]):
            if (estimate := s[measure]) is None:
                continue
            colour = _COLOURS[names.index(s["system"]) % len(_COLOURS)]
            value = estimate["value"]
            low, high = (value if estimate[end] is None else estimate[end] for end in ("low", "high"))
            spread = [[value - low], [high - value]]
            if measure == head:
                axis.bar(place, value, yerr=spread, color=colour, capsize=4, width=0.7)
                axis.annotate(f"{value:.3f}", (place, high), ha="center", va="bottom", fontsize=9)
            else:
                axis.errorbar(place, value, yerr=spread, color=colour, fmt="o", capsize=4)
        axis.set_title(title, fontsize=11)
        axis.set_xticks(range(len(labels)), labels, fontsize=8, rotation=0 if measure == head else 90)
        axis.set_xlim(-0.6, len(labels) - 0.4)
        axis.margins(y=0.15)
        axis.grid(axis="y", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{results['recipe']}, seed {results['seed']}: bootstrap intervals over texts", fontsize=11)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
    plt.close(figure)
