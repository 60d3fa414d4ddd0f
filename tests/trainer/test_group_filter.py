"""How long groups without spread are replaced, in verl's own loop, on a queue whose groups are all finished at once."""

import logging
from collections import defaultdict

import pytest
import verl.trainer.ppo.v1.replay_buffer as verls
from omegaconf import OmegaConf

from verl_plugins.group_filter import LimitedGroupFilter

BATCH, FLAT, SPREAD = 2, (0.5, 0.5), (0.0, 1.0)


class Queue:
    """The three calls of TransferQueue that the buffer makes, on a dictionary. A drawn prompt is a finished group of
    two rollouts, whose scores are the next of `groups` (the last for ever)."""

    def __init__(self, groups: list[tuple[float, float]]):
        self.groups, self.drawn, self.tags, self.infos = groups, 0, defaultdict(dict), {}

    def draw(self, number: int) -> int:
        for _ in range(number):
            scores = self.groups[min(self.drawn, len(self.groups) - 1)]
            uid = f"{self.drawn:03d}"
            self.drawn += 1
            self.tags["train"][uid] = {"is_prompt": True, "status": "finished", "global_steps": 1}
            for place, score in enumerate(scores):
                self.tags["train"][f"{uid}_{place}_0"] = {}
                self.infos[f"{uid}_{place}_0"] = {"reward_extra_info": {"score": score}}
        return number

    def kv_list(self) -> dict:
        return {partition: dict(tags) for partition, tags in self.tags.items()}

    def kv_batch_get(self, keys: list[str], partition_id: str, select_fields: list[str]) -> dict:
        assert select_fields == ["extra_fields"]
        return {"extra_fields": [self.infos[key] for key in keys]}

    def kv_clear(self, keys: list[str], partition_id: str) -> None:
        for key in keys:
            self.tags[partition_id].pop(key, None)


def sample(monkeypatch, groups: list[tuple[float, float]], limit: int, **options) -> tuple[Queue, list[str], dict]:
    """One step: (the queue, the groups of its batch, its metrics)."""
    queue = Queue(groups)
    monkeypatch.setattr(verls, "tq", queue)
    settings = {"enable": True, "metric": "score", "max_num_gen_batches": limit, "max_inflight_gen_batches": 1}
    buffer = LimitedGroupFilter(
        OmegaConf.create(settings | options),
        BATCH,
        queue.draw,
        trainer_mode="sync",
        trainer_config=None,
        max_off_policy_threshold=None,
        max_off_policy_strategy="drop",
        sampler_kwargs=None,
        poll_interval=0.0,
    )
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


def test_at_the_limit_groups_with_spread_come_first(monkeypatch):
    _, chosen, metrics = sample(monkeypatch, [FLAT, FLAT, FLAT, SPREAD], limit=2)
    assert chosen[-1] == "003" and metrics["training/filter_groups/kept_without_spread"] == 1.0


@pytest.mark.parametrize("limit", [1, -1])
def test_a_limit_that_never_draws_again_is_refused(monkeypatch, limit):
    with pytest.raises(ValueError, match=f"is 0 or above 1, got {limit}"):
        sample(monkeypatch, [SPREAD], limit)
