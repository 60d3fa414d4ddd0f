"""Japanese numbers as they are read, in hiragana: whole numbers, decimals, digit by digit, and with their counters.

A counter changes its sound and the number's: 三本 さんぼん, 八歳 はっさい, 四時 よじ, 二十日 はつか.
Classes of change, by the counter's first sound, after the usual grammars of Japanese numerals:

    -   none                                            二枚, 三番
    k   い/ろ/は/じゅ/ひゃ + っ before k                    一個 いっこ, 六個 ろっこ
    g   as k, and さん + g                                三階 さんがい
    s   い/は/じゅ + っ before s, sh, t, ch                 一冊 いっさつ
    z   as s, and さん + z                                三足 さんぞく
    h   っ + p, さん + b                                   一本 いっぽん, 三本 さんぼん
    p   っ + p, さん + p                                   三分 さんぷん
    o   loan words: both ways, as people say either        一キロ いちきろ, いっきろ
"""

from functools import lru_cache
from itertools import product

from speech.readings.cjk import tables

_ONES = ("", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう")
_HUNDREDS = (
    "",
    "ひゃく",
    "にひゃく",
    "さんびゃく",
    "よんひゃく",
    "ごひゃく",
    "ろっぴゃく",
    "ななひゃく",
    "はっぴゃく",
    "きゅうひゃく",
)
_THOUSANDS = ("", "せん", "にせん", "さんぜん", "よんせん", "ごせん", "ろくせん", "ななせん", "はっせん", "きゅうせん")
MAGNITUDES = ((10**12, "ちょう"), (10**8, "おく"), (10**4, "まん"))
LARGEST = 10**16 - 1
ZEROS = ("ぜろ", "れい")

# The last digit on its own: other ways to say it where no counter decides.
_LOOSE = {4: ("よん", "し"), 7: ("なな", "しち"), 9: ("きゅう", "く")}
_VOICED = str.maketrans("かきくけこさしすせそはひふへほ", "がぎぐげござじずぜぞばびぶべぼ")
_HALF_VOICED = str.maketrans("はひふへほ", "ぱぴぷぺぽ")

_TABLES = tables("ja")
_THINGS, _DAYS = _TABLES["things"], _TABLES["days"]  # ひと of ひとつ; ついたち
COUNTERS: dict[str, tuple[str, str]] = {
    counter: (said, change) for change, counters in _TABLES["counters"].items() for counter, said in counters.items()
}


def whole(number: int) -> str:
    """A whole number of at most 16 digits, in its plainest reading.

    >>> whole(1234)
    'せんにひゃくさんじゅうよん'
    """
    if number == 0:
        return ZEROS[0]
    said = ""
    for size, name in MAGNITUDES:
        count, number = divmod(number, size)
        if count:
            said += _before_magnitude(_to_9999(count), name)
    return said + _to_9999(number)


def _to_9999(number: int) -> str:
    thousands, hundreds, tens = number // 1000, number // 100 % 10, number // 10 % 10
    ten = "" if not tens else ("" if tens == 1 else _ONES[tens]) + "じゅう"
    return _THOUSANDS[thousands] + _HUNDREDS[hundreds] + ten + _ONES[number % 10]


def _before_magnitude(count: str, name: str) -> str:
    if count.endswith("せん") and len(count) == 2:
        count = "いっせん"
    if name == "ちょう":
        for long, short in (("いち", "いっ"), ("はち", "はっ"), ("じゅう", "じゅっ")):
            if count.endswith(long):
                count = count[: -len(long)] + short
    return count + name


@lru_cache(maxsize=16_384)
def read(number: int, counter: str = "") -> tuple[str, ...]:
    """A whole number (of at most 16 digits), alone or with a counter of COUNTERS or a word in katakana.

    >>> read(3, "本"), read(20, "日"), read(8, "歳")
    (('さんぼん',), ('はつか', 'にじゅうにち'), ('はっさい', 'はちさい'))
    """
    kana, kind = COUNTERS.get(counter, (counter, "o" if counter else ""))
    last = number % 10
    head = whole(number - last) if number > last else ""
    special = _special(number, kana, kind)
    forms = (
        [head + digit + sound for digit, sound in _last(number, last, kana, kind)]
        if last
        else _round(number, kana, kind)
    )
    if number % 10_000 // 1000 == 1 and number >= 1000 and not special:
        forms += [form.replace("せん", "いっせん", 1) for form in forms if form.startswith("せん")]
    only = special and (kind in "cn" or (kind == "d" and 2 <= number <= 10))  # ふたり, never ににん
    return tuple(dict.fromkeys(special if only else [*special, *forms]))


def _special(number: int, kana: str, kind: str) -> list[str]:
    if kind == "c" and number <= 10:
        return [_THINGS[number] + kana if number < 10 else "とお" + kana[1:]] if number else []
    if kind == "d" and number in _DAYS:
        rest = kana[2:]
        if rest and number == 1:
            return []
        return [_DAYS[number] + rest] + ([_DAYS[number] + "ちゅう"] if rest == "じゅう" else [])
    if kind in "ne" and kind and number in (1, 2):
        said = ("ひとり", "ふたり")[number - 1] + kana[2:]
        return [said] if kind == "n" else [f"{(None, 'いち', 'に')[number]}{kana}", said]
    if kana == "さい" and number == 20:
        return ["はたち"]
    if kind == "w" and number in (1, 2):
        return [("ひと", "ふた")[number - 1] + kana]
    return []


def _last(number: int, last: int, kana: str, kind: str) -> list[tuple[str, str]]:
    """Ways to say the last digit with the counter."""
    plain = _ONES[last]
    if not kind:
        return [(digit, "") for digit in _LOOSE.get(last, (plain,))]
    exact = {
        "t": {4: ("よ",), 7: ("しち", "なな"), 9: ("く",)},
        "m": {4: ("し",), 7: ("しち", "なな"), 9: ("く",)},
        "y": {4: ("よ",), 7: ("なな", "しち"), 9: ("きゅう", "く")},
        "n": {4: ("よ",), 7: ("しち", "なな"), 9: ("きゅう", "く")},
        "e": {4: ("よ",), 7: ("しち", "なな"), 9: ("きゅう", "く")},
        "d": {4: ("よん",), 7: ("しち", "なな"), 9: ("く", "きゅう")},
    }.get(kind, {7: ("なな", "しち"), 4: ("よん", "よ") if kana.startswith(("えん", "じょう")) else ("よん",)})
    short = {1: "いっ", 6: "ろっ", 8: "はっ"}.get(last)
    voiced, half = kana[0].translate(_VOICED) + kana[1:], kana[0].translate(_HALF_VOICED) + kana[1:]
    if kind == "b":  # 羽
        return {
            3: [("さん", "わ"), ("さん", "ば")],
            6: [("ろく", "わ"), ("ろっ", "ぱ")],
            8: [("はち", "わ"), ("はっ", "ぱ")],
        }.get(last, [(plain, kana)])
    if last == 3 and kind in "gzhp":
        return {
            "g": [("さん", voiced), ("さん", kana)],
            "z": [("さん", voiced), ("さん", kana)],
            "h": [("さん", voiced)],
        }.get(kind, [("さん", half)])
    if last == 4 and kind == "p":
        return [("よん", half), ("よん", kana)]
    if short and kind in "hp":
        return [(short, half)] + ([("はち", kana)] if last == 8 else [])
    if short and (kind in "kg" or (kind in "sz" and last != 6)):
        return [(short, kana)] + ([("はち", kana)] if last == 8 else [])
    if kind == "o" and short and _can_double(kana):
        return [(plain, kana), (short, half if kana[0] in "はひふへほ" else kana)]
    return [(digit, kana) for digit in exact.get(last, (plain,))]


def _can_double(word: str) -> bool:
    return word[0] in "かきくけこさしすせそたちつてとぱぴぷぺぽカキクケコサシスセソタチツテトパピプペポ"


def _round(number: int, kana: str, kind: str) -> list[str]:
    """A number that ends in 0, with its counter."""
    if number == 0:
        return [zero + kana for zero in ZEROS]
    said = whole(number)
    half, voiced = kana[:1].translate(_HALF_VOICED) + kana[1:], kana[:1].translate(_VOICED) + kana[1:]
    sound = half if kind in ("h", "p") else kana
    doubles = kind in tuple("kgszhp") or (kind == "o" and _can_double(kana))
    if kind == "b" and said.endswith("じゅう"):
        return [said + "わ", said[:-2] + "ゅっぱ", said[:-3] + "じっぱ"]
    if said.endswith("じゅう") and doubles:
        return [said[:-1] + "っ" + sound, said[:-3] + "じっ" + sound] + ([said + kana] if kind == "o" else [])
    if said.endswith(("ひゃく", "びゃく", "ぴゃく")) and doubles:
        short = said[:-1] + "っ" + sound
        return {"k": [short], "g": [short], "h": [short], "p": [short], "o": [said + kana, short]}.get(
            kind, [said + kana]
        )
    if kind == "h" and said.endswith(("せん", "ぜん", "まん")):
        return [said + voiced]
    if kind == "p" and said.endswith(("せん", "ぜん", "まん")):
        return [said + half]
    return [said + kana]


def digits(number: str) -> tuple[str, ...]:
    """Digit by digit; 0 is ぜろ, れい or まる all along.

    >>> digits("103")
    ('いちぜろさん', 'いちれいさん', 'いちまるさん')
    """
    zeros = (*ZEROS, "まる") if "0" in number else ZEROS[:1]
    return tuple("".join(_ONES[int(digit)] or zero for digit in number) for zero in zeros)


def decimal(whole_part: str, fraction: str, counter: str = "", magnitude: str = "") -> tuple[str, ...]:
    """A decimal: 2.5倍 にてんごばい, 0.8 れいてんはち, 3.5億 さんてんごおく or さんおくごせんまん.

    Args:
        magnitude: まん, おく or ちょう, said between the number and its counter.
    """
    number, tails = int(whole_part), digits(fraction)[:2]
    heads = [form for form in read(number, "点") if form != "はちてん"] if number else [zero + "てん" for zero in ZEROS]
    heads += ["はちてん"] * (number == 8)
    kana, change = COUNTERS.get(counter, (counter, ""))
    if magnitude:
        said = [head + tail + magnitude + kana for head, tail in product(heads, tails)]
        return tuple(said + _in_full(number, fraction, counter, magnitude))
    if counter:
        last = int(fraction[-1])
        ends = [whole(last) + kana] if change in ("c", "d", "n", "w") else read(last, counter)[:4]
        tails = [tail[: -len(whole(last))] + end for tail, end in product(tails, ends)]
    return tuple(dict.fromkeys(head + tail for head, tail in product(heads, tails)))


def _in_full(number: int, fraction: str, counter: str, magnitude: str) -> list[str]:
    """2.5億円 as 二億五千万円."""
    size = next(size for size, name in MAGNITUDES if name == magnitude)
    value, rest = divmod(int(f"{number}{fraction}") * size, 10 ** len(fraction))
    return list(read(value, counter)) if not rest and value <= LARGEST else []
