"""How the commands of stages end: by a sentence where the user is at fault, by a traceback where we are."""

from pathlib import Path

import pytest

from merge import merge
from speech.faults import UserError, told_plainly
from stages.config import ROOT, compose_stage
from tests.helpers.saved_steps import save_steps

# run.sh adds its own words to what stage models says; torchrun's workers end in a log that has every rank's.
OTHERWISE = {"models/download.py", "verl_plugins/sft_trainer.py"}
PACKAGES = [init.parent for init in ROOT.glob("*/__init__.py") if init.parent.name not in ("tests", "benchmarks")]
MAINS = {
    str(path.relative_to(ROOT)): text
    for package in PACKAGES
    for path in package.rglob("*.py")
    if "\n@hydra.main(" in (text := path.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("name", sorted(MAINS.keys() - OTHERWISE))
def test_a_main_tells_a_users_fault_plainly(name: str):
    """15 had Hydra's traceback of it."""
    assert "told_plainly()" in MAINS[name].split("\n@hydra.main(")[1]


@pytest.mark.parametrize("error", [UserError("a=1: known are 2"), FileNotFoundError("x.jsonl is missing: texts")])
def test_a_users_fault_is_its_message(error: Exception):
    with pytest.raises(SystemExit, match=f"^{error}$"), told_plainly():
        raise error


def test_a_bug_keeps_its_traceback():
    """Of a library's missing file nothing but its name was left."""
    with pytest.raises(FileNotFoundError, match="no/such"), told_plainly():
        Path("no/such").read_bytes()
    with pytest.raises(ValueError, match="shape"), told_plainly():
        raise ValueError("shape")


@pytest.mark.parametrize(
    ("step", "told"), [(99, r"no global_step_99 in .*steps \[10\]"), ("bset", "merge.step=bset: a step, best, or null")]
)
def test_a_step_that_is_none_is_told_by_merge(tmp_path, step: int | str, told: str):
    save_steps(tmp_path, 10)
    cfg = compose_stage("tiny_mandarin", "merge", (f"recipe.grpo_dir={tmp_path}", f"merge.step={step}"))
    with pytest.raises(SystemExit, match=told):
        merge.main.__wrapped__(cfg)


def test_stage_checkpoints_leaves_the_adapter_to_stage_merge(tmp_path, monkeypatch):
    """`bash run.sh train merge checkpoints merge.adapter=DIR` ended at its last stage, after the training."""
    monkeypatch.setattr(merge, "steps_there", lambda folder: [])
    own = (f"recipe.grpo_dir={tmp_path}", "merge.adapter=x")
    merge.main.__wrapped__(compose_stage("tiny_mandarin", "checkpoints", own))
    with pytest.raises(SystemExit, match=r"merge\.adapter is of one checkpoint"):
        merge.main.__wrapped__(compose_stage("tiny_mandarin", "merge", (*own, "merge.step=best", "merge.average=2")))
