"""Rules of the European languages for codes: numbers that are told digit by digit or group by group."""

import re
from collections.abc import Iterator

from speech.readings.european import BLANK, CODE, Number, Rule, Said, next_word, ways
from speech.readings.european_language import Language

B = f"{BLANK}?"
_IS = "is|was|are|number|ist|lautet|est|le|es|el|la|era|è|é|jest|to|это|nr|no|in|by|n°|nº|№|[—–-]"
_ARTICLES = "le|au|el|al|il|lo|o|a|ao|die|der|den|het|de|naar|na|nr|по|на|the|on"
_AND_THEN = frozenset(
    ["or", "and", "oder", "und", "ou", "et", "o", "y", "e", "en", "of", "lub", "i", "или", "и", "para", "pour", "per"]
)
_YEAR = re.compile(r"(?:1[89]|20)\d\d")


def code_ways(of: Language, groups: list[str], link: tuple[str, ...] = ("",)) -> list[str]:
    """Groups of a code: digit by digit first, then each as a number, or in pairs, with this between them."""
    each = []
    for group in groups:
        known = list(dict.fromkeys([*of.digits(group)[:2], *of.pairs(group)[:1]]))
        number = of.grouped([group])[-1:] if group[0] == "0" else of.said(Number(group))[:2]
        each.append(list(dict.fromkeys([*known, *number])))
    joined = of.digits("".join(groups))
    apart = [f" {word} ".join(of.digits(group)[-1] for group in groups) for word in link if word]
    apart += [f" {word} ".join(of.digits(group)[0] for group in groups) for word in link if word]
    parts = [part for ways_of in each for part in (link, ways_of)][1:]
    return [*joined[:6], *apart, *ways(*parts)]


def codes(of: Language) -> Iterator[Rule]:
    """PIN: 4821, code 739 204, order 405-8829117, 80218-1907, appelez le 3949."""
    dash = ("", *of.address_signs.get("-", ())[:2])

    def told(match: re.Match[str]) -> Said:
        groups, after = re.findall(r"\d+", match["n"]), next_word(match.string, match.end())
        if len(groups) == 1:
            number = Number(match["n"])
            if len(number.whole) < 4 or _YEAR.fullmatch(number.whole):
                return None
            digits, gender = of.digits(number.whole)[:4], of.gender(after, number.value)
            counted = of.said(number, gender, CODE, after)
            return "phone", [*counted[:40], *digits] if after and gender else [*digits, *counted], True
        said = code_ways(of, groups, dash if "-" in match["n"] else ("",))[:48]
        if re.fullmatch(rf"\d{{1,3}}(?:{BLANK}\d{{3}})+", match["n"]) and " " in of.grouping:
            number = of.said(Number("".join(groups), "", True))[:4]
            return "phone", [*number, *said] if after else [*said, *number], True
        return "phone", said, True

    def joined(match: re.Match[str]) -> Said:
        """A range has two numbers of much the same length, the first the smaller."""
        groups = match["n"].split("-")
        lengths = [len(group) for group in groups]
        alike = max(lengths) - min(lengths) < 2 and (lengths[0] == lengths[1] or int(groups[0]) < int(groups[1]))
        if max(lengths) < 4 or (len(groups) == 2 and alike and not any(group[0] == "0" for group in groups)):
            return None
        return "phone", code_ways(of, groups, dash), True

    def book(match: re.Match[str]) -> Said:
        """ISBN 978-3-16-148410-0."""
        check = ("x",) if match["n"][-1] in "Xx" else ("",)
        return "phone", ways(code_ways(of, re.findall(r"\d+", match["n"]), dash)[:24], check), True

    def called(match: re.Match[str]) -> Said:
        after = next_word(match.string, match.end())
        if after and after not in _AND_THEN:
            return None
        number = match["n"]
        return "phone", [*of.pairs(number), *of.digits(number), *of.said(Number(number))], True

    number = r"(?P<n>\d{2,12}(?:[ \u00a0\u202f\-]\d{2,12}){0,4})(?![\w\-/%]|[.,:]\d|[ \u00a0][€$£%])"
    before = rf"(?<![\w\-])(?:{of.dictated})[.:]?(?:{BLANK}(?:{_IS}))?:?{B}#?"
    yield Rule("0", re.compile(rf"{before}(?P<span>{number})", re.IGNORECASE), told)
    yield Rule("0-", re.compile(r"(?<![\w.,:/\-$€£+])(?P<n>\d{3,12}(?:-\d{3,12}){1,3})(?![\w\-/%]|[.,:]\d)"), joined)
    behind_isbn = rf"\bISBN(?:-1[03])?:?{BLANK}(?P<span>(?P<n>(?:97[89][ -]?)?\d(?:[ -]?\d){{8}}[ -]?[\dXx]))(?![\w-])"
    yield Rule("0", re.compile(behind_isbn), book)
    yield Rule("0", re.compile(r"(?<![\w.,:/\-$€£+])(?P<n>97[89](?:-\d{1,7}){3}-\d)(?![\w-])"), book)
    behind = rf"\b(?:{of.phone_words})\w{{0,6}}:?(?:{BLANK}(?:{_ARTICLES}))?{BLANK}"
    short = rf"{behind}(?P<span>(?P<n>[1-9]\d{{3,5}}))(?![\w\-/%]|[.,:]\d|{BLANK}[\d€$£%])"
    yield Rule("0", re.compile(short, re.IGNORECASE), called)
