#!/usr/bin/env bash
# Ray 2.60.0: `ray.init()` waits 30 s for the node that it has just started, and no setting or variable changes that: the number is
# written into Node.__init__, where the error also names an overloaded GCS. A GCS question that is not answered within its own 60 s counts
# as a failed one, and after it there is no other try. On two cores with seven other jobs a start took longer, and verl's training
# ended before its first step.
#     in the source: raylet_start_wait_time_s = 30; of Ray's variables none that names it: 0
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ray==2.60.0
"$folder/venv/bin/python" - <<'PYTHON'
import inspect
import re
from pathlib import Path

import ray._private.node
import ray._private.ray_constants

source = inspect.getsource(ray._private.node.Node.__init__)
fixed = re.findall(r"raylet_start_wait_time_s = (\S+)", source)
package = Path(ray.__file__).parent / "_private"
named = [path for path in package.rglob("*.py") if "raylet_start_wait" in path.read_text().replace(source, "").lower()]
named = [path.name for path in named if path.name != "node.py"]
print("in the source:", fixed, "elsewhere:", named)
assert fixed == ["30"] and not named
PYTHON
