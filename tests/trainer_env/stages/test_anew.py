"""Files that a command makes anew are not judged before: what lies there is of another time."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omegaconf import DictConfig

from stages.config import ROOT
from stages.preflight import check_left, check_planned
from stages.run import Run, plan
from stages.table import Stage
from verl_plugins.schedule import Schedule

FEW = r"data\.train_batch_size is 32, and .*rl_train\.parquet have 1 texts"
OTHER = r"'total_steps': 20.*'total_steps': 5"


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> dict[str, tuple[DictConfig, list[Stage]]]:
    """The stages from data to train, in a folder with too few texts, and with a checkpoint of another schedule."""
    folder = tmp_path_factory.mktemp("anew")
    (folder / "data").mkdir()
    for name, rows in (("data/rl_train", 1), ("enough", 160)):
        pq.write_table(pa.table({"prompt": ["x"] * rows}), folder / f"{name}.parquet")
    actor = folder / "grpo/global_step_20/actor"
    actor.mkdir(parents=True)
    (folder / "grpo/latest_checkpointed_iteration.txt").write_text("20")
    Schedule("cosine", 0, 20, 0.05, 0.5).write(actor)
    own = [f"recipe.work_dir={folder}", "trainer.total_epochs=1", "trainer.total_training_steps=null"]
    more = {FEW: [], OTHER: [f"recipe.rl_train={folder}/enough.parquet"]}
    return {fault: plan("tiny_mandarin", "data", "train", [*own, *given]) for fault, given in more.items()}


@pytest.mark.parametrize(
    ("due", "told"),
    [
        (["data", "train"], []),
        (["train"], [FEW, OTHER]),
        (["sft", "train"], [FEW]),  # of another model it is another run, whose checkpoints are moved aside
        (["token_ear", "train"], [FEW]),  # as by another ear, which the reward server has
        (["data"], []),
        ([], []),
    ],
)
def test_what_a_stage_that_is_due_makes_is_not_judged_before_it(planned, due, told):
    """At a612d515 whoever had mended train.jsonl was refused with the old text's fault, by `data merge`."""

    def is_due(stage: Stage) -> bool:
        return stage.name in due

    for fault, (_, stages) in planned.items():
        for check in (lambda of: check_planned(of, is_due), lambda of: check_left(of[1:], of, is_due)):
            if fault not in told:
                check(stages)
                continue
            with pytest.raises(SystemExit, match=fault):
                check(stages)


def test_it_is_judged_before_the_next_stage_once_it_is_made(planned):
    """Not after an SFT of hours; and once more right before train."""
    cfg, stages = planned[FEW]
    run, of = Run(cfg, stages, force=True), {stage.name: stage for stage in stages}
    for need in (*of["sft"].needs(), *of["train"].needs()):
        if not (ROOT / need.path).exists():
            (ROOT / need.path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / need.path).touch()
    run.summary.append(("data", "2 min"))
    for name, later in (("sft", ["train"]), ("train", [])):
        with pytest.raises(SystemExit, match=FEW):
            next(run.one(of[name], [of[one] for one in later]))
