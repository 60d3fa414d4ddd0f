"""GLM-TTS's prompt: the voice's own words and a space, the text, and what is open of the voice's speech.

`recipe.prompt_template: models.glm_tts.prompt.zero_shot`. The tokenizer that models/glm_tts/convert.py makes encodes
the two texts each on its own, as glmtts_inference.py does.
"""

import re
from collections.abc import Sequence

from zhconv import convert

from data_prep.prompt_template import Messages, Said
from speech.readings.tags import without_tags
from speech.tokens import format_speech_tokens
from speech.voices import Voice

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_PHONEME = re.compile(r"<\|[^|]*\|>")
_MARKS = "。？！；：、.?!;:，,"  # what the published front end calls punctuation
_KANA = re.compile(r"[\u3041-\u30ff]")
# A hyphen or slash between words and at numbers (well-known, and/or, GPT-4), not one of a unit (80km/h) or an address.
_BESIDE_LETTERS = re.compile(
    r"(?<![\w./])([A-Za-z]+)/(?=[A-Za-z]+(?![\w./]))|(?<=[A-Za-z])-(?=[A-Za-z\d])|(?<=\d)-(?=[A-Za-z])"
)
_REPLACED = str.maketrans("噢欸", "哦诶")  # its configs/custom_replace.jsonl
_HELD = "\ue000"  # stands for a phoneme while the text around it is normalised
# Of texts without Chinese characters the published front end keeps letters, digits and .,!?':; alone. What stands
# between words is a space here, so that no two words become one; other scripts' marks and combining accents stay, and
# the signs of C# and C++: without them the text would be another one.
_BREAKS = re.compile(r"[-\u2010-\u2015…/]")
_UNREAD = re.compile(rf"_|(?<![\w+])[#+]|[^\w\s'{_MARKS}{_HELD}\u0300-\u036f#+]")


def zero_shot(
    text: str,
    voice: Voice | None = None,
    speech_prefix: Sequence[int] = (),
    language: str | None = None,
    earlier: Sequence[Said] = (),
) -> Messages:
    """Messages of a text that may hold phonemes (`<|X|><|ING2|>`, see models/glm_tts/phoneme_in.py). `earlier`: the
    parts of a long text that the voice said before, each a turn of its own as it was read (generate_long).

    >>> zero_shot("你好,世界", Voice("a", "早上好!", (7, 8)))
    [{'role': 'user', 'content': '早上好。 '}, {'role': 'user', 'content': '你好，世界。'}, \
{'role': 'assistant', 'content': '<|s_7|><|s_8|>'}]
    """
    tokens = [*(voice.speech_tokens if voice else ()), *(token for _, spoken in earlier for token in spoken)]
    tokens += speech_prefix
    messages = [{"role": "user", "content": normalise(voice.text, voice.language or language) + " "}] if voice else []
    messages += [{"role": "user", "content": read} for read, _ in earlier]
    messages.append({"role": "user", "content": normalise(text, language)})
    return [*messages, {"role": "assistant", "content": format_speech_tokens(tokens)}] if tokens else messages


def normalise(text: str, language: str | None = None) -> str:
    """Text with the punctuation and letter case of the published front end (cosyvoice/cli/frontend.py); numbers and
    signs are read out before (recipe.text_normalisation: spoken), and no word changes but 噢 and 欸, written 哦 and 诶.
    Chinese: commas, colons, semicolons become ，; quotes, brackets,
    slashes and hyphens go; ？ becomes ?, and ！ a full stop, inside a text the plain one; traditional characters become
    simplified ones. Other texts: lower case, letters, digits and .,!?':; alone (and C#, C++), a space behind those
    signs but between digits; dashes, slashes and … are a space. A hyphen or slash at a letter is a space; control tags
    ([breath]), of which the model has none, go. Of several marks on end the last stays; every text ends with one.

    >>> normalise("他说:「行不行?」 OK!!")
    '他说，行不行?ok。'
    >>> normalise("臺北很熱！真的？")
    '台北很热.真的?'
    >>> normalise("千葉県東京都", "ja")
    '千葉県東京都。'
    >>> normalise("Hello  World")
    'hello world.'
    >>> normalise("Well… I don't know – he left")
    "well i don't know he left."
    >>> normalise("The well-known one costs twenty five dollars and/or more")
    'the well known one costs twenty five dollars and or more.'
    """
    held = _PHONEME.findall(text)
    text = without_tags(_PHONEME.sub(_HELD, text))
    text = _BESIDE_LETTERS.sub(r"\1 ", text)
    chinese = bool(_HAN.search(text) and not _KANA.search(text)) or bool(held)
    if chinese and language in (None, "zh", "yue"):  # not 東京 of a Japanese text
        text = convert(text, "zh-hans")
    text = _chinese(text) if chinese else _other(text)
    text = re.sub(f"[{_MARKS}](?=[{_MARKS}])", "", text).replace("！", ".").replace("!", ".").replace("？", "?")
    if text and text[-1] == "?":
        return _restore(text, held)
    text = (text[:-1] if text and text[-1] in _MARKS else text) + ("。" if chinese else ".")
    return _restore(text, held)


def _chinese(text: str) -> str:
    text = text.translate(_REPLACED)
    text = re.sub(r"(?<=[^\d\sA-Za-z])\.|\.(?![\dA-Za-z])|[…~～]", "。", text)
    text = re.sub(r"(?<!\d)[,:：]|[,:：](?!\d)|[;；、，]|——| - ", "，", text).replace("?", "？")
    text = re.sub(r"，{2,}", "，", text)
    text = re.sub(r"(?<![\dA-Za-z.])[-/](?![\dA-Za-z])|[()（）【】「」《》『』{}\[\]`'\"‘’“”|_·\\]", "", text).lower()
    word = "[0-9A-Za-z]"
    return re.sub(f"(?<!{word}) +| +(?!{word})", "", text)


def _other(text: str) -> str:
    text = _BREAKS.sub(" ", text.replace("’", "'")).lower()
    text = _UNREAD.sub("", text)
    text = re.sub(r"\s+(?=[.,!?:;]|'(?!\w))", "", text)
    return " ".join(re.sub(r"(?<=[.,!?:;])(?!(?<=\d[.,:])\d)(?=\w)", " ", text).split())


def _restore(text: str, held: list[str]) -> str:
    phonemes = iter(held)
    return re.sub(_HELD, lambda _: next(phonemes), text)
