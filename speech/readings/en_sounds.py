"""English words as they sound: spellings of one word (breame: British and American), homophones (misaki's dictionary)."""

import importlib.resources
import json
import re
from functools import lru_cache

from breame.spelling import get_american_spelling

_STRESS = str.maketrans("", "", "ˈˌ")
_WORD = re.compile(r"[^\W_]+(?:['’ʼ`´][^\W_]+)*['’]?")
_LETTERS = dict(b="be", c="see", i="eye", j="jay", k="kay", o="oh", p="pea", q="queue", r="are", t="tea", u="you", y="why", x="ex")
# What a dictionary of careful speech takes for two: weak forms, and names for numbers.
_ALIKE = [{"okay", "ok"}, {"a", "eh"}]
_SPELT = {"grey": "gray", "mum": "mom", "mums": "moms", "theatre": "theater", "theatres": "theaters", "programme": "program",
          "programmes": "programs", "cheque": "check", "cheques": "checks", "tyre": "tire", "tyres": "tires", "kerb": "curb",
          "storey": "story", "storeys": "stories", "gaol": "jail", "per": "per"}  # fmt: skip


@lru_cache(maxsize=1)
def _homophones() -> dict[str, tuple[str, ...]]:
    """Word -> the spellings that stand for its sounds (the same for all words of a sound), if it shares one."""
    text = importlib.resources.files("misaki").joinpath("data/us_gold.json").read_text(encoding="utf-8")
    sounds: dict[str, list[str]] = {}
    for word, said in json.loads(text).items():
        key = word.casefold()
        if not re.fullmatch(r"[a-z']+", key) or len(key) < 2:
            continue
        each = [said] if isinstance(said, str) else [way for way in said.values() if way]
        for way in dict.fromkeys(sound.translate(_STRESS) for sound in each):
            sounds.setdefault(way, []).append(key)
    shared: dict[str, tuple[str, ...]] = {}
    for words in sounds.values():
        spellings = {get_american_spelling(word).replace("'", "") for word in words}
        first = min(spellings, key=lambda spelling: (len(spelling), spelling))
        if len(spellings) > 1:
            for spelling in spellings:
                shared[spelling] = (*shared.get(spelling, ()), first)
    return shared


@lru_cache(maxsize=65_536)
def sounds(word: str) -> tuple[str, ...]:
    """Acceptable sounds of a word in lower case: what stands for its homophones first, its own spelling last."""
    american = _SPELT.get(word) or get_american_spelling(word)
    plain = re.sub(r"['’ʼ`´]", "", american)
    plain = _LETTERS.get(plain, plain) if len(plain) == 1 else plain
    own = re.sub(r"['’ʼ`´]", "", word)
    return tuple(dict.fromkeys([*_homophones().get(plain, (plain,)), plain])) + ((own,) if own != plain else ())


def units(words: str) -> list[tuple[str, ...]]:
    """Words between blanks and marks; an apostrophe parts nothing."""
    return [sounds(word) for word in _WORD.findall(words.casefold())]
