#!/usr/bin/env bash
# breame 0.1.2, get_american_spelling, meant to make British and American texts one before a WER, looks words up one by one. A noun
# becomes a verb that sounds different, and of spellings of one kind some are known and some are not:
#     the analyses were done        analyzes             the plural of analysis; so paralyses paralyzes
#     judgement  judgment           acknowledgement      as it was
#     fulfil     fulfill            skilful              as it was
#     tyre       tire               kerb, cheque         as they were
#     mould      mold               storey, gaol         as they were
# So "three analyses" against "three analyzes" is no error, and "kerb" against "curb" is one. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q breame==0.1.2
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from breame.spelling import get_american_spelling

expected = {
    "analyses": "analyzes",
    "paralyses": "paralyzes",
    "judgement": "judgment",
    "acknowledgement": "acknowledgement",
    "fulfil": "fulfill",
    "skilful": "skilful",
    "tyre": "tire",
    "kerb": "kerb",
    "cheque": "cheque",
    "mould": "mold",
    "storey": "storey",
    "gaol": "gaol",
}
same = True
for word, known in expected.items():
    found = get_american_spelling(word)
    print(f"{word}: {found}" + ("" if found == known else f"  (was {known})"))
    same &= found == known
sys.exit(not same)
PYTHON
