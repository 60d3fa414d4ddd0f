"""A batch's metrics worked out by hand, and the sign of reward hacking."""

import json
import logging
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from verl.trainer.ppo.metric_utils import process_validation_metrics
from verl.trainer.ppo.v1 import trainer_base
from verl.utils.tracking import Tracking

from speech.interfaces import Row
from stages.config import compose_stage
from verl_plugins import patches
from verl_plugins.reward_metrics import Batch, Drift, batch_metrics, union
from verl_plugins.rollout_audio import RolloutAudio


def info(score: float, log_f0_std: float = 0.2, span: str = "", **more) -> dict:
    speech = {"no_speech": 0.0, "bad_speech": 0.0, "log_f0_std": log_f0_std, "transcript": "今天"}
    return {"score": score, "term_pinyin": score, **speech, "server_span": span, **more}


def metrics_of(rows: list[dict], groups: list[str], seconds: float = 1.0, lengths=(), longest: int = 160) -> dict:
    return batch_metrics(Batch(1, rows, groups, lengths or [20] * len(rows), seconds), longest)


def test_every_number_has_mean_spread_and_range():
    metrics = metrics_of([info(1.0), info(0.0)], ["a", "a"])
    assert [metrics[f"reward/term_pinyin/{part}"] for part in ("mean", "std", "min", "max")] == [0.5, 0.5, 0.0, 1.0]
    assert "reward/transcript/mean" not in metrics and "reward/server/seconds/mean" not in metrics


def test_what_has_no_sound_does_not_count_for_the_sound():
    silent = info(0.0, log_f0_std=0.0, no_speech=1.0)
    metrics = metrics_of([info(1.0, log_f0_std=0.3), silent], ["a", "a"])
    assert metrics["reward/log_f0_std/mean"] == 0.3
    assert metrics["reward/score/mean"] == metrics["reward/no_speech/mean"] == 0.5
    assert "reward/log_f0_std/mean" not in metrics_of([silent], ["a"])


def test_rows_that_the_token_ear_read_count_for_its_share_and_not_for_the_sound():
    by_wave = info(1.0, log_f0_std=0.3, token_ear_read=0.0, token_ear_group=0.1, token_ear_audited=1.0)
    by_ear = info(0.5, log_f0_std=0.0, token_ear_read=1.0, token_ear_group=0.1)
    unspoken = info(0.0, no_speech=1.0, token_ear_read=0.0, token_ear_group=0.0)
    metrics = metrics_of([by_wave, by_ear, unspoken], ["a", "a", "a"])
    assert metrics["reward/log_f0_std/mean"] == 0.3 and metrics["reward/term_pinyin/mean"] == 0.5
    assert metrics["reward/token_ear_read/mean"] == 0.5 and metrics["reward/token_ear_group/mean"] == 0.1
    unsure = metrics_of([by_wave | {"token_ear_audited": 0.0}, by_ear], ["a", "a"])
    assert "reward/log_f0_std/mean" not in unsure  # the rows that it is sure of may sound otherwise


def test_an_audited_row_stands_for_those_that_were_read_like_it():
    """Eight are read and one of their kind is heard; the unsure one, which is silent for long, is one of ten."""
    ways = {"token_ear_read": 0.0, "token_ear_audited": 0.0}
    rows = [info(1.0, log_f0_std=None, silence_ratio=None, **ways | {"token_ear_read": 1.0}) for _ in range(8)]
    rows.append(info(1.0, silence_ratio=0.1, **ways | {"token_ear_audited": 1.0}))
    rows.append(info(0.0, silence_ratio=0.6, **ways))
    metrics = metrics_of(rows, ["a"] * 10)
    assert metrics["reward/silence_ratio/mean"] == pytest.approx(0.15)
    assert metrics["reward/score/mean"] == 0.9 and metrics["reward/token_ear_audited/mean"] == 0.1


def test_validations_means_of_the_wave_are_of_all_rows(monkeypatch):
    """Of 100 rows 86 are read; 9 that were audited have a silence of 0.05, 5 unsure ones 0.40: 0.95 * .05 + 0.05 * .4.
    verl alone has (9 * .05 + 5 * .4) / 14 = 0.175, under a key for each number of rows of a prompt that were heard."""
    monkeypatch.setattr(trainer_base, "process_validation_metrics", process_validation_metrics)
    patches.let_audited_rows_stand_for_others()
    ways = {"token_ear_read": [1.0] * 86 + [0.0] * 14, "token_ear_audited": [0.0] * 86 + [1.0] * 9 + [0.0] * 5}
    infos = {"silence_ratio": [None] * 86 + [0.05] * 9 + [0.4] * 5, "score": [0.5] * 100, "text": ["a"] * 100, **ways}
    for samples in (1, 2):
        uids = [str(row % (100 // samples)) for row in range(100)]
        (found,) = trainer_base.process_validation_metrics(["r"] * 100, uids, infos).values()
        assert [key for key in found["silence_ratio"] if key.startswith("mean")] == [f"mean@{samples}"]
        assert found["silence_ratio"][f"mean@{samples}"] == pytest.approx(0.0675)
        assert found["score"][f"mean@{samples}"] == 0.5
    none = infos | {"token_ear_audited": [0.0] * 100}
    (found,) = trainer_base.process_validation_metrics(["r"] * 100, uids, none).values()
    assert "silence_ratio" not in found and found["token_ear_read"]["mean@2"] == 0.86
    all_heard = {name: values[86:] for name, values in infos.items()}
    (found,) = trainer_base.process_validation_metrics(["r"] * 14, uids[:14], all_heard).values()
    assert found["silence_ratio"]["mean@1"] == pytest.approx(0.175)


def test_each_language_has_its_own_error_rate_where_there_are_several(monkeypatch):
    """zh: (0.1 + 0.3) / 2, en: 0.5; validation has two rows of one zh prompt, and one of another language each."""
    rows = [info(1.0, error_rate=rate, language=one) for rate, one in ((0.1, "zh"), (0.3, "zh"), (0.5, "en"))]
    metrics = metrics_of(rows, ["a", "a", "b"])
    assert metrics["reward/error_rate/zh/mean"] == pytest.approx(0.2) and metrics["reward/error_rate/en/mean"] == 0.5
    assert metrics["reward/error_rate/mean"] == pytest.approx(0.3)
    assert not [key for key in metrics_of(rows[:2], ["a", "a"]) if "/zh/" in key]
    monkeypatch.setattr(trainer_base, "process_validation_metrics", process_validation_metrics)
    patches.let_audited_rows_stand_for_others()
    infos = {"language": ["zh", "zh", "en"], "error_rate": [0.1, 0.3, 0.5], "score": [1.0] * 3}
    found = trainer_base.process_validation_metrics(["r"] * 3, ["0", "0", "1"], infos)
    assert sorted(found) == ["r", "r/en", "r/zh"] and set(found["r/zh"]) == {"error_rate"}
    assert found["r/zh"]["error_rate"]["mean@2"] == pytest.approx(0.2) and found["r/en"]["error_rate"]["mean@1"] == 0.5
    infos["language"] = ["zh"] * 3
    assert set(trainer_base.process_validation_metrics(["r"] * 3, ["0", "0", "1"], infos)) == {"r"}


def test_groups_without_spread_are_counted():
    rows = [info(1.0), info(0.5), info(0.7), info(0.7), info(0.0)]
    assert metrics_of(rows, ["a", "a", "b", "b", "c"])["reward/groups_without_spread"] == pytest.approx(2 / 3)


def test_the_servers_share_is_the_time_that_a_request_was_under_way():
    rows = [info(1.0, span="100.0 102.0 1 0"), info(1.0, span="101.0 103.0 1 0"), info(1.0)]
    metrics = metrics_of(rows, ["a", "a", "a"], 12.0)
    assert metrics["reward/server/share_of_step"] == pytest.approx(3 / 12)
    assert metrics["reward/server/seconds/mean"] == pytest.approx(2.0)
    assert union([(0.0, 1.0), (3.0, 4.0), (0.5, 0.75)]) == 2.0


def test_a_server_that_had_to_be_asked_again_is_a_metric_and_one_warning(caplog):
    asked = {"a": "100.0 102.0 1 0", "b": "101.0 109.0 4 2", "c": "101.0 109.0 2 0"}
    with caplog.at_level(logging.WARNING):
        calm = metrics_of([info(1.0, span=asked["a"])], ["a"])
        assert calm["reward/server/attempts/max"] == 1.0 and not caplog.records
        metrics = metrics_of([info(1.0, span=span) for span in asked.values()], ["a"] * 3)
    assert (metrics["reward/server/attempts/max"], metrics["reward/server/mismatched_answers"]) == (4.0, 2.0)
    (record,) = caplog.records
    assert "2 of 3 rollouts were sent to the reward server more than once, one of them 4 times" in record.getMessage()


def test_what_was_cut_off_and_what_was_punished_for_its_length_are_counted():
    """Not verl's response_length/clip_ratio: that is 1/4 here wherever the longest of the batch ends."""
    rows = [info(1.0, term_over_length=value) for value in (0.0, 0.0, -0.5, -1.0)]
    metrics = metrics_of(rows, ["a"] * 4, lengths=[20, 60, 159, 160])
    assert (metrics["reward/clipped_ratio"], metrics["reward/over_length_ratio"]) == (0.25, 0.5)
    assert metrics_of(rows, ["a"] * 4, lengths=[20, 30, 40, 50])["reward/clipped_ratio"] == 0.0
    assert "reward/over_length_ratio" not in metrics_of([info(1.0)], ["a"])


class Waves:
    """What a reward server makes of tokens: 900 samples of each. By a real one: test_reward_server.py."""

    sample_rate = 24_000

    def decode(self, rows: list[Row]) -> list[np.ndarray]:
        return [np.zeros(900 * len(row.tokens), np.float32) for row in rows]


def test_metrics_and_rollouts_to_listen_to_reach_an_offline_run_of_wandb(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    metrics = metrics_of([info(1.0), info(0.5)], ["a", "a"])
    spoken = info(0.5, text="今天", speech_tokens="7 7 7 7 7 7")
    logger = Tracking("verl-tts", "test", ["wandb"])  # verl's own, as trainer.logger=[console,wandb] makes it
    try:
        audio = RolloutAudio(every=1, count=1, folder=tmp_path / "listen", address="nobody:1")
        audio.server = Waves()
        audio.observe(Batch(1, [spoken], ["a"], [6], 1.0), {})
        logger.log(metrics, step=1)
    finally:
        logger.finish()
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    deadline = time.monotonic() + 300
    while not set(metrics) <= set(history := history_of(file)) and time.monotonic() < deadline:
        time.sleep(0.2)  # wandb's own process may write the end after finish()
    assert {name: history[name] for name in metrics} == metrics
    assert (history["rollout/0/_type"], history["rollout/0/caption"]) == ("audio-file", "今天 | 今天 | 0.500")
    assert soundfile.info(file.parent / "files" / history["rollout/0/path"]).frames == 6 * 900


def history_of(file: Path) -> dict:
    """What a run of wandb logged, by key. Its file is LevelDB's log format after 7 bytes: blocks of 32 KiB, in them
    pieces of records, each after checksum (4 bytes), length (2) and kind (1: whole, 2: first, 3: middle, 4: last)."""
    from wandb.proto import wandb_internal_pb2  # a second, of each process of pytest that collects this file

    data, at, record, found = file.read_bytes(), 7, b"", {}
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        if at + 7 + length > len(data):
            break  # not yet written
        record += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            for item in wandb_internal_pb2.Record.FromString(record).history.item:
                keys = [item.key] if item.key else list(item.nested_key)
                found["/".join(keys)] = json.loads(item.value_json)
            record = b""
    return found


NONE = Batch(1, [], [], [], 1.0)  # Drift looks at the means alone


def means(**values: float) -> dict[str, float]:
    return {f"reward/{name}/mean": value for name, value in values.items()}


def test_a_measure_whose_last_steps_leave_the_first_ones_is_named(tmp_path, caplog):
    """First 0.18, 0.22: mean 0.2. Then (0.22 + 0.16) / 2 = 0.19, -5 %; then 0.16, -20 %."""
    drift = Drift({"log_f0_std": 0.1}, window=2, file=tmp_path / "start.json")
    with caplog.at_level(logging.WARNING):
        for value, share in ((0.18, 0.0), (0.22, 0.0), (0.16, -0.05)):
            assert drift.observe(NONE, means(log_f0_std=value))["reward/log_f0_std/drift"] == pytest.approx(share)
        assert not caplog.records
        assert drift.observe(NONE, means(log_f0_std=0.16))["reward/log_f0_std/drift"] == pytest.approx(-0.2)
    (record,) = caplog.records
    assert "log_f0_std is 0.16 over the last 2 steps, -20 % of the first ones' 0.2" in record.getMessage()


def test_steps_that_differ_by_their_texts_alone_are_no_sign(tmp_path, caplog):
    """Whatever the first text: 2.0 and 3.0 in turn are 2.5 over every two steps."""
    drift = Drift({"speaking_rate": 0.1}, window=2, file=tmp_path / "start.json")
    for value in (2.0, 3.0) * 4:
        drift.observe(NONE, means(speaking_rate=value))
    assert not caplog.records


def test_with_dynamic_sampling_drift_is_of_all_groups_that_came(tmp_path: Path):
    """The easy text, which is spoken slowly, leaves the batch in the second step; the policy has not changed."""
    slow, fast = ([info(score, speaking_rate=rate) for score in (0.0, 1.0)] for rate in (4.0, 12.0))
    drift = Drift({"speaking_rate": 0.1}, window=1, file=tmp_path / "start.json")
    for rows, groups in ((slow + fast, "aabb"), (fast, "bb")):
        came = Batch(1, rows, groups, [20] * len(rows), 1.0, {"a": slow, "b": fast})
        assert drift.observe(came, metrics_of(rows, [*groups])) == {"reward/speaking_rate/drift": 0.0}
        assert metrics_of(rows, [*groups])["reward/speaking_rate/mean"] == (8.0 if len(rows) == 4 else 12.0)


def test_with_dynamic_sampling_the_servers_metrics_are_of_all_groups_that_came(caplog):
    """Of the group that was thrown away a row was asked for twice, 100 to 104; what stayed, 103 to 105."""
    thrown, stayed = info(1.0, span="100.0 104.0 2 1"), info(0.5, span="103.0 105.0 1 0")
    batch = Batch(1, [stayed], ["b"], [20], 10.0, {"a": [thrown], "b": [stayed]})
    found = {name.removeprefix("reward/server/"): value for name, value in batch_metrics(batch, 160).items()}
    assert (found["mismatched_answers"], found["attempts/max"], found["seconds/mean"]) == (1.0, 2.0, 3.0)
    assert found["share_of_step"] == 0.5
    (record,) = caplog.records
    assert "1 of 2 rollouts were sent to the reward server more than once" in record.getMessage()


def test_what_the_recipes_watch_does_not_depend_on_how_long_the_texts_are():
    drift = compose_stage("tiny_mandarin", "grpo").trainer.v1.sampler.sampler_kwargs.observers.drift
    assert set(drift.limits) == {"log_f0_std", "speaking_rate", "silence_ratio"}


def test_a_resumed_run_compares_with_the_same_steps(tmp_path, caplog):
    file = tmp_path / "start.json"
    before = Drift({"speaking_rate": 0.1}, window=2, file=file)
    before.observe(NONE, means(speaking_rate=2.0))
    before.observe(NONE, means(speaking_rate=2.0))
    resumed = Drift({"speaking_rate": 0.1}, window=2, file=file)
    assert resumed.observe(NONE, means(speaking_rate=3.0)) == {"reward/speaking_rate/drift": 0.5}
    assert not caplog.records  # one step may be chance
    resumed.observe(NONE, means(speaking_rate=3.0))
    assert len(caplog.records) == 1
