"""The token ear: reads units of pronunciation back from speech tokens, without a wave, by CTC.

It sees a second of tokens at most (its receptive field), so it cannot learn which sentences there are and guess what
ought to be there. sft/token_ear.py trains it. It transcribes, says how likely a text is (CTC log-likelihood, as
the `nll` of Whisper for text), and chooses the best of several samples.

    ear = TokenEar.load("exp/tiny_mandarin/token_ear")
    ear.transcribe([[17, 3, 99], [4, 4, 8]])
    ear.nll([[17, 3, 99]], [["ni3", "hao3"]])       # nats per unit

CTC: Graves et al., 2006. A reward that reads tokens: CosyVoice 3 (arXiv 2505.17589), DiffRO (arXiv 2507.05911).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unicodedata import normalize

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from reward_tts.ctc import BLANK, ctc_loss, doubts
from speech.files import whole_directory
from speech.readings import lattice
from speech.readings.lattice import Unit
from speech.readings.units import CLUSTERED, SYLLABIC, sounds_otherwise

FIRST_IDEOGRAPH = "\u3400"
SETTINGS, WEIGHTS = "token_ear.json", "token_ear.safetensors"


class Block(nn.Module):
    """LayerNorm, convolution over tokens, GELU, pointwise; added to the input. Padding stays zero."""

    def __init__(self, width: int, kernel: int, dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.over_time = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.pointwise = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        mixed = self.over_time((self.norm(x) * mask).transpose(1, 2)).transpose(1, 2)
        return (x + self.dropout(self.pointwise(F.gelu(mixed)))) * mask


class Network(nn.Module):
    """Token ids int64 [batch, tokens], lengths [batch] -> log-probabilities [batch, frames, units + 1].

    Args:
        codebook_size: of the tokens.
        units: of pronunciation; the blank comes before them.
        features: numbers that describe each token's sound, frozen [codebook_size, features]; 0: a learned row alone.
        width: channels.
        kernels: of the convolutions, in tokens; the last block is on frames.
        frames_per_token: CTC needs a frame for each unit and one between equal ones: 2 or more where tokens are long.
    """

    def __init__(
        self,
        codebook_size: int,
        units: int,
        features: int = 0,
        width: int = 192,
        kernels: Sequence[int] = (5, 5, 5),
        frames_per_token: int = 1,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.frames_per_token = frames_per_token
        self.rows = nn.Embedding(codebook_size, width)
        self.register_buffer("features", torch.zeros(codebook_size, features))
        self.of_features = nn.Linear(features, width) if features else None
        self.blocks = nn.ModuleList(Block(width, kernel, dropout) for kernel in kernels)
        self.to_frames = nn.Linear(width, width * frames_per_token)
        self.last = Block(width, 5, dropout)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, units + 1)
        if features:
            nn.init.zeros_(self.rows.weight)  # what the features do not say

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        x = self.rows(tokens)
        if self.of_features is not None:
            x = x + self.of_features(self.features[tokens])
        mask = (torch.arange(tokens.shape[1], device=tokens.device)[None] < lengths[:, None]).unsqueeze(-1).to(x.dtype)
        x = x * mask
        for block in self.blocks:
            x = block(x, mask)
        x = self.to_frames(x).unflatten(-1, (self.frames_per_token, -1)).flatten(1, 2)
        mask = mask.repeat_interleave(self.frames_per_token, 1)
        x = self.last(x * mask, mask)
        return self.head(self.norm(x)).float().log_softmax(-1)


@dataclass(frozen=True)
class Read:
    """What the ear reads in one row.

    Attributes:
        units: of pronunciation.
        places: the token in which each unit begins.
        confidence: mean probability of the frames' symbols, in [0, 1]: how sure it is.
    """

    units: list[str]
    places: list[int]
    confidence: float


class TokenEar:
    """A trained network with its units.

    Args:
        network: see above.
        units: their names, in the order of the network's classes after the blank.
        batch_size: rows at once.
        spelling: {unit: what is written for it}, see `spelling_of`; for `write` alone.
        dtype: of its products: "float32", "bfloat16", or "auto": bfloat16 where a CPU computes with it (AVX512-BF16).
        languages: of the texts that it learned from; None, of an ear of before they were kept: nobody knows.
    """

    def __init__(
        self,
        network: Network,
        units: Sequence[str],
        batch_size: int = 256,
        spelling: Mapping[str, str] | None = None,
        dtype: str = "float32",
        languages: Iterable[str] | None = None,
    ):
        if dtype == "auto":
            dtype = "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"
        self.dtype = getattr(torch, dtype)
        self.network, self.units, self.batch_size = network.eval(), list(units), batch_size
        self.spelling, self.languages = dict(spelling or {}), None if languages is None else frozenset(languages)
        self.index = {unit: number for number, unit in enumerate(self.units, 1)}

    @torch.inference_mode()
    def transcribe(self, rows: Sequence[Sequence[int]]) -> list[Read]:
        """The greedy path of each row of tokens; a row without tokens has no unit and the confidence 0."""
        found: list[Read] = [Read([], [], 0.0)] * len(rows)
        for numbers, logits, lengths in self._batches(rows):
            likely, best = logits.exp().max(-1)
            for i, path, p, length in zip(numbers, best.tolist(), likely, lengths.tolist(), strict=True):
                found[i] = self._collapse(path[:length], p[:length])
        return found

    @torch.inference_mode()
    def nll(self, rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[str]]) -> list[float]:
        """-log p(units | tokens) by CTC, in nats per unit. Infinite where the tokens are too few, or the ear does not
        know a unit: see `knows`."""
        found = [float("inf")] * len(rows)
        for numbers, logits, lengths in self._batches(rows):
            able = [n for n, i in enumerate(numbers) if wanted[i] and self.knows(wanted[i])]
            if not able:
                continue
            labels = [[self.index[unit] for unit in wanted[numbers[n]]] for n in able]
            losses = ctc_loss(logits[able], lengths[able], labels)
            for n, loss, label in zip(able, losses.tolist(), labels, strict=True):
                found[numbers[n]] = loss / len(label)
        return found

    @torch.no_grad()
    def doubts(self, rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[str]]) -> list[list[float]]:
        """How far each token speaks against the wanted units, in [0, 1]: of its frames the most, see `ctc.doubts`.
        Nothing of a row without tokens, of which nothing is wanted, or a unit that the ear does not know."""
        found: list[list[float]] = [[] for _ in rows]
        for numbers, logits, lengths in self._batches(rows):
            able = [n for n, i in enumerate(numbers) if wanted[i] and self.knows(wanted[i])]
            if not able:
                continue
            labels = [[self.index[unit] for unit in wanted[numbers[n]]] for n in able]
            frames = doubts(logits[able].float(), lengths[able], labels)
            of_tokens = frames.unflatten(1, (-1, self.network.frames_per_token)).amax(-1)
            for n, row in zip(able, of_tokens, strict=True):
                found[numbers[n]] = row[: len(rows[numbers[n]])].tolist()
        return found

    def knows(self, units: Sequence[str], language: str | None = None) -> bool:
        """Whether all of them were in its training, and so was the language: san1 is 三 in zh, 身 in yue."""
        learned = language is None or self.languages is None or language in self.languages
        return learned and all(unit in self.index for unit in units)

    def write(self, units: Sequence[str], places: Sequence[int] = ()) -> tuple[str, list[int]]:
        """A transcript that sounds so, and for each of its characters the place of its unit, if places are given.

        Raises:
            ValueError: a unit has no spelling: no text that was learnt from has it as a character or word of its own.
        """
        if lacking := sorted(set(units) - self.spelling.keys()):
            raise ValueError(f"this token ear cannot write {lacking}: train it again on texts with such words alone")
        words = [self.spelling[unit] for unit in units]
        between = "" if all(len(word) == 1 and word >= FIRST_IDEOGRAPH for word in self.spelling.values()) else " "
        spread = [
            place for word, place in zip(words, places, strict=False) for place in [place] * (len(word + between))
        ]
        return between.join(words), spread[: len(between.join(words))]

    def _batches(self, rows: Sequence[Sequence[int]]) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
        """(numbers of the rows, log-probabilities [rows, frames, units + 1], frames of each row), by length."""
        order = sorted((i for i, row in enumerate(rows) if len(row)), key=lambda i: len(rows[i]))
        for start in range(0, len(order), self.batch_size):
            numbers = order[start : start + self.batch_size]
            tokens, lengths = pad([rows[i] for i in numbers])
            device = self.network.rows.weight.device
            with torch.autocast(device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
                logits = self.network(*(one.to(device) for one in _in_few_shapes(tokens, lengths))).cpu()
            yield numbers, logits[: len(numbers)], lengths * self.network.frames_per_token

    def _collapse(self, path: list[int], likely: torch.Tensor) -> Read:
        starts = [i for i, s in enumerate(path) if s != BLANK and (i == 0 or path[i - 1] != s)]
        places = [i // self.network.frames_per_token for i in starts]
        return Read([self.units[path[i] - 1] for i in starts], places, float(likely.mean()))

    def save(self, directory: str | Path, settings: dict) -> None:
        """Writes settings of the Network (all but codebook_size and units) and weights, whole or not at all."""
        told = {"codebook_size": self.network.rows.num_embeddings, "units": self.units, "network": settings}
        told |= {"spelling": self.spelling, "languages": self.languages and sorted(self.languages)}
        with whole_directory(directory) as temporary:
            save_file(self.network.state_dict(), temporary / WEIGHTS)
            (temporary / SETTINGS).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: str | Path, device: str = "cpu", dtype: str = "float32") -> "TokenEar":
        """Raises FileNotFoundError: it was not trained yet."""
        if not Path(directory, SETTINGS).is_file():
            raise FileNotFoundError(f"no token ear in {directory}: bash run.sh token_ear trains it")
        told = json.loads(Path(directory, SETTINGS).read_text(encoding="utf-8"))
        network = Network(told["codebook_size"], len(told["units"]), **told["network"])
        network.load_state_dict(load_file(Path(directory, WEIGHTS)))
        about = {name: told.get(name) for name in ("spelling", "languages")}
        return cls(network.to(device), told["units"], dtype=dtype, **about)


def first_reading(text: str, language: str) -> list[str]:
    """The first of a text's readings, each unit by its sound: what the ear learns and is asked for.

    >>> first_reading("今天3号", "zh")
    ['jin1', 'tian1', 'san1', 'hao4']
    """
    return [_sound(unit) for part in lattice(text, language).parts for unit in part.ways[0]]


def _sound(unit: Unit) -> str:
    """Of a Chinese character, which comes first in its unit, what it sounds like; of others the first form."""
    return unit[1] if len(unit) > 1 and FIRST_IDEOGRAPH <= unit[0] <= "\u9fff" else unit[0]


def spelling_of(rows: Iterable[tuple[str, Sequence[str]]], language: str) -> dict[str, str]:
    """{unit: the character (word, where spaces part them) that stands for it most often, one that is read so when it is
    alone before others, and of these one that is read so everywhere}: with it the ear's units become a transcript, and
    homophones are no error, but a misreading is: 银行 as yin2 xing2 is 银形. Of Thai and others, whose units are
    letters with their vowel signs and tone marks, each is what is written.

    Args:
        rows: texts with their units; those with as many letters and digits (words) as units tell, whatever marks stand
            beside them.
        language: of the texts.

    >>> spelling_of([("你好", ["ni3", "hao3"]), ("拟好", ["ni3", "hao3"]), ("你们", ["ni3", "men5"])], "zh")
    {'ni3': '你', 'hao3': '好', 'men5': '们'}
    """
    if language in CLUSTERED:
        return {unit: unit for _, units in rows for unit in units}
    seen: dict[str, Counter[str]] = {}
    for text, units in rows:
        pieces = [char for char in normalize("NFC", text) if char.isalnum()] if language in SYLLABIC else text.split()
        if len(pieces) == len(units):
            for unit, piece in zip(units, pieces, strict=True):
                seen.setdefault(unit, Counter())[piece] += 1

    def fits(unit: str, piece: str) -> tuple[bool, bool, int]:
        alone = first_reading(piece, language) == [unit]
        return alone, not sounds_otherwise(piece, language), seen[unit][piece]

    return {unit: max(pieces, key=partial(fits, unit)) for unit, pieces in seen.items()}


def pad(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of ids -> int64 [rows, longest], padded with 0 on the right, and their lengths."""
    lengths = torch.tensor([len(row) for row in rows])
    padded = torch.zeros(len(rows), int(lengths.max()), dtype=torch.long)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = torch.as_tensor(row, dtype=torch.long)
    return padded, lengths


def _in_few_shapes(tokens: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same with more padding: rows to 1, 2, 3, 4, 6, 8, 12, ..., tokens to a multiple of 16. On a CPU oneDNN plans
    each product for its shape and keeps a thousand plans, 0.6 GiB here: a training's rollouts have ever new shapes."""
    rows, longest = tokens.shape
    more = -rows % (1 << max(0, (rows - 1).bit_length() - 2))
    return F.pad(tokens, (0, -longest % 16, 0, more)), F.pad(lengths, (0, more))
