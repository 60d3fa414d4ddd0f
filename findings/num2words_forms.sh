#!/usr/bin/env bash
# num2words 0.5.14 inflects what it puts together only in part; whole numbers, no float among them:
#     fr_CH 1000000   un millions                     right: un million
#     fr_CH 345       trois cents quarante-cinq       right: trois cent quarante-cinq (fr has it right)
#     es    21000     veintiuno mil                   right: veintiún mil
#     es    11th      décimoprimero                   right: undécimo, or decimoprimero without the accent
# and it knows a noun's gender in no Romance language: 21 personas is veintiuna, 200 personas doscientas.
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q num2words==0.5.14
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from num2words import num2words

found = {
    "fr_CH 1000000": num2words(1_000_000, lang="fr_CH"),
    "fr_CH 345": num2words(345, lang="fr_CH"),
    "es 21000": num2words(21_000, lang="es"),
    "es 11th": num2words(11, lang="es", to="ordinal"),
}
for number, said in found.items():
    print(f"{number:14} {said}")
sys.exit(list(found.values()) != ["un millions", "trois cents quarante-cinq", "veintiuno mil", "décimoprimero"])
PYTHON
