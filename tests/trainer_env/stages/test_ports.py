"""The ports that tests use are theirs alone until they use them."""

import socket

from tests import conftest


def test_a_workers_ports_are_nobody_elses_nor_those_of_linux_ray_or_torchrun():
    one, other = conftest.port_range("gw0"), conftest.port_range("gw1")
    assert not set(one) & set(other)
    alone = conftest.port_range("")  # the reward's tests run beside two workers of the trainer's
    assert not {*one, *other} & set(alone)
    assert not {*one, *other, *alone} & {*range(10002, 20000), 29500, *range(32768, 61000)}


def test_a_port_is_given_out_once_and_only_if_nobody_listens_on_it(monkeypatch):
    first, second, third = conftest.free_ports(3)
    assert len({first, second, third}) == 3
    monkeypatch.setattr(conftest, "_untouched", iter([first, second, third]))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert conftest.free_ports(2) == [second, third]
