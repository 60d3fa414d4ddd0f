#!/usr/bin/env bash
# wetext 0.1.8 (WeText's Mandarin grammar, operator "tn"), with a space beside the digits, as many Chinese style guides ask:
#     第2个        -> 第两个          第 2 个       -> 第 两个           (an ordinal, 第二个, becomes a count)
#     增长12.5%    -> 增长百分之十二点五   增长 12.5 %   -> 增长 十二月五日 %   (a decimal becomes the 5th of December)
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q wetext==0.1.8
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from wetext import Normalizer

said = Normalizer(lang="zh", operator="tn").normalize
expected = {
    "第2个": "第两个",
    "第 2 个": "第 两个",
    "增长12.5%": "增长百分之十二点五",
    "增长 12.5 %": "增长 十二月五日 %",
}
found = {text: said(text) for text in expected}
for text, words in found.items():
    print(f"{text:12} {words!r}")
sys.exit(found != expected)
PYTHON
