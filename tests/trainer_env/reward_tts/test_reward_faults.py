"""What the client makes of a bad network and a bad server: every reward, or an error that names the sample; never a 0.

The real server answers, through a proxy that injects the fault.
"""

import asyncio
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest

from reward_tts.client import RewardClient, RewardError, ServerConfig
from reward_tts.measures import Status
from stages.config import compose_stage
from tests.helpers.fault_proxy import FaultProxy, bytes_output, set_bytes_output, set_status
from tests.helpers.server_client import config_of, counted, measure, odd_rows, wait_until_counted
from tests.helpers.server_processes import left_behind

SETTINGS = set(ServerConfig.__dataclass_fields__)


def through(server, proxy: FaultProxy, **changes):
    return config_of(server, grpc_port=proxy.port, **changes)


def address(server) -> str:
    return f"{server.host}:{server.grpc_port}"


def test_a_fifth_of_the_requests_refused_loses_no_reward(reward_server, asked):
    expected = measure(config_of(reward_server), asked)
    with FaultProxy(address(reward_server), refuse=0.2) as proxy:
        heard = measure(through(reward_server, proxy), asked * 3)  # asked again only where refused
    assert proxy.refused > 0 and proxy.passed == len(heard) == 3 * len(asked)
    assert len(odd_rows(heard, expected)) <= 1
    assert all(m.is_speech and m.duration_s > 0 for m in heard)


def test_attempts_are_counted(reward_server, asked):
    async def ask(config) -> list[int]:
        client = RewardClient(config)
        try:
            calls = [client.ask(tokens, text, "zh", i) for i, (tokens, text) in enumerate(asked * 3)]
            return [answer.attempts for answer in await asyncio.gather(*calls)]
        finally:
            await client.close()

    with FaultProxy(address(reward_server), refuse=0.2) as proxy:
        attempts = asyncio.run(ask(through(reward_server, proxy)))
    assert proxy.refused > 0 and sum(attempts) == proxy.passed + proxy.refused


def test_a_slow_server_is_waited_for_however_long_it_takes(reward_server, asked):
    with FaultProxy(address(reward_server), slow_s=1.0) as proxy:
        config = through(reward_server, proxy, deadline_s=0.3, watch_s=0.1, concurrency=4)
        assert len(measure(config, asked[:8])) == 8
    assert (proxy.passed, proxy.refused) == (8, 0)  # nothing was sent twice


def test_a_server_that_lives_and_finishes_nothing_is_an_error_that_says_so(reward_server, spoken):
    with FaultProxy(address(reward_server), slow_s=60.0) as proxy:
        config = through(reward_server, proxy, watch_s=0.1, give_up_s=1.0)
        with pytest.raises(RewardError, match=r"sample 0 .* lives, but has finished nothing for 1 s"):
            measure(config, spoken[:1])
    assert proxy.passed == 0


def test_the_bound_on_rows_under_way_holds_over_all_processes(reward_server, asked):
    with FaultProxy(address(reward_server), slow_s=0.05) as proxy:
        config = through(reward_server, proxy, concurrency=8, processes=4)
        with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
            heard = list(pool.map(measure, [config] * 4, [asked] * 4))
    assert [len(measures) for measures in heard] == [len(asked)] * 4
    assert proxy.passed == 4 * len(asked)
    assert 4 < proxy.most_under_way <= 8


def test_fewer_rows_at_once_than_processes_that_share_them_are_refused(reward_server):
    with pytest.raises(ValueError, match=r"concurrency=7 .* fewer than the 8 processes .*reward\.num_workers"):
        config_of(reward_server, concurrency=7, processes=8)


def answer_of(config, row):
    """What the client has of one row, with the attempts that it took."""

    async def ask():
        client = RewardClient(config)
        try:
            return await client.ask(*row, "zh", 0)
        finally:
            await client.close()

    return asyncio.run(ask())


def broken(field: str, value: object):
    """Changes one field of MEASURES; None takes it away."""

    def change(answer) -> None:
        measures = json.loads(bytes_output(answer, "MEASURES"))
        measures[field] = value
        if value is None:
            del measures[field]
        set_bytes_output(answer, "MEASURES", json.dumps(measures).encode())

    return change


def no_json(answer) -> None:
    set_bytes_output(answer, "MEASURES", b"\xff not even text")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (broken("duration_s", float("nan")), "no finite .*duration_s"),
        (broken("scores", {"log_f0_std": float("inf")}), "no finite .*log_f0_std"),
        (broken("scores", {"log_f0_std": None}), "no finite .*log_f0_std"),
        (broken("transcript", None), "cannot be read"),
        (broken("recipe", "other"), "is of recipe 'other', not 'tiny_mandarin'"),
        (broken("status", 2), "says OK"),  # STATUS and MEASURES contradict each other
        (no_json, "cannot be read"),
    ],
)
def test_an_answer_that_is_not_finite_or_not_readable_is_never_a_reward(reward_server, spoken, change, reason):
    with (
        FaultProxy(address(reward_server), change=change) as proxy,
        pytest.raises(RewardError, match=rf"(?s)sample 0 \('{spoken[0][1]}'\): .*{reason}"),
    ):
        measure(through(reward_server, proxy, max_attempts=2), spoken[:1])


def without_outputs(answer) -> None:
    del answer.outputs[:], answer.raw_output_contents[:]


def of_another_row(answer) -> None:
    broken("checksum", "0123456789abcdef")(answer)


def without_memory(answer) -> None:
    broken("status", int(Status.OUT_OF_MEMORY))(answer)
    set_status(answer, Status.OUT_OF_MEMORY)


@pytest.mark.parametrize(
    ("change", "mismatches"), [(without_outputs, 0), (of_another_row, 1), (no_json, 0), (without_memory, 0)]
)
def test_a_damaged_answer_or_one_of_another_row_is_asked_for_again(reward_server, spoken, change, mismatches):
    """The first answer is changed, the others are not."""
    changes = iter([change])

    with FaultProxy(address(reward_server), change=lambda answer: next(changes, lambda _: None)(answer)) as proxy:
        answer = answer_of(through(reward_server, proxy), spoken[0])
    assert (answer.attempts, answer.mismatches, proxy.passed) == (2, mismatches, 2)
    (expected,) = measure(config_of(reward_server), spoken[:1])
    assert replace(answer.measures, service_s=0.0) == replace(expected, service_s=0.0)


def test_a_row_without_memory_is_asked_elsewhere_and_no_more_than_a_few_times(reward_server, spoken):
    with FaultProxy(address(reward_server), change=without_memory) as full, FaultProxy(address(reward_server)) as free:
        answer = answer_of(through(reward_server, full, more=(f"127.0.0.1:{free.port}",)), spoken[0])
        assert (answer.attempts, full.passed, free.passed) == (2, 1, 1)
        with pytest.raises(RewardError, match=r"sample 0 .* says OUT_OF_MEMORY"):
            measure(through(reward_server, full, memory_attempts=2), spoken[:1])
        assert full.passed == 3


def test_a_row_without_memory_is_asked_again_for_about_a_minute():
    """At f12e4e1 for 1.5 s. By hand: 0.5 + 1 + 2 + 4 + 8 and six times 10, of which half to all is waited."""
    server = compose_stage("tiny_mandarin", "grpo").recipe.server
    config = ServerConfig(recipe="tiny_mandarin", **{name: server[name] for name in SETTINGS & server.keys()})
    assert config.memory_attempts <= config.max_attempts
    assert sum(map(config.longest_pause_s, range(1, config.memory_attempts))) == 75.5


def test_an_answer_of_another_row_is_never_a_reward(reward_server, spoken):
    with (
        FaultProxy(address(reward_server), change=of_another_row) as proxy,
        pytest.raises(RewardError, match=r"failed in each of 3 attempts, last: .*the measures of another row"),
    ):
        measure(through(reward_server, proxy, max_attempts=3), spoken[:1])
    assert proxy.passed == 3


def test_two_servers_share_the_work_and_one_takes_over_where_the_other_dies(reward_server, server_starter, asked):
    """The other one is killed, and takes all its processes with it."""
    first, second = server_starter("recipe.reward.token_ear=null"), reward_server
    config = config_of(first, more=(f"{second.host}:{second.grpc_port}",))
    before = [counted(server, "nv_inference_count") for server in (first, second)]
    measure(config, asked * 4)
    wait_until_counted(sum(before) + 4 * len(asked), first, second)
    after = [counted(server, "nv_inference_count") for server in (first, second)]
    # How much each gets goes by its own speed: on a busy machine one had exactly a quarter.
    assert min(now - then for now, then in zip(after, before, strict=True)) > len(asked) / 2
    first.process.kill()
    first.process.wait()
    assert len(measure(config, asked)) == len(asked)
    until = time.monotonic() + 300
    while left_behind(first.process.pid) and time.monotonic() < until:
        time.sleep(0.2)
    assert left_behind(first.process.pid) == []
