#!/usr/bin/env bash
# text2num 3.1.0: alpha2digit, meant to write a transcript's number words in digits before a WER, takes other words for numbers and
# leaves numbers as they are:
#     it  Tu sei bello.                        Tu 6 bello.                           sei: you are
#     fr  Il est arrivé neuf et content.       Il est arrivé 9 et content.           neuf: new
#     nl  Ik heb acht en een halve appel.      Ik heb 8 en 1 halve appel.
#     de  Er kam am dritten.                   Er kam am 3..                         and a full stop too many
#     es  Tengo veintiún años.                 (left as it is, as "veinte años" is not: 20 años)
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q text2num==3.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from text_to_num import alpha2digit

expected = {
    ("it", "Tu sei bello."): "Tu 6 bello.",
    ("fr", "Il est arrivé neuf et content."): "Il est arrivé 9 et content.",
    ("nl", "Ik heb acht en een halve appel."): "Ik heb 8 en 1 halve appel.",
    ("de", "Er kam am dritten."): "Er kam am 3..",
    ("es", "Tengo veintiún años."): "Tengo veintiún años.",
    ("es", "Tengo veinte años."): "Tengo 20 años.",
}
found = {(language, text): alpha2digit(text, language) for language, text in expected}
for (language, text), written in found.items():
    print(f"{language}  {text:36} {written}")
sys.exit(found != expected)
PYTHON
