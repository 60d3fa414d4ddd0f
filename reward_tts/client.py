"""Client of the reward server: async gRPC, bounded, patient with passing faults, never silent about the others."""

import asyncio
import json
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

from reward_tts.measures import Measures, Status

# Faults of the way to the server, or of a server that is about to stop or not yet ready.
_PASSING = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.RESOURCE_EXHAUSTED"}


class RewardError(RuntimeError):
    """No measure could be had; the message names the sample and the reason."""


@dataclass(frozen=True)
class ServerConfig:
    """Where the server is and how patient the client is.

    Attributes:
        host: name or address.
        grpc_port: of the server.
        model: Triton's name of it.
        recipe: whose server it must be.
        concurrency: requests under way at once, for each process.
        deadline_s: for one attempt.
        give_up_s: from the first attempt; a server that restarts must fit into it.
        backoff_s: before the second attempt; doubles each time, with jitter.
        backoff_cap_s: at most this long.
    """

    host: str
    grpc_port: int
    model: str
    recipe: str
    concurrency: int
    deadline_s: float
    give_up_s: float
    backoff_s: float
    backoff_cap_s: float


class RewardClient:
    """One gRPC channel, for one event loop; `client_for` keeps one for each.

    Example:
        client = client_for(ServerConfig(...))
        measures = await client.measure([7, 300, 12], "你好", language="zh", index=0)
    """

    def __init__(self, config: ServerConfig):
        self.config = config
        # gRPC's own pause between connections grows to two minutes: too long after a restart.
        pause = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 2000)]
        address = f"{config.host}:{config.grpc_port}"
        self._triton = InferenceServerClient(address, channel_args=[*pause, ("grpc.enable_http_proxy", 0)])
        self._slots = asyncio.Semaphore(config.concurrency)

    async def measure(
        self, tokens: Sequence[int], text: str, language: str, index: object, voice: str | None = None
    ) -> Measures:
        """What the server measured of these speech tokens.

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
            result = await self._infer(inputs, f"sample {index} ({text!r})")
        return self._checked(result, f"sample {index} ({text!r})")

    async def close(self) -> None:
        """Closes the channel."""
        await self._triton.close()

    async def _infer(self, inputs: list[InferInput], sample: str) -> InferResult:
        config = self.config
        begin, pause, attempts = time.monotonic(), config.backoff_s, 0
        while True:
            attempts += 1
            try:
                return await self._triton.infer(config.model, inputs, client_timeout=config.deadline_s)
            except InferenceServerException as error:
                waited = time.monotonic() - begin
                where = f"reward server {config.host}:{config.grpc_port}"
                if error.status() not in _PASSING:
                    raise RewardError(f"{sample}: {where} failed: {error.status()} {error.message()}") from error
                if waited + pause > config.give_up_s:
                    reason = f"{error.status()} {error.message()}"
                    raise RewardError(
                        f"{sample}: {where} gave no answer in {waited:.0f} s and {attempts} attempts: {reason}. Is it "
                        f"running (bash run.sh serve)? Its log tells more."
                    ) from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, config.backoff_cap_s)

    def _checked(self, result: InferResult, sample: str) -> Measures:
        try:
            measures = Measures.from_json(_scalar(result, "MEASURES").decode())
            status = Status(int(_scalar(result, "STATUS")))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise RewardError(f"{sample}: the reward server's answer cannot be read: {error}") from error
        if measures.recipe != self.config.recipe:
            raise RewardError(
                f"{sample}: the reward server at {self.config.host}:{self.config.grpc_port} is of recipe "
                f"{measures.recipe!r}, not {self.config.recipe!r}: stop it, or choose other ports (recipe.server.*)"
            )
        if status != Status.OK:
            raise RewardError(f"{sample}: the reward server says {status.name}: {measures.message}")
        numbers = [measures.duration_s, measures.token_rate, *measures.char_times]
        if not np.isfinite(numbers).all() or measures.duration_s <= 0:
            raise RewardError(f"{sample}: the reward server measured {json.dumps(numbers)}")
        return measures


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
    }
    for name, value in (("GT_TEXT", text), ("LANGUAGE", language), ("VOICE", voice or "")):
        values[name] = ("BYTES", np.array([[value.encode()]], object))
    inputs = []
    for name, (kind, value) in values.items():
        inputs.append(InferInput(name, list(value.shape), kind))
        inputs[-1].set_data_from_numpy(value)
    return inputs
