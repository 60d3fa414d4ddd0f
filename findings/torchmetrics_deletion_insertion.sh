#!/usr/bin/env bash
# torchmetrics 1.9.0: match_error_rate, word_information_lost and word_information_preserved are wrong as soon as one sentence has a word too few and a
# word too many. They take the longer of the two lengths for the number of aligned places, and that less the edit distance for the right
# words; their pages have the formulas that jiwer 4.0.0 follows (a plus stands for a product in one). Match error rate, word information lost:
#     reference               transcript                torchmetrics      jiwer
#     a b c                   b c d                     0.667, 0.889      0.500, 0.556
#     the cat sat on the mat  cat sat on the mat now    0.333, 0.556      0.286, 0.306
#     a b c                   a x c                     0.333, 0.556      0.333, 0.556     one replaced word: right
#     a b c d                 x a b c d                 0.200, 0.200      0.200, 0.200     only too many: right
# word_error_rate is right in all of them. A TTS that drops the first word and adds one at the end has lost more than half of the information, where
# it lost less than a third. (torchmetrics' issue 3511 reports it.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 torchmetrics==1.9.0 jiwer==4.0.0 numpy==2.3.5
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import jiwer
from torchmetrics.functional.text import match_error_rate, word_error_rate, word_information_lost, word_information_preserved

wrong = []
for reference, transcript, seen, formula in [
    ("a b c", "b c d", (0.667, 0.889), (0.5, 0.556)),
    ("the cat sat on the mat", "cat sat on the mat now", (0.333, 0.556), (0.286, 0.306)),
    ("a b c", "a x c", (0.333, 0.556), (0.333, 0.556)),
    ("a b c d", "x a b c d", (0.2, 0.2), (0.2, 0.2)),
]:
    right = jiwer.process_words(reference, transcript)
    lost = word_information_lost([transcript], [reference]).item()
    found = (round(match_error_rate([transcript], [reference]).item(), 3), round(lost, 3))
    expected = (round(right.mer, 3), round(right.wil, 3))
    same_wer = abs(word_error_rate([transcript], [reference]).item() - right.wer) < 1e-6
    complement = abs(word_information_preserved([transcript], [reference]).item() - (1 - lost)) < 1e-6
    print(f"{reference:24} {transcript:24} torchmetrics {found}  jiwer {expected}  the same WER: {same_wer}")
    wrong += [transcript] * ((found, expected, same_wer, complement) != (seen, formula, True, True))
sys.exit(bool(wrong))
PYTHON
