#!/usr/bin/env bash
# SudachiPy 0.7.0 with SudachiDict core 20261015, `reading_form()` of all words joined, split mode C: everyday words whose reading is
# none that anybody says (`is_oov()` is false for all of them but the name):
#     髙橋さんです       髙橋サンデス              the name's second form, in kanji; 高橋 is タカハシ
#     お祖母さんと話す   オソボサントハナス        said: おばあさん
#     何曜日ですか       ナンヨウヒデスカ          said: なんようび
#     犬が何匹いる       イヌガナンヒキイル        said: なんびき
#     十時頃です         ジュウジコロデス          said: ごろ
#     一石二鳥だ         イチコクニチョウダ        said: いっせきにちょう
# So its readings are not enough to compare a transcript in kana with a text in kanji. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q sudachipy==0.7.0 sudachidict-core==20261015
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from sudachipy import Dictionary, SplitMode

expected = {
    "髙橋さんです": "髙橋サンデス",
    "高橋さんです": "タカハシサンデス",
    "お祖母さんと話す": "オソボサントハナス",
    "何曜日ですか": "ナンヨウヒデスカ",
    "犬が何匹いる": "イヌガナンヒキイル",
    "十時頃です": "ジュウジコロデス",
    "一石二鳥だ": "イチコクニチョウダ",
}
tokenizer, same = Dictionary(dict="core").tokenizer(mode=SplitMode.C), True
for text, known in expected.items():
    words = tokenizer.tokenize(text)
    read = "".join(word.reading_form() for word in words)
    unknown = [word.surface() for word in words if word.is_oov() and word.part_of_speech()[1] != "数詞"]
    print(f"{text}: {read} {unknown or ''}" + ("" if read == known else f"  (was {known})"))
    same &= read == known and unknown == (["髙橋"] if "髙" in text else [])
sys.exit(not same)
PYTHON
