"""The voices of a zero-shot recipe: `recipe.voices` names a JSONL file of them, and a text's `voice` names one."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Voice:
    """Prompt speech: a recording, what is said in it, and its speech tokens.

    Attributes:
        name: by which rows refer to it.
        text: transcript of the recording.
        speech_tokens: of the recording, what the language model continues.
        wav: path of the recording, for a token2wav that takes the voice from there; None if there is none.
        description: the voice in words, for a template that takes it so; None if there is none.
    """

    name: str
    text: str
    speech_tokens: tuple[int, ...] = ()
    wav: str | None = None
    description: str | None = None


def read_voices(path: str | None) -> dict[str, Voice]:
    """{name: voice} of a JSONL file of {"name", "text", "speech_tokens", "wav", "description"}; the last three are
    optional, and so is `text` beside a description. `wav` is relative to the file. No path, no voices.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: a line that is no such object, or a name that is there twice, with file, line and field.
    """
    if path is None:
        return {}
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{path} (recipe.voices) is missing: one JSON object with name and text on each line")
    voices: dict[str, Voice] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            voice = _voice(line, file, f"{path}:{number}")
            if voice.name in voices:
                raise ValueError(f"{path}:{number}: field 'name': {voice.name} is there already")
            voices[voice.name] = voice
    return voices


def _voice(line: str, file: Path, where: str) -> Voice:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where}: is no JSON: {error}") from None
    if not isinstance(row, dict) or set(row) - {"name", "text", "speech_tokens", "wav", "description"}:
        raise ValueError(
            f"{where}: expected an object of name, text, speech_tokens, wav, description, got {line[:100]}"
        )
    described = row.get("description") is not None
    for field in (
        "name",
        *(["description"] if described else []),
        *(["text"] if "text" in row or not described else []),
    ):
        if not isinstance(row.get(field), str) or not row[field].strip():
            raise ValueError(f"{where}: field '{field}': is no string with something in it: {row.get(field)!r}")
    tokens, wav = row.get("speech_tokens") or [], row.get("wav")
    if not isinstance(tokens, list) or not all(type(token) is int and token >= 0 for token in tokens):
        raise ValueError(f"{where}: field 'speech_tokens': is no list of whole numbers: {str(tokens)[:60]}")
    if wav is not None and not isinstance(wav, str):
        raise ValueError(f"{where}: field 'wav': is no path: {wav!r}")
    if tokens and "text" not in row:
        raise ValueError(f"{where}: field 'text': speech_tokens need the words that they say")
    path = None if wav is None else str(file.parent / wav)
    return Voice(row["name"], row.get("text", ""), tuple(tokens), path, row.get("description"))


def voice_of(name: str | None, voices: dict[str, Voice]) -> Voice | None:
    """The voice of a row. Raises ValueError for a name that is not among them."""
    if name is not None and name not in voices:
        known = ", ".join(sorted(voices)[:10]) or "none: recipe.voices names their file"
        raise ValueError(f"there is no voice {name!r}; there are {known}")
    return None if name is None else voices[name]
