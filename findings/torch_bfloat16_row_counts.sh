#!/usr/bin/env bash
# torch 2.13.0, CPU build: a bfloat16 linear layer keeps memory for each number of rows that it has seen, half a MiB for a layer whose weights
# take 72 KiB, up to a thousand numbers. A server that reads sentences of all lengths grows by the GiB, and looks as if it leaked. Of the
# two documented bounds, oneDNN's and torch's own, neither is enough alone. With Linear(192, 192), 1500 calls each (AVX512-BF16):
#     1024 rows, always                                                              2 MiB more
#     1 to 1500 rows                                                               800 MiB more
#     the same, LRU_CACHE_CAPACITY=64                                              630 MiB
#     the same, ONEDNN_PRIMITIVE_CACHE_CAPACITY=64                                 490 MiB
#     the same, both                                                                63 MiB
# Exits 1 if any of it changes; on processors without bfloat16 products the numbers may be others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.3.5
cat >"$folder/grow.py" <<'PYTHON'
import sys

import torch


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20


torch.set_num_threads(1)
layer = torch.nn.Linear(192, 192).bfloat16()
with torch.inference_mode():
    layer(torch.zeros(4096, 192, dtype=torch.bfloat16))
    before = resident()
    for rows in range(1, 1501):
        layer(torch.zeros(1024 if sys.argv[1] == "one" else rows, 192, dtype=torch.bfloat16))
print(resident() - before)
PYTHON
grow() { "${@:2}" "$folder/venv/bin/python" "$folder/grow.py" "$1"; }
one=$(grow one env)
many=$(grow many env)
torchs=$(grow many env LRU_CACHE_CAPACITY=64)
onednns=$(grow many env ONEDNN_PRIMITIVE_CACHE_CAPACITY=64)
both=$(grow many env LRU_CACHE_CAPACITY=64 ONEDNN_PRIMITIVE_CACHE_CAPACITY=64)
echo "MiB more: one number of rows $one, 1500 numbers $many, torch's bound $torchs, oneDNN's bound $onednns, both $both"
((one < 50 && many > 400 && torchs > 300 && onednns > 300 && both < 200))
