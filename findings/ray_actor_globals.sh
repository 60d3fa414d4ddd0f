#!/usr/bin/env bash
# ray 2.60.0: an actor's class that its module decorates with @ray.remote travels by value, with the values that the module's globals
# have in the driver; the same class without the decorator, made remote by ray.remote(module.Class), travels by name and finds the
# globals of the worker's own import. So a plugin that sets a global of such a module in Ray's workers (worker_process_setup_hook, or
# whatever a worker imports) reaches the one and not the other, and a global that only the driver set reaches the other and not the
# one; both import the module without complaint. verl has both kinds: AgentLoopWorkerTQ is decorated, AgentLoopWorker is not.
#     module 1, driver sets 2, worker's hook sets 3:    decorated sees 2, plain sees 3
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ray==2.60.0
cat >"$folder/shared.py" <<'PYTHON'
import ray

NUMBER = 1


class Plain:
    def number(self):
        return NUMBER


@ray.remote
class Decorated:
    def number(self):
        return NUMBER
PYTHON
cd "$folder"
PYTHONPATH=$folder "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import ray
import shared


def in_each_worker():
    import shared

    shared.NUMBER = 3


shared.NUMBER = 2
ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", runtime_env={"worker_process_setup_hook": in_each_worker})
decorated = ray.get(shared.Decorated.remote().number.remote())
plain = ray.get(ray.remote(shared.Plain).remote().number.remote())
print(f"ray {ray.__version__}: decorated sees {decorated}, plain sees {plain}")
assert (decorated, plain) == (2, 3)
PYTHON
