"""What of a text is neither spoken nor counted in any language: control tags, emoji, invisible marks. And Unicode's ways
of writing one character: decomposed letters, full-width forms."""

import re
import unicodedata
from dataclasses import dataclass

# As the tokenizers of the families have them ([breath], <strong>, <|endofprompt|>), CosyVoice3's syllables in brackets
# ([j][ǐ]) not among them: those are sounds.
_TAG = re.compile(
    r"</?[a-zA-Z][a-zA-Z0-9_-]{0,31}\s?/?>|<\|[^|<>]{0,64}\|>"
    r"|\[(?:/?(?:breath|laughter|laugh|noise|sigh|sighs|cough|coughs|clucking|accent|quick_breath|hissing|lipsmack|mn|"
    r"vocalized-noise|music|applause|silence|pause|gasp|gasps|giggle|giggles|clears throat|strong))\]",
    re.IGNORECASE,
)
_JOINERS = "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\ufe0e\ufe0f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u180e"
_EMOJI = re.compile(
    "["
    "\U0001f000-\U0001faff\U000e0020-\U000e007f"  # pictures, flags, skin tones, tag characters
    "\u2600-\u27bf\u2b00-\u2bff\u231a\u231b\u23e9-\u23fa\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fe\u2194-\u2199\u21a9\u21aa"
    "\u3030\u303d\u3297\u3299\u20e3\u00a9\u00ae\u2122"
    "]"
)
_PLAIN = re.compile(r"[\x20-\x7e]*\Z|[ \w，。！？、：；“”‘’（）《》—…]*\Z")  # nothing below concerns it but tags


@dataclass(frozen=True, slots=True)
class Clean:
    """Attributes:
    text: without tags, emoji and invisible marks (a blank where a tag or emoji stood), letters composed, full-width
        forms as plain ones.
    origin: for each character of text, and its end, the index in the given text.
    """

    text: str
    origin: tuple[int, ...]


def clean(text: str) -> Clean:
    """Text as a language reads it.

    >>> clean("ＡＢ[breath]é👍!").text
    'AB é !'
    """
    chars: list[str] = []
    origin: list[int] = []
    at = 0
    for found in _TAG.finditer(text):
        _characters(text, at, found.start(), chars, origin)
        chars.append(" ")
        origin.append(found.start())
        at = found.end()
    _characters(text, at, len(text), chars, origin)
    origin.append(len(text))
    return Clean("".join(chars), tuple(origin))


def _characters(text: str, start: int, stop: int, chars: list[str], origin: list[int]) -> None:
    i = start
    while i < stop:
        char, first = text[i], i
        i += 1
        if char < "\x7f":
            if i < stop and text[i] == "\u20e3":  # a keycap: the digit is a picture
                char, i = " ", i + 1
            elif i + 1 < stop and text[i] == "\ufe0f" and text[i + 1] == "\u20e3":
                char, i = " ", i + 2
            elif i < stop and unicodedata.combining(text[i]):
                char, i = _composed(text, first, stop)
        elif char in _JOINERS:
            continue
        elif _EMOJI.match(char):
            char = " "
        elif i < stop and (unicodedata.combining(text[i]) or "\u1100" <= char <= "\u11ff"):
            char, i = _composed(text, first, stop)
        else:
            char = _folded(char)
        for one in char:
            chars.append(one)
            origin.append(first)


def _composed(text: str, first: int, stop: int) -> tuple[str, int]:
    """A letter with its combining marks, or a syllable of Hangul in its parts: composed, and where it ends."""
    end = first + 1
    while end < stop and (unicodedata.combining(text[end]) or "\u1160" <= text[end] <= "\u11ff"):
        end += 1
    return unicodedata.normalize("NFC", text[first:end]), end


def _folded(char: str) -> str:
    """Full-width and other compatibility forms of one character as that character; ½, ², ①, ℃ stay as they are."""
    if char.isascii() or unicodedata.category(char) in ("No", "Nl", "Sk"):
        return char
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and char not in "ªº" else char
