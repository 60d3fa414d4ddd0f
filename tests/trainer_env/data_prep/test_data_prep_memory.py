"""Stage data streams its rows: memory does not grow with the file."""

import json
import subprocess
import sys

from stages.config import ROOT

SIZES = [500, 5_000]
CODE = f"""
import json
from benchmarks.prepare_memory import measured
print(json.dumps([measured(rows, 20_000) for rows in {SIZES}]))
"""


def test_ten_times_as_many_rows_take_hardly_more_memory():
    """10 MB, then 100 MB, which would be a quarter of a process's 370 MB more if the rows were kept. By one process of
    its own: the most that it ever had does not fall."""
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    few, many = json.loads(done.stdout.splitlines()[-1])
    assert [few["rows"], many["rows"]] == SIZES and many["input_mb"] >= SIZES[1] * 20_000 / 1e6
    assert many["peak_mb"] < 1.1 * few["peak_mb"]
