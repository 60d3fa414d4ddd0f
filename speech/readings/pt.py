"""Portuguese readings, of Brazil and of Portugal."""

import itertools
import re
from functools import lru_cache

from speech.readings import pt_tables as tables
from speech.readings.european import Rule, find, ways, words
from speech.readings.european_romance import Romance, inflected
from speech.readings.european_rules import rules
from speech.readings.european_sounds import classes, reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader(tables.RULES, classes(tables.HOMOPHONES))


class Portuguese(Romance):
    code = "pt"
    point, dot = ("vírgula", "ponto"), ("ponto",)
    minus = ("menos",)
    to = ("a", "até")
    since = ("", "de")
    versus = ("a",)
    more = ("mais", "ou mais")
    money_and = ("e", "")
    zero = ("zero",)
    over = ("sobre", "de", "por")
    mixed_and = ("e",)
    units, currencies, magnitudes = tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs, silent = tables.SIGNS, tables.ADDRESS_SIGNS, tables.SILENT
    triple_w = ("dáblio dáblio dáblio", "www")
    before_numbers = {"+": ("mais",), "±": ("mais ou menos",), "~": tables.SIGNS["~"], "≈": tables.SIGNS["~"], "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": ("menor ou igual a",), "≥": ("maior ou igual a",)}  # fmt: skip
    exact_abbreviations, variants = tables.ABBREVIATIONS, tables.VARIANTS
    or_words = ("ou", "e")
    months = [(month,) for month in tables.MONTHS.split()]
    day_pattern, before_month = "(?:º|°|o)?", "(?:de )?"
    hour_marks, dotted_times, at_times = r"[ap]\. ?m\.?|[ap]m|hs?|horas", True, "às|as"
    hour_letter = "h"
    hour_names, minute_names, second_names = (("hora",), ("horas",)), ("minutos",), ("segundos",)
    hour_and = ("e", "")
    minute_gender = "m"
    codes = frozenset("quarto código pin linha ônibus autocarro voo número sala porta cep ramal".split())
    ordinal_pattern = r"(?<![\d.,])(?P<n>\d{1,4})(?P<e>[ºª°]|[oa](?= [a-zà-ÿA-Z]))(?!\w)(?! ?[CF]\b)"
    score_words = "ganhou|ganharam|venceu|perdeu|empatou|empate|vitória|derrota|jogo|placar|por|terminou|resultado|final"
    roman_words = frozenset("século capítulo tomo parte ato título artigo volume grupo fase tipo guerra".split())
    masculine = ("o", "os", "or", "ores", "ema", "emas", "ama", "amas", "agem_")
    feminine = ("ção", "ções", "são", "sões", "dade", "dades", "gem", "gens", "a", "as")
    genders = {
        **dict.fromkeys("dia dias problema problemas mês meses sistema programa mapa planeta homem homens trem trens hotel gol gols país países cafés café pão pães avião aviões ponto litros pés pé grama gramas lugar lugares cm clientes cliente alunos estudantes filme filmes leite time times".split(), "m"),
        **dict.fromkeys("hora horas vez vezes mão mãos foto fotos moto noite noites mulher mulheres tarde tardes flor flores colher colheres parte partes classe classes xícara árvore árvores cor cores chave chaves imagem imagens".split(), "f"),
    }  # fmt: skip
    function_words = frozenset("e ou de da do das dos a ao à em com por para que é são mais menos o os as um uma não nem mas como contra sobre no na nos nas até era está estão se quando onde já sem".split())
    of_date_words = ("de",)
    first = "primeiro"

    def gendered(self, number: int, gender: str) -> list[str]:
        full = words(number, "pt").replace(",", "")
        said = [full, re.sub(r"^mil (?!e )(?=\w)", "mil e ", full), re.sub(r"(?<=mil) e (?=cem$|\w+centos$)", " ", full)]
        if 1000 < number < 1_000_000 and number % 1000 and " mil " in f" {full} ":
            said += [re.sub(r" mil (?!e )", " mil e ", full), re.sub(r"(?<=mil) e ", " ", full)]
        said += [way.replace("biliões", "bilhões").replace("bilião", "bilhão") for way in said]
        if gender == "f":
            said = [_feminine(way) for way in said]
        return list(dict.fromkeys(said))

    def digits(self, written: str) -> list[str]:
        said = super().digits(written)
        return said + [way.replace("seis", "meia") for way in said if "seis" in way]

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        said = [words(number, "pt", to="ordinal")]
        feminine = [inflected(way, (("o", "a"),)) for way in said]
        both = feminine if ending in ("ª", "a") else said if ending else said + feminine
        return both + (self.counted(number, "f" if ending in ("ª", "a") else "m") if number > 10 else [])

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return self.counted(number) + nth if number > 10 or (counted and not named) else nth + self.counted(number)

    def hours(self, hour: int) -> list[str]:
        return [*self.counted(hour, "f")[:1], *(["zero hora", "meia noite"] if hour == 0 else [])]

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        return {30: ["meia"], 15: ["um quarto"]}.get(minute, []) + past

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        if minute <= 30:
            return list(ways(self.hours(hour), ("e",), self.minute_words(minute, self.counted(minute, "m"))))
        left = [*self.counted(60 - minute, "m"), *(["um quarto"] if minute == 45 else [])]
        article = "a" if then == 1 else "as"
        return [f"{what} para {article} {way}" for way in self.hours(then) for what in left]

    def sharp(self, hour: int) -> list[str]:
        return [f"{self.hours(hour)[0]} em ponto", *{12: ["meio dia"], 0: ["meia noite"]}.get(hour, [])]

    def below(self, number: int, above: int) -> list[str]:
        if number in (2, 3):
            name = {2: "meio", 3: "terço"}[number]
        elif number <= 10 or number in (100, 1000):
            name = words(number, "pt", to="ordinal")
        else:
            return [f"{words(number, 'pt')} avos"]
        return [name if above == 1 else f"{name}s"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            gender = self.gender(after, 1) if after else ""
            said = {"m": ["meio", "um meio"], "f": ["meia", "uma meia"]}.get(gender, ["meio", "meia", "um meio", "metade"])
            return [*said, *(["metade de", "metade da", "metade do"] if after else ["metade"])]
        said = list(ways(self.counted(above, "m"), self.below(below, above)))
        return said + ([f"{way} {link}" for way in said for link in ("de", "da", "do")] if after else [])

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        tails = ["meio", "meia"] if (above, below) == (1, 2) else self.fraction(above, below, "")
        return list(ways(self.counted(whole, self.gender(after, whole) or "?") + self.counted(whole), ("e",), tails))

    def first_rules(self) -> list[Rule]:
        return [
            Rule("0", re.compile(r"(?<=\d) ?[x×] ?(?=\d)"), lambda m: ("sign", ["por", "vezes", "a"], True)),
            Rule("0", re.compile(r"(?<!\w)(?:anos|os) (?P<span>['’]?(?P<n>[2-9]0)s?)(?!\w|[.,:]\d)(?! ?%)"), lambda m: ("decade", [words(int(m["n"]), "pt")], True)),
        ]  # fmt: skip

    def context_rules(self) -> list[Rule]:
        return [Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["mais mais", "plus plus"], True))]


def _feminine(said: str) -> str:
    """um -> uma, dois -> duas, duzentos -> duzentas; what counts thousands too, what counts millions not."""
    parts = re.split(r"(?<=lhão)|(?<=lhões)|(?<=lião)|(?<=liões)", said)
    tail = re.sub(r"\bum\b", "uma", re.sub(r"\bdois\b", "duas", parts[-1]))
    tail = re.sub(r"(\w+ent)os\b", r"\1as", tail)
    return "".join(itertools.chain(parts[:-1], [tail]))


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Portuguese())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
