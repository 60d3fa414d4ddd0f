"""GLM-TTS's prompt: the voice's own words and a space, the text, and what is open of the voice's speech.

`recipe.prompt_template: models.glm_tts.prompt.zero_shot`. The tokenizer that models/glm_tts/convert.py makes encodes
the two texts each on its own, as glmtts_inference.py does.
"""

import re
from collections.abc import Sequence
from contextlib import suppress

from data_prep.prompt_template import Messages
from speech.text_norm import by_wetext, read_numbers
from speech.tokens import format_speech_tokens
from speech.voices import Voice

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_PHONEME = re.compile(r"<\|[^|]*\|>")
_MARKS = "。？！；：、.?!;:，,"  # what the published front end calls punctuation
_BETWEEN_LETTERS = re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])")
_REPLACED = str.maketrans("噢欸", "哦诶")  # its configs/custom_replace.jsonl
_HELD = "\ue000"  # stands for a phoneme while the text around it is normalised


def zero_shot(text: str, voice: Voice | None = None, speech_prefix: Sequence[int] = ()) -> Messages:
    """Messages of a text that may hold phonemes (`<|X|><|ING2|>`, see models/glm_tts/phoneme_in.py).

    >>> zero_shot("你好,世界", Voice("a", "早上好!", (7, 8)))
    [{'role': 'user', 'content': '早上好。 '}, {'role': 'user', 'content': '你好，世界。'}, \
{'role': 'assistant', 'content': '<|s_7|><|s_8|>'}]
    """
    tokens = [*(voice.speech_tokens if voice else ()), *speech_prefix]
    messages = [{"role": "user", "content": normalise(voice.text) + " "}] if voice else []
    messages.append({"role": "user", "content": normalise(text)})
    return [*messages, {"role": "assistant", "content": format_speech_tokens(tokens)}] if tokens else messages


def normalise(text: str) -> str:
    """Text as the published front end (cosyvoice/cli/frontend.py) writes it, as far as punctuation, letter case and
    numbers go. Chinese: commas, colons, semicolons become ，; full stops and exclamation marks become 。; quotes,
    brackets and hyphens go; / is 每, 噢 哦, 欸 诶; digits are read out. Other texts: as WeText reads English, in lower
    case, with plain punctuation. A hyphen between letters is a space. Of several marks on end the last stays; every
    text ends with one.

    >>> normalise("他说:「行不行?」 OK!!")
    '他说，行不行？ok。'
    >>> normalise("Hello  World")
    'hello world.'
    >>> normalise("The well-known one costs 25 dollars")
    'the well known one costs twenty five dollars.'
    """
    held = _PHONEME.findall(text)
    text = _PHONEME.sub(_HELD, text)
    text = _BETWEEN_LETTERS.sub(" ", text)
    chinese = bool(_HAN.search(text)) or bool(held)
    text = _chinese(text) if chinese else _other(text)
    text = re.sub(f"[{_MARKS}](?=[{_MARKS}])", "", text).replace("！", "。").replace("!", "." if not chinese else "。")
    if text and text[-1] in "？?":
        return _restore(text, held)
    text = (text[:-1] if text and text[-1] in _MARKS else text) + ("。" if chinese else ".")
    return _restore(text, held)


def _chinese(text: str) -> str:
    text = read_numbers(text.translate(_REPLACED))
    text = re.sub(r"(?<=[^\d\s])\.|\.(?!\d)|[…~～]", "。", text)
    text = re.sub(r"[,:：;；、]+|——| - ", "，", text).replace("?", "？").replace("/", "每")
    text = re.sub(r"[-()（）【】「」《》『』{}\[\]`'\"‘’“”|_·#*\\]", "", text).lower()
    word = "[0-9A-Za-z]"
    return re.sub(f"(?<!{word}) +| +(?!{word})", "", text)


def _other(text: str) -> str:
    with suppress(AssertionError):  # of text that WeText's grammar has no way through
        text = by_wetext(text.replace("'", "’"), "en")
    text = text.replace("—", " ").replace("’", "'").lower()
    text = re.sub(r"[^\w\s.,!?':;]", "", text)
    text = re.sub(r"\s*([.,!?:;'])\s*", r"\1", text)
    return " ".join(re.sub(r"(?<=[.,!?:;])(?=\w)", " ", text).split())


def _restore(text: str, held: list[str]) -> str:
    phonemes = iter(held)
    return re.sub(_HELD, lambda _: next(phonemes), text)
