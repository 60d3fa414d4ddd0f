"""docs/new_recipe.md: its commands, in a checkout of their own, and that its table is complete."""

import os
import re
import subprocess

from stages.config import ROOT
from tests.helpers.page import checkout, commands_of

PAGE = "docs/new_recipe.md"


def test_a_copied_recipe_needs_another_name_in_one_place_and_nothing_else(tmp_path):
    folder = checkout(tmp_path)
    *copying, dry_run = commands_of(PAGE)
    assert dry_run == "bash run.sh --recipe my/dialect --dry-run train"
    for line in copying:
        subprocess.run(["bash", "-euc", line], cwd=folder, check=True)
    own = os.environ | {"PYTHONPATH": "/mine:/more"}
    done = subprocess.run(["bash", "-euc", dry_run], cwd=folder, env=own, capture_output=True, text=True)
    command = next(line for line in done.stdout.splitlines() if "verl.trainer.main_ppo" in line)
    assert f"--config-path {folder}/my/dialect --config-name grpo" in command
    assert "TENSORBOARD_DIR=exp/dialect/grpo/tensorboard" in command
    assert f" PYTHONPATH={folder}/my:/mine:/more " in command
    assert "run.sh: stage train needs exp/dialect/sft/config.json" in done.stderr  # nothing was fetched yet
    assert "cosyvoice2" not in re.sub(r"#.*", "", done.stdout)


def test_the_pages_table_names_every_yaml_that_recipes_common_has_for_a_stage():
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    shared = [file.name for file in (ROOT / "recipes/common").glob("*.yaml") if not file.stem.endswith("_base")]
    assert all(f"`{name}`" in page for name in shared if name != "agent_loop.yaml")
