#!/usr/bin/env bash
# wetext 0.1.8 (WeText's text normalisation grammars) changes ordinary words and empties a text. Normalizer(operator="tn"):
#     en  The Sun rises in the east.     -> The Sunday rises in the east.
#     en  In the 1990s we met.           -> In the one thousand nine hundred and ninety seconds we met.
#     en  Visit github.com.              -> (nothing at all)
#     zh  第 2 个                         -> 第 两个            (said: 第二个)
#     zh  增长 12.5 %                     -> 增长 十二月五日 %   (said: 增长百分之十二点五)
# So what is written for a prompt or compared with a transcript cannot be its output as it stands. Exits 1 if it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q wetext==0.1.8
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from wetext import Normalizer

expected = {
    "en": {
        "The Sun rises in the east.": "The Sunday rises in the east.",
        "In the 1990s we met.": "In the one thousand nine hundred and ninety seconds we met.",
        "Visit github.com.": "",
    },
    "zh": {"第 2 个": "第 两个", "增长 12.5 %": "增长 十二月五日 %"},
}
same = True
for language, texts in expected.items():
    normalise = Normalizer(lang=language, operator="tn").normalize
    for text, known in texts.items():
        found = normalise(text)
        print(f"{language} {text!r}: {found!r}" + ("" if found == known else f"  (was {known!r})"))
        same &= found == known
sys.exit(not same)
PYTHON
