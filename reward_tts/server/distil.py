"""The token ear learns on, while a run goes on, from the rows of the policy that were heard by wave.

Of a heard row the tokens and what the ASR wrote are a pair. Every `every` pairs a learner, which begins as a copy of
the ear, makes a few small updates in a thread of its own. A quarter of the pairs is held back from learning. Where the
learner reads these better than the present ear, by more than two standard errors of the difference, its weights become
the present ones at once, and each instance of the server reads by them from its next batch on. Where it reads them
worse by as much, it begins again from the present ear; else it learns on. All of it is kept in one file, written whole
or not at all, from which a server that is started again goes on.

All instances of a server share what is learned, as they share the audit: half of the pairs each would teach less.
Servers on several machines (recipe.server.more) learn each from its own rows, and each has an audit of its own as well.

How the audit's bounds stay true of an ear that changes: reward_tts/server/audit.py. Distillation: Hinton et al., 2015.
"""

import copy
import hashlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from pickle import UnpicklingError
from typing import NamedTuple

import torch
from safetensors.torch import save

from reward_tts.ctc import ctc_loss, frames_of
from reward_tts.reward.config import Distil
from reward_tts.token_ear import TokenEar, first_reading, pad
from speech.files import whole_file
from speech.interfaces import Row
from speech.loading import weights_of

log = logging.getLogger(__name__)
_HELD_BACK = 4  # one pair of so many
_ERRORS = 2.0  # standard errors that a difference is not by chance
_KNOWN = 16  # times `remember`: so many rows are known as taught; an exact copy of an older one is as good as never


class Pair(NamedTuple):
    """Speech tokens, and the classes of the units that were heard in them."""

    tokens: list[int]
    labels: list[int]


class Distillation:
    """What the instances of a server learn together. `start` makes the thread; without it `learn` is called by hand.

    Args:
        ear: that stage token_ear trained; it stays as it is.
        own: recipe.reward.token_ear.distil.
        path: of the file in which all that was learned is kept (recipe.token_ear_learned).
        seed: of which pairs are drawn.

    Attributes:
        updates: that are in the present ear.
        loss: of the present ear on the pairs that are held back, nats per unit; 0 before the first round.
    """

    def __init__(self, ear: TokenEar, own: Distil, path: str | Path, seed: int):
        self.updates, self.loss = 0, 0.0
        self._own, self._ear, self._path, self._rng = own, ear, Path(path), random.Random(seed)
        self._base = hashlib.blake2b(save(ear.network.state_dict()), digest_size=16).hexdigest()
        self._pairs: deque[Pair] = deque(maxlen=own.remember)
        self._held_back: deque[Pair] = deque(maxlen=own.held_back)
        self._taught: dict[int, None] = {}  # digests, the oldest first
        self._fresh, self._midway = 0, False  # rows since the last round; whether that one began and did not end
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._network = ear.network  # the present one: never changed, only replaced by another
        self._newest: dict[torch.device, TokenEar] = {}
        self._begin_from(ear.network)
        self._resume()

    def start(self) -> "Distillation":
        """Learns in a thread of its own from now on."""

        def run() -> None:
            while self._wake.wait():
                self._wake.clear()
                try:
                    self.learn()
                except Exception:  # the rewards are right without it
                    log.exception("a round of the token ear's learning failed, its ear stays as it was")

        threading.Thread(target=run, name="token ear learns", daemon=True).start()
        return self

    def newest(self, ear: TokenEar) -> TokenEar:
        """The present ear, on the device of this one; the same object as long as none is newer."""
        device = ear.network.rows.weight.device
        with self._lock:
            if self._network is self._ear.network:
                return ear
            if device not in self._newest:
                network, about = copy.deepcopy(self._network).to(device), self._ear
                how = (about.batch_size, about.spelling, str(about.dtype).removeprefix("torch."), about.languages)
                self._newest[device] = TokenEar(network, about.units, *how)
            return self._newest[device]

    def was_taught(self, row: Row) -> bool:
        """Whether exactly this row was learned from: then it is no evidence of how rows are read that were not. Of the
        last 16 * `remember` rows, so that a long run does not fill the memory."""
        return _digest(row) in self._taught

    def add(self, row: Row, transcript: str) -> None:
        """A row and what was heard of it. Left out are those that nothing can be learned from: an empty transcript, one
        with a unit that the ear has no class for or of another language, or with more units than the frames of CTC can
        hold."""
        pair, digest = self._pair(row, transcript), _digest(row)
        if pair is None or digest in self._taught:
            return
        with self._lock:
            self._know([digest])
            (self._pairs if digest % _HELD_BACK else self._held_back).append(pair)
            self._fresh += 1
            if self._fresh >= self._own.every:
                self._wake.set()

    def _know(self, digests: Sequence[int]) -> None:
        self._taught.update(dict.fromkeys(digests))
        for oldest in list(islice(self._taught, max(0, len(self._taught) - _KNOWN * self._own.remember))):
            del self._taught[oldest]

    def learn(self) -> bool:
        """One round, if there are pairs for it; whether another ear is the present one since then."""
        with self._lock:
            if self._fresh < self._own.every:
                return False
            fresh, self._fresh = self._fresh, 0
            pairs, held_back = list(self._pairs), list(self._held_back)
        if not pairs:
            return False
        if self._midway:  # a round failed: its learner is none of ours; here, since there may be no memory for another
            self._begin_from(self._network)
        self._midway = True
        begin = time.thread_time()
        new, old = pairs[-fresh:], pairs[:-fresh]
        losses = [self._update(self._drawn(new, old)) for _ in range(self._own.steps)]
        self._made += len(losses)
        verdict = self._verdict(held_back)
        if verdict > 0:
            with self._lock:
                self._network, self._newest, self.updates = copy.deepcopy(self._learner), {}, self._made
        elif verdict < 0:
            self._begin_from(self._network)
        self._save()
        self._midway = False
        what = {1: "taken", 0: "not taken yet", -1: "undone"}[verdict]
        said = (
            f"{self.loss:.3f} nats per unit on {len(held_back)} pairs held back, {time.thread_time() - begin:.1f} CPU s"
        )
        log.info("token ear: %d updates %s, loss %.3f; present ear %s", len(losses), what, losses[-1], said)
        return verdict > 0

    def _verdict(self, held_back: list[Pair]) -> int:
        """1: the learner reads what is held back better than the present ear; -1: worse, or its loss is no number."""
        before, after = (self._losses_of(network, held_back) for network in (self._network, self._learner))
        if not after.isfinite().all():
            return -1
        if len(held_back) < 2:
            return 0
        better = before - after
        by_chance = _ERRORS * float(better.std()) / len(held_back) ** 0.5
        verdict = int(float(better.mean()) > by_chance) - int(float(better.mean()) < -by_chance)
        self.loss = float((after if verdict > 0 else before).mean())
        return verdict

    def told(self) -> dict[str, float]:
        """For the measures."""
        return {"updates": float(self.updates), "loss": self.loss}

    def _pair(self, row: Row, transcript: str) -> Pair | None:
        units = first_reading(transcript, row.language) if transcript else []
        if not units or not self._ear.knows(units, row.language):
            return None
        labels = [self._ear.index[unit] for unit in units]
        frames = len(row.tokens) * self._ear.network.frames_per_token
        return Pair(row.tokens.tolist(), labels) if frames >= frames_of(labels) else None

    def _drawn(self, new: list[Pair], old: list[Pair]) -> list[Pair]:
        """A batch: half of it new pairs, half older ones, if there are any."""
        size = self._own.batch_size
        again = self._rng.choices(old, k=size // 2) if old else []
        return self._rng.choices(new, k=size - len(again)) + again

    def _update(self, pairs: list[Pair]) -> float:
        """Without dropout: its random numbers would be those of token2wav's generator."""
        losses = self._losses(self._learner, pairs)
        loss = losses.mean()
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._learner.parameters(), 1.0)
        self._optimizer.step()
        return loss.item()

    @torch.no_grad()
    def _losses_of(self, network: torch.nn.Module, pairs: Sequence[Pair]) -> torch.Tensor:
        size = self._own.batch_size
        return torch.cat(
            [self._losses(network, pairs[i : i + size]) for i in range(0, len(pairs), size)] or [torch.zeros(0)]
        )

    def _losses(self, network: torch.nn.Module, pairs: Sequence[Pair]) -> torch.Tensor:
        """CTC's, nats per unit [pairs]."""
        tokens, lengths = pad([pair.tokens for pair in pairs])
        device = network.rows.weight.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self._ear.dtype == torch.bfloat16):
            logits = network(tokens.to(device), lengths.to(device)).cpu()
        losses = ctc_loss(logits, lengths * network.frames_per_token, [pair.labels for pair in pairs])
        return losses / torch.tensor([len(pair.labels) for pair in pairs])

    def _begin_from(self, network: torch.nn.Module) -> None:
        self._learner, self._made = copy.deepcopy(network).eval(), self.updates
        parameters = self._learner.parameters()
        self._optimizer = torch.optim.AdamW(parameters, lr=self._own.rate, weight_decay=0.0, betas=(0.9, 0.98))

    def _save(self) -> None:
        with self._lock:  # for a copy and no more: who waits for it is a batch
            taught, pairs = list(self._taught), {name: list(self._of(name)) for name in ("pairs", "held_back")}
        rows = {name: [tuple(pair) for pair in some] for name, some in pairs.items()} | {"taught": torch.tensor(taught)}
        counts = {"updates": self.updates, "made": self._made, "loss": self.loss}
        parts = {"network": self._network, "learner": self._learner, "optimizer": self._optimizer}
        states = {name: part.state_dict() for name, part in parts.items()}
        with whole_file(self._path) as temporary:
            torch.save({"base": self._base, **counts, **states, **rows}, temporary)

    def _resume(self) -> None:
        if not self._path.is_file():
            return
        try:
            state = weights_of(self._path)
        except (RuntimeError, ValueError, EOFError, UnpicklingError) as error:  # the rewards are right without it
            aside = self._path.with_name(f"{self._path.name}.unreadable")
            self._path.replace(aside)
            print(f"token ear: begins anew, {self._path} cannot be read ({error}), it is {aside} now", flush=True)
            return
        if state["base"] != self._base:
            print(f"token ear: {self._path} was learned from another ear, it is not used", flush=True)
            return
        self._learner.load_state_dict(state["learner"])
        self._optimizer.load_state_dict(state["optimizer"])
        for group in self._optimizer.param_groups:
            group["lr"] = self._own.rate  # the configured one, not that of before
        if state["updates"]:
            self._network = copy.deepcopy(self._learner)
            self._network.load_state_dict(state["network"])
        self.updates, self._made, self.loss = (state[name] for name in ("updates", "made", "loss"))
        for name in ("pairs", "held_back"):
            self._of(name).extend(Pair(*pair) for pair in state[name])
        self._know(torch.as_tensor(state["taught"]).tolist())
        print(f"token ear: goes on after {self.updates} updates, {self._path}", flush=True)

    def _of(self, name: str) -> deque[Pair]:
        return {"pairs": self._pairs, "held_back": self._held_back}[name]


def _digest(row: Row) -> int:
    asked = row.text.encode() + b" " + row.tokens.tobytes()
    return int.from_bytes(hashlib.blake2b(asked, digest_size=7).digest(), "big")
