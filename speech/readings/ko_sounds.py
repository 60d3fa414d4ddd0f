"""How Hangul is pronounced: syllables of a text as they are written and as they sound, by the rules of standard
pronunciation (표준 발음법): final consonants move to an empty onset, become like what follows, or make it tense; ㅎ
aspirates; and vowels that nearly all speakers have merged (ㅐ ㅔ, ㅙ ㅚ ㅞ) are one.
"""

import re
import unicodedata
from functools import cache
from itertools import pairwise

from speech.readings.cjk import one_of, tables

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
_BEHIND_L = frozenset("거걸게것건겁겠수지줄데듯바성")  # tense behind a verb in -(으)ㄹ: 할 거 is 할 꺼
_STANDARD = {other: word for word, others in tables("ko")["loan_words"].items() for other in others if other != word}
_PARTICLES = [("을", "를"), ("은", "는"), ("이", "가"), ("과", "와"), ("으로", "로")]  # behind a consonant, a vowel
_BEGINS = re.compile(r"(?<!\S)의(?=[가-힣])")
_OTHERWISE = re.compile(
    rf"({one_of(_STANDARD)})({one_of(form for pair in _PARTICLES for form in pair)})?(?![다었야에라랑])"
    rf"|({one_of(_STANDARD)})"
)
_LIGHT = {"ㅑ": "ㅏ", "ㅕ": "ㅓ", "ㅖ": "ㅔ", "ㅛ": "ㅗ", "ㅠ": "ㅜ"}


def _begin_words(words: str) -> list[int]:
    """Which of its syllables are the 의 of 의사, which begins a word and is never said as 이; a particle does not."""
    return [len(re.findall(r"\w", words[: found.start()])) for found in _BEGINS.finditer(words)]


def _in_standard(found: re.Match[str]) -> str:
    """A loan word as it should be written, with the particle that goes with its last sound: 케익을 케이크를."""
    if found[3]:
        return _STANDARD[found[3]]
    word, particle = _STANDARD[found[1]], found[2] or ""
    closed = bool(_apart(word[-1])[2])
    if particle and closed != bool(_apart(found[1][-1])[2]):
        particle = next(pair[not closed] for pair in _PARTICLES if particle in pair)
    return word + particle


def _apart(syllable: str) -> list[str]:
    code = ord(syllable) - _FIRST
    return [_LEADS[code // 588], _VOWELS[code % 588 // 28], _TAILS[code % 28]]


def _together(lead: str, vowel: str, tail: str) -> str:
    return chr(_FIRST + _LEADS.index(lead) * 588 + _VOWELS.index(vowel) * 28 + _TAILS.index(tail))


def units(words: str) -> list[tuple[str, ...]]:
    """Each syllable of Hangul as it sounds between its neighbours; other letters and digits. Blanks never count.

    What stands before and behind the words is not known, and may change their first and last syllable: "12일" and
    "에" say what "십이 일에" says. So these have more sounds: one for each final consonant before them ("ㄹ‹에") or
    first consonant behind them ("일›ㅇ") that changes them; and inside, so has a syllable that its neighbour changes.

    >>> units("십이 일에")[2:], "일›ㅇ" in units("십이 일")[2], "ㄹ‹에" in units("에")[0]
    ([('이', '일›ㅇ'), ('레', 'ㄹ‹에')], True, True)
    """
    plain = "".join(c for c in unicodedata.normalize("NFC", words).casefold() if c.isalnum())
    kept = _OTHERWISE.sub(_in_standard, plain)
    begins = _begin_words(words) if "의" in plain else ()
    spelled = [_apart(c) if "가" <= c <= "힣" else None for c in kept]
    sounding = [part and [*part] for part in spelled]
    for here, after in pairwise(sounding):
        if here and after:
            _meet(here, after)
    found: list[tuple[str, ...]] = []
    for place, (char, was, now) in enumerate(zip(kept, spelled, sounding, strict=True)):
        if was is None:
            found.append((char,))
            continue
        before = spelled[place - 1] if place else None
        after = spelled[place + 1] if place + 1 < len(kept) else None
        tails = _changing_tails(was[0]) if not place else before[2] if before and now[0] != was[0] else ""
        leads = _changing_leads(was[2]) if place + 1 == len(kept) else after[0] if after and now[2] != was[2] else ""
        tensed = char in _BEHIND_L and bool(before) and before[2] == "ㄹ" and now[0] in _TENSE
        following = "".join(kept[place + 1 : place + 2])
        ways = [_together(*now)] if place in begins else _heard(char, now, following, tensed)
        ways += [f"{tail}‹{_syllable(was[0], now[1], now[2])}" for tail in tails]
        ways += [f"{_syllable(now[0], now[1], was[2], at_rest=False)}›{lead}" for lead in leads]
        if place and now[2] != was[2]:  # changed by both: 은 of 삼은 오
            ways += [f"{tail}‹{_syllable(was[0], now[1], was[2])}" for tail in tails]
        found.append(tuple(ways))
    return found


@cache
def _changing_tails(lead: str) -> str:
    """Final consonants that change a first consonant behind them."""
    return "".join(tail for tail in _TAILS if tail and _met(tail, lead)[1] != lead)


@cache
def _changing_leads(tail: str) -> str:
    """First consonants that change a final consonant before them."""
    return "".join(lead for lead in _LEADS if tail and _met(tail, lead)[0] != tail)


def _met(tail: str, lead: str) -> tuple[str, str]:
    here, after = ["ㅇ", "ㅏ", tail], [lead, "ㅏ", ""]
    _meet(here, after)
    return here[2], after[0]


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
    elif moved == lead == "ㅎ":
        here[2] = kept
    elif moved == "ㅎ" and lead in "ㄱㄷㅈㅅ":
        here[2], after[0] = kept, _ASPIRATED.get(lead, "ㅆ")
    elif lead == "ㅎ" and (moved == "ㅈ" or _AT_REST.get(moved, moved) in _ASPIRATED):
        soft = moved == "ㅈ" or (moved == "ㄷ" and to_i)  # 닫혀: 다쳐
        here[2], after[0] = kept, "ㅊ" if soft else _ASPIRATED[_AT_REST.get(moved, moved)]
    elif (tail == "ㄺ" and lead == "ㄱ") or (tail in "ㄵㄼㄾ" and lead in _TENSE):  # 읽고 일꼬, 넓다 널따
        here[2], after[0] = "ㄴ" if tail == "ㄵ" else "ㄹ", _TENSE[lead]
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


def _heard(char: str, now: list[str], following: str, tensed: bool) -> list[str]:
    """How a syllable sounds; 의 is 이 or 에 as well, 네가 니가, 예요 에요; 할 거 할 꺼 (`tensed`)."""
    found = [_syllable(*now)]
    if tensed:
        found.append(_syllable(_TENSE[now[0]], now[1], now[2]))
    if char == "예" and following == "요":
        found.append(_syllable(now[0], "ㅔ", ""))
    if char == "의":
        found += [_syllable(now[0], vowel, "") for vowel in "ㅣㅔ"]
    return [*found, "니"] if char == "네" and following == "가" else found


def _syllable(lead: str, vowel: str, tail: str, at_rest: bool = True) -> str:
    return _together(lead, _vowel(lead, vowel), _AT_REST.get(tail, tail) if at_rest else tail)


def _vowel(lead: str, vowel: str) -> str:
    """The vowel as nearly all speakers have it behind this consonant: 개 게, 희 히, 져 저, 계 게."""
    vowel = _MERGED.get(vowel, vowel)
    if vowel == "ㅢ" and lead != "ㅇ":
        return "ㅣ"
    light = (lead in "ㅈㅉㅊ" and vowel in _LIGHT) or (vowel == "ㅖ" and lead not in "ㅇㄹ")
    return _LIGHT[vowel] if light else vowel
