#!/usr/bin/env bash
# tritonclient 2.73.0 takes numpy's fixed-width bytes (dtype S) as BYTES. numpy drops the zero bytes at their end, so a WAV file
# that is sent as np.array([wav]) arrives without the silence it ends with; nothing is raised, and its header still gives
# the full length. One second at 16 kHz, 16 bits, whose second half is silent:
#     np.array([wav])                  16044 of 32044 bytes arrive; soundfile reads 8000 of 16000 samples
#     np.array([wav], dtype=object)    32044 of 32044
# (serialised and read back by the client's own functions). Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tritonclient==2.73.0 soundfile==0.14.0 numpy==2.3.5
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import soundfile
from tritonclient.utils import deserialize_bytes_tensor, np_to_triton_dtype, serialize_byte_tensor

samples = np.concatenate([0.5 * np.sin(np.arange(8000) / 10), np.zeros(8000)])
file = io.BytesIO()
soundfile.write(file, samples, 16_000, format="WAV", subtype="PCM_16")
wav = file.getvalue()
found = []
for tensor in (np.array([wav]), np.array([wav], dtype=object)):
    arrived = deserialize_bytes_tensor(serialize_byte_tensor(tensor).item())[0]
    read = len(soundfile.read(io.BytesIO(arrived))[0])
    found.append((np_to_triton_dtype(tensor.dtype), len(arrived), read))
    print(f"{tensor.dtype}: {found[-1][0]}, {len(arrived)} of {len(wav)} bytes, {read} of {len(samples)} samples")
sys.exit(found != [("BYTES", 16044, 8000), ("BYTES", 32044, 16000)])
PYTHON
