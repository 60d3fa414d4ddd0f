"""Rules for formulas: powers (10⁸), chemical ones (CO₂, CO2), letters under a line (1/x), brackets, a remainder; and
for faces made of signs, which look like one. A rule: (text, start) -> Span or None."""

import re
import unicodedata

from speech.readings.cjk import FACE
from speech.readings.span import Span
from speech.readings.zh.numbers import by_digit, cardinals
from speech.readings.zh.shared import BLANK, RAISED, joined
from speech.readings.zh.tables import UNITS
from speech.readings.zh.whole import english

LOWERED = "\u2080-\u2089"
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_POWER = re.compile(rf"(\u207b?)([{RAISED}]+)(?:{BLANK}({_UNIT})(?![A-Za-z]))?")
_TEN = re.compile(r"(?<!\d)10$")
_CHARGE = re.compile(rf"(?<=[A-Za-z)\]{LOWERED}])([{RAISED}]?)([\u207a\u207b])(?![{RAISED}])")
_LOWERED = re.compile(f"[{LOWERED}]+")
# Substances that are called by name as often as by the letters of their formula; those in capitals alone (O2, H2) only
# with lowered digits, because they are names of other things, too.
_SUBSTANCES = {
    "CO2": "二氧化碳", "SO2": "二氧化硫", "NO2": "二氧化氮", "H2O": "水", "CH4": "甲烷", "NH3": "氨气",
    "CaCO3": "碳酸钙",
    "H2SO4": "硫酸", "HNO3": "硝酸", "H2O2": "过氧化氢", "KMnO4": "高锰酸钾", "NaHCO3": "碳酸氢钠", "Na2CO3": "碳酸钠",
}  # fmt: skip
_GASES = {"O2": "氧气", "O3": "臭氧", "H2": "氢气", "N2": "氮气", "Cl2": "氯气"}
_FORMULA = re.compile(rf"(?:[A-Z][a-z]?[\d{LOWERED}]?){{1,5}}(?![A-Za-z\d{LOWERED}])")


_OVER_LETTER = re.compile(r"(\d{1,3}|[a-z])/([a-z])(?![A-Za-z\d])")
_BRACKETED = re.compile(rf"\((?:[\w.]{{1,4}}[-−+×*/])+[\w.]{{1,4}}\)(?=[{RAISED}^×*÷/=(])", re.ASCII)
_ROOT = re.compile(r"√\s?(\d{1,4})\s?/\s?(\d{1,4})(?!\d)")
_ABSOLUTE = re.compile(r"\|(-?(?:[A-Za-z]|\d{1,4})(?:[-−+](?:[A-Za-z]|\d{1,4}))?)\|")
_UNIT_NAMED = re.compile(rf"\(({_UNIT})\)")
_MINUS = re.compile(r"\s?[-−](?=\s?[A-Za-z\d(])")
_IN_TERMS = rf"[A-Za-z\d.,+\-−×÷*/^(){RAISED} =≠<>≤≥≈]*"
_TERMS, _TERMS_BEFORE, _COMPARED = re.compile(_IN_TERMS), re.compile(f"{_IN_TERMS}$"), frozenset("=≠<>≤≥≈")
_REMAINDER = re.compile(r"\s?(?:…+|\.{3,6})\s?(?=\d)")
_EYES = r"[￣▽□⊙∩ωДд∀◕‿｡≧≦╥﹏•ᴗ＾`´｀へ]|\^[_.o-]?\^|[T;>][_.o-][T;<]"
_FACE = re.compile(
    rf"\((?=[^()\u4e00-\u9fff]{{0,10}}(?:{_EYES}))[^()\u4e00-\u9fffA-SU-Za-np-z]{{2,12}}\)[づノつ╯╰~～]{{0,3}}"
)
_RAISED = {"²": ("平方", "的平方"), "³": ("立方", "的立方")}


def face(text: str, start: int) -> Span | None:
    """(づ￣3￣)づ, (^_^): not said."""
    found = _FACE.match(text, start) or FACE.match(text, start)
    return Span(start, found.end(), "variant", ("",)) if found else None


def over_letter(text: str, start: int) -> Span | None:
    """1/x, a/b in an equation."""
    found = _OVER_LETTER.match(text, start)
    if not found or not re.search(
        r"[=+×(<>≤≥-]\s?$|[=+×<>≤≥]|等于", text[max(0, start - 2) : start] + text[found.end() : found.end() + 2]
    ):
        return None
    over = cardinals(found[1])[0] if found[1].isdigit() else found[1]
    return Span(start, found.end(), "sign", (f"{found[2]}分之{over}", f"{over}除以{found[2]}", f"{over}比{found[2]}"))


def root(text: str, start: int) -> Span | None:
    """√2/2."""
    found = _ROOT.match(text, start)
    if not found:
        return None
    over, under = cardinals(found[1])[0], cardinals(found[2])[0]
    return Span(
        start, found.end(), "sign", (f"{under}分之根号{over}", f"根号{over}除以{under}", f"根号{over}比{under}")
    )


def bracket(text: str, start: int) -> Span | None:
    """The brackets of (a+b)²: silent, or said."""
    if text[start] == "(" and _BRACKETED.match(text, start):
        return Span(start, start + 1, "variant", ("", "括号", "左括号"))
    if text[start] == ")" and any(
        _BRACKETED.match(text, at) for at in range(max(0, start - 24), start) if text[at] == "("
    ):
        return Span(start, start + 1, "variant", ("", "括号", "右括号", "括号完"))
    return None


def unit_named(text: str, start: int) -> Span | None:
    """The (kg) of 体重(kg): the unit's name, its letters, or nothing."""
    found = _UNIT_NAMED.match(text, start)
    if not found:
        return None
    return Span(start, found.end(), "letters", tuple(dict.fromkeys((*UNITS[found[1]], found[1].lower(), ""))))


def absolute(text: str, start: int) -> Span | None:
    """|a|, |-3|, |x-1|."""
    found = _ABSOLUTE.match(text, start)
    if not found:
        return None
    said = "".join(
        {"-": "减", "−": "减", "+": "加"}.get(part) or (cardinals(part)[0] if part.isdigit() else part)
        for part in re.findall(r"\d+|.", found[1].removeprefix("-"))
    )
    said = f"负{said}" if found[1][0] == "-" else said
    return Span(start, found.end(), "sign", (f"{said}的绝对值", f"绝对值{said}"))


def minus(text: str, start: int) -> Span | None:
    """The - of y=2x-5, with a sign of comparison beside it."""
    found = _MINUS.match(text, start)
    if not found:
        return None
    run = _TERMS_BEFORE.search(text, max(0, start - 24), start)[0] + _TERMS.match(text, found.end())[0]
    return Span(start, found.end(), "sign", ("减", "负")) if not _COMPARED.isdisjoint(run) else None


def remainder(text: str, start: int) -> Span | None:
    """100÷3=33……1."""
    found = _REMAINDER.match(text, start)
    if not found or not re.search(r"÷\s?\d+\s?=\s?\d+$", text[max(0, start - 16) : start]):
        return None
    return Span(start, found.end(), "sign", ("余", "余数是", "余数"))


def power(text: str, start: int) -> Span | None:
    """10⁸, 10⁻³mol; ² and ³ alone are signs."""
    found = _POWER.match(text, start)
    if not found or (found[2] in ("²", "³") and not found[1] and not _TEN.search(text, max(0, start - 3), start)):
        return None
    number = ("负" if found[1] else "") + cardinals(unicodedata.normalize("NFKC", found[2]))[0]
    names = list(UNITS[found[3]]) if found[3] else [""]
    return Span(
        start,
        found.end(),
        "sign",
        tuple(joined([f"的{number}次方", f"的{number}次幂", f"{number}次方", *_RAISED.get(found[2], ())], names)),
    )


def charge(text: str, start: int) -> Span | None:
    """The ²⁺ of Ca²⁺, the ⁻ of Cl⁻."""
    found = _CHARGE.match(text, start)
    if not found:
        return None
    number = cardinals(unicodedata.normalize("NFKC", found[1]))[0] if found[1] else ""
    signs = ("减", "负") if found[2] == "\u207b" else ("加", "正")
    ways = [f"{number}{sign}" for sign in signs] + [f"{sign}{number}" for sign in signs]
    return Span(start, found.end(), "sign", tuple(dict.fromkeys(ways)))


def lowered(text: str, start: int) -> Span | None:
    """The ₂ of x₂, CO₂."""
    found = _LOWERED.match(text, start)
    if not found:
        return None
    digits = unicodedata.normalize("NFKC", found[0])
    ways = (*cardinals(digits), by_digit(digits), *english(digits[:4]))
    return Span(start, found.end(), "letters", tuple(dict.fromkeys(ways)))


def substance(text: str, start: int) -> Span | None:
    """CO₂ and CO2: letter by letter or by name."""
    found = _FORMULA.match(text, start) if text[start].isascii() and text[start].isupper() else None
    if not found or (start and text[start - 1].isascii() and text[start - 1].isalnum()):
        return None
    plain = unicodedata.normalize("NFKC", found[0])
    name = _SUBSTANCES.get(plain) or (_GASES.get(plain) if plain != found[0] else None)
    if not name:
        return None
    ways = [""]
    for part in re.findall(r"[A-Za-z]+|\d", plain):
        ways = joined(ways, [part.lower()] if part.isalpha() else [*cardinals(part), *english(part)])
    return Span(start, found.end(), "letters", (*ways[:8], name))
