"""What the pipelines do, as Prometheus reads it: told to the front, which has the port (recipe.server.metrics_port).

Triton's Python backend has custom metrics too (`MetricFamily` of triton_python_backend_utils), but in the process of
the backend's stub, which is PyTriton's; each value would have to travel there.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from reward_tts.measures import Status


@dataclass
class Counts:
    """What one pipeline has done since its start.

    Attributes:
        device: where it is.
        statuses: {name of a `Status`: rows answered with it}.
        batch_sizes: {rows spoken together: how many batches had so many}.
        tokens, padded_tokens: spoken, and what they would be if each batch were as long as its longest row.
        seconds: spent in each part: token2wav, asr, each scorer.
    """

    device: str
    statuses: Counter[str] = field(default_factory=Counter)
    batch_sizes: Counter[int] = field(default_factory=Counter)
    tokens: int = 0
    padded_tokens: int = 0
    seconds: Counter[str] = field(default_factory=Counter)

    def snapshot(self) -> "Counts":
        """As they are now; another thread may go on counting."""
        return replace(
            self, statuses=self.statuses.copy(), batch_sizes=self.batch_sizes.copy(), seconds=self.seconds.copy()
        )

    def __str__(self) -> str:
        """One line for the end of the log."""
        rows = sum(self.statuses.values())
        sizes = ", ".join(f"{size}: {times}" for size, times in sorted(self.batch_sizes.items()))
        parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in self.seconds.items())
        waste = 1 - self.tokens / self.padded_tokens if self.padded_tokens else 0.0
        return f"{rows} rows; batches by size {{{sizes}}}; padding {waste:.1%} of the tokens; seconds: {parts}"


class PipelineMetrics:
    """Prometheus' collector of the pipelines' counts; labels: pipeline (its number) and device.

    Args:
        counts: of each pipeline; they go on counting.
        max_batch_size: rows; the largest bound of the histogram.
        deaths: {"triton", "front": how often it was started again}; they go on counting.
    """

    def __init__(self, counts: Sequence[Counts], max_batch_size: int, deaths: Counter[str]):
        self._counts, self._deaths = counts, deaths
        powers = [2**i for i in range(max_batch_size.bit_length())]
        self._bounds = [size for size in powers if size < max_batch_size] + [max_batch_size]

    def collect(self) -> Iterator[Metric]:
        """The families, with what has been counted so far."""
        labels = ["pipeline", "device"]
        rows = CounterMetricFamily("tts_rows", "Rows answered, by STATUS.", labels=[*labels, "status"])
        spoken = CounterMetricFamily("tts_tokens", "Speech tokens spoken.", labels=labels)
        padded = CounterMetricFamily(
            "tts_padded_tokens", "The same, were each row as long as its batch's longest.", labels=labels
        )
        parts = CounterMetricFamily("tts_part_seconds", "Time in a part of the pipeline.", labels=[*labels, "part"])
        batches = HistogramMetricFamily("tts_batch_rows", "Rows spoken together.", labels=labels)
        for number, counts in enumerate(c.snapshot() for c in self._counts):
            one = [str(number), counts.device]
            for status in Status:
                rows.add_metric([*one, status.name], counts.statuses[status.name])
            spoken.add_metric(one, counts.tokens)
            padded.add_metric(one, counts.padded_tokens)
            for part, seconds in sorted(counts.seconds.items()):
                parts.add_metric([*one, part], seconds)
            total = sum(size * times for size, times in counts.batch_sizes.items())
            batches.add_metric(one, [*self._buckets(counts.batch_sizes), ("+Inf", counts.batch_sizes.total())], total)
        yield from (rows, spoken, padded, parts, batches)
        for who in ("triton", "front"):
            about = f"Times that the {who} had died and was started again."
            yield CounterMetricFamily(f"tts_{who}_restarts", about, self._deaths[who])

    def _buckets(self, sizes: Counter[int]) -> list[tuple[str, int]]:
        return [(str(b), sum(times for size, times in sizes.items() if size <= b)) for b in self._bounds]


@contextmanager
def metrics_told(collector: "PipelineMetrics", socket: Path) -> Iterator[None]:
    """GET /metrics on a socket in the workspace gives our metrics while the block runs: the front asks there."""
    registry = CollectorRegistry()
    registry.register(collector)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = generate_latest(registry)
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Each scrape in the log would hide what matters."""

    server = ThreadingUnixStreamServer(str(socket), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
