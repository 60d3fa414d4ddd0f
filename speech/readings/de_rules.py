"""German rules of their own: decades, days, compounds with a number, streets."""

import re

from speech.readings.european import BLANK, Rule, Said, any_of, last_word, ways
from speech.readings.european_language import Language

_BOOKS = (
    "Mose|Mt|Mk|Lk|Joh|Apg|Röm|Kor|Gal|Eph|Phil|Kol|Thess|Tim|Hebr|Jak|Petr|Offb|Ps|Psalm|Jes|Jer|Spr|Matthäus|Johannes"
)


def first_rules(of: Language) -> list[Rule]:
    versions = re.compile(rf"{of.version_words}{BLANK}?\d+\.\d")

    def tens(match: re.Match[str]) -> Said:
        """1990er, 10er-Pack."""
        number, rest = int(match["n"]), match["w"] or ""
        said = [f"{way}er" for way in of.year(number, "", "") + of.counted(number)]
        return "decade", [*ways(said, (rest,)), *(way + rest.casefold() for way in said if rest)], True

    def day_month(match: re.Match[str]) -> Said:
        day, month = int(match["d"]), int(match["m"])
        if not (0 < day < 32 and 0 < month < 13):
            return None
        said = of.date(day, month, "", last_word(match.string, match.start()), False)
        at_end = not match.string[match.end() :].strip(" )\"“”»'!?")
        version = [*ways(of.plain(match["d"])[:2], of.dot, of.plain(match["m"])[:2])] if at_end else []
        software = last_word(match.string, match.start()) == "als" or versions.search(match.string[: match.start()])
        return "date", [*version, *said[:56]] if software else [*said[:56], *version], True

    def compound(match: re.Match[str]) -> Said:
        """3-Zimmer-Wohnung, Dreizimmerwohnung."""
        number, rest = of.counted(int(match["n"]), "n")[:3], match["w"]
        joined = rest.replace("-", "").casefold()
        return "cardinal", [*(f"{way}-{rest}" for way in number), *(f"{way}{joined}" for way in number)], True

    def rooms(match: re.Match[str]) -> Said:
        """2-Zi.-Whg."""
        number = of.said(of.parse(match["n"]), "n")[:6]
        short, rest = match["w"].rstrip("."), match["r"] or ""
        rest = {"Whg": "Wohnung", "Wg": "Wohnung", "App": "Appartement"}.get(short, short) + rest
        joined = (f"{way}zimmer{rest.casefold()}" for way in number)
        return "cardinal", [*(f"{way}-Zimmer-{rest}" for way in number), *joined], True

    def quarters(match: re.Match[str]) -> Said:
        """3/4 Stunde: eine Dreiviertelstunde."""
        above, below = {"3": (3, 4), "¾": (3, 4), "1": (1, 4), "¼": (1, 4)}[match["f"][0]]
        noun = match["w"]
        spoken = of.in_context(of.fraction(above, below, noun), last_word(match.string, match.start()))
        joined = f"{'drei' if above == 3 else ''}viertel{noun.casefold()}"
        articles = {"f": ("eine", "einer"), "m": ("ein", "einen", "einem"), "n": ("ein", "einem")}
        article = articles.get(of.gender(noun, 1), ("eine", "ein", "einen", "einem", "einer"))
        return "fraction", [*(f"{way} {noun}" for way in spoken[:24]), *ways((*article, ""), (joined,))], True

    def verse(match: re.Match[str]) -> Said:
        """Joh. 3,16."""
        return "cardinal", ways(of.counted(int(match["a"]))[:2], ("", "Vers"), of.counted(int(match["b"]))[:2]), True

    def per_cent(match: re.Match[str]) -> Said:
        """100%ige."""
        return "percent", [f"{way}prozent{match['e']}" for way in of.counted(int(match["n"]), "m")[:4]], True

    def postcode(match: re.Match[str]) -> Said:
        return "phone", [*of.digits(match["n"]), *of.plain(match["n"]), *of.pairs(match["n"])], True

    return [
        Rule("0", re.compile(rf"(?<!\w)(?:PLZ|Postleitzahl):?{BLANK}?(?P<span>(?P<n>\d{{5}}))(?!\w|[.,]\d)"), postcode),
        Rule(
            "0/¼¾",
            re.compile(r"(?<![\w.,/])(?P<f>[13]/4|¼|¾) (?P<w>Stunden?|Jahre?|Liter|Kilo|Pfund|Meter)(?!\w)"),
            quarters,
        ),
        Rule("0,", re.compile(rf"\b(?:{_BOOKS})\.? (?P<span>(?P<a>\d{{1,3}}),(?P<b>\d{{1,3}}))(?!\d)"), verse),
        Rule("0%", re.compile(rf"(?<![\w.,])(?P<n>\d{{1,3}}){BLANK}?%-?(?P<e>ig(?:e[rsnm]?)?)(?!\w)"), per_cent),
        Rule(
            "0-",
            re.compile(
                r"(?<![\w.,/\-])(?P<n>\d{1,2}(?:,5)?)-?(?:Zi\.?|ZKB|Zimmer)-?(?P<w>Whg\.?|Wg\.|App\.|Wohnung)(?P<r>en)?(?!\w)"
            ),
            rooms,
        ),
        Rule(
            "0-",
            re.compile(r"(?<![\w.,:/\-])(?P<n>\d{1,3})-(?P<w>[A-ZÄÖÜ][^\W\d_]{3,}(?:-[^\W\d_]{3,})?)(?![\w\-])"),
            compound,
        ),
        Rule("0", re.compile(r"(?<![\d.,])(?P<n>\d{1,4})er(?:-(?P<w>[^\W\d_]+))?(?![^\W\d_])"), tens),
        Rule("0.", re.compile(rf"(?<![\d.,])(?P<d>\d\d?)\.{BLANK}?(?P<m>\d\d?)\.(?!\d|{BLANK}\d{{4}})"), day_month),
    ]


def context_rules(of: Language) -> list[Rule]:
    street = re.compile(r"(?<!\w)[\w\-]{2,40}(?<=[a-zäöüß])str\.(?!\w)")
    it = re.compile(r"(?<!\w)(?P<n>[^\W\d_]{2,20})['’]s(?!\w)")
    numbered = re.compile(r"(?<!\w)[\w\-]{2,40}?(?:(?<=[a-zäöüß])nr|-Nr)\.(?!\w)")
    return [
        Rule(".", numbered, lambda match: ("variant", [f"{match[0][:-3].rstrip('-')}nummer"], True)),
        Rule(
            "",
            re.compile(rf"(?<=, )(?P<n>{any_of(of.days)})(?= (?:\d|geschlossen|zu\b|Ruhetag|und ))"),
            lambda m: ("variant", [*of.days[m["n"]], m["n"]], True),
        ),
        Rule(".", street, lambda match: ("variant", [f"{match[0][:-4]}straße"], True)),
        Rule("'’", it, lambda match: ("variant", [f"{match['n']}s", f"{match['n']} es", f"{match['n']}e es"], True)),
    ]
