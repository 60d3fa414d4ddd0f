"""The ends of Russian and Polish ranges."""

import re

from speech.readings.european import Number
from speech.readings.european_language import Language


class Slavic(Language):
    def first_of_range(self, first: Number, second: Number, gender: str) -> list[str]:
        """3-8 метров: the noun's genitive is that of the eight; the three is as it stands alone."""
        agreeing = self.said(first, gender)
        if not gender.startswith("=") or first.fraction or not _few(first.value) or _few(second.value):
            return agreeing
        sexes = "mf" if re.search("(?:[оеё]в|ей|ów)$", gender) else "fm"
        return list(dict.fromkeys([*(self.said(first, sex)[0] for sex in sexes), *agreeing]))


def _few(number: int) -> bool:
    return number % 10 in (1, 2, 3, 4) and number % 100 not in (11, 12, 13, 14)
