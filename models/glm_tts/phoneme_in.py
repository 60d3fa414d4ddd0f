"""Phoneme-in: some words of a text as phonemes, for a model that reads both: "银行" -> "银<|H|><|ANG2|>" (GLM-TTS).

    recipe:
      phoneme_in:
        dictionary: [recipes/glm_tts/polyphones.jsonl, my/words.jsonl]     # a later file overrules an earlier one
        phonemes: recipes/glm_tts/phonemes.yaml                            # those that the model has
        train: {probability: 0.2, max_share: 0.5}
        found: {rare: false, heteronyms: false}
        replaced: [my/replaced.jsonl]

What stands in the files: models/glm_tts/dictionary.py. What `replaced` names is written otherwise in every Chinese text
before anything else is looked for. A dictionary names words and, if it wants, how they are read.

Where text is spoken (held-out splits, evaluation, inference) every word that the dictionary names is replaced, from
left to right, the longest first. Words are found wherever their characters stand (校长 in 学校长期 too), so a
dictionary names what means one thing only: 老校长, or 校长 if the texts allow it. With `found` more is replaced there
without being named: `rare`, characters outside the 3755 common ones (the first level of GB 2312); `heteronyms`,
characters that the sentence reads otherwise than they are read alone (行 in 银行), as pypinyin reads it. In training
(other splits) most texts stay as they are; in a share of them (`probability`) up to `max_share` of their words are
replaced, whether the dictionary names them or not. Chance is drawn from recipe.seed and the text, so a row is always
the same. Rows of other languages than Chinese stay as they are. A reading that a row gives to a single character
(data_prep/given_readings.py) stands there whatever else is drawn or named. The reward compares with the plain text.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from omegaconf import DictConfig, OmegaConf
from pypinyin import Style, lazy_pinyin
from pypinyin.seg.mmseg import seg

from data_prep.given_readings import FIELD, GivenReadings, moved
from models.glm_tts.dictionary import (
    HAN,
    SYLLABLE,
    Readings,
    phonemes,
    read_dictionary,
    read_phonemes,
    read_replaced,
)
from speech.jsonl import BadField

Speaker = Callable[..., str]  # (text, language, in training, readings of single characters) -> hybrid text


@dataclass(frozen=True)
class Piece:
    """A stretch of a text: where it begins, and what stands for each of its characters in hybrid text."""

    start: int
    characters: tuple[str, ...]

    @property
    def end(self) -> int:
        return self.start + len(self.characters)

    @property
    def hybrid(self) -> str:
        return "".join(self.characters)


class PhonemeIn:
    """Texts -> hybrid texts, see the module.

    Args:
        words: {word: reading of each character}; no reading at all (None): the sentence decides.
        known: phonemes that the model has.
        train: {probability, max_share}.
        seed: of the chance in training.
        found: {rare, heteronyms}: see the module; None: neither.
        replaced: {what a text may hold: what stands there instead}.
    """

    def __init__(
        self,
        words: Mapping[str, Readings | None],
        known: frozenset[str],
        train: Mapping[str, float],
        seed: int,
        found: Mapping[str, bool] | None = None,
        replaced: Mapping[str, str] | None = None,
    ):
        if set(train) != {"probability", "max_share"} or not all(0 <= share <= 1 for share in train.values()):
            raise ValueError(f"recipe.phoneme_in.train needs probability and max_share from 0 to 1, got {dict(train)}")
        self.words, self.known, self.train, self.seed = dict(words), known, dict(train), seed
        self.replaced = dict(replaced or {})
        self.found = {"rare": False, "heteronyms": False} | dict(found or {})
        self.longest = max(map(len, self.words), default=0)

    def __call__(self, text: str, language: str, training: bool, readings: GivenReadings = ()) -> str:
        """Hybrid text of a text; `readings`: those that its row gives. Raises BadField: of a character that is none of
        Chinese, or no syllable that the model knows."""
        if language != "zh":
            if readings:
                raise BadField(FIELD, f"are of Chinese, the text is in {language}")
            return text
        before = text
        for origin, new in self.replaced.items():
            text = text.replace(origin, new)
        readings = moved(readings, before, text)
        given = {at: self._given(text, at, pinyin) for at, pinyin in readings}
        pieces = [_overruled(piece, given) for piece in self._chosen(text, training)]
        taken = {place for piece in pieces for place in range(piece.start, piece.end)}
        return _replace(text, [*pieces, *(Piece(at, (one,)) for at, one in given.items() if at not in taken)])

    def _given(self, text: str, at: int, pinyin: str) -> str:
        reading = phonemes(pinyin, self.known) if SYLLABLE.fullmatch(pinyin) else None
        if reading is None or not HAN.match(text[at]):
            raise BadField(FIELD, f"{pinyin!r} for {text[at]!r} at {at} is no syllable that the model knows, as xing2")
        return reading

    def _chosen(self, text: str, training: bool) -> list[Piece]:
        """What the dictionary, or in training chance, replaces."""
        if not training:
            named = self.named(text)
            return [*named, *self._unnamed(text, named)]
        chance = random.Random(f"{self.seed} {text}")
        if chance.random() >= self.train["probability"]:
            return []
        can = [piece for piece in self.pieces(text) if piece.hybrid != text[piece.start : piece.end]]
        count = chance.randint(0, int(len(can) * self.train["max_share"]))
        return chance.sample(can, count)

    def pieces(self, text: str) -> list[Piece]:
        """The text's words in order: those of the dictionary, and between them those of pypinyin."""
        heard = self._sentence(text)
        pieces, end = [], 0
        for start, after in [*self._matches(text), (len(text), len(text))]:
            for word in seg.cut(text[end:start]):
                pieces.append(self._piece(text, end, end + len(word), heard, named=False))
                end += len(word)
            if start < after:
                pieces.append(self._piece(text, start, after, heard, named=True))
            end = after
        return pieces

    def named(self, text: str) -> list[Piece]:
        """Those of the dictionary alone; the sentence is read only if one of them has no reading of its own."""
        places = list(self._matches(text))
        unread = any(self.words[text[start:end]] is None for start, end in places)
        heard = self._sentence(text) if unread else [None] * len(text)
        return [self._piece(text, start, end, heard, named=True) for start, end in places]

    def _unnamed(self, text: str, named: Sequence[Piece]) -> list[Piece]:
        """Characters that need phonemes and are of no word of the dictionary."""
        if not any(self.found.values()):
            return []
        taken = {place for piece in named for place in range(piece.start, piece.end)}
        heard, pieces = self._sentence(text), []
        for place, (character, reading) in enumerate(zip(text, heard, strict=True)):
            if reading is None or place in taken:
                continue
            rare = self.found["rare"] and not is_common(character)
            other = self.found["heteronyms"] and reading != phonemes(alone(character), self.known)
            if rare or other:
                pieces.append(Piece(place, (reading,)))
        return pieces

    def _matches(self, text: str) -> Iterator[tuple[int, int]]:
        """Places of the dictionary's words, from left to right, the longest first."""
        start = 0
        while start < len(text):
            lengths = range(min(self.longest, len(text) - start), 0, -1)
            length = next((n for n in lengths if text[start : start + n] in self.words), 0)
            if length:
                yield start, start + length
            start += length or 1

    def _sentence(self, text: str) -> list[str | None]:
        """Phonemes of each character as pypinyin reads it in the whole text."""
        syllables = lazy_pinyin(text, style=Style.TONE3, errors=list, neutral_tone_with_five=True)
        if len(syllables) != len(text):
            raise ValueError(f"{len(text)} characters of {text!r} gave {len(syllables)} syllables")
        pairs = zip(text, syllables, strict=True)
        return [phonemes(syllable, self.known) if HAN.match(character) else None for character, syllable in pairs]

    def _piece(self, text: str, start: int, end: int, heard: Sequence[str | None], named: bool) -> Piece:
        given = self.words.get(text[start:end]) if named else None
        readings = heard[start:end] if given is None else given
        pairs = zip(readings, text[start:end], strict=True)
        return Piece(start, tuple(plain if read is None else read for read, plain in pairs))


def is_common(character: str) -> bool:
    """Whether a Chinese character is of the first level of GB 2312, the 3755 commonest.

    >>> is_common("行"), is_common("彧"), is_common("翀")
    (True, False, False)
    """
    try:
        return 0xB0 <= character.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False


def alone(character: str) -> str:
    """How a character is read by itself.

    >>> alone("行")
    'xing2'
    """
    return lazy_pinyin(character, style=Style.TONE3, neutral_tone_with_five=True)[0]


def _overruled(piece: Piece, given: Mapping[int, str]) -> Piece:
    return replace(piece, characters=tuple(given.get(at, one) for at, one in enumerate(piece.characters, piece.start)))


def _replace(text: str, pieces: Sequence[Piece]) -> str:
    for piece in sorted(pieces, key=lambda piece: -piece.start):
        text = text[: piece.start] + piece.hybrid + text[piece.end :]
    return text


def of_recipe(recipe: DictConfig) -> Speaker:
    """What recipe.phoneme_in says; without it every text stays as it is."""
    settings = recipe.get("phoneme_in")
    if settings is None:
        return lambda text, language, training, readings=(): text
    known = read_phonemes(settings.phonemes)
    words = read_dictionary(settings.dictionary, known)
    train = OmegaConf.to_container(settings.train, resolve=True)
    replaced = read_replaced(settings.get("replaced") or (), known)
    return PhonemeIn(words, known, train, recipe.seed, settings.get("found"), replaced)
