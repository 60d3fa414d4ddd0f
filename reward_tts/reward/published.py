"""Error rates as the published systems count them, so that their numbers can be reproduced and compared.

Each is a unit that recipe.reward may name (`error: {unit: published_text}`, `terms: {error: {unit: published_text}}`).
They count a right reading of a text with digits as wrong where the published scripts do. `mixed` is the evaluation's
alone.
"""

import re
import string
from collections.abc import Callable
from functools import lru_cache

import jiwer

Published = Callable[[str, str, str, bool], float]


def error_counts(reference: list[str], hypothesis: list[str]) -> dict[str, int]:
    """Substitutions, deletions and insertions of the shortest edit path from reference to hypothesis, by jiwer.

    >>> error_counts(["a", "b", "c"], ["a", "x"])
    {'substitutions': 1, 'deletions': 1, 'insertions': 0}
    """
    counted = jiwer.process_words([list(reference)], [list(hypothesis)], _as_it_is, _as_it_is)
    return {kind: getattr(counted, kind) for kind in ("substitutions", "deletions", "insertions")}


def _as_it_is(units: list[list[str]]) -> list[list[str]]:
    """Instead of jiwer's transforms: what comes here is divided already."""
    return units


def rate(reference: list[str], hypothesis: list[str]) -> float:
    """(S + D + I) / len(reference), not capped; an empty reference counts as 1 long."""
    return sum(error_counts(reference, hypothesis).values()) / max(len(reference), 1)


def pinyin(reference: str, hypothesis: str, language: str, tones: bool) -> float:
    """Word error rate of pinyin, of texts that WeTextProcessing has normalised (numbers read, marks removed,
    characters simplified, letters and digits of full width made plain): the CosyVoice GRPO recipe
    (token2wav_asr_server.py), with tones; mair-hub's later form without. A Latin word is one syllable."""
    return rate(_published_pinyin(reference, tones), _published_pinyin(hypothesis, tones))


def _published_pinyin(text: str, tones: bool) -> list[str]:
    from pypinyin import Style, lazy_pinyin

    spoken = _wetext()(text).lower()
    style = Style.TONE3 if tones else Style.NORMAL
    found = lazy_pinyin(spoken, style=style, tone_sandhi=tones, neutral_tone_with_five=tones)
    return " ".join(found).split()


@lru_cache(maxsize=1)
def _wetext() -> Callable[[str], str]:
    from wetext import Normalizer  # slow to import: it loads the grammars of all its languages

    # WeTextProcessing's ZhNormalizer, which the published server asks, does the last two of itself; wetext does not.
    return Normalizer(
        lang="zh", operator="tn", remove_puncts=True, traditional_to_simple=True, full_to_half=True
    ).normalize


def characters(reference: str, hypothesis: str, language: str, tones: bool) -> float:
    """jiwer's CER of the texts as they stand: ch-tts-llasa-rl-grpo (verl/utils/reward_score/tts_cer.py).

    >>> characters("The cat.", "the cat", "en", False)
    0.25
    """
    return jiwer.cer(reference, hypothesis) if reference else float(len(hypothesis))


def text(reference: str, hypothesis: str, language: str, tones: bool) -> float:
    """seed-tts-eval's (run_wer.py), which GLM-TTS's reward server has too: without marks but the apostrophe, characters
    of zh, yue, ja and ko, words in lower case elsewhere; of zh the transcript in simplified characters.

    >>> text("第2个。", "第二个", "zh", False) == 1 / 3
    True
    """
    return rate(*seed_tts_eval(reference, hypothesis, language))


def seed_tts_eval(reference: str, hypothesis: str, language: str) -> tuple[list[str], list[str]]:
    """The units that seed-tts-eval compares."""
    import zhconv

    if language in ("zh", "yue"):
        hypothesis = zhconv.convert(hypothesis, "zh-cn")
    kept = [one.translate(_marks(but="'")).replace("  ", " ") for one in (reference, hypothesis)]
    if language in ("zh", "yue", "ja", "ko"):
        return tuple("".join(one.split()) for one in kept)  # its space between two characters is none of jiwer's words
    return tuple(one.lower().split() for one in kept)


_ASCII_OR_ONE = re.compile(r"[!-~]+|.")


def mixed(reference: str, hypothesis: str, language: str) -> tuple[int, int | None, int]:
    """(edits, edits without homophones, units) of a text in zh, yue, ja or ko that may hold Latin letters, as mair-hub
    counts (offline-decode-files.py, compute-wer.py): without spaces, in capitals, a run of ASCII is one word. The
    second number excuses a character that is heard as another one with the same pinyin and tone, and 的 heard as 地 or
    the reverse; it is None of other languages than zh. Which of several shortest paths is taken is jiwer's choice.

    >>> mixed("我用GPT，他买书。", "我用gpt她卖书", "zh")
    (2, 1, 6)
    """
    asked, heard = (_ASCII_OR_ONE.findall(one.upper()) for one in seed_tts_eval(reference, hypothesis, language))
    counted = jiwer.process_words([asked], [heard], _as_it_is, _as_it_is)
    edits = counted.substitutions + counted.deletions + counted.insertions
    if language != "zh":
        return edits, None, len(asked)
    changed = [chunk for chunk in counted.alignments[0] if chunk.type == "substitute"]
    pairs = [
        (asked[chunk.ref_start_idx + i], heard[chunk.hyp_start_idx + i])
        for chunk in changed
        for i in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]
    return edits, edits - sum(_sound_alike(*pair) for pair in pairs), len(asked)


def _sound_alike(one: str, other: str) -> bool:
    from pypinyin import Style, lazy_pinyin

    first, second = (lazy_pinyin(unit, style=Style.TONE3, neutral_tone_with_five=True) for unit in (one, other))
    return first == second or {one, other} == {"的", "地"}


@lru_cache(maxsize=2)
def _marks(but: str = "") -> dict[int, None]:
    """For str.translate: ASCII's and the Chinese marks go, except those of `but`."""
    from zhon.hanzi import punctuation

    return dict.fromkeys(ord(mark) for mark in punctuation + string.punctuation if mark not in but)


def words(reference: str, hypothesis: str, language: str, tones: bool) -> float:
    """The Inworld TTS trainer's (tts/training/rlhf/reward_utils.py of main, 6a3d36c): lower case, without ASCII's and
    the Chinese marks; characters of zh (simplified ones), ja and ko, words between spaces elsewhere.

    >>> words("It’s late.", "its late", "en", False)
    0.0
    """
    import zhconv

    kept = [one.lower().translate(_marks()) for one in (reference, hypothesis)]
    if language == "zh":
        kept = [zhconv.convert(one, "zh-cn") for one in kept]
    return rate(*("".join(one.split()) if language in ("zh", "ja", "ko") else one.split() for one in kept))


FORMS: dict[str, Published] = {
    "published_pinyin": pinyin,
    "published_characters": characters,
    "published_text": text,
    "published_words": words,
}
