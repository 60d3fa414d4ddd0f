"""What a person sees of a training: lines of verl and Ray -> lines of the console."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
from omegaconf import OmegaConf

from stages import misfits
from stages.config import compose_stage
from stages.console import Console, duration
from stages.run import Run
from stages.table import Stage, table

RAY = "\x1b[36m(TaskRunner pid=8175)\x1b[0m "
STEP = (
    "step:{n} - training/global_step:{n} - reward/score/mean:0.71428 - reward/error_rate/mean:np.float64(0.12) - "
    "reward/server/share_of_step:0.345678 - actor/entropy:2.5e-05 - perf/time_per_step:{s} - perf/throughput:812.3456"
)


def shown(*lines: str, total: int | None = 40) -> list[str]:
    """What a training's output gives, handed over in odd pieces."""
    out = io.BytesIO()
    cfg = OmegaConf.create({"trainer": {"total_training_steps": total}})
    console = Console(table("tiny_mandarin").stages.train.console, cfg, out)
    data = "".join(f"{line}\n" for line in lines).encode()
    for start in range(0, len(data), 7):
        console.write(data[start : start + 7])
    console.close()
    return out.getvalue().decode().splitlines()


def test_a_step_is_one_line():
    assert shown(RAY + STEP.format(n=12, s=30.0)) == [
        "step 12/40, reward 0.714, error 0.12, tokens/s per device 812, share of the reward 0.346, seconds 30, "
        "left 14.0 min"
    ]


def test_the_time_left_is_that_of_the_last_steps():
    first, second = shown(RAY + STEP.format(n=38, s=30.0), RAY + STEP.format(n=39, s=10.0))
    assert first.endswith("seconds 30, left 60 s")
    assert second.endswith("seconds 10, left 20 s")  # (30 + 10) / 2


def test_validations_are_in_the_time_left():
    """verl's seconds of a step end before its validation: 30 + 20, twice; then (30 + 10) / 2 + 20 / 2, once."""
    first, second = shown(RAY + STEP.format(n=38, s=30.0) + " - timing_s/testing:20", RAY + STEP.format(n=39, s=10.0))
    assert first.endswith("seconds 30, left 100 s") and second.endswith("seconds 10, left 30 s")


def test_with_dynamic_sampling_reward_and_error_are_of_all_groups():
    all_groups = " - reward/all_groups/score/mean:0.9 - reward/all_groups/error_rate/mean:0.05"
    (line,) = shown(RAY + STEP.format(n=12, s=30.0) + all_groups)
    assert line.startswith("step 12/40, reward 0.9, error 0.05, tokens/s")


def test_without_a_number_of_steps_none_is_made_up():
    (line,) = shown(RAY + STEP.format(n=3, s=30.0), total=None)
    assert line.startswith("step 3, reward") and line.endswith("seconds 30")


def test_the_number_of_steps_is_that_of_the_epochs_where_none_is_told(tmp_path):
    """Most recipes say total_epochs: 1. 200 000 texts, 32 a step."""
    pq.write_table(pa.table({"prompt": ["x"] * 200_000}), tmp_path / "texts.parquet")
    cfg = compose_stage("cosyvoice2", "grpo", (f"data.train_files={tmp_path}/texts.parquet",))
    console = Console(table("cosyvoice2").stages.train.console, cfg, io.BytesIO())
    told = console.shown(RAY + STEP.format(n=3, s=30.0))
    assert told.startswith("step 3/6250, reward") and told.endswith("seconds 30, left 52.1 h")  # 6247 x 30 s
    missing = compose_stage("cosyvoice2", "grpo", (f"data.train_files={tmp_path}/none.parquet",))
    assert misfits.planned_steps(missing) is None


def test_validation_stands_in_the_step_that_has_one():
    (line,) = shown(RAY + "step:10 - val-core/tiny_mandarin/reward/mean@1:0.8 - perf/time_per_step:5")
    assert line == "step 10/40, validation 0.8, seconds 5, left 2.5 min"


def test_a_validation_of_several_rollouts_of_a_text_is_their_mean():
    """docs/overrides.md has val_kwargs={n: 4}; verl says what it takes of the four, too."""
    said = "val-core/x/reward/best@4/mean:0.9 - val-core/x/reward/mean@4:0.5 - val-aux/x/score/mean@4:0.1"
    assert shown(f"step:4 - {said}") == ["step 4/40, validation 0.5"]
    assert shown("step:4 - val-core/x/reward/mean@4:-nan") == ["step 4/40, validation nan"]


def test_chatter_is_left_out_and_a_warning_comes_once_with_its_count():
    warning = "WARNING:verl_plugins.reward_metrics:{} of 16 rollouts were sent to the reward server more than once"
    lines = shown(
        RAY + "{'actor_rollout_ref': {'actor': {'_target_': 'verl.workers.config.FSDPActorConfig',",
        "\x1b[33m(raylet)\x1b[0m Spilled 3 MiB",
        RAY + warning.format(3),
        RAY + warning.format(4),
        RAY + "sign of reward hacking: log_f0_std is 0.1 over the last 5 steps, -30 % of the first ones' 0.15",
        "Training Progress:   2%|2         | 1/40 [00:30<20:00, 30.8s/it]",
    )
    assert lines == [
        warning.format(3),
        "sign of reward hacking: log_f0_std is 0.1 over the last 5 steps, -30 % of the first ones' 0.15",
        f"2 times in all: {warning.format('#').replace('16', '#')[:100]}",
    ]


def test_a_warning_that_goes_on_is_shown_again_after_an_hour(monkeypatch):
    """It came at 0 and 1800 s, then at 3600 s and an hour later; of another kind one came in between."""
    options, cfg = table("tiny_mandarin").stages.train.console, OmegaConf.create({"trainer": {}})
    console, found = Console(options, cfg, io.BytesIO()), []
    for second, line in (
        (0, "guard: 1"),
        (1800, "guard: 2"),
        (1900, "WARNING x"),
        (3600, "guard: 3"),
        (7200, "guard: 4"),
    ):
        monkeypatch.setattr("time.monotonic", lambda now=float(second): now)
        found.append(console.shown(RAY + line))
    times = "({} times since it was last shown)"
    assert found == ["guard: 1", None, "WARNING x", f"guard: 3 {times.format(2)}", f"guard: 4 {times.format(1)}"]


def test_a_mapping_of_somebodys_own_has_the_standards_for_keys_that_came_later():
    """At a612d515 the second of two warnings ended the run: again_s was not there."""
    own = {"console": {"seconds": "s", "metrics": {"loss": ["l"]}, "warnings": ["WARNING"], "noise": []}}
    run, stage = Run(table("tiny_mandarin"), [], force=False), Stage("train", "mine", OmegaConf.create(own), ())
    console = Console(run.console_of(stage), OmegaConf.create({"trainer": {}}), io.BytesIO())
    assert [console.shown(line) for line in ("WARNING x", "WARNING x")] == ["WARNING x", None]
    assert console.shown("step:1 - l:2.0 - s:3.0 - reward/score/mean:0.5") == "step 1, loss 2, seconds 3"
    assert run.console_of(Stage("sft", "mine", OmegaConf.create({}), ())) is None


def test_a_stage_that_is_no_training_is_shown_as_it_is():
    out = io.BytesIO()
    Console(None, None, out).write(b"step:3 - half a li")
    assert out.getvalue() == b"step:3 - half a li"


def test_durations_for_people():
    assert [duration(s) for s in (95, 738, 16_200)] == ["95 s", "12.3 min", "4.5 h"]


def test_beside_other_stages_lines_are_whole_and_a_bar_is_one_line_now_and_then():
    out = io.BytesIO()
    console = Console(None, None, out, beside_others=True)
    for piece in (b"[build] one", b"\n\rbar 1%", b"\rbar 2%\rbar 3%", b"\rbar 100%\n[build] t", b"wo"):
        console.write(piece)
    assert out.getvalue() == b"[build] one\nbar 1%\nbar 100%\n"
    console.close()
    assert out.getvalue() == b"[build] one\nbar 1%\nbar 100%\n[build] two\n"
