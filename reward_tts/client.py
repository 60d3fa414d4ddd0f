"""Client of the reward server: async gRPC, bounded, patient with passing faults, never silent about the others."""

import asyncio
import logging
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferResult

from reward_tts.addresses import address, as_address
from reward_tts.measures import CONTRACT, SECRET_HEADER, Measures, Status, row_checksum, secret_of
from reward_tts.servers import RewardError, RewardServer, Servers
from reward_tts.transport import Transport, connect
from reward_tts.window import Window
from speech.interfaces import Passing

__all__ = ["LEAVE_OUT", "Answer", "RewardClient", "RewardError", "ServerConfig", "client_for", "secret_headers"]
log = logging.getLogger(__name__)
MORE_MEMORY = (
    "Its devices have too little memory beside what else is on them. The training's share, where they are the same: "
    "actor_rollout_ref.rollout.gpu_memory_utilization; what a batch of the server takes: server.max_batch_size, "
    "token2wav.batch_size; or other devices: server.devices (docs/troubleshooting.md)"
)
LEAVE_OUT = (
    'To go on without this text: a line {"text": ...} for it, and for each other such text, in a file of '
    "reward.custom_reward_function.reward_kwargs.left_out=FILE.jsonl (docs/troubleshooting.md)"
)
_ADVICE = {Status.FAILED: LEAVE_OUT, Status.BAD_ROW: LEAVE_OUT, Status.OUT_OF_MEMORY: MORE_MEMORY}


def secret_headers(variable: str | None) -> dict[str, str] | None:
    """What a request has with it, of the variable that recipe.server.secret_env names. Raises UserError: see
    `secret_of`."""
    secret = secret_of("recipe.server.secret_env", variable)
    return None if secret is None else {SECRET_HEADER: secret}


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
        concurrency: rows under way at once at each server, of all `processes` together.
        processes: of this run that ask; each has an equal share of `concurrency`.
        queue_s: as long a row may wait at a server; fewer are under way where they wait longer.
        watch_s: while rows are under way, a server is asked about itself once in this time.
        deadline_s: a server that answers nothing at all for so long is lost; what was sent there is asked again.
        give_up_s: an error where no server can be reached for so long, or one lives and finishes nothing; a server that
            restarts must fit into it.
        max_attempts: of one row.
        memory_attempts: of one row for which no server had memory left; another server is asked first.
        failed_attempts: of one row on which a server failed; likewise.
        backoff_s: before a row's second attempt; doubles each time, with jitter.
        backoff_cap_s: at most this long.
    """

    host: str
    grpc_port: int
    more: tuple[str, ...]
    model: str
    recipe: str
    secret_env: str | None
    concurrency: int
    queue_s: float
    watch_s: float
    deadline_s: float
    give_up_s: float
    max_attempts: int
    backoff_s: float
    backoff_cap_s: float
    memory_attempts: int = 12
    failed_attempts: int = 3
    processes: int = 1

    def __post_init__(self) -> None:
        if self.concurrency < self.processes:
            raise ValueError(
                f"recipe.server.concurrency={self.concurrency} rows under way are fewer than the {self.processes} "
                "processes that share them (reward.num_workers)"
            )

    def longest_pause_s(self, attempts: int) -> float:
        """Before the next attempt of a row after so many; half of it at least is waited."""
        return min(self.backoff_cap_s, self.backoff_s * 2 ** (attempts - 1))

    @property
    def addresses(self) -> tuple[str, ...]:
        """host:grpc_port of each server."""
        return (address(self.host, self.grpc_port), *map(as_address, self.more))

    @property
    def headers(self) -> dict[str, str] | None:
        """The shared secret as Triton wants it. Raises UserError if its variable is not set."""
        return secret_headers(self.secret_env)


@dataclass(frozen=True)
class Answer:
    """Of one row.

    Attributes:
        measures: what the server measured.
        attempts: how often it was asked.
        mismatches: how many of them were answered with another row's measures, which were thrown away.
    """

    measures: Measures
    attempts: int
    mismatches: int


class RewardClient:
    """One gRPC channel to each server, for one event loop; `client_for` keeps one client for each.

    Args:
        config: servers and patience.
        connect: opens the way to an address; benchmarks/overload.py has one to a simulated server.

    Example:
        client = client_for(ServerConfig(...))
        measures = await client.measure([7, 300, 12], "你好", language="zh", index=0)
    """

    def __init__(self, config: ServerConfig, connect: Callable[[str], Transport] = connect):
        self.config, headers = config, config.headers
        share = config.concurrency // config.processes
        patience = (config.watch_s, config.deadline_s, config.give_up_s)
        servers = [
            RewardServer(a, connect(a), config.model, headers, Window(share, config.queue_s), *patience)
            for a in config.addresses
        ]
        self._servers = Servers(servers, config.give_up_s, config.backoff_s, config.backoff_cap_s)

    async def measure(
        self, tokens: Sequence[int], text: str, language: str, index: object, voice: str | None = None
    ) -> Measures:
        """The measures of `ask`."""
        return (await self.ask(tokens, text, language, index, voice)).measures

    async def ask(
        self, tokens: Sequence[int], text: str, language: str, index: object, voice: str | None = None
    ) -> Answer:
        """What the server measured of these speech tokens, and how many attempts it took; without `is_speech` they
        cannot be spoken at all.

        Args:
            tokens: speech tokens, at least one.
            text: what they should say.
            language: of the text.
            index: of the sample, for messages.
            voice: None for the recipe's own.

        Raises:
            RewardError: the secret is wrong, a server is of another recipe, another one than it was or than the others,
                refuses the row or fails on it again and again, answers nonsense, or none answered for `give_up_s`.
        """
        inputs, checksum = _inputs(tokens, text, language, voice), row_checksum(tokens, text, language, voice)
        sample = f"sample {index} ({text!r})"
        attempts = mismatches = 0
        most = {Status.OUT_OF_MEMORY: self.config.memory_attempts, Status.FAILED: self.config.failed_attempts}
        met: Counter[Status] = Counter()
        last: RewardServer | None = None  # that had no memory for the row, or failed on it
        while True:
            try:
                server = await self._servers.take(first=attempts > 0, rather_not=last)
                attempts += 1
                try:
                    result = await server.infer(inputs)
                finally:
                    self._servers.give_back(server)
                measures, status = _read(result)
            except Passing as fault:
                reason = str(fault)
                log.info("%s: reward server %s, attempt %d: %s", sample, server.address, attempts, reason)
            except RewardError as error:
                raise RewardError(f"{sample}: {error} ({attempts} attempts)") from error
            else:
                if measures.checksum != checksum:
                    mismatches, reason = mismatches + 1, "it answered with the measures of another row"
                else:
                    self._check_same(server, result, sample)
                    self._tell(server, result, measures)
                    met[status] += 1
                    if met[status] >= most.get(status, 1):
                        return Answer(self._checked(measures, status, sample), attempts, mismatches)
                    last, reason = server, f"{status.name}: {measures.message}"
                log.warning("%s: reward server %s, attempt %d: %s", sample, server.address, attempts, reason)
            if attempts >= self.config.max_attempts:
                raise RewardError(
                    f"{sample}: reward server {server.address} failed in each of {attempts} attempts, last: {reason}"
                )
            await asyncio.sleep(self.config.longest_pause_s(attempts) * random.uniform(0.5, 1.0))

    async def close(self) -> None:
        """Closes the channels."""
        await self._servers.close()

    def _check_same(self, server: RewardServer, result: InferResult, sample: str) -> None:
        """RewardError where the server is another one than when it first answered here, by models, settings or
        measures: it was started again meanwhile; or another one than the others. One without such a front says nothing
        of it."""
        parameters = result.get_response().parameters
        told = parameters["tts_server"].string_param if "tts_server" in parameters else ""
        if server.digest is None:
            server.digest = told or None
        elif told and told != server.digest:
            raise RewardError(
                f"{sample}: the reward server {server.address} was started again with other models, settings or "
                "measures: rewards of one run would be of two kinds. Start it as it was; or run the same command "
                "again, which goes on with this one from the last checkpoint, and says what changed"
            )
        for other in self._servers.servers:
            if server.digest and other.digest not in (None, server.digest):
                raise RewardError(
                    f"{sample}: the reward servers {other.address} and {server.address} have not the same models, "
                    "settings and measures: rewards of one run would be of two kinds. Start both alike"
                )

    def _tell(self, server: RewardServer, result: InferResult, measures: Measures) -> None:
        """A server in front of which nothing tells the seconds of an answer (no such parameter) leaves its window."""
        told_s = result.get_response().parameters["tts_seconds"].double_param
        if told_s > 0:
            self._servers.tell(server, max(0.0, told_s - measures.service_s), measures.service_s)

    def _checked(self, measures: Measures, status: Status, sample: str) -> Measures:
        if measures.recipe != self.config.recipe:
            raise RewardError(
                f"{sample}: a reward server of {', '.join(self.config.addresses)} is of recipe {measures.recipe!r}, "
                f"not {self.config.recipe!r}: stop it, or choose other ports (recipe.server.*)"
            )
        if status == Status.BAD_SPEECH and measures.status == status:
            return measures
        if status != Status.OK or measures.status != status:
            advice = f". {_ADVICE[status]}" if status in _ADVICE else ""
            raise RewardError(f"{sample}: the reward server says {status.name}: {measures.message}{advice}")
        if (wrong := measures.not_finite()) or measures.duration_s <= 0:
            raise RewardError(f"{sample}: the reward server measured no finite {wrong or 'duration_s'}: {measures}")
        return measures


def client_for(config: ServerConfig) -> RewardClient:
    """The client of this process and the running event loop: a channel works in no other."""
    return _client_for(config, os.getpid(), asyncio.get_running_loop())


@lru_cache(maxsize=8)
def _client_for(config: ServerConfig, pid: int, loop: asyncio.AbstractEventLoop) -> RewardClient:
    return RewardClient(config)


def _read(result: InferResult) -> tuple[Measures, Status]:
    """Raises Passing: the answer is damaged (an output is missing, or not what `Measures.to_json` writes)."""
    try:
        return Measures.from_json(_scalar(result, "MEASURES").decode()), Status(int(_scalar(result, "STATUS")))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Passing(f"the reward server's answer cannot be read: {error}") from error


def _scalar(result: InferResult, name: str) -> Any:
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
