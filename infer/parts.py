"""Texts that are too long for one breath: cut at the ends of sentences, spoken part after part, joined to one wave.

A part is prompted with the voice and, as far as recipe.parts.prompt_tokens and the prompt have room, with what was said
before, so that tone and pace go on (GLM-TTS: glmtts_inference.py, generate_long). With prompt_tokens 0 (CosyVoice), of
a voice without a prompt, and with an instruction, each part begins afresh.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from omegaconf import DictConfig, OmegaConf
from transformers import PreTrainedTokenizerBase

from data_prep.given_readings import FIELD, as_field, moved
from data_prep.prompt_template import Said
from data_prep.prompts import PromptMaker, Request
from infer.bounds import text_lengths
from infer.texts import Sentence
from speech.jsonl import BadField, BadRows
from speech.readings import clean, spans
from speech.readings.units import CLUSTERED
from speech.tokens import parse_speech_tokens

_CLOSING = "\"'”’」』）)】》»"
_INITIAL = r"(?<!\b[A-ZÀ-ÖØ-ÞĄĆĘŁŃŚŹŻА-ЯЁ])"  # J. Smith
# A full stop in 3.5 ends nothing. Of Arabic and Urdu, Ethiopic, Armenian, India, Burma, Cambodia, Tibet, too.
_SENTENCE = re.compile(rf"(?:[。！？!?；;…؟؛۔።፧։।॥။។៕།]+|{_INITIAL}\.+(?=[\s{_CLOSING}]|$))[{_CLOSING}]*\s*")
_COMMA = re.compile(r"(?:[，、：،፣၊]|[,:](?=\s))\s*")
_BLANK = re.compile(r"\s+")
_SHOWN = 20  # characters of a part that is too long
# A prime, more than all samples of all texts: no part of a text draws by the seed of another one, or of the next
# recipe.seed (infer.backends.first_seed).
_PARTS_APART = 15_485_863


class Joined(list[int]):
    """Token ids of several parts; `cuts`: how many each of them has."""

    def __init__(self, parts: Sequence[Sequence[int]]):
        super().__init__(token for part in parts for token in part)
        self.cuts = [len(part) for part in parts]


def cut(text: str, length: Callable[[str], int], token_max_n: int, merge_len: int, language: str) -> list[str]:
    """The parts of a text, which together are the text: as many whole sentences as token_max_n tokens hold; of a longer
    sentence, what stands between commas; of what is still longer, where blanks part phrases (Thai), what stands between
    them; else it stays whole. A mark that is part of what is read ends nothing (am 3. Oktober, Dr. Smith, No. 5):
    behind it the parts would be read otherwise. A last part below merge_len goes with the one before it.

    >>> cut("你好。今天星期三。再见！", len, 8, 4, "zh")
    ['你好。', '今天星期三。再见！']
    >>> cut("It is 3.5 km. Fine.", len, 14, 0, "en")
    ['It is 3.5 km. ', 'Fine.']
    """
    if length(text) <= token_max_n:
        return [text]
    read, places = _read(text, language), [0, len(text)]
    for mark in (_SENTENCE, _COMMA, *([_BLANK] if language in CLUSTERED else [])):
        ends = [m.end() for m in mark.finditer(text) if not any(a < m.end() and m.start() < b for a, b in read)]
        long = [(a, b) for a, b in pairwise(places) if length(text[a:b]) > token_max_n]
        places = sorted({*places, *(end for a, b in long for end in ends if a < end < b)})
    pieces = [text[a:b] for a, b in pairwise(places)]
    parts = [""]
    for piece in pieces:
        if parts[-1] and length(parts[-1] + piece) > token_max_n:
            parts.append("")
        parts[-1] += piece
    if len(parts) > 1 and length(parts[-1]) < merge_len:
        parts[-2:] = [parts[-2] + parts[-1]]
    return parts


def _read(text: str, language: str) -> list[tuple[int, int]]:
    """Places [start, end) that are read as one. Abbreviations of English are known in every language."""
    cleaned = clean(text)
    found = [span for name in dict.fromkeys((language, "en")) for span in spans(cleaned.text, name)]
    return [(cleaned.origin[span.start], cleaned.origin[span.end]) for span in found]


@dataclass
class _Track:
    """One sample of a text: what is still to be said, and what was; `first`: the place of its first part among all
    samples of all texts."""

    requests: list[Request]
    said: list[tuple[str, list[int], bool]]  # part as it was read, token ids, ended by itself
    first: int = 0

    @property
    def place(self) -> int:
        """Of the part that comes next, by which it is seeded."""
        return self.first + len(self.said) * _PARTS_APART


class Speaker:
    """Args:
    maker, tokenizer: of the prompts.
    generate: of a backend (infer/backends.py); None: nothing is spoken.
    how: recipe.parts; None: every text is one part.
    """

    def __init__(
        self,
        maker: PromptMaker,
        tokenizer: PreTrainedTokenizerBase,
        generate: Callable[..., Any] | None,
        how: DictConfig | None,
    ):
        self._maker, self._tokenizer, self._generate, self._how = maker, tokenizer, generate, how

    def requests(self, sentence: Sentence) -> list[Request]:
        """The parts of a sentence; those in which nothing is to be said (a row of dots) go with their neighbours."""
        asked = sentence.request
        if self._how is None:
            return [asked]
        texts = cut(asked.text, self._length, self._how.token_max_n, self._how.merge_len, asked.language)
        found: list[Request] = []
        carried, begin, end = "", 0, 0  # the last part is of asked.text[begin:end]
        for text in texts:
            start, end = end, end + len(text)
            try:
                found.append(self._request(asked, carried + text, start - len(carried), end))
                begin, carried = start - len(carried), ""
            except BadField:
                if not found:
                    carried += text
                    continue
                found[-1] = self._request(asked, found[-1].text + text, begin, end)
        return found or [asked]

    def _request(self, asked: Request, text: str, begin: int, end: int) -> Request:
        """The part `text`, which is asked.text[begin:end] but for white space."""
        row = {"text": text, "language": asked.language, "voice": asked.voice, "instruction": asked.instruction}
        readings = tuple((at - begin, pinyin) for at, pinyin in asked.readings if begin <= at < end)
        return self._maker.request(row | {FIELD: as_field(moved(readings, asked.text[begin:end], text))})

    def _length(self, text: str) -> int:
        return text_lengths([text], self._tokenizer)[0]

    def speak(
        self, sentences: Sequence[Sentence], decoding: DictConfig, numbers: Sequence[int] | None = None
    ) -> list[list[tuple[list[int], bool]]]:
        """`decoding.samples` answers for each sentence, whose ids are Joined where it had several parts. `numbers` of
        the sentences among all, of which these may be a share; None: these are all."""
        numbers, each = range(len(sentences)) if numbers is None else numbers, decoding.samples
        tracks = [
            _Track(self.requests(one), [], number * each + sample)
            for one, number in zip(sentences, numbers, strict=True)
            for sample in range(each)
        ]
        one_sample = OmegaConf.merge(decoding, {"samples": 1})
        while going := [track for track in tracks if len(track.said) < len(track.requests)]:
            requests = [track.requests[len(track.said)] for track in going]
            prompts = [self._prompt(track, request) for track, request in zip(going, requests, strict=True)]
            lengths = text_lengths([read for _, read in prompts], self._tokenizer)
            places = [track.place for track in going]
            answers = self._generate([ids for ids, _ in prompts], one_sample, text_tokens=lengths, places=places)
            for track, (_, read), ((ids, finished),) in zip(going, prompts, answers, strict=True):
                track.said.append((read, ids, finished))
        flat = [(Joined([ids for _, ids, _ in t.said]), all(finished for _, _, finished in t.said)) for t in tracks]
        return [flat[i : i + each] for i in range(0, len(flat), each)]

    def refuse_too_long(self, sentences: Sequence[Sentence]) -> None:
        """Raises BadRows: sentences with a part that is too long for a prompt even without what was said before it, all
        of them."""
        faults = []
        for one in sentences:
            part = one.request
            try:
                for part in self.requests(one):
                    self._ids(part, ())
            except BadField as bad:
                faults.append(f"{one.where}: field '{bad.field}': {part.text[:_SHOWN]!r} {bad.reason}")
        if faults:
            raise BadRows(faults)

    def _ids(self, request: Request, earlier: Sequence[Said]) -> tuple[list[int], str]:
        """Ids of a part's prompt, and the part as the model reads it. Raises BadField."""
        messages = self._maker.messages(request, training=False, earlier=earlier)
        return self._maker.ids(messages, self._tokenizer), self._maker.as_read(request, messages)

    def _prompt(self, track: _Track, request: Request) -> tuple[list[int], str]:
        """As _ids, with as much of the last parts as recipe.parts.prompt_tokens and recipe.max_prompt_tokens allow.
        Raises BadRows if it is too long without any."""
        earlier = [(read, parse_speech_tokens(self._tokenizer.decode(ids))[0]) for read, ids, _ in track.said]
        voice = self._maker.voice_of(request)
        if voice is None or not (voice.speech_tokens and voice.prompted) or request.instruction is not None:
            earlier = []  # nothing to go on from
        while True:
            spoken = sum(len(tokens) for _, tokens in earlier) + len(voice.speech_tokens if voice else ())
            if not earlier or spoken <= self._how.prompt_tokens:
                try:
                    return self._ids(request, earlier)
                except BadField as bad:
                    if not earlier:
                        raise BadRows([f"{request.text}: {bad.reason}"]) from None
            earlier = earlier[1:]


def parts_of(ids: Joined, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Speech tokens of each part."""
    ends = [0, *accumulate(ids.cuts)]
    parts = [ids[begin:end] for begin, end in pairwise(ends)]
    return [len(parse_speech_tokens(tokenizer.decode(part, skip_special_tokens=True))[0]) for part in parts]
