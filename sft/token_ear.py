"""Stage `token_ear`: trains the token ear on texts with their speech tokens.

    python -m sft.token_ear --config-path <recipes/NAME> --config-name token_ear [overrides]

Rows of `token_ear.texts` are {"text", "language", "speech_tokens"}, as stage data makes them for SFT; those of
`token_ear.more` as well, where it names files: scrambled texts keep the ear from guessing. Tokens are blurred in
training, as a policy's rollouts are no recordings: some become a near neighbour (by the tokens' features) or any other.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from reward_tts.token_ear import Network, TokenEar, ctc_loss, first_reading, pad
from speech.jsonl import BadField, read_rows

Row = tuple[list[int], list[str]]  # speech tokens, units


def read(path: str, language: str) -> list[Row]:
    """The rows of a JSONL that have both text and speech tokens.

    Raises:
        ValueError: a row that has not, with file, line and field.
    """
    rows = []
    for line, _, value in read_rows(path):
        if isinstance(value, BadField):
            raise ValueError(f"{path}:{line}: {value}") from value
        tokens = value.get("speech_tokens")
        if not isinstance(value.get("text"), str) or not isinstance(tokens, list) or not tokens:
            raise ValueError(f"{path}:{line}: the token ear learns from rows with text and speech_tokens")
        rows.append((tokens, first_reading(value["text"], value.get("language", language))))
    return rows


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
        pools = [sorted(order[i : i + size * 16], key=lambda row: len(row[0])) for i in range(0, len(order), size * 16)]
        found = [pool[i : i + size] for pool in pools for i in range(0, len(pool), size)]
        rng.shuffle(found)
        yield from found


def train(cfg: DictConfig) -> TokenEar:
    """Trains as `token_ear` of the configuration says and writes recipe.token_ear_dir. Prints loss and held-out error.

    Raises:
        ValueError: a row without text or tokens.
    """
    own, language = cfg.token_ear, cfg.recipe.language
    rows = [row for path in [own.texts, *own.more] for row in read(path, language)]
    held_out = read(own.held_out, language)
    names = sorted({unit for _, wanted in rows for unit in wanted})
    features = torch.zeros(cfg.recipe.codebook_size, 0)
    if own.features is not None:
        features = hydra.utils.instantiate(own.features)
    settings = OmegaConf.to_container(own.network) | {"features": features.shape[1]}
    torch.manual_seed(own.seed)
    network = Network(cfg.recipe.codebook_size, len(names), **settings)
    network.features.copy_(features)
    ear, began = TokenEar(network, names), time.monotonic()
    optimizer = torch.optim.AdamW(network.parameters(), lr=own.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, own.learning_rate, total_steps=own.steps, pct_start=0.05)
    blur = Blur(features, cfg.recipe.codebook_size, own.blur.near, own.blur.other)
    generator, mean = torch.Generator().manual_seed(own.seed), 0.0
    network.train()
    drawn = batches(rows, own.batch_size, random.Random(own.seed))
    for step, batch in zip(range(1, own.steps + 1), drawn, strict=False):
        tokens, lengths = pad([tokens for tokens, _ in batch])
        labels = [[ear.index[unit] for unit in wanted] for _, wanted in batch]
        with torch.autocast("cpu", torch.bfloat16, enabled=own.bfloat16):
            logits = network(blur(tokens, generator), lengths)
        losses = ctc_loss(logits, lengths * network.frames_per_token, labels)
        per_unit = losses / torch.tensor([len(label) for label in labels])
        loss = per_unit[per_unit.isfinite()].mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        mean = loss.item() if step == 1 else 0.98 * mean + 0.02 * loss.item()
        if step % own.log_every == 0 or step == own.steps:
            left = (time.monotonic() - began) / step * (own.steps - step)
            said = f"loss {mean:.3f} nats per unit, {left / 60:.1f} min left"
            print(f"[token_ear] step {step}/{own.steps} {said}", flush=True)
    network.eval()
    print(f"[token_ear] held-out error {held_out_error(ear, held_out):.4f} ({len(held_out)} rows)", flush=True)
    ear.save(cfg.recipe.token_ear_dir, settings)
    print(f"[token_ear] wrote {cfg.recipe.token_ear_dir}", flush=True)
    return ear


def held_out_error(ear: TokenEar, rows: list[Row]) -> float:
    """Mean error rate over rows, capped at 1."""
    from rapidfuzz.distance import Levenshtein

    reads = ear.transcribe([tokens for tokens, _ in rows])
    rates = [
        min(1.0, Levenshtein.distance(wanted, read.units) / max(1, len(wanted)))
        for (_, wanted), read in zip(rows, reads, strict=True)
    ]
    return sum(rates) / len(rates)


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Stage `token_ear`."""
    Path(cfg.recipe.token_ear_dir).parent.mkdir(parents=True, exist_ok=True)
    train(cfg)


if __name__ == "__main__":
    main()
