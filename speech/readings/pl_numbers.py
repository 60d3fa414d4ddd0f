"""Polish numerals: their cases and genders; num2words knows the nominative only."""

import re

from speech.readings.european import Noun, ways, words
from speech.readings.european_tables import tables

_DECLINED = tables("pl")["declined"]
ONE = {
    "m": ["jeden"],
    "f": ["jedna", "jedną"],
    "n": ["jedno"],
    "fa": ["jedną"],
    "g": ["jednego"],
    "fg": ["jednej"],
    "l": ["jednym"],
}


_GENDERED = {"Nm": "y i", "Nf": "a", "Nn": "e", "g": "ego", "d": "emu", "l": "ym", "fg": "ej", "fa": "ą", "p": "ych"}


_GENITIVES = {
    "stopień": "stopnia", "dzień": "dnia", "tydzień": "tygodnia", "złoty": "złotego", "koń": "konia", "rubel": "rubla",
    "ząbek": "ząbka", "obrót": "obrotu", "punkt": "punktu", "komplet": "kompletu", "pokój": "pokoju", "euro": "euro",
}  # fmt: skip


def with_genitive(noun: Noun) -> Noun:
    """With its genitive singular, which stands behind a fraction, as a fourth form.

    >>> with_genitive(Noun("m", (("metr kwadratowy", "metry kwadratowe", "metrów kwadratowych"),))).forms[0][3]
    'metra kwadratowego'
    """

    def genitive(one: str, two: str) -> str:
        head, blank, rest = one.partition(" ")
        if head not in _GENITIVES and head[-1] in "aoe":
            return two
        rest = re.sub(r"(?<=ow|nn|zn)y$", "ego", re.sub(r"(?<=sk)i$", "iego", rest))
        return _GENITIVES.get(head, f"{head}a") + blank + rest

    forms = ((*form, genitive(*form[:2])) if len(form) == 3 else form for form in noun.forms)
    return Noun(noun.gender, tuple(forms), noun.part)


def declined(number: int, case: str, gender: str = "m") -> list[str]:
    """A numeral in a case: N nominative, g genitive (and locative), d dative, i instrumental."""
    said = words(number, "pl").split()
    last = said[-1]
    if case == "N":
        if last == "dwa" and gender == "f":
            said[-1] = "dwie"
        if number == 1:
            return ONE["f" if gender == "f" else "n" if gender == "n" else "m"]
        return [" ".join(said), *([f"jeden {' '.join(said)}"] if said[0] in ("tysiąc", "milion") else [])]
    at = "gdi".index(case)
    if number == 1:
        return [
            {
                "m": ("jednego", "jednemu", "jednym"),
                "n": ("jednego", "jednemu", "jednym"),
                "f": ("jednej", "jednej", "jedną"),
            }[gender][at]
        ]
    made = []
    for word in said:
        if word in _DECLINED:
            made.append(_DECLINED[word][at])
        elif word.endswith("naście"):
            stem = word[:-6].replace("dwa", "dwu")
            made.append(stem + ("nastu" if at < 2 else "nastoma"))
        elif word.endswith("dziesiąt"):
            made.append(word[:-8] + ("dziesięciu" if at < 2 else "dziesięcioma"))
        elif word.endswith("set"):
            made.append(_DECLINED[word[:-3]][0] + "set")
        else:
            made.append(word)
    full = " ".join(made)
    plain = " ".join(
        _DECLINED.get(word, (one,))[0] if word in _DECLINED else one for word, one in zip(said, made, strict=True)
    )
    return list(
        dict.fromkeys(
            [full, *([plain] if case == "i" else []), *([full.replace("dwoma", "dwiema")] if gender == "f" else [])]
        )
    )


# What the end of a noun behind an ordinal shows of its case, the longest first; e: of two.
ENDS = {"ego": "g", "ej": "fg", "ym": "l", "ę": "fa", "ą": "fa", "u": "l", "e": "", "o": "Nn", "a": "Nf"}


def of_men(number: int) -> list[str]:
    """More than a thousand men: tysiąc dwustu pięćdziesięciu, tysiąc dwieście pięćdziesięciu."""
    head, rest = number - number % 1000, number % 1000
    first = declined(number, "N")[0].rsplit(" ", 1)[0]
    last = declined(rest % 100 or rest, "g")[0].rsplit(" ", 1)[-1]
    return [*(f"{way} {declined(rest, 'g')[0]}" for way in declined(head, "N")), f"{first} {last}"]


def ordinals(number: int, ends: str) -> list[str]:
    """An ordinal with these endings: Nm Nf Nn g d l fg fa p."""
    spoken = words(number, "pl", to="ordinal") if number else "zerowy"  # num2words has no such ordinal
    said, made = spoken.replace(" setny", "setny").split(), []
    for end in ends.split():
        ways_of = []
        for word in said:
            if re.search(r"(?:[ytnw]y|rugi|rzeci|iąty|sty|szy|my)$", word):
                stem, soft = (word[:-1], word.endswith("i"))
                tail = _GENDERED[end].split()[0]
                if end == "Nm":
                    ways_of.append(word)
                elif word.endswith("drugi"):
                    ways_of.append(
                        stem
                        + {
                            "a": "a",
                            "e": "ie",
                            "ego": "iego",
                            "emu": "iemu",
                            "ym": "im",
                            "ej": "iej",
                            "ą": "ą",
                            "ych": "ich",
                        }[tail]
                    )
                elif soft:
                    ways_of.append(
                        stem
                        + {
                            "a": "ia",
                            "e": "ie",
                            "ego": "iego",
                            "emu": "iemu",
                            "ym": "im",
                            "ej": "iej",
                            "ą": "ią",
                            "ych": "ich",
                        }[tail]
                    )
                else:
                    ways_of.append(stem + tail)
            else:
                ways_of.append(word)
        made.append(" ".join(ways_of))
    return list(dict.fromkeys(made))


_PREFIXES = {
    1: ["jedno"],
    2: ["dwu"],
    3: ["trzy", "trój"],
    4: ["cztero"],
    100: ["stu"],
    200: ["dwustu"],
    1000: ["tysiąc"],
}


def prefixes(number: int) -> list[str]:
    """What a numeral is at the beginning of an adjective: ośmioletni.

    >>> prefixes(8), prefixes(25)
    (['ośmio'], ['dwudziestopięcio'])
    """
    if number in _PREFIXES:
        return _PREFIXES[number]
    said = declined(number, "g")[0].split()
    stems = [_PREFIXES[int(n)][0] if (n := _SMALL.get(word)) else re.sub("u$", "o", word) for word in said]
    return ["".join(stems)]


_SMALL = {"jednego": "1", "dwóch": "2", "trzech": "3", "czterech": "4", "stu": "100", "dwustu": "200"}
COLLECTIVE = {
    2: "dwoje",
    3: "troje",
    4: "czworo",
    5: "pięcioro",
    6: "sześcioro",
    7: "siedmioro",
    8: "ośmioro",
    9: "dziewięcioro",
    10: "dziesięcioro",
}


def hours_between(one: int, two: int) -> list[str]:
    """9-18 as hours of a day."""
    first, then = (ordinals(hour, "Nf fg") for hour in (one, two))
    return [f"{a}{link}{b}" for a, b in zip(first, then, strict=True) for link in (" ", " do ")] + [
        f"od {first[1]} do {then[1]}"
    ]


def by_the_clock(hour: int, minute: int) -> list[str]:
    """Wpół do ósmej, za kwadrans szósta."""
    now, then = (hour - 1) % 12 + 1, hour % 12 + 1
    if minute == 0:
        return [*(["południe"] if hour == 12 else []), *(ordinals(now, "fg Nf") if hour > 12 else [])]
    nows, thens = dict.fromkeys([now, hour or 24]), dict.fromkeys([then, min(hour + 1, 24)])
    if minute == 30:
        return [f"{half} do {way}" for half in ("wpół", "pół") for at in thens for way in ordinals(at, "fg")]
    if minute < 30:
        count = [*declined(minute, "N")[:1], *(["kwadrans"] if minute == 15 else [])]
        return [*ways(count, ("po",), [way for at in nows for way in ordinals(at, "l fg")])]
    count = [*declined(60 - minute, "N")[:1], *(["kwadrans"] if minute == 45 else [])]
    return [*ways(("za",), count, [way for at in thens for way in ordinals(at, "Nf")])]
