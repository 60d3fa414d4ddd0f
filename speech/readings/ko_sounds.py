"""How Hangul is pronounced: syllables of a text as they are written and as they sound, by the rules of standard pronunciation
(표준 발음법): final consonants move to an empty onset, become like what follows, or make it tense; ㅎ aspirates; and vowels that
nearly all speakers have merged (ㅐ ㅔ, ㅙ ㅚ ㅞ) are one.
"""

import unicodedata

_FIRST = 0xAC00
_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TAILS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_SPLIT = {"ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ"}
_AT_REST = dict(zip("ㄲㅋㄳㄺㅅㅆㅈㅊㅌㅎㅍㅄㄿㄵㄶㄼㄽㄾㅀㄻ", "ㄱㄱㄱㄱㄷㄷㄷㄷㄷㄷㅂㅂㅂㄴㄴㄹㄹㄹㄹㅁ", strict=True))
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
_TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
_MERGED = {"ㅐ": "ㅔ", "ㅒ": "ㅖ", "ㅙ": "ㅞ", "ㅚ": "ㅞ"}
_LIGHT = {"ㅑ": "ㅏ", "ㅕ": "ㅓ", "ㅖ": "ㅔ", "ㅛ": "ㅗ", "ㅠ": "ㅜ"}


def _apart(syllable: str) -> list[str]:
    code = ord(syllable) - _FIRST
    return [_LEADS[code // 588], _VOWELS[code % 588 // 28], _TAILS[code % 28]]


def _together(lead: str, vowel: str, tail: str) -> str:
    return chr(_FIRST + _LEADS.index(lead) * 588 + _VOWELS.index(vowel) * 28 + _TAILS.index(tail))


def units(words: str) -> list[tuple[str, ...]]:
    """Each syllable of Hangul: as it is written, and as it sounds between its neighbours; any other letter or digit by itself.
    Blanks never count.

    >>> units("많이"), units("마니")
    ([('많', '만'), ('이', '니')], [('마', '마'), ('니', '니')])
    """
    kept = [c for c in unicodedata.normalize("NFC", words).casefold() if c.isalnum()]
    parts = [_apart(c) if "가" <= c <= "힣" else None for c in kept]
    for here, after in zip(parts, parts[1:], strict=False):
        if here and after:
            _meet(here, after)
    return [(char, *_sounds(char, part)) if part else (char,) for char, part in zip(kept, parts, strict=True)]


def _meet(here: list[str], after: list[str]) -> None:
    """What the end of one syllable and the beginning of the next do to each other."""
    tail, lead, vowel = here[2], after[0], after[1]
    if not tail:
        return
    kept, moved = (_SPLIT[tail][0], _SPLIT[tail][1]) if tail in _SPLIT else ("", tail)
    if lead == "ㅇ":
        if tail == "ㅇ":
            return
        if moved == "ㅎ":
            here[2] = ""
            if kept:
                here[2], after[0] = "", kept
            return
        if vowel == "ㅣ" and moved in ("ㄷ", "ㅌ"):
            moved = {"ㄷ": "ㅈ", "ㅌ": "ㅊ"}[moved]
        elif kept and moved == "ㅅ":
            moved = "ㅆ"
        here[2], after[0] = kept, moved
        return
    if moved == "ㅎ" and lead in "ㄱㄷㅈㅅ":
        here[2], after[0] = kept, "ㅆ" if lead == "ㅅ" else _ASPIRATED[lead]
        return
    if lead == "ㅎ" and (_AT_REST.get(moved, moved) in _ASPIRATED or moved == "ㅈ"):
        sound = "ㅊ" if moved in ("ㅈ", "ㅊ") and kept or moved == "ㅈ" else _ASPIRATED[_AT_REST.get(moved, moved)]
        if vowel == "ㅣ" and moved == "ㄷ":
            sound = "ㅊ"
        here[2], after[0] = kept, sound
        return
    rest = _AT_REST.get(tail, tail)
    if rest in _NASAL and lead in _TENSE:
        after[0] = _TENSE[lead]
    elif rest in _NASAL and lead in "ㄴㅁㄹ":
        rest, after[0] = _NASAL[rest], "ㄴ" if lead == "ㄹ" else lead
    elif rest in "ㅁㅇ" and lead == "ㄹ":
        after[0] = "ㄴ"
    elif (rest, lead) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")):
        rest, after[0] = "ㄹ", "ㄹ"
    here[2] = rest


def _sounds(char: str, part: list[str]) -> tuple[str, ...]:
    lead, vowel, tail = part
    tail, vowel = _AT_REST.get(tail, tail), _MERGED.get(vowel, vowel)
    if vowel == "ㅢ" and lead != "ㅇ":
        vowel = "ㅣ"
    if (lead in "ㅈㅉㅊ" and vowel in _LIGHT) or (vowel == "ㅖ" and lead not in "ㅇㄹ"):
        vowel = _LIGHT[vowel]
    found = [_together(lead, vowel, tail)]
    if char == "의":
        found += [_together(lead, "ㅣ", tail), _together(lead, "ㅔ", tail)]
    return tuple(found)
