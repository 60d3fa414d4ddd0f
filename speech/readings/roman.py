"""Roman numerals."""

_WORTH = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman_value(written: str) -> int:
    """The value of a roman numeral in capitals and in its usual form, else 0.

    >>> roman_value("XLII"), roman_value("XXXX")
    (42, 0)
    """
    total = sum(
        -_WORTH[a] if _WORTH[a] < _WORTH[b] else _WORTH[a] for a, b in zip(written, [*written[1:], "I"], strict=True)
    )
    return total if _to_roman(total) == written else 0


def _to_roman(number: int) -> str:
    tens = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"]
    ones = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]
    return "C" * (number // 100) + tens[number // 10 % 10] + ones[number % 10] if 0 < number < 400 else ""
