"""Triton behind the front: a request is sent until it has an answer that is its own, or no more attempts.

Triton listens on a socket in a folder of this user alone. It may die and be started again meanwhile: a request that
was in it is sent again as soon as Triton is ready. So is one that was answered without outputs, by an error of Triton's
own, or with another row's measures (seen after a late answer of a stub, STATUS OK).
"""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as messages

from reward_tts.measures import Measures, Status
from reward_tts.server.front.checks import Asked, Refused, unpacked
from reward_tts.server.places import STUB_ILL
from reward_tts.server.wire import answers

log = logging.getLogger(__name__)
_SERVICE = "/inference.GRPCInferenceService/"
_ASK_S = 10.0  # for an answer that is no inference
_PAUSE_S = 0.25  # before the second attempt; doubles: a Triton that is ill is ended meanwhile
_POLL_S = 0.1  # between looks whether Triton is back
_DETAIL_CHARACTERS = 2000  # of Triton's own words, in the log
_UNANSWERED = {Status.FAILED: "INTERNAL", Status.OUT_OF_MEMORY: "RESOURCE_EXHAUSTED"}
_ILL = "is not healthy"  # Triton's words of a stub whose late answer it will take for that of the next batch
# A connection that fails is tried again soon: Triton is back within seconds.
_CHANNEL = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]


class Unanswered(Exception):
    """No answer could be had. `code` is the name of a gRPC status."""

    def __init__(self, message: str, code: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Patience:
    """Attributes:
    attempts: a request is sent so many times at most.
    restart_wait_s: and waits so long for Triton to come back, each time.
    max_under_way: requests that wait for an answer; one more is refused.
    """

    attempts: int
    restart_wait_s: float
    max_under_way: int


class Upstream:
    """One channel to Triton; for one event loop.

    Args:
        socket: where Triton listens.
        patience: with Triton.
        digest: of what the server tells of itself; each answer bears it.

    Attributes:
        counts: {what happened: how often}: mismatched, sent_again.
        under_way: requests that wait for an answer.
    """

    def __init__(self, socket: Path, patience: Patience, digest: str = ""):
        self.counts: Counter[str] = Counter()
        self.under_way, self._digest = 0, digest
        self._patience, self._ill = patience, socket.with_name(STUB_ILL)
        self._channel = grpc.aio.insecure_channel(f"unix:{socket}", options=_CHANNEL)
        self._infer = self._channel.unary_unary(f"{_SERVICE}ModelInfer")
        self._ready = self._channel.unary_unary(f"{_SERVICE}ModelReady")
        self._statistics = self._channel.unary_unary(f"{_SERVICE}ModelStatistics")

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def ready(self, model: str) -> bool:
        """Whether Triton says that the model is ready."""
        request = messages.ModelReadyRequest(name=model).SerializeToString()
        try:
            return messages.ModelReadyResponse.FromString(await self._ready(request, timeout=_ASK_S)).ready
        except grpc.aio.AioRpcError:
            return False

    async def statistics(self, model: str = "") -> messages.ModelStatisticsResponse:
        """Of one model or of every one. Raises Unanswered while Triton is away."""
        request = messages.ModelStatisticsRequest(name=model).SerializeToString()
        try:
            raw = await self._statistics(request, timeout=_ASK_S)
        except grpc.aio.AioRpcError as error:
            raise Unanswered("Triton is being started (again)", "UNAVAILABLE") from error
        return messages.ModelStatisticsResponse.FromString(raw)

    async def infer(self, asked: Asked) -> messages.ModelInferResponse:
        """Triton's answer to a request, which is its own; with `tts_seconds`, how long it took from here, and
        `tts_server`, the digest.

        Raises:
            Unanswered: too much is under way, or there was no answer after all attempts.
            Refused: a row of a client that does not read STATUS has no reward, or cannot be spoken.
        """
        if self.under_way >= self._patience.max_under_way:
            raise Unanswered(f"too many requests under way: {self.under_way}", "RESOURCE_EXHAUSTED")
        self.under_way += 1
        begin = time.monotonic()
        try:
            answer = await self._asked_until_answered(asked)
        finally:
            self.under_way -= 1
        refuse_without_reward(asked, answer)
        answer.parameters["tts_seconds"].double_param = time.monotonic() - begin
        answer.parameters["tts_server"].string_param = self._digest
        answer.id = asked.ident
        return only_wanted(answer, asked.wanted)

    async def _asked_until_answered(self, asked: Asked) -> messages.ModelInferResponse:
        message, problem = asked.message.SerializeToString(), ""
        for attempt in range(self._patience.attempts):
            if attempt:
                self.counts["sent_again"] += 1
                log.warning("asking Triton again: %s", problem)
                await asyncio.sleep(_PAUSE_S * 2 ** (attempt - 1))
            try:
                answer = messages.ModelInferResponse.FromString(await self._infer(message))
            except grpc.aio.AioRpcError as error:
                problem = f"{error.code().name} {(error.details() or '')[:_DETAIL_CHARACTERS]}"
                if _ILL in problem:
                    self._ill.touch()  # from now on a batch may get another's answer, or none
                if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND):
                    await self._wait_for(asked.message.model_name)
                continue
            problem = not_its_own(asked, answer)
            if not problem:
                return answer
            self.counts["mismatched"] += 1
        log.error("no answer in %d attempts: %s", self._patience.attempts, problem)
        raise Unanswered(f"no answer in {self._patience.attempts} attempts: the server's log tells why", "UNAVAILABLE")

    async def _wait_for(self, model: str) -> None:
        until = time.monotonic() + self._patience.restart_wait_s
        while not await self.ready(model):
            if time.monotonic() > until:
                raise Unanswered("Triton is being started (again)", "UNAVAILABLE")
            await asyncio.sleep(_POLL_S)


def output(answer: messages.ModelInferResponse, name: str) -> bytes | None:
    """Raw contents of an output; None if it is not there."""
    for tensor, raw in zip(answer.outputs, answer.raw_output_contents, strict=False):
        if tensor.name == name:
            return raw
    return None


def not_its_own(asked: Asked, answer: messages.ModelInferResponse) -> str:
    """Why this is no answer to what was asked; empty if it is."""
    names = [tensor.name for tensor in answer.outputs]
    if set(names) != {tensor.name for tensor in asked.spec.outputs} or len(answer.raw_output_contents) != len(names):
        return f"the answer has the outputs {names}"
    try:
        measures = unpacked(output(answer, "MEASURES") or b"", len(asked.checksums), "MEASURES")
    except Refused as error:
        return str(error)
    if all(answers(one, checksum) for one, checksum in zip(measures, asked.checksums, strict=True)):
        return ""
    return "the answer is of another row"


def refuse_without_reward(asked: Asked, answer: messages.ModelInferResponse) -> None:
    """A client that does not read STATUS would take NaN, or no sound, for an answer.

    Raises:
        Refused: a row is at fault; with what is wrong with it.
        Unanswered: a part of the server failed on a row.
    """
    if asked.reads_status:
        return
    raw = unpacked(output(answer, "MEASURES") or b"", len(asked.checksums), "MEASURES")
    measures = [Measures.from_json(one.decode()) for one in raw]
    rewards = output(answer, "REWARDS")
    if rewards is None:
        without = [row.status != Status.OK for row in measures]
    else:
        without = np.isnan(np.frombuffer(rewards, "<f4")).tolist()
    for number, (lacks, row) in enumerate(zip(without, measures, strict=True)):
        if lacks and row.status in _UNANSWERED:
            raise Unanswered(f"row {number}: {row.message}", _UNANSWERED[row.status])
        if lacks:
            raise Refused(f"row {number}: {row.message}")


def only_wanted(answer: messages.ModelInferResponse, wanted: frozenset[str]) -> messages.ModelInferResponse:
    """The answer with these outputs alone, or as it is if none was named."""
    if wanted:
        for index in reversed(range(len(answer.outputs))):
            if answer.outputs[index].name not in wanted:
                del answer.outputs[index]
                del answer.raw_output_contents[index]
    return answer
