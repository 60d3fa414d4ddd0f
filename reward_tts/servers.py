"""The reward servers as one process of the trainer sees them: which of them gets the next row, how many rows may be
under way there, and whether it lives.

A row that waits is never sent a second time to a server that lives: no request has a deadline. A server is asked about
itself while rows are there, and is lost when it does not answer that.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferResult
from tritonclient.utils import InferenceServerException

from reward_tts.transport import Transport
from reward_tts.window import Window
from speech.interfaces import Passing

log = logging.getLogger(__name__)
_FINAL = {f"StatusCode.{name}" for name in ("INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "OUT_OF_RANGE")}
_SECRET = {"StatusCode.UNAUTHENTICATED", "StatusCode.PERMISSION_DENIED"}


class RewardError(RuntimeError):
    """No measure could be had; the message names the sample and the reason."""


class RewardServer:
    """One address.

    Args:
        address: host:port.
        triton: the way there.
        model: Triton's name of it.
        headers: the secret, or None.
        window: rows under way.
        watch_s: while rows are there, the server is asked about itself after this time, again and again.
        deadline_s: without any answer it is lost; what was sent there is asked again.
        give_up_s: where it answers, but finishes nothing in this time: an error; while another server is there, its
            rows are asked there, and it gets none until it has finished something.

    Attributes:
        is_alone: whether no other server is there; `Servers` sets it.
        digest: of what it told of itself when it first answered (reward_tts/server/front/upstream.py); None: not yet.
    """

    def __init__(
        self,
        address: str,
        triton: Transport,
        model: str,
        headers: dict[str, str] | None,
        window: Window,
        watch_s: float,
        deadline_s: float,
        give_up_s: float,
    ):
        self.address, self.triton, self.window = address, triton, window
        self.down_since: float | None = None
        self.digest: str | None = None
        self.reason = ""
        self.under_way = 0
        self.is_alone: Callable[[], bool] = lambda: True
        self._model, self._headers = model, headers
        self._watch_s, self._deadline_s, self._give_up_s = watch_s, deadline_s, give_up_s
        self._ended: dict[asyncio.Task, Exception] = {}
        self._calls: set[asyncio.Task] = set()
        self._watching: asyncio.Task | None = None
        self._answered = 0.0
        self._stuck_at: str | None = None  # its statistics when it had finished nothing for too long

    @property
    def is_full(self) -> bool:
        return self.under_way >= int(self.window.size)

    async def infer(self, inputs: list[InferInput]) -> InferResult:
        """The server's answer.

        Raises:
            Passing: asking again may help. RewardError: it does not.
        """
        call = asyncio.create_task(self.triton.infer(self._model, inputs, headers=self._headers))
        self._calls.add(call)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            result = await call
        except asyncio.CancelledError:
            if call in self._ended:
                raise self._ended.pop(call) from None
            raise
        except InferenceServerException as error:
            raise self._fault(error) from error
        finally:
            self._calls.discard(call)
        self._answered = asyncio.get_running_loop().time()
        return result

    async def is_ready(self) -> bool:
        """Whether it would answer now."""
        try:
            if self._stuck_at is not None and await self._statistics() == self._stuck_at:
                return False
            self._stuck_at = None
            return await self.triton.is_model_ready(self._model, headers=self._headers, client_timeout=self._deadline_s)
        except InferenceServerException as error:
            away = error.status() in ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED")
            if error.status() == "StatusCode.UNAVAILABLE":  # it is started again: its statistics begin anew
                self._stuck_at = None
            return _wants_secret(error) or not away  # it lives; whoever asks it for a row hears the rest

    async def close(self) -> None:
        """Ends what watches, and the channel."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await self.triton.close()

    def _fault(self, error: InferenceServerException) -> Exception:
        status, message = error.status(), error.message() or ""
        reason = f"{status} {message}"
        if _wants_secret(error):
            return RewardError(
                f"wrong secret: reward server {self.address} refuses what the variable that recipe.server.secret_env "
                f"names holds ({reason})"
            )
        goes = status == "StatusCode.NOT_FOUND" and "no available versions" in message  # a model that comes or goes
        too_large = status == "StatusCode.RESOURCE_EXHAUSTED" and "larger than max" in message
        if (status in _FINAL and not goes) or too_large:
            return RewardError(f"reward server {self.address} failed: {reason}")
        if status == "StatusCode.RESOURCE_EXHAUSTED":
            self.window.halve()
        elif status == "StatusCode.UNAVAILABLE" or goes:
            self.lost(reason)
        return Passing(reason)

    def lost(self, reason: str) -> None:
        """It may be away: no row is sent there until it says that it is ready."""
        self.reason = reason
        if self.down_since is None:
            self.down_since = asyncio.get_running_loop().time()

    async def _watch(self) -> None:
        """Ends the calls under way where the server has not said a word for deadline_s, or lives and finishes nothing
        for give_up_s. A server that is slow, and one whose queue is long, finishes something."""
        clock = asyncio.get_running_loop().time
        heard = moved = clock()
        counts = None
        while self._calls:
            await asyncio.sleep(self._watch_s)
            heard, moved = max(heard, self._answered), max(moved, self._answered)
            try:
                now = await self._statistics()
                heard = clock()
                if now != counts:
                    counts, moved = now, heard
            except InferenceServerException as error:
                if error.status() in _FINAL | _SECRET:  # it does not tell, and lives
                    heard = clock()
            if clock() - max(heard, self._answered) > self._deadline_s:
                self.lost(f"no sign of life for {self._deadline_s:.0f} s")
                self._end(Passing(self.reason))
            elif (quiet := clock() - max(moved, self._answered)) > self._give_up_s:
                reason = f"lives, but has finished nothing for {quiet:.0f} s (recipe.server.give_up_s)"
                if self.is_alone() or counts is None:
                    self._end(RewardError(f"reward server {self.address} {reason}. Its log tells more."))
                else:
                    self._stuck_at = counts
                    self.lost(reason)
                    self._end(Passing(reason))

    async def _statistics(self) -> str:
        """Those of its model, which change with each batch. Raises InferenceServerException."""
        about = await self.triton.get_inference_statistics(
            self._model, headers=self._headers, client_timeout=self._deadline_s
        )
        return str(about)

    def _end(self, verdict: Exception) -> None:
        for call in list(self._calls):
            if not call.done():
                self._ended[call] = verdict
                call.cancel()


class Servers:
    """Those of one recipe, for one event loop. A row waits here until one of them has room for it: the server that has
    the most gets it, so that a fast one does more than a slow one.

    Args:
        servers: at least one.
        give_up_s: where none of them answers for so long, rows that wait fail.
        backoff_s, backoff_cap_s: between questions whether a lost one is ready; doubles each time, with jitter.
    """

    def __init__(self, servers: Sequence[RewardServer], give_up_s: float, backoff_s: float, backoff_cap_s: float):
        self.servers = list(servers)
        self._give_up_s, self._backoff_s, self._backoff_cap_s = give_up_s, backoff_s, backoff_cap_s
        self._waiting: deque[asyncio.Future[RewardServer]] = deque()
        self._rather_not: dict[asyncio.Future[RewardServer], RewardServer] = {}
        self._reviving: dict[str, asyncio.Task] = {}
        for server in self.servers:
            server.is_alone = partial(self._has_no_other, server)

    async def take(self, first: bool, rather_not: RewardServer | None = None) -> RewardServer:
        """A server with room for one row more, which is counted there until `give_back`; `first`: before those that
        wait; `rather_not`: only where no other has room.

        Raises:
            RewardError: none of them has answered for give_up_s.
        """
        place = asyncio.get_running_loop().create_future()
        if rather_not is not None:
            self._rather_not[place] = rather_not
        (self._waiting.appendleft if first else self._waiting.append)(place)
        self._hand_out()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and not place.exception():
                self.give_back(place.result())
            raise
        finally:
            self._rather_not.pop(place, None)

    def tell(self, server: RewardServer, queued_s: float, service_s: float) -> None:
        """How long a row waited there and how long its batch was worked on."""
        server.window.told(queued_s, service_s, any(not place.done() for place in self._waiting))

    def give_back(self, server: RewardServer) -> None:
        """The row is not there any more."""
        server.under_way -= 1
        self._hand_out()

    async def close(self) -> None:
        """Ends what runs, and the channels."""
        for task in self._reviving.values():
            task.cancel()
        await asyncio.gather(*self._reviving.values(), return_exceptions=True)
        for server in self.servers:
            await server.close()

    def _has_no_other(self, server: RewardServer) -> bool:
        return all(other is server or other.down_since is not None for other in self.servers)

    def _hand_out(self) -> None:
        for server in self.servers:
            if server.down_since is not None and server.address not in self._reviving:
                self._reviving[server.address] = asyncio.create_task(self._revive(server))
        while self._waiting:
            free = [s for s in self.servers if s.down_since is None and not s.is_full]
            if not free:
                return
            place = self._waiting.popleft()
            if not place.done():
                avoided = self._rather_not.get(place)
                server = min(free, key=lambda s: (s is avoided, s.under_way / s.window.size))
                server.under_way += 1
                place.set_result(server)

    async def _revive(self, server: RewardServer) -> None:
        """Asks a lost server whether it is ready until it says so."""
        clock, pause = asyncio.get_running_loop().time, self._backoff_s
        warned = False
        while not await server.is_ready():
            if not warned:
                log.warning("reward server %s does not answer (%s): waiting for it", server.address, server.reason)
                warned = True
            self._fail_if_all_are_lost(clock())
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(self._backoff_cap_s, 2 * pause)
        if warned:
            log.warning("reward server %s answers again after %.1f s", server.address, clock() - server.down_since)
        server.down_since = None
        del self._reviving[server.address]
        self._hand_out()

    def _fail_if_all_are_lost(self, now: float) -> None:
        away = [now - server.down_since for server in self.servers if server.down_since is not None]
        if len(away) < len(self.servers) or min(away) < self._give_up_s:
            return
        names = ", ".join(server.address for server in self.servers)
        error = (
            f"reward server {names} gave no answer in {min(away):.0f} s: {self.servers[0].reason}. Is it running "
            "(bash run.sh serve)? Its log tells more."
        )
        while self._waiting:
            if not (place := self._waiting.popleft()).done():
                place.set_exception(RewardError(error))


def _wants_secret(error: InferenceServerException) -> bool:
    """Triton itself says UNAVAILABLE and these words; our front says UNAUTHENTICATED."""
    return error.status() in _SECRET or "protocol is restricted" in (error.message() or "")
