#!/usr/bin/env bash
# tensordict 0.10.0, the newest that verl 0.9.1 admits (<=0.10.0): what is no tensor in a TensorDict gets lost on the way, without a word.
# torch.cat gives all rows the first part's text, and three methods put an empty TensorDict where a column of texts was:
#     torch.cat of 2 rows whose language is "zh" and 3 rows whose language is "en"      5 rows of "zh"; the tensors are right
#     texts of 3 rows, after .contiguous(), .gather(0, index), pad(batch, [0, 1])        no texts: {} of 3, 2 and 4 rows
#     the same by an index, a slice, a mask, .clone(), torch.cat of columns of texts     right
# So a batch put together of two languages or voices is rewarded as one of the first. torch.cat and contiguous have been put right upstream
# (pull requests 1786, 1746; gather is issue 1793), which who holds to verl's pin does not get. Exits 1 if any of it changes (torch 2.13.0).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tensordict==0.10.0 torch==2.13.0 numpy==2.3.5
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from tensordict import TensorDict, pad


def batch(rows, text):
    made = TensorDict({"tokens": torch.arange(rows)}, [rows])
    made["text"] = text  # one for all rows, or a list with one for each
    return made


both = torch.cat([batch(2, "zh"), batch(3, "en")])
languages = [both[row]["text"] for row in range(5)]
print("tokens", both["tokens"].tolist(), "languages", languages)
same = both["tokens"].tolist() == [0, 1, 0, 1, 2] and languages == ["zh"] * 5

texts = batch(3, ["one", "two", "three"])
index = torch.tensor([2, 0])
lost = {
    "contiguous": texts.contiguous(),
    "gather": texts.gather(0, index),
    "pad": pad(texts, [0, 1]),
}
for name, found in lost.items():
    column = found.get("text")
    print(f"{name:12} {len(column)} rows, keys {list(column.keys())}, tokens {found['tokens'].tolist()}")
    same &= type(column) is TensorDict and not list(column.keys())
kept = {
    "index": (texts[index], ["three", "one"]),
    "slice": (texts[1:], ["two", "three"]),
    "mask": (texts[torch.tensor([True, False, True])], ["one", "three"]),
    "clone": (texts.clone(), ["one", "two", "three"]),
    "cat": (torch.cat([texts, texts[:1]]), ["one", "two", "three", "one"]),
}
for name, (found, right) in kept.items():
    print(f"{name:12} {found.get('text').tolist()}")
    same &= found.get("text").tolist() == right
sys.exit(not same)
PYTHON
