"""The ports that tests use are theirs alone until they use them."""

import socket

from tests import conftest


def test_a_workers_ports_are_nobody_elses_nor_those_of_linux_ray_or_torchrun():
    # Two workers beside what computes with models and beside the reward's tests.
    ranges = [set(conftest.port_range(name)) for name in ("gw0", "gw1", ".venv", ".venv-reward")]
    everyone = set().union(*ranges)
    assert len(everyone) == sum(map(len, ranges))
    assert not everyone & {*range(10002, 20000), 29500, *range(32768, 61000)}


def test_a_port_is_given_out_once_and_only_if_nobody_listens_on_it(monkeypatch):
    first, second, third = conftest.free_ports(3)
    assert len({first, second, third}) == 3
    monkeypatch.setattr(conftest, "_untouched", iter([first, second, third]))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert conftest.free_ports(2) == [second, third]
