"""What the reward server counts, as Prometheus reads it."""

import socket
import urllib.error
import urllib.request
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry

from reward_tts.server.metrics import Counts, PipelineMetrics, metrics_served
from tests.conftest import free_ports


def test_metrics_of_two_pipelines_as_prometheus_reads_them():
    """Batches of 1, 3, 3 and 5 rows; bounds are the powers of two and the largest batch."""
    one = Counts("cuda:0", Counter(OK=12), Counter({1: 1, 3: 2, 5: 1}), 70, 100, Counter(asr=1.5))
    registry = CollectorRegistry()
    registry.register(PipelineMetrics([one, Counts("cpu")], max_batch_size=6))
    where = {"pipeline": "0", "device": "cuda:0"}
    buckets = [registry.get_sample_value("tts_batch_rows_bucket", {**where, "le": b}) for b in ("1", "2", "4", "6")]
    assert buckets == [1, 1, 3, 4]
    assert registry.get_sample_value("tts_batch_rows_sum", where) == 12
    assert registry.get_sample_value("tts_padded_tokens_total", where) == 100
    assert registry.get_sample_value("tts_part_seconds_total", {**where, "part": "asr"}) == 1.5
    assert registry.get_sample_value("tts_tokens_total", {"pipeline": "1", "device": "cpu"}) == 0
    assert str(one) == "12 rows; batches by size {1: 1, 3: 2, 5: 1}; padding 30.0% of the tokens; seconds: asr 1.5"


def test_metrics_without_tritons_own_are_refused_with_the_reason_and_the_port_is_free_again():
    port, nobody = free_ports(2)
    with (
        metrics_served(PipelineMetrics([Counts("cpu")], 4), "127.0.0.1", port, f"http://127.0.0.1:{nobody}/metrics"),
        pytest.raises(urllib.error.HTTPError, match="503") as refused,
    ):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)
    assert "Triton's own metrics cannot be read" in refused.value.read().decode()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
