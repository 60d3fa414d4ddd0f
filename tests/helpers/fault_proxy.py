"""A gRPC proxy before the real reward server that fails as it is told: what a bad network or a bad server does."""

import asyncio
import random
import threading
from collections.abc import Callable

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

Answer = service_pb2.ModelInferResponse


class FaultProxy(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Runs in a thread of its own; use as a context.

    Args:
        target: host:port of the real server.
        refuse: share of the requests that get UNAVAILABLE.
        slow_s: before each answer.
        change: applied to each answer.

    Attributes:
        port: where it listens.
        refused, passed: requests so far.
        under_way, most_under_way: requests that are there now, and the most at once so far.
    """

    def __init__(
        self, target: str, refuse: float = 0.0, slow_s: float = 0.0, change: Callable[[Answer], None] | None = None
    ):
        self.target, self.refuse, self.slow_s, self.change = target, refuse, slow_s, change
        self.port, self.refused, self.passed = 0, 0, 0
        self.under_way, self.most_under_way = 0, 0
        self._random = random.Random(0)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def ModelInfer(self, request, context):
        """Triton's inference."""
        if self._random.random() < self.refuse:
            self.refused += 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "refused by the proxy")
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.slow_s)
            answer = await self._stub.ModelInfer(request)
        finally:
            self.under_way -= 1
        self.passed += 1
        if self.change:
            self.change(answer)
        return answer

    async def ModelReady(self, request, context):
        """As the server says."""
        return await self._stub.ModelReady(request)

    async def ModelStatistics(self, request, context):
        """As the server says."""
        return await self._stub.ModelStatistics(request)

    async def _serve(self) -> None:
        async with grpc.aio.insecure_channel(self.target) as channel:
            self._stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            server = grpc.aio.server()
            service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self, server)
            self.port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            self._stop = asyncio.Event()
            self._ready.set()
            await self._stop.wait()
            await server.stop(0)

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


def bytes_output(answer: Answer, name: str) -> bytes:
    """The one element of a BYTES output [1, 1]: four bytes of length, then the content."""
    return answer.raw_output_contents[_index(answer, name)][4:]


def set_bytes_output(answer: Answer, name: str, content: bytes) -> None:
    """Puts another content in its place."""
    answer.raw_output_contents[_index(answer, name)] = len(content).to_bytes(4, "little") + content


def set_status(answer: Answer, status: int) -> None:
    """Puts another STATUS in the place of that of the one row."""
    answer.raw_output_contents[_index(answer, "STATUS")] = status.to_bytes(4, "little")


def _index(answer: Answer, name: str) -> int:
    return [output.name for output in answer.outputs].index(name)
