"""The tables of a language, speech/readings/tables/<language>.yaml, read once."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from speech.readings.european import Noun

_FOLDER = Path(__file__).resolve().parent / "tables"
_NOUNS = frozenset({"units", "currencies", "magnitudes"})
_READINGS = frozenset({"signs", "address_signs", "silent", "before_numbers", "abbreviations", "exact_abbreviations"})
_READINGS |= {"numbered", "variants", "regions", "declined", "between", "days"}
_WORDS = frozenset({"codes", "roman_words", "no_names", "function_words", "month_forms", "feminine_nouns"})
_WORDS |= {
    "masculine_nouns",
    "year_before",
    "no_code_before",
    "open_words",
    "nth_before",
    "nth_behind",
    "sentence_starts",
}
_WORDS |= {"minute_before", "virile_nouns", "animate_nouns", "word_like", "day_before", "genitives"}
_GROUPS = frozenset({"genders", "cases"})  # what is true of a word: the words

_PLAIN = str.maketrans("²³", "23")
_PATTERNS = frozenset({"rulers"})  # words that are patterns
_PAIRS = frozenset({"letters", "greek"})
_NONE: Mapping[Any, Any] = MappingProxyType({})


@lru_cache
def tables(code: str) -> dict[str, Any]:
    """All tables of a language by their names.

    Raises:
        OSError, yaml.YAMLError: there are none that can be read.
    """
    raw = yaml.safe_load((_FOLDER / f"{code}.yaml").read_text(encoding="utf-8"))
    prefixes = dict(pair.split() for pair in raw.pop("prefixes", "").split(";") if pair)
    return {key: nouns(value, prefixes) if key in _NOUNS else _converted(key, value) for key, value in raw.items()}


def _converted(key: str, value: Any) -> Any:
    if key in _READINGS:
        return readings(value)
    if key in _WORDS:
        return frozenset(value.split())
    if key in _PATTERNS:
        return "|".join(value.split())
    if key in _PAIRS:
        return dict(pair.split() for pair in value.split(";"))
    if key in _GROUPS:
        return {word: group for group, words in value.items() for word in words.split()}
    if key == "months":
        return tuple(tuple(line.split(", ")) for line in value.splitlines())
    if isinstance(value, list):
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return value


def nouns(table: str, prefixes: Mapping[str, str] = _NONE) -> dict[str, Noun]:
    """Lines "sign sign = gender one|several + one|several // sign of the hundredth"; _ is a blank of a sign; what has a
    raised 2 or 3 is also written with a plain one: m², m2. A line "nµ*F = n *farad" stands for those of nF and µF, with
    what `prefixes` have for n and µ.

    >>> nouns("kg Kg = n Kilogramm + Kilo")["kg"].of(1)
    ['Kilogramm', 'Kilo']
    >>> nouns("nµ*F = n *farad", {"n": "nano", "µ": "micro"})["µF"].of(1)
    ['microfarad']
    """
    made, lines = {}, []
    for line in filter(None, map(str.strip, table.splitlines())):
        starred = re.match(r"(\w+)\*", line)
        rest = line[starred.end() :] if starred else ""
        lines += [sign + rest.replace("*", prefixes[sign]) for sign in starred[1]] if starred else [line]
    for line in lines:
        signs, forms = line.split(" = ")
        forms, _, part = forms.partition(" // ")
        gender, _, forms = forms.partition(" ")
        noun = Noun(gender, tuple(tuple(form.strip().split("|")) for form in forms.split(" + ")), part.strip())
        made.update(
            (sign.replace("_", " ").translate(raised), noun) for sign in signs.split() for raised in ({}, _PLAIN)
        )
    return made


def readings(table: str | Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Lines "written = said | said"; a blank of the written form stands for any blanks, or none.

    >>> readings("z. B. = zum Beispiel")
    {'z. B.': ('zum Beispiel',)}
    """
    made = {}
    for line in filter(None, map(str.strip, table.splitlines() if isinstance(table, str) else table)):
        written, _, said = line.partition(" =")
        made[written.strip()] = tuple(one.strip() for one in said.split("|"))
    return made


class Tables:
    """The tables of a language as attributes, those of its file over what stands here.

    Raises:
        ValueError: the file has a table of another name.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        for key, value in tables(code).items():
            if not hasattr(type(self), key):
                raise ValueError(f"{_FOLDER / code}.yaml: no table is called {key!r}")
            setattr(self, key, value)

    code = ""
    grouping = ". "  # what parts thousands
    decimal = ","
    point: tuple[str, ...] = ()  # the decimal sign
    dot: tuple[str, ...] = ()  # the full stop of versions and addresses
    minus: tuple[str, ...] = ("minus",)
    to: tuple[str, ...] = ()  # between the ends of a range
    counted_to: tuple[str, ...] = ()  # the same where it is counted, if in another order
    since: tuple[str, ...] = ("",)  # before a range
    versus: tuple[str, ...] = ()  # between the goals of a score
    more: tuple[str, ...] = ("plus",)  # the + of 10+
    bare_price: tuple[str, ...] = ()  # the same without the currency: zwei fünfzig
    money_and: tuple[str, ...] = ("",)  # between euros and cents
    zero: tuple[str, ...] = ()
    codes = frozenset[str]()  # words before numbers that may be read digit by digit
    many = 1  # which form of a noun goes with millions
    units: Mapping[str, Noun] = _NONE
    currencies: Mapping[str, Noun] = _NONE
    magnitudes: Mapping[str, Noun] = _NONE
    signs: Mapping[str, tuple[str, ...]] = _NONE
    silent: Mapping[str, tuple[str, ...]] = _NONE  # signs that may be left out
    address_signs: Mapping[str, tuple[str, ...]] = _NONE
    triple_w: tuple[str, ...] = ()
    before_numbers: Mapping[str, tuple[str, ...]] = _NONE  # ~ > < ± before a number
    word_like = frozenset[str]()  # abbreviations that are words, too, at the end of a sentence nothing else
    day_before = frozenset[str]()  # but behind these they may be short for a day: am So.
    numbered: Mapping[str, tuple[str, ...]] = _NONE  # abbreviations that a number follows: No. 5
    abbreviations: Mapping[str, tuple[str, ...]] = _NONE  # capitals or not
    exact_abbreviations: Mapping[str, tuple[str, ...]] = _NONE  # with capitals as they stand
    variants: Mapping[str, tuple[str, ...]] = _NONE  # words that may be said or spelt otherwise
    chat: tuple[str, ...] = ()  # words with digits: gr8
    first_phrases: tuple[tuple[str, ...], ...] = ()  # the same before all other rules
    sharp_sign: tuple[str, ...] = ("sharp",)  # the sign of C#
    phrases: tuple[tuple[str, ...], ...] = ()  # what the text needs, kind, pattern, readings
    regions: Mapping[str, tuple[str, ...]] = _NONE  # short for a state, behind a comma
    and_words: tuple[str, ...] = ()  # between keys that are pressed at once
    or_words: tuple[str, ...] = ()  # for the slash between words
    letters: Mapping[str, str] = _NONE  # names of letters that a recogniser may write
    months: tuple[tuple[str, ...], ...] = ()  # each: its name, its other forms, its abbreviations
    month_forms = frozenset[str]()  # of these, what is no abbreviation
    month_first = False
    clock: Mapping[int, list[str]] = _NONE  # minutes -> how they are said by the clock
    day_pattern = ""  # what stands behind the day of a date
    before_month = ""
    day_links = ""  # between two days of a month
    hour_marks = "(?!)"
    hour_letter = ""
    at_times = ""
    dotted_times = False
    plus_optional = False
    phone_patterns: tuple[str, ...] = ()
    phone_words = "(?!)"  # what is said before the number of a telephone
    dictated = "(?!)"  # words before a code: a number that is told digit by digit
    phone_grouped = False  # whether a telephone's number is read as it is parted
    year_mark = ""  # what stands behind the year of a date of digits and is said with it
    ordinal_pattern = ""
    version_words = (
        r"\b(?:[vV]ersion|[vV]\.?|Python|Android|iOS|macOS|Ubuntu|Debian|Node|PHP|USB|HTML|Windows|CUDA|Java)"
    )
    decade_before = ""  # what stands before a decade of two digits
    slash_before = ""  # what stands before a day and its month: le 11/11
    day_signs = "/"  # between a day and its month behind the day of the week
    scale_words = ""  # before 1:50
    between: Mapping[str, tuple[str, ...]] = _NONE  # words before a range -> what joins its ends
    articles: tuple[str, ...] = ()  # for the 1 of a magnitude: a million
    thousand: tuple[str, ...] = ()  # the K of 4K, if it is a number
    pressure: tuple[str, ...] = ()  # of blood: 120/80
    graded: tuple[str, ...] = ()  # for the + and the - behind a mark: four with a plus
    season: tuple[str, ...] = ()  # S3 E12
    by: tuple[str, ...] = ()  # the cross of 3 x 4
    one_alone = False  # 1 kg is a kilogram without its number
    per: tuple[str, ...] = ()  # the slash of 15 €/h
    fold: tuple[str, ...] = ()  # the cross of 2x
    fold_gender = ""
    roman_words = frozenset[str]()
    no_names = frozenset[str]()
    rulers = "(?!)"  # names of popes and kings, behind which a number is an ordinal
    ruler_cardinals = 400  # from which number on it is said as a cardinal, too
    single_romans = "IVX"
    roman_end = ""
    centuries = ""  # pattern of what stands behind the number of a century
    and_half: tuple[str, ...] = ()  # behind what is counted: y medio
    tenths_behind = False  # 1.3 billion: un miliardo e tre
    half_alone = False  # 1.5 without its one: litro y medio
    over: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ("",)  # between a fraction and what it is a part of
    mixed_and: tuple[str, ...] = ()
    year_before = frozenset[str]()  # words behind which four digits are a year
    no_code_before = frozenset[str]()  # words with a capital that are no names
    # -- Romance languages
    masculine: tuple[str, ...] = ()
    feminine: tuple[str, ...] = ()
    genders: Mapping[str, str] = _NONE
    function_words = frozenset[str]()
    of_date_words: tuple[str, ...] = ("",)  # between day, month and year of a date of digits
    of = ("de",)
    first = ""  # the first of a month
    score_words = ""
    hour_names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())  # hour, hours
    days: Mapping[str, tuple[str, ...]] = _NONE  # short for days of the week
    draw: tuple[str, ...] = ()  # behind the goals of both: two all
    from_also: tuple[str, ...] = ()  # more words before days and hours of a range
    to_also: tuple[str, ...] = ()
    power: tuple[str, ...] = ()  # before an exponent
    absolute: tuple[str, ...] = ()  # the first bar of |x|
    greek: Mapping[str, str] = _NONE  # names of Greek letters where Unicode has others
    day_parts: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())  # behind an hour of twelve: before noon, after it
    minute_names: tuple[str, ...] = ()
    hour_and: tuple[str, ...] = ("",)  # between hours and minutes
    minute_gender = "m"
    second_names: tuple[str, ...] = ()
    minute_first = False  # whether it is minute 90, not the ninetieth
    minute_before = frozenset[str]()  # words before a minute of a match: al 90'
    # -- inflection
    nth_before = frozenset[str]()  # nouns before a number that is said as an ordinal, too: peron 2
    nth_behind = frozenset[str]()  # the same behind a number: на 3 этаже
    sentence_starts = frozenset[str]()  # words with a capital behind a full stop
    feminine_nouns = frozenset[str]()  # in the form that stands behind 2
    masculine_nouns = frozenset[str]()
    virile_nouns = frozenset[str]()  # of men, in the genitive plural
    animate_nouns = frozenset[str]()  # masculine, in the accusative that ends as a feminine nominative: psa
    case_ends: Mapping[str, str] = _NONE  # of units in the plural of other cases
    genitives = frozenset[str]()  # with which a fraction in the genitive begins
    second_is_genitive = False  # the form of a unit behind two is its genitive
    cases: Mapping[str, str] = _NONE  # of a numeral behind these prepositions
    declined: Mapping[str, tuple[str, ...]] = _NONE  # words of numerals in other cases
    # -- sounds
    open_words = frozenset[str]()  # whose e is open or not
    homophones = ""  # see european_sounds
    sounds: tuple[tuple[str, str], ...] = ()
