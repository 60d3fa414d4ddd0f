"""Several processes make what one makes: synthesis with real models, each with its share of the texts."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from omegaconf import DictConfig

from infer.best import main, ranking
from infer.records import join_parts, settle_systems
from infer.shares import share, workers_of
from infer.speak import synthesise
from infer.synthesise import main as speak
from stages.config import ROOT, compose_stage
from tests.helpers.saved_steps import save_steps
from tests.helpers.small_speaker import CONFIG, TEXTS, overrides


def test_shares_are_all_there_is_and_each_once():
    shares = [share(range(7), DictConfig({"share": [which, 3]})) for which in range(3)]
    assert shares == [[0, 3, 6], [1, 4], [2, 5]]
    assert share("abc", DictConfig({"share": None})) == ["a", "b", "c"]


def test_workers_are_a_number_or_all_and_one_in_a_process_with_a_share():
    assert workers_of(DictConfig({"workers": 3})) == 3
    assert workers_of(DictConfig({"workers": 3, "share": [0, 3]})) == 1
    for wrong in (0, "two"):
        with pytest.raises(ValueError, match=f"workers={wrong}: a number of processes"):
            workers_of(DictConfig({"workers": wrong}))


def test_parts_are_joined_in_the_order_of_the_texts(tmp_path):
    whole = str(tmp_path / "M.a.jsonl")
    for which, indices in enumerate(([0, 2], [1])):
        rows = [{"index": i, "sample": s, "text": "x\u2028"} for i in indices for s in (0, 1)]
        Path(f"{whole}.made_with_x.{which}of2").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "M.a.jsonl.made_with_x.2of3").touch()  # the same command, with one process more, was interrupted
    (tmp_path / "M.a.jsonl.made_with_y.0of2").touch()  # another one, which may go on with it
    join_parts([whole], 2, "x")
    found = [json.loads(line) for line in Path(whole).read_text().split("\n") if line]
    assert [(row["index"], row["sample"]) for row in found] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["M.a.jsonl", "M.a.jsonl.made_with_y.0of2"]


def test_two_processes_speak_as_one(work, monkeypatch):
    def told(count: int) -> list[str]:
        given = [o.replace("/transformers", f"/of{count}") for o in overrides(work, "transformers")]
        given = [o for o in given if not o.startswith("backend")] + ["backend=transformers", f"workers={count}"]
        return [*given, "~decodings.a", "~decodings.b"]  # sampled by transformers' own seed, one for a batch

    synthesise(compose_stage("tiny_mandarin", "eval", tuple(told(1))))
    argv = ["infer.synthesise", "--config-path", str(CONFIG), "--config-name", "eval", *told(2)]
    monkeypatch.setattr("sys.argv", argv)  # with which it starts the two
    speak.__wrapped__(compose_stage("tiny_mandarin", "eval", tuple(told(2))))
    one, two = ({path.name: path.read_text() for path in (work / f"of{n}").glob("*.jsonl")} for n in (1, 2))
    assert one == two and sorted(one) == [f"M.{name}.jsonl" for name in "cdefg"]
    assert len(one["M.c.jsonl"].splitlines()) == len(TEXTS)


def test_a_process_that_fails_ends_the_others_and_the_command(work, tmp_path):
    argv = [".venv/bin/python", "-m", "infer.synthesise", "--config-path", str(CONFIG), "--config-name", "eval"]
    argv += [*overrides(work, "transformers"), f"tokens_dir={tmp_path}", "workers=2", "systems.M=nowhere"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "no checkpoint of M in nowhere" in done.stderr
    assert "infer.synthesise: process" in done.stderr and "of 2 failed with exit status 1" in done.stderr


def test_every_merged_step_is_a_system_after_the_first(tmp_path):
    for step in (100, 20, 3):
        (tmp_path / f"step_{step}").mkdir()
        (tmp_path / f"step_{step}" / "config.json").touch()
    cfg = DictConfig({"checkpoints": str(tmp_path), "systems": {"SFT": "sft"}})
    settle_systems(cfg)
    assert list(cfg.systems) == ["SFT", "step_3", "step_20", "step_100"]
    with pytest.raises(FileNotFoundError, match="stage checkpoints merges them"):
        settle_systems(DictConfig({"checkpoints": str(tmp_path / "none"), "systems": {}}))


def test_a_merged_step_that_the_run_has_not_kept_is_no_system_and_stays(tmp_path):
    """Step 4 is rotated out, 10 was never finished. At 1e922d5 they were ranked, and merge.step=best failed."""
    for name in ("step_4", "step_6", "step_8", "step_10", "mine"):
        (tmp_path / "merged" / name).mkdir(parents=True)
        (tmp_path / "merged" / name / "config.json").touch()
    save_steps(tmp_path / "grpo", 4, 6, 8)
    shutil.rmtree(tmp_path / "grpo/global_step_4/actor")
    cfg = {"checkpoints": str(tmp_path / "merged"), "systems": {"SFT": "sft"}, "of_run": str(tmp_path / "grpo")}
    found = DictConfig(cfg)
    settle_systems(found)
    assert list(found.systems) == ["SFT", "mine", "step_6", "step_8"]
    assert (tmp_path / "merged/step_4/config.json").exists()
    every = DictConfig(cfg | {"of_run": None})
    settle_systems(every)
    assert list(every.systems) == ["SFT", "mine", "step_4", "step_6", "step_8", "step_10"]
    assert compose_stage("tiny_mandarin", "checkpoints").of_run == "exp/tiny_mandarin/grpo"


def test_the_lowest_error_is_best_and_of_equal_ones_the_earlier():
    def heard(system: str, error: float, decoding: str = "sampled") -> dict:
        measure = {"value": error, "low": error - 0.01, "high": error + 0.01}
        return {"system": system, "decoding": decoding, "error_rate": measure}

    systems = [heard("SFT", 0.0), heard("step_30", 0.1), heard("step_20", 0.1), heard("step_10", 0.2)]
    systems.append(heard("step_40", 0.0, "greedy"))
    results = {"headline": "error_rate", "systems": systems}
    assert [row["step"] for row in ranking(results, "sampled")] == [20, 30, 10]
    with pytest.raises(ValueError, match="no checkpoint was heard with the decoding best"):
        ranking(results, "best")


def test_the_step_that_is_recommended_is_one_that_merge_takes(tmp_path, capsys):
    systems = [
        {"system": f"step_{step}", "decoding": "sampled", "error_rate": {"value": error, "low": None, "high": None}}
        for step, error in ((12, 0.1), (8, 0.2))
    ]
    (tmp_path / "results.json").write_text(json.dumps({"headline": "error_rate", "systems": systems}))
    (tmp_path / "guard").mkdir()
    best = {"file": f"{tmp_path}/best.json", "decoding": "sampled"}
    cfg = DictConfig({"out_dir": str(tmp_path), "best": best, "recipe": {"name": "r", "grpo_dir": str(tmp_path)}})
    for since, told in ((9, "best: step 8, in "), (7, "best: none. merge.step=best: ")):
        (tmp_path / "guard/alarm.json").write_text(json.dumps({"since": since}))
        main(cfg)
        assert told in (out := capsys.readouterr().out)
    assert "/guard/alarm.json): steps [8, 12]" in out
    assert [row["step"] for row in json.loads((tmp_path / "best.json").read_text())["ranking"]] == [12, 8]
