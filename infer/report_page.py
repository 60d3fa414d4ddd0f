"""The evaluation as one HTML file that opens without a server: table, picture, the best and the worst sentences to
hear, and every error per unit. Sound and picture are inside the file; nothing is fetched and no script runs."""

import base64
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from infer.aligned import CORRECT, Edit, Piece, Statistics, asked_pieces, edits, heard_pieces
from reward_tts.reward.errors import Compared, style

Rows = Mapping[str, Sequence[dict[str, Any]]]  # {system: lines of utterances.jsonl with one decoding}

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #222 }
h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2em } img { max-width: 100% }
table { border-collapse: collapse; margin: .6em 0; font-size: .92em }
th, td { border-bottom: 1px solid #ddd; padding: .3em .7em; text-align: left; vertical-align: top }
th { background: #f5f5f5 } .scroll { overflow-x: auto } .scroll td, .scroll th { white-space: nowrap }
audio { height: 32px; width: 17em } summary { cursor: pointer; margin: .5em 0 } pre { overflow: auto; max-height: 40em }
.columns { display: flex; gap: 2.5em; flex-wrap: wrap } .gain { color: #1c7c3c } .loss { color: #b3261e }
"""
MARKS = """
mark { border-radius: 3px; padding: 0 2px; color: inherit }
mark.substitution { background: #f8c9c2 } mark.deletion { background: #fde3a7; text-decoration: line-through }
mark.insertion { background: #c9dcf8 }
"""
LEGEND = (
    "<mark class='substitution'>heard as something else</mark> <mark class='deletion'>not heard</mark> "
    "<mark class='insertion'>heard, not asked for</mark>"
)


def marked(stretches: Iterable[Piece]) -> str:
    """Stretches of a text as HTML, those that are wrong marked by their kind."""
    parts = []
    for text, kind in stretches:
        safe = html.escape(text)
        parts.append(safe if kind == CORRECT else f"<mark class='{kind}'>{safe}</mark>")
    return "".join(parts) or "&empty;"


def steps_of(row: Mapping[str, Any]) -> list[Edit]:
    """The errors of a line of utterances.jsonl, as its substitutions, deletions and insertions count them."""
    return edits(Compared(row["text"], row["transcript"], row["language"]), style(row["language"], "text"))


def statistics(rows: Iterable[Mapping[str, Any]]) -> Statistics:
    """Of one system and decoding."""
    return Statistics.of((f"{row['index']}-{row['sample']}", steps_of(row)) for row in rows)


@dataclass(frozen=True)
class Chosen:
    """Texts of one list of the page: a title, and each text's index with what is said of it."""

    title: str
    texts: list[tuple[int, str]]


def choose(rows: Rows, measure: str, baseline: str, candidate: str, each: int) -> list[Chosen]:
    """The `each` largest gains and losses of the candidate, and its worst texts beside those; by first samples. Without
    a baseline its best instead of gains. No text is in two lists."""
    of = {s: {r["index"]: r[measure] for r in found if r["sample"] == 0} for s, found in rows.items()}
    own, other = of[candidate], of.get(baseline) if baseline != candidate else None
    lists, seen = [], set()

    def add(title: str, ranked: list[tuple[float, int]], form: str) -> None:
        texts = [(index, form.format(value)) for value, index in ranked if index not in seen][:each]
        seen.update(index for index, _ in texts)
        lists.append(Chosen(title, texts))

    if other:
        gains = sorted((other[i] - own[i], i) for i in own.keys() & other.keys())
        best, worst = [g for g in reversed(gains) if g[0] > 0], [g for g in gains if g[0] < 0]
        add(f"Largest gains of {candidate} over {baseline}", best, "<span class='gain'>{:+.3f}</span>")
        add(f"Largest losses of {candidate} against {baseline}", worst, "<span class='loss'>{:+.3f}</span>")
    else:
        add(f"Best of {candidate}", sorted((v, i) for i, v in own.items()), "{:.3f}")
    add(f"Worst of {candidate}", sorted(((v, i) for i, v in own.items()), key=lambda o: (-o[0], o[1])), "{:.3f}")
    return [one for one in lists if one.texts]


def audio(wave: np.ndarray, rate: int) -> str:
    """A player with the wave in it, 16-bit FLAC: lossless, and every browser plays it."""
    if not len(wave):
        return "<i>no sound</i>"
    buffer = BytesIO()
    soundfile.write(buffer, wave, rate, format="FLAC", subtype="PCM_16")
    return f"<audio controls preload='none' src='data:audio/flac;base64,{_base64(buffer.getvalue())}'></audio>"


def page(
    results: Mapping[str, Any],
    table: str,
    picture: str | Path,
    rows: Mapping[tuple[str, str], Sequence[dict[str, Any]]],
    lists: Sequence[Chosen],
    decoding: str,
    waves: Mapping[tuple[str, int], tuple[np.ndarray, int]],
) -> str:
    """The whole file.

    Args:
        results: what results.json holds. table: results.md. picture: PNG of the results.
        rows: {(system, decoding): lines of utterances.jsonl}.
        lists: sentences to hear, of `decoding`. waves: {(system, text index): samples, Hz} of them.
    """
    shown = list(dict.fromkeys((results["baseline"], results["candidate"])))
    here = {system: {r["index"]: r for r in rows[system, decoding] if r["sample"] == 0} for system in shown}
    title = f"{html.escape(results['recipe'])}: evaluation"
    parts = [f"<h1>{title}</h1>", _tables(table)]
    parts.append(
        f"<img alt='error and prosody by system' src='data:image/png;base64,{_base64(Path(picture).read_bytes())}'>"
    )
    for chosen in lists:
        parts += [f"<h2>{html.escape(chosen.title)} ({decoding})</h2>", f"<p>{LEGEND}</p>" * (chosen is lists[0])]
        parts.append(_sentences(chosen, here, results["headline"], waves))
    counted = {key: statistics(found) for key, found in rows.items()}
    parts += ["<h2>Errors per unit</h2>", _confusions({s: counted[s, decoding] for s in shown}, decoding)]
    for (system, how), found in counted.items():
        name = html.escape(f"{system}, {how}")
        parts.append(f"<details><summary>{name}: all errors</summary><pre>{html.escape(found.text())}</pre></details>")
    policy = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
    head = (
        f"<meta charset='utf-8'><meta http-equiv='Content-Security-Policy' content=\"{policy}\"><title>{title}</title>"
    )
    return (
        f"<!doctype html><html><head>{head}<style>{STYLE}{MARKS}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _sentences(chosen: Chosen, here: Mapping[str, Mapping[int, dict]], measure: str, waves: Mapping) -> str:
    lines = []
    for index, said in chosen.texts:
        for place, (system, found) in enumerate(here.items()):
            if (row := found.get(index)) is None:
                continue
            steps = steps_of(row)
            first = f"<td rowspan='{len(here)}'>{index}</td><td rowspan='{len(here)}'>{said}</td>" if not place else ""
            asked, heard = marked(asked_pieces(row["text"], steps)), marked(heard_pieces(row["transcript"], steps))
            player = audio(*waves[system, index]) if (system, index) in waves else ""
            cells = (html.escape(system), asked, heard, f"{row[measure]:.3f}", player)
            lines.append(f"<tr>{first}" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    header = _row("th", ["text", "difference" if len(here) > 1 else "error", "speech", "asked", "heard", "error", ""])
    return f"<table>{header}{''.join(lines)}</table>"


def _confusions(counted: Mapping[str, Statistics], decoding: str, most: int = 25) -> str:
    columns = []
    for title in ("substitutions", "deletions", "insertions"):
        tables = {system: getattr(found, title) for system, found in counted.items()}
        keys = sorted(set().union(*tables.values()), key=lambda k: (-sum(t[k] for t in tables.values()), k))
        header = _row("th", [title, *map(html.escape, tables)])
        body = [
            _row(
                "td", [html.escape(" → ".join(k) if isinstance(k, tuple) else k), *(str(t[k]) for t in tables.values())]
            )
            for k in keys[:most]
        ]
        total = _row("th", ["all", *(str(t.total()) for t in tables.values())])
        columns.append(f"<table>{header}{total}{''.join(body)}</table>")
    told = f"<p>{html.escape(decoding)}; the most frequent {most} of each kind</p>"
    return f"{told}<div class='columns'>{''.join(columns)}</div>"


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _tables(markdown: str) -> str:
    """The report's own Markdown, which is paragraphs and tables."""
    parts = []
    for block in re.split(r"\n\n+", markdown.strip()):
        lines = block.splitlines()
        if lines[0].startswith("|"):
            cells = [[html.escape(c.strip()) for c in line.strip("|").split("|")] for line in lines]
            body = _row("th", cells[0]) + "".join(_row("td", line) for line in cells[2:])
            parts.append(f"<div class='scroll'><table>{body}</table></div>")
        else:
            parts.append(f"<p>{html.escape(block)}</p>")
    return "".join(parts)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
