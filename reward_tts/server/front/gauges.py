"""What Prometheus reads on the metrics port: Triton's statistics, the front's own counts, and those of the pipelines,
which the server's process tells on a socket in its workspace (reward_tts/server/metrics.py)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from tritonclient.grpc.service_pb2 import ModelStatistics, ModelStatisticsResponse

from reward_tts.server.front.house import House
from reward_tts.server.front.upstream import Unanswered

_TIMEOUT_S = 5
_DURATIONS = {"request": "success", "queue": "queue", "compute_input": "compute_input"}
_DURATIONS |= {"compute_infer": "compute_infer", "compute_output": "compute_output"}


class FrontMetrics:
    """Prometheus' collector of what the front has done."""

    def __init__(self, house: House):
        self._house = house

    def collect(self) -> Iterator[Metric]:
        """The families, with what has been counted so far."""
        refused = CounterMetricFamily(
            "tts_front_refused",
            "Requests answered by an error, by its code; questions for statistics apart.",
            labels=["code"],
        )
        for code, times in sorted(self._house.refused.items()):
            refused.add_metric([code], times)
        yield refused
        counts = self._house.upstream.counts
        yield CounterMetricFamily(
            "tts_mismatched_answers", "Triton's answers that were of another row, or of none.", counts["mismatched"]
        )
        yield CounterMetricFamily("tts_sent_again", "Requests that Triton was asked again.", counts["sent_again"])
        yield GaugeMetricFamily("tts_under_way", "Requests that wait for Triton.", self._house.upstream.under_way)


class TritonMetrics:
    """Prometheus' collector of Triton's statistics, by the names that Triton gives them."""

    def __init__(self, statistics: ModelStatisticsResponse):
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """The families; they begin at 0 when Triton is started again."""
        labels = ["model", "version"]

        def family(name: str, about: str, value: Callable[[ModelStatistics], float]) -> Metric:
            made = UnknownMetricFamily(f"nv_inference_{name}", about, labels=labels)
            for model in self._statistics.model_stats:
                made.add_metric([model.name, model.version], value(model))
            return made

        yield family("request_success", "Requests that Triton answered.", lambda m: m.inference_stats.success.count)
        yield family("request_failure", "Requests that failed in Triton.", lambda m: m.inference_stats.fail.count)
        yield family("count", "Rows.", lambda m: m.inference_count)
        yield family("exec_count", "Batches.", lambda m: m.execution_count)
        for name, field in _DURATIONS.items():
            about = f"Microseconds of all requests together: {name}."
            yield family(f"{name}_duration_us", about, lambda m, f=field: getattr(m.inference_stats, f).ns / 1000)


def application(house: House, pipelines: Path) -> web.Application:
    """GET /metrics; 503 with the reason if a part cannot be had, as half of them might be taken for all.

    Args:
        house: of the front.
        pipelines: socket where the server's process tells of its pipelines.
    """
    own = CollectorRegistry()
    own.register(FrontMetrics(house))

    async def metrics(request: web.Request) -> web.Response:
        try:
            triton = CollectorRegistry()
            triton.register(TritonMetrics(await house.upstream.statistics()))
            body = generate_latest(triton) + await _of_pipelines(pipelines) + generate_latest(own)
        except (Unanswered, aiohttp.ClientError, OSError, TimeoutError) as error:
            return web.Response(status=503, text=f"no metrics now: {error}\n")
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


async def _of_pipelines(socket: Path) -> bytes:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket)), timeout=timeout) as session,
        session.get("http://pipelines/metrics") as answer,
    ):
        return await answer.read()
