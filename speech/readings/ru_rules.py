"""Russian rules of their own: years, decades, floors, words that begin with a number."""

import re

from speech.readings.european import Rule, Said, last_word, next_word, ways
from speech.readings.european_language import Language
from speech.readings.ru_numbers import YEAR_NOUN, declined_loan, in_case, known_loans
from speech.readings.slavic_years import year_rules

_SHORTENED = {
    "комн": "комнатн", "к": "комнатн", "эт": "этажн", "мест": "местн", "дн": "дневн", "час": "часов", "мес": "месячн",
    "нед": "недельн", "кр": "кратн", "лет": "летн", "проц": "процентн", "дв": "дверн", "цил": "цилиндров",
}  # fmt: skip


def first_rules(of: Language) -> list[Rule]:
    def dated(match: re.Match[str]) -> Said:
        number, before = int(match["n"]), last_word(match.string, match.start())
        era = re.match(r" (?:до )?н\. ?э", match.string[match.end() : match.end() + 9])
        if not 800 <= number < 2200 and not era:
            return None
        order = "pgndai" if before == "в" else "gpndai" if before not in ("к",) else "dgpnai"
        return "year", [f"{way} {YEAR_NOUN[case]}" for case in order for way in of.of_year(number, case)], True

    def decade(match: re.Match[str]) -> Said:
        ends = {"е": ("ые",), "х": ("ых",), "м": ("ым",)}[match["e"]]
        plural = [way for way in of.ordinal(int(match["n"])) if way.endswith(ends)]
        single = (
            of.ordinal_at(int(match["n"]), "м", last_word(match.string, match.start()), "")[1]
            if match["e"] == "м"
            else []
        )
        year = re.match(r" (?:год|гг)", match.string[match.end() : match.end() + 5])
        return "decade", [*plural, *single] if year or not single else [*single, *plural], True

    def compound(match: re.Match[str]) -> Said:
        """40-летие, 5-этажный."""
        number, rest = int(match["n"]), match["r"]
        heads = {1: ["одно"], 90: ["девяносто"], 100: ["сто"], 1000: ["тысяче"]}.get(number)
        said = heads or [way.replace(" ", "") for way in in_case(number, "g", "m")[:1]]
        return "cardinal", [f"{way}{rest}" for way in said], True

    def shortened(match: re.Match[str]) -> Said:
        """2-комн. квартира."""
        number, stem = int(match["n"]), _SHORTENED[match["r"]]
        head = {1: "одно", 90: "девяносто", 100: "сто"}.get(number) or in_case(number, "g", "m")[0].replace(" ", "")
        ends = ["ая", "ую", "ой", "ый", "ого", "ом", "ые", "ых", "ым", "ое"]
        after = next_word(match.string, match.end())
        best = {"у": "ую", "ю": "ую", "а": "ая", "я": "ая"}.get(after[-1:], "")
        return "cardinal", [f"{head}{stem}{end}" for end in sorted(ends, key=lambda end: end != best)], bool(best)

    def floor(match: re.Match[str]) -> Said:
        """3/9 эт.: the third of nine."""
        one, two = int(match["a"]), int(match["b"])
        nth = of.ordinal(one, cases="np")[:6:2] + of.ordinal(one, cases="p")[:1]
        of_all = in_case(two, "g", "m")[:1]
        said = [*ways(nth, ("этаж", "этаже"), ("из",), of_all), *ways(nth, ("из",), of_all, ("этажей", "этаж", ""))]
        plain = ways(of.counted(one)[:1], ("дробь", "из", ""), [*of_all, *of.counted(two)[:1]], ("этаж", "этажей"))
        return "unit", [*said, *plain], True

    def in_seconds(match: re.Match[str]) -> Said:
        number, before = of.parse(match["n"]), last_word(match.string, match.start())
        noun = of.noun("сек")
        best, *others = noun.of(of.index(number))
        said = of.said(number, "f", before)
        if before == "за":
            said += [re.sub(r"\bодна\b", "одну", way) for way in said]
        return "unit", [f"{way} {name}" for name in (best, *others[:4]) for way in said[:14]], True

    return [
        Rule("0-", re.compile(rf"(?<![\w.,])(?P<n>\d{{1,3}})-?(?P<r>{'|'.join(_SHORTENED)})\.(?!\w)"), shortened),
        Rule("0/", re.compile(r"(?<![\w.,/])(?P<a>\d{1,2})/(?P<b>\d{1,2})(?: ?эт\.| этаже?\b)"), floor),
        Rule("0с", re.compile(rf"(?<![\w.,/])(?P<n>{of.number}) ?с(?=[.,;!?)](?!\w)|$)"), in_seconds),
        *year_rules(of.of_years, of.counted, "по|до|и|или", "г"),
        Rule("0-", re.compile(r"(?<![\d.,])(?P<n>\d{1,4})-(?P<r>[а-яё]{4,20})(?!\w)"), compound),
        Rule("0г", re.compile(r"(?<![\d.,])(?P<n>\d{1,4})[ \u00a0]?г(?:\.|(?=[ ,)]))(?! ?р)"), dated),
        Rule("0-", re.compile(r"(?<![\d.,])(?P<n>\d{1,3}0)-(?P<e>е|х|м)(?!\w)"), decade),
    ]


def context_rules(of: Language) -> list[Rule]:
    nouns = "часа|года|стакана|литра|дня|метра|кило|минуты|страны|ложки|века|месяца|километра|пути|города|мира"
    half = re.compile(rf"(?<!\w)[Пп]ол-?(?P<n>{nouns}|[а-я]{{4,10}}ого)(?!\w)")
    said = ("пол", "половина", "половину", "половины")
    latin = re.compile(rf"(?<![\w.@/\-])(?:(?i:{'|'.join(known_loans())})|[A-Z]?[a-z]{{2,24}})(?![\w@/\-]|\.\w)")
    return [
        Rule("", half, lambda match: ("variant", [f"{way} {match['n']}" for way in said], True)),
        Rule("", latin, lambda match: ("variant", [match[0], *declined_loan(match[0])], True)),
    ]
