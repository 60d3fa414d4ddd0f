#!/usr/bin/env bash
# num2words 0.5.14, years before Christ, ordinals and amounts of money that are ordinary input:
#     de year -44          minuseinshundertsechsundfünfzig   (minus one hundred, and 56)     right: vierundvierzig vor Christus
#     fr 80th, 200th       quatre-vingtsième, deux centsième right: quatre-vingtième, deux centième
#     nl year 1945         negentien honderd vijfenveertig   one word: negentienhonderdvijfenveertig
#     es 21 EUR (an int)   cero euros con veintiún céntimos  a whole number of euros is taken for cents; 21.0 for euros
#     it year 1818         milleottocentodicotto             right: milleottocentodiciotto (18 and 1018 have it right)
#     fr, it, nl 1000000th un millionième, un milionesimo, een miljoenste    right: without un and een (un milionesimo is the fraction)
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
    "de year -44": num2words(-44, lang="de", to="year"),
    "fr 80th": num2words(80, lang="fr", to="ordinal"),
    "fr 200th": num2words(200, lang="fr", to="ordinal"),
    "nl year 1945": num2words(1945, lang="nl", to="year"),
    "es 21 EUR": num2words(21, lang="es", to="currency", currency="EUR"),
    "es 21.0 EUR": num2words(21.0, lang="es", to="currency", currency="EUR"),
    "it 18, 1018": f"{num2words(18, lang='it')}, {num2words(1018, lang='it')}",
    "it year 1818": num2words(1818, lang="it"),
    "fr 1000000th": num2words(1_000_000, lang="fr", to="ordinal"),
    "it 1000000th": num2words(1_000_000, lang="it", to="ordinal"),
    "nl 1000000th": num2words(1_000_000, lang="nl", to="ordinal"),
}
for what, said in found.items():
    print(f"{what:14} {said}")
expected = [
    "minuseinshundertsechsundfünfzig",
    "quatre-vingtsième",
    "deux centsième",
    "negentien honderd vijfenveertig",
    "cero euros con veintiún céntimos",
    "veintiún euros con cero céntimos",
    "diciotto, millediciotto",
    "milleottocentodicotto",
    "un millionième",
    "un milionesimo",
    "een miljoenste",
]
sys.exit(list(found.values()) != expected)
PYTHON
