"""The voices of a zero-shot recipe: `recipe.voices` names a JSONL file of them, and a text's `voice` names one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from speech.jsonl import BadField, Named, Token, check, read_all

LANGUAGE = r"^[a-z]{2,3}$"  # of ISO 639, as the ASRs name them


@dataclass(frozen=True)
class Voice:
    """Prompt speech: a recording, what is said in it, and its speech tokens.

    Attributes:
        name: by which rows refer to it.
        text: transcript of the recording.
        speech_tokens: of the recording, what the language model continues.
        wav: path of the recording, for a token2wav that takes the voice from there; None if there is none.
        description: the voice in words, for a template that takes it so; None if there is none.
        embedding, mel: paths of the speaker's embedding and of the recording's log-mel, where they were computed
            already (GLM-TTS's rows bring them); None: a token2wav that wants them computes them of `wav`.
        language: of the words, whatever the text to be said is in; None: the file does not say.
        prompted: False: no prompt holds its words or speech tokens, the token2wav alone speaks with its recording
            (CosyVoice's inference_cross_lingual); its words need not be known.
    """

    name: str
    text: str
    speech_tokens: tuple[int, ...] = ()
    wav: str | None = None
    description: str | None = None
    embedding: str | None = None
    mel: str | None = None
    language: str | None = None
    prompted: bool = True

    @property
    def files(self) -> list[str]:
        """What it is read from, beside its line."""
        return [path for path in (self.wav, self.embedding, self.mel) if path]


class _Row(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(extra="forbid")
    name: Named
    text: Named | None = None
    speech_tokens: list[Token] | None = None
    wav: str | None = None
    description: Named | None = None
    embedding: Named | None = None
    mel: Named | None = None
    language: str | None = Field(None, pattern=LANGUAGE)
    prompted: bool = True
    transcribed: bool = False  # for who reads the file: an ASR wrote the words

    @model_validator(mode="after")
    def _says_something(self) -> "_Row":
        if not self.prompted and self.wav is None:
            raise BadField("wav", "is missing: of a voice with prompted: false nothing but its recording is used")
        if self.prompted and self.text is None and (self.speech_tokens or self.description is None):
            needs = "speech_tokens need the words that they say" if self.speech_tokens else "is missing"
            raise BadField("text", needs)
        return self


def read_voices(path: str | None, key: str = "recipe.voices") -> dict[str, Voice]:
    """{name: voice} of a JSONL file of {"name", "text", "language", "speech_tokens", "wav", "description", "embedding",
    "mel", "prompted"}; all but name and text are optional, and so is `text` beside a description or with `prompted`
    false. `wav`, `embedding` and `mel` are relative to the file. No path, no voices. `key`: the setting that names the
    file, for the message.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: lines that are no such objects, or a name that is there twice, with file, line and field.
    """
    if path is None:
        return {}
    voices: dict[str, Voice] = {}

    def add(_: int, row: dict[str, Any]) -> None:
        given = check(_Row, row)
        if given.name in voices:
            raise BadField("name", f"{given.name} is there already")
        files = {key: getattr(given, key) for key in ("wav", "embedding", "mel")}
        files = {key: None if name is None else str(Path(path).parent / name) for key, name in files.items()}
        tokens = tuple(given.speech_tokens or ())
        same = {key: getattr(given, key) for key in ("description", "language", "prompted")}
        voices[given.name] = Voice(given.name, given.text or "", tokens, **same, **files)

    read_all(path, add, f"a voice on each line ({key}), one JSON object with name and text,")
    return voices


def voice_of(name: str | None, voices: dict[str, Voice]) -> Voice | None:
    """The voice of a row. Raises ValueError for a name that is not among them."""
    if name is not None and name not in voices:
        known = ", ".join(sorted(voices)[:10]) or "none: recipe.voices names their file"
        raise ValueError(f"there is no voice {name!r}; there are {known}")
    return None if name is None else voices[name]
