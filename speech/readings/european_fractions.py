"""Rules of the European languages for halves and fractions: 2,5 kilos, 1/2, ½, 2 1/2."""

import re
from collections.abc import Iterator

from speech.readings.european import BLANK, Number, Rule, Said, any_of, last_word, next_word, ways
from speech.readings.european_language import Language

B = f"{BLANK}?"
VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅛": (1, 8), "⅜": (3, 8)}
NOT_A_UNIT = r"(?![\w]|['’][^\W\d_]|/m\b|\. ?\d)"  # t/m, 7 m. 12


def halves(of: Language) -> Iterator[Rule]:
    """2,5 kilos: a half may stand behind what is counted, dos kilos y medio. The noun's own word is kept."""

    def said(match: re.Match[str]) -> Said:
        word, number = match["word"], Number(match["w"], "5")
        before, gender = last_word(match.string, match.start()), of.gender(word, 2)
        if word in money or word in of.magnitudes or of.counts_nothing(word):
            return None
        half = {"m": of.and_half[:1], "f": of.and_half[1:]}.get(gender) or of.and_half
        nouns = of.singular(word) if number.value == 1 else [word]
        behind = ways(of.counted(number.value, gender, "a", word)[:3], nouns, half)
        return (
            "unit",
            [*ways(of.said(number, gender, before, word), [word]), *behind],
            of.sure(number, gender, before, word),
        )

    money = {form for noun in of.currencies.values() for forms in noun.forms for form in forms}
    if of.and_half:
        noun = rf"{BLANK}(?P<word>[^\W\d_A-Z]{{3,20}})(?![\w'’\-]|{B}(?:{any_of(of.currencies, True)})(?!\w))"
        number = rf"(?<![\w.,:/+<>~\-−–$€£¥₽])(?<![$€£¥₽−+] )(?P<w>[1-9]\d{{0,3}}){re.escape(of.decimal)}5"
        yield Rule(of.decimal, re.compile(number + noun), said)


def fractions(of: Language) -> Iterator[Rule]:
    """1/2, ½, 2 1/2, before a unit or not."""

    def said(match: re.Match[str]) -> Said:
        found = match.groupdict()
        above, below = VULGAR[found["v"]] if found["v"] else (int(found["a"]), int(found["b"]))
        end = match.end() + (match.string[match.end() : match.end() + 1] in "-\u2010\u2011")  # a 3/4-hour wait
        after = of.noun(found["unit"]).of(0)[0] if found["unit"] else next_word(match.string, end)
        if found["w"]:
            spoken = of.mixed(int(found["w"]), above, below, after)
        elif above == 0 or below < 2 or (not found["v"] and (below > 100 or above > 99)):
            names = of.noun(found["unit"]).of(of.many)[:3] if found["unit"] else [""]
            plain = of.slashed(found["a"], found["b"])
            if 80 <= above <= 250 and 40 <= below < above:
                plain = [*ways(of.plain(found["a"])[:2], of.pressure, of.plain(found["b"])[:2]), *plain]
            return "fraction", [f"{way} {name}" for name in names for way in plain], True
        else:
            spoken = of.fraction(above, below, after) + of.other_fraction(above, below)
            spoken = of.in_context(spoken, last_word(match.string, match.start()))
        if not found["unit"]:  # 15/3 may be a house and its flat
            whole = found["w"] or found["v"] or above < below
            written = not found["w"] and not found["v"]
            sizes = written and below > 16  # 38/40
            plain = of.slashed(found["a"], found["b"]) if sizes or not whole else []
            if below in (20, 100) and 9 < above <= below:  # 15/20: a mark
                words = dict.fromkeys([*of.over, *of.address_signs.get("/", ())])
                plain = list(ways(of.plain(found["a"])[:4], words, of.plain(found["b"])[:4]))
            if sizes and above > 1 and (above > 9 or below % 10):
                return "fraction", [*plain[:40], *spoken], True
            before = last_word(match.string, match.start())
            sure = bool(whole) and not (of.one_alone and above == 1 and before and before not in of.cases)
            return "fraction", [*spoken[:48], *plain] if plain else spoken, sure
        if above > below > 1:
            spoken = [*of.slashed(found["a"], found["b"])[:12], *spoken]
        names = of.noun(found["unit"]).of(of.many if found["w"] and not of.one_alone else 0)
        if of.second_is_genitive and (above, below) == (1, 2):  # пол чайной ложки
            names = sorted(names, key=lambda name: re.search("ой \\w+и$", name) is None)
        return "unit", [f"{way} {name}" for name in names[:4] for way in spoken], True

    unit = rf"(?:{B}(?P<unit>{any_of([*of.units, *of.currencies], True)}){NOT_A_UNIT})?"
    slash = rf"(?P<v>)(?P<a>\d{{1,4}})[/\u2044](?P<b>\d{{1,4}})(?![\d/]|\.\d){unit}"
    vulgar = rf"(?P<v>[{''.join(VULGAR)}])(?P<a>)(?P<b>){unit}"
    yield Rule("".join(VULGAR), re.compile(rf"(?:(?<![\d.,:/])(?P<w>\d{{1,4}}){B})?{vulgar}"), said)
    yield Rule("/\u2044", re.compile(rf"(?<![\d.,:/\w])(?P<w>\d{{1,4}}){BLANK}{slash}"), said)
    yield Rule("/\u2044", re.compile(rf"(?<![\d.,:/\w])(?P<w>){slash}"), said)
