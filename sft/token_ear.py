"""Stage `token_ear`: trains the token ear on texts with their speech tokens.

    python -m sft.token_ear --config-path <recipes/NAME> --config-name token_ear [overrides]

Rows of `token_ear.texts` and `token_ear.more` are {"text", "language", "speech_tokens"}, as stage data makes them for
SFT; or rollouts and what was heard of them, as stage `score` writes them, with `token_ear.label: transcript`. Scrambled
texts keep the ear from guessing. Only languages whose units are syllables or morae (zh, yue, ja, ko) or letters with
their marks (th, lo, km, my, bo) are learned, since elsewhere there are too many words. Tokens are blurred in training,
as a policy's rollouts are no recordings: some become a near neighbour (by the tokens' features) or any other.
An interrupted training continues from its last checkpoint, and ends with the weights of one that was not interrupted.
"""

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from reward_tts.ctc import ctc_loss, frames_of
from reward_tts.token_ear import Network, TokenEar, first_reading, pad, spelling_of
from speech.faults import told_plainly
from speech.files import changed_keys, whole_file
from speech.jsonl import BadField, read_all
from speech.loading import weights_of
from speech.readings.units import SYLLABIC
from speech.tokens import TOKEN_FIELDS, parse_speech_tokens

_TOKENS = (*TOKEN_FIELDS, "output")
MOST_NAMED = 20  # rows that are left out, one by one
LIKE_NAMED = frozenset({"zh", "yue"})  # whose units have names in common, of other sounds: san1


class Row(NamedTuple):
    """One utterance: its speech tokens, and its text with the units of the first reading."""

    tokens: list[int]
    units: list[str]
    text: str
    language: str


def read(
    path: str, language: str, label: str = "text", codebook_size: int | None = None, frames_per_token: int | None = None
) -> list[Row]:
    """The rows of a JSONL that have speech tokens (speech.tokens.TOKEN_FIELDS, or verl's `output`, as text; below
    `codebook_size`) and, under `label`, what they say; without those of which nothing was heard, and of languages that
    are written in words. With `frames_per_token`, those with more units than CTC has frames for are left out and named:
    their loss is infinite, and its gradient no number, which would be that of every weight.

    Raises:
        BadRows: all that have not, with file, line and field.
    """

    crowded: list[str] = []

    def made(number: int, value: dict[str, Any]) -> Row | None:
        if not isinstance(value.get(label), str):
            raise BadField(label, f"a row says what its tokens say, got {value.get(label)!r}")
        spoken = next((value[name] for name in _TOKENS if value.get(name)), None)
        tokens = parse_speech_tokens(spoken)[0] if isinstance(spoken, str) else spoken
        if not isinstance(tokens, list) or not tokens or not all(type(one) is int and one >= 0 for one in tokens):
            raise BadField(_TOKENS[0], f"a list of speech tokens is expected, or them as text, got {spoken!r:.60}")
        if codebook_size is not None and max(tokens) >= codebook_size:
            raise BadField(_TOKENS[0], f"{max(tokens)} is no token of this codebook, which ends at {codebook_size - 1}")
        spoken_in = value.get("language") or language
        units = first_reading(value[label], spoken_in) if spoken_in in SYLLABIC else []
        if frames_per_token is not None and frames_of(units) > len(tokens) * frames_per_token:
            reason = f"{len(units)} units do not fit into {len(tokens)} tokens of {frames_per_token} frames"
            crowded.append(BadField(label, reason).at(f"{path}:{number}"))
            return None
        return Row(tokens, units, value[label], spoken_in) if units else None

    rows = read_all(path, made, "speech tokens and what they say")
    for fault in crowded[:MOST_NAMED]:
        print(f"[token_ear] {fault}", flush=True)
    if crowded:
        told = f"{path}: {len(crowded)} of {len(rows)} rows are left out: they say more than their tokens "
        told += "have frames for. If they are many, raise token_ear.network.frames_per_token"
        print(f"[token_ear] {told}", flush=True)
    kept = [row for row in rows if row]
    if silent := len(rows) - len(kept) - len(crowded):
        print(f"[token_ear] {path}: {silent} rows without a syllable are left out", flush=True)
    return kept


def out_of_one_another(rows: list[Row]) -> frozenset[str]:
    """Languages whose rows an ear that learns from these has to leave out: of those whose units have the same names it
    learns the one of most rows. What is spoken in the others goes by wave. It is told."""
    counts = Counter(row.language for row in rows if row.language in LIKE_NAMED)
    others = frozenset(one for one, _ in counts.most_common()[1:])
    for one in sorted(others):
        told = f"{counts[one]} rows in {one} are left out: its syllables have the names of others in"
        print(f"[token_ear] {told} {counts.most_common(1)[0][0]}; to learn it, give rows of it alone", flush=True)
    return others


class Blur:
    """Tokens [batch, tokens] -> the same with some replaced: at most `near` by neighbours, at most `any` by others."""

    def __init__(self, features: torch.Tensor, codebook_size: int, near: float, other: float, neighbours: int = 8):
        self.near, self.other, self.size = near, other, codebook_size
        self.neighbours = None
        if features.shape[1]:
            self.neighbours = torch.cdist(features, features).topk(neighbours + 1, largest=False).indices[:, 1:]

    def __call__(self, tokens: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        chance = torch.rand(tokens.shape, generator=generator)
        level = torch.rand(len(tokens), 1, generator=generator)
        if self.neighbours is not None:
            pick = torch.randint(self.neighbours.shape[1], tokens.shape, generator=generator)
            tokens = torch.where(chance < level * self.near, self.neighbours[tokens, pick], tokens)
        others = torch.randint(self.size, tokens.shape, generator=generator)
        return torch.where(chance > 1 - level * self.other, others, tokens)


def batches(rows: list[Row], size: int, rng: random.Random) -> Iterator[list[Row]]:
    """Endless batches of like lengths, every row once an epoch."""
    while True:
        order = rng.sample(rows, len(rows))
        pools = [
            sorted(order[i : i + size * 16], key=lambda row: len(row.tokens)) for i in range(0, len(order), size * 16)
        ]
        found = [pool[i : i + size] for pool in pools for i in range(0, len(pool), size)]
        rng.shuffle(found)
        yield from found


class Training:
    """A network on its way, and all that it needs to go on after an interruption as if there had been none.

    Args:
        own: `token_ear` of the configuration.
        rows: to learn from.
        codebook_size: of the tokens.
        features: of the tokens, float32 [codebook_size, features].
    """

    def __init__(self, own: DictConfig, rows: list[Row], codebook_size: int, features: torch.Tensor):
        units = sorted({unit for row in rows for unit in row.units})
        self.own, self.done, self.mean_loss = own, 0, 0.0
        self.network_settings = OmegaConf.to_container(own.network) | {"features": features.shape[1]}
        torch.manual_seed(own.seed)
        network = Network(codebook_size, len(units), **self.network_settings)
        network.features.copy_(features)
        languages, spelling = sorted({row.language for row in rows}), dict[str, str]()
        for language in languages:
            spelling |= spelling_of(((row.text, row.units) for row in rows if row.language == language), language)
        if lacking := [unit for unit in units if unit not in spelling]:
            print(f"[token_ear] no text shows how {lacking} are written, as recipe.reward.token_ear has to", flush=True)
        self.ear, self.network = TokenEar(network, units, spelling=spelling, languages=languages), network
        rate = own.learning_rate
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, rate, total_steps=own.steps, pct_start=0.05)
        self.blur = Blur(features, codebook_size, own.blur.near, own.blur.other)
        self.drawn, self.generator = batches(rows, own.batch_size, random.Random(own.seed)), torch.Generator()
        self._parts = {"network": network, "optimizer": self.optimizer, "schedule": self.schedule}

    def step(self) -> None:
        """One update. Its randomness depends on seed and step alone.

        Raises:
            FloatingPointError: the loss is no number. Nothing was learned from it.
        """
        batch, self.done = next(self.drawn), self.done + 1
        torch.manual_seed(self.own.seed * 1_000_003 + self.done)
        self.generator.manual_seed(self.own.seed * 1_000_003 + self.done)
        self.network.train()
        tokens, lengths = pad([row.tokens for row in batch])
        labels = [[self.ear.index[unit] for unit in row.units] for row in batch]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.own.bfloat16):
            logits = self.network(self.blur(tokens, self.generator), lengths)
        losses = ctc_loss(logits, lengths * self.network.frames_per_token, labels)
        per_unit = losses / torch.tensor([max(1, len(label)) for label in labels])
        loss = per_unit.mean()
        if not loss.isfinite():
            raise FloatingPointError(f"step {self.done}: the loss is {loss.item()}: lower token_ear.learning_rate")
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.mean_loss = loss.item() if self.done == 1 else 0.98 * self.mean_loss + 0.02 * loss.item()

    def save(self, path: Path, settings: dict) -> None:
        """All that `resume` needs, whole or not at all."""
        state = {name: part.state_dict() for name, part in self._parts.items()}
        with whole_file(path) as temporary:
            torch.save({"settings": settings, "done": self.done, "mean_loss": self.mean_loss, **state}, temporary)

    def resume(self, path: Path, settings: dict) -> None:
        """Goes on from what `save` wrote, if there is such a file.

        Raises:
            ValueError: it is of other settings.
        """
        if not path.is_file():
            return
        state = weights_of(path)
        if other := changed_keys(state["settings"], settings):
            raise ValueError(f"{path} is of another {other}: delete it, or go back to those settings")
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        self.done, self.mean_loss = state["done"], state["mean_loss"]
        for _ in range(self.done):
            next(self.drawn)


def train(cfg: DictConfig) -> TokenEar:
    """Trains as `token_ear` of the configuration says and writes recipe.token_ear_dir. Prints loss and held-out errors.

    Raises:
        BadRows: a row without text or tokens. ValueError: no row at all, or a checkpoint of other settings.
    """
    own, language = cfg.token_ear, cfg.recipe.language
    how = (language, own.label, cfg.recipe.codebook_size, own.network.get("frames_per_token", 1))
    more, kept_back = [read(path, *how) for path in own.more], own.more_held_out
    held_out = {"held out": read(own.held_out, *how)} if own.held_out else {}
    if kept_back and more:
        held_out["held out of more"] = [row for rows in more for row in rows[-kept_back:]]
        more = [rows[:-kept_back] for rows in more]
    if empty := [name for name, kept in held_out.items() if not kept]:
        where = own.held_out if "held out" in empty else ", ".join(own.more)
        raise ValueError(f"{where}: no row of a language that is written in syllables is {' or '.join(empty)}")
    texts = [read(path, *how)[: own.most_rows] for path in own.texts]
    rows = [row for one in texts + more for row in one]
    if not rows:
        raise ValueError(f"no row to learn from in {[*own.texts, *own.more]}")
    others = out_of_one_another(rows)
    rows = [row for row in rows if row.language not in others]
    held_out = {name: [row for row in kept if row.language not in others] for name, kept in held_out.items()}
    features = torch.zeros(cfg.recipe.codebook_size, 0)
    if own.features is not None:
        features = hydra.utils.instantiate(own.features)
    training = Training(own, rows, cfg.recipe.codebook_size, features)
    checkpoint = Path(own.checkpoints) / "training.pt"
    settings = OmegaConf.to_container(own, resolve=True) | {"rows": len(rows)}
    training.resume(checkpoint, settings)
    print(f"[token_ear] {len(rows)} rows, {len(training.ear.units)} units, from step {training.done}", flush=True)
    began, first = time.monotonic(), training.done
    while training.done < own.steps:
        training.step()
        if training.done % own.save_every == 0:
            training.save(checkpoint, settings)
        if training.done % own.log_every == 0 or training.done == own.steps:
            left = (time.monotonic() - began) / (training.done - first) * (own.steps - training.done)
            said = f"loss {training.mean_loss:.3f} nats per unit, {left / 60:.1f} min left"
            print(f"[token_ear] step {training.done}/{own.steps} {said}", flush=True)
    training.network.eval()
    training.ear.save(cfg.recipe.token_ear_dir, training.network_settings)
    for name, kept in held_out.items():
        told = f"{held_out_error(training.ear, kept):.4f} ({len(kept)} rows)" if kept else "no row of its languages"
        print(f"[token_ear] error on {name}: {told}", flush=True)
    shutil.rmtree(checkpoint.parent, ignore_errors=True)
    print(f"[token_ear] wrote {cfg.recipe.token_ear_dir}", flush=True)
    return training.ear


def held_out_error(ear: TokenEar, rows: list[Row]) -> float:
    """Mean error rate over rows, capped at 1."""
    from rapidfuzz.distance import Levenshtein

    reads = ear.transcribe([row.tokens for row in rows])
    rates = [
        min(1.0, Levenshtein.distance(row.units, read.units) / max(1, len(row.units)))
        for row, read in zip(rows, reads, strict=True)
    ]
    return sum(rates) / len(rates)


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `token_ear`."""
    with told_plainly():
        train(cfg)


if __name__ == "__main__":
    main()
