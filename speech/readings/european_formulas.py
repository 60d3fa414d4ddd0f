"""Rules of the European languages for formulas and code: signs of two characters, powers, absolute values, letters of
the Greek alphabet, ions, paths and ports."""

import re
import unicodedata
from collections.abc import Iterator

from speech.readings.european import BLANK, DASH, DASHES, Rule, Said, any_of, ways
from speech.readings.european_language import Language

B = f"{BLANK}?"
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_JOINED = {">=": "≥", "<=": "≤", "!=": "≠", "!==": "≠", "==": "=", "===": "=", "&&": "&"}
_ARROWS = {"->": "→", "-->": "→", "=>": "→", "==>": "→", "<-": "←", "<--": "←"}


def formulas(of: Language) -> Iterator[Rule]:
    """Before the numbers."""
    yield from joined_signs(of)
    yield from powers(of)
    yield from absolute_values(of)


def joined_signs(of: Language) -> Iterator[Rule]:
    """>=, !=, == as in code, and arrows; no smiley."""

    def said(match: re.Match[str]) -> Said:
        if match[0] in _ARROWS:
            return "variant", of.silent.get(_ARROWS[match[0]], ("",)), True
        sign = _JOINED[match[0]]
        names = of.signs.get(sign) or of.before_numbers.get(sign)
        if not names:
            return None
        return "sign", [*names, " ".join([names[0]] * len(match[0]))] if sign == "=" else names, True

    def either(match: re.Match[str]) -> Said:
        return "sign", [*of.or_words, *of.silent.get("|", ())], True

    compared = r"(?<![=<>!:;])(?:[<>]=|!==?|={2,3}|&&)(?![=<>()|DPp])"
    arrow = r"(?<![-=<>!:;])(?:-{1,2}>|={1,2}>|<-{1,2}(?=\s))(?![-=<>()|DPp])"
    yield Rule("=&", re.compile(compared), said)
    yield Rule("<>", re.compile(arrow), said)
    yield Rule("|", re.compile(r"(?<=[\w)\]\"'] )\|\|(?= [\w(!\"'])"), either)


def powers(of: Language) -> Iterator[Rule]:
    """10^8, 10⁻³, 5e-4, the charges of Ca²⁺ and Cl⁻; a single ² or ³ is a sign."""

    def said(match: re.Match[str]) -> Said:
        number = int(match["n"] or "".join(str(_RAISED.index(digit)) for digit in match["r"]))
        minus = of.minus[:2] if match["m"] or match["k"] else ("",)
        squared = of.signs.get("²³"[number - 2], ()) if number in (2, 3) and minus == ("",) else ()
        said = [*squared, *ways(of.power, minus, [*of.counted(number)[:2], *of.ordinal(number)[:6]])]
        units = of.noun(match["unit"]).of(of.many)[:4] if match["unit"] else [""]
        return "sign", [f"{way} {name}".strip() for name in units for way in said], True

    def scientific(match: re.Match[str]) -> Said:
        number, ten = of.said(of.parse(match["n"]))[:4], of.counted(10)[:1]
        minus = of.minus[:2] if match["m"] != "+" else ("", *of.signs["+"][:1])
        exponent, nth = of.counted(int(match["k"]))[:2], of.ordinal(int(match["k"]))[:4]
        letter = dict.fromkeys(("e", of.letters.get("e", "e")))
        power = ways(number[:2], of.signs["×"][:1], ten, of.power, minus, [*exponent, *nth])
        return "cardinal", [*ways(number, letter, minus, exponent), *power], True

    if of.power:
        exponential = (
            rf"(?<![\w.,])(?P<n>\d{{1,3}}(?:{re.escape(of.decimal)}\d{{1,6}})?)[eE](?P<m>\+|{DASH})(?P<k>\d{{1,3}})"
        )
        yield Rule(f"0{DASHES}+", re.compile(rf"{exponential}(?![\w\-]|[.,]\d)"), scientific)
        unit = rf"(?:{B}(?P<unit>{any_of(of.units, True)})(?![\w/]))?"
        raised = rf"(?P<r>[{_RAISED}]{{2,3}}|[⁰¹⁴-⁹]|(?<=⁻)[²³])"
        pattern = rf"(?<=[\w)])(?:\^(?P<m>{DASH})?(?P<n>\d{{1,3}})|(?P<k>⁻)?{raised}){unit}"
        yield Rule("^" + _RAISED, re.compile(pattern), said)

    def charged(match: re.Match[str]) -> Said:
        number = of.counted(_RAISED.index(match["n"]))[:2] if match["n"] else [""]
        return "sign", ways(number, of.minus if match["s"] == "⁻" else of.signs["+"][:1]), True

    ion = r"(?<=(?<!\w)(?:Cl|Br|OH))[-\u2212](?=[\s.,;!?)]|$)"  # Cl-
    yield Rule("-\u2212", re.compile(ion), lambda match: ("sign", of.minus, True))
    charge = rf"(?<=[\w)\]])(?P<n>[{_RAISED}]?)(?P<s>[⁺⁻])(?![{_RAISED}])"
    yield Rule("⁺⁻", re.compile(charge), charged)


def absolute_values(of: Language) -> Iterator[Rule]:
    """The first bar of |x| and |a - b|; the other one is silent."""
    if of.absolute:
        operand = r"(?:[A-Za-zα-ωΔ]|\d{1,4}(?:[.,]\d{1,3})?)[²³₀-₉]?"
        term = rf"{DASH}?{operand}(?:{B}[+*/·×\-−–]{B}{operand}){{0,3}}"
        bar = rf"(?<![\w|)])\|(?={term}\|(?![\w|]))"
        yield Rule("|", re.compile(bar), lambda match: ("sign", of.absolute, True))


def greek(of: Language) -> Iterator[Rule]:
    """α-helix, Δt: a letter by its name, unless its neighbour is Greek, too."""

    def said(match: re.Match[str]) -> Said:
        name = unicodedata.name(match[0]).split()[-1].casefold()
        return "sign", dict.fromkeys((of.greek.get(name, name), name)), True

    if of.greek:
        yield Rule("", re.compile(r"(?<![\u0370-\u03ff])(?!μ[A-Za-z])[Α-Ωα-ω](?![\u0370-\u03ff])"), said)


def code(of: Language) -> Iterator[Rule]:
    """The port of localhost:3000, the home of ~/.bashrc."""

    def port(match: re.Match[str]) -> Said:
        colon = of.address_signs.get(":", ())[:1]
        return "address", ways((*colon, ""), [*of.code_number(match["n"]), *of.digits(match["n"])]), True

    host = r"(?<![\w.])(?:localhost|\d{1,3}(?:\.\d{1,3}){3})"
    yield Rule("0:", re.compile(rf"{host}(?P<span>:(?P<n>\d{{2,5}}))(?![\w:]|[.,]\d)"), port)
    if "~" in of.address_signs:
        home = re.compile(r"(?<![\w/])~(?=/[\w.])")
        yield Rule("~", home, lambda match: ("sign", of.address_signs["~"], True))
