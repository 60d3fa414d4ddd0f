"""GLM-TTS's own JSONL (grpo/data of zai-org/GLM-TTS, and examples/ of its inference): rows of data_prep/test_sets.py.

A line has `syn_text` to be said, `prompt_text`, `prompt_speech` (a recording), `uttid`; the recording's speech tokens
may be a .npy: `prompt_speech_token` is its path, or a folder of that name is next to the file. `emotion` is a name or
number of emotion2vec's. `embedding` and `prompt_speech_feat` are not read: the decoder computes them of the recording.
"""

from pathlib import Path

import numpy as np
from pydantic import BaseModel

from speech.jsonl import BadField, Fault, Named, check, read_rows

EMOTIONS = (
    "angry",
    "disgusted",
    "fearful",
    "happy",
    "neutral",
    "other",
    "sad",
    "surprised",
    "unknown",
)  # emotion2vec's


class _Row(BaseModel):
    uttid: Named
    syn_text: Named
    prompt_text: Named
    prompt_speech: Named
    prompt_speech_token: str | None = None
    emotion: int | Named | None = None


def rows_of(path: Path, faults: list[Fault]) -> list[tuple[str, str, str, Path, tuple[int, ...], str | None]]:
    """(name, text, prompt text, recording, its speech tokens, emotion) of each line; bad ones go to `faults`."""
    found: dict[str, tuple] = {}
    for number, raw, row in read_rows(path, expected="rows of GLM-TTS (test_set.input)"):
        try:
            if isinstance(row, BadField):
                raise row
            given = check(_Row, row)
            if given.uttid in found:
                raise BadField("uttid", f"{given.uttid} is there twice")
            wav = _file(given.prompt_speech, path.parent)
            if wav is None:
                raise BadField("prompt_speech", f"{given.prompt_speech} is no file")
            parts = (given.syn_text, given.prompt_text, wav, _tokens(given, path.parent), _emotion(given.emotion))
            found[given.uttid] = (given.uttid, *parts)
        except BadField as bad:
            faults.append(Fault(str(path), number, bad.field, bad.reason, raw))
    return list(found.values())


def _file(name: str, folder: Path) -> Path | None:
    """As GLM-TTS names it: from the file's folder, or from one above, such as its repository's root."""
    return next((base / name for base in (folder, *folder.parents) if (base / name).is_file()), None)


def _tokens(row: _Row, folder: Path) -> tuple[int, ...]:
    field = "prompt_speech_token"
    if row.prompt_speech_token:
        path = _file(row.prompt_speech_token, folder)
        if path is None:
            raise BadField(field, f"{row.prompt_speech_token} is no file")
    else:
        path = folder / field / f"{row.uttid}.npy"
        if not path.is_file():
            return ()
    try:
        tokens = np.load(path, allow_pickle=False).reshape(-1)
    except (ValueError, OSError, EOFError) as error:
        raise BadField(field, f"{path} is no array of numbers: {error}") from None
    if tokens.dtype.kind not in "iu" or (len(tokens) and tokens.min() < 0):
        raise BadField(field, f"{path} holds {tokens.dtype}, or numbers below 0: no speech tokens")
    return tuple(tokens.tolist())


def _emotion(given: int | str | None) -> str | None:
    if given is None or given in EMOTIONS:
        return None if given is None else str(given)
    if isinstance(given, int) and 0 <= given < len(EMOTIONS):
        return EMOTIONS[given]
    raise BadField("emotion", f"is {given!r}, expected 0 to {len(EMOTIONS) - 1} or one of {', '.join(EMOTIONS)}")
