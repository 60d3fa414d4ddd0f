"""The way from a process of the trainer to a reward server."""

from typing import Any, Protocol

from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient, InferResult


class Transport(Protocol):
    """What is used of tritonclient.grpc.aio.InferenceServerClient."""

    async def infer(self, model_name: str, inputs: list[InferInput], *, headers: Any) -> InferResult: ...
    async def is_model_ready(self, model_name: str, *, headers: Any, client_timeout: float) -> bool: ...
    async def get_inference_statistics(self, model_name: str, *, headers: Any, client_timeout: float) -> Any: ...
    async def close(self) -> None: ...


def connect(address: str) -> Transport:
    """A channel to host:port of this event loop."""
    # gRPC's own pause between connections grows to two minutes: too long after a restart.
    pause = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 2000)]
    return InferenceServerClient(address, channel_args=[*pause, ("grpc.enable_http_proxy", 0)])
