"""A proxy between the front and Triton that gives some requests the answer of the one before, as happened once."""

import asyncio
import itertools
import random
import threading
from pathlib import Path

import grpc

_SERVICE = "inference.GRPCInferenceService"
_numbers = itertools.count()
_OTHERS = ("ModelReady", "ModelStatistics")


class MixingProxy:
    """Listens on a socket in the workspace of a reward server and puts itself where the front asks; as a context.

    Args:
        workspace: of the server.
        share: of the answers that are those of the request before.

    Attributes:
        mixed: answers that were another's.
    """

    def __init__(self, workspace: Path, share: float):
        self._link, self._share = workspace / "triton", share
        self._socket = workspace / f"proxy{next(_numbers)}"
        self._random, self._last, self.mixed = random.Random(0), b"", 0
        self._target = self._link.resolve()
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    def __enter__(self) -> "MixingProxy":
        self._thread.start()
        self._ready.wait()
        self._point(self._socket)
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_between and self.has_target:
            self._point(self._target)
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def is_between(self) -> bool:
        """Whether the front would ask here: each start of a Triton puts that in its place, and its end ends this."""
        return self._link.resolve() == self._socket

    @property
    def has_target(self) -> bool:
        """Whether the Triton behind it listens."""
        return self._target.exists()

    def _point(self, target: Path) -> None:
        new = self._link.with_name("proxy.new")
        new.symlink_to(target)
        new.replace(self._link)

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with grpc.aio.insecure_channel(f"unix:{self._target}") as channel:
            handlers = {name: self._passing(channel, name) for name in ("ModelInfer", *_OTHERS)}
            server = grpc.aio.server()
            server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, handlers)])
            server.add_insecure_port(f"unix:{self._socket}")
            await server.start()
            self._ready.set()
            await self._stop.wait()
            await server.stop(1)

    def _passing(self, channel: grpc.aio.Channel, name: str) -> grpc.RpcMethodHandler:
        ask = channel.unary_unary(f"/{_SERVICE}/{name}")

        async def answer(raw: bytes, context: grpc.aio.ServicerContext) -> bytes:
            own = await ask(raw)
            if name in _OTHERS:
                return own
            before, self._last = self._last, own
            if before and self._random.random() < self._share:
                self.mixed += 1
                return before
            return own

        return grpc.unary_unary_rpc_method_handler(answer)


class AlwaysMixing:
    """A mixing proxy before each Triton that there is, as each start puts itself in the place of the proxy."""

    def __init__(self, workspace: Path, share: float):
        self._workspace, self._share, self.mixed = workspace, share, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "AlwaysMixing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        link = self._workspace / "triton"
        while not self._stop.wait(0.2):
            if not link.exists() or "proxy" in link.resolve().name:
                continue  # the next Triton does not listen yet
            with MixingProxy(self._workspace, self._share) as proxy:
                while proxy.is_between and proxy.has_target and not self._stop.wait(0.2):
                    pass
            self.mixed += proxy.mixed
