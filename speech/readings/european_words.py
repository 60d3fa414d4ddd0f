"""Rules for words: abbreviations, capital letters, roman numerals, words with digits, web addresses. None of them but
addresses and digits behind letters is ever written into a prompt."""

import re
from collections.abc import Iterable, Iterator

from speech.readings.european import BLANK, DASH, DASHES, INNER, Rule, Said, any_of, last_word, ways
from speech.readings.european_amounts import rates
from speech.readings.european_language import Language
from speech.readings.european_marks import lettered_ranges
from speech.readings.roman import roman_value

_ENDINGS = (
    "com|org|net|edu|gov|info|io|ai|dev|app|eu|de|fr|es|it|pt|ru|nl|pl|uk|us|br|ch|at|be|cn|jp|kr|mx|ar|co|tv|me|"
    "ly|gg|рф"
)
_FILES = (
    "txt|md|pdf|docx?|xlsx?|pptx?|csv|json|ya?ml|xml|html?|css|js|jsx|ts|tsx|py|ipynb|rb|rs|go|java|cpp|cc|hpp|php|sh|bat|exe|"
    "dll|zip|gz|rar|7z|jpe?g|png|gif|svg|bmp|mp3|mp4|wav|flac|ogg|avi|mov|mkv|epub|log|ini|cfg|conf|toml|sql|db|apk|dmg|iso"
)
_NEXT_SENTENCE = re.compile(r"\s*$|\s+(?!(?:[IVXLC]{2,}|[VXLC])\b)[\"“„«(¿¡–—-]?\s*[A-ZÀ-ÞА-ЯЁĄĆĘŁŃÓŚŹŻ]")
_BARE = re.compile(r"[^\W\d_aeiouyäöüáéíóúàèìòùâêîôûãõąęаеёиоуыэюя]{3,6}\.", re.IGNORECASE)  # bzw
_PIECE = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")


def word_rules(of: Language) -> list[Rule]:
    return [*rates(of), *romans(of), *written_short(of), *lettered_ranges(of), *capitals(of), *paired(of)]


def addresses(of: Language) -> Iterator[Rule]:
    """https://www.example.com/help, name@example.org, @name, #tag."""

    def said(match: re.Match[str]) -> Said:
        return "address", spell_address(of, match[0]), True

    label = r"[^\W_](?:[\w\-]{0,62})"
    end = r"[^\s<>\"'“”«»,;!?()\[\]{}]"
    yield Rule("/", re.compile(rf"(?<!\w)(?:https?|ftp)://{end}+(?<![.:])", re.IGNORECASE), said)
    yield Rule("@", re.compile(rf"(?<![\w.+\-])[\w.+\-]+@{label}(?:\.{label})+"), said)
    domain = rf"(?<![\w.\-@])(?:{label}\.){{1,6}}(?:{_ENDINGS})(?![\w\-]|\.\w)(?:/(?:{end}*(?<![.:/]))?/?)?"
    yield Rule(INNER, re.compile(rf"(?<!\w)www\.{end}+(?<![.:])", re.IGNORECASE), said)
    yield Rule(INNER, re.compile(domain, re.IGNORECASE), said)
    file = rf"(?<![\w.\-@])(?:{label}\.){{1,3}}(?:{_FILES})(?![\w\-]|\.\w)"
    yield Rule(INNER, re.compile(file), said)
    heard_at = any_of(way for way in of.address_signs.get("@", ()) if way)
    dotted = rf"(?<=\w)\.(?=[^\W_][\w.\-]{{0,30}} (?:{heard_at}) (?:{label}\.){{1,3}}(?:{_ENDINGS})(?!\w))"
    yield Rule(INNER, re.compile(dotted), lambda match: ("sign", of.address_signs.get(".", of.dot), True))


def spell_address(of: Language, address: str) -> list[str]:
    """An address word by word; its scheme may be left out, and a slash at its end."""
    scheme, parted, rest = address.partition("://")
    if not parted:
        scheme, rest = "", address
    tails = [rest.rstrip("/")] if rest.endswith("/") else [rest]
    parts: list[list[str]] = []
    foreign: dict[int, list[str]] = {}
    for piece in _PIECE.findall(tails[0]):
        if piece.isdecimal():
            short = len(piece) < 5 and piece[0] != "0"
            parts.append([*of.plain(piece)[:4], *of.digits(piece)] if short else of.digits(piece))
        elif piece.lower() == "www":
            parts.append([" ".join([of.letters.get("w", "w")] * 3), "w w w", "www", *of.triple_w])
        elif piece.isalpha():
            spelt = " ".join(of.letters.get(letter, letter) for letter in piece.lower())
            single = [spelt, " ".join(piece)] if len(piece) < 4 else []
            parts.append([piece, *single])
            foreign[len(parts) - 1] = of.foreign(piece)
        elif piece == ".":
            bare = len(parts) == 1 and rest.lower().startswith("www.")
            parts.append([*of.address_signs.get(".", of.dot), *([""] if bare else [])])
        else:
            parts.append(list(of.address_signs.get(piece, of.signs.get(piece, ("",)))))
    body = list(ways(*parts))[:32]
    if any(foreign.values()):
        body += list(ways(*(foreign.get(at) or part for at, part in enumerate(parts))))[:28]
    if not scheme:
        return body
    slash = of.address_signs.get("/", ("",))[0]
    spelt = f"{' '.join(scheme.lower())} {of.address_signs.get(':', ('',))[0]} {slash} {slash}"
    return list(ways((spelt, ""), body))


def lettered(of: Language) -> Iterator[Rule]:
    """The number of MP3, A380, COVID-19, GPT-4: the letters stay, the digits are a number or one by one."""

    measured = re.compile(rf"\d{BLANK}?(?:[kcdm]?m|[кдс]?м)$")

    def digits(match: re.Match[str]) -> Said:
        written = match["n"]
        if written in "23" and measured.search(match.string[max(0, match.start() - 4) : match.start()]):
            return None  # 20 m2
        if "." in written:
            whole, _, fraction = written.partition(".")
            tails = [*of.digits(fraction), *of.plain(fraction)]
            return "version", ways(of.plain(whole), of.dot, tails), True
        return "cardinal", of.code_number(written), True

    yield Rule("0", re.compile(rf"(?<=[^\W\d_])(?P<n>\d{{1,12}}(?:\.\d{{1,4}})?)(?!\d|{DASH}\d)"), digits)
    hyphen = rf"(?<=[^\W\d_]){DASH}(?P<n>\d{{1,4}}(?:\.\d{{1,4}})?)(?![\d.,:/%]\d|\d|{BLANK}?%)"
    yield Rule(f"0{DASHES}", re.compile(hyphen), digits)


def written_short(of: Language) -> Iterator[Rule]:
    """Abbreviations, and words that may be said or spelt in another way."""
    known_days = {key.casefold().rstrip(".") for key in of.days}
    varied = dict(of.variants)
    for table in (of.abbreviations, of.exact_abbreviations):
        if not table:
            continue
        fold = table is of.abbreviations
        known = {(key.casefold() if fold else key).replace(" ", ""): said for key, said in table.items()}
        capital = [key[0].upper() + key[1:] for key in table if len(key) > 2 and key[0].islower()]
        for key, ways_of in table.items():
            if _BARE.fullmatch(key):
                varied.setdefault(key[:-1].casefold(), ways_of)

        def said(match: re.Match[str], known=known, fold=fold) -> Said:
            key = re.sub(BLANK, "", match[0])
            key = key if fold or key in known else key[0].lower() + key[1:]
            said = known.get(key.casefold() if fold else key) or known.get(match[0])
            plain = [match[0].rstrip(".")] if match[0].count(".") == 1 and match[0].endswith(".") else []
            last = plain and _NEXT_SENTENCE.match(match.string, match.end()) and plain[0].casefold() in of.word_like
            days = plain and plain[0].casefold() in known_days
            before = last_word(match.string, match.start()).rstrip(".")
            if last and not (days and before in of.day_before):
                return None  # So. Jetzt gehen wir.
            plain = [] if days and before in of.day_before else plain
            return ("variant", [*said, *plain, *([] if "." in match[0] else [match[0]])], True) if said else None

        needs = "".join(
            sign for sign in "./-" if any(sign in key and "." not in key.replace(sign, "") for key in table)
        )
        pattern = rf"(?<![\w.])(?:{any_of([*table, *capital], True)})(?!\w)"
        yield Rule(needs, re.compile(pattern, re.IGNORECASE if fold else 0), said)

    def otherwise(match: re.Match[str]) -> Said:
        """In capitals it may be letters, too."""
        letters = [" ".join(match[0])] if match[0].isupper() and match[0].isalpha() and len(match[0]) > 1 else []
        return "variant", (match[0], *varied[match[0].casefold().replace("’", "'")], *letters), True

    yield from of.context_rules()
    yield from phrases(of.phrases)
    if varied:
        either = any_of(varied).replace(chr(39), f"[{chr(39)}’]")
        words = rf"(?<![\w'’\-])(?:{either})(?![\w]|['’]\w)"
        yield Rule("", re.compile(words, re.IGNORECASE), otherwise)


def phrases(table: Iterable[tuple[str, ...]]) -> Iterator[Rule]:
    """Of a table of what the text needs, a kind, a pattern, and its readings."""
    for needs, kind, pattern, *said in table:
        yield Rule(needs, re.compile(pattern), lambda match, kind=kind, said=said: (kind, said, True))


def romans(of: Language) -> Iterator[Rule]:
    """Henry VIII, chapter IV, XX век; a single letter only behind a name or a word that has numbers."""

    def said(match: re.Match[str]) -> Said:
        number = roman_value(match["n"])
        before = match["before"] or ""
        named = before[:1].isupper() and before.casefold().rstrip(".") not in of.roman_words
        counted = before.casefold().rstrip(".") in of.roman_words
        if not number or (number > 39 and not counted):
            return None
        behind = of.century_behind(match.string, match.end())
        name = (
            named
            and before.casefold() not in of.no_names
            and (
                match["n"] in of.single_romans
                or (match["n"] == "I" and not match.string[match.end() :].strip(" .,;:!?)"))
            )
        )
        if len(match["n"]) == 1 and not (counted or name or behind):
            return None
        tail = "'s" if match["s"] else ""
        if rulers.fullmatch(before):
            return "variant", [f"{way}{tail}" for way in of.ruler(number)], True
        return "variant", [f"{way}{tail}" for way in (match["n"], *of.roman(number, named, counted, behind))], True

    def small(match: re.Match[str]) -> Said:
        number, before = roman_value(match["n"].upper()), last_word(match.string, match.start())
        if number and rulers.fullmatch(before):
            return "variant", of.ruler(number), True
        known = before.rstrip(".") in of.roman_words
        return (
            ("variant", [*of.counted(number), match["n"], *of.roman(number, False, True, False)], True)
            if number and known
            else None
        )

    rulers = re.compile(of.rulers, re.IGNORECASE)
    small_roman = r"(?<=[\w.] )(?P<n>[ivx]{2,6}|x)(?![\w'’]|\.\w)"
    yield Rule("", re.compile(small_roman), small)
    before = rf"(?<![\w.\-])(?:(?P<before>[^\W\d_]{{2,20}}\.?){BLANK})?"
    roman = rf"(?P<span>(?P<n>(?!I{DASH}\d)[IVXLC]{{1,8}}){of.roman_end}(?P<s>['’]s\b)?)(?![\w'’]|\.\w)"  # not I-95
    yield Rule("IVXLC", re.compile(before + roman), said)


def capitals(of: Language) -> Iterator[Rule]:
    """U.S., Ph.D., USB: letter by letter, or as one word."""

    def said(match: re.Match[str]) -> Said:
        letters = [char.lower() for char in match[0] if char.isalpha()]
        joined, spelt = "".join(letters), " ".join(letters)
        plural = [spelt[:-2] + spelt[-1]] if match[0].endswith("s") and match[0][-2] != "." else []
        return "letters", [joined, spelt, *plural, *of.spelt(letters)], True

    def joined(match: re.Match[str]) -> Said:
        word, letters, s = match["word"], match["letters"], match["s"]
        return "letters", [match[0], f"{word} {letters}{s}", f"{word} {' '.join(letters)}{s}"], True

    yield Rule(
        INNER,
        re.compile(r"(?<![\w.])(?:[^\W\d_]\.){2,6}(?!\w)|(?<![\w.])(?:[^\W\d_a-zа-я]\.){1,5}[^\W\d_a-zа-я](?![\w.])"),
        said,
    )
    camel = r"(?<![^\W_])(?P<word>[A-Z]?[a-z]{2,})(?P<letters>[A-Z]{2,5})(?P<s>s?)(?![^\W_])"  # ChatGPT, MacOS
    yield Rule("", re.compile(camel), joined)
    mixed = r"(?<![^\W_])[A-Za-z]{0,3}[a-z][A-Z][A-Za-z]{0,3}(?![^\W_])"  # pH, NaCl, mRNA
    yield Rule("", re.compile(mixed), said)
    element = r"(?<![^\W\d₀-₉])(?=[A-Z]{0,3}[a-z])(?:[A-Z][a-z]?){1,4}(?=[\d₀-₉⁰¹²³⁴-⁹⁺⁻]|[+](?!\w))"  # Na2CO3
    yield Rule("₀₁₂₃₄₅₆₇₈₉123456789⁺⁻+", re.compile(element), said)
    yield Rule("", re.compile(r"(?<![^\W\d₀-₉]|[.])[A-ZА-ЯЁÀ-Ý]{2,6}(?:['’]?s)?(?![^\W\d₀-₉])"), said)


def paired(of: Language) -> Iterator[Rule]:
    """and/or: the slash is said or not; so is a dash between two times, and the slash of 4.5/5."""
    plus = (of.signs.get("+") or ("plus",))[0]
    hashed = sorted(of.signs.get("#", ()), key=lambda way: not re.search("hash|haszt|х[эе]ш", way.casefold()))
    yield Rule("#", re.compile(r"(?<=\b[CFJ])#(?!\w)"), lambda m: ("sign", of.sharp_sign, True))
    yield Rule("#", re.compile(r"(?<!\w)#(?=[^\W\d_]{2})"), lambda m: ("sign", [*hashed, ""], True) if hashed else None)
    flags = r"(?<![^\s(\[`\"'])--?(?=[A-Za-z](?:[\s,;)]|$)|(?<=--)[a-z])"  # ls -r, --help
    dash = of.address_signs.get("-", ())
    yield Rule("-", re.compile(flags), lambda m: ("variant", ["", *dash, *ways(dash[:1], dash[:1])], True))
    pluses = list(dict.fromkeys([f"{plus} {plus}", "plus plus"]))
    yield Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", pluses, True))
    yield Rule(
        INNER,
        re.compile(r"(?<![^\s(])\.(?=[A-Z]{2,5}\b|[a-z]{2,4}\b)|(?<=/)\.(?=[A-Za-z]{2,16}\b)"),
        lambda m: ("variant", of.dot, True),
    )
    days = rf"(?<=[A-Za-z]\.)\u200b?{DASH}(?=[A-Z])"
    yield Rule("-–", re.compile(days), lambda m: ("variant", ["", *of.to], True))
    between = rf"(?<=[\w.]){BLANK}?{DASH}{BLANK}?(?=\d)"
    equation = rf"(?<=[\w.)]){BLANK}{DASH}{BLANK}(?=\w)"
    yield Rule("=≤≥≈≠", re.compile(equation), lambda m: ("sign", of.minus, True))
    yield Rule(f"0{DASHES}", re.compile(between), lambda m: ("variant", ["", *of.to, *of.to_also], True))
    yield Rule(
        "/", re.compile(r"(?<=\d)/(?=\d)"), lambda m: ("variant", ["", *of.over, *of.address_signs.get("/", ())], True)
    )
    yield Rule(
        "/",
        re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])"),
        lambda m: ("variant", ["", *of.address_signs.get("/", ()), *of.or_words], True),
    )
