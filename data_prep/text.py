"""How a text is written before anything else sees it: prompts, ground truths and the duplicate check read this form."""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff]")
_SPOKEN = re.compile(r"[^\W_]")


def normalise_text(text: str) -> str:
    """Unicode NFKC, no control characters or zero-width spaces, single spaces, none at the ends.

    Modest on purpose: a text-to-speech model hears case and punctuation, so they stay. (reward_tts.text_norm goes
    further, for comparing.)

    >>> normalise_text(" Ｈｅｌｌｏ，　世界！\\n今天\\t好\\u200b ")
    'Hello, 世界! 今天 好'
    """
    return " ".join(_CONTROL.sub("", unicodedata.normalize("NFKC", text)).split())


def has_speech(text: str) -> bool:
    """Whether there is a letter or a digit of any script to speak."""
    return _SPOKEN.search(text) is not None
