#!/usr/bin/env bash
# transformers 5.10.4, SpeechT5's own normaliser of English (EnglishNumberNormalizer, by SpeechT5Tokenizer's normalize=True), which writes numbers in words
# before the model speaks them, since the released vocabulary is of letters and has no digits:
#     It is 2.007 m.          It is two.seven m.                   the noughts are gone, and a point stands in a word
#     It costs $1.            It costs one dollars.
#     $3 million              three dollars million
#     It costs $0.99.         It costs point nine nine dollars.    and so 0.5: no nought
#     In 1999                 In one thousand nine hundred and ninety nine
#     the 1st of May          the 1st of May                       digits, of which the tokenizer makes unknown tokens
#     a 12:30 train           a twelve:thirty train
# while 1,000.50 and 3.14 are right. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q transformers==5.10.4
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from transformers.models.speecht5.number_normalizer import EnglishNumberNormalizer

expected = {
    "It is 2.007 m.": "It is two.seven m.",
    "It costs $1.": "It costs one dollars.",
    "$3 million": "three dollars million",
    "It costs $0.99.": "It costs point nine nine dollars.",
    "about 0.5": "about point five",
    "In 1999": "In one thousand nine hundred and ninety nine",
    "the 1st of May": "the 1st of May",
    "a 12:30 train": "a twelve:thirty train",
    "3.14": "three point one four",
    "1,000.50": "one thousand point five zero",
}
normalise = EnglishNumberNormalizer()
found = {text: normalise(text) for text in expected}
for text, words in found.items():
    print(f"{text:18} {words}")
sys.exit(found != expected)
PYTHON
