#!/usr/bin/env bash
# praatio 6.2.2 leaves out the last interval of a short TextGrid that does not end with a line break, and tgt 1.5 writes such files, by
# default. So of alignments that went from the one library to the other each file lacks the last word, or the last point:
#     tgt writes one two three, in its default (short) format    praatio reads one two
#     the same with a line break added at the end                praatio reads one two three
#     the same in the long format                                praatio reads one two three
#     a second tier of points at 0.5 and 2.5                     praatio reads the one at 0.5; the words are whole then
# Nothing is raised, and the end stays at 3.0. tgt reads all of them, and so does Praat (praat-parselmouth 0.4.7). Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q praatio==6.2.2 tgt==1.5 praat-parselmouth==0.4.7 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from pathlib import Path

import parselmouth
import tgt
from parselmouth.praat import call
from praatio import textgrid

WORDS = ["one", "two", "three"]


def written(name, points=(), **options):
    grid, words = tgt.TextGrid(), tgt.IntervalTier(0, 3, "words")
    for start, word in enumerate(WORDS):
        words.add_interval(tgt.Interval(start, start + 1, word))
    grid.add_tier(words)
    if points:
        tier = tgt.PointTier(0, 3, "points")
        for time in points:
            tier.add_point(tgt.Point(time, "peak"))
        grid.add_tier(tier)
    tgt.write_to_file(grid, name, **options)
    assert [each.text for each in tgt.read_textgrid(name).tiers[0]] == WORDS
    praat = parselmouth.read(name)
    assert [call(praat, "Get label of interval", 1, n) for n in (1, 2, 3)] == WORDS
    assert not points or call(praat, "Get number of points", 2) == len(points)
    return name


def read(name):
    grid = textgrid.openTextgrid(name, includeEmptyIntervals=True)
    assert grid.maxTimestamp == 3.0
    words = [entry.label for entry in grid.getTier("words").entries]
    times = [entry.time for entry in grid.getTier("points").entries] if "points" in grid.tierNames else []
    return words, times


plain, ended = Path(written("plain.TextGrid")), Path("ended.TextGrid")
ended.write_text(plain.read_text() + "\n")
found = {
    "as tgt writes it": read("plain.TextGrid"),
    "a line break added": read("ended.TextGrid"),
    "long format": read(written("long.TextGrid", format="long")),
    "points": read(written("points.TextGrid", points=(0.5, 2.5))),
}
for name, words in found.items():
    print(f"{name:20} {words}")
expected = [(WORDS[:2], []), (WORDS, []), (WORDS, []), (WORDS, [0.5])]
sys.exit(list(found.values()) != expected)
PYTHON
