"""Russian numerals: their cases and genders, and what a noun behind them shows of both."""

import re

from speech.readings.european import Noun, ways, words

# Forms of the word for a year, and the cases in which the number before them stands.
YEARS = {
    "год": "n",
    "году": "pd",
    "года": "g",
    "годом": "i",
    "годе": "p",
    "г": "pgnd",
    "годов": "g",
    "годы": "n",
    "гг": "gn",
    "годах": "p",
}
TOGETHER = {2: "двое", 3: "трое", 4: "четверо", 5: "пятеро", 6: "шестеро", 7: "семеро"}  # из них
_MASCULINE_M = re.compile(  # nominatives that look like instrumentals
    "^(?:(?:альб|ат|гн|д|дипл|к|л|симпт|т)ом|(?:аэро|иппо|космо|син)дром|(?:пере|раз)лом|(?:при|об[ъь]|под[ъь])[её]м|"
    "кр[еэ]м|шлем|режим|дым)$"
)
_FEMININE_SOFT = re.compile(  # дочь, новость, площадь; others by name
    "(?:[чшщж]|[^г]ост|[аи]ст|[вчм]ест|зн|ад|[оу]в|пис)ь$|^(?:тень|осень|степень|ступень|дверь|мать|сеть|нить|соль|роль|"
    "боль|фасоль|сталь|деталь|медаль|модель|цель|постель|метель|карусель|кровать|смерть|треть|четверть|связь|мазь|пыль|мысль|"
    "цепь|степь|дробь|нефть|шерсть|печать|память|ладонь|ткань|очередь|лошадь|ось|рысь|кисть|жизнь)$"
)
YEAR_NOUN = {"n": "год", "g": "года", "d": "году", "a": "год", "i": "годом", "p": "году"}


_LETTERS = {
    "sch": "щ", "sh": "ш", "ch": "ч", "zh": "ж", "kh": "х", "ts": "ц", "ya": "я", "yu": "ю", "yo": "ё", "ee": "и",
    "oo": "у", "ck": "к", "ph": "ф", "th": "т", "a": "а", "b": "б", "c": "к", "d": "д", "e": "е", "f": "ф", "g": "г",
    "h": "х", "i": "и", "j": "дж", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р",
    "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "кс", "y": "и", "z": "з",
}  # fmt: skip
_KNOWN = {
    "mail": ["мэйл", "мейл", "майл", "мэил"], "gmail": ["джимейл", "гмейл", "джимэйл", "гмайл"], "yandex": ["яндекс"],
    "google": ["гугл"], "youtube": ["ютуб"], "facebook": ["фейсбук"], "vk": ["вк", "вэка", "в к"], "site": ["сайт"],
    "online": ["онлайн"], "news": ["ньюс"], "shop": ["шоп"], "support": ["саппорт"], "help": ["хелп"], "file": ["файл"],
    "ru": ["ру"], "com": ["ком"], "org": ["орг"], "net": ["нет"], "github": ["гитхаб"], "telegram": ["телеграм"],
    "iphone": ["айфон"], "ipad": ["айпад"], "apple": ["эппл", "эпл"], "android": ["андроид"],
    "whatsapp": ["ватсап", "вотсап"], "instagram": ["инстаграм"], "tiktok": ["тикток"], "zoom": ["зум"],
    "netflix": ["нетфликс"], "spotify": ["спотифай"], "windows": ["виндоус", "виндовс"], "microsoft": ["майкрософт"],
    "excel": ["эксель"], "word": ["ворд"], "python": ["пайтон", "питон"], "bluetooth": ["блютуз", "блютус"],
    "wifi": ["вайфай", "вай фай"], "wi-fi": ["вайфай", "вай фай"], "email": ["имейл", "емейл"],
    "e-mail": ["имейл", "емейл"], "samsung": ["самсунг"], "uber": ["убер"], "amazon": ["амазон"], "tesla": ["тесла"],
    "toyota": ["тойота"], "chrome": ["хром"], "twitter": ["твиттер"], "skype": ["скайп"],
    "playstation": ["плейстейшн"], "discord": ["дискорд"],
    "office": ["офис"], "market": ["маркет"], "t": ["т", "ти"], "me": ["ми", "ме"], "doc": ["док"], "pdf": ["пдф"],
}  # fmt: skip


def in_cyrillic(word: str) -> list[str]:
    """A Latin word as it may be heard: info, инфо."""
    if not word.isascii():
        return []
    plain = re.sub("|".join(_LETTERS), lambda match: _LETTERS[match[0]], word.lower())
    return [*_KNOWN.get(word.lower(), []), plain]


def declined_loan(word: str) -> list[str]:
    """The same in a sentence, where a known name has cases: с YouTube, с ютуба."""
    stems = [way for way in _KNOWN.get(word.lower(), []) if way[-1] not in "аеёийоуыэюяь" and len(way) > 2]
    return [*in_cyrillic(word), *(f"{stem}{end}" for stem in stems for end in ("а", "у", "ом", "е"))]


def known_loans() -> list[str]:
    """Names that are written in Latin letters, longest first."""
    return sorted((word for word in _KNOWN if len(word) > 3), key=len, reverse=True)


def in_case(number: int, case: str, gender: str) -> list[str]:
    full = words(number, "ru", case=case, gender=gender, animate=False)
    short = re.sub(r"^(?:один|одна|одну|одной|одного|одному|одним|одном) (?=тысяч|миллион|миллиард)", "", full)
    said = [short, full, full.replace("тысячью", "тысячей"), full.replace("ноль", "нуль")]
    return list(dict.fromkeys(said))


def nth_before_noun(nth: list[str], noun: str) -> list[str]:
    """Ordinals, that which agrees with the noun behind it first: третьем этаже, двенадцатую серию."""
    feminine = noun.startswith(("глав", "групп", "платформ", "смен", "сери"))
    ends = {"е": ("ой", "ей") if feminine else ("ом", "ем"), "у": ("ую", "ью"), "ю": ("ую", "ью"), "а": ("ая", "ья")}
    best = ends.get(noun[-1], ("ое", "ье") if noun == "место" else ("ый", "ой", "ий"))
    if noun in ("ряду", "этажу", "классу"):
        best = ("ом", "ем") if noun == "ряду" else ("ому", "ему")
    return sorted(nth, key=lambda way: not way.endswith(best))


def agreeing(noun: str, number: int, cases: str) -> list[tuple[str, str]]:
    """Cases and genders of a numeral before this form of a noun, of those cases."""
    last = 0 if 10 < number % 100 < 15 else number % 10
    noun = noun.casefold()
    plural = (
        "i"
        if re.search("[аяи]ми$|ьми$", noun)
        else "p"
        if re.search("[аяыи]х$", noun) and len(noun) > 4
        else "d"
        if re.search("[аяыи]м$", noun) and last != 1
        else ""
    )
    if plural and last != 1:
        adjective = re.search("[ыи]х$", noun)
        kept = [case for case in cases if case in "ngap"] if adjective else [plural]
        return [(case, gender) for case in kept or [plural] for gender in "mf"]
    if last == 1:
        for ending, pairs in (
            ("[ую]ю$|[ую]$", "af"),
            ("ая$", "nf"),
            ("[аяи]я$|[ая]$", "nf"),
            ("ое$|ее$|[ое]$", "nn"),
            ("ой$|ей$", "gf"),
            ("ого$|его$", "gm"),
            (_MASCULINE_M, "nm"),
            ("ом$|ем$", "im"),
            ("[ыи]м$", "im"),
            (_FEMININE_SOFT, "nf"),
            ("[^аеёиоуыэюяь]$", "nm"),
        ):
            if re.search(ending, noun):
                case, gender = pairs
                if noun[-1] in "ую" and "d" in cases:  # по 1 рублю
                    return [("d", "m"), (case, gender)]
                if noun[-1] == "е" and "n" not in cases and {"d", "p"} & set(cases):  # по 1 таблетке, в 1 доме
                    return [("d", "f")] if "d" in cases else [("p", "m"), ("p", "f"), (case, gender)]
                if pairs == "nf" and "g" in cases and "n" not in cases:
                    return [("g", "m"), ("g", "n")]
                if ending == "[аяи]я$|[ая]$" and "g" in cases:
                    return [(case, gender), ("g", "m")]
                if pairs == "gf":
                    return [(other, "f") for other in "gdip"]
                if pairs == "im":
                    return [("i", "m"), ("p", "m")]
                return [(case, gender), *([("a", gender)] if case == "n" and gender != "f" else [])]
        return [(case, gender) for case in cases for gender in "mfn"]
    if 2 <= last <= 4:
        if re.search("[оеё]в$|ей$", noun):  # трёх поваров
            return [("g", "m"), ("g", "f")]
        nominative = [case for case in cases if case in "na"]
        if re.search("[ыи]$", noun) and nominative:
            return [("n", "f")]
        if re.search("[ая]$", noun) and nominative:
            return [("n", "m")]
        if re.search("[ыи]е$", noun) and nominative:
            return [("n", "f")]
        return [(case, gender) for case in cases for gender in "mf"]
    return [(case, "m") for case in cases]


def with_ending(number: int, ending: str, noun: str) -> list[str]:
    """Numerals of a case that end as it is written behind the digits: в 2-х случаях, до 8-ми лет, 10-ью; with ю and м
    only before a plural (с 5-ю детьми, but 5-ю серию)."""
    plural = {"х": "", "ю": "ми", "м": ("ам", "ям")}.get(ending, "" if len(ending) > 1 else "-")
    if ending.endswith(("го", "му")) or number == 1 or not noun.endswith(plural):
        return []
    said = [way for case in "gdip" for way in in_case(number, case, "m")]
    return [way for way in dict.fromkeys(said) if way.replace("ё", "е").endswith(ending.replace("ё", "е"))]


def with_half(number: int, noun: Noun, form: str) -> list[str]:
    """Двенадцать с половиной процентов: form is what stands behind the whole number."""
    forms = dict.fromkeys(form for way in noun.forms for form in way)
    genitive = in_case(number, "g", "m")[0]
    return [
        f"{in_case(number, 'n', noun.gender)[0]} с половиной {form}",
        *(f"{genitive} с половиной {way}" for way in forms),
    ]


def by_the_clock(hour: int, minute: int) -> list[str]:
    """Половина седьмого, без четверти шесть."""
    then = words(hour % 12 + 1, "ru", to="ordinal", case="g", gender="m")
    soon = "час" if hour % 12 + 1 == 1 else words(hour % 12 + 1, "ru")
    if minute == 30:
        return [
            f"половина {then}",
            f"пол {then}",
            f"пол{then}",
            f"половину {then}",
            f"половине {then}",
            f"половины {then}",
        ]
    if minute in (15, 45):
        return [f"четверть {then}"] if minute == 15 else [f"без четверти {soon}", f"без пятнадцати {soon}"]
    if minute > 30:
        return [f"без {words(60 - minute, 'ru', case='g', gender='f')} {soon}"]
    if minute:
        return [f"{words(minute, 'ru', gender='f')} минут {then}"]
    now = (hour - 1) % 12 + 1  # 14:00: два часа дня
    said = "час" if now == 1 else f"{words(now, 'ru')} {'часа' if now < 5 else 'часов'}"
    bare = [said] if hour > 12 else []
    return bare + [f"{way} {part}" for part in _part(hour) for way in (said, words(now, "ru"))]


def _part(hour: int) -> tuple[str, ...]:
    """Of the day, behind an hour of twelve."""
    if hour < 5:
        return ("ночи",) if hour < 3 else ("утра", "ночи")
    return ("утра",) if hour < 12 else ("дня",) if hour < 16 else ("дня", "вечера") if hour < 18 else ("вечера",)


def in_tenths(whole: int, part: int, fraction: str) -> list[str]:
    """A decimal with its halves, tenths and hundredths: две целых пять десятых, два с половиной."""
    said: list[str] = []
    names = {1: "десят", 2: "сот", 3: "тысячн", 4: "десятитысячн"}
    if whole == 1 and fraction == "5":
        said += ["полтора", "полторы", "полутора"]
    if fraction == "5":
        said += [f"{way} с половиной" for case in "ng" for sex in "mf" for way in in_case(whole, case, sex)]
    if len(fraction) in names and part:
        stem = names[len(fraction)]
        for case in "ngd":
            ends = (
                [{"n": "ая"}.get(case, "ой")]
                if part % 10 == 1 and part % 100 != 11
                else ["ым" if case == "d" else "ых"]
            )
            integral = "целая" if whole % 10 == 1 and whole % 100 != 11 else "целых"
            if case != "n":
                integral = "целой" if integral == "целая" else "целым" if case == "d" else integral
            said += ways(
                in_case(whole, case, "f")[:2],
                (integral, f"{integral} и", "и"),
                in_case(part, case, "f")[:1],
                [stem + end for end in ends],
            )
        if whole % 10 == 1 and whole % 100 != 11:
            ends = ["ую" if part % 10 == 1 and part % 100 != 11 else "ых"]
            top, below = in_case(whole, "a", "f")[:1], in_case(part, "a", "f")[:1]
            said += ways(top, ("целую", "целую и", "и"), below, [stem + end for end in ends])
        if part % 10 == 1 and part % 100 != 11:
            links = ("целых", "целую", "целых и", "и")
            said += ways(in_case(whole, "a", "f")[:1], links, in_case(part, "a", "f")[:1], [f"{stem}ую"])
    return said
