"""Polish rules of their own: years, decades."""

import re

from speech.readings.european import Rule, Said, last_word, ways
from speech.readings.european_language import Language
from speech.readings.pl_numbers import ordinals, prefixes
from speech.readings.slavic_years import year_rules

_SHORTENED = {
    "os": "osobow", "pok": "pokojow", "miejsc": "miejscow", "dn": "dniow", "godz": "godzinn", "min": "minutow",
    "mies": "miesięczn", "tyg": "tygodniow", "drzw": "drzwiow", "pietr": "piętrow", "proc": "procentow",
}  # fmt: skip


def first_rules(of: Language) -> list[Rule]:
    era = r" (?:(?:p\. ?)?n\. ?e|przed naszą erą|naszej ery)"

    def dated(match: re.Match[str]) -> Said:
        number, before = int(match["n"]), last_word(match.string, match.start())
        if number < 1000 and not re.match(era, match.string[match.end() : match.end() + 20]):
            return None
        order = "l g" if before in ("w", "we") else "g l"
        return "year", [*ways(ordinals(number, order), ("roku",)), *ways(ordinals(number, "Nm"), ("rok",))], True

    def another(match: re.Match[str]) -> Said:
        """lat 80. i 90."""
        if not re.search(r"\blat(?:a|ach|ami)? [1-9]0", match.string[max(0, match.start() - 30) : match.start()]):
            return None
        return "decade", ordinals(int(match["n"]), "p Nn"), True

    def shortened(match: re.Match[str]) -> Said:
        """2-os. pokój."""
        ends = ["y", "a", "e", "ym", "ej", "ego", "ą", "ych", "emu", "ymi"]
        heads = prefixes(int(match["n"]))
        return "cardinal", [f"{head}{_SHORTENED[match['r']]}{end}" for head in heads for end in ends], False

    def short_year(match: re.Match[str]) -> Said:
        number = int(match["n"])
        return "year", [*of.plain(match["n"]), *ordinals(number, "Nm g l")] if number else of.digits(match["n"]), True

    def compound(match: re.Match[str]) -> Said:
        """8-letni, 3-pokojowe."""
        return "cardinal", [f"{way}{match['r']}" for way in prefixes(int(match["n"]))], True

    tens = re.compile(r"(?<!\w)(?P<noun>lat(?:a|ach|ami|om)?) (?P<span>(?P<n>[1-9]0)\.?)(?![\w]|,\d)", re.IGNORECASE)

    def decade(match: re.Match[str]) -> Said:
        return "decade", ordinals(int(match["n"]), "Nn" if match["noun"].casefold() == "lata" else "p"), True

    return [
        *year_rules(lambda n: ordinals(n, "g l Nm"), of.counted, "do|i|lub|a", "r\\.|rok"),
        Rule("0r", re.compile(r"(?<![\d.,])(?P<n>\d{1,4})[ \u00a0]?r\.(?!\w)"), dated),
        Rule("0r", re.compile(rf"(?<![\d.,])(?P<n>\d{{1,3}})[ \u00a0]?roku(?={era})"), dated),
        Rule("0", tens, decade),
        Rule("0-", re.compile(rf"(?<![\w.,])(?P<n>[1-9]\d{{0,2}})-(?P<r>{'|'.join(_SHORTENED)})\.(?!\w)"), shortened),
        Rule("0'’", re.compile(r"(?<=\w )['’](?P<n>\d\d)(?![\w'’])"), short_year),
        Rule("0-", re.compile(r"(?<![\d.,])(?P<n>[1-9]\d{0,2}|1000)-(?P<r>[a-ząćęłńóśźż]{4,20})(?!\w)"), compound),
        Rule("0", re.compile(r"(?<=0\. [ia] )(?P<n>[1-9]0)\.?(?!\w|,\d)"), another),
    ]
