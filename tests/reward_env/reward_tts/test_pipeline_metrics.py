"""What the reward server counts, as Prometheus reads it."""

from collections import Counter

from prometheus_client import CollectorRegistry

from reward_tts.server.metrics import Counts, PipelineMetrics


def test_metrics_of_two_pipelines_as_prometheus_reads_them():
    """Batches of 1, 3, 3 and 5 rows; bounds are the powers of two and the largest batch."""
    one = Counts("cuda:0", Counter(OK=12), Counter({1: 1, 3: 2, 5: 1}), 70, 100, Counter(asr=1.5))
    registry = CollectorRegistry()
    registry.register(PipelineMetrics([one, Counts("cpu")], max_batch_size=6, deaths=Counter(triton=3)))
    where = {"pipeline": "0", "device": "cuda:0"}
    buckets = [registry.get_sample_value("tts_batch_rows_bucket", {**where, "le": b}) for b in ("1", "2", "4", "6")]
    assert buckets == [1, 1, 3, 4]
    assert registry.get_sample_value("tts_batch_rows_sum", where) == 12
    assert registry.get_sample_value("tts_padded_tokens_total", where) == 100
    assert registry.get_sample_value("tts_part_seconds_total", {**where, "part": "asr"}) == 1.5
    assert registry.get_sample_value("tts_tokens_total", {"pipeline": "1", "device": "cpu"}) == 0
    restarts = [registry.get_sample_value(f"tts_{who}_restarts_total") for who in ("triton", "front")]
    assert restarts == [3, 0]
    assert str(one) == "12 rows; batches by size {1: 1, 3: 2, 5: 1}; padding 30.0% of the tokens; seconds: asr 1.5"
