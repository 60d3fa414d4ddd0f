#!/usr/bin/env bash
# SudachiPy 0.7.0 with SudachiDict core 20261015, split mode C, takes digits in kanji and the place that follows them for one unknown
# noun without a reading, as soon as a number in kanji follows the place:
#     〇〇七東京都港区芝公園四    one word, noun, reading 〇〇七東京都港区芝公園四
#     〇〇七東京都港区芝公園      〇〇七 (numeral) and the place; 〇〇七 is read レイキゴウナナ, the second 〇 as キゴウ, "sign"
#     一〇一大阪市北区梅田三の一  一〇一, 大阪市北区梅田, 三, の, 一
# A recogniser that writes addresses in kanji digits (postal code, town, block) gives such texts. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q sudachipy==0.7.0 sudachidict-core==20261015
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from sudachipy import Dictionary, SplitMode

tokenizer = Dictionary(dict="core").tokenizer(mode=SplitMode.C)
found = {
    text: [(word.surface(), word.reading_form()) for word in tokenizer.tokenize(text)]
    for text in ("〇〇七東京都港区芝公園四", "〇〇七東京都港区芝公園", "一〇一大阪市北区梅田三の一")
}
for text, words in found.items():
    print(text, words)
one, two, three = found.values()
same = one == [("〇〇七東京都港区芝公園四", "〇〇七東京都港区芝公園四")] and len(two) > 1 and two[0] == ("〇〇七", "レイキゴウナナ")
sys.exit(not (same and [word for word, _ in three] == ["一〇一", "大阪市北区梅田", "三", "の", "一"]))
PYTHON
