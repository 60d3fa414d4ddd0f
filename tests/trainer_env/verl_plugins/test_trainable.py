"""Which parameters are trained. That the rest stays as it was is shown in tests/trainer_env/test_end_to_end.py."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from torch.nn import LayerNorm, Linear, Sequential
from verl.utils.checkpoint.checkpoint_manager import BaseCheckpointManager
from verl.workers.engine.base import EngineRegistry

from merge.choose import HEARD_SHARE, LOSSES, RANKING, kept_steps, least_loss, saved_steps
from models.trainable import freeze_all_but
from speech.files import append_jsonl, write_jsonl
from stages.config import compose_stage
from tests.helpers.saved_steps import save_steps
from verl_plugins.trainable import NamedParametersEngine, counted, saved_before


def model() -> Sequential:
    return Sequential(Linear(2, 2), LayerNorm(2))  # parameters 0.weight, 0.bias, 1.weight, 1.bias


def test_only_whole_names_that_match_are_trained():
    module = model()
    assert freeze_all_but(module, [r"1\.weight", "0.*"]) == ["0.weight", "0.bias", "1.weight"]
    assert [p.requires_grad for p in module.parameters()] == [True, True, True, False]
    assert freeze_all_but(module, ["1.bias"]) == ["1.bias"]


@pytest.mark.parametrize("part", ["weight", "1.weigh"])  # a name's end, and its beginning
def test_a_pattern_that_matches_nothing_is_refused_with_the_names_there_are(part):
    with pytest.raises(ValueError, match=rf"'{part}' matches no parameter.*0\.weight"):
        freeze_all_but(model(), [part, "1.bias"])


def test_the_engine_is_chosen_by_verls_own_variable(monkeypatch):
    monkeypatch.setenv("VERL_ENGINE_DEVICE", "named_parameters")
    for backend in ("fsdp", "fsdp2"):
        assert EngineRegistry.get_engine_cls("language_model", backend) is NamedParametersEngine
    monkeypatch.setenv("VERL_ENGINE_DEVICE", "cuda")
    assert EngineRegistry.get_engine_cls("language_model", "fsdp2") is NamedParametersEngine.__base__


def test_what_a_resumed_run_counts_among_its_checkpoints(tmp_path, monkeypatch):
    """Whole ones up to where it was resumed, by number, as verl names what it saves; verl resumes by absolute paths."""
    save_steps(tmp_path / "grpo", 2, 10, 4, 12)
    (tmp_path / "grpo/global_step_6/actor").mkdir(parents=True)  # interrupted, or rotated out
    save_steps(tmp_path / "other", 1)
    monkeypatch.chdir(tmp_path)
    resumed = f"{tmp_path}/grpo/global_step_10/actor"
    assert saved_before("grpo/global_step_11/actor", resumed) == [f"grpo/global_step_{n}/actor" for n in (2, 4, 10)]
    assert saved_before("grpo/global_step_4/actor", resumed) == [f"grpo/global_step_{n}/actor" for n in (2, 10)]
    assert saved_before("other/global_step_11/actor", resumed) == []  # begun from another run's checkpoint


def saves(grpo: Path, keep: int, steps: Sequence[int], resumed: str | None = None) -> Iterator[tuple[int, list[int]]]:
    """Saves these as verl does, and gives each and what is there after it."""
    manager, beside = object.__new__(BaseCheckpointManager), []
    manager.previous_saved_paths = []
    for step in steps:
        path = f"{grpo}/global_step_{step}/actor"
        before = [*beside, *manager.previous_saved_paths]
        manager.previous_saved_paths, beside = counted(before, path, resumed, kept_steps(grpo))
        resumed = None
        manager.ensure_checkpoint_capacity(keep)
        save_steps(grpo, step)
        manager.register_checkpoint(path, keep)
        yield step, saved_steps(grpo)


def heard(grpo: Path, steps: dict[int, tuple[float, int]]) -> None:
    """What the guard heard: of each step the error, and on how many texts."""
    rows = [(step, f"text {n}", error) for step, (error, texts) in steps.items() for n in range(texts)]
    told = {"id": "1.0", "kind": "held_out", "reward": 0.0}
    write_jsonl(grpo / "guard/heard.jsonl", [told | {"step": s, "text": t, "other": e} for s, t, e in rows])


def test_a_rotation_leaves_what_the_guard_would_choose_and_no_longer(tmp_path):
    """Two are kept. Step 5 is the best that was heard until 20 is heard (15 is so in part), 10 what an alarm would go
    back to until 24 was calm, too. A process that begins at 30 finds them in the folder."""

    def held_out(**errors: float) -> dict:
        return {"heard": {int(name[1:]): (error, 3 if name == "_15" else 8) for name, error in errors.items()}}

    files = {
        5: held_out(_0=0.0, _5=0.1),
        10: {"calm": {"step": 12}},
        15: held_out(_5=0.1, _10=0.2, _15=0.01),
        20: held_out(_5=0.1, _10=0.2, _15=0.01, _20=0.05),
        25: {"calm": {"step": 24}},
        35: held_out(_20=0.05, _30=0.02) | {"calm": {"step": 34}},
    }
    (tmp_path / "guard").mkdir()
    left = []
    for resumed, steps in ((None, (5, 10, 15, 20, 25, 30)), (f"{tmp_path}/global_step_30/actor", (35, 40, 45))):
        for step, there in saves(tmp_path, 2, steps, resumed):
            left.append(there)
            for name, content in files.get(step, {}).items():
                if name == "heard":
                    heard(tmp_path, content)
                else:
                    (tmp_path / f"guard/{name}.json").write_text(json.dumps(content))
    assert left[:6] == [[5], [5, 10], [5, 10, 15], [5, 10, 15, 20], [10, 15, 20, 25], [20, 25, 30]]
    assert left[6:] == [[20, 30, 35], [30, 35, 40], [30, 40, 45]]


def test_a_rotation_leaves_what_merge_would_choose_of_those_mostly_heard(tmp_path):
    """At 4a1ecbbf step 30 alone stayed: one text of 20, whose error is a quarter, was not heard."""
    save_steps(tmp_path, 10, 20, 30, 40)
    texts = {10: (0.01, 57), 20: (0.05, 63), 30: (0.20, 64), 40: (0.30, 64)}  # 57 is less than 0.9 x 64 = 57.6
    (tmp_path / "guard").mkdir()
    heard(tmp_path, texts)
    assert kept_steps(tmp_path) == {20, 30}
    assert compose_stage("tiny_mandarin", "merge").merge.heard_share == HEARD_SHARE


def test_up_to_one_four_or_five_checkpoints_stay_beside_the_last(tmp_path):
    """Without a guard, with one, behind an alarm. docs/training.md said three, without that of stage `checkpoints`."""
    grpo, best = tmp_path / "grpo", tmp_path / "checkpoints/best.json"
    save_steps(grpo, 10, 20, 30, 40, 50, 60)
    files = {best: {"ranking": [{"step": 30}]}, grpo / "guard/calm.json": {"step": 41}}
    files |= {grpo / "guard/alarm.json": {"last_good": 50, "since": 52}}
    kept = []
    for file, content in files.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
        kept.append(kept_steps(grpo))
        if file == best:
            (grpo / "guard").mkdir()
            heard(grpo, {10: (0.1, 60), 20: (0.2, 64)})
            kept.append(kept_steps(grpo))
    assert kept == [{30}, {30, 10, 20}, {30, 10, 20, 40}, {30, 10, 20, 40, 50}]


@pytest.mark.parametrize("work", [".", "another/disk"])
def test_a_rotation_leaves_what_one_may_go_back_to(tmp_path, monkeypatch, work: str):
    """Saves of steps 4 to 16, four of them kept, were stopped by the guard; the run went on to 28, with a warning only.
    At f12e4e1 steps 4 and 8 were gone at 24. verl's own rotation, without the distributed run around it. With
    a recipe.grpo_dir outside recipe.work_dir best.json was not found, and step 12 went, too."""
    grpo, best = tmp_path / "grpo", tmp_path / work / "checkpoints/best.json"
    if work != ".":
        monkeypatch.setenv(RANKING, str(best))
    save_steps(grpo, 4, 8, 12, 16)
    for file, content in ((grpo / "guard/alarm.json", {"last_good": 4, "since": 14}), (best, {"ranking": []})):
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(content))
    left = []
    for step, steps in saves(grpo, 4, (20, 24, 28), f"{grpo}/global_step_16/actor"):
        left.append(steps)
        if step == 20:  # stage checkpoints, meanwhile; its best one is from behind the alarm
            ranking = [{"step": 16, "error": 0.1}, {"step": 12, "error": 0.2}]
            best.write_text(json.dumps({"ranking": ranking}))
            assert kept_steps(grpo) == {4, 12}
    assert left == [[4, 8, 12, 16, 20], [4, 8, 12, 16, 20, 24], [4, 12, 16, 20, 24, 28]]


def test_the_best_of_an_sft_stays_beside_the_last_and_what_was_the_best_goes(tmp_path):
    """Two are kept; by the losses 4 is the best of 2 to 6, then 8."""
    manager, beside, left = object.__new__(BaseCheckpointManager), [], []
    manager.previous_saved_paths = []
    for step, loss in ((2, 1.0), (4, 0.8), (6, 0.9), (8, 0.7), (10, 0.9), (12, 0.9)):
        append_jsonl(tmp_path / LOSSES, [{"step": step, "loss": loss}])  # validated before it is saved
        path, kept = f"{tmp_path}/global_step_{step}", {least_loss(tmp_path)} - {None}
        manager.previous_saved_paths, beside = counted([*beside, *manager.previous_saved_paths], path, None, kept)
        manager.ensure_checkpoint_capacity(2)
        save_steps(tmp_path, step, part="")
        manager.register_checkpoint(path, 2)
        left.append(saved_steps(tmp_path, part=""))
    assert left == [[2], [2, 4], [2, 4, 6], [4, 6, 8], [6, 8, 10], [8, 10, 12]]
