"""Particles behind a number, a unit or a sign of Korean, which heed how its reading ends: 5kg을 is 오 킬로그램을 and
오 킬로를."""

import re
from dataclasses import replace

from speech.readings.span import Span

# Behind a final consonant; behind none; the second may leave 이 in.
_PAIRS = (
    ("이에요", "예요", False), ("이었", "였", False), ("이라", "라", True), ("이고", "고", True), ("이며", "며", True),
    ("이나", "나", True), ("이야", "야", False), ("으로", "로", False), ("을", "를", False), ("은", "는", False),
    ("과", "와", False), ("이", "가", False),
)  # fmt: skip
_ENDS = "(?![가-힣])"  # else it may begin a word
_LONGER = frozenset(("이에요", "예요", "이었", "였"))  # verbs, which go on
_OF = {way: pair for pair in _PAIRS for way in pair[:2]}
_BEHIND = dict.fromkeys(_LONGER, "") | dict.fromkeys(("로", "으로"), f"(?=[는도서써]?{_ENDS})")
_PARTICLE = re.compile("|".join(way + _BEHIND.get(way, _ENDS) for way in _OF))


def with_particles(text: str, found: list[Span]) -> list[Span]:
    """The spans, those that a particle follows with it, as each of their readings has it."""
    ways, starts = list(found), {span.start for span in found}
    for place, span in enumerate(found):
        particle = _PARTICLE.match(text, span.end)
        if not particle or any(at in starts for at in range(span.end, particle.end())):
            continue
        said = tuple(dict.fromkeys(way for one in span.said for way in _joined(one, particle[0])))
        if span.kind == "letters":  # kr를 may be said as it stands, too
            said = (*said[:32], *(f"{one}{particle[0]}" for one in span.said[:32]))
        if any(not way.endswith(particle[0]) for way in said):
            ways[place] = replace(span, end=particle.end(), said=said[:64])
    return ways


def _joined(said: str, particle: str) -> list[str]:
    last = said.rstrip()[-1:]
    if not "가" <= last <= "힣":
        return [f"{said}{particle}"]
    consonant, vowel, either = _OF[particle]
    final = (ord(last) - ord("가")) % 28
    if final and not (consonant == "으로" and final == 8):  # ㄹ takes 로
        return [f"{said}{consonant}"]
    return [f"{said}{way}" for way in ((particle, consonant, vowel) if either else (vowel,))]
