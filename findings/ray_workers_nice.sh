#!/usr/bin/env bash
# Ray 2.60.0 runs each worker at nice 15, whatever niceness the driver has: on one machine verl's trainer and vLLM, which are Ray actors,
# yield to every other process there is, a reward server that the same run started included. Linux gives nice 15 a weight of 36
# where nice 0 has 1024, so that a worker beside one busy process on its core has about 3 % of it (within one autogroup, or where
# there are none, as in many containers). RAY_worker_niceness=0 in the driver's environment turns it off.
#     driver: nice 0, worker: nice 15; with RAY_worker_niceness=0, worker: nice 0
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ray==2.60.0
cat >"$folder/nice.py" <<'PYTHON'
import os

import ray

ray.init(num_cpus=1, include_dashboard=False, logging_level="error")
print(os.nice(0), ray.get(ray.remote(lambda: os.nice(0)).remote()))
PYTHON
default=$(env -u RAY_worker_niceness "$folder/venv/bin/python" "$folder/nice.py" 2>/dev/null | tail -1)
off=$(RAY_worker_niceness=0 "$folder/venv/bin/python" "$folder/nice.py" 2>/dev/null | tail -1)
echo "driver and worker: nice $default; with RAY_worker_niceness=0: nice $off"
[[ $default == "0 15" && $off == "0 0" ]]
