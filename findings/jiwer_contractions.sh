#!/usr/bin/env bash
# jiwer 4.0.0: ExpandCommonEnglishContractions, meant to make "it's" and "it is" one before a WER, goes by letters alone:
#     the dog's tail              the dog is tail        every possessive
#     he's seen it                he is seen it          has
#     she'd gone                  she would gone         had
#     we shan't go                we sha not go
# A recogniser that writes a possessive without its apostrophe ("the dogs tail"), 1 wrong of 3 words, gets 2 of 4; one that hears "the
# dog is tail", which is wrong, gets 0. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q jiwer==4.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import jiwer

expand = jiwer.Compose([jiwer.ExpandCommonEnglishContractions(), jiwer.ReduceToListOfListOfWords()])
expected = {
    "the dog's tail": "the dog is tail",
    "he's seen it": "he is seen it",
    "she'd gone": "she would gone",
    "we shan't go": "we sha not go",
}
found = {text: " ".join(expand(text)[0]) for text in expected}
for text, words in found.items():
    print(f"{text:20} {words}")
rates = {
    heard: jiwer.wer("the dog's tail", heard, reference_transform=expand, hypothesis_transform=expand)
    for heard in ("the dogs tail", "the dog is tail")
}
print("WER of the dog's tail:", rates)
sys.exit(found != expected or rates != {"the dogs tail": 0.5, "the dog is tail": 0.0})
PYTHON
