#!/usr/bin/env bash
# ToJyutping 3.2.0 gives an everyday word another reading alone than inside a longer one, and some words one that nobody says:
#     大使 daai6 sai2      大使館 daai6 si5 gun2      使館 si3 gun2       ambassador, embassy: the same 使, si3
#     行長 haang4 coeng4   銀行行長 ngan4 hong4 haang4 coeng4            head of a bank, hong4 zoeng2 (校長 haau6 zoeng2 is right)
#     數住 sou3 zyu6       數一數 sou3 jat1 sou3                          counting: the verb is sou2
# So a transcript that has a homophone of the right reading differs from the text. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ToJyutping==3.2.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import ToJyutping

expected = {
    "大使": "daai6 sai2",
    "大使館": "daai6 si5 gun2",
    "使館": "si3 gun2",
    "行長": "haang4 coeng4",
    "銀行行長": "ngan4 hong4 haang4 coeng4",
    "校長": "haau6 zoeng2",
    "數住": "sou3 zyu6",
    "數一數": "sou3 jat1 sou3",
}
found = {text: ToJyutping.get_jyutping_text(text) for text in expected}
print(found)
sys.exit(found != expected)
PYTHON
