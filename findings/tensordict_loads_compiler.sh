#!/usr/bin/env bash
# tensordict 0.10.0 with torch 2.13.0: `import torch` leaves torch's compiler alone, `import tensordict` loads it into every process, with
# sympy, FSDP and 900 other modules, also where TORCH_COMPILE_DISABLE=1 says that nothing will be compiled: _td.py takes one name from
# torch._dynamo, and a decorator in utils.py calls it. verl imports tensordict before anything else, so each of its Ray workers pays,
# those that only pass messages on, too.
#     import torch         torch._dynamo loaded: no
#     import tensordict    torch._dynamo loaded: yes, 952 more modules, 81 MiB more of the process's own memory
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 tensordict==0.10.0 numpy==2.3.5
TORCH_COMPILE_DISABLE=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch


def own():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) >> 10 for line in file if line.startswith("Anonymous"))


before, memory, modules = "torch._dynamo" in sys.modules, own(), len(sys.modules)
import tensordict  # noqa: E402

after = "torch._dynamo" in sys.modules
more, grown = len(sys.modules) - modules, own() - memory
print(f"torch._dynamo after torch: {before}, after tensordict: {after}; {more} more modules, {grown} MiB more")
assert torch.__version__.startswith("2.13.0") and tensordict.__version__ == "0.10.0"
assert not before and after and "torch.distributed.fsdp" in sys.modules
assert more > 500 and grown > 40
PYTHON
