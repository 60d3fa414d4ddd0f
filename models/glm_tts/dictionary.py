"""Files that say how words are read: JSONL, a line each.

A dictionary (recipe.phoneme_in.dictionary): pinyin, the tone as a number (5: neutral), ü as v; or the words with
phonemes, as GLM-TTS's own configs/G2P_replace_dict.jsonl has them.

    {"word": "银行", "pinyin": ["yin2", "hang2"]}      one syllable for each character
    {"word": "道行", "pinyin": [null, "heng2"]}        null: this character stays as it is
    {"word": "彧"}                                     the reading is that of the whole sentence, by pypinyin
    {"弦": "<|X|><|IAN2|>"}                            GLM-TTS's

What is written otherwise (recipe.phoneme_in.replaced), as its configs/custom_replace.jsonl:

    {"origin": "欸", "new": "诶"}
"""

import re
from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf
from pydantic import BaseModel, ConfigDict
from pypinyin.contrib.tone_convert import to_finals_tone3, to_initials

from speech.jsonl import BadField, Named, check, read_all

SYLLABLE = re.compile(r"[a-zv]+[1-5]")
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_RETROFLEX, _SIBILANT = ("zh", "ch", "sh", "r"), ("z", "c", "s")
_PHONEME = re.compile(r"<\|([^|]*)\|>")
_UNIT = re.compile(r"(?:<\|[^|]*[^|\d]\|>)?<\|[^|]*\d\|>|.")  # of hybrid text: a syllable or a character

Readings = tuple[str | None, ...]  # hybrid text for each character of a word; None: the character itself


def phonemes(syllable: str, known: frozenset[str]) -> str | None:
    """A syllable of pinyin as phoneme tokens: initial, final with tone; None if the model lacks one of them.

    The finals are written out (you3 is IOU3, dui4 is D UEI4); the i of zhi is III, that of zi is II.

    >>> known = frozenset({"ZH", "III1", "VAN2"})
    >>> phonemes("zhi1", known), phonemes("yuan2", known), phonemes("er5", known)
    ('<|ZH|><|III1|>', '<|VAN2|>', None)
    """
    initial = to_initials(syllable, strict=True)
    final = to_finals_tone3(syllable, strict=True, neutral_tone_with_five=True)
    if re.fullmatch(r"yo\d", syllable):
        final = "i" + final  # pypinyin: o
    elif re.fullmatch(r"i\d", final) and initial in (*_RETROFLEX, *_SIBILANT):
        final = ("iii" if initial in _RETROFLEX else "ii") + final[1:]
    names = [name.upper() for name in (initial, final) if name]
    return "".join(f"<|{name}|>" for name in names) if final and set(names) <= known else None


class _Entry(BaseModel):
    """A line of a dictionary of ours."""

    model_config = ConfigDict(extra="forbid")
    word: str
    pinyin: list[str | None] | None = None


class _Replaced(BaseModel):
    model_config = ConfigDict(extra="forbid")
    origin: Named
    new: str


def read_dictionary(paths: Sequence[str], known: frozenset[str]) -> dict[str, Readings | None]:
    """{word: readings} of JSONL files, a later line before an earlier one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: lines that are no such entries, with file, line and field.
    """
    words: dict[str, Readings | None] = {}
    for path in paths:
        expected = "a word on each line (recipe.phoneme_in.dictionary), one JSON object with word and pinyin,"
        words |= dict(read_all(path, lambda _, row: _entry(row, known), expected))
    return words


def read_replaced(paths: Sequence[str], known: frozenset[str]) -> dict[str, str]:
    """{origin: new} of JSONL files, a later line before an earlier one. Raises as `read_dictionary`."""

    def made(number: int, row: dict[str, Any]) -> tuple[str, str]:
        pair = check(_Replaced, row)
        check_hybrid(pair.new, "new", known)
        return pair.origin, pair.new

    expected = (
        "what is written otherwise on each line (recipe.phoneme_in.replaced), one JSON object with origin and new,"
    )
    return dict(pair for path in paths for pair in read_all(path, made, expected))


def check_hybrid(text: str, field: str, known: frozenset[str]) -> None:
    """Raises BadField: a phoneme of a hybrid text is none that the model has."""
    if odd := [name for name in _PHONEME.findall(text) if name not in known]:
        raise BadField(field, f"holds <|{odd[0]}|>, no phoneme that the model knows, as <|X|> or <|ING2|>")


def _entry(row: dict[str, Any], known: frozenset[str]) -> tuple[str, Readings | None]:
    if len(row) == 1 and _is_word(name := next(iter(row))):
        return name, _hybrid(name, row[name], known)
    entry = check(_Entry, row)
    word, pinyin = entry.word, entry.pinyin
    if not _is_word(word):
        raise BadField("word", f"is no Chinese word: {word!r}")
    if pinyin is None:
        return word, None
    if len(pinyin) != len(word):
        raise BadField("pinyin", f"{word} needs a list of {len(word)}, got {pinyin!r}")
    readings = []
    for syllable in pinyin:
        reading = phonemes(syllable, known) if syllable and SYLLABLE.fullmatch(syllable) else None
        if syllable is not None and reading is None:
            raise BadField("pinyin", f"{syllable!r} is no syllable that the model knows, as xing2")
        readings.append(reading)
    return word, tuple(readings)


def read_phonemes(path: str) -> frozenset[str]:
    """Names of a YAML of {initials: [ZH, ...], finals: {ANG: "12345", ...}}: a final with each of its tones."""
    table = OmegaConf.load(path)
    return frozenset([*table.initials, *(f"{final}{tone}" for final, tones in table.finals.items() for tone in tones)])


def _is_word(text: str) -> bool:
    return bool(text) and all(HAN.match(character) for character in text)


def _hybrid(word: str, text: Any, known: frozenset[str]) -> Readings:
    """Of a line of GLM-TTS's. Where it does not say what stands for which character, all of it is the first one's."""
    if not isinstance(text, str) or not text:
        raise BadField(word, f"is no text with phonemes: {text!r}")
    check_hybrid(text, word, known)
    units = _UNIT.findall(text)
    return tuple(units) if len(units) == len(word) else (text, *[""] * (len(word) - 1))
