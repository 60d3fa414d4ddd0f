#!/usr/bin/env bash
# soxr 1.1.0 adds noise to whatever it resamples as int16, silence included and also from a rate to the same one; no parameter turns that off, and
# neither its docstring nor its page on PyPI says it. int32 and float32 are left alone. One second of 24 kHz to 16 kHz:
#     int16 zeros                          -1, 0 and 1 come out; nearly a quarter of the samples are not 0
#     int32 or float32 zeros               zeros
#     int16 to its own rate, 16 kHz        a quarter of the samples are others than before
#     two equal channels                   two channels that differ in 7000 of 16000 samples
# So a test for digital silence, or for a mono recording in two channels, fails after it, a silence that is trimmed by "== 0" stays, and
# a corpus that is resampled as it lies in its WAV files (int16) is not what it was even where nothing was to be done.
# (The noise is libsoxr's dither; python-soxr's issues 10 and 11 speak of its randomness.) Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q soxr==1.1.0 numpy==2.3.5
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import soxr

silence = np.zeros(24_000, np.int16)
tone = (100 * np.sin(2 * np.pi * 200 * np.arange(24_000) / 24_000)).astype(np.int16)
noise = soxr.resample(silence, 24_000, 16_000)
untouched = int((soxr.resample(tone[:16_000], 16_000, 16_000) != tone[:16_000]).sum())
pair = soxr.resample(np.stack([tone, tone], axis=1), 24_000, 16_000)
others = {dtype: int(np.count_nonzero(soxr.resample(silence.astype(dtype), 24_000, 16_000))) for dtype in ("int32", "float32")}
apart = int((pair[:, 0] != pair[:, 1]).sum())

print("int16 zeros:", np.unique(noise).tolist(), np.count_nonzero(noise), "of", len(noise), "not 0")
print("zeros of other types:", others)
print("int16 to its own rate:", untouched, "of 16000 changed")
print("two equal channels:", apart, "of", len(pair), "differ")
same = np.unique(noise).tolist() == [-1, 0, 1] and np.count_nonzero(noise) > 2000 and not any(others.values())
sys.exit(not (same and untouched > 2000 and apart > 3000))
PYTHON
