#!/usr/bin/env bash
# ONNX Runtime 1.31.1: set_seed, which says that it seeds random number generation, is read when a session is made and never after. A TTS model with
# noise in its graph (RandomNormalLike, as VITS has it) that is seeded before each request speaks differently each time; sessions of
# one process begin with the same noise, with or without a seed, so a pool of four gives one sample four times. First values drawn:
#     one session, set_seed(7) before each of two runs      other values each time
#     set_seed(7) before each of two sessions               the same values, and others in each one's second run
#     four sessions, set_seed never called                  the same values in all four
#     the graph's own attribute seed=7                      as set_seed(7) before the session: the second run has other values
# So rollouts of one text by a pool are no group of samples. (Issue 27771 asks about new sessions.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q onnxruntime==1.31.1 onnx==1.23.2 numpy==2.3.5
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def session(**attributes):
    node = helper.make_node("RandomNormalLike", ["x"], ["y"], **attributes)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy")
    graph = helper.make_graph([node], "noise", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def noise(made):
    return made.run(None, {"x": np.zeros(3, np.float32)})[0].tolist()


pool = [noise(session()) for _ in range(4)]
own = session(seed=7.0)
own = [noise(own), noise(own), noise(session(seed=7.0))]
one, request = session(), []
for _ in range(2):
    onnxruntime.set_seed(7)
    request.append(noise(one))
loaded = []
for _ in range(2):
    onnxruntime.set_seed(7)
    made = session()
    loaded.append([noise(made), noise(made)])
for name, found in (("pool", pool), ("own seed", own), ("before each request", request), ("before each session", loaded)):
    print(f"{name:20} {found}")
same = pool == [pool[0]] * 4 and request[0] != request[1] and loaded[0] == loaded[1]
sys.exit(not (same and loaded[0][0] != loaded[0][1] and own[0] == own[2] != own[1]))
PYTHON
