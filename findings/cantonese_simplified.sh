#!/usr/bin/env bash
# Cantonese in simplified characters, as speech recognisers write it: PyCantonese 5.0.0 gives None for whole words with a simplified
# character in them, and ToJyutping 3.2.0 reads such characters one by one, some as another character that is written the same.
#                     PyCantonese 5.0.0                          ToJyutping 3.2.0
#     佢话听日会嚟     话: None, 会嚟: None                        all read
#     银行行长         银行行: None, 长: None                      all read
#     几多             -                                          gei1 do1 (几, a small table); 幾多 is gei2 do1
# So text is made traditional first. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pycantonese==5.0.0 ToJyutping==3.2.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pycantonese
import ToJyutping

missing = {text: [word for word, read in pycantonese.characters_to_jyutping(text) if read is None] for text in ("佢话听日会嚟", "银行行长")}
few = {text: [read for _, read in ToJyutping.get_jyutping_list(text)] for text in ("几多", "幾多")}
print("PyCantonese has no reading of", missing)
print("ToJyutping reads", few)
same = missing == {"佢话听日会嚟": ["话", "会嚟"], "银行行长": ["银行行", "长"]}
same &= few == {"几多": ["gei1", "do1"], "幾多": ["gei2", "do1"]}
sys.exit(not same)
PYTHON
