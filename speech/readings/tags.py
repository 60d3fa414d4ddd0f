"""What of a text is neither spoken nor counted in any language: control tags, emoji, invisible marks. And what Unicode
writes in several ways: decomposed letters, full-width forms."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# As the tokenizers of the families have them ([breath], <strong>, <|endofprompt|>), CosyVoice3's syllables in brackets
# ([j][ǐ]) not among them: those are sounds.
_TAG = re.compile(
    r"</?[a-zA-Z][a-zA-Z0-9_-]{0,31}\s?/?>|<\|[^|<>]{0,64}\|>"
    r"|\[(?:/?(?:breath|laughter|laugh|noise|sigh|sighs|cough|coughs|clucking|accent|quick_breath|hissing|lipsmack|mn|"
    r"vocalized-noise|music|applause|silence|pause|gasp|gasps|giggle|giggles|clears throat|strong))\]",
    re.IGNORECASE,
)
_INVISIBLE = frozenset(
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
)
_EMOJI = re.compile(
    "["
    "\U0001f000-\U0001faff\U000e0020-\U000e007f"  # pictures, flags, skin tones, tag characters
    "\u2600-\u266c\u2670-\u27bf\u2b00-\u2bff\u231a\u231b\u23e9-\u23fa\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fe\u2194-\u2199\u21a9\u21aa"
    "\u3030\u303d\u3297\u3299\u20e3\u00a9\u00ae\u2122"
    "]"
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_WIDE = re.compile("[\uff01-\uff5e\u3000]")  # quicker to look for than to replace
_COMMAS = re.compile("[0-9]+(?:，[0-9]+)+")
# Whatever is not of this list is looked at character by character.
_TO_BE_SEEN_TO = re.compile(
    r"[^\x20-\x3b\x3d-\x5a\x5c-\x7e\n\u00a1-\u00a8\u00ab-\u00ac\u00b0-\u00b4\u00b6-\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u1fff"
    r"\u2010\u2012-\u2023\u2025-\u2027\u2032\u2033\u2039\u203a\u20a0-\u20bf"
    r"\u3001-\u301b\u3041-\u3096\u30a1-\u30fe\u3400-\u9fff\uac00-\ud7a3]"
)


@dataclass(frozen=True, slots=True)
class Clean:
    """Attributes:
    text: without tags, emoji and invisible marks (a blank where a tag or emoji stood), letters composed, full-width
        forms as plain ones.
    origin: for each character of text, and its end, the index in the given text.
    """

    text: str
    origin: Sequence[int]


def without_tags(text: str) -> str:
    """
    >>> without_tags("好[breath]吧")
    '好吧'
    """
    return _TAG.sub("", text)


def without_unspoken(text: str) -> str:
    """Without tags, emoji and invisible marks, as `clean` has it; the rest as it is written, full-width forms too.

    >>> without_unspoken("Ａ,[breath]b👍")
    'Ａ, b '
    """
    return _EMOJI.sub(" ", _TAG.sub(" ", text)).translate(dict.fromkeys(map(ord, _INVISIBLE)))


def clean(text: str) -> Clean:
    """Text as a language reads it.

    >>> clean("ＡＢ[breath]é👍!").text
    'AB é !'
    """
    if "，" in text:
        text = _COMMAS.sub(_listed, text)
    wide = text.translate(_FULL_WIDTH) if _WIDE.search(text) else text
    if not _TO_BE_SEEN_TO.search(wide):
        return Clean(wide, range(len(text) + 1))
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


def _listed(found: re.Match[str]) -> str:
    """Numbers with full-width commas: a list (1，2，3 and 500，300，200) unless they look like thousands (1，280)."""
    first, *others = found[0].split("，")
    each = [first, *others]
    if all(len(group) == 3 for group in others) and len(first) <= 3 and "000" not in others:
        rooms = len(others) > 1 or abs(int(first) - int(others[0])) < 100 or found[0].count("0，") == len(others)
        steps = len(others) > 1 and all(group[-1] == "0" for group in each) and sorted(each, key=int) == each
        thousands = not (rooms if len(first) == 3 else steps)
    else:
        thousands = "000" in others and all(len(group) == 3 for group in others)
    return found[0] if thousands else found[0].replace("，", "、")


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
        elif char in _INVISIBLE:
            continue
        elif _EMOJI.match(char):
            char = " "
        elif i < stop and _goes_with(char, text[i]):
            char, i = _composed(text, first, stop)
        else:
            char = _folded(char)
        for one in char:
            chars.append(one)
            origin.append(first)


def _composed(text: str, first: int, stop: int) -> tuple[str, int]:
    """A letter with its combining marks, or a syllable of Hangul in its parts: composed, and where it ends."""
    end = first + 1
    while end < stop and _goes_with(text[first], text[end]):
        end += 1
    form = "NFKC" if "\uff61" <= text[first] <= "\uff9f" else "NFC"
    return unicodedata.normalize(form, text[first:end]), end


def _goes_with(char: str, mark: str) -> bool:
    """Whether a character belongs to the one before it: a combining mark, a sound mark of half-width kana, a further
    part of a syllable of Hangul."""
    return (
        bool(unicodedata.combining(mark))
        or mark in "\uff9e\uff9f"
        or ("\u1100" <= char <= "\u11ff" and "\u1160" <= mark <= "\u11ff")
    )


def _folded(char: str) -> str:
    """Full-width and other compatibility forms of one character as that character; ½, ², ⁻, ①, ℃, ㅋ stay."""
    raised = char in "⁺⁻" or unicodedata.category(char) in ("No", "Nl", "Sk")
    if raised or char.isascii() or "\u3131" <= char <= "\u318e":
        return char
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and char not in "ªº" else char
