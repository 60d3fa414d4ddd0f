"""A row's text, language and voice -> the messages that the model reads. Stage data, evaluation and inference all make
their prompts here, so that a model is tested with what it was trained on. What a recipe says of it (recipe.yaml):

    text_normalisation   how a text is written: none, nfkc or spoken, see NORMALISATIONS
    voice_choice         as_named; or one_per_text: rows that name no voice get one of recipe.voices, drawn by the text
                         and recipe.seed, the same for all rollouts of it
    languages            those of its ASRs: a row of another one is refused; null: those of Whisper, which are most
    needs_voice          whether a row without a voice is refused, because the token2wav speaks with a given one only
                         (neither is for the rows of SFT, whose speech is there and need not be of such a voice)
    phoneme_in           null, or {reader: a function of this branch -> texts with some words as phonemes, ...}, such as
                         models/glm_tts/phoneme_in.py
    prompt_template      messages of text, voice and speech prefix, data_prep/prompt_template.py
    misread              {language: {characters, write}}: texts of it with such characters are named, not refused
    max_prompt_tokens    a longer prompt is refused: verl would cut its beginning off
    max_text_chars       a longer text is refused, here as by the reward server
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig
from transformers import PreTrainedTokenizerBase
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from data_prep.given_readings import GivenReadings, given_readings, moved
from data_prep.instructions import taken_apart, words_of_voice
from data_prep.jsonl import check_text
from data_prep.prompt_template import Messages, Said, encode_prompt
from speech.faults import UserError
from speech.jsonl import BadField, BadRows
from speech.labels import check_string
from speech.loading import tokenizer_of
from speech.readings import may_be_said, writing
from speech.readings.languages import reads_numbers
from speech.templates import has_turns, prompt_template, takes_instructions, takes_unprompted
from speech.texts import NORMALISATIONS, as_written, spoken
from speech.voices import LANGUAGE, Voice, read_voices, voice_of

_LANGUAGE = re.compile(LANGUAGE)


def _plain(text: str, language: str, training: bool, readings: GivenReadings = ()) -> str:
    return text


VOICE_CHOICES = ("as_named", "one_per_text")


def draw_voice(text: str, names: Sequence[str], seed: int) -> str:
    """One of the voices' names, sorted: the same for every row with this text, hence for all rollouts of it."""
    return random.Random(f"{seed} voice {text}").choice(names)


def checked(voices: Mapping[str, Voice], recipe: DictConfig) -> dict[str, Voice]:
    """The voices with their words as a prompt may hold them, of recipe.language where they name none. Raises BadRows:
    words that are none, speech tokens of another codebook, voices that are to stay out of prompts where none can, all
    of them."""
    found, faults, template = {}, [], recipe.prompt_template
    for voice in voices.values():
        try:
            if not (voice.prompted or takes_unprompted(template)):
                raise BadField("prompted", f"is false, and {recipe.name} speaks with no voice that is in no prompt")
            words = words_of_voice(voice, template)
            found[voice.name] = replace(voice, language=voice.language or recipe.language, **words)
        except BadField as bad:
            faults.append(f"{recipe.voices}: voice {voice.name!r}: field {bad.field!r} {bad.reason}")
        if voice.speech_tokens and max(voice.speech_tokens) >= recipe.codebook_size:
            faults.append(
                f"{recipe.voices}: voice {voice.name!r} has speech token {max(voice.speech_tokens)}, the codebook "
                f"of {recipe.name} ends at {recipe.codebook_size - 1}: are they another recipe's?"
            )
    if faults:
        raise BadRows(faults)
    return found


@dataclass(frozen=True)
class Request:
    """What is to be said.

    Attributes:
        text: as it was given, but for white space and (nfkc) compatibility forms; what the reward compares with.
        language: of it.
        voice: its name, or None.
        written: the text as the model reads it (but for phonemes); empty: the same.
        instruction: how it is to be said, of families whose prompts have a place for that; nobody says it.
        readings: of single characters of `text`, of recipes whose prompts hold phonemes.
    """

    text: str
    language: str
    voice: str | None
    written: str = ""
    instruction: str | None = None
    readings: GivenReadings = ()


class PromptMaker:
    """Rows -> requests -> messages -> token ids; `recipe` is that branch of any stage's configuration.

    Raises:
        ValueError: a setting that is none, or lacks what it needs. FileNotFoundError: a file that it names is missing.
        BadRows: voices that no prompt can hold.
    """

    def __init__(self, recipe: DictConfig):
        for key, known in (("text_normalisation", NORMALISATIONS), ("voice_choice", VOICE_CHOICES)):
            if recipe[key] not in known:
                raise UserError(f"recipe.{key}={recipe[key]}: known are {', '.join(known)}")
        self.voices = checked(read_voices(recipe.voices), recipe)
        self._voice_names = sorted(self.voices)
        self._draws, self._needs_voice = recipe.voice_choice == "one_per_text", recipe.needs_voice
        if self._draws and not self.voices:
            raise UserError(f"recipe.voice_choice=one_per_text draws from recipe.voices={recipe.voices}: no voice")
        self._name, self._language, self._seed = recipe.name, recipe.language, recipe.seed
        self._languages = None if recipe.languages is None else list(recipe.languages)
        self._max_chars, self._template_name = recipe.max_text_chars, recipe.prompt_template
        self._tokenizer_dir, self.max_tokens = recipe.tokenizer_dir, recipe.max_prompt_tokens
        self._write = NORMALISATIONS[recipe.text_normalisation]
        self.unsure = 0  # requests with something that stands as it was because no reading of it is sure
        self._unread = Counter[str]()  # {language: requests with digits, of which there are no readings}
        self._misread = {language: (re.compile(one.characters), one.write) for language, one in recipe.misread.items()}
        self._found: dict[str, tuple[int, str]] = {}  # {language: (requests with such characters, the first's text)}
        reader = (recipe.phoneme_in or {}).get("reader")
        self._phonemes = hydra.utils.get_method(reader)(recipe) if reader else _plain
        self.takes_readings = reader is not None
        self._template: Callable[..., Messages] = prompt_template(recipe.prompt_template)
        self.takes_instructions = takes_instructions(recipe.prompt_template)
        self._has_turns = has_turns(recipe.prompt_template)
        self._character_tokens = recipe.get("character_tokens", False)
        self._known: dict[str, tuple[set[str], set[str]]] = {}  # {tokenizer: characters that it knows, and others}
        self._written_voices: dict[str, Voice] = {}

    @property
    def languages(self) -> list[str]:
        """Those that rows may be in."""
        return self._languages or sorted(LANGUAGES)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The one in recipe.tokenizer_dir. Raises FileNotFoundError."""
        if not Path(self._tokenizer_dir, "tokenizer_config.json").is_file():
            raise FileNotFoundError(f"no tokenizer in {self._tokenizer_dir} (recipe.tokenizer_dir): it counts prompts")
        return tokenizer_of(self._tokenizer_dir)

    def request(self, row: Mapping[str, Any], max_length: int | None = None, has_speech: bool = False) -> Request:
        """A row of {"text", "language", "voice", "instruction", "readings"}, all but the text optional, checked;
        `max_length`: characters of the text; `has_speech`: its speech is there, so that no voice is drawn for it, or
        needed.

        Raises:
            BadField: with the field.
        """
        row = taken_apart(row, self._template_name)
        language, voice = check_string(row, "language", self._language), check_string(row, "voice", None)
        if self._languages is not None and language not in self._languages:
            raise BadField("language", f"is {language!r}, recipe.languages are {', '.join(self._languages)}")
        if not _LANGUAGE.fullmatch(language):
            raise BadField("language", f"is {language!r}, expected a code such as zh or en")
        if self._languages is None and language not in LANGUAGES:
            raise BadField("language", f"is {language!r}, which no ASR here knows (recipe.languages may name others)")
        plain = as_written if self._write is spoken else self._write
        text = check_text(row, max_length, lambda given: plain(given, language))
        if len(text) > self._max_chars:
            raise BadField("text", f"has {len(text)} characters, recipe.max_text_chars is {self._max_chars}")
        if not may_be_said(text, language):
            raise BadField("text", f"has nothing to be spoken: {text}")
        said = text
        if self._write is spoken:
            found = writing(text, language)
            said = found.text
            self.unsure += found.unsure > 0
        if any(map(str.isdecimal, said)) and not reads_numbers(language):
            self._unread[language] += 1
        if language in self._misread and self._misread[language][0].search(said):
            count, first = self._found.get(language, (0, text))
            self._found[language] = count + 1, first
        if voice is None and self._draws and not has_speech:
            voice = draw_voice(text, self._voice_names, self._seed)
        if voice is None and self._needs_voice and not has_speech:
            raise BadField(
                "voice",
                f"is missing: {self._name} speaks only with a given voice. Name one of {sorted(self.voices)[:10]}, or "
                "let recipe.voice_choice=one_per_text draw one",
            )
        readings = given_readings(row, text)
        if readings and not self.takes_readings:
            raise BadField("readings", f"{self._name} reads no phonemes (recipe.phoneme_in)")
        return Request(text, language, voice, said, self._instruction(row), readings)

    def _instruction(self, row: Mapping[str, Any]) -> str | None:
        """How the row is to be said, checked as a text is. Raises BadField."""
        given = check_string(row, "instruction", None)
        if given is None:
            return None
        if not self.takes_instructions:
            raise BadField("instruction", f"{self._name} has no place for it in its prompts (recipe.prompt_template)")
        if "system" not in (self.tokenizer.chat_template or ""):
            raise BadField(
                "instruction",
                f"the chat template in {self._tokenizer_dir} has no place for it: bash run.sh --force models",
            )
        if len(given) > self._max_chars:
            raise BadField("instruction", f"has {len(given)} characters, recipe.max_text_chars is {self._max_chars}")
        return check_text(row, None, str.strip, "instruction")

    def messages(
        self, request: Request, training: bool, prefix: Sequence[int] = (), earlier: Sequence[Said] = ()
    ) -> Messages:
        """The prompt: `training` as in phoneme_in, `prefix` the speech tokens that it ends with, `earlier` the parts of
        a long text that the voice said before; a template without a place for them has them as words and speech of the
        voice. Raises BadField."""
        said = request.written or request.text
        readings = moved(request.readings, request.text, said)
        said = self._phonemes(said, request.language, training, readings)
        try:
            voice = self.voice_of(request)
            told: dict[str, Any] = {"language": request.language, "instruction": request.instruction}
            told["prompted"] = voice is None or voice.prompted
            if earlier and self._has_turns:
                told["earlier"] = earlier
            elif earlier and voice is not None:
                voice = _after(voice, earlier, request.language)
            return self._template(said, voice=voice, speech_prefix=prefix, **told)
        except ValueError as error:
            raise BadField("voice" if request.voice else "text", str(error)) from error

    def as_read(self, request: Request, messages: Messages) -> str:
        """The text as the model reads it; of its tokens a decoding may ask so many speech tokens each. GLM-TTS counts
        the normalised text with its phonemes."""
        if self._has_turns:
            return [turn["content"] for turn in messages if turn["role"] == "user"][-1]
        return request.written or request.text

    def spoken_as(self, request: Request) -> str:
        """The text as the model reads it where it speaks (evaluation, inference): "3号" and "三号" may be one prompt.
        Raises BadField."""
        return self.as_read(request, self.messages(request, training=False))

    def voice_of(self, request: Request) -> Voice | None:
        """The request's voice, with its words written as texts of its own language are: in a recording of "3 cats" a
        German text does not make "drei" of it."""
        voice = voice_of(request.voice, self.voices)
        if voice is None or self._write is as_written:
            return voice
        if voice.name not in self._written_voices:
            self._written_voices[voice.name] = replace(voice, text=self._write(voice.text, voice.language))
        return self._written_voices[voice.name]

    def unknown(self, text: str, tokenizer: PreTrainedTokenizerBase) -> str:
        """The characters of a text that the tokenizer does not know, each once: it has another token for what it does
        not know, or, with recipe.character_tokens, none of their own (then they are spelled in bytes that the model
        never learned)."""
        known, unknown = self._known.setdefault(tokenizer.name_or_path, ({" "}, set()))
        characters = set(text) - known
        for character in characters - unknown:
            ids = tokenizer.encode(character, add_special_tokens=False)
            none = tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids
            (unknown if none or (len(ids) != 1 and self._character_tokens) else known).add(character)
        return "".join(sorted(characters & unknown))

    def warnings(self) -> list[str]:
        """Lines about texts that were taken, though the model may read them wrongly."""
        lines = [
            f"{count} rows in {language} are not in {self._misread[language][1]}, as {self._name} wants that language, "
            f"such as: {first[:40]}"
            for language, (count, first) in self._found.items()
        ]
        lines += [
            f"{count} rows hold digits, and there are no readings for {language}: heard as words they count as errors"
            for language, count in self._unread.items()
        ]
        if self.unsure:
            lines.append(f"{self.unsure} rows hold a number or sign whose reading is not sure: as it stands")
        return lines

    def ids(self, messages: Messages, tokenizer: PreTrainedTokenizerBase) -> list[int]:
        """Token ids of a prompt.

        Raises:
            BadField: more of them than recipe.max_prompt_tokens.
        """
        ids = encode_prompt(tokenizer, messages)
        if len(ids) > self.max_tokens:
            reason = f"makes, with its voice, a prompt of {len(ids)} tokens, more than recipe.max_prompt_tokens="
            raise BadField("text", f"{reason}{self.max_tokens}")
        return ids


def _after(voice: Voice, earlier: Sequence[Said], language: str) -> Voice:
    """The voice with what it said before behind its own words."""
    space = "" if language in ("zh", "yue", "ja") else " "
    text = space.join([voice.text, *(said for said, _ in earlier)])
    return replace(voice, text=text, speech_tokens=(*voice.speech_tokens, *(t for _, ts in earlier for t in ts)))
