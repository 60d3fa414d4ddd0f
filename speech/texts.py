"""How a prompt writes a text: what recipe.text_normalisation may name."""

import re
import unicodedata
from collections.abc import Callable

from speech.readings import written

_SPACE = re.compile(r"\s+")
# Of these NFKC makes something that is read otherwise: ² a 2, ½ three characters, ① a 1, № "No", ㎡ "m2", ″ two ′.
_READ_AS_THEY_ARE = re.compile(
    r"([²³¹¼-¾\u2033\u2034\u2036\u2037\u2057\u2070-\u209f\u2100-\u218f\u2460-\u24ff\u3200-\u33ff])"
)


def normalise_text(text: str) -> str:
    """A text in Unicode's normal form NFKC (full-width letters, digits and punctuation become the plain ones, composed
    forms), but for characters that would then be read otherwise (½, ², ①, ℃, ㎡), and with single spaces, none at the
    ends. Nothing is read out, no letter case changes, no punctuation is dropped: that is the recipe's choice.

    >>> normalise_text(' ＡＢ１２\\u3000你好，  世界½ ')
    'AB12 你好, 世界½'
    """
    if not text.isascii() and not unicodedata.is_normalized("NFKC", text):  # a part of normal text is normal
        parts = _READ_AS_THEY_ARE.split(text)
        parts[::2] = [unicodedata.normalize("NFKC", part) for part in parts[::2]]
        text = "".join(parts)
    return " ".join(text.split())


def as_written(text: str, language: str) -> str:
    """The text with single spaces, none at the ends."""
    return _SPACE.sub(" ", text).strip()


def nfkc(text: str, language: str) -> str:
    """See `normalise_text`."""
    return normalise_text(text)


def spoken(text: str, language: str) -> str:
    """See speech.readings.writing."""
    return written(as_written(text, language), language)


# none: as it stands but for white space; nfkc: in Unicode's normal form; spoken: what holds a digit or a sign that must
# be read in words, by speech/readings ("3号" -> "三号", "at 12:30" -> "at twelve thirty"); all other words letter by
# letter, and what no reading is sure of as it stands. The reward compares with the text as it was given.
NORMALISATIONS: dict[str, Callable[[str, str], str]] = {"none": as_written, "nfkc": nfkc, "spoken": spoken}
