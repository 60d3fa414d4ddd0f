#!/usr/bin/env bash
# zhconv 1.4.3 changes words of Cantonese that are traditional already when it is asked for traditional characters (zh-hant, zh-hk):
#     唔好郁 (do not move)       唔好鬱 (gloomy)         juk1 becomes wat1
#     等我試吓 (let me try)      等我試嚇 (frighten)     haa5 becomes haak3
#     斗零都冇 (not a penny)     鬥零都冇 (fight)        dau2 becomes dau3
# While 我郁悶 needs the change. So text for a Cantonese reader (ToJyutping, PyCantonese) must not be passed through it where it holds a
# character that is traditional only. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "setuptools<81" zhconv==1.4.3 ToJyutping==3.2.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import ToJyutping
import zhconv

expected = {
    "唔好郁": ("唔好鬱", "juk1", "wat1"),
    "等我試吓": ("等我試嚇", "haa5", "haak3"),
    "斗零都冇": ("鬥零都冇", "dau2", "dau3"),
}
same = True
for text, (changed, before, after) in expected.items():
    found = {variant: zhconv.convert(text, variant) for variant in ("zh-hant", "zh-hk")}
    place = next(i for i, (a, b) in enumerate(zip(text, changed, strict=True)) if a != b)
    sounds = [ToJyutping.get_jyutping_list(each)[place][1] for each in (text, changed)]
    print(text, found, sounds)
    same &= set(found.values()) == {changed} and sounds == [before, after]
sys.exit(not same)
PYTHON
