"""GLM-TTS's own JSONL (grpo/data of zai-org/GLM-TTS, and examples/ of its inference): rows of data_prep/test_sets.py.

A line has `syn_text` to be said, `prompt_text`, `prompt_speech` (a recording), `uttid`. What GLM-TTS computes of the
recording may be there by path, a .npy or a tensor in a .pt: `prompt_speech_token`, `embedding` (CAM++, 192 numbers) and
`prompt_speech_feat` (log-mel, frames x 80); without a path, uttid.npy in a folder of that name next to the file. Such
features are taken as they are. `emotion` is a name or number of emotion2vec's; -1 is none.
"""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from speech.jsonl import BadField, Fault, Named, check, read_all
from speech.loading import array_of

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
NO_EMOTION = -1  # GLM-TTS's own number for no target
EMBEDDING, MEL = (192,), (None, 80)  # of `embedding` and `prompt_speech_feat`, without dimensions of one


class _Row(BaseModel):
    uttid: Named
    syn_text: Named
    prompt_text: Named
    prompt_speech: Named
    prompt_speech_token: str | None = None
    embedding: str | None = None
    prompt_speech_feat: str | None = None
    emotion: int | Named | None = None


def rows_of(path: Path, faults: list[Fault]) -> list[tuple]:
    """(name, text, prompt text, recording, its speech tokens, emotion, embedding's path, mel's path) of each line; what
    it does not bring is (), or None; bad ones go to `faults`."""
    found: dict[str, tuple] = {}

    def add(_: int, row: dict[str, Any]) -> None:
        given = check(_Row, row)
        if given.uttid in found:
            raise BadField("uttid", f"{given.uttid} is there twice")
        wav = _file(given.prompt_speech, path.parent)
        if wav is None:
            raise BadField("prompt_speech", f"{given.prompt_speech} is no file")
        parts = (given.syn_text, given.prompt_text, wav, _tokens(given, path.parent), _emotion(given.emotion))
        shapes = {"embedding": EMBEDDING, "prompt_speech_feat": MEL}
        features = [_features(given, field, path.parent, shape) for field, shape in shapes.items()]
        found[given.uttid] = (given.uttid, *parts, *features)

    read_all(path, add, "rows of GLM-TTS (test_set.input)", faults=faults)
    return list(found.values())


def _file(name: str, folder: Path) -> Path | None:
    """As GLM-TTS names it: from the file's folder, or from one above, such as its repository's root."""
    return next((base / name for base in (folder, *folder.parents) if (base / name).is_file()), None)


def _brought(row: _Row, field: str, folder: Path) -> tuple[Path, np.ndarray] | None:
    """The file of a field, and its numbers; None where the row brings none. Raises BadField."""
    if name := getattr(row, field):
        path = _file(name, folder)
        if path is None:
            raise BadField(field, f"{name} is no file")
    else:
        path = folder / field / f"{row.uttid}.npy"
        if not path.is_file():
            return None
    try:
        numbers = array_of(path)
    except ValueError as error:
        raise BadField(field, str(error)) from None
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise BadField(field, f"{path} holds numbers that are not finite")
    return path, numbers.squeeze()


def _tokens(row: _Row, folder: Path) -> tuple[int, ...]:
    field = "prompt_speech_token"
    if (found := _brought(row, field, folder)) is None:
        return ()
    path, tokens = found
    tokens = tokens.reshape(-1)
    if tokens.dtype.kind not in "iu" or (len(tokens) and tokens.min() < 0):
        raise BadField(field, f"{path} holds {tokens.dtype}, or numbers below 0: no speech tokens")
    return tuple(tokens.tolist())


def _features(row: _Row, field: str, folder: Path, expected: tuple[int | None, ...]) -> Path | None:
    if (found := _brought(row, field, folder)) is None:
        return None
    path, numbers = found
    fits = numbers.ndim == len(expected) and all(
        want in (None, size) for want, size in zip(expected, numbers.shape, strict=True)
    )
    if numbers.dtype.kind != "f" or not fits:
        wanted = " x ".join("frames" if size is None else str(size) for size in expected)
        raise BadField(field, f"{path} holds {numbers.dtype} of {list(numbers.shape)}, expected {wanted} real numbers")
    return path


def _emotion(given: int | str | None) -> str | None:
    if given in (None, NO_EMOTION):
        return None
    if given in EMOTIONS:
        return str(given)
    if isinstance(given, int) and 0 <= given < len(EMOTIONS):
        return EMOTIONS[given]
    raise BadField("emotion", f"is {given!r}, expected 0 to {len(EMOTIONS) - 1} or one of {', '.join(EMOTIONS)}")
