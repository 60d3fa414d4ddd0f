"""What the client makes of a bad network and a bad server: every reward, or an error that names the sample; never a 0.

The real server answers, through a proxy that injects the fault.
"""

import asyncio
import json

import pytest

from reward_tts.client import RewardClient, RewardError
from tests.helpers.fault_proxy import FaultProxy, bytes_output, set_bytes_output
from tests.helpers.server_client import config_of, counted, measure, odd_rows


def through(server, proxy: FaultProxy, **changes):
    return config_of(server, grpc_port=proxy.port, **changes)


def address(server) -> str:
    return f"{server.host}:{server.grpc_port}"


def test_a_fifth_of_the_requests_refused_loses_no_reward(reward_server, spoken):
    expected = measure(config_of(reward_server), spoken)
    with FaultProxy(address(reward_server), refuse=0.2) as proxy:
        heard = measure(through(reward_server, proxy, deadline_s=300), spoken * 2)  # asked again only where refused
    assert proxy.refused > 0 and proxy.passed == len(heard) == 2 * len(spoken)
    assert len(odd_rows(heard, expected)) <= 1
    assert all(m.is_speech and m.duration_s > 0 for m in heard)


def test_attempts_are_counted(reward_server, spoken):
    async def ask(config) -> list[int]:
        client = RewardClient(config)
        try:
            calls = [client.measure_and_count(tokens, text, "zh", i) for i, (tokens, text) in enumerate(spoken * 2)]
            return [attempts for _, attempts in await asyncio.gather(*calls)]
        finally:
            await client.close()

    with FaultProxy(address(reward_server), refuse=0.2) as proxy:
        attempts = asyncio.run(ask(through(reward_server, proxy, deadline_s=300)))
    assert proxy.refused > 0 and sum(attempts) == proxy.passed + proxy.refused


def test_a_slow_server_is_waited_for_within_the_deadline_and_given_up_after_the_patience(reward_server, spoken):
    with FaultProxy(address(reward_server), slow_s=1.0) as proxy:
        assert len(measure(through(reward_server, proxy, deadline_s=60), spoken[:4])) == 4
        with pytest.raises(RewardError, match=r"sample 0 .*no answer in .*DEADLINE_EXCEEDED"):
            measure(through(reward_server, proxy, deadline_s=0.3, give_up_s=1.5), spoken[:1])


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
        measure(through(reward_server, proxy), spoken[:1])


def test_two_servers_share_the_work_and_one_takes_over_where_the_other_dies(server_starter, spoken):
    first, second = server_starter(), server_starter()
    config = config_of(first, more=(f"{second.host}:{second.grpc_port}",), deadline_s=60)
    measure(config, spoken * 2)
    assert min(counted(server, "nv_inference_count") for server in (first, second)) > len(spoken) / 2
    first.process.kill()
    first.process.wait()
    assert len(measure(config, spoken)) == len(spoken)
