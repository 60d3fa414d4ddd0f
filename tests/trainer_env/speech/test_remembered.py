"""A cache of texts is bounded by their bytes, not by how many there are."""

import threading
from dataclasses import dataclass

import pytest

from speech.remembered import remembered, size_of


def counting(max_bytes: int):
    calls = []

    @remembered(max_bytes)
    def double(text: str) -> str:
        calls.append(text)
        return text * 2

    return double, calls


def test_a_result_is_computed_once():
    double, calls = counting(10_000)
    assert [double("ab"), double("ab"), double("c")] == ["abab", "abab", "cc"]
    assert calls == ["ab", "c"]


def test_however_long_the_texts_the_bytes_kept_are_bounded():
    double, calls = counting(100_000)
    for number in range(300):
        assert len(double(f"{number:04}" * 2_500)) == 20_000
    assert double.cache.currsize <= 100_000
    assert sum(map(size_of, double.cache.values())) <= 100_000
    assert len(double.cache) == 3  # of 10 kB and 20 kB each
    double(f"{299:04}" * 2_500)
    assert len(calls) == 300  # the last is there still
    double(f"{0:04}" * 2_500)
    assert len(calls) == 301  # the first is not


def test_attributes_of_a_result_count():
    @dataclass
    class Held:
        text: str

    assert size_of(Held("a" * 5_000)) > 5_000
    assert size_of(Held("a" * 5_000)) - size_of(Held("a" * 4_000)) == 1_000


def test_what_does_not_fit_is_computed_each_time_and_drives_nothing_out():
    double, calls = counting(1_000)
    double("a")
    assert len(double("b" * 5_000)) == len(double("b" * 5_000)) == 10_000
    double("a")
    assert calls == ["a", "b" * 5_000, "b" * 5_000]


def test_an_error_is_raised_each_time():
    @remembered(1_000)
    def refuse(text: str) -> str:
        raise ValueError(text)

    for _ in range(2):
        with pytest.raises(ValueError, match="a"):
            refuse("a")


def test_several_threads_get_their_own_results():
    double, _ = counting(2_000)
    wrong = []

    def work(letter: str) -> None:
        wrong.extend(text for text in (letter * n for n in range(300)) if double(text) != text * 2)

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
