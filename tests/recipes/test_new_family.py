"""docs/new_family.md word by word: the files that the page shows, then its commands, two steps of GRPO among them."""

import json
import subprocess

import pyarrow.parquet as pq

from tests.conftest import free_ports
from tests.helpers.page import checkout, commands_of, files_of, write
from tests.helpers.run_sh_checkout import ports_as_overrides

PAGE = "docs/new_family.md"


def test_the_family_of_the_page_is_trained_for_two_steps(built_recipe, tmp_path):
    folder = checkout(tmp_path, built_recipe)
    write(folder, files_of(PAGE))
    ports = " ".join(ports_as_overrides(free_ports(3)))
    for line in commands_of(PAGE):
        heard = "trainer.v1.sampler.sampler_kwargs.observers.audio.every=2" if line.endswith("train") else ""
        script = f"{line} {ports} {heard}" if line.startswith("bash run.sh") else line
        done = subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, line + "\n" + done.stdout[-6000:] + done.stderr[-3000:]
    work = folder / "exp/humming"
    rows = pq.read_table(work / "data/rl_train.parquet").to_pylist()
    assert len(rows) == 40 and [m["role"] for m in rows[0]["prompt"]] == ["user"]
    assert (work / "grpo/latest_checkpointed_iteration.txt").read_text() == "2"
    assert "reward = (1.0 x min(1, " in done.stdout
    spoken = [json.loads(line) for line in (work / "grpo/listen/rollouts.jsonl").read_text().splitlines()]
    assert spoken and all({"term_length", "term_error"} <= set(row) for row in spoken)
