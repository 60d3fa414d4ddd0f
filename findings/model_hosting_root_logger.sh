#!/usr/bin/env bash
# model_hosting_container_standards.sagemaker (0.1.16), which vLLM's API server imports, sets the process's root logger to ERROR while it is
# imported, and raises the level of handlers that are there already: from then on every warning of every library and of one's own code
# is lost, though logging.basicConfig(level=WARNING) was called before. Whoever serves vLLM inside a trainer (verl does, in the process
# that drives the training too) never sees a warning again. SAGEMAKER_CONTAINER_LOG_LEVEL=WARNING in the environment leaves them.
#     before the import: root WARNING, handler NOTSET, a warning is printed; after it: root ERROR, handler ERROR, nothing is printed
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q model-hosting-container-standards==0.1.16
cat >"$folder/import.py" <<'PYTHON'
import io
import logging

heard = io.StringIO()
logging.basicConfig(level=logging.WARNING, stream=heard)
mine = logging.getLogger("my.training")


def told():
    heard.truncate(0)
    mine.warning("the loss is not finite")
    root = logging.getLogger()
    levels = [logging.getLevelName(one.level) for one in (root, root.handlers[0])]
    return " ".join([*levels, "printed" if heard.getvalue() else "lost"])


before = told()
import model_hosting_container_standards.sagemaker  # noqa: E402, F401

print(f"{before} -> {told()}")
PYTHON
plain=$(env -u SAGEMAKER_CONTAINER_LOG_LEVEL -u LOG_LEVEL "$folder/venv/bin/python" "$folder/import.py" 2>/dev/null)
named=$(SAGEMAKER_CONTAINER_LOG_LEVEL=WARNING "$folder/venv/bin/python" "$folder/import.py" 2>/dev/null)
echo "root, handler, a warning: $plain; with SAGEMAKER_CONTAINER_LOG_LEVEL=WARNING: $named"
[[ $plain == "WARNING NOTSET printed -> ERROR ERROR lost" && $named == "WARNING NOTSET printed -> WARNING WARNING printed" ]]
