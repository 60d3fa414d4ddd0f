#!/usr/bin/env bash
# SudachiPy 0.7.0 reads Japanese numbers and their counters word by word, and its small dictionary reads お母さん as お + はは + さん.
# Ordinary sentences, split mode C, SudachiDict 20261015, `reading_form()` of all words joined:
#     鉛筆を三本買った      エンピツヲサンポンカッタ       said: さんぼん     (small and core)
#     今年の四月            コトシノヨンガツ               said: しがつ       (small and core)
#     午前九時              ゴゼンキュウジ                 said: くじ         (small and core)
#     八十八歳              ハチジュウハチサイ             said: はっさい     (small and core)
#     お母さん              オハハサン (small), オカアサン (core)
#     何人いますか          ナニジンイマスカ (small), ナンニンイマスカ (core)
# So a reader of numbers has to stand before it, and the dictionary has to be the core one. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q sudachipy==0.7.0 sudachidict-small==20261015 sudachidict-core==20261015
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from sudachipy import Dictionary, SplitMode

both = {
    "鉛筆を三本買った": "エンピツヲサンポンカッタ",
    "今年の四月": "コトシノヨンガツ",
    "午前九時": "ゴゼンキュウジ",
    "八十八歳": "ハチジュウハチサイ",
}
expected = {
    "small": both | {"お母さん": "オハハサン", "何人いますか": "ナニジンイマスカ"},
    "core": both | {"お母さん": "オカアサン", "何人いますか": "ナンニンイマスカ"},
}
same = True
for name, readings in expected.items():
    tokenizer = Dictionary(dict=name).tokenizer(mode=SplitMode.C)
    for text, known in readings.items():
        read = "".join(word.reading_form() for word in tokenizer.tokenize(text))
        print(f"{name:5} {text}: {read}" + ("" if read == known else f"  (was {known})"))
        same &= read == known
sys.exit(not same)
PYTHON
