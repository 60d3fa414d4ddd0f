"""What the page reads of a run's folder."""

import doctest
import json

import gradio as gr
import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf

from demo import runs
from demo.__main__ import password
from demo.checkpoints import CheckpointError, Checkpoints
from demo.runs import Curves, Rollouts, compared
from demo.studio import StudioError
from demo.tab_training import TrainingTab
from speech.faults import UserError
from tests.conftest import ROOT


def line(system: str, index: int, error: float, s: int = 0, d: int = 0, i: int = 0) -> dict:
    counts = {"substitutions": s, "deletions": d, "insertions": i, "pinyin_error": error, "error_rate": error}
    return {"system": system, "decoding": "sampled", "index": index, "sample": 0, "text": f"文{index}\u2028"} | counts


@pytest.fixture
def evaluated(tmp_path):
    rows = [line("SFT", 0, 0.5, d=1), line("SFT", 1, 0.0), line("SFT", 2, 0.9, s=2), line("SFT", 3, 0.1, i=1)]
    rows += [line("GRPO", 0, 0.0), line("GRPO", 1, 0.2, s=1), line("GRPO", 2, 0.8, s=2)]
    (tmp_path / "utterances.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return tmp_path


def test_sentences_are_sorted_and_only_what_both_said(evaluated):
    def indices(order: str) -> list[int]:
        return [one.index for one in compared(str(evaluated), "sampled", "SFT", "GRPO", order)]

    assert indices("largest gain") == [0, 2, 1]
    assert indices("largest loss") == [1, 2, 0]
    assert indices("largest difference") == [0, 1, 2]
    assert indices("worst") == [2, 1, 0]
    assert compared(str(evaluated), "greedy", "SFT", "GRPO", "worst") == []
    assert compared(str(evaluated / "none"), "sampled", "SFT", "GRPO", "worst") == []


def test_filters_by_kind_of_error(evaluated):
    found = {one.index: one for one in compared(str(evaluated), "sampled", "SFT", "GRPO", "worst")}
    kinds = ("any", "substitutions", "deletions", "insertions", "none")
    assert [[i for i in (0, 1, 2) if found[i].has(kind)] for kind in kinds] == [[0, 1, 2], [1, 2], [0], [], []]


@pytest.mark.parametrize("n", [1, 4])
def test_a_validation_is_one_curve_however_many_rollouts_a_text_has(tmp_path, n):
    """verl says the best of several and their spread, too."""
    core = "val-core/x/reward"
    line = f"step:4 - {core}/mean@{n}:0.5 - {core}/best@{n}/mean:0.9 - {core}/best@{n}/std:0.1\n"
    (tmp_path / "train.log").write_text(line)
    wanted = {"reward": OmegaConf.load(ROOT / "recipes/common/demo.yaml").demo.curves.reward}
    found = Curves(str(tmp_path / "train.log"), wanted).read()
    assert found == {"reward": {f"{core}/mean@{n}": [(4, 0.5)]}}


def test_curves_of_a_log_that_is_being_written(tmp_path):
    log = tmp_path / "train.log"
    steps = "x step:1 - critic/score/mean:0.25 - reward/term_pinyin/mean:np.float64(0.5)\n noise\n"
    log.write_text(
        steps + "step:2 - critic/score/mean:0.5 - reward/term_pinyin/mean:0.75 - other:1\nstep:3 - critic/sc"
    )
    wanted = {"reward": ["critic/score/mean"], "terms": ["reward/term_.*/mean"], "none": ["nothing"]}
    growing = Curves(str(log), wanted)
    assert growing.read() == {
        "reward": {"critic/score/mean": [(1, 0.25), (2, 0.5)]},
        "terms": {"reward/term_pinyin/mean": [(1, 0.5), (2, 0.75)]},
    }
    assert Curves(str(tmp_path / "none.log"), wanted).read() == {}
    with open(log, "a") as file:
        file.write("ore/mean:0.625\n")
    assert growing.read()["reward"] == {"critic/score/mean": [(1, 0.25), (2, 0.5), (3, 0.625)]}
    with open(log, "a") as file:
        file.write("step:1 - val-core/x/reward/mean@1:0.5\n")  # it goes on from there
    assert growing.read()["reward"] == {"critic/score/mean": [(1, 0.25)]}
    with open(log, "a") as file:
        file.write("step:2 - critic/score/mean:0.75\n")
    assert growing.read()["reward"] == {"critic/score/mean": [(1, 0.25), (2, 0.75)]}
    log.rename(tmp_path / "train.before.log")
    log.write_text("step:1 - critic/score/mean:0.125\n" + 1000 * "noise\n")  # another training's, and longer
    assert growing.read() == {"reward": {"critic/score/mean": [(1, 0.125)]}}
    log.unlink()
    assert growing.read() == {}


def test_what_was_read_of_a_log_is_not_read_again(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("step:1 - critic/score/mean:0.25\n")
    growing = Curves(str(log), {"reward": ["critic/score/mean"]})
    growing.read()
    with open(log, "r+b") as file:
        file.write(b"#" * 31)  # no step any more
        file.seek(0, 2)
        file.write(b"step:2 - critic/score/mean:0.5\n")
    assert growing.read() == {"reward": {"critic/score/mean": [(1, 0.25), (2, 0.5)]}}


def test_rollouts_newest_step_first_without_a_half_line(tmp_path):
    def told(step: int, *texts: str) -> str:
        rows = ({"step": step, "path": f"x/step_{step:06d}/{n}.wav", "text": text} for n, text in enumerate(texts))
        return "".join(json.dumps(row) + "\n" for row in rows)

    def texts() -> list[tuple[int, list[str]]]:
        return [(step, [row["text"] for row in rows]) for step, rows in found.read().items()]

    found, path = Rollouts(str(tmp_path)), tmp_path / "rollouts.jsonl"
    assert texts() == []
    path.write_text(told(10, "a", "b") + told(20, "c", "d") + told(30, "e") + '{"st')
    assert texts() == [(30, ["e"]), (20, ["c", "d"]), (10, ["a", "b"])]
    path.write_text(path.read_text().removesuffix('{"st') + told(20, "C", "D"))  # resumed from step 15: new waves
    assert texts() == [(20, ["C", "D"]), (10, ["a", "b"])]
    with open(path, "r+b") as file:
        file.write(b"#")  # what was read is not read again
        file.seek(0, 2)
        file.write(told(30, "E").encode())
    assert texts() == [(30, ["E"]), (20, ["C", "D"]), (10, ["a", "b"])]
    path.rename(tmp_path / "before.jsonl")
    path.write_text(told(10, "another training's"))
    assert texts() == [(10, ["another training's"])]


def test_of_a_long_log_what_is_drawn_is_kept_and_sent_once(tmp_path):
    more = " - ".join(f"actor/other_{n}:0.5" for n in range(20))
    log = tmp_path / "train.log"
    log.write_text("".join(f"step:{s} - critic/score/mean:{s} - {more}\n" for s in range(1, 1001)))
    own = {"curves": {"reward": ["critic/.*"]}, "log": str(log), "listen_dir": "none", "curve_points": 100}
    tab = TrainingTab(OmegaConf.create({"demo": own}))
    seen, line, plot = tab.curves(None)
    assert line.startswith("Step 1000 is the last one") and set(tab.log._found) == {"critic/score/mean"}
    assert len(plot.value["data"]) == 101 and plot.value["data"][-1][:2] == [1000, 1000.0]
    with open(log, "a") as file:
        file.write("noise\n")
    assert tab.curves(seen) == gr.skip()
    assert len(tab.curves(None)) == 3  # another visitor
    with open(log, "a") as file:
        file.write("step:1001 - critic/score/mean:0.5\n")
    assert tab.curves(seen)[1].startswith("Step 1001")


def test_the_examples_hold():
    found = doctest.testmod(runs)
    assert found.attempted > 0 and found.failed == 0


def test_a_rollout_that_was_read_shows_no_measures_of_its_wave(tmp_path):
    for read in (0, 1):
        soundfile.write(tmp_path / f"{read}.wav", np.zeros(240, np.int16), 24000)
    row = {"step": 4, "score": 0.75, "loudness_db": 0.0, "path": f"{tmp_path}/gone.wav"}
    rows = [*(row | {"token_ear_read": float(read), "path": f"{tmp_path}/{read}.wav"} for read in (1, 0)), row]
    lines = (json.dumps(row) + "\n" for row in rows)
    (tmp_path / "rollouts.jsonl").write_text("".join(lines))
    own = {"curves": {}, "log": "none.log", "listen_dir": str(tmp_path)}
    tab = TrainingTab(OmegaConf.create({"demo": own, "recipe": {"reward": {"logged": ["loudness_db"]}}}))
    read, heard = (tab.rollout(4, number)[1] for number in (0, 1))
    assert "<th>score</th><td>0.750</td>" in read and "loudness_db" not in read
    assert "<th>loudness_db</th><td>0.000</td>" in heard
    with pytest.raises(StudioError, match=r"gone\.wav"):  # which the page says
        tab.rollout(4, 2)


def test_checkpoints_that_verl_finished_can_be_chosen(tmp_path):
    for name in ("grpo/global_step_2/actor", "grpo/global_step_10/actor", "grpo/global_step_12/actor", "sft"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / ("config.json" if name == "sft" else "fsdp_config.json")).touch()
    (tmp_path / "grpo/latest_checkpointed_iteration.txt").write_text("10")
    recipe = {"grpo_dir": f"{tmp_path}/grpo", "work_dir": "w", "inputs_dir": "w", "dtype": "float32"}
    systems = {"SFT": f"{tmp_path}/sft", "GRPO": f"{tmp_path}/merged"}
    own = {"steps_dir": f"{tmp_path}/steps", "merge": ["false"]}
    found = Checkpoints(OmegaConf.create({"recipe": recipe, "systems": systems, "demo": own}), "recipes/x")
    assert found.names() == ["SFT", "step 10", "step 2"]
    assert found.path("SFT") == f"{tmp_path}/sft"
    with pytest.raises(CheckpointError, match=r"there is no model '\.\./etc'; there are SFT, step 10, step 2"):
        found.path("../etc")
    with pytest.raises(CheckpointError, match="step 2 could not be merged"):
        found.path("step 2")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_a_page_for_others_needs_a_secret(host, monkeypatch):
    monkeypatch.delenv("PAGE_SECRET", raising=False)
    with pytest.raises(UserError, match="it needs a secret: demo"):
        password(OmegaConf.create({"host": host, "secret_env": None}))
    with pytest.raises(UserError, match=r"^demo\.secret_env names PAGE_SECRET, which is not set"):
        password(OmegaConf.create({"host": host, "secret_env": "PAGE_SECRET"}))
    monkeypatch.setenv("PAGE_SECRET", "open sesame")
    assert password(OmegaConf.create({"host": host, "secret_env": "PAGE_SECRET"})) == "open sesame"
    assert password(OmegaConf.create({"host": "127.0.0.1", "secret_env": None})) is None
