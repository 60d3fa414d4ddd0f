"""How long groups without spread are replaced, in verl's own loop, on a queue whose groups are finished at once, or so
many a poll."""

import logging
from collections import defaultdict

import numpy as np
import pytest
import verl.trainer.ppo.v1.replay_buffer as verls
from omegaconf import OmegaConf

from verl_plugins import group_filter, queue_polls
from verl_plugins.group_filter import LimitedGroupFilter, without_spread
from verl_plugins.replay_sampler import StrictReplayBuffer
from verl_plugins.reward_metrics import Batch

BATCH, FLAT, SPREAD = 2, (0.5, 0.5), (0.0, 1.0)


class Queue:
    """The three calls of TransferQueue that the buffer makes, on a dictionary. A drawn prompt is a finished group of
    two rollouts, whose scores are the next of `groups` (the last for ever); with `finished_a_poll` only so many more
    are finished whenever the buffer looks."""

    def __init__(self, groups: list[tuple[float, float]], finished_a_poll: int | None = None):
        self.groups, self.drawn, self.tags, self.infos = groups, 0, defaultdict(dict), {}
        self.finished_a_poll, self.running = finished_a_poll, []

    def draw(self, number: int) -> int:
        for _ in range(number):
            scores = self.groups[min(self.drawn, len(self.groups) - 1)]
            uid = f"{self.drawn:03d}"
            self.drawn += 1
            status = "running" if self.finished_a_poll else "finished"
            self.tags["train"][uid] = {"is_prompt": True, "status": status, "global_steps": 1}
            self.running.append(uid)
            for place, score in enumerate(scores):
                self.tags["train"][f"{uid}_{place}_0"] = {"response_len": 3}
                info = {"score": score, "error_rate": 1.0 - score}
                self.infos[f"{uid}_{place}_0"] = {"reward_extra_info": info}
        return number

    def kv_list(self) -> dict:
        for uid in self.running[: self.finished_a_poll]:
            self.tags["train"][uid]["status"] = "finished"
        del self.running[: self.finished_a_poll]
        return {partition: dict(tags) for partition, tags in self.tags.items()}

    def kv_batch_get(self, keys: list[str], partition_id: str, select_fields: list[str]) -> dict:
        assert select_fields == ["extra_fields"]
        return {"extra_fields": [self.infos[key] for key in keys]}

    def kv_clear(self, keys: list[str], partition_id: str) -> None:
        for key in keys:
            self.tags[partition_id].pop(key, None)


SETTINGS = {"enable": True, "metric": "score", "max_inflight_gen_batches": 1, "min_spread": 0.0}
VERLS = {"trainer_mode": "sync", "trainer_config": None, "max_off_policy_threshold": None}
VERLS |= {"max_off_policy_strategy": "drop"}


def sample(
    monkeypatch, groups: list[tuple[float, float]], limit: int, finished_a_poll: int | None = None, **options
) -> tuple[Queue, list[str], dict]:
    """One step: (the queue, the groups of its batch, its metrics)."""
    queue = Queue(groups, finished_a_poll)
    for module in (verls, group_filter):
        monkeypatch.setattr(module, "tq", queue)
    settings = OmegaConf.create(SETTINGS | {"max_num_gen_batches": limit} | options)
    buffer = LimitedGroupFilter(settings, BATCH, queue.draw, sampler_kwargs=None, poll_interval=0.0, **VERLS)
    queue.draw(BATCH)
    batch, metrics = buffer.sample(1, "train", BATCH)
    return queue, sorted({key.split("_")[0] for key in batch.keys}), metrics


def test_a_group_without_spread_is_replaced(monkeypatch):
    queue, chosen, metrics = sample(monkeypatch, [FLAT, SPREAD, SPREAD], limit=10)
    assert len(chosen) == BATCH and set(chosen) < {"001", "002", "003"}
    assert metrics["training/filter_groups/evicted_samples"] == 1
    assert metrics["training/filter_groups/drawn_again"] == 1.0  # two prompts for one, verl's own way: one batch
    assert metrics["training/filter_groups/kept_without_spread"] == 0.0
    assert set(queue.tags["train"]) == {f"{uid}_{place}_0" for uid in chosen for place in (0, 1)}  # no surplus is left


def test_metrics_of_all_groups_hold_what_was_thrown_away(monkeypatch):
    """1, 1 is thrown away, for which two of 0, 1 come beside the one that was there: 5 of 8 rollouts are right, not the
    half of the groups that stay."""
    _, _, metrics = sample(monkeypatch, [(1.0, 1.0), SPREAD], limit=10)
    found = {name: value for name, value in metrics.items() if name.startswith("reward/")}
    assert found == {
        f"reward/all_groups/{n}": v for n, v in {"score/mean": 5 / 8, "error_rate/mean": 3 / 8, "flat": 0.25}.items()
    }
    _, _, metrics = sample(monkeypatch, [FLAT], limit=2)  # at the limit, too
    assert (metrics["reward/all_groups/score/mean"], metrics["reward/all_groups/flat"]) == (0.5, 1.0)


class Seen(list):
    """An observer that keeps the batches."""

    def observe(self, batch: Batch, found: dict) -> dict[str, float]:
        self.append(batch)
        return {}


def strict(monkeypatch, queue: Queue, *, enable: bool, mini: int) -> StrictReplayBuffer:
    """The project's own buffer, of batches of two prompts and updates of `mini`."""
    for module in (verls, group_filter, queue_polls):
        monkeypatch.setattr(module, "tq", queue)
    filter_groups = SETTINGS | {"max_num_gen_batches": 10, "enable": enable}
    options = {"poll_interval": 0.0, "liveness_interval": 9.0, "prompts_per_poll": 8, "rollouts_per_prompt": 2}
    options |= {"filter_groups": filter_groups, "train_batch_size": BATCH, "ppo_mini_batch_size": mini}
    options["observers"] = {"seen": {"_target_": f"{Seen.__module__}.Seen"}, "none": None}
    return StrictReplayBuffer(OmegaConf.create(options), queue.draw, **VERLS)


@pytest.mark.parametrize(("enable", "seen"), [(True, 4), (False, 2)])
def test_observers_see_what_was_thrown_away(monkeypatch, enable: bool, seen: int):
    """Three of four groups come with spread; without dynamic sampling there are the two of the batch."""
    queue = Queue([(1.0, 1.0), SPREAD])
    buffer = strict(monkeypatch, queue, enable=enable, mini=BATCH)
    queue.draw(BATCH)
    buffer.sample(1, "train", BATCH)
    ((batch,),) = buffer._observers
    groups, infos = batch.of_the_policy()
    assert sorted(info["score"] for info in infos) == [0.0] * (seen - 1) + [1.0] * (seen + 1)
    assert len(set(groups)) == seen
    assert len(batch.infos) == len(batch.lengths) == 2 * BATCH


@pytest.mark.parametrize(("enable", "mini"), [(False, 1), (True, 1), (False, BATCH)])
def test_several_updates_have_the_order_of_the_prompts_and_not_who_ended_first(monkeypatch, enable: bool, mini: int):
    """The short rollout of each prompt is finished before any long one: at 0.9.1's order the first update is of the
    short ones. With dynamic sampling the first group, without spread, is replaced by the third and the fourth."""
    queue = Queue([FLAT, SPREAD] if enable else [SPREAD])
    draw = queue.draw

    def drawn_and_finished(number: int) -> int:
        tags, count = queue.tags["train"], draw(number)
        order = sorted(tags, key=lambda key: ("_" in key, -int(key.split("_")[1]) if "_" in key else 0, key))
        queue.tags["train"] = {key: tags[key] for key in order}
        return count

    queue.draw = drawn_and_finished
    buffer = strict(monkeypatch, queue, enable=enable, mini=mini)
    queue.draw(BATCH)
    keys = buffer.sample(1, "train", BATCH)[0].keys
    if mini == BATCH:  # one update: as they were finished
        assert keys == ["000_1_0", "001_1_0", "000_0_0", "001_0_0"]
        return
    one, other = (keys[:2], keys[2:])
    uids = [one[0][:3], other[0][:3]]
    assert uids == sorted(uids) and (set(uids) <= {"001", "002", "003"} if enable else uids == ["000", "001"])
    assert (one, other) == tuple([f"{uid}_0_0", f"{uid}_1_0"] for uid in uids)


def test_a_group_with_next_to_no_spread_is_replaced_where_a_least_spread_is_set(monkeypatch):
    """0.50 and 0.51 have a standard deviation of 0.005, 0.50 and 0.53 one of 0.015."""
    groups = [(0.50, 0.51), (0.50, 0.53), (0.50, 0.53)]
    _, chosen, metrics = sample(monkeypatch, groups, limit=10, min_spread=0.01)
    assert set(chosen) < {"001", "002", "003"} and metrics["training/filter_groups/evicted_samples"] == 1
    queue, chosen, _ = sample(monkeypatch, groups, limit=10)
    assert (queue.drawn, chosen) == (BATCH, ["000", "001"])


def of(*terms: tuple[float, float]) -> list[dict]:
    """What the reward function returns for rollouts with these terms; the score is their mean."""
    return [{"score": (e + s) / 2, "term_error": e, "term_similarity": s, "num_tokens": 9.0} for e, s in terms]


def test_with_terms_a_group_has_spread_where_one_term_has():
    """Here the terms cancel out: no spread of the score, but of each term."""
    against = of((0.5, 0.7), (0.7, 0.5))
    assert without_spread(against, "score", 0.01) and not without_spread(against, "terms", 0.01)
    assert not without_spread(of((1.0, 0.80), (1.0, 0.84)), "terms", 0.01)  # 0.02
    assert without_spread(of((1.0, 0.80), (0.995, 0.81)), "terms", 0.01)  # 0.0025 and 0.005
    assert not without_spread(of((1.0, 0.80), (0.995, 0.81)), "terms", 0.0)
    assert not without_spread(of((1.0, 0.8)), "terms", 0.01)  # one rollout is no group


def test_six_equal_scores_have_no_spread():
    """Their mean is not quite one of them, and so their standard deviation is not quite 0."""
    assert np.std([0.7] * 6) > 0.0
    assert without_spread([{"score": 0.7}] * 6, "score", 0.0)


def test_a_metric_that_the_reward_function_does_not_return_is_named():
    with pytest.raises(KeyError, match=r"filter_groups\.metric=accuracy: the reward function returned .*term_error"):
        without_spread(of((1.0, 0.8), (1.0, 0.9)), "accuracy", 0.0)


def test_nothing_is_drawn_again_where_all_have_spread_or_the_filter_is_off(monkeypatch):
    queue, chosen, metrics = sample(monkeypatch, [SPREAD], limit=10)
    assert (queue.drawn, chosen, metrics["training/filter_groups/drawn_again"]) == (BATCH, ["000", "001"], 0.0)
    queue, chosen, metrics = sample(monkeypatch, [FLAT], limit=10, enable=False)
    assert (queue.drawn, chosen, metrics) == (BATCH, ["000", "001"], {})


@pytest.mark.parametrize("limit", [2, 4])
def test_without_any_spread_it_ends_at_its_limit_and_says_so(monkeypatch, caplog, limit):
    with caplog.at_level(logging.WARNING):
        queue, chosen, metrics = sample(monkeypatch, [FLAT], limit)
    assert queue.drawn == limit * BATCH and len(chosen) == BATCH
    assert metrics["training/filter_groups/drawn_again"] == limit - 1
    assert metrics["training/filter_groups/kept_without_spread"] == BATCH
    assert f"after {limit} batches (algorithm.filter_groups.max_num_gen_batches) 2 of 2 groups" in caplog.text


@pytest.mark.parametrize("limit", [2, 3])
def test_groups_that_end_one_by_one_draw_no_prompt_beyond_the_limit(monkeypatch, limit):
    """For each group that is thrown away verl draws two: in a limit that counts calls these would add up."""
    queue, chosen, metrics = sample(monkeypatch, [FLAT], limit, finished_a_poll=1)
    assert queue.drawn <= limit * BATCH and len(chosen) == BATCH
    assert metrics["training/filter_groups/drawn_again"] == queue.drawn / BATCH - 1
    assert metrics["training/filter_groups/kept_without_spread"] == BATCH


def test_at_the_limit_groups_with_spread_come_first(monkeypatch):
    _, chosen, metrics = sample(monkeypatch, [FLAT, FLAT, FLAT, SPREAD], limit=2)
    assert chosen[-1] == "003" and metrics["training/filter_groups/kept_without_spread"] == 1.0


@pytest.mark.parametrize("limit", [1, -1])
def test_a_limit_that_never_draws_again_is_refused(monkeypatch, limit):
    with pytest.raises(ValueError, match=f"is 0 or above 1, got {limit}"):
        sample(monkeypatch, [SPREAD], limit)
