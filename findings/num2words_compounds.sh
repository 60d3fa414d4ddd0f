#!/usr/bin/env bash
# num2words 0.5.14, whole numbers that end in 18 and ordinals of a million, ordinary input of a text normaliser:
#     it  118          centodicotto             right: centodiciotto (18 and 1018 have it right)
#     it  1818         milleottocentodicotto    right: milleottocentodiciotto, a year
#     it  118th        centodicottesimo         right: centodiciottesimo
#     it  1000000th    un milionesimo           right: milionesimo (un milionesimo is the fraction, a millionth)
#     fr  1000000th    un millionième           right: millionième
#     nl  1000000th    een miljoenste           right: miljoenste
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet num2words==0.5.14
"$folder/env/bin/python" - <<'CODE'
from num2words import num2words

seen = {
    ("it", 18, "cardinal"): "diciotto",
    ("it", 118, "cardinal"): "centodicotto",
    ("it", 1018, "cardinal"): "millediciotto",
    ("it", 1818, "cardinal"): "milleottocentodicotto",
    ("it", 118, "ordinal"): "centodicottesimo",
    ("it", 1_000_000, "ordinal"): "un milionesimo",
    ("fr", 1_000_000, "ordinal"): "un millionième",
    ("nl", 1_000_000, "ordinal"): "een miljoenste",
}
for (language, number, kind), said in seen.items():
    now = num2words(number, lang=language, to=kind)
    print(language, number, kind, now)
    assert now == said, (language, number, kind, now)
CODE
