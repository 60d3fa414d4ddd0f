"""A recording that somebody dropped into the page becomes a voice of this session."""

import hashlib
import os
from dataclasses import asdict
from pathlib import Path

import hydra
import soundfile
from omegaconf import DictConfig, OmegaConf

from demo.studio import Studio, StudioError
from speech.files import whole_file, write_jsonl
from speech.templates import takes_unprompted
from speech.voices import Voice
from speech.waves import AudioLimits, read_wave


def takes_voices(cfg: DictConfig) -> bool:
    """Whether the recipe's models speak with a given voice."""
    return OmegaConf.select(cfg, "voices.encoder") is not None


def heard_words(cfg: DictConfig, studio: Studio, uploaded: str | None, language: str | None = None) -> str:
    """What the reward's ASR hears in a recording, to be corrected by who made it. Arguments: new_voice.

    Raises:
        StudioError: no recording, or one in which nothing can be heard.
    """
    if uploaded is None:
        raise StudioError("there is no recording yet")
    limits = AudioLimits(cfg.voices.max_seconds, key="voices.max_seconds")
    try:
        heard = studio.hear(uploaded, language or cfg.recipe.language, limits)
    except ValueError as error:
        raise StudioError(f"this recording cannot be heard: {_told(error, uploaded)}") from error
    if not heard:
        raise StudioError("nothing is heard in this recording")
    return heard


def new_voice(cfg: DictConfig, studio: Studio, uploaded: str | None, words: str, language: str | None = None) -> str:
    """Encodes the recording, writes it and all voices to demo.voices_dir, and lets the studio read them again.

    Args:
        uploaded: file that the page's upload wrote: WAV, FLAC, OGG or MP3, whatever its name says.
        words: what is said in it; none where the recipe's prompts can do without: the flow alone speaks with it.
        language: of the words; None: the recipe's.

    Returns:
        The voice's name, by its content.

    Raises:
        StudioError: this recipe has one voice only; no recording, no words, not audio, or too long.
    """
    if not takes_voices(cfg):
        raise StudioError(f"{cfg.recipe.name} speaks with one voice only")
    words = words.strip()
    unprompted = takes_unprompted(cfg.recipe.prompt_template) and not words
    if uploaded is None or not (words or unprompted):
        raise StudioError("a voice is a recording and the words that are said in it")
    if len(words) > cfg.recipe.max_text_chars:
        raise StudioError(f"the words have {len(words)} characters, at most {cfg.recipe.max_text_chars} are read")
    encoder = hydra.utils.instantiate(cfg.voices.encoder)
    limits = AudioLimits(cfg.voices.max_seconds, key="voices.max_seconds")
    try:
        with soundfile.SoundFile(uploaded) as file:
            rate = file.samplerate
        wave = read_wave(uploaded, rate, limits)
        (tokens,) = encoder.encode([read_wave(uploaded, encoder.sample_rate, limits)])
    except (ValueError, soundfile.SoundFileError) as error:
        raise StudioError(f"this recording cannot be used: {_told(error, uploaded)}") from error
    if not len(tokens):
        raise StudioError("this recording is shorter than one speech token")
    name = "recorded-" + hashlib.sha256(wave.tobytes() + words.encode()).hexdigest()[:8]
    folder = Path(cfg.demo.voices_dir).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / f"{name}.wav") as temporary:
        soundfile.write(temporary, wave, rate, format="WAV", subtype="PCM_16")
    voice = Voice(
        name, words, tuple(tokens.tolist()), str(folder / f"{name}.wav"), language=language, prompted=not unprompted
    )
    voices = (studio.prompts.voices | {name: voice}).values()
    write_jsonl(str(folder / "voices.jsonl"), (_row(one, folder) for one in voices))
    studio.read_voices(str(folder / "voices.jsonl"))
    return name


def _told(error: Exception, uploaded: str) -> str:
    """The message without the server's path of the upload."""
    return str(error).replace(uploaded, "the file").replace(repr(uploaded), "the file")


def _row(voice: Voice, folder: Path) -> dict:
    """Of a file in this folder, from where its paths go out: both can be moved together."""
    given = {key: value for key, value in asdict(voice).items() if value not in (None, (), "", True)}
    paths = {key: Path(given[key]).resolve() for key in ("wav", "embedding", "mel") if key in given}
    return given | {key: os.path.relpath(path, folder) for key, path in paths.items()}
