"""How Hangul is pronounced: syllables of a text as they are written and as they sound, by the rules of standard
pronunciation (표준 발음법): final consonants move to an empty onset, become like what follows, or make it tense; ㅎ
aspirates; and vowels that nearly all speakers have merged (ㅐ ㅔ, ㅙ ㅚ ㅞ) are one.
"""

import unicodedata
from itertools import pairwise

_FIRST = 0xAC00
_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TAILS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_SPLIT = {
    "ㄳ": "ㄱㅅ",
    "ㄵ": "ㄴㅈ",
    "ㄶ": "ㄴㅎ",
    "ㄺ": "ㄹㄱ",
    "ㄻ": "ㄹㅁ",
    "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ",
    "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ",
    "ㅀ": "ㄹㅎ",
    "ㅄ": "ㅂㅅ",
}
_AT_REST = dict(
    zip("ㄲㅋㄳㄺㅅㅆㅈㅊㅌㅎㅍㅄㄿㄵㄶㄼㄽㄾㅀㄻ", "ㄱㄱㄱㄱㄷㄷㄷㄷㄷㄷㅂㅂㅂㄴㄴㄹㄹㄹㄹㅁ", strict=True)
)
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
    """Each syllable of Hangul as it sounds between its neighbours; other letters and digits. Blanks never count.

    What stands before and behind the words is not known, and may change their first and last syllable: "12일" and
    "에" say what "십이 일에" says. So such a syllable has a second sound, open at that side ("일›", "‹에"), and so
    has, inside, every syllable that its neighbour at that side changes.

    >>> units("많이"), units("마니")
    ([('마', '‹마', '많›', '‹많›'), ('니', '‹이')], [('마', '‹마'), ('니',)])
    """
    kept = [c for c in unicodedata.normalize("NFC", words).casefold() if c.isalnum()]
    spelled = [_apart(c) if "가" <= c <= "힣" else None for c in kept]
    sounding = [part and [*part] for part in spelled]
    for here, after in pairwise(sounding):
        if here and after:
            _meet(here, after)
    last = len(kept) - 1
    return [
        _sounds(char, was, now, not place, place == last) if was else (char,)
        for place, (char, was, now) in enumerate(zip(kept, spelled, sounding, strict=True))
    ]


def _sounds(char: str, was: list[str], now: list[str], first: bool, last: bool) -> tuple[str, ...]:
    """As it sounds; and with its first sound (‹), its last (›) or both as they are before a neighbour changes them."""
    left = first or was[0] != now[0]
    right = bool(was[2]) and (last or was[2] != now[2])
    found = [_heard(*now)]
    if left:
        found.append("‹" + _heard(was[0], *now[1:]))
    if right:
        found.append(_together(now[0], _vowel(*now[:2]), was[2]) + "›")
    if left and right:
        found.append("‹" + _together(was[0], _vowel(*was[:2]), was[2]) + "›")
    if char == "의":
        found += [mark.replace("의", vowel) for mark in found[:2] for vowel in "이에"]
    return tuple(dict.fromkeys(found))


def _meet(here: list[str], after: list[str]) -> None:
    """What the end of one syllable and the beginning of the next do to each other."""
    tail, lead = here[2], after[0]
    if not tail or (tail == "ㅇ" and lead == "ㅇ"):
        return
    kept, moved = _SPLIT.get(tail, ("", tail))
    to_i = after[1] in "ㅣㅕ"
    if lead == "ㅇ":
        if moved == "ㅎ":  # 많이: it is silent
            here[2], after[0] = "", kept or "ㅇ"
        else:
            here[2], after[0] = kept, _carried(moved, bool(kept), to_i)
    elif moved == "ㅎ" and lead in "ㄱㄷㅈㅅ":
        here[2], after[0] = kept, _ASPIRATED.get(lead, "ㅆ")
    elif lead == "ㅎ" and (moved == "ㅈ" or _AT_REST.get(moved, moved) in _ASPIRATED):
        soft = moved == "ㅈ" or (moved == "ㄷ" and to_i)  # 닫혀: 다쳐
        here[2], after[0] = kept, "ㅊ" if soft else _ASPIRATED[_AT_REST.get(moved, moved)]
    else:
        here[2], after[0] = _beside(_AT_REST.get(tail, tail), lead)


def _carried(moved: str, of_cluster: bool, to_i: bool) -> str:
    """A final consonant in the empty onset behind it: 같이 가치, 값이 갑씨."""
    if to_i and moved in "ㄷㅌ":
        return "ㅈ" if moved == "ㄷ" else "ㅊ"
    return "ㅆ" if of_cluster and moved == "ㅅ" else moved


def _beside(rest: str, lead: str) -> tuple[str, str]:
    """A final consonant and the onset behind it: 국물 궁물, 신라 실라, 학교 학꾜."""
    if rest in _NASAL and lead in _TENSE:
        return rest, _TENSE[lead]
    if rest in _NASAL and lead in "ㄴㅁㄹ":
        return _NASAL[rest], "ㄴ" if lead == "ㄹ" else lead
    if rest in "ㅁㅇ" and lead == "ㄹ":
        return rest, "ㄴ"
    return ("ㄹ", "ㄹ") if (rest, lead) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")) else (rest, lead)


def _heard(lead: str, vowel: str, tail: str) -> str:
    return _together(lead, _vowel(lead, vowel), _AT_REST.get(tail, tail))


def _vowel(lead: str, vowel: str) -> str:
    """The vowel as nearly all speakers have it behind this consonant: 개 게, 희 히, 져 저, 계 게."""
    vowel = _MERGED.get(vowel, vowel)
    if vowel == "ㅢ" and lead != "ㅇ":
        return "ㅣ"
    light = (lead in "ㅈㅉㅊ" and vowel in _LIGHT) or (vowel == "ㅖ" and lead not in "ㅇㄹ")
    return _LIGHT[vowel] if light else vowel
