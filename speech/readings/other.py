"""Languages without a module of their own: what is spelt in two ways and sounds alike is one, whole numbers are read by
num2words where it has the language, and a sign of repetition says again what stands before it.

No reading is sure enough to be written into a prompt: numbers are inflected here, and num2words knows one form.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from speech.readings.lattice import Unit
from speech.readings.span import Span
from speech.readings.units import CLUSTERED, words_of

_NAMES = {"kk": "kz"}  # of num2words, where it has another one
_ENDLESS = frozenset({"am"})  # num2words 0.5.14 does not come back from 12345
_DOTTED = frozenset({"bs", "cs", "da", "et", "fi", "fo", "hr", "hu", "is", "lv", "nn", "no", "sk", "sl", "sr", "tr"})
_MOST_DIGITS = 9  # all languages of num2words have these numbers
# A whole number, 1500 or 1 500 or 1.500, which 1.500,25 begins with; no part of 3.5 or 12:30; with its ending in 3'te.
_GROUPED = r"\d{1,3}(?P<gap>[ .,\u00a0\u202f])\d{3}(?:(?P=gap)\d{3})*(?!\d|[:/]\d|(?P=gap)\d)"
_NUMBER = (
    rf"(?<![\d.,:/])(?P<number>{_GROUPED}|\d{{1,{_MOST_DIGITS}}}(?!\d|[.,:/]\d))"
    r"(?:['’](?P<ending>[^\W\d_]+)|(?P<dot>\.)(?=\s|$)|)"
)
_WORDS, _CLUSTERS = re.compile(rf"(?<!\w){_NUMBER}(?!\w)"), re.compile(_NUMBER)
_DIGITS_APART = re.compile(r"\d+|\D+")
_AGAIN = re.compile(r"\s*[ๆໆៗ]")  # Thai, Lao, Khmer
_LONGEST_WORD = 12  # clusters that such a sign may say again: nothing tells where its word begins
_DOTLESS, _DOTTED_I = str.maketrans({"I": "ı", "İ": "i"}), str.maketrans("İ", "i")
_ARABIC = str.maketrans("أإآٱىیک", "ااااييك")
_UNSPOKEN = re.compile(  # vowel marks of Hebrew and Arabic, and the stroke that makes a word longer
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8"
    "\u06ea-\u06ed]"
)
_NASALS = re.compile("ङ्(?=[क-घ])|ञ्(?=[च-झ])|ण्(?=[ट-ढ])|न्(?=[त-ध])|म्(?=[प-भ])|ँ")  # हिन्दी, हिंदी; हाँ, हां
_SARA_AM = re.compile("\u0e4d([\u0e48-\u0e4b])")  # its ring, typed before the tone mark
_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")  # of Vietnamese, on one of two letters: hòa, hoà


def reads_numbers(language: str) -> bool:
    """Whether whole numbers of the language are read."""
    return _converter(language) is not None


@lru_cache
def _converter(language: str) -> Callable[..., str] | None:
    from num2words import CONVERTER_CLASSES, num2words  # slow to import

    name = _NAMES.get(language, language)
    if name not in CONVERTER_CLASSES or language in _ENDLESS:
        return None
    return lambda number, to: num2words(number, lang=name, to=to)


def spans(text: str, language: str) -> list[Span]:
    """See speech.readings.spans."""
    pattern = _CLUSTERS if language in CLUSTERED else _WORDS
    found = [span for match in pattern.finditer(text) if (span := _number(match, language))]
    found += [span for match in _AGAIN.finditer(text) if (span := _again(text, match))]
    return sorted(found, key=lambda span: span.start)


def _number(match: re.Match[str], language: str) -> Span | None:
    """None: there is nothing to say of it but its digits. A full stop may make an ordinal of it, or end a sentence.
    Groups of digits may be numbers of their own. The digits, which an ear may write, are a reading, too."""
    groups, ending = re.findall(r"\d+", match["number"]), match["ending"] or ""
    dotted = bool(match["dot"]) and language in _DOTTED
    digits = "".join(groups)
    said = _read(digits, language, dotted)
    if len(groups) > 1:
        said += (" ".join(next(iter(_read(group, language, False)), group) for group in groups),)
    elif not said and not dotted:
        return None
    end = match.end() if dotted or ending else match.end("number")
    ways = dict.fromkeys(f"{way}{ending}" for way in (*said, digits))
    return Span(match.start(), end, "number", tuple(ways), sure=False)


@lru_cache(maxsize=4096)
def _read(digits: str, language: str, ordinal: bool) -> tuple[str, ...]:
    if len(digits) > _MOST_DIGITS or (digits[0] == "0" and len(digits) > 1):
        return ()
    convert, ways = _converter(language), []
    for to in ("cardinal", "ordinal") if ordinal else ("cardinal",):
        try:
            ways.append(convert(int(digits), to) if convert else "")
        except (ArithmeticError, LookupError, NotImplementedError, TypeError, ValueError):
            continue  # of many languages it has no ordinals, of some not all numbers
    return tuple(dict.fromkeys(filter(None, ways)))


def _again(text: str, match: re.Match[str]) -> Span | None:
    before = re.search(r"\S*$", text[: match.start()])[0]
    clusters = _clusters(before)[-_LONGEST_WORD:]
    said = tuple("".join(clusters[-count:]) for count in range(1, len(clusters) + 1))
    return Span(match.start(), match.end(), "variant", said) if said else None


def units(words: str, language: str) -> list[Unit]:
    """Words, or clusters where blanks do not part words, in the one spelling of those that sound alike. Digits are a
    word of their own: covid19, covid 19. A Turkish capital I is either letter: IŞIK, Instagram.

    >>> units("إلى ١٥", "ar") == units("الى 15", "ar"), units("Thủy", "vi") == units("thuỷ", "vi")
    (True, True)
    """
    found = _words(_folded(words, language))
    if language in ("az", "tr") and "I" in words:
        plain = _words(_folded(words.translate(_DOTTED_I), ""))
        return [tuple(dict.fromkeys(pair)) for pair in zip(plain, found, strict=True)]
    if language in CLUSTERED:
        return [(cluster,) for word in found for cluster in _clusters(word)]
    return [(_tone_last(word) if language == "vi" else word,) for word in found]


def _words(folded: str) -> list[str]:
    return [part for (word,) in words_of(folded) for part in _DIGITS_APART.findall(word)]


def _folded(words: str, language: str) -> str:
    if words.isascii() and language not in ("az", "tr"):
        return words
    words = unicodedata.normalize("NFKC", words.translate(_DOTLESS) if language in ("az", "tr") else words)
    words = _UNSPOKEN.sub("", words.translate(_ARABIC))
    words = _SARA_AM.sub("\\1\u0e4d", _NASALS.sub("ं", words))
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in words)


def _clusters(word: str) -> list[str]:
    """Letters, each with its marks."""
    found: list[str] = []
    for char in word:
        if found and unicodedata.category(char)[0] == "M":
            found[-1] += char
        else:
            found.append(char)
    return found


def _tone_last(word: str) -> str:
    """A syllable with its tone behind all letters."""
    apart = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", _TONES.sub("", apart)) + "".join(_TONES.findall(apart))
