"""Load that swells makes a step longer, never shorter. The real clients, simulated servers and time."""

import asyncio
import random

import pytest

from benchmarks.overload import TEXT, TOKENS, SimulatedServer, config, overload, simulated
from reward_tts.client import RewardClient, RewardError
from reward_tts.measures import Status
from reward_tts.window import Window


@pytest.fixture(autouse=True)
def same_pauses() -> None:
    """The clients wait for random parts of their pauses: of 60 draws three came half a second later than the bound
    below, and time is simulated, so that one draw is the same on every machine."""
    random.seed(0)


@pytest.mark.parametrize("rows", [2048, 20_000])
def test_too_many_rows_make_a_step_longer_and_nothing_else(rows):
    outcome = simulated(overload(rows, rates=[58.0], processes=8))
    assert outcome.failed == 0
    assert (outcome.served, outcome.most_attempts) == (rows, 1)  # nothing was sent twice
    assert outcome.seconds <= 1.01 * outcome.ideal_s
    assert outcome.most_under_way <= 512


def test_a_server_that_dies_costs_what_it_had_and_the_time_that_it_was_away():
    outcome = simulated(overload(2048, rates=[58.0], dies_at=[10.0, 20.0]))
    assert outcome.failed == 0
    assert outcome.served <= 1.02 * 2048
    assert outcome.seconds <= outcome.ideal_s + 2 * (3.0 + 1.5)  # away for 3 s; looked for at least once in 1 s


def test_a_server_of_hours_for_each_batch_is_waited_for():
    outcome = simulated(overload(64, rates=[0.002], watch_s=60.0, give_up_s=10_000.0, queue_s=60.0))
    assert (outcome.failed, outcome.served, outcome.most_attempts) == (0, 64, 1)
    assert outcome.seconds == pytest.approx(32_000, rel=0.01)  # 64 rows at 0.002 rows a second


def test_a_fast_server_does_more_than_a_slow_one():
    outcome = simulated(overload(5000, rates=[58.0, 20.0, 200.0]))
    assert (outcome.failed, outcome.served) == (0, 5000)
    assert outcome.seconds <= 1.1 * outcome.ideal_s


@pytest.mark.parametrize(("concurrency", "processes", "bound"), [(64, 8, 64), (60, 8, 56), (8, 8, 8)])
def test_the_bound_holds_over_all_processes(concurrency, processes, bound):
    outcome = simulated(overload(1000, rates=[58.0], processes=processes, concurrency=concurrency))
    assert outcome.most_under_way == bound and outcome.failed == 0


def test_a_server_that_does_not_say_a_word_is_lost_and_its_rows_are_sent_to_another():
    async def silent():
        servers = SimulatedServer(58.0, silent=True), SimulatedServer(58.0)
        settings = config(servers=2, processes=1, deadline_s=30.0)
        client = RewardClient(settings, connect=dict(zip(settings.addresses, servers, strict=True)).__getitem__)
        answers = await asyncio.gather(*(client.ask(TOKENS, TEXT, "zh", i) for i in range(100)))
        await client.close()
        assert sorted(answer.attempts for answer in answers) == [1] * 96 + [2] * 4  # its first window
        assert servers[1].served == 100
        assert 30.0 <= asyncio.get_running_loop().time() <= 40.0

    simulated(silent())


def test_a_server_that_finishes_nothing_gets_no_row_while_there_is_another():
    async def stuck():
        servers = SimulatedServer(58.0, stuck_until=200.0), SimulatedServer(58.0)
        settings, clock = config(servers=2, processes=1, give_up_s=60.0), asyncio.get_running_loop().time
        client = RewardClient(settings, connect=dict(zip(settings.addresses, servers, strict=True)).__getitem__)
        answers = await asyncio.gather(*(client.ask(TOKENS, TEXT, "zh", i) for i in range(100)))
        assert sorted(answer.attempts for answer in answers) == [1] * 96 + [2] * 4  # its first window
        assert (servers[0].finished, servers[1].finished) == (0, 100) and 60.0 <= clock() <= 70.0
        await asyncio.sleep(100.0)
        assert (await client.ask(TOKENS, TEXT, "zh", 100)).attempts == 1 and servers[1].finished == 101
        await asyncio.sleep(70.0)  # at 200 it has finished what it had
        await asyncio.gather(*(client.ask(TOKENS, TEXT, "zh", i) for i in range(100)))
        assert servers[0].finished > 30
        await client.close()

    simulated(stuck())


def test_a_server_that_is_started_again_as_another_one_is_an_error():
    """At b75001f0 the rewards of another server.yaml went on as if they were the same."""

    async def other():
        server = SimulatedServer(58.0)
        client = RewardClient(config(servers=1, processes=1), connect=lambda _: server)
        for digest in ("as it was", "", "as it was"):  # "": one without such a front
            server.digest = digest
            await client.ask(TOKENS, TEXT, "zh", 2)
        server.digest = "another"
        with pytest.raises(RewardError, match=r"sample 3 .* was started again with other models, settings or measures"):
            await client.ask(TOKENS, TEXT, "zh", 3)
        await client.close()

    simulated(other())


def client_of(*servers: SimulatedServer, **changes: int) -> RewardClient:
    settings = config(servers=len(servers), processes=1, **changes)
    return RewardClient(settings, connect=dict(zip(settings.addresses, servers, strict=True)).__getitem__)


def test_servers_that_are_not_alike_are_an_error():
    """Rows of one group were measured by 4 and by 10 steps of the flow, and nobody was told."""

    async def two():
        servers = SimulatedServer(58.0), SimulatedServer(58.0)
        servers[1].digest = "another"
        client = client_of(*servers)
        asked = asyncio.gather(*(client.ask(TOKENS, TEXT, "zh", i) for i in range(2)))
        with pytest.raises(RewardError, match=r"server:\d and server:\d have not the same models, settings"):
            await asked
        await client.close()

    simulated(two())


def test_a_row_on_which_a_server_fails_is_asked_elsewhere_and_not_for_ever():
    async def failing():
        client = client_of(SimulatedServer(58.0, status=Status.FAILED), SimulatedServer(58.0))
        assert (await client.ask(TOKENS, TEXT, "zh", 0)).attempts == 2
        await client.close()
        for status, worked, advice in (
            (Status.FAILED, 3, "To go on without this text"),
            (Status.BAD_ROW, 1, "To go on without this text"),
            (Status.OUT_OF_MEMORY, 4, "actor_rollout_ref.rollout.gpu_memory_utilization; .*server.max_batch_size"),
        ):
            server = SimulatedServer(58.0, status=status)
            client = client_of(server, failed_attempts=3, memory_attempts=4)
            with pytest.raises(RewardError, match=rf"sample 0 .* says {status.name}: .*{advice}"):
                await client.ask(TOKENS, TEXT, "zh", 0)
            assert server.served == worked
            await client.close()

    simulated(failing())


def test_no_server_at_all_is_an_error_after_the_patience():
    async def nobody():
        server = SimulatedServer(58.0, dies_at=[0.0], away_s=1e9)
        await asyncio.sleep(1.0)
        settings = config(servers=1, processes=1, give_up_s=20.0)
        client = RewardClient(settings, connect=lambda _: server)
        with pytest.raises(RewardError, match=r"sample 3 .* gave no answer in 2\d s: StatusCode.UNAVAILABLE away"):
            await client.ask(TOKENS, TEXT, "zh", 3)
        await client.close()

    simulated(nobody())


def test_the_window_follows_the_time_that_rows_wait():
    window = Window(most=64, queue_s=1.0)
    for _ in range(4):
        window.told(queued_s=0.25, service_s=0.25, rows_wait=True)  # 0.5 s there, 1.25 s wanted
    assert window.size == 8.0  # twice as many at most
    for _ in range(8):
        window.told(queued_s=2.25, service_s=0.25, rows_wait=True)  # 2.5 s there, 1.25 s wanted
    assert window.size == 4.0
    for _ in range(4):
        window.told(queued_s=0.0, service_s=0.25, rows_wait=False)  # nothing is kept back: no reason to grow
    assert window.size == 4.0
    for _ in range(4):
        window.told(queued_s=7.0, service_s=3.0, rows_wait=True)  # two batches of 3 s may wait: 10 s there, 9 wanted
    assert window.size == pytest.approx(3.6)
