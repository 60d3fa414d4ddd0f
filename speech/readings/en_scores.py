"""English rules for results of sport that look like dates, ranges or fractions."""

import re

from speech.readings.european import Rule, Said, ways
from speech.readings.european_codes import code_ways
from speech.readings.european_language import Language

_CRICKET = re.compile(r"\b(?:overs?|wickets?|wkts?|innings|declared|cricket|ODI|T20)\b")


def score_rules(of: Language) -> list[Rule]:
    """Before the rules of dates."""

    def goals(written: str) -> list[str]:
        return ["oh", "zero", "nothing", "nil"] if written == "0" else of.counted(int(written))[:2]

    def three(match: re.Match[str]) -> Said:
        """24-1-1, 28/12/11: won, lost and drawn; points, rebounds and assists."""
        a, b, c = (goals(match[group]) for group in "abc")
        spoken = [*ways(a, b, ("", "and"), c), *ways(a, ("and",), b, ("and",), c)]
        return (
            "score",
            [*spoken, *code_ways(of, list(match.group("a", "b", "c")), of.address_signs[match["sign"]][:1])],
            True,
        )

    def wickets(match: re.Match[str]) -> Said:
        """287/6; what is no cricket for sure stands in a prompt as it is."""
        a, b, cricket = match["a"], match["b"], bool(_CRICKET.search(match.string))
        if (a, b) == ("24", "7") or not (cricket or int(a) > 150):
            return None
        other = [] if cricket else [*of.slashed(a, b)[:32], *of.fraction(int(a), int(b), "")[:8]] if int(b) > 1 else []
        return "score", [*ways(of.plain(a), ("for", "slash", ""), of.plain(b)), *other], cricket

    def behind(match: re.Match[str]) -> Said:
        """Down 0-3."""
        return "score", ways(("zero", "oh", "nil", "nothing"), ("", "to", "and"), goals(match["b"])), True

    line = r"\b(?:had|has|averag(?:ed?|es|ing)|posted|recorded|dropped|put up|finished with|line of|went for)(?: an?)? "
    triple = r"(?P<a>\d\d?)(?P<sign>/)(?P<b>\d\d?)/(?P<c>\d\d?)"
    record = r"(?<![\w.,/:$£€\-])(?P<a>[1-9]\d{1,2})(?P<sign>-)(?P<b>\d\d?)-(?P<c>\d)"
    score = r"\b(?:down|trail(?:s|ed|ing)?|fell|went|going|start(?:s|ed)?|were|are)(?: to)? "
    stops = r"(?=$|[.,;!?)](?!\d)| (?:in|on|at|against|vs|but|and|then|with|after|to|before|when|this|last)\b)"
    end = r"(?![\w\-/:%]|[.,]\d)"
    inning = rf"(?<![\w.,/$£€])(?P<a>[1-9]\d\d?)/(?P<b>\d|10)(?:d(?:ec)?\b)?{end}(?! ?(?:=|m[gl]))"
    return [
        Rule("/", re.compile(rf"{line}(?P<span>{triple}){end}"), three),
        Rule("0-", re.compile(record + end), three),
        Rule("/", re.compile(inning), wickets),
        Rule("0-", re.compile(rf"{score}(?P<span>0-(?P<b>[1-9]\d?)){stops}"), behind),
    ]
