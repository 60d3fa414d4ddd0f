"""Interpolations are parsed once and looked up each time."""

import omegaconf.base
import pytest
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationKeyError

from stages import parsed


def test_one_parsed_text_is_looked_up_in_each_configuration():
    parsed.remember()
    texts = {"next": "${.own} and ${up}", "own": "${up}", "call": "${oc.select:none,${up}}"}
    first, second = (OmegaConf.create({"up": value, "below": dict(texts)}) for value in (1, "two"))
    before = omegaconf.base.parse.cache_info()
    assert OmegaConf.to_container(first.below, resolve=True) == {"next": "1 and 1", "own": 1, "call": 1}
    assert OmegaConf.to_container(second.below, resolve=True) == {"next": "two and two", "own": "two", "call": "two"}
    second.up = 3
    assert second.below.next == "3 and 3"
    with pytest.raises(InterpolationKeyError, match="'up' not found"):
        _ = OmegaConf.create({"own": "${up}"}).own
    after = omegaconf.base.parse.cache_info()
    assert after.misses - before.misses <= 3 and after.hits - before.hits >= 5


def test_a_version_that_nobody_looked_at_is_left_alone(monkeypatch):
    monkeypatch.setattr(parsed, "version", lambda name: "3.0.0")
    monkeypatch.setattr(omegaconf.base, "parse", original := object())
    parsed.remember()
    assert omegaconf.base.parse is original
