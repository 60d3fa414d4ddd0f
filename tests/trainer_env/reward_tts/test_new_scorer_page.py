"""docs/new_scorer.md: its module, its command and its curl call, with a real server."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from reward_tts.measures import Measures
from reward_tts.reward.config import RewardConfigError
from reward_tts.reward.formula import formula
from reward_tts.reward.reward import Reward
from reward_tts.reward.terms import Heard
from stages.config import ROOT
from tests.helpers.page import commands_of, files_of, write

PAGE = "docs/new_scorer.md"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The page's module, importable here and in what this test starts."""
    assert list(files_of(PAGE)) == ["my/brightness.py"]
    write(tmp_path, files_of(PAGE))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def config(**parameters) -> dict:
    term = {"_target_": "my.brightness.bright", "weight": 1.0, **parameters}
    rest = {"aggregation": {"name": "weighted_sum"}, "error": {"unit": "text"}, "token_credit": None, "logged": []}
    return {"terms": {"bright": term}, **rest}


def test_a_term_of_ones_own_is_judged_told_and_checked_like_the_others(module):
    assert formula(config(full_at=0.1)) == "reward = 1.0 x min(1, brightness / 0.1)"
    reward = Reward(config())
    assert reward.needs == {"brightness": "terms.bright"}
    heard = Measures("r", 0, "", "今天", duration_s=1.0, num_tokens=4, token_rate=4.0, scores={"brightness": 0.05})
    assert reward.judge(Heard.of("今天", "zh", [1], heard)).score == pytest.approx(0.25)
    assert reward.unspeakable().score == 0.0
    with pytest.raises(RewardConfigError, match=r"bright\.full: no such key; there are \['weight', 'full_at'\]"):
        Reward(config(full=0.1))
    with pytest.raises(RewardConfigError, match=r"bright\.full_at: Input should be greater than or equal to 0"):
        Reward(config(full_at=-1))


def test_the_pages_command_is_planned_and_prints_the_formula_of_the_page(module, run_sh):
    command = next(line for line in commands_of(PAGE) if line.startswith("bash run.sh"))
    (printed,) = re.findall(r"^prints `(reward = .*)`\.", (ROOT / PAGE).read_text(), re.M)
    assert f"# train: {printed}\n" in run_sh(*shlex.split(command)[2:])[1]


def test_the_pages_curl_call_shows_the_measure(module, server_starter):
    words = shlex.split(next(line for line in commands_of(PAGE) if line.startswith("bash run.sh")))
    scorer, term = words[-2:]
    server = server_starter("recipe.reward.token_ear=null", scorer, f"+{term}")  # run.sh adds that +
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    call = page[page.index("curl -s") :].partition("```")[0].replace(":8000/", f":{server.http_port}/")
    answer = json.loads(subprocess.run(["bash", "-euc", call], capture_output=True, text=True).stdout)
    outputs = {output["name"]: output["data"][0] for output in answer["outputs"]}
    brightness = json.loads(outputs["MEASURES"])["scores"]["brightness"]
    assert 0.0 < brightness < 1.0 and 0.0 <= outputs["REWARDS"] <= 1.0
