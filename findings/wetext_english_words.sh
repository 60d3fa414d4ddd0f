#!/usr/bin/env bash
# WeText's English grammar (package wetext 0.1.8, operator "tn") changes plain words, and loses a sentence that ends with an address:
#     The Sun rises in the east.    The Sunday rises in the east.
#     Music of the 1980s is back.   Music of the one thousand nine hundred and eighty seconds is back.
#     He ran the 400 m.             He ran the four hundred minutes.
#     They sold 1,200 tickets.      They sold thousand two hundred tickets.
#     Visit github.com.             (an empty string)
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q wetext==0.1.8
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from wetext import Normalizer

said = Normalizer(lang="en", operator="tn").normalize
expected = {
    "The Sun rises in the east.": "The Sunday rises in the east.",
    "Music of the 1980s is back.": "Music of the one thousand nine hundred and eighty seconds is back.",
    "He ran the 400 m.": "He ran the four hundred minutes.",
    "They sold 1,200 tickets.": "They sold thousand two hundred tickets.",
    "Visit github.com.": "",
}
found = {text: said(text) for text in expected}
for text, words in found.items():
    print(f"{text:30} {words!r}")
sys.exit(found != expected)
PYTHON
