"""Korean numbers in words: Sino-Korean (이십오), native before a counter (스물다섯, 한 두 세), decimals, digits one
by one; and which of the two a counter takes.
"""

from functools import lru_cache

from speech.readings.cjk import tables

LARGEST = 10**16 - 1
DIGITS = "영일이삼사오육칠팔구"
_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
ALWAYS_SINO = 10**9
# Counters, each with the number up to which it takes native words only (tables/ko.yaml).
COUNTERS: dict[str, int] = {word: start for start, words in tables("ko")["counters"].items() for word in words}
ABOUT: dict[int, list[str]] = tables("ko")["about"]


def sino(number: int) -> str:
    """Sino-Korean words of a whole number of at most 16 digits.

    >>> sino(1988), sino(10000), sino(350_000_000)
    ('천구백팔십팔', '만', '삼억 오천만')
    """
    if number == 0:
        return "영"
    parts = []
    for size, name in ((10**12, "조"), (10**8, "억"), (10**4, "만"), (1, "")):
        count, number = divmod(number, size)
        if count:
            parts.append(("" if count == 1 and name == "만" and not parts else _to_9999(count)) + name)
    return " ".join(parts)


def _to_9999(number: int) -> str:
    said = ""
    for size, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            said += ("" if digit == 1 and name else DIGITS[digit]) + name
    return said


def sino_ways(number: int) -> list[str]:
    """With 일 before 만, 천, 백 as it is said too."""
    said = sino(number)
    return [said, "일" + said] if said[0] in "만천백" else [said]


def native(number: int) -> list[str]:
    """Native words as they stand before a counter (한, 두, 세, 네, 스무); hundreds before them are Sino-Korean."""
    high, low = number - number % 100, number % 100
    tens = "스무" if low == 20 else _NATIVE_TENS[low // 10]
    ones = _NATIVE_ONES[low % 10]
    return [(sino(high) if high else "") + tens + ones] if low else [sino(number)]


@lru_cache(maxsize=16_384)
def read(number: int, counter: str = "") -> tuple[str, ...]:
    """A whole number and its counter ("" for none): 25명 스물다섯 명, 이십오 명; 3시 세 시; 6월 유월.

    >>> read(3, "시"), read(25, "명"), read(6, "월"), read(1, "번째")
    (('세 시',), ('스물다섯 명', '이십오 명'), ('유월',), ('첫 번째',))
    """
    if counter in ("번째", "판째", "개째") and number == 1:
        return (f"첫 {counter}",)
    if counter == "월" and number in (6, 10):
        return ("유월",) if number == 6 else ("시월",)
    if not counter:
        return tuple(sino_ways(number))
    native_below = COUNTERS.get(counter, 0)
    sino_said = [f"{way} {counter}" for way in sino_ways(number)]
    if counter == "번째" and number >= 1000:
        return (
            (f"{sino(number - number % 100)} {native(number % 100)[0]} {counter}", *sino_said)
            if number % 100
            else tuple(sino_said)
        )
    if native_below == ALWAYS_SINO or number == 0 or number >= 1000:
        return tuple(sino_said)
    ways = [f"{way} {counter}" for way in native(number)]
    if counter in ("달", "장", "대") and number in (3, 4):
        ways.append(f"{'석' if number == 3 else '넉'} {counter}")
    ages = counter == "대" and number % 10 == 0  # 20대 is an age
    if number < native_below and not ages:
        return tuple(ways)
    sino_first = ages or native_below == 0 or counter == "시" or number >= 100
    return (*sino_said, *ways) if sino_first else (*ways, *sino_said)


def digits(number: str) -> tuple[str, ...]:
    """Digit by digit, 0 as 공 or as 영.

    >>> digits("010")
    ('공일공', '영일영')
    """
    said = "".join(DIGITS[int(digit)] for digit in number)
    return (said.replace("영", "공"), said) if "0" in number else (said,)


def decimal(whole: int, fraction: str) -> list[str]:
    """이 점 칠; 0 as 영 or 공."""
    tails = digits(fraction)[::-1]
    heads = sino_ways(whole) if whole else ["영", "공"]
    return [f"{head} 점 {tail}" for head in heads for tail in tails]
