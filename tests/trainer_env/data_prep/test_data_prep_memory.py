"""Stage data streams its rows: memory does not grow with the file."""

import json
import subprocess
import sys

from stages.config import ROOT


def peak_mb(rows: int) -> int:
    """Of a process of its own that prepares so many rows of 20 kB."""
    argv = [sys.executable, "-m", "benchmarks.prepare_memory", str(rows), "--field-bytes", "20000"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["rows"] == rows and found["input_mb"] >= rows * 20_000 / 1e6
    return found["peak_mb"]


def test_ten_times_as_many_rows_take_hardly_more_memory():
    """10 MB, then 100 MB, which would be a quarter of a process's 370 MB more if the rows were kept."""
    assert peak_mb(5_000) < 1.1 * peak_mb(500)
