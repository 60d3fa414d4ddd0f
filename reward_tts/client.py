"""Client of the reward server: async gRPC, bounded, patient with passing faults, never silent about the others."""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient, InferResult
from tritonclient.utils import InferenceServerException

from reward_tts.measures import CONTRACT, Measures, Status

# Faults of the way to the server, or of a server that is about to stop or not yet ready.
_PASSING = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.RESOURCE_EXHAUSTED"}
SECRET_HEADER = "triton-grpc-protocol-triton-access-token"  # Triton's prefix, PyTriton's name; HTTP has the name alone


class RewardError(RuntimeError):
    """No measure could be had; the message names the sample and the reason."""


@dataclass(frozen=True)
class ServerConfig:
    """Where the servers are and how patient the client is.

    Attributes:
        host: name or address.
        grpc_port: of the server.
        more: further servers of the same recipe, "host:grpc_port" each.
        model: Triton's name of it.
        recipe: whose server it must be.
        secret_env: name of the environment variable that holds the servers' shared secret, or None.
        concurrency: requests under way at once, for each process.
        deadline_s: for one attempt.
        give_up_s: from the first attempt; a server that restarts must fit into it.
        backoff_s: before the second attempt at the same server; doubles each time, with jitter.
        backoff_cap_s: at most this long.
    """

    host: str
    grpc_port: int
    more: tuple[str, ...]
    model: str
    recipe: str
    secret_env: str | None
    concurrency: int
    deadline_s: float
    give_up_s: float
    backoff_s: float
    backoff_cap_s: float

    @property
    def addresses(self) -> tuple[str, ...]:
        """host:grpc_port of each server."""
        return (f"{self.host}:{self.grpc_port}", *self.more)

    @property
    def headers(self) -> dict[str, str] | None:
        """The shared secret as Triton wants it. Raises RewardError if its variable is not set."""
        return self.secret_headers(self.secret_env)

    @staticmethod
    def secret_headers(variable: str | None) -> dict[str, str] | None:
        """The same from the variable's name."""
        if variable is None:
            return None
        if not os.environ.get(variable):
            raise RewardError(f"recipe.server.secret_env names {variable}, which is not set")
        return {SECRET_HEADER: os.environ[variable]}


class _Server:
    """One address: its channel, how many requests are under way, and until when it is left alone after a fault."""

    def __init__(self, address: str):
        # gRPC's own pause between connections grows to two minutes: too long after a restart.
        pause = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 2000)]
        self.address = address
        self.triton = InferenceServerClient(address, channel_args=[*pause, ("grpc.enable_http_proxy", 0)])
        self.under_way, self.faults, self.rests_until = 0, 0, 0.0


class RewardClient:
    """One gRPC channel to each server, for one event loop; `client_for` keeps one client for each.

    A request goes to the server with the fewest under way; one that fails in passing rests for a while, which grows.

    Example:
        client = client_for(ServerConfig(...))
        measures = await client.measure([7, 300, 12], "你好", language="zh", index=0)
    """

    def __init__(self, config: ServerConfig):
        self.config, self._headers = config, config.headers
        self._servers = [_Server(address) for address in config.addresses]
        self._slots = asyncio.Semaphore(config.concurrency)

    async def measure(
        self, tokens: Sequence[int], text: str, language: str, index: object, voice: str | None = None
    ) -> Measures:
        """`measure_and_count` without the number."""
        return (await self.measure_and_count(tokens, text, language, index, voice))[0]

    async def measure_and_count(
        self, tokens: Sequence[int], text: str, language: str, index: object, voice: str | None = None
    ) -> tuple[Measures, int]:
        """What the server measured of these speech tokens, and how many attempts it took; without `is_speech` they
        cannot be spoken at all.

        Args:
            tokens: speech tokens, at least one.
            text: what they should say.
            language: of the text.
            index: of the sample, for messages.
            voice: None for the recipe's own.

        Raises:
            RewardError: the server is of another recipe, refuses or fails on the row, answers nonsense, or did not
                answer for `give_up_s`.
        """
        inputs = _inputs(tokens, text, language, voice)
        async with self._slots:
            result, attempts = await self._infer(inputs, f"sample {index} ({text!r})")
        return self._checked(result, f"sample {index} ({text!r})"), attempts

    async def close(self) -> None:
        """Closes the channels."""
        for server in self._servers:
            await server.triton.close()

    async def _infer(self, inputs: list[InferInput], sample: str) -> tuple[InferResult, int]:
        config, begin, attempts = self.config, time.monotonic(), 0
        while True:
            now = time.monotonic()
            server = min(self._servers, key=lambda s: (max(s.rests_until, now), s.under_way))
            server.under_way += 1  # before any await, so that the next one sees it
            attempts += 1
            try:
                await asyncio.sleep(max(0.0, server.rests_until - now))
                result = await server.triton.infer(
                    config.model, inputs, client_timeout=config.deadline_s, headers=self._headers
                )
                server.faults = 0
                return result, attempts
            except InferenceServerException as error:
                waited = time.monotonic() - begin
                if not _passes(error):
                    reason = f"{error.status()} {error.message()}"
                    raise RewardError(f"{sample}: reward server {server.address} failed: {reason}") from error
                if waited + self._rest(server) > config.give_up_s:
                    reason = f"{error.status()} {error.message()}"
                    raise RewardError(
                        f"{sample}: reward server {', '.join(config.addresses)} gave no answer in {waited:.0f} s and "
                        f"{attempts} attempts: {reason}. Is it running (bash run.sh serve)? Its log tells more."
                    ) from error
            finally:
                server.under_way -= 1

    def _rest(self, server: _Server) -> float:
        """Leaves the server alone for the backoff of its faults in a row; returns seconds."""
        now = time.monotonic()
        if now >= server.rests_until:  # requests that were under way together fail together: one fault
            pause = min(self.config.backoff_cap_s, self.config.backoff_s * 2**server.faults)
            server.faults += 1
            server.rests_until = now + pause * random.uniform(0.5, 1.0)
        return server.rests_until - now

    def _checked(self, result: InferResult, sample: str) -> Measures:
        try:
            measures = Measures.from_json(_scalar(result, "MEASURES").decode())
            status = Status(int(_scalar(result, "STATUS")))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise RewardError(f"{sample}: the reward server's answer cannot be read: {error}") from error
        if measures.recipe != self.config.recipe:
            raise RewardError(
                f"{sample}: a reward server of {', '.join(self.config.addresses)} is of recipe {measures.recipe!r}, "
                f"not {self.config.recipe!r}: stop it, or choose other ports (recipe.server.*)"
            )
        if status == Status.BAD_SPEECH and measures.status == status:
            return measures
        if status != Status.OK or measures.status != status:
            raise RewardError(f"{sample}: the reward server says {status.name}: {measures.message}")
        if (wrong := measures.not_finite()) or measures.duration_s <= 0:
            raise RewardError(f"{sample}: the reward server measured no finite {wrong or 'duration_s'}: {measures}")
        return measures


def _passes(error: InferenceServerException) -> bool:
    """Whether it may be different in a while. Triton says NOT_FOUND with these words of a model that it has, while it
    comes or goes; of one that it does not know it says other words."""
    goes = error.status() == "StatusCode.NOT_FOUND" and "no available versions" in (error.message() or "")
    return goes or error.status() in _PASSING


def client_for(config: ServerConfig) -> RewardClient:
    """The client of this process and the running event loop: a channel works in no other."""
    return _client_for(config, os.getpid(), asyncio.get_running_loop())


@lru_cache(maxsize=8)
def _client_for(config: ServerConfig, pid: int, loop: asyncio.AbstractEventLoop) -> RewardClient:
    return RewardClient(config)


def _scalar(result: InferResult, name: str):
    """The one element of output [1, 1].

    Raises:
        KeyError: no such output.
        ValueError: another shape.
    """
    values = result.as_numpy(name)
    if values is None:
        raise KeyError(f"output {name} is missing")
    if values.shape != (1, 1):
        raise ValueError(f"output {name} has shape {values.shape}")
    return values[0, 0]


def _inputs(tokens: Sequence[int], text: str, language: str, voice: str | None) -> list[InferInput]:
    values = {
        "TOKENS": ("INT32", np.array([tokens], np.int32)),
        "TOKEN_LENS": ("INT32", np.array([[len(tokens)]], np.int32)),
        "CONTRACT": ("INT32", np.array([[CONTRACT]], np.int32)),
    }
    for name, value in (("GT_TEXT", text), ("LANGUAGE", language), ("VOICE", voice or "")):
        values[name] = ("BYTES", np.array([[value.encode()]], object))
    inputs = []
    for name, (kind, value) in values.items():
        inputs.append(InferInput(name, list(value.shape), kind))
        inputs[-1].set_data_from_numpy(value)
    return inputs
