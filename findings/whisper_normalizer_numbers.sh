#!/usr/bin/env bash
# EnglishTextNormalizer of whisper_normalizer 0.1.15, through which transcripts and texts go before a WER, writes numbers across
# commas and full stops, and takes words for numbers. So sentences that are said differently become one, and the WER is 0:
#     I had one, two, three apples.       i had 123 apples           as does "I had one hundred and twenty-three apples."
#     Chapter one. Two men came.          chapter 12 men came        as does "Chapter twelve, men came."
#     Oh, I see.                          0 i see                    as does "Zero, I see."
#     And a half.                         (nothing)
#     He came second.                     he came 2nd
#     It costs five and ten cents.        it costs 5 and ¢10
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q whisper_normalizer==0.1.15
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

from whisper_normalizer.english import EnglishTextNormalizer

expected = {
    "I had one, two, three apples.": "i had 123 apples",
    "I had one hundred and twenty-three apples.": "i had 123 apples",
    "Chapter one. Two men came.": "chapter 12 men came",
    "Chapter twelve, men came.": "chapter 12 men came",
    "Oh, I see.": "0 i see",
    "Zero, I see.": "0 i see",
    "And a half.": "",
    "He came second.": "he came 2nd",
    "It costs five and ten cents.": "it costs 5 and ¢10",
}
normalise = EnglishTextNormalizer()
found = {text: normalise(text).strip() for text in expected}
for text, words in found.items():
    print(f"{text:45} {words!r}")
sys.exit(found != expected)
PYTHON
