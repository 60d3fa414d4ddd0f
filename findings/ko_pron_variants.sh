#!/usr/bin/env bash
# ko-pron 1.3 gives all pronunciations of a text at once, joined by "/": twice as many for each kind of vowel that may be said in
# two ways, and of the two ways of 십육 only the one without the inserted n (the dictionary's is 심뉵).
#     romanise("계획", "ph")             4 variants: 계훽/계획/게훽/게획
#     romanise("십육", "ph")             시뷱
#     romanise("회의 계획", "ph")        the blank stays, 의 is not said as 이
# So it is no reader of sentences to be compared. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ko-pron==1.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from ko_pron import romanise

plan, sixteen, meeting = (romanise(text, "ph") for text in ("계획", "십육", "회의 계획"))
print(f"계획: {plan}\n십육: {sixteen}\n회의 계획: {meeting}")
same = plan == "계훽/계획/게훽/게획" and sixteen == "시뷱" and len(meeting.split("/")) == 4 and "이 " not in meeting
sys.exit(not same)
PYTHON
