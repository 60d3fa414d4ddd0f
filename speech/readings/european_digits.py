"""Numbers as they are written, and digits read one by one, in pairs, in groups."""

import itertools
import re

from speech.readings.european import BLANK, LONGEST_NUMBER, Number, any_of, ways, words
from speech.readings.european_tables import Tables


class Digits(Tables):
    def parse(self, written: str) -> Number:
        """A number as the pattern `number` finds it."""
        english = self.decimal == "," and re.fullmatch(
            r"\d{1,3}(?:,\d{3})+(?:\.\d\d|(?<=,\d{3},\d{3}))|\d+\.\d\d?", written
        )
        head, sign, tail = written.rpartition("." if english else self.decimal)
        whole, fraction = (head, tail) if sign else (written, "")
        return Number(re.sub(r"\D", "", whole) or "0", fraction, not whole.isdecimal())

    @property
    def number(self) -> str:
        """Pattern of a number: thousands parted, or plain, with a fraction or without."""
        parted = "|".join(
            rf"\d{{1,3}}(?:{BLANK if sign == ' ' else re.escape(sign)}\d{{3}})+(?!\d)" for sign in self.grouping
        )
        english = r"\d{1,3}(?:,\d{3})+\.\d\d(?!\d)|\d{1,3}(?:,\d{3}){2,}(?!\d)|" if self.decimal == "," else ""
        if english:  # $1.5, 1.5 millones
            big = any_of((way for way in self.magnitudes if len(way) > 3 and way.isalpha()), True)
            priced, ends = r"(?:(?<=[$€£¥])|(?<=[$€£¥] ))", r"(?!\d|[.,]\d)"
            english += rf"{priced}\d+\.\d\d?{ends}|(?<![\d.,])\d+\.\d\d?(?={BLANK}(?:{big})(?!\w))|"
        return rf"(?:{english}(?:{parted}|\d+)(?:{re.escape(self.decimal)}\d+)?)"

    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        """Readings of a whole number; gender: of what is counted ("" alone, "?" not known)."""
        return [words(number, self.code)]

    def gender(self, noun: str, number: int) -> str:
        """m, f, n of the noun behind a number, as far as it can be seen, "?" where not, "" for what is no noun."""
        return ""

    def index(self, number: Number) -> int:
        """Which form of a noun goes with a number."""
        return 0 if number.whole in ("1", "01") and not number.fraction else 1

    def digits(self, written: str) -> list[str]:
        """Digit by digit, one reading for each word for zero."""
        names = [self.counted(digit)[0] for digit in range(10)]
        zeros = (self.zero or (names[0],)) if "0" in written else ("",)
        return [
            " ".join(zero if sign == "0" else names[int(sign)] for sign in written if sign.isdecimal())
            for zero in zeros
        ]

    def plain(self, written: str) -> list[str]:
        """Digits as a number that counts nothing."""
        if len(written) > LONGEST_NUMBER or (len(written) > 1 and written[0] == "0"):
            return self.digits(written)
        return self.counted(int(written))

    def pairs(self, written: str) -> list[str]:
        """A code in groups of two digits, the first of one or two; of three digits also 1 + 2."""
        if not 2 < len(written) <= 12:
            return []
        first = 2 - len(written) % 2
        groups = [written[:first]] + [written[i : i + 2] for i in range(first, len(written), 2)]
        return self.grouped(groups)

    def coded(self, one: str, two: str) -> list[str]:
        """The two numbers of a name: Boeing 737-800."""
        return []

    def phone_pairs(self, written: str) -> list[str]:
        return self.pairs(written) + self.grouped([written[i : i + 3] for i in range(0, len(written), 3)])

    def grouped(self, groups: list[str]) -> list[str]:
        """Groups of digits one behind the other, each as a number."""
        each = []
        for group in filter(None, groups):
            if group[0] == "0" or len(group) > 4:
                rest = group.lstrip("0")
                zeros = [" ".join([zero] * (len(group) - len(rest))) for zero in self.zero]
                more = [f"{zero} {self.counted(int(rest))[0]}" for zero in zeros] if rest and len(rest) < 4 else []
                each.append(self.digits(group) + more)
            else:
                each.append(self.counted(int(group))[:2])
        return list(itertools.islice(ways(*each), 16))

    def code_number(self, written: str) -> list[str]:
        """Digits that touch letters: a number, or digit by digit."""
        return [*self.plain(written), *self.digits(written), *(self.pairs(written) if len(written) > 2 else [])]
