"""A batch's metrics worked out by hand, and the sign of reward hacking."""

import logging

import pytest

from verl_plugins.reward_metrics import Drift, batch_metrics, union


def info(score: float, log_f0_std: float = 0.2, span: str = "", **more) -> dict:
    speech = {"no_speech": 0.0, "bad_speech": 0.0, "log_f0_std": log_f0_std, "transcript": "今天"}
    return {"score": score, "term_pinyin": score, **speech, "server_span": span, **more}


def test_every_number_has_mean_spread_and_range():
    metrics = batch_metrics([info(1.0), info(0.0)], ["a", "a"], 1.0)
    assert [metrics[f"reward/term_pinyin/{part}"] for part in ("mean", "std", "min", "max")] == [0.5, 0.5, 0.0, 1.0]
    assert "reward/transcript/mean" not in metrics and "reward/server/seconds/mean" not in metrics


def test_what_has_no_sound_does_not_count_for_the_sound():
    silent = info(0.0, log_f0_std=0.0, no_speech=1.0)
    metrics = batch_metrics([info(1.0, log_f0_std=0.3), silent], ["a", "a"], 1.0)
    assert metrics["reward/log_f0_std/mean"] == 0.3
    assert metrics["reward/score/mean"] == metrics["reward/no_speech/mean"] == 0.5
    assert "reward/log_f0_std/mean" not in batch_metrics([silent], ["a"], 1.0)


def test_groups_without_spread_are_counted():
    rows = [info(1.0), info(0.5), info(0.7), info(0.7), info(0.0)]
    assert batch_metrics(rows, ["a", "a", "b", "b", "c"], 1.0)["reward/groups_without_spread"] == pytest.approx(2 / 3)


def test_the_servers_share_is_the_time_that_a_request_was_under_way():
    rows = [info(1.0, span="100.0 102.0"), info(1.0, span="101.0 103.0"), info(1.0)]
    metrics = batch_metrics(rows, ["a", "a", "a"], 12.0)
    assert metrics["reward/server/share_of_step"] == pytest.approx(3 / 12)
    assert metrics["reward/server/seconds/mean"] == pytest.approx(2.0)
    assert union([(0.0, 1.0), (3.0, 4.0), (0.5, 0.75)]) == 2.0


def means(**values: float) -> dict[str, float]:
    return {f"reward/{name}/mean": value for name, value in values.items()}


def test_a_measure_that_stays_away_from_the_starting_model_is_named(tmp_path, caplog):
    drift = Drift({"log_f0_std": 0.1}, patience=2, file=tmp_path / "start.json")
    with caplog.at_level(logging.WARNING):
        assert drift.check(means(log_f0_std=0.20)) == {"reward/log_f0_std/drift": 0.0}
        assert drift.check(means(log_f0_std=0.16))["reward/log_f0_std/drift"] == pytest.approx(-0.2)
        assert not caplog.records  # once may be chance
        drift.check(means(log_f0_std=0.16))
    (record,) = caplog.records
    assert "log_f0_std is 0.16, -20 % of the starting model's 0.2" in record.getMessage()


def test_a_measure_that_comes_back_is_not_named(tmp_path, caplog):
    drift = Drift({"duration_s": 0.1}, patience=2, file=tmp_path / "start.json")
    for value in (2.0, 3.0, 2.0, 3.0, 2.0):
        drift.check(means(duration_s=value))
    assert not caplog.records


def test_a_resumed_run_compares_with_the_same_start(tmp_path):
    file = tmp_path / "start.json"
    Drift({"duration_s": 0.1}, patience=1, file=file).check(means(duration_s=2.0))
    assert Drift({"duration_s": 0.1}, patience=1, file=file).check(means(duration_s=3.0)) == {
        "reward/duration_s/drift": 0.5
    }
